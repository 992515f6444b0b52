"""Pages → lines of text with place and style. The only importer of pypdfium2.

A PDF knows characters and places, no words, lines or paragraphs. PDFium's text page gives the
characters in the order in which they were painted, with the spaces and line ends that it inferred.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pypdfium2 as pdfium
import pypdfium2.raw as raw
from PIL.Image import Image as Picture

from index.errors import DocumentError
from index.types import Entry

MOST_PAGES = 1000
MOST_LETTERS = 60_000  # of one page; a page of fine print has about 10,000
WORD_GAP = 1.0  # ems between two characters that make them two pieces of text
LABEL_GAP = 5.0  # ems between a bullet or number and what it belongs to
BOLD = 600  # font weight, as CSS counts
BOLD_NAME = re.compile(r"bold|black|heavy|semi|demi|medium|(?<![a-z])(?:md|hv|bd|blk)", re.I)
ITALIC_NAME = re.compile(r"ital|obliq|(?<=[a-z])(?:it|o)$", re.I)
LABEL = re.compile(
    r"^(?:[•◦▪▫‣●○■□➔➢➤➜▶►◆›→✓✔✘✗❖\uf0b7\uf0a7\uf0d8\uf02d–—*·-]|\(?(?:\d{1,4}(?:\.\d{1,2})*|[a-zA-Z]|[IVXL]+)[.)]?)$"
)
RAISED = 0xE000
SIGNS = str.maketrans({"\u00ad": "", "\u00a0": " ", "\u2010": "-", "\u2011": "-"})
PICTURE_SHARE = 0.3  # of the page's area, under images, makes a page without text a picture


@dataclass(frozen=True)
class Style:
    """How text looks: size in points, and what sets it apart."""

    size: float
    font: str
    colour: tuple[int, int, int]
    bold: bool
    italic: bool


@dataclass(frozen=True)
class Tag:
    """What the structure of a tagged PDF says about a piece of text."""

    level: int | None = None  # of the heading it is in
    spans: bool = False  # its paragraph goes on on another page


@dataclass(frozen=True)
class Line:
    """One line of one column: points from the page's upper left corner.

    A word that goes on in the next line ends with "-", or U+00AD where the PDF says so itself;
    small raised digits are private characters, RAISED + digit.
    """

    text: str
    page: int
    left: float
    top: float
    right: float
    bottom: float
    baseline: float
    style: Style  # of most of its letters
    first: Style
    last: Style
    share: float  # of its letters in that style
    tag: Tag | None = None  # where the PDF is tagged
    artifact: bool = False  # where the PDF says that it is none of the text
    label: str = ""  # bullet or number set apart before it, which `text` begins with
    body_left: float = 0.0  # where the text after the label begins

    @property
    def uniform(self) -> bool:
        """Whether the whole line is in one style, but for a sign or two."""
        return self.share >= 0.9


@dataclass(frozen=True)
class Page:
    """One page as it was decoded."""

    number: int  # from 1
    width: float
    height: float
    lines: tuple[Line, ...]
    picture: bool  # no text to speak of, but images
    broken: bool  # text whose letters can't be told


@dataclass(frozen=True)
class Decoded:
    """A PDF's pages, its electronic table of contents and what it says of itself."""

    pages: tuple[Page, ...]
    outline: tuple[Entry, ...]
    title: str
    author: str
    language: str


def decode(path: Path, watch: Callable[[int, int], None]) -> Decoded:
    """All lines of a PDF; `watch` is told the pages done and all there are.

    Raises DocumentError where it is damaged, encrypted, has no pages or too many.
    """
    document = open_pdf(path)
    try:
        count = len(document)
        if not count:
            raise DocumentError(path, "the PDF has no pages", "export it again")
        if count > MOST_PAGES:
            problem = f"{count} pages, more than {MOST_PAGES}"
            raise DocumentError(path, problem, "is this one programme? split it")
        pages = []
        for number in range(1, count + 1):
            pages.append(_page(document, number, path))
            watch(number, count)
        info = document.get_metadata_dict()
        outline = tuple(_outline(document))
        return Decoded(tuple(pages), outline, info["Title"], info["Author"], _language(document))
    finally:
        document.close()


