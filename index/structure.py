"""Blocks of a document → chapters, sections, paragraphs."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from index.cleanup import LIGATURES, Vocabulary, join, join_lines, repair
from index.errors import DocumentError
from index.headings import Casing, in_capitals, letters, same
from index.types import (
    Block,
    Document,
    Dropped,
    Heading,
    Paragraph,
    Programme,
    Repair,
    Section,
    Span,
)

HEADING_WORDS = 20  # more words than this are no heading
PROSE_WORDS = 15  # a paragraph this long is body text; the first one ends the title page
REFRAIN = 3  # as many headings that begin alike are the chapters of a programme
NUMBERED = re.compile(r"^(?:(\d+(?:\.\d+)*)\.?|[IVX]+\.|[A-Z]\.|Kapitel \d+:?)\s+\S")
FINISHED = re.compile(r"[.!?:;…][\"“”»«’')\]*]*$")
BULLET = re.compile(r"^[•◦▪‣–*·-]\s")
LEADERS = re.compile(r"\.{4,}\s*\d*\s*$|(?:\. ){4,}\d*$")
IMPRINT = re.compile(r"^(?:Impressum|Bildnachweise?|Herausgeber(?:in)?)\W*$", re.I)
SLUG_LENGTH = 60


def programme(document: Document, place: object) -> Programme:
    """The programme that `document` holds.

    Raises DocumentError, naming `place`, where no headings or no text under them are found.
    """
    printed = not any(block.level for block in document.blocks)
    marked = list(document.blocks)
    if printed:
        marked = mark_headings([p for block in marked for p in _capital_lines_apart(block)])
    marked, imprint = without_imprint(marked)
    if not any(block.level for block in marked):
        raise DocumentError(
            place,
            "no headings found",
            "put each heading on a line of its own, in capitals or numbered",
        )
    ranked = marked if printed else nest(marked)
    body, dropped = drop_furniture(ranked, document.title, printed)
    whole, joins = join_torn(body)
    cleaned, repairs = clean(whole)
    sections, respelled = cut_sections(cleaned)
    if not sections:
        raise DocumentError(place, "no text below the headings", "export the programme again")
    everything = sorted([*joins, *repairs, *respelled], key=lambda r: r.line)
    return Programme(
        sections,
        tuple(everything),
        (*document.dropped, *imprint, *dropped),
        (*document.warnings, *_unfound(document, sections), *_warnings(cleaned)),
    )


def _capital_lines_apart(block: Block) -> list[Block]:
    """A heading in capitals that stands directly on its paragraph, without a blank line."""
    lines = block.text.split("\n")
    count = 0
    while count < len(lines) and in_capitals(lines[count]):
        count += 1
    if not 0 < count < len(lines):
        return [block]
    head = replace(block, text="\n".join(lines[:count]))
    return [head, replace(block, text="\n".join(lines[count:]), line=block.line + count, gap=False)]


def without_imprint(blocks: Sequence[Block]) -> tuple[list[Block], list[Dropped]]:
    """Without the section that says who printed the programme; and it."""
    kept: list[Block] = []
    dropped: list[Dropped] = []
    level = 0  # of the imprint's heading, while it lasts
    for block in blocks:
        if block.level and block.level <= (level or block.level):
            level = block.level if IMPRINT.match(block.text) else 0
        if level:
            dropped.append(Dropped(block, "imprint"))
        else:
            kept.append(block)
    return kept, dropped


def nest(blocks: Sequence[Block]) -> list[Block]:
    """Heading levels as depths: 1 for a chapter, one more for what stands below it.

    A highest level used once, first of all, is the document's title and loses its level.
    """
    headings = [block for block in blocks if block.level]
    used = Counter(block.level or 0 for block in headings)
    first = headings[0]
    title = first if len(used) > 1 and first.level == min(used) and used[first.level] == 1 else None
    above: list[int] = []
    nested = []
    for block in blocks:
        if block is title or not block.level:
            nested.append(replace(block, level=None))
            continue
        while above and above[-1] >= block.level:
            above.pop()
        above.append(block.level)
        nested.append(replace(block, level=len(above)))
    return nested


def mark_headings(blocks: Sequence[Block]) -> list[Block]:
    """Blocks with a level on each heading: from capitals, else numbers, else brevity."""
    for levels in (_capitals, _numbers, _short_lines):
        found = levels(blocks)
        if sum(1 for level in found if level) >= 2:
            return [replace(b, level=level) for b, level in zip(blocks, found, strict=True)]
    return list(blocks)


def _capitals(blocks: Sequence[Block]) -> list[int | None]:
    found = [in_capitals(b.text) and len(b.text.split()) <= HEADING_WORDS for b in blocks]
    chapter = _refrain([b.text for b, is_heading in zip(blocks, found, strict=True) if is_heading])
    return [
        (1 if not chapter or b.text.startswith(chapter) else 2) if is_heading else None
        for b, is_heading in zip(blocks, found, strict=True)
    ]


def _refrain(headings: Sequence[str]) -> str:
    """The two words with which chapters begin ("DORTMUND KANN …"), if there are such."""
    openings = Counter(" ".join(h.split()[:2]) + " " for h in headings if len(h.split()) > 2)
    opening, count = openings.most_common(1)[0] if openings else ("", 0)
    return opening if count >= max(REFRAIN, len(headings) // 10) else ""


def _numbers(blocks: Sequence[Block]) -> list[int | None]:
    def level(block: Block) -> int | None:
        match = NUMBERED.match(block.text)
        if not match or len(block.text.split()) > HEADING_WORDS or FINISHED.search(block.text):
            return None
        return min(2, match[1].count(".") + 1) if match[1] else 1

    return [level(block) for block in blocks]


def _short_lines(blocks: Sequence[Block]) -> list[int | None]:
    def heading(block: Block, following: Block) -> bool:
        short = len(block.text.split()) <= HEADING_WORDS // 2 and "\n" not in block.text
        plain = not FINISHED.search(block.text) and not BULLET.match(block.text)
        starts = block.text[:1].isupper() and not block.text.endswith((",", "-"))
        return short and plain and starts and len(following.text.split()) >= PROSE_WORDS

    pairs = zip(blocks, [*blocks, Block("", 0)][1:], strict=True)
    return [1 if heading(block, following) else None for block, following in pairs]


def drop_furniture(
    blocks: Sequence[Block], title: str, printed: bool
) -> tuple[list[Block], list[Dropped]]:
    """Without title page, running titles, page numbers and printed table of contents; and those.

    `printed` is true where the headings were guessed from a plain text: what stands before the
    first heading is then its title page. Otherwise prose that stands there is kept, under `title`.
    """
    first = _first_heading(blocks) if printed else _first_level(blocks)
    front, body = list(blocks[:first]), list(blocks[first:])
    opening: list[Block] = []
    if not printed:
        opening = [block for block in front if len(block.text.split()) >= PROSE_WORDS]
        front = [block for block in front if block not in opening]
        if opening:
            opening.insert(
                0, Block(title or "Einleitung", opening[0].line, opening[0].page, level=1)
            )
    titles = {_alphabetic(block.text) for block in front if len(_alphabetic(block.text)) >= 6}
    kept, dropped = [], [Dropped(block, "title page") for block in front]
    for number, block in enumerate(body):
        if number > 0 and _alphabetic(block.text) in titles:
            dropped.append(Dropped(block, "running title"))
        elif not _alphabetic(block.text):
            dropped.append(Dropped(block, "no words"))
        elif LEADERS.search(block.text):
            dropped.append(Dropped(block, "table of contents"))
        else:
            kept.append(block)
    return [*opening, *_carry_gaps(kept, [d.block for d in dropped])], dropped


def _first_level(blocks: Sequence[Block]) -> int:
    return next(number for number, block in enumerate(blocks) if block.level)


def _first_heading(blocks: Sequence[Block]) -> int:
    """Where the programme begins: the first heading with a paragraph of prose right below it."""
    for number, (block, following) in enumerate(zip(blocks, blocks[1:], strict=False)):
        if block.level and not following.level and len(following.text.split()) >= PROSE_WORDS:
            while number and blocks[number - 1].level and not blocks[number].gap:
                number -= 1  # a chapter heading directly above the section heading
            return number
    return 0


def _carry_gaps(kept: Sequence[Block], dropped: Sequence[Block]) -> list[Block]:
    """A page break before a dropped running title is one before what follows it."""
    lines = [block.line for block in dropped]
    carried, last = [], 0
    for block in kept:
        between = any(last < line < block.line for line in lines)
        carried.append(replace(block, gap=True) if between and last else block)
        last = block.line
    return carried


def join_torn(blocks: Sequence[Block]) -> tuple[list[Block], list[Repair]]:
    """Paragraphs whole again that a page break, or a stray blank line, tore; items of a list as
    lines of the paragraph they follow.
    """
    vocabulary = Vocabulary(block.text for block in blocks)
    whole: list[Block] = []
    repairs: list[Repair] = []
    for block in (replace(b, text=join_lines(b.text, vocabulary)) for b in blocks):
        last = whole[-1] if whole else None
        if last and _continues(last, block):
            text = join(last.text, block.text, vocabulary)
            seam = len(last.text)
            repairs.append(
                Repair(
                    "torn-paragraph",
                    block.line,
                    f"{last.text[-25:]} ¶ {block.text[:25]}",
                    text[seam - 25 : seam + 25],
                )
            )
            whole[-1] = _merged(last, block, text)
        elif last and block.item and not last.level:
            whole[-1] = _merged(last, block, f"{last.text}\n{block.text}")
        else:
            whole.append(block)
    return whole, repairs


def _merged(last: Block, block: Block, text: str) -> Block:
    before = _count(last.text)
    turns = last.turns
    if block.page and block.page != (turns[-1][1] if turns else last.page):
        turns = (*turns, (before, block.page))
    turns = (*turns, *((before + count, page) for count, page in block.turns))
    return replace(last, text=text, turns=turns, boxes=last.boxes + block.boxes)


def _continues(last: Block, block: Block) -> bool:
    if last.level or block.level or block.item:
        return False
    if block.torn:
        return True
    if FINISHED.search(last.text):
        return False
    if BULLET.match(block.text):
        return False
    return block.gap or block.text[:1].islower() or last.text.endswith("-")


def clean(blocks: Sequence[Block]) -> tuple[list[Block], list[Repair]]:
    """Blocks with extraction damage repaired."""
    vocabulary = Vocabulary(block.text for block in blocks)
    cleaned, repairs = [], []
    for block in blocks:
        text, done = repair(block.text, block.line, vocabulary)
        repairs += done
        cleaned.append(replace(block, text=text))
    return cleaned, repairs


def cut_sections(blocks: Sequence[Block]) -> tuple[tuple[Section, ...], list[Repair]]:
    """Sections with ids, and the headings whose letters were put right."""
    casing = Casing(block.text for block in blocks if not block.level)
    ids = Slugs()
    sections: list[Section] = []
    repairs: list[Repair] = []
    for group in _groups(blocks):
        chapter, heading = casing.heading(group.chapter.text), casing.heading(group.heading.text)
        if _respelled(heading):
            repairs.append(
                Repair("heading-letter", group.heading.line, heading.original, heading.text)
            )
        paragraphs = tuple(Paragraph(b.text, b.page, _turns(b)) for b in group.paragraphs)
        level = 1 if group.heading is group.chapter else group.heading.level or 2
        sections.append(Section(ids.new(heading.text), level, heading, chapter, paragraphs))
    return tuple(sections), repairs


def _count(text: str) -> int:
    """How many letters and digits `text` has: the clean-up keeps them all, so that they tell
    where a page turned.
    """
    return sum(c.isalnum() for c in text.translate(LIGATURES))


def _turns(block: Block) -> tuple[Span, ...]:
    """Offsets into the cleaned text at which its pages turn."""
    places = [number for number, c in enumerate(block.text) if c.isalnum()]
    return tuple((places[count], page) for count, page in block.turns if count < len(places))


@dataclass(frozen=True)
class _Group:
    chapter: Block
    heading: Block
    paragraphs: tuple[Block, ...]


def _groups(blocks: Sequence[Block]) -> Iterable[_Group]:
    """Headings with the paragraphs below them; a heading without any yields an empty group."""
    chapter = heading = None
    paragraphs: list[Block] = []
    for block in [*blocks, Block("", 0, level=1)]:
        if not block.level:
            paragraphs.append(block)
            continue
        if chapter and heading:
            yield _Group(chapter, heading, tuple(paragraphs))
        paragraphs = []
        heading = block
        chapter = block if block.level == 1 or chapter is None else chapter


def _respelled(heading: Heading) -> bool:
    return heading.text.casefold() != heading.original.casefold()


def _unfound(document: Document, sections: Sequence[Section]) -> Iterable[str]:
    """What the printed table of contents names and the text does not have as a heading."""
    found = [letters(section.heading.original) for section in sections]
    for entry in document.contents:
        group = entry.page is None and entry.title.endswith(":")  # of entries, no heading itself
        if not group and not any(same(letters(entry.title), heading) for heading in found):
            yield f"in the table of contents, but not found as a heading: {entry.title}"


def _warnings(blocks: Sequence[Block]) -> Iterable[str]:
    for block, following in zip(blocks, [*blocks, Block("", 0, level=1)][1:], strict=True):
        if not block.level and not FINISHED.search(block.text):
            yield f"{_place(block)}: paragraph ends in mid-sentence: …{block.text[-40:]}"
        if block.level and following.level and following.level <= block.level and following.text:
            yield f"{_place(block)}: no text below the heading {block.text}"


def _place(block: Block) -> str:
    return f"page {block.page}" if block.page else f"line {block.line}"


def _alphabetic(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalpha())


class Slugs:
    """Readable ids, each given once."""

    def __init__(self) -> None:
        self._given: Counter[str] = Counter()

    def new(self, text: str) -> str:
        """An id made of the words of `text`; a number is added where it was given before."""
        slug = slugify(text) or "abschnitt"
        self._given[slug] += 1
        count = self._given[slug]
        return slug if count == 1 else self.new(f"{slug}-{count}")


def slugify(text: str) -> str:
    """Lower-case ASCII words joined by hyphens, cut at a word to at most 60 characters."""
    for umlaut, pair in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        text = text.lower().replace(umlaut, pair)
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", ascii_text)
    while len("-".join(words)) > SLUG_LENGTH and len(words) > 1:
        words.pop()
    return "-".join(words)[:SLUG_LENGTH]
