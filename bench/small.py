"""Small programmes, compiled in milliseconds: for tests and measurements with many of them.

They go through `versions.writing` and `bundle.write` as every bundle does, with the real encoder; a
text is encoded once in the process, however many programmes say it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from index import bundle, confidence, lexicon, versions
from index.bundle import Parts
from index.manifest import Manifest
from index.query_encoder import OnnxEncoder, present
from index.types import Heading, Info, Paragraph, Passage, Piece, Section, Vectors
from index.vectors import Kind, Rows

MODEL = Path(__file__).parent.parent / "index" / "models" / "fundstelle-e5"
SENTENCE = re.compile(r"[^.]+\.")
CHAPTER = Heading("Unser Programm", "UNSER PROGRAMM")


@dataclass(frozen=True)
class Chapter:
    """A section to be: what stands in it, a passage each, and on which page."""

    title: str
    texts: Sequence[str]
    level: int = 2
    page: int | None = None


def write(root: Path, slug: str, chapters: Sequence[Chapter], **info: Any) -> Manifest:
    """Compile a programme into `root/slug`, where ingest.py would put it."""
    with versions.writing(root, slug) as fresh:
        (fresh / bundle.ENCODER).mkdir()
        for name in (*present(MODEL), confidence.FILE):
            shutil.copy2(MODEL / name, fresh / bundle.ENCODER / name)
        return bundle.write(fresh, _parts(slug, chapters, {"title": f"Programm {slug}", **info}))


def _parts(slug: str, chapters: Sequence[Chapter], info: Mapping[str, Any]) -> Parts:
    sections, passages = [], []
    for number, chapter in enumerate(chapters):
        paragraphs = tuple(Paragraph(text, chapter.page) for text in chapter.texts)
        heading = Heading(chapter.title, chapter.title)
        above = heading if chapter.level == 1 else CHAPTER
        name = re.sub(r"[^a-z]+", "-", chapter.title.lower())
        sections.append(Section(f"{name}-{number}", chapter.level, heading, above, paragraphs))
        for at, text in enumerate(chapter.texts):
            spans = tuple(match.span() for match in SENTENCE.finditer(text)) or ((0, len(text)),)
            digest = hashlib.sha256(text.encode()).hexdigest()[:6]
            passages.append(
                Passage(
                    f"{name}-{digest}", number, text, spans, (Piece(at, 0, len(text)),),
                    chapter.page, chapter.page,
                )
            )  # fmt: skip
    vectors, rows = _vectors(sections, passages)
    titles = [sections[p.section].heading.text for p in passages]
    version = hashlib.sha256(repr((chapters, info)).encode()).hexdigest()[:16]
    return Parts(
        Info(slug=slug, document="programm.txt", **info), version, "0" * 64, MODEL.name, "0" * 64,
        tuple(sections), tuple(passages), {}, vectors, rows,
        lexicon.build([p.text for p in passages], titles),
    )  # fmt: skip


def _vectors(sections: Sequence[Section], passages: Sequence[Passage]) -> tuple[Vectors, Rows]:
    entries: list[tuple[str, Kind, int, int]] = []
    for number, passage in enumerate(passages):
        entries.append((passage.text, Kind.PASSAGE, number, 0))
        entries.append((passage.text, Kind.TEXT, number, 0))
        entries += [
            (passage.text[start:end], Kind.SENTENCE, number, part)
            for part, (start, end) in enumerate(passage.sentences)
        ]
    entries += [(s.heading.text, Kind.HEADING, number, 0) for number, s in enumerate(sections)]
    rows = Rows(
        np.array([kind for _, kind, _, _ in entries], np.int8),
        np.array([owner for _, _, owner, _ in entries], np.int32),
        np.array([part for _, _, _, part in entries], np.int16),
        np.array([hashlib.sha256(text.encode()).hexdigest()[:32].encode() for text, *_ in entries]),
    )
    return np.stack([_vector(text) for text, *_ in entries]), rows


@cache
def _encoder() -> OnnxEncoder:
    return OnnxEncoder(MODEL)


@cache
def _vector(text: str) -> Vectors:
    vector: Vectors = _encoder().encode_passages([text])[0]
    return vector
