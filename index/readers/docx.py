"""Word documents (.docx), read from their XML: what Word shows, in the order it shows it.

Page breaks are not read: where they fall depends on the fonts and printer of the reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from index.readers.files import Package
from index.readers.flow import BULLET, Flow, Look, counted, integer, joined, plain
from index.types import Document

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
ID = W + "styleId"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
DC = "{http://purl.org/dc/elements/1.1/}"
STRICT = (b"http://purl.oclc.org/ooxml/wordprocessingml/main", W[1:-1].encode())  # ISO's name
HEADING = re.compile(r"(?:heading|überschrift|berschrift)[ _]?([1-9])$", re.I)
CONTENTS = re.compile(r"(?:toc|verzeichnis)[ _]?([1-9])$", re.I)
CONTENTS_TITLE = re.compile(r"toc heading|inhaltsverzeichnis(?:überschrift)?$", re.I)
TITLE = re.compile(r"(?:title|titel)$", re.I)
FORMATS = {
    "lowerLetter": "a",
    "upperLetter": "A",
    "lowerRoman": "i",
    "upperRoman": "I",
}
UNSEEN = {W + name for name in ("del", "moveFrom", "rPr", "pPr", "instrText", "delText", "rt")}
BREAKS = {W + "br": " ", W + "cr": " ", W + "tab": "\t", W + "ptab": "\t"}
SIGNS = BREAKS | {W + "noBreakHyphen": "-", W + "softHyphen": "\u00ad"}
WRAPPERS = {W + name for name in ("ins", "moveTo", "customXml", "smartTag", "sdtContent")}
CORE = ("title", "creator", "language")
NOTES = {W + "footnoteReference": "footnotes", W + "endnoteReference": "endnotes"}
MOST_STEPS = 20  # from a style to those it is based on; more are a circle
MOST_LEVELS = 9  # of a list
MOST_MARKER = 40  # letters of a numbering's pattern
SIZE = 20  # half points, where nothing says otherwise


def read(path: Path) -> Document:
    """A DOCX file.

    Raises DocumentError where it is damaged, encrypted or larger than it pretends.
    """
    return _Reader(Package(path, STRICT)).document()


def _children(element: Element | None, name: str) -> list[Element]:
    return [] if element is None else element.findall(W + name)


def _child(element: Element | None, *names: str) -> Element | None:
    for name in names:
        element = None if element is None else element.find(W + name)
    return element


def _value(element: Element | None, *names: str) -> str:
    """The w:val of a descendant; nothing where there is none."""
    found = _child(element, *names)
    return "" if found is None else found.get(W + "val", "")


def _depth(level: Element) -> int:
    return integer(level.get(W + "ilvl", ""), 0)


def _on(element: Element | None, name: str) -> bool | None:
    """Whether a toggle such as w:b is on or off; None where it is not said."""
    found = _child(element, name)
    return None if found is None else found.get(W + "val", "1") not in {"0", "false", "off"}


@dataclass
class _Inside:
    """What stands inside one paragraph."""

    parts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    boxes: list[Element] = field(default_factory=list)
    looks: set[Look] = field(default_factory=set)

    def add(self, text: str, look: Look) -> None:
        """Letters that look like this."""
        self.parts.append(text)
        if text.strip():
            self.looks.add(look)

    @property
    def text(self) -> str:
        """All its letters, tabs as they are."""
        return "".join(self.parts)


class _Styles:
    """Paragraph styles, each with those it is based on."""

    def __init__(self, root: Element) -> None:
        self._styles = {style.get(ID, ""): style for style in _children(root, "style")}
        defaults = _child(root, "docDefaults", "rPrDefault", "rPr")
        self.language = _child(defaults, "lang")
        self._size = integer(_value(defaults, "sz"), SIZE)
        self.standard = next(
            (
                name
                for name, style in self._styles.items()
                if style.get(W + "default") in {"1", "true"}
                and style.get(W + "type") == "paragraph"
            ),
            "",
        )

    def chain(self, name: str) -> Iterator[Element]:
        """A style and what it is based on."""
        for _ in range(MOST_STEPS):
            style = self._styles.get(name)
            if style is None:
                return
            yield style
            name = _value(style, "basedOn")

    def names(self, name: str) -> Iterator[str]:
        """How a style and those below it are called, and known to the file."""
        yield name
        for style in self.chain(name):
            yield from (_value(style, "name"), style.get(ID, ""))

    def match(self, pattern: re.Pattern[str], name: str) -> re.Match[str] | None:
        """The first of the style's names that is of this kind."""
        return next((m for n in self.names(name) if (m := pattern.match(n))), None)

    def look(self, name: str, run: Element | None) -> Look:
        """Size and weight of a run in a paragraph of this style."""
        character = self.chain(_value(run, "rStyle"))
        sources = [run, *(_child(s, "rPr") for s in (*character, *self.chain(name)))]
        sizes = (_value(source, "sz") for source in sources)
        weights = (_on(source, "b") for source in sources)
        size = next((integer(size, SIZE) for size in sizes if size), self._size)
        return float(size), next((bold for bold in weights if bold is not None), False)


