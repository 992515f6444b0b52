"""OpenDocument texts: LibreOffice's XML by hand, since odfdo makes only the plain parts."""

from __future__ import annotations

from pathlib import Path

from index.readers.odt import read
from tests.index.readers.documents import odt


def texts(path: Path) -> list[str]:
    return [block.text for block in read(path).blocks]


def style(name: str, inner: str = "", parent: str = "", family: str = "paragraph") -> str:
    return (
        f'<style:style style:name="{name}" style:family="{family}" '
        f'style:parent-style-name="{parent}">{inner}</style:style>'
    )


def letters(**properties: str) -> str:
    told = " ".join(f'fo:{key.replace("_", "-")}="{value}"' for key, value in properties.items())
    return f"<style:text-properties {told}/>"


def paragraph(text: str, name: str = "Standard") -> str:
    return f'<text:p text:style-name="{name}">{text}</text:p>'


def items(*inner: str, name: str = "", more: str = "") -> str:
    named = f'text:style-name="{name}"' if name else ""
    return (
        f"<text:list {named} {more}>"
        + "".join(f"<text:list-item>{part}</text:list-item>" for part in inner)
        + "</text:list>"
    )


def test_headings_title_and_meta_data(tmp_path: Path) -> None:
    """A title by its style, also one that only inherits it; headings by element or style."""
    body = (
        paragraph("Dortmund kann das", "P1")
        + '<text:h text:outline-level="1">Wohnen</text:h>'
        + '<text:h text:outline-level="3">Tief</text:h>'
        + paragraph("Bauen", "Heading_20_2")
        + paragraph("Eigen", "Eigen")
        + paragraph("Text")
    )
    styles = style("P1", parent="Title") + (
        '<style:style style:name="Eigen" style:family="paragraph" style:default-outline-level="4"/>'
    )
    meta = (
        "<meta:initial-creator>SPD</meta:initial-creator><dc:creator>Praktikant</dc:creator>"
        "<dc:language>de-DE</dc:language><dc:title>Vorlage</dc:title>"
    )
    found = read(odt(tmp_path / "a.odt", body, styles, meta))
    assert (found.title, found.author, found.language) == ("Dortmund kann das", "SPD", "de-DE")
    assert [(b.text, b.level) for b in found.blocks] == [
        ("Wohnen", 1),
        ("Tief", 3),
        ("Bauen", 2),
        ("Eigen", 4),
        ("Text", None),
    ]
    assert [(d.block.text, d.reason) for d in found.dropped] == [("Dortmund kann das", "title")]


def test_without_headings_bold_and_large_lines_are_headings(tmp_path: Path) -> None:
    """By the look of their letters, through styles of paragraph and span, in points or percent."""
    styles = (
        style("Big", letters(font_size="18pt", font_weight="bold"))
        + style("Fat", letters(font_weight="bold"), family="text")
        + style("More", letters(font_size="120%"), parent="Base")
        + style("Base", letters(font_size="12pt"))
    )
    bold = '<text:span text:style-name="Fat">{}</text:span>'
    body = (
        paragraph("Wohnen", "Big")
        + paragraph(bold.format("Bauen"), "Base")
        + paragraph("Wir bauen neue Wohnungen für alle.", "Base")
        + paragraph(bold.format("Löhne:") + " Wir wollen gute", "Base")
        + paragraph("Mieten", "More")
        + paragraph("Wir senken die Mieten für alle.", "Base")
    )
    found = read(odt(tmp_path / "a.odt", body, styles)).blocks
    assert [b.level for b in found] == [1, 3, None, None, 2, None]


LISTS = """<text:list-style style:name="L"><text:list-level-style-number text:level="1"
style:num-format="1" style:num-suffix="."/><text:list-level-style-number text:level="2"
style:num-format="a" style:num-suffix=")" text:start-value="3"/><text:list-level-style-bullet
text:level="3" text:bullet-char="-"/></text:list-style>"""


