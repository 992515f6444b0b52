"""OpenDocument texts (.odt), read from their XML: LibreOffice's own format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from index.errors import DocumentError
from index.readers.files import Package
from index.readers.flow import BULLET, Flow, Look, counted, integer, joined, plain
from index.types import Document

OASIS = "{urn:oasis:names:tc:opendocument:xmlns:"
TEXT, STYLE, TABLE = OASIS + "text:1.0}", OASIS + "style:1.0}", OASIS + "table:1.0}"
DRAW, OFFICE, META = OASIS + "drawing:1.0}", OASIS + "office:1.0}", OASIS + "meta:1.0}"
FO = OASIS + "xsl-fo-compatible:1.0}"
DC = "{http://purl.org/dc/elements/1.1/}"
TITLE = re.compile(r"(?:Title|Titel)$")
HEADING = re.compile(r"(?:Heading|Überschrift)(?:_20_| )([1-9]|10)$")
ENTRY = re.compile(r"Contents(?:_20_| )([1-9]|10)$")
GROUPS = {TABLE + name for name in ("table-header-rows", "table-rows", "table-row-group")}
BREAKS = {TEXT + "line-break": " ", TEXT + "s": " ", TEXT + "tab": "\t"}
UNSEEN = {
    OFFICE + "annotation",
    OFFICE + "event-listeners",
    TEXT + "tracked-changes",  # holds what was deleted
    TEXT + "ruby-text",
    TEXT + "hidden-text",
    TEXT + "hidden-paragraph",
    DRAW + "object",
    OASIS + "svg-compatible:1.0}title",
    OASIS + "svg-compatible:1.0}desc",
}
CONTAINERS = {
    TEXT + "section",
    TEXT + "list-item",
    TEXT + "list-header",
    TEXT + "numbered-paragraph",
    DRAW + "frame",
    DRAW + "text-box",
}
MOST_STEPS = 20  # from a style to those it is based on; more are a circle
MOST_MARKER = 40  # letters around a list's number
SIZE = 12.0  # points, where nothing says otherwise


def read(path: Path) -> Document:
    """An ODT file.

    Raises DocumentError where it is damaged, encrypted or larger than it pretends.
    """
    package = Package(path)
    if b"encryption-data" in package.read("META-INF/manifest.xml"):
        raise DocumentError(path, "the file is encrypted", "save it without a password")
    return _Reader(package).document()


@dataclass
class _Inside:
    """What stands inside one paragraph."""

    parts: list[str] = field(default_factory=list)
    notes: list[Element] = field(default_factory=list)
    boxes: list[Element] = field(default_factory=list)
    looks: set[Look] = field(default_factory=set)

    @property
    def text(self) -> str:
        """All its letters, tabs as they are."""
        return "".join(self.parts)


class _Styles:
    """Styles of paragraphs, letters and lists, each with those it is based on."""

    def __init__(self, roots: Iterable[Element]) -> None:
        self._styles: dict[tuple[str, str], Element] = {}
        self._lists: dict[str, dict[str, Element]] = {}
        self.language = ""
        for root in roots:
            for style in root.iter(STYLE + "style"):
                key = (style.get(STYLE + "family", ""), style.get(STYLE + "name", ""))
                self._styles[key] = style
            for style in root.iter(TEXT + "list-style"):
                levels = {level.get(TEXT + "level", ""): level for level in style}
                self._lists[style.get(STYLE + "name", "")] = levels
            for style in root.iter(STYLE + "default-style"):
                self._read_defaults(style)

    def _read_defaults(self, style: Element) -> None:
        family = style.get(STYLE + "family", "")
        self._styles[family, ""] = style
        for properties in style.iter(STYLE + "text-properties"):
            self.language = self.language or properties.get(FO + "language", "")

    def chain(self, name: str, family: str = "paragraph") -> Iterator[Element]:
        """A style, what it is based on, and last the family's defaults."""
        for _ in range(MOST_STEPS):
            style = self._styles.get((family, name))
            if style is None:
                break
            yield style
            if not name:
                return
            name = style.get(STYLE + "parent-style-name", "")
        if name and (family, "") in self._styles:
            yield self._styles[family, ""]

    def match(self, pattern: re.Pattern[str], name: str) -> re.Match[str] | None:
        """The first of the names of a style and those below it that is of this kind."""
        names = [name]
        for style in self.chain(name):
            names += [style.get(STYLE + key, "") for key in ("display-name", "parent-style-name")]
        return next((m for n in names if (m := pattern.match(n))), None)

    def look(self, paragraph: str, spans: Iterable[str]) -> Look:
        """Size and weight of letters in these spans, the innermost first."""
        styles = [s for span in spans for s in self.chain(span, "text") if s.get(STYLE + "name")]
        size, factor, bold = 0.0, 1.0, None
        for style in (*styles, *self.chain(paragraph)):
            properties = style.find(STYLE + "text-properties")
            if properties is None:
                continue
            weight = properties.get(FO + "font-weight")
            bold = (
                weight in {"bold", "600", "700", "800", "900"} if weight and bold is None else bold
            )
            match = re.fullmatch(
                r"(\d{1,4}(?:\.\d{1,6})?)(pt|%)", properties.get(FO + "font-size", "")
            )
            if match and not size:
                size = float(match[1]) if match[2] == "pt" else 0.0
                factor *= float(match[1]) / 100 if match[2] == "%" else 1.0
        return round((size or SIZE) * factor, 1), bool(bold)

    def level_of_list(self, name: str, depth: int) -> Element | None:
        """How the items of a list are marked at this depth; None where nothing says it."""
        return self._lists.get(name, {}).get(str(depth))

    def list_of(self, paragraph: str) -> str:
        """The list style that a paragraph's style asks for."""
        names = (style.get(STYLE + "list-style-name", "") for style in self.chain(paragraph))
        return next((name for name in names if name), "")