class _Lists:
    """Automatic numbering: the definitions, and how far each list has come."""

    def __init__(self, root: Element) -> None:
        self._abstract = {a.get(W + "abstractNumId", ""): a for a in _children(root, "abstractNum")}
        self._lists = {n.get(W + "numId", ""): n for n in _children(root, "num")}
        self._levels: dict[str, dict[int, Element]] = {}
        self._counts: dict[str, dict[int, int]] = {}
        self._begun: set[str] = set()

    def marker(self, number: str, depth: int) -> str | None:
        """What Word writes before the next item of list `number`; None where it is no list."""
        definition = self._lists.get(number)
        if definition is None:
            return None
        kind = _value(definition, "abstractNumId")
        if number not in self._levels:
            self._levels[number] = self._defined(kind, definition)
        levels = self._levels[number]
        style = _value(levels.get(depth), "numFmt") or "bullet"
        if style in {"bullet", "none"}:
            return BULLET if style == "bullet" else ""
        counts = self._count(number, kind, depth, definition, levels)
        return _written(
            _value(levels.get(depth), "lvlText")[:MOST_MARKER] or f"%{depth + 1}.", counts, levels
        )

    def _defined(self, kind: str, definition: Element) -> dict[int, Element]:
        """A list's levels, as its kind and what it overrides define them."""
        levels = {_depth(v): v for v in _children(self._abstract.get(kind), "lvl")}
        for override in _children(definition, "lvlOverride")[:MOST_LEVELS]:
            level = _child(override, "lvl")
            if level is not None:
                levels[_depth(override)] = level
        return levels

    def _count(
        self, number: str, kind: str, depth: int, definition: Element, levels: dict[int, Element]
    ) -> dict[int, int]:
        counts = self._counts.setdefault(kind, {})  # lists of one kind go on counting
        if number not in self._begun:
            self._begun.add(number)
            for override in _children(definition, "lvlOverride"):
                if _value(override, "startOverride"):
                    counts.pop(_depth(override), None)
        for level in range(depth + 1):
            start = integer(_value(levels.get(level), "start"), 1)
            restart = _override(definition, level)
            counts.setdefault(level, (start if restart is None else restart) - (level == depth))
        counts[depth] += 1
        for deeper in [level for level in counts if level > depth]:
            del counts[deeper]
        return counts


def _override(definition: Element, depth: int) -> int | None:
    for override in _children(definition, "lvlOverride")[:MOST_LEVELS]:
        if override.get(W + "ilvl") == str(depth) and _value(override, "startOverride"):
            return integer(_value(override, "startOverride"), 1)
    return None


def _written(pattern: str, counts: dict[int, int], levels: dict[int, Element]) -> str:
    def count(match: re.Match[str]) -> str:
        level = int(match[1]) - 1
        style = FORMATS.get(_value(levels.get(level), "numFmt"), "1")
        return counted(counts.get(level, 1), style)

    return re.sub(r"%([1-9])", count, pattern) + " "


