from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html import escape
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import Browser, sync_playwright
from reportlab.pdfgen.canvas import Canvas

from index import passages, readers, structure
from index.build import Draft
from index.errors import DocumentError
from index.types import Document, Programme
from tests.pdfs import (
    HEIGHT,
    LEFT,
    RIGHT,
    WIDTH,
    Page,
    Text,
    column,
    paragraph,
    prose,
    sentence,
    write,
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def read(path: Path) -> tuple[Document, Programme]:
    document = readers.read(path)
    return document, structure.programme(document, path)


def outline(programme: Programme) -> list[tuple[int, str]]:
    return [(section.level, section.heading.text) for section in programme.sections]


def texts(programme: Programme) -> list[str]:
    return [p.text for section in programme.sections for p in section.paragraphs]


def chapter(title: str, first: int, y: float = 90.0) -> list[Text]:
    """A heading and two paragraphs."""
    return [
        Text(LEFT, y, title, 16, bold=True),
        *column([prose(first), prose(first + 4)], y + 30),
    ]


def test_headings_by_size_and_weight_with_their_pages(tmp_path: Path) -> None:
    """The larger the type, the higher the level; a passage knows its page."""
    pages: list[Page] = [
        [*chapter(above, first), Text(LEFT, 400, below, 12, bold=True),
         *column([prose(first + 20)], 420)]
        for above, below, first in (("Wohnen", "Mieten", 10), ("Verkehr", "Radwege", 50))
    ]  # fmt: skip
    _, programme = read(write(tmp_path / "a.pdf", pages, title="Ein Programm"))
    assert outline(programme) == [(1, "Wohnen"), (2, "Mieten"), (1, "Verkehr"), (2, "Radwege")]
    assert [p.page for p in passages.cut(programme)] == [1, 1, 1, 2, 2, 2]
    assert prose(70) in texts(programme)


def test_bold_words_inside_a_paragraph_are_no_heading(tmp_path: Path) -> None:
    """A line that is bold from end to end, but in the middle of a paragraph, stays there."""
    lines = [
        Text(LEFT, 150, "Wir wollen die Stadt umbauen und dabei niemanden vergessen, denn das"),
        Text(LEFT, 163, "ist unser Versprechen an alle Menschen, die hier leben", bold=True),
        Text(LEFT, 176, "und die darauf vertrauen, dass Politik sich um ihre Sorgen kümmert."),
    ]  # fmt: skip
    pages = [[Text(LEFT, 90, "Wohnen", 16, bold=True), *lines], chapter("Verkehr", 50)]
    _, programme = read(write(tmp_path / "a.pdf", pages))
    assert outline(programme) == [(1, "Wohnen"), (1, "Verkehr")]
    assert " ".join(line.text for line in lines) in texts(programme)


def test_two_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    """Text runs on from the foot of the left column to the head of the right one."""
    left, _ = paragraph(prose(10, 12), 130, right=285)
    right, _ = paragraph(prose(22, 12), 130, x=310)
    heading = Text(LEFT, 90, "Wohnen und Leben in der ganzen Stadt und ihrem Umland", 16, bold=True)
    pages = [[heading, *left, *right], chapter("Verkehr", 50)]
    _, programme = read(write(tmp_path / "a.pdf", pages))
    body = " ".join(texts(programme))
    assert f"{sentence(21)} {sentence(22)}" in body.replace("\n", " ")
    assert outline(programme)[0][1] == heading.text


def test_columns_drawn_line_by_line_across_the_page_are_told_apart(tmp_path: Path) -> None:
    """The order in which a PDF paints its text is not the order in which it is read."""
    left, _ = paragraph(prose(10, 12), 130, right=285)
    right, _ = paragraph(prose(22, 12), 130, x=310)
    mixed = [line for pair in zip(left, right, strict=False) for line in pair]
    rest = [*left[len(right) :], *right[len(left) :]]
    pages = [[Text(LEFT, 90, "Wohnen", 16, bold=True), *mixed, *rest], chapter("Verkehr", 50)]
    _, programme = read(write(tmp_path / "a.pdf", pages))
    assert prose(10, 12) in " ".join(texts(programme)).replace("\n", " ")


def test_running_heads_and_page_numbers_are_dropped(tmp_path: Path) -> None:
    """Also where the running head is the chapter's name, and left pages have other heads."""
    names = ["Wohnen", "Wohnen", "Verkehr", "Verkehr", "Verkehr", "Bildung", "Bildung", "Bildung"]
    pages: list[Page] = []
    for number, name in enumerate(names, 1):
        head = Text(300, 40, "Wahlprogramm 2025" if number % 2 else name, 8)
        foot = Text(LEFT if number % 2 else 500, 800, f"{number + 4}", 8)
        begins = number == 1 or names[number - 2] != name
        body = chapter(name, number * 20) if begins else column([prose(number * 20, 8)])
        pages.append([head, *body, foot])
    document, programme = read(write(tmp_path / "a.pdf", pages))
    assert outline(programme) == [(1, "Wohnen"), (1, "Verkehr"), (1, "Bildung")]
    body = " ".join(texts(programme))
    assert "Wahlprogramm" not in body
    assert not {"Verkehr", "Bildung"} & set(body.split())
    assert not any(word.isdigit() and int(word) < 15 for word in texts(programme))
    assert {d.reason for d in document.dropped} == {"running head", "page number"}


@pytest.mark.parametrize("step", [1, 5])
def test_line_numbers_are_dropped(tmp_path: Path, step: int) -> None:
    """Numbers at the margin, on each line or each fifth, with the heading's own number kept."""
    pages: list[Page] = []
    count = 0
    for number in range(3):
        lines = [Text(LEFT, 90, f"{number + 1}. Agrarwende {number}", 14, bold=True)]
        lines += column([prose(number * 20, 10)], 120)
        numbered: list[Text] = []
        for line in lines:
            count += 1
            if count % step == 0:
                numbered.append(Text(LEFT - 30, line.y, str(count), 8))
            numbered.append(line)
        pages.append(numbered)
    _, programme = read(write(tmp_path / "a.pdf", pages))
    assert outline(programme) == [(1, f"{n + 1}. Agrarwende {n}") for n in range(3)]
    assert texts(programme) == [prose(n * 20, 10) for n in range(3)]


def test_footnotes_and_their_marks_are_dropped_and_square_metres_are_not(tmp_path: Path) -> None:
    """A small raised number goes where a footnote of that number stands below; m² stays."""
    marked = [
        Text(LEFT, 150, "Wir bauen Wohnungen mit 60 m"),
        Text(LEFT + 137, 146, "2", 6),
        Text(LEFT + 143, 150, "und mehr, wie es der Rat"),
        Text(LEFT + 255, 146, "1", 6),
        Text(LEFT + 262, 150, "beschlossen hat und wie es sein soll."),
        Text(LEFT, 760, "1", 5),
        Text(LEFT + 6, 763, "Beschluss des Rates vom Mai, Seite 12.", 8),
    ]
    pages = [[Text(LEFT, 90, "Wohnen", 16, bold=True), *marked], chapter("Verkehr", 50)]
    document, programme = read(write(tmp_path / "a.pdf", pages))
    assert "mit 60 m2 und mehr" in texts(programme)[0].replace("m 2", "m2")
    assert "Rat beschlossen" in texts(programme)[0]
    assert any(d.reason == "footnote" and "Beschluss" in d.block.text for d in document.dropped)


@pytest.mark.parametrize("leaders", [True, False])
def test_the_printed_table_of_contents_is_a_witness_and_no_passage(
    tmp_path: Path, leaders: bool
) -> None:
    """With dots or with numbers set at the right; entries of two lines are one."""
    names = ["Wohnen", "Verkehr", "Bildung", "Gesundheit und Pflege in allen Stadtteilen", "Sport"]
    table: list[Text] = [Text(LEFT, 90, "Inhalt", 16, bold=True)]
    for number, name in enumerate(names):
        y = 130 + 30 * number
        page = str(number + 2)
        if leaders:
            table.append(Text(LEFT, y, f"{name} {'.' * 60} {page}"))
        else:
            table += [Text(LEFT, y, name), Text(RIGHT - 10, y, page)]
    pages = [table, *[chapter(name, 20 * k) for k, name in enumerate(names, 1)]]
    document, programme = read(write(tmp_path / "a.pdf", pages))
    assert [(e.title, e.page) for e in document.contents] == [
        (name, number) for number, name in enumerate(names, 2)
    ]
    assert outline(programme) == [(1, name) for name in names]
    assert not any("...." in text or text.startswith("Inhalt") for text in texts(programme))


def test_a_bold_line_above_a_heading_does_not_swallow_it(tmp_path: Path) -> None:
    """Headings that look like text, but stand in the table of contents, stay headings."""
    names = ["Wohnen", "Verkehr", "Bildung", "Gesundheit", "Sport und Spiel"]
    table = [Text(LEFT, 90, "Inhalt", 16, bold=True)]
    table += [Text(LEFT, 130 + 20 * k, f"{n} {'.' * 60} {k + 2}") for k, n in enumerate(names)]
    pages: list[Page] = [table]
    for k, name in enumerate(names):
        bold = [Text(LEFT, 140, "Auf einen Blick gesagt", bold=True)] if k == 2 else []
        pages.append([*bold, Text(LEFT, 180, name), *column([prose(20 * k)], 220)])
    _, programme = read(write(tmp_path / "a.pdf", pages))
    assert [heading for _, heading in outline(programme)] == names


def test_bullets_are_items_of_their_paragraph(tmp_path: Path) -> None:
    """Each item a line of the paragraph before it, whatever its sign, hanging or not."""
    lines = [Text(LEFT, 130, "Wir fordern für die Menschen in unserer Stadt:")]
    y = 150.0
    for number in range(3):
        lines.append(Text(LEFT, y, "•"))
        more, y = paragraph(sentence(number, 25), y, x=LEFT + 18)
        lines += more
    pages = [[Text(LEFT, 90, "Wohnen", 16, bold=True), *lines, *column([prose(40)], y + 12)],
             chapter("Verkehr", 50)]  # fmt: skip
    _, programme = read(write(tmp_path / "a.pdf", pages))
    items = "\n".join(f"• {sentence(number, 25)}" for number in range(3))
    assert texts(programme)[:2] == [
        f"Wir fordern für die Menschen in unserer Stadt:\n{items}",
        prose(40),
    ]


def test_words_torn_at_line_ends_are_whole_and_real_hyphens_stay(tmp_path: Path) -> None:
    """Hyphenation is undone; Kita-Gebühren and Ein- und Zweifamilienhäuser keep theirs."""
    lines = [
        "Wir schaffen die Kita-",
        "Gebühren ab und bauen Ein- und Zweifamilien-",
        "häuser sowie Sozial-",
        "wohnungen, Rad- und Geh-",
        "wege für alle Menschen.",
    ]
    body = [Text(LEFT, 130 + 13 * k, line) for k, line in enumerate(lines)]
    pages = [[Text(LEFT, 90, "Wohnen", 16, bold=True), *body], chapter("Verkehr", 50)]
    _, programme = read(write(tmp_path / "a.pdf", pages))
    assert texts(programme)[0] == (
        "Wir schaffen die Kita-Gebühren ab und bauen Ein- und Zweifamilienhäuser sowie "
        "Sozialwohnungen, Rad- und Gehwege für alle Menschen."
    )


def test_letter_spaced_headings_are_words(tmp_path: Path) -> None:
    """A G R A R W E N D E is Agrarwende, and a space between words stays one."""
    pages = [
        [Text(LEFT, 90, "NEUE AGRARWENDE", 14, bold=True, spacing=6), *column([prose(10)], 130)],
        [Text(LEFT, 90, "GUTE ARBEIT", 14, bold=True, spacing=6), *column([prose(20)], 130)],
    ]
    _, programme = read(write(tmp_path / "a.pdf", pages))
    assert [s.heading.original for s in programme.sections] == ["NEUE AGRARWENDE", "GUTE ARBEIT"]


def test_a_heading_of_several_lines_is_one(tmp_path: Path) -> None:
    """Also where its number stands on a line of its own."""
    pages = [
        [
            Text(LEFT, 80, "1.", 18, bold=True),
            Text(LEFT, 102, "Wohnen muss bezahlbar sein", 18, bold=True),
            Text(LEFT, 124, "und bleiben", 18, bold=True),
            *column([prose(10)], 160),
        ],
        [Text(LEFT, 80, "2.", 18, bold=True), Text(LEFT, 102, "Verkehr", 18, bold=True),
         *column([prose(20)], 160)],
    ]  # fmt: skip
    _, programme = read(write(tmp_path / "a.pdf", pages))
    assert outline(programme) == [
        (1, "1. Wohnen muss bezahlbar sein und bleiben"),
        (1, "2. Verkehr"),
    ]


def test_a_sentence_set_large_to_catch_the_eye_is_there_once(tmp_path: Path) -> None:
    """A pull quote is neither a heading nor said twice."""
    quoted = sentence(12)
    pages = [
        [*chapter("Wohnen", 10), *[
            Text(LEFT, 400 + 20 * k, part, 15, bold=True)
            for k, part in enumerate((quoted[:40], quoted[40:]))
        ], *column([prose(30)], 460)],
        chapter("Verkehr", 50),
    ]  # fmt: skip
    document, programme = read(write(tmp_path / "a.pdf", pages))
    assert outline(programme) == [(1, "Wohnen"), (1, "Verkehr")]
    assert " ".join(texts(programme)).count(quoted) == 1
    assert "pull quote" in {d.reason for d in document.dropped}


def test_a_large_initial_belongs_to_its_word(tmp_path: Path) -> None:
    """A drop cap over two lines is the first letter of the first one."""
    lines = [
        Text(LEFT, 163, "W", 36),
        Text(LEFT + 36, 140, "ir wollen, dass alle Menschen gut wohnen und"),
        Text(LEFT + 36, 153, "dass niemand mehr als ein Drittel seines Lohnes"),
        Text(LEFT, 176, "für die Miete ausgeben muss, auch in der Mitte der Stadt."),
    ]
    pages = [[Text(LEFT, 90, "Wohnen", 16, bold=True), *lines], chapter("Verkehr", 50)]
    _, programme = read(write(tmp_path / "a.pdf", pages))
    assert texts(programme)[0].startswith("Wir wollen, dass alle Menschen gut wohnen und dass")


def test_a_page_shrunk_into_a_form_reads_as_it_looks(tmp_path: Path) -> None:
    """Programs that put two pages on one, or stamp a page, scale the text of a whole page."""
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=(WIDTH, HEIGHT))
    for number, lines in enumerate((chapter("Wohnen", 10), chapter("Verkehr", 50))):
        canvas.beginForm(f"page{number}")
        for line in lines:
            canvas.setFont(line.font, 2 * line.size)
            canvas.drawString(2 * line.x, 2 * (HEIGHT - line.y), line.text)
        canvas.endForm()
        canvas.scale(0.5, 0.5)
        canvas.doForm(f"page{number}")
        canvas.showPage()
    canvas.save()
    document, programme = read(tmp_path / "a.pdf")
    assert outline(programme) == [(1, "Wohnen"), (1, "Verkehr")]
    assert texts(programme) == [prose(10), prose(14), prose(50), prose(54)]
    assert all(b.boxes[0].bottom - b.boxes[0].top < 60 for b in document.blocks)


