"""What an ingest found, as one HTML page a volunteer can check in two minutes."""

from __future__ import annotations

import base64
import io
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL.Image import Image as Picture

from index.build import Draft
from index.headings import letters, same
from index.pdf import decode
from index.types import Box

SCALE = 0.75  # pixels a point of the page pictures
QUALITY = 55


@dataclass(frozen=True)
class Marked:
    """A box over a page's picture, in per cent of the page."""

    kind: str
    label: str
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Sheet:
    """A page with its picture and what was seen on it."""

    number: int
    picture: str
    ratio: float
    boxes: tuple[Marked, ...]


@dataclass(frozen=True)
class Line:
    """A heading found or printed in the table of contents; `missing` where only one of them."""

    text: str
    level: int
    page: int | None
    missing: bool


def render(draft: Draft) -> str:
    """The page; pictures only where the document is a PDF."""
    programme = draft.programme
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    found = [(s.heading.text, s.level, _page(draft, k)) for k, s in enumerate(programme.sections)]
    printed = [(e.title, e.level, e.page) for e in draft.source.contents]
    return environment.get_template("report.html").render(
        draft=draft,
        programme=programme,
        found=_compared(found, printed),
        printed=_compared(printed, found),
        sheets=list(_sheets(draft)),
        dropped=_dropped(draft),
        repairs=Counter(repair.rule for repair in programme.repairs),
        lengths=[len(passage.text.split()) for passage in draft.passages],
    )


def _page(draft: Draft, number: int) -> int | None:
    pages = (p.page for p in draft.programme.sections[number].paragraphs)
    return next(pages, None)


def _compared(
    some: Sequence[tuple[str, int, int | None]], others: Sequence[tuple[str, int, int | None]]
) -> list[Line]:
    """Each of `some`, and whether it is missing among `others`; nothing is where those are none."""
    known = [letters(text) for text, *_ in others]
    return [
        Line(text, level, page, bool(known) and not any(same(k, letters(text)) for k in known))
        for text, level, page in some
    ]


def _dropped(draft: Draft) -> list[tuple[str, list[tuple[str, int]]]]:
    """For each reason the texts, each once with how often."""
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for dropped in draft.programme.dropped:
        reasons[dropped.reason][" ".join(dropped.block.text.split())] += 1
    return [(reason, texts.most_common(60)) for reason, texts in sorted(reasons.items())]


def _sheets(draft: Draft) -> Iterator[Sheet]:
    if draft.document.suffix.lower() != ".pdf":
        return
    boxes: dict[int, list[tuple[str, str, Box]]] = defaultdict(list)
    for block in draft.source.blocks:
        kind = "heading" if block.level else "item" if block.item else "paragraph"
        label = f"heading, level {block.level}" if block.level else kind
        for box in block.boxes:
            boxes[box.page].append((kind, label, box))
    for dropped in draft.source.dropped:
        for box in dropped.block.boxes:
            boxes[box.page].append(("dropped", dropped.reason, box))
    for number, picture in enumerate(decode.pictures(draft.document, SCALE), 1):
        width, height = picture.width / SCALE, picture.height / SCALE
        marked = tuple(
            _marked(kind, label, box, width, height) for kind, label, box in boxes[number]
        )
        yield Sheet(number, _jpeg(picture), height / width, marked)


def _marked(kind: str, label: str, box: Box, width: float, height: float) -> Marked:
    return Marked(
        kind, label, 100 * box.left / width, 100 * box.top / height,
        100 * (box.right - box.left) / width, 100 * (box.bottom - box.top) / height,
    )  # fmt: skip


def _jpeg(picture: Picture) -> str:
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=QUALITY)
    return base64.b64encode(buffer.getvalue()).decode()