def open_pdf(path: Path) -> pdfium.PdfDocument:
    """The opened document.

    Raises DocumentError where PDFium can't open it.
    """
    try:
        return pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            raise DocumentError(
                path, "the PDF is encrypted", "save it without a password, e.g. qpdf --decrypt"
            ) from error
        raise DocumentError(
            path, "not a readable PDF (damaged or cut short)", "export or download it again"
        ) from error


def pictures(path: Path, scale: float = 1.0) -> Iterator[Picture]:
    """Each page drawn; `scale` 1 is one pixel a point.

    Raises DocumentError as `decode` does.
    """
    document = open_pdf(path)
    try:
        for page in document:
            yield page.render(scale=scale).to_pil()
    finally:
        document.close()


def _language(document: Any) -> str:
    getter = getattr(raw, "FPDFCatalog_GetLanguage", None)
    return _wide(getter, document.raw).split("-")[0].lower() if getter else ""


def _outline(document: Any) -> Iterator[Entry]:
    try:
        for mark in document.get_toc(max_depth=6):
            target = mark.get_dest()
            index = target.get_index() if target else None
            title = " ".join(mark.get_title().split())
            if title:
                yield Entry(title, mark.level + 1, None if index is None else index + 1)
    except (pdfium.PdfiumError, UnicodeDecodeError):  # a damaged outline is none
        return


def _wide(call: Any, *arguments: Any) -> str:
    """A string that PDFium hands out in UTF-16, asked for its length first."""
    length = call(*arguments, None, 0)
    if length <= 2:
        return ""
    buffer = ctypes.create_string_buffer(length)
    call(*arguments, ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), length)
    return buffer.raw[: length - 2].decode("utf-16-le", "ignore")


def _page(document: Any, number: int, path: Path) -> Page:
    try:
        page = document[number - 1]
        text = page.get_textpage()
    except pdfium.PdfiumError as error:
        raise DocumentError(
            f"{path}: page {number}", "damaged", "export or download it again"
        ) from error
    try:
        frame = _Frame(page)
        if text.count_chars() > MOST_LETTERS:
            raise DocumentError(
                f"{path}: page {number}",
                f"more than {MOST_LETTERS} letters",
                "split the page",
            )
        pieces, unknown = _pieces(text.raw, frame, _tags(page.raw))
        letters = sum(len(piece.text) for piece in pieces)
        broken = letters > 0 and unknown > 0.2 * letters
        picture = letters < 30 and _image_share(page, frame) > PICTURE_SHARE
        lines = () if broken else tuple(_lines(pieces, number))
        return Page(number, frame.width, frame.height, lines, picture, broken)
    finally:
        text.close()
        page.close()


class _Frame:
    """The page's visible area; turns PDF coordinates, which count from below, the right way."""

    def __init__(self, page: Any) -> None:
        self._left, self._bottom, self._right, self._top = page.get_cropbox()
        self._rotation = page.get_rotation()
        self.width, self.height = page.get_size()

    def point(self, x: float, y: float) -> tuple[float, float]:
        """From the upper left corner of the page as it is seen."""
        if self._rotation == 90:
            return y - self._bottom, x - self._left
        if self._rotation == 180:
            return self._right - x, y - self._bottom
        if self._rotation == 270:
            return self._top - y, self._right - x
        return x - self._left, self._top - y

    def shows(self, box: _Letter) -> bool:
        """Whether it lies on the visible page."""
        across = box.right >= 0 and box.left <= self.width
        return across and box.bottom >= 0 and box.top <= self.height

    def upright(self, a: float, b: float) -> bool:
        """Whether text with these matrix entries reads from left to right as seen."""
        angle = math.degrees(math.atan2(b, a)) - self._rotation
        return bool(abs((angle + 180) % 360 - 180) < 5)


def _image_share(page: Any, frame: _Frame) -> float:
    area: float = 0.0
    for thing in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=2):
        left, bottom, right, top = thing.get_bounds()
        area += max(0.0, right - left) * max(0.0, top - bottom)
    return float(area / max(1.0, frame.width * frame.height))


