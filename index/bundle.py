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

import fcntl
import hashlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np

from index import checksums, confidence, encoder_store, lexicon
from index.checksums import sha256 as sha256
from index.confidence import Confidence
from index.description import SLUG
from index.errors import BundleError, BundleLocked
from index.lexicon import Lexicon
from index.query_encoder import ENCODERS, FILES, OnnxEncoder
from index.rankers import Embedded, Rankers
from index.search import Searcher
from index.types import Heading, Info, Paragraph, Passage, Piece, Section, Vectors
from index.vectors import FLAT, Rows, VectorIndex

FORMAT = 2
MANIFEST, PROGRAMME, VECTORS, ROWS, LEXICON, ENCODER = (
    "manifest.json", "programme.json", "vectors.faiss", "rows.npz", "lexicon.npz", "encoder",
)  # fmt: skip
VERSIONS = ".versions"
KEPT = 2  # versions left on disk: the served one, and the last, which a server may be reading yet
AGAIN = "run ingest.py for this programme again"
SHARED = frozenset(f"{ENCODER}/{name}" for name in FILES)  # between bundles: not read for each
CALIBRATION = f"{ENCODER}/{confidence.FILE}"

Stamp = tuple[object, ...]  # equal as long as a folder is the same


@dataclass(frozen=True)
class Manifest:
    """What a bundle says of itself. `version` changes with the text, the description, the model,
    or what a later program makes of them.
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
    index: str = FLAT  # how its vectors are searched: see index.vectors
    seal: str = ""  # sha256 of all the above; bundles of before November 2026 have none


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


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the bundle in `folder`.

    Raises BundleError where it is missing, damaged or of another format.
    """
    path = folder / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BundleError(folder, f"no bundle here (no {MANIFEST})", AGAIN) from error
    except (OSError, ValueError) as error:
        raise BundleError(path, f"damaged ({error})", AGAIN) from error
    return parse_manifest(text, path)


def parse_manifest(text: str, path: object) -> Manifest:
    """The manifest that `text` holds; `path` is where it was found.

    Raises BundleError where it is damaged or of another format.
    """
    try:
        table = json.loads(text)
        manifest = Manifest(**table)
    except (ValueError, TypeError) as error:
        raise BundleError(path, f"damaged ({error})", AGAIN) from error
    if manifest.format != FORMAT:
        raise BundleError(path, f"format {manifest.format}, this program reads {FORMAT}", AGAIN)
    if not (isinstance(manifest.slug, str) and SLUG.match(manifest.slug)):
        raise BundleError(path, "its slug is none", "use a-z, 0-9 and hyphens")
    if not isinstance(manifest.files, dict):
        raise BundleError(path, "damaged (files)", AGAIN)
    if manifest.seal and text != sealed(table):
        raise BundleError(path, "damaged: its seal is not right", AGAIN)
    return manifest


def write_manifest(folder: Path, table: Mapping[str, Any]) -> None:
    """Write the manifest, sealed: not against forgers, but so that every byte of it counts."""
    (folder / MANIFEST).write_text(sealed(table), encoding="utf-8")


def sealed(table: Mapping[str, Any]) -> str:
    """The manifest as it is written: with the checksum of all the rest."""
    rest = {name: value for name, value in table.items() if name != "seal"}
    seal = hashlib.sha256(json.dumps(rest).encode()).hexdigest()
    return json.dumps({**rest, "seal": seal}, indent=1)


def load(folder: Path) -> Bundle:
    """The bundle in `folder`, after every file's checksum was found right.

    Bundles with the same encoder share one in memory. Raises BundleError naming the first file that
    is not as the manifest says.
    """
    folder = folder.resolve()  # a version switch while loading must not mix two versions
    manifest = read_manifest(folder)
    with fitting(folder):
        files = _checked(folder, manifest)
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
    rows, words = _rows(files[ROWS]), _lexicon(files[LEXICON])
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
    return {name: manifest.files[f"{ENCODER}/{name}"] for name in FILES}


def _embedded(files: Mapping[str, Any], kind: str) -> Connect:
    def connect(rows: Rows, words: Lexicon, passages: tuple[Passage, ...]) -> Rankers:
        vectors = VectorIndex.from_bytes(files[VECTORS], rows, kind)
        return Embedded(vectors, words, [passage.section for passage in passages])

    return connect


def _checked(folder: Path, manifest: Manifest) -> dict[str, Any]:
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
    made = OnnxEncoder(folder / ENCODER)
    for name in SHARED:  # still what was checked: many bundles will use it
        _check_big(folder, name, manifest)
    return made


def _check_big(folder: Path, name: str, manifest: Manifest) -> None:
    if checksums.of_unchanged(folder / name) != manifest.files[name]:
        raise _damaged(folder / name)


