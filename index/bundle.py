"""The index bundle: one folder with all that serving a programme needs, checked byte for byte.

    var/index/<slug> → .versions/<slug>-<version>/     a link: a new version is turned on at once
        manifest.json    format, version, model, counts, sha256 of every other file
        programme.json   description, sections, passages, old ids
        vectors.faiss    all vectors
        rows.npz         what each vector stands for
        lexicon.npz      the inverted indexes
        encoder/         the compiled query encoder and its calibration
    var/index/.encoders/                         one copy of each encoder's files, linked to

No file is ever executed or unpickled: JSON, plain arrays, FAISS and ONNX, each only after its
checksum. What is parsed is what was checked: a folder that changes while it is read gives an error,
never a mixture.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index import checksums, confidence, lexicon
from index.confidence import Confidence
from index.errors import BundleError
from index.lexicon import Lexicon
from index.manifest import AGAIN, FORMAT, MANIFEST, Manifest, read_manifest, write_manifest
from index.query_encoder import ENCODERS, EVERY, FILES, OnnxEncoder
from index.rankers import Embedded, Rankers
from index.search import Searcher
from index.types import Heading, Info, Paragraph, Passage, Piece, Section, Vectors
from index.vectors import Rows, VectorIndex

PROGRAMME, VECTORS, ROWS, LEXICON, ENCODER = (
    "programme.json", "vectors.faiss", "rows.npz", "lexicon.npz", "encoder",
)  # fmt: skip
VERSIONS = ".versions"
SHARED = frozenset(f"{ENCODER}/{name}" for name in EVERY)  # between bundles: not read for each
CALIBRATION = f"{ENCODER}/{confidence.FILE}"
_reading = threading.Lock()


@dataclass(frozen=True)
class Contents:
    """What a programme says."""

    info: Info
    sections: tuple[Section, ...]
    passages: tuple[Passage, ...]
    aliases: Mapping[str, str]  # ids of earlier versions → the passage that took their place


@dataclass(frozen=True)
class Bundle(Contents):
    """A programme ready to be searched."""

    manifest: Manifest
    rows: Rows
    rankers: Rankers
    lexicon: Lexicon
    encoder: OnnxEncoder
    encoder_folder: Path  # where the encoder's files lie
    calibration: Confidence

    def searcher(self) -> Searcher:
        """Search over this programme."""
        return Searcher(self.passages, self.rankers, self.lexicon, self.encoder, self.calibration)


def load(folder: Path) -> Bundle:
    """The bundle in `folder`, after every file's checksum was found right.

    Bundles with the same encoder share one in memory. Raises BundleError naming the first file that
    is not as the manifest says.
    """
    folder = folder.resolve()  # a version switch while loading must not mix two versions
    manifest = read_manifest(folder)
    with fitting(folder):
        files = checked(folder, manifest)
        sums = encoder_sums(manifest)
        encoder = ENCODERS.get(sums, lambda: _encoder(folder, manifest))
        return assemble(
            manifest, files, encoder, folder / ENCODER, _embedded(files, manifest.index)
        )


@contextmanager
def fitting(place: object) -> Iterator[None]:
    """Whatever files with the right checksums can do wrong is a BundleError."""
    try:
        yield
    except OSError as error:
        raise BundleError(place, f"can't be read, or changed meanwhile ({error})", AGAIN) from error
    except (
        LookupError, TypeError, ValueError, AttributeError, RuntimeError, EOFError,
        zipfile.BadZipFile,
    ) as error:  # fmt: skip
        problem = f"its files don't fit together ({type(error).__name__}: {error})"
        raise BundleError(place, problem, AGAIN) from error


Connect = Callable[[Rows, Lexicon, tuple[Passage, ...]], Rankers]


def assemble(
    manifest: Manifest,
    files: Mapping[str, Any],
    encoder: OnnxEncoder,
    encoder_folder: Path,
    rankers: Connect,
) -> Bundle:
    """A bundle from its small files' contents by name; `rankers` says where its vectors are.

    Call it inside `fitting`.
    """
    said = contents(files[PROGRAMME])
    if said.info.slug != manifest.slug:
        raise ValueError(f"{PROGRAMME} is about {said.info.slug}")
    rows, words = _rows(files[ROWS]), lexicon.from_arrays(_arrays(files[LEXICON]))
    return Bundle(
        **vars(said),
        manifest=manifest,
        rows=rows,
        rankers=rankers(rows, words, said.passages),
        lexicon=words,
        encoder=encoder,
        encoder_folder=encoder_folder,
        calibration=confidence.parse(files[CALIBRATION])
        if CALIBRATION in files
        else confidence.UNCALIBRATED,
    )


def contents(programme: bytes) -> Contents:
    """What programme.json holds. Call it inside `fitting`."""
    table = json.loads(programme)
    return Contents(
        info=info(table["info"]),
        sections=tuple(_section(section) for section in table["sections"]),
        passages=tuple(_passage(passage) for passage in table["passages"]),
        aliases=table["aliases"],
    )


def to_bytes(said: Contents | Parts) -> bytes:
    """As programme.json holds it."""
    table = {
        "info": asdict(said.info),
        "sections": [asdict(section) for section in said.sections],
        "passages": [asdict(passage) for passage in said.passages],
        "aliases": dict(said.aliases),
    }
    return json.dumps(table, ensure_ascii=False).encode()


def encoder_sums(manifest: Manifest) -> dict[str, str]:
    """The SHA-256 of each of the encoder's files."""
    names = [name for name in EVERY if name in FILES or f"{ENCODER}/{name}" in manifest.files]
    return {name: manifest.files[f"{ENCODER}/{name}"] for name in names}


