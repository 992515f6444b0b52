"""Web pages: the text of the page itself, without navigation, forms and what is hidden.

The only importer of selectolax. It tells no line numbers, so blocks count paragraphs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

from index.errors import DocumentError
from index.readers import text
from index.readers.flow import BULLET, Flow, counted, integer, joined, plain
from index.types import Document

MOST_BYTES = 10_000_000
MOST_DEPTH = 300  # the parser's time grows with the square of it
MOST_ENTRIES = 2_000  # of a table of contents
LEAST_ENTRIES = 3  # fewer links in a list are no table of contents
HEADINGS = {f"h{level}": level for level in range(1, 7)}
UNREAD = {
    *("script", "style", "template", "noscript", "head", "title", "nav", "footer", "aside"),
    *("button", "select", "input", "textarea", "option", "dialog", "iframe", "object", "embed"),
    *("svg", "math", "canvas", "audio", "video", "map", "rt", "rp", "-comment", "-doctype"),
}
UNREAD_ROLES = {
    "navigation",
    "banner",
    "contentinfo",
    "search",
    "complementary",
    "doc-backlink",
    "doc-toc",
}
SECTIONING = {"main", "article", "section"}
PARAGRAPHS = {
    *("p", "div", "section", "article", "main", "blockquote", "pre", "ul", "ol", "li", "dl", "dt"),
    *("dd", "figure", "figcaption", "address", "hr", "details", "summary", "fieldset", "legend"),
    *("center", "body", "header", "hgroup", "form", "menu", "caption", *HEADINGS),
}
NOTES = {"doc-footnote", "doc-endnote", "doc-endnotes"}
OPEN_ENDED = {"p", "li", "dt", "dd", "td", "th", "tr", "thead", "tbody", "tfoot", "option"}
VOID = {"br", "img", "hr", "input", "meta", "link", "col", "wbr", "area", "source", "embed"}
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
CHARSET = re.compile(rb"<meta[^>]{0,300}charset\s*=\s*[\"']?\s*([\w-]{1,40})", re.I)
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)")
WINDOWS = {"iso-8859-1", "latin-1", "latin1", "us-ascii", "ascii", "windows-1252"}  # as browsers do


def read(path: Path) -> Document:
    """An HTML file.

    Raises DocumentError where it is too large or nested too deeply.
    """
    data = path.read_bytes()
    if len(data) > MOST_BYTES:
        raise DocumentError(path, "a page of more than 10 MB", "leave out embedded pictures")
    source, warnings = decode(data)
    if "\0" in source:
        raise DocumentError(path, "binary data in a page", "save the page again")
    if _depth(source) > MOST_DEPTH:
        raise DocumentError(path, "its parts are nested too deeply", "export it again")
    return _page(LexborHTMLParser(source), warnings)


def decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The page's text: by its byte order mark, by what it declares, as UTF-8, as Windows-1252;
    and a warning where that was only a guess.
    """
    charset = text.charset(data)
    declared = CHARSET.search(data[:4096])
    told = declared[1].decode() if declared else ""
    for name in (charset if charset != "utf-8" else "", told, "utf-8"):
        try:
            if name:
                return data.decode("cp1252" if name.lower() in WINDOWS else name), ()
        except (UnicodeError, LookupError):
            continue  # what a page says about itself is often wrong
    return data.decode("cp1252", "replace"), ("read as Windows-1252",)


def flat(fragment: str) -> str:
    """The text of a piece of HTML, without tags and scripts."""
    if _depth(fragment) > MOST_DEPTH:
        return ""
    document = _page(LexborHTMLParser(fragment))
    return " ".join(block.text for block in document.blocks)


def _depth(source: str) -> int:
    """How deep elements may be nested, at most."""
    unclosed: Counter[str] = Counter()
    depth = deepest = 0
    for match in TAG.finditer(source):
        name = match[2].lower()
        if name in OPEN_ENDED or name in VOID:
            continue
        if not match[1]:
            unclosed[name] += 1
            depth += 1
            deepest = max(deepest, depth)
        elif unclosed[name]:
            unclosed[name] -= 1
            depth -= 1
    return deepest


