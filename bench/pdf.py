"""`python -m bench.pdf FILE…`: what the PDF reader finds, checked against the files themselves.

Headings: of those that should be found (the printed table of contents, else the PDF's outline,
else bench/outlines.json: hashes of the outline once found and looked over), how many are; and how
many found ones are in none of these. Sentences: 200 at random from the text layer as PDFium gives
it, found whole in exactly one passage, and on the right page; those that stand in the text twice
are left out.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import random
import re
import resource
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pypdfium2

from index import passages, readers, structure
from index.headings import letters
from index.pdf.decode import decode
from index.types import Document, Passage, Programme

SAMPLE, SEED = 200, 7
LEAST = 30  # letters of a sentence
OUTLINES = Path(__file__).with_name("outlines.json")
COLUMNS = (
    "file", "pages", "seconds", "headings", "of contents", "surplus", "passages", "whole", "page",
    "furniture",
)  # fmt: skip


@dataclass(frozen=True)
class Checked:
    """One file's figures."""

    headings: int
    recall: float
    surplus: float
    whole: float
    paged: float
    furniture: int


def main() -> None:
    """Print one row a file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--misses", action="store_true", help="list what was not found")
    options = parser.parse_args()
    print(" ".join(f"{name:>11}" for name in COLUMNS))
    for path in options.files:
        began = time.monotonic()
        document = readers.read(path)
        programme = structure.programme(document, path)
        cut = passages.cut(programme)
        seconds = time.monotonic() - began
        checked = check(path, document, programme, cut, options.misses)
        row = (
            path.name, len(pypdfium2.PdfDocument(path)), f"{seconds:.1f}", checked.headings,
            f"{checked.recall:.3f}", f"{checked.surplus:.3f}", len(cut), f"{checked.whole:.3f}",
            f"{checked.paged:.3f}", checked.furniture,
        )  # fmt: skip
        print(" ".join(f"{value!s:>11}" for value in row))
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def check(
    path: Path, document: Document, programme: Programme, cut: Sequence[Passage], misses: bool
) -> Checked:
    """A file's figures."""
    found = [letters(section.heading.original) for section in programme.sections]
    listed, known = expected(path, document)
    missing = [title for title in listed if not _in(title, found)]
    surplus = [title for title in found if not _in(title, [*listed, *known])] if known else []
    texts = [letters(passage.text) for passage in cut]
    printed = [section.heading.original for section in programme.sections]
    bare = [letters(re.sub(r"^(?:\w{1,4}\.|\d+)\s+", "", heading)) for heading in printed]
    sample = sentences(path, [*found, *bare])
    places = [(s, page, [k for k, t in enumerate(texts) if s in t]) for page, s in sample]
    whole = [(page, where) for _, page, where in places if len(where) == 1]
    right = sum((cut[w[0]].page or 0) <= page <= (cut[w[0]].end_page or 0) for page, w in whole)
    exact = [p for p in cut if (p.end_page or 0) - (p.page or 0) > 1]
    furniture = [p for p in cut if p.text.strip().isdigit() or _has_furniture(p, programme)]
    if misses:
        for title in missing:
            print("  heading not found:", title[:90])
        for title in surplus:
            print("  found, but no heading:", title[:90])
        for sentence, page, where in places:
            if len(where) != 1:
                print(f"  p. {page}, in {len(where)} passages: {sentence[:150]}")
        for passage in (*furniture, *exact):
            print(f"  doubtful passage, p. {passage.page}–{passage.end_page}: {passage.text[:90]}")
    return Checked(
        len(found), 1 - len(missing) / max(1, len(listed)), len(surplus) / max(1, len(found)),
        len(whole) / len(sample), right / max(1, len(whole)), len(furniture),
    )  # fmt: skip


def expected(path: Path, document: Document) -> tuple[list[str], list[str]]:
    """Headings that must be found, and all that are right; as letters, or as hashes of them."""
    contents = [letters(e.title) for e in document.contents if not e.title.endswith(":")]
    outline = [letters(entry.title) for entry in decode(path, lambda *_: None).outline]
    read = json.loads(OUTLINES.read_text()).get(path.stem, []) if OUTLINES.is_file() else []
    return (contents or read or outline), [*contents, *read, *outline]


def _in(title: str, others: Sequence[str]) -> bool:
    if title in others or digest(title) in others:
        return True
    if len(title) == 12 and any(digest(other) == title for other in others):
        return True
    return any(difflib.SequenceMatcher(None, title, other).ratio() > 0.9 for other in others)


def _has_furniture(passage: Passage, programme: Programme) -> bool:
    """Whether a line that was dropped as a running head or page number got into the passage."""
    heads = {
        letters(d.block.text)
        for d in programme.dropped
        if d.reason == "running head" and len(letters(d.block.text)) > 12
    }
    text = letters(passage.text)
    return any(head in text for head in heads)


def sentences(path: Path, headings: Sequence[str]) -> list[tuple[int, str]]:
    """The letters of sentences that stand whole on one page of the text layer and nowhere else,
    with the page; without the heading that the text layer runs into them.
    """
    document = pypdfium2.PdfDocument(path)
    every = Counter[str]()
    pages: dict[str, int] = {}
    for number in range(1, len(document) + 1):
        for sentence in _whole(document[number - 1].get_textpage().get_text_range()):
            heading = max((h for h in headings if sentence.startswith(h)), key=len, default="")
            every[sentence[len(heading) :]] += 1
            pages[sentence[len(heading) :]] = number
    once = [(pages[s], s) for s, count in every.items() if count == 1 and len(s) >= LEAST]
    return random.Random(SEED).sample(once, min(SAMPLE, len(once)))


def _whole(text: str) -> Iterator[str]:
    """The letters of what stands between two sentence ends."""
    text = re.sub(r"[\ufffe\u0002\u00ad]\r?\n?|-\r?\n(?=[a-zäöü])", "", text)
    parts = re.split(r"(?<=[.!?])\s+(?=[A-ZÄÖÜ„»•✔])", " ".join(text.split()))
    for part in parts[1:-1]:
        part = re.sub(r"\s(?:[a-z]|\d+|[IVX]+)\.$", "", part)  # the number of the next heading
        if re.search(r"[.!?]$", part) and "...." not in part:
            yield letters(part)


def digest(text: str) -> str:
    """The hash by which bench/outlines.json names a heading."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


if __name__ == "__main__":
    main()
