"""The pipeline from a programme's folder to its bundle, one screen."""

from __future__ import annotations

import difflib
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index import bundle, confidence, description, lexicon, links, passages, readers, structure
from index.bundle import Bundle, Parts
from index.checksums import sha256
from index.encoder import Encoder
from index.errors import BundleError, DocumentError
from index.lexicon import Lexicon
from index.manifest import FORMAT, Manifest
from index.types import Document, Info, Passage, Programme, Section, Vectors
from index.vectors import Kind, Rows
from index.versions import writing

Progress = Callable[
    [str, int], AbstractContextManager[Callable[[int], None]]
]  # label, steps → advance


@dataclass(frozen=True)
class Draft:
    """A programme read and cut, before anything is encoded."""

    info: Info
    document: Path
    source: Document
    programme: Programme
    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Summary:
    """What an ingest did, for the table at its end."""

    draft: Draft
    manifest: Manifest
    encoded: int
    reused: int
    seconds: float


def silent(_: str, __: int) -> AbstractContextManager[Callable[[int], None]]:
    """No progress is shown."""
    return nullcontext(lambda _: None)


def read(folder: Path, progress: Progress = silent, source: Document | None = None) -> Draft:
    """Read and cut the programme in `folder`; with `source`, its document has been read already.

    Raises DocumentError naming the file, line or key that is wrong.
    """
    info = description.read(folder)
    document = folder / info.document
    draft = cut(info, document, source or read_document(document, progress))
    _check_bank(folder, info, draft.programme.sections)
    return draft