def _page(tree: LexborHTMLParser, warnings: tuple[str, ...] = ()) -> Document:
    walk = _Walk()
    body = tree.body
    if body is None:
        return walk.flow.document()
    root = _content(body)
    only = body.css("h1")
    if len(only) == 1 and not _unread(only[0]) and not _reached(only[0], root):
        walk.heading(only[0])
    for nav in body.css("nav, [role=navigation], [role=doc-toc]"):
        if not _within(nav, {"nav"}):
            walk.contents(nav)
    walk.block(root)
    title = _first(tree, "title") or _meta(tree, "dc.title", "dcterms.title")
    author = _meta(tree, "author", "dc.creator", "dcterms.creator")
    language = tree.root.attributes.get("lang") if tree.root is not None else ""
    return walk.flow.document(title, author, language or "", warnings)


def _content(body: LexborNode) -> LexborNode:
    for selector in ("main, [role=main]", "article"):
        found = [node for node in body.css(selector) if node.text(strip=True)]
        if len(found) == 1:
            return found[0]
    return body


def _first(tree: LexborHTMLParser, selector: str) -> str:
    found = tree.css_first(selector)
    return plain(found.text()) if found is not None else ""


def _meta(tree: LexborHTMLParser, *names: str) -> str:
    for node in tree.css("meta[name]"):
        if (node.attributes.get("name") or "").lower() in names:
            return node.attributes.get("content") or ""
    return ""


def _reached(heading: LexborNode, root: LexborNode) -> bool:
    """Whether `heading` will be read where it stands, under `root` and in no head of the page."""
    above = heading.parent
    in_header = False
    while above is not None and above.mem_id != root.mem_id:
        in_header = in_header or above.tag == "header"
        above = above.parent
    return above is not None and (not in_header or _within(heading, SECTIONING))


def _within(node: LexborNode, tags: set[str]) -> bool:
    above = node.parent
    while above is not None:
        if above.tag in tags:
            return True
        above = above.parent
    return False


def _role(node: LexborNode) -> str:
    return (node.attributes.get("role") or "").strip().lower()


def _unread(node: LexborNode) -> bool:
    """Whether a reader of the page does not see `node`, or not as a part of its text."""
    attributes = node.attributes
    return (
        node.tag in UNREAD
        or "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or _role(node) in UNREAD_ROLES
        or bool(HIDDEN.search(attributes.get("style") or ""))
        or (node.tag == "form" and node.css_first("h1, h2, main, article") is None)
    )


def _is_note(node: LexborNode) -> bool:
    classes = (node.attributes.get("class") or "").split()
    return _role(node) in NOTES or (node.tag in {"section", "div", "ol"} and "footnotes" in classes)


def _is_contents(node: LexborNode) -> bool:
    """A list of nothing but links within the page."""
    links = node.css("a[href^='#']")
    linked, whole = "".join(link.text() for link in links), node.text()
    return len(links) >= LEAST_ENTRIES and "".join(linked.split()) == "".join(whole.split())


def _is_reference(node: LexborNode) -> bool:
    """A footnote's mark: declared as one, or raised and linked within the page."""
    if _role(node) == "doc-noteref":
        return True
    link = node.css_first("a[href^='#']") if node.tag == "sup" else None
    return link is not None and len(node.text(strip=True)) <= 5


def _children(node: LexborNode) -> Iterator[LexborNode]:
    child = node.child
    while child is not None:
        yield child
        child = child.next


@dataclass
class _List:
    """A list that is being walked through."""

    style: str  # "" for bullets
    count: int
    step: int = 1
    fresh: bool = False  # the item's first paragraph is still to come

    def marker(self) -> str:
        """What stands before the next paragraph."""
        if not self.fresh:
            return ""
        self.fresh = False
        end = ")" if self.style in {"a", "A"} else "."
        return f"{counted(self.count, self.style)}{end} " if self.style else BULLET


