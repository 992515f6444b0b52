"""Word documents, made with python-docx where it can make them and by hand where it can't."""

from __future__ import annotations

from pathlib import Path

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.shared import Pt

from index.readers.docx import read
from tests.index.readers.documents import W, docx_xml, package


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(inner: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{inner}</w:p>"


def styled(style: str, text: str) -> str:
    return paragraph(run(text), f'<w:pStyle w:val="{style}"/>')


def style(name: str, shown: str, inner: str = "") -> str:
    return (
        f'<w:style w:type="paragraph" w:styleId="{name}"><w:name w:val="{shown}"/>{inner}</w:style>'
    )


def texts(path: Path) -> list[str]:
    return [block.text for block in read(path).blocks]


def test_title_headings_and_core_properties(tmp_path: Path) -> None:
    """The title is the document's, not a heading; author and language come from its properties."""
    document = docx.Document()
    document.core_properties.author = "SPD Dortmund"
    document.core_properties.language = "de-DE"
    document.core_properties.title = "Microsoft Word - vorlage"
    document.add_heading("Dortmund kann das", 0)
    document.add_heading("Wohnen", 1)
    document.add_heading("Bauen", 2)
    document.add_paragraph("Text")
    document.save(str(tmp_path / "a.docx"))
    found = read(tmp_path / "a.docx")
    assert (found.title, found.author, found.language) == (
        "Dortmund kann das",
        "SPD Dortmund",
        "de-DE",
    )
    assert [(b.text, b.level) for b in found.blocks] == [
        ("Wohnen", 1),
        ("Bauen", 2),
        ("Text", None),
    ]
    assert [(d.block.text, d.reason) for d in found.dropped] == [("Dortmund kann das", "title")]


def test_the_title_property_serves_where_no_title_is_printed(tmp_path: Path) -> None:
    """Better a title that only the file tells than none."""
    document = docx.Document()
    document.core_properties.title = "Unser Programm"
    document.add_paragraph("Text")
    document.save(str(tmp_path / "a.docx"))
    assert read(tmp_path / "a.docx").title == "Unser Programm"


def test_headings_by_every_way_word_knows(tmp_path: Path) -> None:
    """German style ids, styles based on a heading, outline levels of style and paragraph, and a
    style that the file does not define.
    """
    styles = (
        style("berschrift2", "heading 2")
        + style("Kapitel", "Kapitel", '<w:basedOn w:val="berschrift2"/>')
        + style("Eigen", "Eigen", '<w:pPr><w:outlineLvl w:val="2"/></w:pPr>')
        + style("Text", "Text", '<w:basedOn w:val="Text"/>')
    )
    body = (
        styled("berschrift2", "eins")
        + styled("Kapitel", "zwei")
        + styled("Eigen", "drei")
        + styled("Heading1", "vier")
        + paragraph(run("fünf"), '<w:outlineLvl w:val="0"/>')
        + paragraph(run("Text"), '<w:pStyle w:val="Eigen"/><w:outlineLvl w:val="9"/>')
        + styled("Text", "Text")
    )
    found = read(docx_xml(tmp_path / "a.docx", body, styles=styles)).blocks
    assert [b.level for b in found] == [2, 2, 3, 1, 1, None, None]


def test_without_heading_styles_bold_and_large_lines_are_headings(tmp_path: Path) -> None:
    """Most Word files look like that: levels by size, then by weight. Bold words in a paragraph
    and bold sentences make none.
    """
    document = docx.Document()

    def add(text: str, bold: bool = False, size: int = 11) -> None:
        letters = document.add_paragraph().add_run(text)
        letters.bold, letters.font.size = bold, Pt(size)

    add("Wohnen", bold=True, size=16)
    add("Bauen", bold=True)
    add("Wir bauen neue Wohnungen für alle Menschen in dieser Stadt.")
    add("Das ist uns wichtig.", bold=True)
    add("Arbeit", bold=True, size=16)
    mixed = document.add_paragraph()
    mixed.add_run("Löhne:").bold = True
    mixed.add_run(" Wir wollen gute Löhne")
    add("Warum jetzt?", bold=True)
    document.save(str(tmp_path / "a.docx"))
    found = read(tmp_path / "a.docx").blocks
    assert [(b.text, b.level) for b in found if b.level] == [
        ("Wohnen", 1),
        ("Bauen", 2),
        ("Arbeit", 1),
        ("Warum jetzt?", 2),
    ]


def test_with_heading_styles_bold_lines_are_paragraphs(tmp_path: Path) -> None:
    """Who uses styles says what a heading is."""
    document = docx.Document()
    document.add_heading("Wohnen", 1)
    document.add_paragraph().add_run("Fett").bold = True
    document.add_paragraph("Ein Absatz, der länger ist als das Fette.")
    document.add_heading("Arbeit", 1)
    document.save(str(tmp_path / "a.docx"))
    assert [b.level for b in read(tmp_path / "a.docx").blocks] == [1, None, None, 1]


def test_bold_of_a_style_counts_and_can_be_taken_back(tmp_path: Path) -> None:
    """Looks are inherited from paragraph and character styles."""
    document = docx.Document()
    made = document.styles.add_style("Kapitel", WD_STYLE_TYPE.PARAGRAPH)
    made.font.bold = True
    document.add_paragraph("Wohnen", "Kapitel")
    document.add_paragraph("Ein Absatz, wie er im Buche steht")
    document.add_paragraph("", "Kapitel").add_run("Nicht fett").bold = False
    document.save(str(tmp_path / "a.docx"))
    assert [b.level for b in read(tmp_path / "a.docx").blocks] == [1, None, None]


def numbering(levels: str, more: str = "") -> str:
    return (
        f'<w:abstractNum w:abstractNumId="7">{levels}</w:abstractNum>'
        f'<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>{more}'
    )


def level(number: int, form: str, text: str, start: int = 1) -> str:
    return (
        f'<w:lvl w:ilvl="{number}"><w:start w:val="{start}"/><w:numFmt w:val="{form}"/>'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


def item(text: str, depth: int = 0, number: int = 1) -> str:
    return paragraph(
        run(text), f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>'
    )


def test_numbers_are_counted_as_word_counts_them(tmp_path: Path) -> None:
    """Through interruptions, in nested levels, with letters, Roman numbers and restarts."""
    levels = (
        level(0, "decimal", "%1.")
        + level(1, "lowerLetter", "%2)")
        + level(2, "upperRoman", "%1.%3", 4)
    )
    restart = (
        '<w:num w:numId="2"><w:abstractNumId w:val="7"/><w:lvlOverride w:ilvl="0">'
        '<w:startOverride w:val="5"/></w:lvlOverride></w:num>'
    )
    body = (
        item("eins")
        + item("innen", 1)
        + item("innen", 1)
        + item("tief", 2)
        + paragraph(run("Ein Absatz."))
        + item("zwei")
        + item("innen", 1)
        + item("neu", 0, 2)
        + item("weiter", 0, 2)
        + item("keine Liste", 0, 0)
    )
    path = docx_xml(tmp_path / "a.docx", body, numbering=numbering(levels, restart))
    found = read(path).blocks
    assert [b.text for b in found] == [
        "1. eins",
        "a) innen",
        "b) innen",
        "1.IV tief",
        "Ein Absatz.",
        "2. zwei",
        "a) innen",
        "5. neu",
        "6. weiter",
        "keine Liste",
    ]
    assert [b.item for b in found] == [True] * 4 + [False] + [True] * 4 + [False]


def test_bullets_automatic_and_typed(tmp_path: Path) -> None:
    """Whatever the glyph; a dash typed once may be a thought, twice it is a list."""
    path = docx_xml(
        tmp_path / "a.docx",
        item("automatisch")
        + paragraph(run("Wir wollen:"))
        + paragraph(run("\u2023\tgetippt"))
        + paragraph(run("\uf0b7 Symbol"))
        + styled("H1", "A")
        + paragraph(run("Wir wollen:"))
        + paragraph(run("- mit Strich,"))
        + paragraph(run("– mit Halbgeviert."))
        + styled("H1", "B")
        + paragraph(run("– ein Gedanke")),
        numbering=numbering(level(0, "bullet", "\uf0b7")),
        styles=style("H1", "heading 1"),
    )
    found = read(path).blocks
    assert [b.text for b in found if b.item] == [
        "• automatisch",
        "• getippt",
        "• Symbol",
        "• mit Strich,",
        "• mit Halbgeviert.",
    ]
    assert found[-1].text == "– ein Gedanke"


def test_breaks_tabs_and_signs_inside_a_paragraph(tmp_path: Path) -> None:
    """Line breaks, tabs and hard spaces become spaces; soft hyphens are left to the clean-up."""
    body = paragraph(
        run("eins")
        + "<w:r><w:br/></w:r>"
        + run("zwei\u00a0drei")
        + "<w:r><w:tab/></w:r>"
        + run("E")
        + "<w:r><w:noBreakHyphen/></w:r>"
        + run("Auto Wohnungs")
        + "<w:r><w:softHyphen/></w:r>"
        + run("bau")
        + '<w:r><w:br w:type="page"/></w:r>'
        + run("Ende")
    )
    assert texts(docx_xml(tmp_path / "a.docx", body)) == [
        "eins zwei drei E-Auto Wohnungs\u00adbau Ende"
    ]


def test_tracked_changes_read_as_if_accepted(tmp_path: Path) -> None:
    """What was deleted is gone, what was inserted is there, hidden text is not."""
    body = paragraph(
        run("Wir ")
        + "<w:del><w:r><w:delText>wollten </w:delText><w:t>alt </w:t></w:r></w:del>"
        + f"<w:ins>{run('wollen ')}</w:ins>"
        + f"<w:moveFrom>{run('fort ')}</w:moveFrom><w:moveTo>{run('das ')}</w:moveTo>"
        + run("geheim ", "<w:vanish/>")
        + f"<w:hyperlink>{run('auch')}</w:hyperlink>"
        + "<w:r><w:instrText>PAGEREF x</w:instrText></w:r>"
        + run(".", '<w:vanish w:val="0"/>')
    )
    assert texts(docx_xml(tmp_path / "a.docx", body)) == ["Wir wollen das auch."]


def test_footnotes_are_left_out_and_listed(tmp_path: Path) -> None:
    """They are not the programme's own sentences, and their marks no part of them."""
    body = paragraph(
        run("Satz")
        + '<w:r><w:footnoteReference w:id="2"/></w:r>'
        + '<w:r><w:endnoteReference w:id="2"/></w:r>'
        + run(".")
    )
    path = docx_xml(
        tmp_path / "a.docx",
        body,
        footnotes=f'<w:footnote w:id="2">{paragraph(run("Quelle: Amt"))}</w:footnote>',
        endnotes=f'<w:endnote w:id="2">{paragraph(run("Am Ende"))}</w:endnote>',
    )
    found = read(path)
    assert [b.text for b in found.blocks] == ["Satz."]
    assert [(d.block.text, d.reason) for d in found.dropped] == [
        ("Quelle: Amt", "footnote"),
        ("Am Ende", "footnote"),
    ]


def table(*rows: list[str]) -> str:
    cells = [
        "".join(f"<w:tc>{cell if '<' in cell else paragraph(run(cell))}</w:tc>" for cell in row)
        for row in rows
    ]
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def test_rows_of_a_table_are_blocks_and_layout_tables_paragraphs(tmp_path: Path) -> None:
    """One column only arranges text, and so does a table with headings inside."""
    body = (
        table(["Jahr", "Wohnungen"], ["2025", "2.000"], ["", "allein"])
        + table([paragraph(run("eins")) + paragraph(run("zwei"))], ["drei"])
        + table([styled("H1", "Wohnen") + paragraph(run("links")), "rechts"])
    )
    path = docx_xml(tmp_path / "a.docx", body, styles=style("H1", "heading 1"))
    found = read(path).blocks
    assert [b.text for b in found] == [
        "Jahr | Wohnungen",
        "2025 | 2.000",
        "allein",
        "eins",
        "zwei",
        "drei",
        "Wohnen",
        "links",
        "rechts",
    ]
    assert found[6].level == 1


def test_a_table_of_contents_is_no_text(tmp_path: Path) -> None:
    """Known by its styles, German or English, or by the block Word puts it in."""
    styles = (
        style("Verzeichnis1", "toc 1")
        + style("TOC2", "toc 2")
        + style("Inhaltsverzeichnisberschrift", "TOC Heading")
    )
    inner = paragraph(run("Arbeit") + "<w:r><w:tab/></w:r>" + run("12"))
    body = (
        styled("Inhaltsverzeichnisberschrift", "Inhalt")
        + paragraph(
            run("1 Wohnen") + "<w:r><w:tab/></w:r>" + run("7"),
            '<w:pStyle w:val="Verzeichnis1"/>',
        )
        + styled("TOC2", "Bauen ........ 8")
        + '<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/>'
        + f"</w:docPartObj></w:sdtPr><w:sdtContent>{inner}</w:sdtContent></w:sdt>"
        + f"<w:sdt><w:sdtContent>{paragraph(run('Text'))}</w:sdtContent></w:sdt>"
    )
    found = read(docx_xml(tmp_path / "a.docx", body, styles=styles))
    assert [b.text for b in found.blocks] == ["Text"]
    assert [(e.title, e.level, e.page) for e in found.contents] == [
        ("1 Wohnen", 1, 7),
        ("Bauen", 2, 8),
        ("Arbeit", 1, 12),
    ]
    assert [(d.block.text, d.reason) for d in found.dropped] == [("Inhalt", "table of contents")]


def test_text_boxes_follow_the_paragraph_that_holds_them(tmp_path: Path) -> None:
    """Once, although Word writes them twice, for itself and for older versions."""
    box = f"<w:txbxContent>{paragraph(run('im Kasten'))}</w:txbxContent>"
    body = paragraph(
        run("vor ")
        + "<w:r><mc:AlternateContent><mc:Choice><w:drawing><wps:txbx>"
        + f"{box}</wps:txbx></w:drawing></mc:Choice><mc:Fallback><w:pict>{box}</w:pict>"
        + "</mc:Fallback></mc:AlternateContent></w:r>"
        + run("und nach")
    ) + paragraph(run("danach"))
    assert texts(docx_xml(tmp_path / "a.docx", body)) == ["vor und nach", "im Kasten", "danach"]


def test_headers_and_footers_are_not_read(tmp_path: Path) -> None:
    """They stand on every page and say nothing new."""
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Kopf"
    document.sections[0].footer.paragraphs[0].text = "Fuß"
    document.add_paragraph("Text")
    document.save(str(tmp_path / "a.docx"))
    assert texts(tmp_path / "a.docx") == ["Text"]


@pytest.mark.parametrize("main", ["word/document.xml", "word/document2.xml"])
def test_the_main_part_is_where_the_package_says(tmp_path: Path, main: str) -> None:
    """Some programs name it otherwise; ISO's strict form names the elements otherwise."""
    strict = "http://purl.oclc.org/ooxml/wordprocessingml/main"
    relations = (
        '<Relationships><Relationship Type="http://purl.oclc.org/x/officeDocument" '
        f'Target="/{main}"/></Relationships>'
    )
    for space in (W, strict):
        text = (
            f'<w:document xmlns:w="{space}"><w:body><w:p><w:r><w:t>Text</w:t></w:r></w:p>'
            "</w:body></w:document>"
        )
        path = package(tmp_path / "a.docx", {"_rels/.rels": relations, main: text})
        assert texts(path) == ["Text"]
