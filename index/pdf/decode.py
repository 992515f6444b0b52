"""Pages → letters with place and style, and of these lines. The only importer of pypdfium2.

A PDF knows characters and places, no words, lines or paragraphs. PDFium's text page gives the
characters in the order in which they were painted, with the spaces and line ends that it inferred.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw
from PIL.Image import Image as Picture

from index.errors import DocumentError
from index.pdf.lines import BREAK, HYPHEN, lines
from index.pdf.types import Decoded, Letter, Look, Page, Style, Tag
from index.types import Entry

MOST_PAGES = 1000
MOST_LETTERS = 60_000  # of one page; a page of fine print has about 10,000
BOLD = 600  # font weight, as CSS counts
BOLD_NAME = re.compile(r"bold|black|heavy|semi|demi|medium|(?<![a-z])(?:md|hv|bd|blk)", re.I)
ITALIC_NAME = re.compile(r"ital|obliq|(?<=[a-z])(?:it|o)$", re.I)
PICTURE_SHARE = 0.3  # of the page's area, under images, makes a page without text a picture


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
        signs = list(_signs(text.raw, frame, _tags(page.raw)))
        letters = [sign for sign in signs if isinstance(sign, Letter) and sign.text != " "]
        broken = sum(letter.unknown for letter in letters) > 0.2 * len(letters)
        picture = len(letters) < 30 and _image_share(page, frame) > PICTURE_SHARE
        found = () if broken else tuple(lines(signs, number))
        return Page(number, frame.width, frame.height, found, picture, broken)
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

    def shows(self, box: Letter) -> bool:
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


NO_LOOK = Look(Style(0, "", (0, 0, 0), False, False), True, None, False)


class _Looks:
    """The look of each text object, asked once, at its first letter."""

    def __init__(self, text: Any, frame: _Frame, tags: dict[int, Tag]) -> None:
        self._text, self._frame, self._tags = text, frame, tags
        self._known: dict[int, Look] = {}

    def of(self, letter: int) -> Look:
        thing = raw.FPDFText_GetTextObject(self._text, letter)
        if not thing:
            return NO_LOOK
        key = ctypes.addressof(thing.contents)
        if key not in self._known:
            self._known[key] = self._look(thing, letter)
        return self._known[key]

    def _look(self, thing: Any, letter: int) -> Look:
        matrix, size = raw.FS_MATRIX(), ctypes.c_float()
        # Not the object's own matrix, which knows nothing of a form that it stands in.
        raw.FPDFText_GetMatrix(self._text, letter, matrix)
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
        return Look(style, upright, tag, _is_artifact(thing))


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


def _signs(text: Any, frame: _Frame, tags: dict[int, Tag]) -> Iterator[Letter | str]:
    """The letters seen on the page; BREAK where PDFium saw a line end, HYPHEN where it saw that
    a word goes on in the next line.
    """
    looks = _Looks(text, frame, tags)
    for k in range(raw.FPDFText_CountChars(text)):
        code = raw.FPDFText_GetUnicode(text, k)
        if code in (10, 13):
            yield BREAK
        elif code in (2, 0xFFFE):
            yield HYPHEN
        elif code:
            look = looks.of(k)
            letter = _letter(text, k, code, frame, look)
            if not look.upright:
                yield BREAK
            elif frame.shows(letter):
                yield letter


def _letter(text: Any, k: int, code: int, frame: _Frame, look: Look) -> Letter:
    x, y, box = ctypes.c_double(), ctypes.c_double(), raw.FS_RECTF()
    raw.FPDFText_GetCharOrigin(text, k, x, y)
    raw.FPDFText_GetLooseCharBox(text, k, box)
    sign = chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
    unknown = sign == "\ufffd" or raw.FPDFText_HasUnicodeMapError(text, k) == 1
    _, baseline = frame.point(x.value, y.value)
    a, b = frame.point(box.left, box.top)
    c, d = frame.point(box.right, box.bottom)
    sign = " " if sign.isspace() else sign
    return Letter(sign, min(a, c), min(b, d), max(a, c), max(b, d), baseline, look, unknown)