def test_text_beside_the_page_and_upright_text_is_none_of_it(tmp_path: Path) -> None:
    """A thumb index set vertically at the margin does not get into the passages."""
    pages = [
        [Text(560, 400, "Kapitel Wohnen", 9, angle=90), *chapter("Wohnen", 10)],
        [Text(560, 400, "Kapitel Verkehr", 9, angle=90), Text(700, 300, "aussen"),
         *chapter("Verkehr", 50)],
    ]  # fmt: skip
    _, programme = read(write(tmp_path / "a.pdf", pages))
    body = " ".join(texts(programme))
    assert "Kapitel" not in body
    assert "aussen" not in body


def test_paragraphs_torn_by_page_ends_are_whole_and_know_both_pages(tmp_path: Path) -> None:
    """The passage begins on one page and ends on the next."""
    text, _ = paragraph(prose(10, 6), 130)
    pages = [
        [Text(LEFT, 90, "Wohnen", 16, bold=True), *text[:4]],
        [*[Text(LEFT, 90 + 13 * k, line.text) for k, line in enumerate(text[4:])]],
        chapter("Verkehr", 50),
    ]
    _, programme = read(write(tmp_path / "a.pdf", pages))
    assert texts(programme)[0] == prose(10, 6)
    first = passages.cut(programme)[0]
    assert (first.page, first.end_page) == (1, 2)


