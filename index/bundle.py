"""The index bundle: one folder with all that serving a programme needs, checked byte for byte.

    var/index/<slug> → .versions/<slug>-<version>/     a link: a new version is turned on at once
        manifest.json    format, version, model, counts, sha256 of every other file
        programme.json   description, sections, passages, old ids
        vectors.faiss    all vectors
        rows.npz         what each vector stands for
        lexicon.npz      the inverted indexes
        encoder/         the compiled query encoder and its calibration

No file is ever executed or unpickled: JSON, plain arrays, FAISS and ONNX, each only after its
checksum.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from index import confidence, lexicon
from index.confidence import Confidence
from index.errors import BundleError, BundleLocked
from index.lexicon import Lexicon
from index.query_encoder import OnnxEncoder
from index.search import Searcher
from index.types import Heading, Info, Paragraph, Passage, Piece, Section, Vectors
from index.vectors import Rows, VectorIndex

FORMAT = 2
MANIFEST, PROGRAMME, VECTORS, ROWS, LEXICON, ENCODER = (
    "manifest.json", "programme.json", "vectors.faiss", "rows.npz", "lexicon.npz", "encoder",
)  # fmt: skip
VERSIONS = ".versions"
KEPT = 2  # versions left on disk: the served one, and the last, which a server may be reading yet
AGAIN = "run ingest.py for this programme again"


@dataclass(frozen=True)
class Manifest:
    """What a bundle says of itself. `version` changes with the text, the description or the
    model.
    """

    format: int
    slug: str
    version: str
    document_sha256: str
    model: str
    model_sha256: str
    dimension: int
    counts: Mapping[str, int]
    files: Mapping[str, str]  # relative path → sha256


@dataclass(frozen=True)
class Bundle:
    """A programme ready to be searched."""

    manifest: Manifest
    info: Info
    sections: tuple[Section, ...]
    passages: tuple[Passage, ...]
    aliases: Mapping[str, str]  # ids of earlier versions → the passage that took their place
    vectors: VectorIndex
    lexicon: Lexicon
    encoder: OnnxEncoder
    calibration: Confidence

    def searcher(self) -> Searcher:
        """Search over this programme."""
        return Searcher(self.passages, self.vectors, self.lexicon, self.encoder, self.calibration)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the bundle in `folder`.

    Raises BundleError where it is missing, damaged or of another format.
    """
    path = folder / MANIFEST
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest(**table)
    except FileNotFoundError as error:
        raise BundleError(folder, "no bundle here", AGAIN) from error
    except (OSError, ValueError, TypeError) as error:
        raise BundleError(path, f"damaged ({error})", AGAIN) from error
    if manifest.format != FORMAT:
        raise BundleError(path, f"format {manifest.format}, this program reads {FORMAT}", AGAIN)
    return manifest