@dataclass
class _Walk:
    """Walks through the page once; `_words` is the paragraph that is being read."""

    flow: Flow = field(default_factory=Flow)
    _words: list[str] = field(default_factory=list)
    _lists: list[_List] = field(default_factory=list)
    _breaks: int = 0

    def block(self, node: LexborNode) -> None:
        """A node with paragraphs of its own."""
        self._flush()
        self._inside(node)
        self._flush()

    def heading(self, node: LexborNode) -> None:
        """A heading, in one piece."""
        self._flush()
        self._inside(node, flushing=False)
        self._flush(HEADINGS[node.tag or "h1"])

    def contents(self, nav: LexborNode) -> None:
        """A table of contents: links that lead to places of the page itself."""
        for link in nav.css("a[href^='#']")[: MOST_ENTRIES - len(self.flow.contents)]:
            level = 0
            above = link.parent
            while above is not None:
                level += above.tag in {"ol", "ul"}
                above = above.parent if above.mem_id != nav.mem_id else None
            self.flow.entry(link.text(), max(1, level))

    def _inside(self, node: LexborNode, flushing: bool = True) -> None:
        for child in _children(node):
            if child.tag == "-text":
                self._text(child.text_content or "")
            elif child.tag == "br":
                self._line_break(flushing)
            elif _is_note(child):
                self._note(child)
            elif _unread(child) or _is_reference(child):
                continue
            elif flushing:
                self._element(child)
            else:
                self._apart(child)

    def _apart(self, node: LexborNode) -> None:
        """A node within one line, whose paragraphs become words of it."""
        space = " " if node.tag in PARAGRAPHS else ""
        self._words.append(space)
        self._inside(node, flushing=False)
        self._words.append(space)

    def _element(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag in HEADINGS:
            self.heading(node)
        elif tag in {"ul", "ol", "menu"}:
            self._list(node)
        elif tag == "table":
            self._table(node)
        elif tag == "header":
            self._header(node)
        elif tag in PARAGRAPHS:
            self.block(node)
        else:
            self._inside(node)

    def _text(self, letters: str) -> None:
        if letters.strip():
            self._breaks = 0
        self._words.append(letters)

    def _line_break(self, flushing: bool) -> None:
        self._breaks += 1
        self._words.append(" ")
        if self._breaks > 1 and flushing:
            self._flush()  # two of them have been a paragraph since the nineties

    def _flush(self, level: int | None = None) -> None:
        words = plain("".join(self._words))
        self._words.clear()
        self._breaks = 0
        if words:
            marker = self._lists[-1].marker() if self._lists and level is None else None
            self.flow.add(words, level, marker)

    def _note(self, node: LexborNode) -> None:
        notes = [
            n
            for n in node.css("[role=doc-footnote], [role=doc-endnote], li")
            if n.mem_id != node.mem_id
        ]
        for note in notes or [node]:
            self.flow.drop(note.text(), "footnote")

    def _header(self, node: LexborNode) -> None:
        """Of the head of a part of the page, its headings; the page's own head is none of it."""
        if _within(node, SECTIONING):
            for heading in node.css("h1, h2, h3, h4, h5, h6"):
                self.heading(heading)

    def _list(self, node: LexborNode) -> None:
        self._flush()
        if not self._lists and _is_contents(node):
            self.contents(node)
            return
        ordered = node.tag == "ol"
        attributes = node.attributes
        items = [child for child in _children(node) if child.tag == "li"]
        backwards = ordered and "reversed" in attributes
        first = integer(attributes.get("start"), len(items) if backwards else 1)
        step = -1 if backwards else 1
        this = _List((attributes.get("type") or "1") if ordered else "", first - step, step)
        self._lists.append(this)
        for child in _children(node):
            if child.tag == "li" and not _unread(child):
                this.count = integer(child.attributes.get("value"), this.count + this.step)
                this.fresh = True
                if _is_note(child):
                    self._note(child)
                else:
                    self.block(child)
            elif child.tag in {"ul", "ol"}:  # not allowed there, but common
                self._list(child)
        self._lists.pop()

    def _table(self, node: LexborNode) -> None:
        self._flush()
        rows = [_cells(row) for row in _rows(node) if not _unread(row)]
        caption = next((c for c in _children(node) if c.tag == "caption"), None)
        if caption is not None:
            self.block(caption)
        if max(map(len, rows), default=0) < 2 or _laid_out(rows):
            for cell in (cell for row in rows for cell in row):
                self.block(cell)
            return
        for row in rows:
            self.flow.add(joined([self._cell(cell) for cell in row]))

    def _cell(self, cell: LexborNode) -> str:
        self._inside(cell, flushing=False)
        words = plain("".join(self._words))
        self._words.clear()
        return words


def _cells(row: LexborNode) -> list[LexborNode]:
    return [c for c in _children(row) if c.tag in {"td", "th"} and not _unread(c)]


def _laid_out(rows: Sequence[Sequence[LexborNode]]) -> bool:
    """Whether the table only arranges text: one of figures has no headings or tables inside."""
    cells = (cell for row in rows for cell in row)
    return any(cell.css_first("h1, h2, h3, h4, h5, h6, table") is not None for cell in cells)


def _rows(table: LexborNode) -> Iterator[LexborNode]:
    """The table's own rows, not those of tables inside it."""
    for child in _children(table):
        if child.tag == "tr":
            yield child
        elif child.tag in {"thead", "tbody", "tfoot"}:
            yield from (row for row in _children(child) if row.tag == "tr")