def test_the_same_programme_twice_is_the_same(tmp_path: Path) -> None:
    """Reading is deterministic."""
    path = write(tmp_path / "a.pdf", [chapter("Wohnen", 10), chapter("Verkehr", 50)])
    assert readers.read(path) == readers.read(path)


def test_title_comes_from_the_metadata_unless_that_is_a_file_name(tmp_path: Path) -> None:
    """Microsoft Word - x.docx is no title; the largest words on the cover are."""
    cover = [Text(LEFT, 300, "Dortmund", 48, bold=True), Text(LEFT, 350, "kann das", 48, bold=True)]
    pages = [cover, chapter("Wohnen", 10), chapter("Verkehr", 50)]
    named = write(tmp_path / "a.pdf", pages, title="Unser Plan")
    assert readers.read(named).title == "Unser Plan"
    unnamed = write(tmp_path / "b.pdf", pages, title="Microsoft Word - plan.docx")
    assert readers.read(unnamed).title == "Dortmund kann das"


def test_pictures_of_pages_are_named_with_the_remedy(tmp_path: Path) -> None:
    """A scan is an error that names its pages; one scanned page in a programme is a warning."""
    picture = pypdfium2.PdfDocument(write(tmp_path / "p.pdf", [chapter("Wohnen", 10)]))[0]
    image = picture.render(scale=1).to_pil()
    image.save(tmp_path / "scan.pdf")
    with pytest.raises(DocumentError, match=r"pages 1: pictures without text; .*ocrmypdf"):
        readers.read(tmp_path / "scan.pdf")
    merged = pypdfium2.PdfDocument.new()
    text = write(tmp_path / "t.pdf", [chapter("Wohnen", 10), chapter("Verkehr", 50)])
    for source in (text, tmp_path / "scan.pdf", text):
        merged.import_pages(pypdfium2.PdfDocument(source))
    merged.save(tmp_path / "m.pdf")
    assert any("pages 3: pictures" in w for w in readers.read(tmp_path / "m.pdf").warnings)