def load(folder: Path) -> Bundle:
    """The bundle in `folder`, after every file's checksum was found right.

    Raises BundleError naming the first file that is not as the manifest says.
    """
    folder = folder.resolve()  # a version switch while loading must not mix two versions
    manifest = read_manifest(folder)
    verify(folder, manifest)
    try:
        table = json.loads((folder / PROGRAMME).read_text(encoding="utf-8"))
        rows = _rows(folder / ROWS)
        return Bundle(
            manifest=manifest,
            info=_info(table["info"]),
            sections=tuple(_section(section) for section in table["sections"]),
            passages=tuple(_passage(passage) for passage in table["passages"]),
            aliases=table["aliases"],
            vectors=VectorIndex.from_bytes((folder / VECTORS).read_bytes(), rows),
            lexicon=_lexicon(folder / LEXICON),
            encoder=OnnxEncoder(folder / ENCODER),
            calibration=confidence.load(folder / ENCODER),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(folder, f"its files don't fit together ({error})", AGAIN) from error


def verify(folder: Path, manifest: Manifest) -> None:
    """Compare every file with the manifest.

    Raises BundleError naming the first file that is missing, changed or surplus.
    """
    present = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} - {MANIFEST}
    surplus = sorted(present - set(manifest.files))
    if surplus:
        raise BundleError(folder / surplus[0], "not in the manifest", AGAIN)
    for name, expected in sorted(manifest.files.items()):
        path = folder / name
        if name not in present:
            raise BundleError(path, "missing", AGAIN)
        if sha256(path) != expected:
            raise BundleError(path, "damaged: its checksum is not the manifest's", AGAIN)


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def writing(root: Path, slug: str) -> Iterator[Path]:
    """A fresh folder to write a bundle into; when the block ends well, it takes the old one's
    place.

    Whatever happens in between, `root/slug` shows the old bundle or the new one, whole.

    Raises BundleError where `root` can't be written, BundleLocked where another ingest is at it.
    """
    versions = root / VERSIONS
    try:
        versions.mkdir(parents=True, exist_ok=True)
        lock = (versions / f"{slug}.lock").open("w")
    except OSError as error:
        raise BundleError(
            root, f"can't be written ({error.strerror})", "choose another --out"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BundleLocked(
                root / slug, "another ingest is writing it", "wait for it"
            ) from error
        for abandoned in versions.glob(f".{slug}-*"):  # of an ingest that was killed
            shutil.rmtree(abandoned, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{slug}-", dir=versions))
        try:
            yield fresh
            _turn_on(root, slug, fresh)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def _turn_on(root: Path, slug: str, fresh: Path) -> None:
    manifest = read_manifest(fresh)
    fresh.chmod(0o755)
    link = root / slug
    target = root / VERSIONS / f"{slug}-{manifest.version}"
    if not (link.is_symlink() and link.resolve() == target.resolve() and target.is_dir()):
        shutil.rmtree(target, ignore_errors=True)
        _sync(fresh)
        fresh.rename(target)
        if link.exists() and not link.is_symlink():
            raise BundleError(link, "is a folder, not a link to a version", "move it away")
        aside = root / VERSIONS / f".{slug}-link"
        aside.unlink(missing_ok=True)
        aside.symlink_to(os.path.relpath(target, root))
        aside.replace(link)
    _remove_old(root, slug, target)


def _sync(folder: Path) -> None:
    """Onto the disk before the link turns, so that a power cut can't leave it pointing at
    nothing.
    """
    for path in [*folder.rglob("*"), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_old(root: Path, slug: str, current: Path) -> None:
    olds = [p for p in (root / VERSIONS).glob(f"{slug}-*") if p.is_dir() and p != current]
    olds = [p for p in olds if _slug_of(p) == slug]
    for path in sorted(olds, key=lambda p: p.stat().st_mtime)[: -(KEPT - 1) or None]:
        shutil.rmtree(path, ignore_errors=True)


def _slug_of(folder: Path) -> str:
    return folder.name.rpartition("-")[0]


def write(folder: Path, bundle_parts: Parts) -> Manifest:
    """Write every file of a bundle into `folder`, whose `encoder/` is there already; manifest
    last.
    """
    table = {
        "info": asdict(bundle_parts.info),
        "sections": [asdict(section) for section in bundle_parts.sections],
        "passages": [asdict(passage) for passage in bundle_parts.passages],
        "aliases": dict(bundle_parts.aliases),
    }
    (folder / PROGRAMME).write_text(json.dumps(table, ensure_ascii=False), encoding="utf-8")
    index = VectorIndex(bundle_parts.vectors, bundle_parts.rows)
    (folder / VECTORS).write_bytes(index.to_bytes())
    rows = bundle_parts.rows
    (folder / ROWS).write_bytes(
        _npz({"kind": rows.kind, "owner": rows.owner, "part": rows.part, "digest": rows.digest})
    )
    (folder / LEXICON).write_bytes(_npz(lexicon.to_arrays(bundle_parts.lexicon)))
    files = {
        str(p.relative_to(folder)): sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()
    }
    counts = {
        "sections": len(bundle_parts.sections),
        "passages": len(bundle_parts.passages),
        "vectors": len(rows),
    }
    manifest = Manifest(
        FORMAT, bundle_parts.info.slug, bundle_parts.version, bundle_parts.document_sha256,
        bundle_parts.model, bundle_parts.model_sha256, index.dimension,
        counts, files,
    )  # fmt: skip
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
    return manifest


@dataclass(frozen=True)
class Parts:
    """What `write` writes."""

    info: Info
    version: str
    document_sha256: str
    model: str
    model_sha256: str
    sections: tuple[Section, ...]
    passages: tuple[Passage, ...]
    aliases: Mapping[str, str]
    vectors: Vectors
    rows: Rows
    lexicon: Lexicon


def _npz(arrays: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _rows(path: Path) -> Rows:
    with np.load(path, allow_pickle=False) as arrays:
        return Rows(arrays["kind"], arrays["owner"], arrays["part"], arrays["digest"])


def _lexicon(path: Path) -> Lexicon:
    with np.load(path, allow_pickle=False) as arrays:
        return lexicon.from_arrays({name: arrays[name] for name in arrays.files})


def _info(table: dict[str, Any]) -> Info:
    bank = {heading: tuple(questions) for heading, questions in table["bank"].items()}
    return Info(**{**table, "imprint": tuple(table["imprint"]), "bank": bank})


def _section(table: dict[str, Any]) -> Section:
    paragraphs = tuple(_paragraph(paragraph) for paragraph in table["paragraphs"])
    heading, chapter = Heading(**table["heading"]), Heading(**table["chapter"])
    return Section(table["id"], table["level"], heading, chapter, paragraphs)


def _paragraph(table: dict[str, Any]) -> Paragraph:
    turns = tuple((offset, page) for offset, page in table["turns"])
    return Paragraph(table["text"], table["page"], turns)


def _passage(table: dict[str, Any]) -> Passage:
    spans = tuple((start, end) for start, end in table["sentences"])
    pieces = tuple(Piece(**piece) for piece in table["pieces"])
    pages = table["page"], table["end_page"]
    return Passage(table["id"], table["section"], table["text"], spans, pieces, *pages)