@dataclass
class _List:
    """A list that is being walked through."""

    style: str
    depth: int
    count: int | None = None  # the last item's number
    fresh: bool = True  # the item's first paragraph is still to come


class _Reader:
    """Walks through the text once."""

    def __init__(self, package: Package) -> None:
        content = package.xml("content.xml")
        self._body = content.find(f"{OFFICE}body/{OFFICE}text")
        self._styles = _Styles([package.xml("styles.xml"), content])
        self._meta = package.xml("meta.xml")
        self._counts: dict[tuple[str, int], int] = {}
        self._flow = Flow()

    def document(self) -> Document:
        """The whole file."""
        self._blocks([] if self._body is None else self._body, None)
        meta = self._meta.find(OFFICE + "meta")
        told = {e.tag: e.text or "" for e in ([] if meta is None else meta)}
        author = told.get(META + "initial-creator") or told.get(DC + "creator", "")
        language = told.get(DC + "language") or self._styles.language
        return self._flow.document(told.get(DC + "title", ""), author, language)

    def _blocks(self, parent: Iterable[Element], around: _List | None) -> None:
        for element in parent:
            if element.tag in {TEXT + "h", TEXT + "p"}:
                self._paragraph(element, around)
            elif element.tag == TEXT + "list":
                self._list(element, around)
            elif element.tag == TABLE + "table":
                self._table(element)
            elif element.tag == TEXT + "table-of-content":
                self._contents(element)
            elif element.tag in CONTAINERS and element.get(TEXT + "display") != "none":
                self._blocks(element, around)

    def _list(self, element: Element, around: _List | None) -> None:
        name = element.get(TEXT + "style-name") or (around.style if around else "")
        this = _List(name, around.depth + 1 if around else 1)
        key = (this.style, this.depth)
        if element.get(TEXT + "continue-numbering") == "true" or element.get(
            TEXT + "continue-list"
        ):
            this.count = self._counts.get(key)
        for item in element:
            if item.tag == TEXT + "list-item":
                this.fresh = True
                given = item.get(TEXT + "start-value")
                this.count = integer(given, 1) - 1 if given else this.count
            self._blocks([item], this)
        self._counts[key] = this.count or 0

    def _paragraph(self, paragraph: Element, around: _List | None) -> None:
        style = paragraph.get(TEXT + "style-name", "")
        inside = _Inside()
        self._runs(paragraph, style, (), inside)
        if plain(inside.text):
            self._place(paragraph, style, inside, around)
        for note in inside.notes:
            body = note.find(TEXT + "note-body")
            self._flow.drop(" ".join(self._texts([] if body is None else body)), "footnote")
        for box in inside.boxes:
            self._blocks(box, None)

    def _place(self, paragraph: Element, style: str, inside: _Inside, around: _List | None) -> None:
        level = self._level(paragraph, style)
        if level is None and self._styles.match(TITLE, style):
            self._flow.title(inside.text)
            return
        marker = None
        if around and level is None:
            marker = self._marker(around, style) if around.fresh else ""
            around.fresh = False
        self._flow.add(inside.text, level, marker, look=min(inside.looks, default=None))

    def _level(self, paragraph: Element, style: str) -> int | None:
        if paragraph.tag == TEXT + "h":
            return max(1, integer(paragraph.get(TEXT + "outline-level"), 1))
        for part in self._styles.chain(style):
            level = integer(part.get(STYLE + "default-outline-level"), 0)
            if level > 0:
                return level
        named = self._styles.match(HEADING, style)
        return int(named[1]) if named else None

    def _marker(self, around: _List, paragraph: str) -> str:
        name = around.style or self._styles.list_of(paragraph)
        level = self._styles.level_of_list(name, around.depth)
        if level is None or not level.tag.endswith("-number"):
            return BULLET
        start = max(1, integer(level.get(TEXT + "start-value"), 1))
        around.count = start if around.count is None else around.count + 1
        form = level.get(STYLE + "num-format", "")
        if not form:
            return ""
        before, after = (
            level.get(STYLE + n, "")[:MOST_MARKER] for n in ("num-prefix", "num-suffix")
        )
        return f"{before}{counted(around.count, form)}{after} "

    def _runs(self, parent: Element, style: str, spans: tuple[str, ...], inside: _Inside) -> None:
        self._letters(parent.text, style, spans, inside)
        for element in parent:
            if element.tag in BREAKS:
                inside.parts.append(BREAKS[element.tag])
            elif element.tag == TEXT + "note":
                inside.notes.append(element)
            elif element.tag in {DRAW + "text-box", TABLE + "table"}:
                inside.boxes.append(element)
            elif element.tag not in UNSEEN:
                name = element.get(TEXT + "style-name", "") if element.tag == TEXT + "span" else ""
                self._runs(element, style, (name, *spans) if name else spans, inside)
            self._letters(element.tail, style, spans, inside)

    def _letters(
        self, text: str | None, style: str, spans: tuple[str, ...], inside: _Inside
    ) -> None:
        inside.parts.append(text or "")
        if text and text.strip():
            inside.looks.add(self._styles.look(style, spans))

    def _texts(self, parent: Iterable[Element]) -> list[str]:
        texts = []
        for element in (
            p for part in parent for p in part.iter() if p.tag in {TEXT + "h", TEXT + "p"}
        ):
            inside = _Inside()
            self._runs(element, "", (), inside)
            texts.append(plain(inside.text))
            for note in inside.notes:
                body = note.find(TEXT + "note-body")
                if body is not None:
                    self._flow.drop(" ".join(body.itertext()), "footnote")
        return [text for text in texts if text]

    def _contents(self, index: Element) -> None:
        for title in index.iter(TEXT + "index-title"):
            self._flow.drop(" ".join(self._texts([title])), "table of contents")
        body = index.find(TEXT + "index-body")
        for line in [] if body is None else body:
            if line.tag == TEXT + "p":
                inside = _Inside()
                self._runs(line, "", (), inside)
                level = self._styles.match(ENTRY, line.get(TEXT + "style-name", ""))
                self._flow.entry(inside.text, int(level[1]) if level else 1)

    def _table(self, table: Element) -> None:
        rows = [_cells(row) for row in _rows(table)]
        if max(map(len, rows), default=0) < 2 or self._laid_out(table):
            for cell in (cell for row in rows for cell in row):
                self._blocks(cell, None)
            return
        for row in rows:
            self._flow.add(joined(" ".join(self._texts(cell)) for cell in row))

    def _laid_out(self, table: Element) -> bool:
        """Whether the table only arranges text: a table of figures has no headings inside."""
        paragraphs = (p for p in table.iter() if p.tag in {TEXT + "h", TEXT + "p"})
        return any(self._level(p, p.get(TEXT + "style-name", "")) for p in paragraphs)


def _rows(table: Element) -> Iterator[Element]:
    for element in table:
        if element.tag == TABLE + "table-row":
            yield element
        elif element.tag in GROUPS:
            yield from _rows(element)


def _cells(row: Element) -> list[Element]:
    return row.findall(TABLE + "table-cell")