def test_unusable_pdfs_are_one_line_each(tmp_path: Path) -> None:
    """Encrypted, cut short, empty, without pages or with too many."""
    good = write(tmp_path / "good.pdf", [chapter("Wohnen", 10), chapter("Verkehr", 50)])
    cut = tmp_path / "cut.pdf"
    cut.write_bytes(good.read_bytes()[:300])
    empty = tmp_path / "empty.pdf"
    empty.write_bytes(b"")
    locked = write(tmp_path / "locked.pdf", [chapter("Wohnen", 10)], encrypt="geheim")
    many = write(tmp_path / "many.pdf", [[Text(LEFT, 90, "x")]] * 2000)
    for path, says in (
        (cut, "not a readable PDF"),
        (empty, "empty|not a readable PDF"),
        (locked, "encrypted"),
        (many, "2000 pages"),
    ):
        with pytest.raises(DocumentError, match=says) as error:
            readers.read(path)
        assert "\n" not in str(error.value)


STYLES = {
    "one column": "body { font: 11pt/1.4 'DejaVu Sans' } p { margin: 0 0 8pt }",
    "two columns": """
        body { font: 10pt/1.3 'DejaVu Serif' } p { margin: 0; text-indent: 12pt }
        .text { columns: 2; column-gap: 24pt; text-align: justify } h2 { color: #c00 }
    """,
}
FRAME = "<div style='font-size: 8pt; width: 100%; text-align: center'{}</div>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu"]
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=flags)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed; .ci/run installs it")
@pytest.mark.parametrize("style", STYLES)
def test_the_seed_as_a_pdf_gives_the_same_passages_word_for_word(
    tmp_path: Path, draft: Draft, browser: Browser, style: str
) -> None:
    """Printed by a browser with running heads, page numbers and words torn at line ends, in one
    column or in two that are balanced section by section.
    """
    page = browser.new_page()
    page.set_content(_html(draft.programme, STYLES[style]))
    page.pdf(
        path=tmp_path / "seed.pdf", format="A4", display_header_footer=True, tagged=True,
        header_template=FRAME.format(">Dortmund kann das"),
        footer_template=FRAME.format(" class=pageNumber>"),
        margin={side: "24mm" for side in ("top", "bottom", "left", "right")},
    )  # fmt: skip
    _, programme = read(tmp_path / "seed.pdf")
    assert [h for _, h in outline(programme)] == [h for _, h in outline(draft.programme)]
    same = {p.text for p in passages.cut(programme)} & {p.text for p in draft.passages}
    assert len(same) == len(draft.passages)


