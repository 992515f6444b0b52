"""PDF: what its characters and their places say about headings, paragraphs and pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from index.errors import DocumentError
from index.pdf import contents, furniture, headings, layout, paragraphs
from index.pdf.decode import decode
from index.pdf.headings import Kind
from index.pdf.paragraphs import Run
from index.pdf.types import Decoded, Line
from index.types import Block, Box, Document, Dropped

OCR = "recognise its text first: ingest.py --ocr, or ocrmypdf -l deu"
JUNK_TITLE = re.compile(
    r"^(?:Microsoft \w+ - |untitled|unbenannt)|\.(?:docx?|indd|pdf|odt|pages)$", re.I
)
PROSE_WORDS = 15  # a run this long is text; pages before the first one are the cover


def read(path: Path, watch: Callable[[int, int], None]) -> Document:
    """The headings, paragraphs and items of a PDF, with their pages and places.

    Raises DocumentError where it can't be opened, or its pages are pictures.
    """
    decoded = decode(path, watch)
    warnings = tuple(_unreadable(decoded, path))
    body = furniture.body_style(decoded.pages)
    pages = furniture.sort_out(decoded.pages, body)
    dropped = [_dropped([line], reason) for page in pages for line, reason in page.dropped]
    table = contents.find([page.lines for page in pages])
    dropped += [_dropped([line], "table of contents") for line in table.lines]
    listed = {id(line) for line in table.lines}
    texts = [[line for line in page.lines if id(line) not in listed] for page in pages]
    columns = layout.in_order(texts, body)
    runs = headings.merge(paragraphs.runs(columns, body), body)
    cover, runs, back = _covers(runs, body.size)
    dropped += [_dropped(run.lines, "cover") for run in (*cover, *back)]
    kinds = headings.classify(runs, body, decoded.outline, table.entries)
    dropped += [
        _dropped(run.lines, kind.dropped)
        for run, kind in zip(runs, kinds, strict=True)
        if kind.dropped
    ]
    return Document(
        tuple(_blocks(runs, kinds)), _title(decoded, cover), decoded.author, decoded.language,
        table.entries, tuple(sorted(dropped, key=lambda d: d.block.line)), warnings,
    )  # fmt: skip


def _unreadable(decoded: Decoded, path: Path) -> Iterator[str]:
    """A warning for pages that are pictures or whose letters can't be told.

    Raises DocumentError where those are most of the pages.
    """
    for pages, what in (
        ([p.number for p in decoded.pages if p.picture], "pictures without text"),
        ([p.number for p in decoded.pages if p.broken], "text whose letters can't be told"),
    ):
        inner = [n for n in pages if 1 < n < len(decoded.pages)] or pages
        if len(pages) > len(decoded.pages) / 2:
            raise DocumentError(f"{path}: pages {ranges(pages)}", what, OCR)
        if inner and inner != [1]:
            yield f"pages {ranges(inner)}: {what}; {OCR}"


def ranges(numbers: Sequence[int]) -> str:
    """1, 3–5."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{p[0]}–{p[-1]}" if len(p) > 1 else str(p[0]) for p in parts)


def _covers(runs: Sequence[Run], size: float) -> tuple[list[Run], list[Run], list[Run]]:
    """Front cover, the programme, back cover; covers hold no prose, the back one nothing in the
    body's size.
    """
    prose = [run.lines[0].page for run in runs if run.words >= PROSE_WORDS]
    if not prose:
        return [], list(runs), []
    first, last = prose[0], max(prose)
    front = [run for run in runs if run.lines[0].page < first]
    after = [run for run in runs if run.lines[0].page > last]
    back = after if all(run.style.size != size for run in after) else []
    inner = [run for run in runs if first <= run.lines[0].page and run not in back]
    return front, inner, back


def _title(decoded: Decoded, cover: Sequence[Run]) -> str:
    """What the PDF says, unless it is a file's name; else the largest words on the cover."""
    title = " ".join(decoded.title.split())
    if title and not JUNK_TITLE.search(title):
        return title
    lines = [line for run in cover for line in run.lines]
    largest = max((line.style.size for line in lines), default=0.0)
    words = [line.text for line in lines if line.style.size >= 0.9 * largest]
    joined = re.sub(r"(?<=[A-ZÄÖÜ])-\n(?=[A-ZÄÖÜ]{2})", "", "\n".join(words))
    return re.sub(r"\s+", " ", re.sub(r"-\n", "-", joined)).strip()


def _dropped(lines: Sequence[Line], reason: str) -> Dropped:
    return Dropped(
        Block(
            "\n".join(line.text for line in lines),
            lines[0].page,
            lines[0].page,
            boxes=tuple(_boxes(lines)),
        ),
        reason,
    )


def _blocks(runs: Sequence[Run], kinds: Sequence[Kind]) -> Iterator[Block]:
    """Runs as blocks; a lead-in becomes the first line of the paragraph below it."""
    led = False
    before: Run | None = None
    for run, kind in zip(runs, kinds, strict=True):
        if kind.dropped:
            continue
        page = run.lines[0].page
        line = run.item or (led and not kind.level)  # of the paragraph before it
        yield Block(
            run.text, page, page, torn=before is not None and paragraphs.torn(before, run),
            level=kind.level, item=line, boxes=tuple(_boxes(run.lines)),
        )  # fmt: skip
        led, before = kind.lead_in, run


def _boxes(lines: Sequence[Line]) -> Iterator[Box]:
    for page in dict.fromkeys(line.page for line in lines):
        some = [line for line in lines if line.page == page]
        yield Box(
            page, min(o.left for o in some), min(o.top for o in some),
            max(o.right for o in some), max(o.bottom for o in some),
        )  # fmt: skip