def _embedded(files: Mapping[str, Any], kind: str) -> Connect:
    def connect(rows: Rows, words: Lexicon, passages: tuple[Passage, ...]) -> Rankers:
        vectors = VectorIndex.from_bytes(files[VECTORS], rows, kind)
        return Embedded(vectors, words, [passage.section for passage in passages])

    return connect


def checked(folder: Path, manifest: Manifest) -> dict[str, Any]:
    """Every file's content, but for the encoder's big ones, after comparing it with the manifest.

    Raises BundleError naming the first file that is missing, changed or surplus.
    """
    present = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} - {MANIFEST}
    surplus = sorted(present - set(manifest.files))
    if surplus:
        raise BundleError(folder / surplus[0], "not in the manifest", AGAIN)
    read: dict[str, Any] = {}
    for name in sorted(manifest.files):
        if name not in present:
            raise BundleError(folder / name, "missing", AGAIN)
        if name not in SHARED:
            read[name] = _bytes(folder, name, manifest)
        else:
            _check_big(folder, name, manifest)
    return read


def _encoder(folder: Path, manifest: Manifest) -> OnnxEncoder:
    made = OnnxEncoder(folder / ENCODER, lasting=_lasts(folder))
    for name in SHARED & manifest.files.keys():  # still what was checked: many bundles will use it
        _check_big(folder, name, manifest)
    return made


def _check_big(folder: Path, name: str, manifest: Manifest) -> None:
    if checksums.of_unchanged(folder / name) != manifest.files[name]:
        raise _damaged(folder / name)


def _bytes(folder: Path, name: str, manifest: Manifest) -> bytes | mmap:
    if name == VECTORS and _lasts(folder):
        content = _mapped(folder / name)
    else:
        content = (folder / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != manifest.files[name]:
        raise _damaged(folder / name)
    return content


def _lasts(folder: Path) -> bool:
    """A version that ingest wrote is never changed in place, only removed, which leaves what is
    mapped; a folder that somebody copied here might be.
    """
    return folder.parent.name == VERSIONS


def _mapped(path: Path) -> bytes | mmap:
    """A file's content, in memory once for all processes that use it."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return b""  # can't be mapped
        return mmap(file.fileno(), 0, access=ACCESS_READ)


def _damaged(path: Path) -> BundleError:
    return BundleError(path, "damaged: its checksum is not the manifest's", AGAIN)


def write(folder: Path, bundle_parts: Parts) -> Manifest:
    """Write every file of a bundle into `folder`, whose `encoder/` is there already; manifest
    last.
    """
    (folder / PROGRAMME).write_bytes(to_bytes(bundle_parts))
    index = VectorIndex(bundle_parts.vectors, bundle_parts.rows)
    (folder / VECTORS).write_bytes(index.to_bytes())
    rows = bundle_parts.rows
    (folder / ROWS).write_bytes(
        _npz({"kind": rows.kind, "owner": rows.owner, "part": rows.part, "digest": rows.digest})
    )
    (folder / LEXICON).write_bytes(_npz(lexicon.to_arrays(bundle_parts.lexicon)))
    files = {
        str(p.relative_to(folder)): checksums.sha256(p)
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }
    counts = {
        "sections": len(bundle_parts.sections),
        "passages": len(bundle_parts.passages),
        "vectors": len(rows),
    }
    manifest = Manifest(
        FORMAT, bundle_parts.info.slug, bundle_parts.version, bundle_parts.document_sha256,
        bundle_parts.model, bundle_parts.model_sha256, index.dimension,
        counts, files, index.kind,
    )  # fmt: skip
    write_manifest(folder, asdict(manifest))
    return read_manifest(folder)


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


def _arrays(content: bytes) -> dict[str, NDArray[Any]]:
    """One at a time: NumPy reads an array's head with `ast.literal_eval`, and Python 3.11 counts
    the depth of all threads' syntax trees in one place; two at once may end in a SystemError.
    """
    with _reading, np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _rows(content: bytes) -> Rows:
    arrays = _arrays(content)
    return Rows(arrays["kind"], arrays["owner"], arrays["part"], arrays["digest"])


def info(table: dict[str, Any]) -> Info:
    """A description, as `asdict` took it apart."""
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