def _html(programme: Programme, css: str) -> str:
    parts = [f"<html lang=de><meta charset=utf-8><style>{css}</style>"]
    for section in programme.sections:
        parts.append(f"<h{section.level}>{escape(section.heading.text)}</h{section.level}>")
        paragraphs = (f"<p>{escape(_hyphenated(p.text))}</p>" for p in section.paragraphs)
        parts.append(f"<div class=text>{''.join(paragraphs)}</div>")
    return "".join(parts)


def _hyphenated(text: str) -> str:
    """Places at which the browser may tear a word, as a German dictionary would: before a
    consonant that a vowel follows.
    """
    return re.sub(r"(?<=[a-zäöüß]{3})(?=[bdfghklmnprstvwz][aeiouäöü][a-zäöüß]{2})", "\u00ad", text)


SHARED = Path(__file__).parents[4] / "shared" / "programmes-pdf"


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/programmes-pdf, not committed")
@pytest.mark.parametrize("name", ["spd", "ssw", "fdp", "bsw"])
def test_real_programmes_are_read_as_promised(name: str) -> None:
    """Headings, whole sentences, pages of the four real PDFs; `python -m bench.pdf` prints them."""
    from bench.pdf import check

    path = SHARED / f"{name}.pdf"
    document, programme = read(path)
    checked = check(path, document, programme, passages.cut(programme), misses=False)
    assert checked.recall >= 0.95
    assert checked.surplus <= 0.03
    assert checked.whole >= 0.99
    assert checked.paged >= 0.99
    assert checked.furniture == 0
