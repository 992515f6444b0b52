"""What the readers have in common: white space, list markers, headings known by their look."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from index.types import Block, Document, Dropped, Entry

Look = tuple[float, bool]  # letters' size and whether they are bold; the greater, the louder

BULLET = "• "
GLYPH = re.compile(r"^[•◦▪▫‣⁃●○■□►▶➢➤✓✔·\uf0b7\uf0a7\uf0d8\uf076][ \t\xa0]*(?=\S)")
DASH = re.compile(r"^[-–—*][ \t\xa0]+(?=\S)")
FINISHED = re.compile(r"[.,;:!?…][\"“”»«’')\]*]*$")
UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u2060\ufeff\ufffe\ud800-\udfff]")
HEADING_WORDS = 20  # more are a paragraph, however loud
ROMAN = ((100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"),
         (1, "i"))  # fmt: skip
MOST_COUNTED = 1_000  # beyond it letters and Roman numbers would only grow long


def plain(text: str) -> str:
    """One line of composed Unicode, single spaces, nothing that can't be seen but soft hyphens."""
    return " ".join(unicodedata.normalize("NFC", UNSEEN.sub("", text)).split())


def counted(number: int, style: str = "1") -> str:
    """`number` as lists count: style 1, a, A, i or I, as in HTML and ODT."""
    if style not in {"a", "A", "i", "I"} or not 0 < number < MOST_COUNTED:
        return str(number)
    written = _roman(number) if style in {"i", "I"} else _lettered(number)
    return written.upper() if style.isupper() else written


def integer(text: str | None, otherwise: int) -> int:
    """The whole number that an attribute holds; `otherwise` where it holds none, or a huge one."""
    return int(text) if text and re.fullmatch(r"\s*-?\d{1,6}\s*", text) else otherwise


def joined(cells: Iterable[str]) -> str:
    """A table's row as one line."""
    return " | ".join(cell for cell in cells if cell)


def _lettered(number: int) -> str:
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("a") + rest) + text
    return text


def _roman(number: int) -> str:
    text = ""
    for value, letters in ROMAN:
        count, number = divmod(number, value)
        text += letters * count
    return text


def bulleted(lines: Sequence[str], ended: Sequence[bool] | None = None) -> list[bool]:
    """Which of these neighbouring lines are items. A dash may also be one in a sentence, so it
    makes an item only where another stands among the lines and the line before has `ended`.
    """
    if ended is None:
        ended = [bool(FINISHED.search(line) or DASH.match(line)) for line in lines]
    dashes = [bool(DASH.match(s)) and end for s, end in zip(lines, [True, *ended], strict=False)]
    enough = sum(dashes) >= 2
    return [
        bool(GLYPH.match(line)) or (dash and enough)
        for line, dash in zip(lines, dashes, strict=True)
    ]


def unbulleted(line: str) -> str:
    """`line` without the bullet it begins with."""
    return DASH.sub("", GLYPH.sub("", line, count=1), count=1)


@dataclass
class Flow:
    """A document while a reader walks through it."""

    blocks: list[Block] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    contents: list[Entry] = field(default_factory=list)
    looks: dict[int, Look] = field(default_factory=dict)  # by the block's position
    titles: list[str] = field(default_factory=list)
    number: int = 0

    def add(
        self,
        text: str,
        level: int | None = None,
        marker: str | None = None,
        line: int | None = None,
        look: Look | None = None,
    ) -> None:
        """A paragraph, or a heading, or an item where there is a marker, even an empty one."""
        text = plain(text)
        if not any(c.isalnum() for c in text):
            self.drop(text, "no words", line)
            return
        self.number += 1
        if marker is not None:
            text = plain(f"{marker}{unbulleted(text) if marker == BULLET else text}")
        if look:
            self.looks[len(self.blocks)] = look
        item = marker is not None and level is None
        self.blocks.append(Block(text, line or self.number, level=level, item=item))

    def drop(self, text: str, reason: str, line: int | None = None) -> None:
        """Text that is none of the programme's."""
        text = plain(text)
        if text:
            self.dropped.append(Dropped(Block(text, line or max(1, self.number)), reason))

    def title(self, text: str) -> None:
        """A line of the title, as the document prints it; below the programme's first words it is
        the title of a part.
        """
        if self.blocks:
            self.add(text, 1)
            return
        self.number += 1
        self.drop(text, "title")
        self.titles.append(plain(text))

    def entry(self, text: str, level: int) -> None:
        """A line of a table of contents; a number at its end is the page."""
        match = re.fullmatch(r"(.*?\S)(?:\s*\.{3,}\s*|\s*\t\s*)(\d{1,4})\s*", text, re.S)
        title, page = (match[1], int(match[2])) if match else (text, None)
        if plain(title):
            self.contents.append(Entry(plain(title), level, page))

    def document(
        self,
        title: str = "",
        author: str = "",
        language: str = "",
        warnings: tuple[str, ...] = (),
    ) -> Document:
        """What was gathered; a title that is printed goes before `title`, what the file says."""
        printed = " ".join(text for text in self.titles if text)
        return Document(
            tuple(with_items(self._headed())),
            printed or plain(title),
            plain(author),
            plain(language),
            tuple(self.contents),
            tuple(self.dropped),
            warnings,
        )

    def _headed(self) -> list[Block]:
        """With short, loud paragraphs as headings where nothing, or only a title, is marked."""
        marked = [block.level for block in self.blocks if block.level]
        if len(marked) > 1 or not self.looks:
            return self.blocks
        body = self._body()
        loud = {
            number: look
            for number, look in self.looks.items()
            if look > body and _may_head(self.blocks[number])
        }
        ranks = {
            look: rank for rank, look in enumerate(sorted(set(loud.values()), reverse=True), 1)
        }
        above = max(marked, default=0)
        return [
            replace(block, level=above + ranks[loud[number]]) if number in loud else block
            for number, block in enumerate(self.blocks)
        ]

    def _body(self) -> Look:
        """The look that most letters have."""
        weight = Counter[Look]()
        for number, look in self.looks.items():
            weight[look] += len(self.blocks[number].text)
        return weight.most_common(1)[0][0]


def _may_head(block: Block) -> bool:
    plain_end = not re.search(r"[.,;:][\"“”»«’')\]*]*$", block.text)
    short = len(block.text.split()) <= HEADING_WORDS
    return (
        plain_end and short and not block.level and not block.item and not GLYPH.match(block.text)
    )


def with_items(blocks: Sequence[Block]) -> list[Block]:
    """With paragraphs that begin with a typed bullet as items."""
    found: list[Block] = []
    run: list[Block] = []
    for block in [*blocks, Block("", 0, level=1)]:
        if block.level or block.item:
            marks = bulleted([b.text for b in run])
            found += [_itemised(b) if mark else b for b, mark in zip(run, marks, strict=True)]
            found.append(block)
            run = []
        else:
            run.append(block)
    return found[:-1]


def _itemised(block: Block) -> Block:
    return replace(block, text=BULLET + unbulleted(block.text), item=True)