def read_document(path: Path, progress: Progress = silent) -> Document:
    """What the reader of its format finds in `path`.

    Raises DocumentError naming the file, line or page that is wrong.
    """
    with progress("read", 100) as advance:
        shown = 0

        def watch(done: int, all_: int) -> None:
            nonlocal shown
            advance(100 * done // all_ - shown)
            shown = 100 * done // all_

        found = readers.read(path, watch)
        advance(100 - shown)
        return found


def cut(info: Info, document: Path, source: Document) -> Draft:
    """A document cut into sections and passages."""
    programme = structure.programme(source, document)
    return Draft(info, document, source, programme, passages.cut(programme))


def build(
    folder: Path, root: Path, model: str, progress: Progress, source: Document | None = None
) -> Summary:
    """Compile the programme in `folder` to `root/<slug>`; the bundle there is replaced at the end.

    Raises DocumentError, ModelError or BundleError; the former bundle is then untouched.
    """
    began = time.monotonic()
    draft = read(folder, progress, source)
    with writing(root, draft.info.slug) as fresh:
        with progress("load encoder", 1) as advance:
            encoder = Encoder(model)
            fingerprint = encoder.fingerprint()
            encoder.compile(fresh / bundle.ENCODER)
            asking = _copy_calibration(encoder, fresh / bundle.ENCODER) + encoder.light()
            advance(1)
        served = served_bundle(root / draft.info.slug)
        texts, rows = _rows(draft)
        known = _known_vectors(served, fingerprint)
        vectors, encoded = _encode(encoder, texts, rows, known, progress)
        rows = _assign_bank(draft, rows, vectors)
        words = lexicon.build(
            [p.text for p in draft.passages], [_headings(draft, p) for p in draft.passages]
        )
        document_hash = sha256(draft.document)
        parts = Parts(
            draft.info, _version(draft, fingerprint, asking, rows, words), document_hash,
            model, fingerprint, draft.programme.sections, draft.passages, aliases(served, draft),
            vectors, rows, words,
        )  # fmt: skip
        manifest = bundle.write(fresh, parts)
    return Summary(draft, manifest, encoded, len(rows) - encoded, time.monotonic() - began)


def served_bundle(folder: Path) -> Bundle | None:
    """The bundle that is served now; None where there is none that can be read."""
    try:
        return bundle.load(folder)
    except BundleError:
        return None


def _check_bank(folder: Path, info: Info, sections: Sequence[Section]) -> None:
    headings = {section.heading.original for section in sections} | {
        s.heading.text for s in sections
    }
    unknown = [heading for heading in info.bank if heading not in headings]
    if unknown:
        place = f"{folder / description.QUESTIONS}: {unknown[0]}"
        near = difflib.get_close_matches(unknown[0], sorted(headings), 1)
        raise DocumentError(
            place, "no such heading", f"did you mean {near[0]}?" if near else "correct it"
        )


def _copy_calibration(encoder: Encoder, target: Path) -> bytes:
    """Put the encoder's calibration into the bundle; returns its content, nothing where it has
    none.
    """
    source = encoder.folder / confidence.FILE
    if not source.is_file():
        return b""
    content = source.read_bytes()
    (target / confidence.FILE).write_bytes(content)
    return content


def _headings(draft: Draft, passage: Passage) -> str:
    section = draft.programme.sections[passage.section]
    return " ".join(dict.fromkeys((section.chapter.text, section.heading.text)))


def _rows(draft: Draft) -> tuple[list[str], Rows]:
    """Every text to encode, and what its vector stands for."""
    sections = draft.programme.sections
    entries: list[tuple[str, Kind, int, int]] = []
    for number, passage in enumerate(draft.passages):
        heading = sections[passage.section].heading.text
        entries.append((f"{heading}. {passage.text}", Kind.PASSAGE, number, 0))
        entries.append((passage.text, Kind.TEXT, number, 0))
        for part, (start, end) in enumerate(passage.sentences):
            entries.append((passage.text[start:end], Kind.SENTENCE, number, part))
    for number, section in enumerate(sections):
        entries.append((section.heading.text, Kind.HEADING, number, 0))
        for question in draft.info.questions(section.heading):
            # The owner is the section until `_assign_bank` has seen the vectors.
            entries.append((question, Kind.BANK, number, 0))
    texts = [text for text, *_ in entries]
    digests = [hashlib.sha256(text.encode()).digest()[:16].hex().encode() for text in texts]
    return texts, Rows(
        np.array([kind for _, kind, _, _ in entries], np.int8),
        np.array([owner for _, _, owner, _ in entries], np.int32),
        np.array([part for _, _, _, part in entries], np.int16),
        np.array(digests),
    )


def _known_vectors(served: Bundle | None, fingerprint: str) -> Mapping[bytes, Vectors]:
    """Vectors of the served bundle by the hash of their text, if they come from the same model."""
    if served is None or served.manifest.model_sha256 != fingerprint:
        return {}
    return dict(zip(served.rows.digest.tolist(), served.rankers.vectors(), strict=True))


def _encode(
    encoder: Encoder,
    texts: Sequence[str],
    rows: Rows,
    known: Mapping[bytes, Vectors],
    progress: Progress,
) -> tuple[Vectors, int]:
    """Vectors of all texts, shape (texts, dimension), and how many of them were not known
    before.
    """
    digests = rows.digest.tolist()
    fresh = {d: text for d, text in zip(digests, texts, strict=True) if d not in known}
    with progress("encode", len(fresh)) as advance:
        made = encoder.encode_in_steps(list(fresh.values()), advance)
    lookup = {**known, **dict(zip(fresh, made, strict=True))}
    return np.stack([lookup[d] for d in digests]).astype(np.float32), len(fresh)


def _assign_bank(draft: Draft, rows: Rows, vectors: Vectors) -> Rows:
    """Give each question of the bank to the passage of its section that is nearest to it."""
    owner = rows.owner.copy()
    of_section: dict[int, list[int]] = {}
    for number, passage in enumerate(draft.passages):
        of_section.setdefault(passage.section, []).append(number)
    passage_rows = np.flatnonzero(rows.kind == Kind.PASSAGE)
    for row in np.flatnonzero(rows.kind == Kind.BANK):
        candidates = of_section.get(int(rows.owner[row]), [])
        if candidates:
            near = vectors[passage_rows[candidates]] @ vectors[row]
            owner[row] = candidates[int(near.argmax())]
    keep = np.array(
        [k != Kind.BANK or int(o) in of_section for k, o in zip(rows.kind, rows.owner, strict=True)]
    )
    if not keep.all():
        raise DocumentError(draft.document, "questions for a heading without text", "move them")
    return Rows(rows.kind, owner, rows.part, rows.digest)


def _version(draft: Draft, fingerprint: str, asking: bytes, rows: Rows, words: Lexicon) -> str:
    """Prefix of a hash over what the bundle is made of and what was made of it, but for vectors and
    links; `asking` is what serves questions alone. Equal inputs, equal version; and where a later
    program makes other passages or terms of the same words, another one. Stores and bots take what
    has the same version for the same.
    """
    digest = hashlib.sha256(draft.document.read_bytes())
    digest.update(repr(draft.info).encode() + fingerprint.encode() + str(FORMAT).encode())
    digest.update(asking)
    digest.update(repr((draft.programme.sections, draft.passages)).encode())
    for part in (rows.kind, rows.owner, rows.part, rows.digest):
        digest.update(part.tobytes())
    for array in lexicon.to_arrays(words).values():
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


def aliases(served: Bundle | None, draft: Draft) -> dict[str, str]:
    """Where links to passages of the served bundle lead, that are gone in the draft."""
    if served is None:
        return {}
    return links.aliases(served, draft.programme.sections, draft.passages)
