"""The passages that the hand-written questions are about, cut out of shared/training and the PDFs
anew.

The questions are ours and committed; the passages are not ours, so each question only names the
hash of its passage (the first 12 hex digits of the SHA-1 of its text), and this module finds the
text again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pypdfium2

from training.data import rows

PDFS = ("spd", "ssw", "fdp", "bsw")
FIRST_PAGE = 4  # the pages before hold covers and tables of contents
LEAST, MOST = 32, 130  # words of a passage
Record = Mapping[str, Any]


def identity(text: str) -> str:
    """The hash by which questions name their passage."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:12]


def records(questions: Iterable[Path], shared: Path) -> list[dict[str, Any]]:
    """Question records with the text and heading of their passage.

    Raises ValueError for a passage that is not in `shared`.
    """
    known = {identity(p["text"]): p for p in every_passage(shared)}
    found = []
    for path in questions:
        for row in rows(path):
            if row["passage_id"] not in known:
                raise ValueError(f"{path}: passage {row['passage_id']} is not in {shared}")
            found.append({**known[row["passage_id"]], **row})
    return found


def every_passage(shared: Path) -> Iterator[dict[str, Any]]:
    """All passages that questions were written for, of every source."""
    training, pdfs = shared / "training", shared / "programmes-pdf"
    yield from rows(training / "questions.jsonl.gz")
    for row in rows(training / "headings.jsonl.gz"):
        for text in _chunks(_sentences(" ".join(row["paragraph"].split()))):
            yield from _usable(row["source"], row["heading"], text)
    for name in PDFS:
        for page, texts in pdf_passages(pdfs / f"{name}.pdf"):
            for text in texts:
                yield from _usable(f"{name}.pdf#page={page}", "", text)
    for row in rows(training / "theses.jsonl.gz"):
        for comment in row["comments"]:
            yield from _usable(f"theses:{row['election']}", row["label"], comment["text"])


def _usable(source: str, heading: str, text: str) -> Iterator[dict[str, Any]]:
    text = " ".join(text.split())
    whole = re.search(r'[.!?]["“”)]?$', text) and text[0].isupper()
    if LEAST <= len(text.split()) <= MOST and whole and "dortmund" not in text.lower():
        yield {"source": source, "heading": heading, "text": text}


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?])\s+(?=[A-ZÄÖÜ])", text)


def _chunks(sentences: Sequence[str], low: int = 45, high: int = 100) -> Iterator[str]:
    current: list[str] = []
    count = 0
    for sentence in sentences:
        words = len(sentence.split())
        if count + words > high and count >= low:
            yield " ".join(current)
            current, count = [], 0
        current.append(sentence)
        count += words
    if count >= low:
        yield " ".join(current)


def pdf_passages(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Page number and passages of each page, cut at paragraph ends."""
    document = pypdfium2.PdfDocument(str(path))
    for number in range(FIRST_PAGE, len(document)):
        text = document[number].get_textpage().get_text_range().replace("\r", "")
        for damage in ("\ufffe\n", "\ufffe", "-\n", "\u00ad\n"):
            text = text.replace(damage, "")
        text = re.sub(r"\n(?=[a-zäöü])", " ", text)
        parts = [" ".join(part.split()) for part in re.split(r"\n\s*\n|(?<=[.!?])\n", text)]
        whole = [part for part in parts if len(part.split()) > 6 and re.search(r"[.!?]$", part)]
        yield number + 1, list(_chunks(whole))