class _Reader:
    """Walks through the body once."""

    def __init__(self, package: Package) -> None:
        main = _main_part(package)
        folder = main.rpartition("/")[0]
        self._body = package.xml(main).find(W + "body")
        self._styles = _Styles(package.xml(f"{folder}/styles.xml"))
        self._lists = _Lists(package.xml(f"{folder}/numbering.xml"))
        self._notes = {
            kind: {n.get(W + "id", ""): n for n in package.xml(f"{folder}/{kind}.xml")}
            for kind in NOTES.values()
        }
        self._core = package.xml("docProps/core.xml")
        self._flow = Flow()

    def document(self) -> Document:
        """The whole file."""
        self._blocks([] if self._body is None else self._body)
        title, author, language = (self._core.findtext(DC + name) or "" for name in CORE)
        spoken = self._styles.language
        if not language and spoken is not None:
            language = spoken.get(W + "val", "")
        return self._flow.document(title, author, language)

    def _blocks(self, parent: Iterable[Element], contents: bool = False) -> None:
        for element in parent:
            if element.tag == W + "p":
                self._paragraph(element, contents)
            elif element.tag == W + "tbl":
                self._table(element)
            elif element.tag == W + "sdt":
                gallery = _value(element, "sdtPr", "docPartObj", "docPartGallery")
                inner = _child(element, "sdtContent")
                self._blocks([] if inner is None else inner, contents or "Contents" in gallery)
            elif element.tag in WRAPPERS:
                self._blocks(element, contents)

    def _paragraph(self, paragraph: Element, contents: bool) -> None:
        style = _value(paragraph, "pPr", "pStyle") or self._styles.standard
        inside = _Inside()
        self._runs(paragraph, style, inside)
        if plain(inside.text):
            self._place(paragraph, style, inside, contents)
        for note in inside.notes:
            self._flow.drop(note, "footnote")
        for box in inside.boxes:
            self._blocks(box)

    def _place(self, paragraph: Element, style: str, inside: _Inside, contents: bool) -> None:
        line = self._styles.match(CONTENTS, style)
        level = self._level(paragraph, style)
        if line:
            self._flow.entry(inside.text, int(line[1]))
        elif self._styles.match(CONTENTS_TITLE, style):
            self._flow.drop(inside.text, "table of contents")
        elif contents:
            self._flow.entry(inside.text, 1)
        elif level is None and self._styles.match(TITLE, style):
            self._flow.title(inside.text)
        else:
            marker = None if level else self._marker(paragraph, style)
            look = min(inside.looks, default=None)
            self._flow.add(inside.text, level, marker, look=look)

    def _level(self, paragraph: Element, style: str) -> int | None:
        direct = _value(paragraph, "pPr", "outlineLvl")
        if direct:
            return _outline(direct)
        for part in self._styles.chain(style):
            outline = _value(part, "pPr", "outlineLvl")
            named = HEADING.match(_value(part, "name")) or HEADING.match(part.get(ID, ""))
            if named or outline:
                return int(named[1]) if named else _outline(outline)
        undefined = HEADING.match(style)  # a style that the file names without defining it
        return int(undefined[1]) if undefined else None

    def _marker(self, paragraph: Element, style: str) -> str | None:
        settings = [_child(paragraph, "pPr", "numPr")]
        settings += [_child(s, "pPr", "numPr") for s in self._styles.chain(style)]
        numbers = (_value(setting, "numId") for setting in settings)
        depths = (_value(setting, "ilvl") for setting in settings)
        depth = integer(next((d for d in depths if d), "0"), 0)
        return self._lists.marker(next((n for n in numbers if n), ""), min(max(depth, 0), 8))

    def _runs(self, parent: Element, style: str, inside: _Inside, look: Look = (0, False)) -> None:
        for element in parent:
            tag = element.tag
            if tag == W + "t":
                inside.add(element.text or "", look)
            elif tag in SIGNS:
                inside.parts.append(SIGNS[tag])
            elif tag in NOTES:
                inside.notes.append(self._note(NOTES[tag], element.get(W + "id", "")))
            elif tag == W + "txbxContent":
                inside.boxes.append(element)
            elif tag == MC + "AlternateContent":
                self._runs(_choice(element), style, inside, look)
            elif tag == W + "r":
                self._run(element, style, inside)
            elif tag not in UNSEEN:
                self._runs(element, style, inside, look)

    def _run(self, run: Element, style: str, inside: _Inside) -> None:
        properties = _child(run, "rPr")
        if not _on(properties, "vanish"):
            self._runs(run, style, inside, self._styles.look(style, properties))

    def _note(self, kind: str, number: str) -> str:
        note = self._notes[kind].pop(number, None)  # once: it may be referred to without end
        return "" if note is None else " ".join(self._texts(note.iter(W + "p")))

    def _texts(self, paragraphs: Iterable[Element]) -> list[str]:
        texts = []
        for paragraph in paragraphs:
            inside = _Inside()
            self._runs(paragraph, self._styles.standard, inside)
            texts.append(plain(inside.text))
            for note in inside.notes:
                self._flow.drop(note, "footnote")
        return [text for text in texts if text]

    def _table(self, table: Element) -> None:
        rows = [_cells(row) for row in _rows(table)]
        if max(map(len, rows), default=0) < 2 or self._laid_out(table):
            for cell in (cell for row in rows for cell in row):
                self._blocks(cell)
            return
        for row in rows:
            self._flow.add(joined(" ".join(self._texts(cell.iter(W + "p"))) for cell in row))

    def _laid_out(self, table: Element) -> bool:
        """Whether the table only arranges text: a table of figures has no headings inside."""
        styles = ((p, _value(p, "pPr", "pStyle")) for p in table.iter(W + "p"))
        return any(self._level(paragraph, style) for paragraph, style in styles)


def _main_part(package: Package) -> str:
    """The part that the package says is the document, "word/document.xml" as a rule."""
    for relation in package.xml("_rels/.rels"):
        if relation.get("Type", "").endswith("/officeDocument"):
            return relation.get("Target", "").lstrip("/")
    return "word/document.xml"


def _outline(level: str) -> int | None:
    number = integer(level, 9)
    return number + 1 if 0 <= number < 9 else None


def _choice(alternatives: Element) -> Element:
    """Of a drawing told twice, for newer and older programs, the one for newer ones."""
    choice = alternatives.find(MC + "Choice")
    fallback = alternatives.find(MC + "Fallback")
    for found in (choice, fallback):
        if found is not None:
            return found
    return Element("none")


def _rows(table: Element) -> list[Element]:
    rows = [row for row in _unwrapped(table) if row.tag == W + "tr"]
    return [row for row in rows if _child(row, "trPr", "del") is None]


def _cells(row: Element) -> list[Element]:
    return [cell for cell in _unwrapped(row) if cell.tag == W + "tc"]


def _unwrapped(parent: Element) -> Iterator[Element]:
    for element in parent:
        if element.tag in {W + "sdt", *WRAPPERS}:
            yield from _unwrapped(element)
        else:
            yield element
