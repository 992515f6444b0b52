"""The picture that goes with a shared section: heading, chapter, party and title, nothing else."""

from __future__ import annotations

import io
from functools import cache, lru_cache

from PIL import Image, ImageDraw, ImageFont

from bot.assets import WEB

SIZE = (1200, 630)
MARGIN = 84
PAPER, INK, SOFT, ACCENT = "#fbfaf7", "#1b1f23", "#57606a", "#14506b"
HEADING_SIZES = (76, 68, 60, 52, 46, 40, 34)  # the first that fits
ROOM = 320  # pixels of height for the heading
Font = ImageFont.FreeTypeFont


@lru_cache(maxsize=256)
def draw(heading: str, chapter: str, party: str, title: str) -> bytes:
    """A PNG of 1200 × 630 pixels."""
    image = Image.new("RGB", SIZE, PAPER)
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((0, 0, 18, SIZE[1]), ACCENT)
    if chapter != heading:
        canvas.text((MARGIN, 70), _cut(chapter, _font(30)), SOFT, _font(30))
    lines, font = _fitted(heading)
    canvas.multiline_text((MARGIN, 132), "\n".join(lines), INK, font, spacing=_leading(font))
    canvas.line((MARGIN, 520, MARGIN + 72, 520), ACCENT, 4)
    below = " · ".join(part for part in (party, title) if part)
    canvas.text((MARGIN, 542), _cut(below, _font(32)), SOFT, _font(32))
    file = io.BytesIO()
    image.quantize(64).save(file, "PNG", optimize=True)
    return file.getvalue()


@cache
def _font(size: int, bold: bool = False) -> Font:
    name = "DejaVuSerifCondensed-Bold.ttf" if bold else "DejaVuSerifCondensed.ttf"
    return ImageFont.truetype(WEB / "fonts" / name, size)


def _leading(font: Font) -> float:
    return font.size * 0.28


def _fitted(text: str) -> tuple[list[str], Font]:
    """The heading in lines, as large as there is room for; cut off where even small is too long."""
    for size in HEADING_SIZES:
        font = _font(size, bold=True)
        lines = _lines(text, font)
        if len(lines) * (font.size + _leading(font)) * 1.1 <= ROOM and all(_fits(lines, font)):
            return lines, font
    room = int(ROOM / ((font.size + _leading(font)) * 1.1))
    return [*lines[: room - 1], _cut(" ".join(lines[room - 1 :]), font)], font


def _lines(text: str, font: Font) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= SIZE[0] - 2 * MARGIN:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _fits(lines: list[str], font: Font) -> list[bool]:
    return [font.getlength(line) <= SIZE[0] - 2 * MARGIN for line in lines]


def _cut(text: str, font: Font) -> str:
    """`text` on one line, with an ellipsis where it is too long for it."""
    if font.getlength(text) <= SIZE[0] - 2 * MARGIN:
        return text
    while text and font.getlength(f"{text} …") > SIZE[0] - 2 * MARGIN:
        text = text[:-1]
    return f"{text.rstrip()} …"