def _tags(page: Any) -> dict[int, Tag]:
    """Marked-content id → tag, from the structure tree of a tagged PDF."""
    tree = raw.FPDF_StructTree_GetForPage(page)
    if not tree:
        return {}
    found: dict[int, Tag] = {}
    stack: list[tuple[Any, int | None, int]] = [
        (raw.FPDF_StructTree_GetChildAtIndex(tree, k), None, 0)
        for k in range(raw.FPDF_StructTree_CountChildren(tree))
    ]
    while stack:
        element, level, depth = stack.pop()
        if not element or depth > 40:
            continue
        match = re.fullmatch(r"H([1-6])", _wide(raw.FPDF_StructElement_GetType, element))
        level = int(match[1]) if match else level
        kids = range(raw.FPDF_StructElement_CountChildren(element))
        below = [raw.FPDF_StructElement_GetChildAtIndex(element, k) for k in kids]
        # -1 for content of another page, whose ids would be mistaken for this page's.
        ids = [raw.FPDF_StructElement_GetChildMarkedContentID(element, k) for k in kids]
        own = [number for number in ids if number >= 0]
        spans = any(n < 0 and not kid for n, kid in zip(ids, below, strict=True))
        found.update({number: Tag(level, spans) for number in own})
        stack += [(kid, level, depth + 1) for kid in below]
    raw.FPDF_StructTree_Close(tree)
    return found


@dataclass(frozen=True)
class _Look:
    """What the letters of one text object share."""

    style: Style
    upright: bool
    tag: Tag | None
    artifact: bool


NO_LOOK = _Look(Style(0, "", (0, 0, 0), False, False), True, None, False)


class _Looks:
    """The look of each text object, asked once."""

    def __init__(self, frame: _Frame, tags: dict[int, Tag]) -> None:
        self._frame, self._tags = frame, tags
        self._known: dict[int, _Look] = {}

    def of(self, thing: Any) -> _Look:
        if not thing:
            return NO_LOOK
        key = ctypes.addressof(thing.contents)
        if key not in self._known:
            self._known[key] = self._look(thing)
        return self._known[key]

    def _look(self, thing: Any) -> _Look:
        matrix, size = raw.FS_MATRIX(), ctypes.c_float()
        raw.FPDFPageObj_GetMatrix(thing, matrix)
        raw.FPDFTextObj_GetFontSize(thing, size)
        scale = math.hypot(matrix.c, matrix.d) or 1.0
        channels = [ctypes.c_uint() for _ in range(4)]
        raw.FPDFPageObj_GetFillColor(thing, *channels)
        red, green, blue = (round(c.value / 16) * 16 for c in channels[:3])
        font = raw.FPDFTextObj_GetFont(thing)
        name = _font_name(font)
        weight = raw.FPDFFont_GetWeight(font) if font else 0
        style = Style(
            round(size.value * scale * 2) / 2, name, (red, green, blue),
            weight >= BOLD or bool(BOLD_NAME.search(name)),
            bool(ITALIC_NAME.search(name)),
        )  # fmt: skip
        tag = self._tags.get(raw.FPDFPageObj_GetMarkedContentID(thing))
        upright = self._frame.upright(matrix.a, matrix.b)
        return _Look(style, upright, tag, _is_artifact(thing))


def _font_name(font: Any) -> str:
    buffer = ctypes.create_string_buffer(128)
    length = raw.FPDFFont_GetBaseFontName(font, buffer, 128) if font else 0
    name = buffer.value.decode("utf-8", "replace") if length else ""
    return re.sub(r"^[A-Z]{3,6}\+", "", name)


def _is_artifact(thing: Any) -> bool:
    for k in range(raw.FPDFPageObj_CountMarks(thing)):
        buffer, length = ctypes.create_string_buffer(64), ctypes.c_ulong()
        name = ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR))
        raw.FPDFPageObjMark_GetName(raw.FPDFPageObj_GetMark(thing, k), name, 64, length)
        if buffer.raw[: max(0, length.value - 2)].decode("utf-16-le", "ignore") == "Artifact":
            return True
    return False


@dataclass(frozen=True)
class _Letter:
    text: str  # a space for any white space
    left: float
    top: float
    right: float
    bottom: float
    baseline: float
    look: _Look
    unknown: bool  # the PDF does not say which letter it is