def _bytes(folder: Path, name: str, manifest: Manifest) -> bytes | mmap:
    # A version that ingest wrote is never changed in place, only removed, which leaves what is
    # mapped; a folder that somebody copied here might be.
    if name == VECTORS and folder.parent.name == VERSIONS:
        content = _mapped(folder / name)
    else:
        content = (folder / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != manifest.files[name]:
        raise _damaged(folder / name)
    return content


def _mapped(path: Path) -> bytes | mmap:
    """A file's content, in memory once for all processes that use it."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return b""  # can't be mapped
        return mmap(file.fileno(), 0, access=ACCESS_READ)


def _damaged(path: Path) -> BundleError:
    return BundleError(path, "damaged: its checksum is not the manifest's", AGAIN)


def look(root: Path) -> dict[str, Stamp]:
    """What may be a bundle under `root`, by name: folders, links that lead to one or nowhere;
    each with a stamp that changes when another bundle takes its place.

    One look at the disk for each, since a server does this every other second. Raises OSError.
    """
    found: dict[str, Stamp] = {}
    with os.scandir(root) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                stamp = _stamp(f"{entry.path}/{MANIFEST}")
                # of os.path, since a link that leads to itself is no error there
                if stamp or os.path.isdir(entry.path) or not os.path.exists(entry.path):
                    found[entry.name] = stamp
    return found


def _stamp(path: str) -> Stamp:
    try:
        return _status(path)
    except OSError:
        return ()


def stamp_of_all(folder: Path) -> Stamp:
    """Changes when any file of the folder does."""
    try:
        return tuple((str(path), *_status(path)) for path in sorted(folder.rglob("*")))
    except OSError:
        return ()


def _status(path: Path | str) -> tuple[int, ...]:
    status = os.stat(path)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


@contextmanager
def writing(root: Path, slug: str) -> Iterator[Path]:
    """A fresh folder to write a bundle into; when the block ends well, it takes the old one's
    place.

    Whatever happens in between, `root/slug` shows the old bundle or the new one, whole.

    Raises BundleError where `root` can't be written, BundleLocked where another ingest is at it.
    """
    with _alone(root, slug) as versions:
        for abandoned in _of(versions, f".{slug}"):  # by an ingest that was killed
            shutil.rmtree(abandoned, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{slug}-", dir=versions))
        try:
            yield fresh
            _turn_on(root, slug, fresh)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


@contextmanager
def _alone(root: Path, slug: str) -> Iterator[Path]:
    """The folder of versions, for one writer of this programme."""
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
        yield versions


def _turn_on(root: Path, slug: str, fresh: Path) -> None:
    manifest = read_manifest(fresh)
    fresh.chmod(0o755)
    link = root / slug
    if link.exists() and not link.is_symlink():
        raise BundleError(link, "is a folder, not a link to a version", "move it away")
    target = root / VERSIONS / f"{slug}-{manifest.version}"
    shared = {name: digest for name, digest in manifest.files.items() if name in SHARED}
    if _is_served(link, target) and _is_whole(target):
        encoder_store.share(root, target, shared)
    else:
        target = _free(link, target)
        encoder_store.share(root, fresh, shared)
        os.utime(fresh)  # versions are removed by age, whatever was copied into this one
        _sync(fresh)
        fresh.rename(target)
        aside = root / VERSIONS / f".{slug}-link"
        aside.unlink(missing_ok=True)
        aside.symlink_to(os.path.relpath(target, root))
        aside.replace(link)
    _remove_old(root, slug, target)
    encoder_store.prune(root)


def _is_served(link: Path, target: Path) -> bool:
    return link.is_symlink() and link.resolve() == target.resolve()


def _is_whole(folder: Path) -> bool:
    try:
        _checked(folder, read_manifest(folder))
    except (BundleError, OSError):
        return False
    return True


def _free(link: Path, target: Path) -> Path:
    """`target`, or a name beside it where that is served, but damaged: nothing served is
    removed.
    """
    number = 1
    chosen = target
    while _is_served(link, chosen):
        number += 1
        chosen = target.with_name(f"{target.name}.{number}")
    shutil.rmtree(chosen, ignore_errors=True)
    return chosen


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
    olds = [path for path in _of(root / VERSIONS, slug) if path != current]
    for path in sorted(olds, key=lambda p: p.stat().st_mtime)[: -(KEPT - 1) or None]:
        shutil.rmtree(path, ignore_errors=True)


def _of(versions: Path, name: str) -> list[Path]:
    """The folders called `name`, a hyphen, and what has none: of spd, not of spd-dortmund."""
    found = versions.glob(f"{name}-*")
    return [path for path in found if path.name.rpartition("-")[0] == name and path.is_dir()]


def remove(root: Path, slug: str) -> None:
    """Let go of a programme: its link, then its versions; nothing where there is none.

    Raises BundleError where another ingest is writing it.
    """
    link = root / slug
    if not link.is_symlink():
        return
    with _alone(root, slug):
        link.unlink()
        for path in _of(root / VERSIONS, slug):
            shutil.rmtree(path, ignore_errors=True)
    encoder_store.prune(root)


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


def _rows(content: bytes) -> Rows:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return Rows(arrays["kind"], arrays["owner"], arrays["part"], arrays["digest"])


def _lexicon(content: bytes) -> Lexicon:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return lexicon.from_arrays({name: arrays[name] for name in arrays.files})


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
