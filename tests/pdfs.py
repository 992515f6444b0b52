"""PDFs made for tests: each line is drawn where it is wanted, as a designer's program does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

WIDTH, HEIGHT = A4
LEFT, RIGHT, TOP = 70.0, 525.0, 90.0
WORDS = """
    Wir wollen dass alle Menschen in unserer Stadt gut wohnen und sicher leben und dafür sorgen
    Busse und Bahnen die oft fahren sowie Schulen in denen Kinder gern lernen und Parks für alle
""".split()  # noqa: SIM905


@dataclass(frozen=True)
class Text:
    """One line of text; `y` counts from the top of the page."""

    x: float
    y: float
    text: str
    size: float = 10.0
    bold: bool = False
    colour: tuple[float, float, float] = (0, 0, 0)
    spacing: float = 0.0
    angle: float = 0.0

    @property
    def font(self) -> str:
        return "Helvetica-Bold" if self.bold else "Helvetica"


Page = Sequence[Text]


def write(path: Path, pages: Sequence[Page], title: str = "", **options: object) -> Path:
    """A PDF with these lines on its pages."""
    canvas = Canvas(str(path), pagesize=A4, **options)  # type: ignore[arg-type]
    canvas.setTitle(title)
    for page in pages:
        for line in page:
            canvas.saveState()
            canvas.translate(line.x, HEIGHT - line.y)
            canvas.rotate(line.angle)
            text = canvas.beginText(0, 0)
            text.setFont(line.font, line.size)
            text.setFillColorRGB(*line.colour)
            text.setCharSpace(line.spacing)
            text.textOut(line.text)
            canvas.drawText(text)
            canvas.restoreState()
        canvas.showPage()
    canvas.save()
    return path


def sentence(number: int, words: int = 14) -> str:
    """A sentence that stands nowhere else."""
    chosen = [WORDS[(number * 7 + k * 3) % len(WORDS)] for k in range(words - 2)]
    return f"Nummer {number} sagt {' '.join(chosen)}."


def paragraph(
    text: str,
    y: float,
    x: float = LEFT,
    right: float = RIGHT,
    size: float = 10.0,
    leading: float = 13,
) -> tuple[list[Text], float]:
    """`text` set ragged between `x` and `right`, and where the next line would stand."""
    lines: list[Text] = []
    current = ""
    for word in text.split():
        longer = f"{current} {word}".strip()
        if current and stringWidth(longer, "Helvetica", size) > right - x:
            lines.append(Text(x, y, current, size))
            y, current = y + leading, word
        else:
            current = longer
    lines.append(Text(x, y, current, size))
    return lines, y + leading


def column(paragraphs: Sequence[str], y: float = TOP, **options: float) -> list[Text]:
    """Paragraphs one below the other, with space between them."""
    lines: list[Text] = []
    for text in paragraphs:
        more, y = paragraph(text, y, **options)
        lines += more
        y += 8
    return lines


def prose(first: int, count: int = 4) -> str:
    """A paragraph of `count` sentences."""
    return " ".join(sentence(number) for number in range(first, first + count))