@dataclass
class _Piece:
    """Letters that stand together on one baseline, as painted."""

    letters: list[_Letter]
    hyphen: str = ""

    def add(self, letter: _Letter) -> None:
        if self.hyphen:  # no line end after all
            self.letters.append(replace(letter, text=self.hyphen, right=letter.left))
            self.hyphen = ""
        self.letters.append(letter)

    @property
    def text(self) -> str:
        return _spaced(self.letters) + self.hyphen

    @property
    def baseline(self) -> float:
        return self.letters[0].baseline

    @property
    def left(self) -> float:
        return min(letter.left for letter in self.letters if letter.text != " ")

    @property
    def right(self) -> float:
        return max(letter.right for letter in self.letters if letter.text != " ")

    @property
    def size(self) -> float:
        return max(letter.look.style.size for letter in self.letters)


def _pieces(text: Any, frame: _Frame, tags: dict[int, Tag]) -> tuple[list[_Piece], int]:
    """Pieces in the order painted, and how many letters could not be told."""
    pieces: list[_Piece] = []
    current: _Piece | None = None
    unknown = 0
    for sign in _signs(text, frame, tags):
        if sign == BREAK:
            current = None
        elif sign == HYPHEN and current:
            current.hyphen = "-"
        elif isinstance(sign, _Letter):
            unknown += sign.unknown
            if current is None or not _goes_on(current, sign):
                current = _Piece([])
                pieces.append(current)
            current.add(sign)
    return [p for p in pieces if any(c.text != " " for c in p.letters)], unknown


BREAK, HYPHEN = "break", "hyphen"


def _signs(text: Any, frame: _Frame, tags: dict[int, Tag]) -> Iterator[_Letter | str]:
    """The letters seen on the page; BREAK where PDFium saw a line end, HYPHEN where it saw that
    a word goes on in the next line.
    """
    looks = _Looks(frame, tags)
    for k in range(raw.FPDFText_CountChars(text)):
        code = raw.FPDFText_GetUnicode(text, k)
        if code in (10, 13):
            yield BREAK
        elif code in (2, 0xFFFE):
            yield HYPHEN
        elif code:
            look = looks.of(raw.FPDFText_GetTextObject(text, k))
            letter = _letter(text, k, code, frame, look)
            if not look.upright:
                yield BREAK
            elif frame.shows(letter):
                yield letter


def _letter(text: Any, k: int, code: int, frame: _Frame, look: _Look) -> _Letter:
    x, y, box = ctypes.c_double(), ctypes.c_double(), raw.FS_RECTF()
    raw.FPDFText_GetCharOrigin(text, k, x, y)
    raw.FPDFText_GetLooseCharBox(text, k, box)
    sign = chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
    unknown = sign == "\ufffd" or raw.FPDFText_HasUnicodeMapError(text, k) == 1
    _, baseline = frame.point(x.value, y.value)
    a, b = frame.point(box.left, box.top)
    c, d = frame.point(box.right, box.bottom)
    sign = " " if sign.isspace() else sign
    return _Letter(sign, min(a, c), min(b, d), max(a, c), max(b, d), baseline, look, unknown)


def _goes_on(piece: _Piece, letter: _Letter) -> bool:
    last = next((c for c in reversed(piece.letters) if c.text != " "), None)
    if last is None or letter.text == " ":
        return True
    em = max(letter.look.style.size or 10.0, piece.size)
    level = abs(letter.baseline - piece.baseline) < 0.45 * em
    gap = letter.left - last.right
    spaced = piece.letters[-1].text == " "
    if level and gap > WORD_GAP * em and len(piece.letters) < 8 and LABEL.match(piece.text):
        return False  # a bullet or number set apart; put together again in `_lines`
    return level and -2 * em < gap < (1.25 if spaced else 1) * WORD_GAP * em