def test_lists_nested_continued_and_restarted(tmp_path: Path) -> None:
    """Numbers are counted; a second paragraph belongs to its item and has no number."""
    inner = items("<text:p>c</text:p>", "<text:p>d</text:p>" + items("<text:p>tief</text:p>"))
    body = (
        items(
            "<text:p>eins</text:p><text:p>noch eins</text:p>",
            "<text:p>zwei</text:p>" + inner,
            name="L",
        )
        + paragraph("Dazwischen.")
        + items("<text:p>drei</text:p>", name="L", more='text:continue-numbering="true"')
        + items("<text:p>neu</text:p>", name="L")
        + items("<text:p>Punkt</text:p>", name="Unknown")
    )
    found = read(odt(tmp_path / "a.odt", body, LISTS)).blocks
    assert [b.text for b in found] == [
        "1. eins",
        "noch eins",
        "2. zwei",
        "c) c",
        "d) d",
        "• tief",
        "Dazwischen.",
        "3. drei",
        "1. neu",
        "• Punkt",
    ]
    assert [b.item for b in found] == [True] * 6 + [False] + [True] * 3


def test_a_heading_numbered_as_a_list_is_a_heading(tmp_path: Path) -> None:
    """Older LibreOffice puts numbered headings into lists."""
    body = items('<text:h text:outline-level="1">Wohnen</text:h>', name="L")
    found = read(odt(tmp_path / "a.odt", body, LISTS)).blocks
    assert [(b.text, b.level, b.item) for b in found] == [("Wohnen", 1, False)]


def test_what_stands_inside_a_paragraph(tmp_path: Path) -> None:
    """Breaks, tabs, spaces and links are flattened; notes are listed, comments not read."""
    note = (
        "<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        "<text:p>Quelle: Amt</text:p></text:note-body></text:note>"
    )
    body = paragraph(
        'eins<text:line-break/>zwei<text:tab/>drei<text:s text:c="3"/><text:a>vier</text:a>'
        f"{note}, <office:annotation><text:p>Kommentar</text:p></office:annotation>"
        "<text:span>fünf\u00a0sechs</text:span>."
    )
    found = read(odt(tmp_path / "a.odt", body))
    assert [b.text for b in found.blocks] == ["eins zwei drei vier, fünf sechs."]
    assert [(d.block.text, d.reason) for d in found.dropped] == [("Quelle: Amt", "footnote")]


def test_deleted_and_hidden_text_is_not_read(tmp_path: Path) -> None:
    """LibreOffice keeps what was deleted at the top of the file."""
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>gelöscht</text:p>"
        "</text:deletion></text:changed-region></text:tracked-changes>"
        '<text:section text:display="none"><text:p>versteckt</text:p></text:section>'
        "<text:section><text:p>Text</text:p></text:section>"
    )
    assert texts(odt(tmp_path / "a.odt", body)) == ["Text"]


def test_tables_contents_and_text_boxes(tmp_path: Path) -> None:
    """Rows are blocks, a single column is paragraphs, the contents are entries, boxes follow."""

    def row(*cells: str) -> str:
        inner = "".join(f"<table:table-cell>{cell}</table:table-cell>" for cell in cells)
        return f"<table:table-row>{inner}</table:table-row>"

    head = row("<text:p>Jahr</text:p>", "<text:p>Zahl</text:p>")
    body = (
        "<text:table-of-content><text:index-body><text:index-title><text:p>Inhalt</text:p>"
        '</text:index-title><text:p text:style-name="P9">Wohnen<text:tab/>7</text:p>'
        "</text:index-body></text:table-of-content>"
        f"<table:table><table:table-header-rows>{head}</table:table-header-rows>"
        f"{row('<text:p>2025</text:p>', '<text:p>2.000</text:p><text:p>etwa</text:p>')}"
        f"</table:table><table:table>{row('<text:p>eins</text:p><text:p>zwei</text:p>')}"
        "</table:table><text:p>vor<draw:frame><draw:text-box><text:p>Kasten</text:p>"
        "</draw:text-box></draw:frame> nach</text:p>"
    )
    found = read(odt(tmp_path / "a.odt", body, style("P9", parent="Contents_20_2")))
    assert [b.text for b in found.blocks] == [
        "Jahr | Zahl",
        "2025 | 2.000 etwa",
        "eins",
        "zwei",
        "vor nach",
        "Kasten",
    ]
    assert [(e.title, e.level, e.page) for e in found.contents] == [("Wohnen", 2, 7)]
    assert [(d.block.text, d.reason) for d in found.dropped] == [("Inhalt", "table of contents")]