def _spaced(letters: list[_Letter]) -> str:
    """The text; where a heading is letter-spaced, with the spaces between words only."""
    text = "".join(letter.text for letter in letters)
    words = text.split()
    if len(words) < 4 or sum(len(word) == 1 for word in words) < 0.7 * len(words):
        return " ".join(words)
    shown = [letter for letter in letters if letter.text != " "]
    gaps = [b.left - a.right for a, b in zip(shown, shown[1:], strict=False)]
    usual = sorted(gaps)[len(gaps) // 2]
    wide = max(1.6 * usual, usual + 0.15 * shown[0].look.style.size)
    joined = shown[0].text
    for letter, gap in zip(shown[1:], gaps, strict=True):
        joined += (" " if gap > wide else "") + letter.text
    return joined


def _lines(pieces: list[_Piece], page: int) -> Iterator[Line]:
    """Lines: pieces joined with the label before them, or with what directly follows."""
    rows: list[list[_Piece]] = []
    for piece in sorted(pieces, key=lambda p: p.baseline):
        if rows and _level(rows[-1][0], piece):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    for row in rows:
        group: list[_Piece] = []
        before: _Piece | None = None
        for piece in sorted(row, key=lambda p: p.left):
            if any(_overprinted(piece, other) for other in group):
                continue
            if group and not _adjoins(group, piece, before):
                yield _line(group, page)
                before, group = group[-1], []
            group.append(piece)
        yield _line(group, page)


def _level(a: _Piece, b: _Piece) -> bool:
    return abs(a.baseline - b.baseline) < 0.4 * max(min(a.size, b.size), 6.0)


def _adjoins(group: list[_Piece], piece: _Piece, before: _Piece | None) -> bool:
    """Whether `piece` goes on where `group` ends; a label does over a wider space, if that is less
    wide than the one before it.
    """
    last = group[-1]
    gap = (piece.left - last.right) / max(min(last.size, piece.size), 6.0)
    near = before is None or last.left - before.right > piece.left - last.right
    label = len(group) == 1 and near and LABEL.match(last.text.strip())
    if max(last.size, piece.size) > (2.2 if label else 1.6) * min(last.size, piece.size):
        return False
    return -1 < gap < (LABEL_GAP if label else 0.7 * WORD_GAP)


def _overprinted(piece: _Piece, other: _Piece) -> bool:
    """Bold faked by printing twice."""
    return piece.text == other.text and abs(piece.left - other.left) < 1.5


def _line(row: list[_Piece], page: int) -> Line:
    letters = [letter for piece in row for letter in piece.letters if letter.text != " "]
    labelled = len(row) > 1 and bool(LABEL.match(row[0].text.strip()))
    own = [c for piece in row[labelled:] for c in piece.letters if c.text.isalnum()] or letters
    look = Counter(letter.look for letter in own).most_common(1)[0][0]
    style, count = Counter(letter.look.style for letter in own).most_common(1)[0]
    _mark_raised(row, style.size)
    text = " ".join(" ".join(piece.text.split()) for piece in row)
    return Line(
        text=_tidy(text), page=page,
        left=min(c.left for c in letters), top=min(c.top for c in letters),
        right=max(c.right for c in letters), bottom=max(c.bottom for c in letters),
        baseline=row[-1].baseline, label=row[0].text.strip() if labelled else "",
        body_left=row[1].left if labelled else row[0].left,
        style=style, first=own[0].look.style, last=own[-1].look.style,
        share=count / len(own), tag=look.tag, artifact=look.artifact,
    )  # fmt: skip


def _mark_raised(row: list[_Piece], size: float) -> None:
    """Small digits above the line become private characters until it is known whether they refer
    to a footnote.
    """
    low = max(letter.bottom for piece in row for letter in piece.letters)
    for piece in row:
        for k, letter in enumerate(piece.letters):
            small = letter.look.style.size < 0.8 * size and letter.bottom < low - 0.15 * size
            if small and letter.text.isdecimal() and letter.text.isascii():
                raised = chr(RAISED + int(letter.text))
                piece.letters[k] = replace(letter, text=raised)


def _tidy(text: str) -> str:
    """Composed signs, also where TeX has set the dots before the letter; a soft hyphen counts only
    at the line's end.
    """
    text = re.sub(r"[¨\u0308] ?([aouAOU])", lambda m: normalize("NFC", m[1] + "\u0308"), text)
    soft = text.endswith("\u00ad")
    return normalize("NFC", text.translate(SIGNS)).strip() + ("\u00ad" if soft else "")
