from __future__ import annotations

from pathlib import Path

import pytest

from index.readers.html import decode, read
from index.types import Document


def page(tmp_path: Path, body: str, head: str = "") -> Document:
    path = tmp_path / "a.html"
    path.write_text(
        f"<!doctype html><html lang=de><head><meta charset=utf-8>{head}</head>{body}</html>",
        encoding="utf-8",
    )
    return read(path)


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks]


def test_only_the_programme_of_a_page_is_read(tmp_path: Path) -> None:
    """Neither navigation nor scripts, forms, buttons, asides, footers or anything hidden."""
    found = page(
        tmp_path,
        """<body><header>Kopf <a href=/>Start</a></header><nav>Menü</nav><h1>Wohnen</h1>
        <p>Text<!-- weg --><script>böse()</script><style>p{}</style></p><aside>Werbung</aside>
        <noscript>ohne</noscript><template><p>leer</p></template><form><input> Suche</form>
        <button>Teilen</button><p hidden>weg</p><p style="color:red; DISPLAY : none">weg</p>
        <p aria-hidden=true>weg</p><div role=navigation>weg</div><svg><text>weg</text></svg>
        <footer>Fuß</footer></body>""",
    )
    assert [(b.text, b.level) for b in found.blocks] == [("Wohnen", 1), ("Text", None)]


def test_main_or_the_only_article_is_preferred(tmp_path: Path) -> None:
    """But several articles may be the programme's chapters."""
    around = "<p>Cookies</p>"
    assert texts(page(tmp_path, f"{around}<main><p>Text</p></main>")) == ["Text"]
    assert texts(page(tmp_path, f"{around}<article><p>Text</p></article>")) == ["Text"]
    both = "<article><p>eins</p></article><article><p>zwei</p></article>"
    assert texts(page(tmp_path, f"<p>vor</p>{both}")) == ["vor", "eins", "zwei"]
    assert texts(page(tmp_path, "<main></main><p>Text</p>")) == ["Text"]


def test_the_only_h1_is_kept_wherever_it_stands(tmp_path: Path) -> None:
    """In the page's head or above its main part; a second h1 there is a logo."""
    head = "<header><p>Logo</p><h1>Dortmund kann das</h1></header>"
    assert texts(page(tmp_path, f"{head}<p>Text</p>")) == ["Dortmund kann das", "Text"]
    assert texts(page(tmp_path, f"{head}<main><p>Text</p></main>")) == ["Dortmund kann das", "Text"]
    assert texts(page(tmp_path, f"{head}<h1>Wohnen</h1><p>Text</p>")) == ["Wohnen", "Text"]


def test_heads_of_sections_keep_their_headings(tmp_path: Path) -> None:
    """A header inside a section is that section's heading, not the page's."""
    body = (
        "<main><section><header><h2>Wohnen</h2><p>3 Min.</p></header><p>Text</p></section></main>"
    )
    assert [(b.text, b.level) for b in page(tmp_path, body).blocks] == [
        ("Wohnen", 2),
        ("Text", None),
    ]


def test_a_form_around_the_whole_page_is_the_page(tmp_path: Path) -> None:
    """As older content management systems write it."""
    assert texts(page(tmp_path, "<form><h1>Wohnen</h1><p>Text</p></form>")) == ["Wohnen", "Text"]


def test_titles_authors_and_contents_are_told_apart(tmp_path: Path) -> None:
    """A navigation within the page is its table of contents; one to other pages is none."""
    found = page(
        tmp_path,
        """<body><nav><a href="/start">Start</a></nav><nav><ol><li><a href="#w">Wohnen</a>
        <ol><li><a href="#b">Bauen</a></ol></ol></nav><h1>Wohnen</h1><p>Text""",
        "<title>Programm &amp; mehr</title><meta name=Author content=SPD>",
    )
    assert (found.title, found.author, found.language) == ("Programm & mehr", "SPD", "de")
    assert [(e.title, e.level, e.page) for e in found.contents] == [
        ("Wohnen", 1, None),
        ("Bauen", 2, None),
    ]
    assert texts(found) == ["Wohnen", "Text"]


def test_a_list_of_links_within_the_page_is_its_contents(tmp_path: Path) -> None:
    """Not every page marks it as a navigation; a single link in a list is text."""
    found = page(
        tmp_path,
        """<ul><li><a href="#w">Wohnen</a><ul><li><a href="#b">Bauen</a></ul><li><a href="#a">Arbeit
        </a></ul><p>Text<ul><li>siehe <a href="#w">Wohnen</a>, <a href="#b">Bauen</a>,
        <a href="#a">Arbeit</a></ul>""",
    )
    assert [(e.title, e.level) for e in found.contents] == [
        ("Wohnen", 1),
        ("Bauen", 2),
        ("Arbeit", 1),
    ]
    assert texts(found) == ["Text", "• siehe Wohnen, Bauen, Arbeit"]


def test_lists_are_counted_as_browsers_count_them(tmp_path: Path) -> None:
    """Start, type, value and reversed; nested lists stay items."""
    found = page(
        tmp_path,
        """<p>Wir wollen:<ul><li>eins<ul><li>innen</ul><li><p>zwei</p><p>noch zwei</p></ul>
        <ol start=3 type=a><li>c<li>d</ol><ol><li value=7>sieben<li>acht</ol>
        <ol reversed><li>zwei<li>eins</ol><ol type=I><li>römisch</ol><p>Ende.""",
    )
    assert texts(found) == [
        "Wir wollen:",
        "• eins",
        "• innen",
        "• zwei",
        "noch zwei",
        "c) c",
        "d) d",
        "7. sieben",
        "8. acht",
        "2. zwei",
        "1. eins",
        "I. römisch",
        "Ende.",
    ]
    assert [b.item for b in found.blocks] == [False] + [True] * 11 + [False]


def test_inline_markup_and_breaks_are_flattened(tmp_path: Path) -> None:
    """One break is a space, two are a paragraph; entities and hard spaces are letters."""
    found = page(
        tmp_path,
        "<p>Ein <b>fet</b>tes <a href=x>Wort</a><br>und&nbsp;mehr &amp; Meer<br><br>Neu.</p>"
        "lose <em>Worte</em><div>eigen</div>",
    )
    assert texts(found) == [
        "Ein fettes Wort und mehr & Meer",
        "Neu.",
        "lose Worte",
        "eigen",
    ]


def test_footnotes_are_left_out_and_listed(tmp_path: Path) -> None:
    """By their roles, or as most programs write them."""
    found = page(
        tmp_path,
        """<p>Satz<a role=doc-noteref href=#f>1</a> und<sup><a href="#g">[2]</a></sup> m<sup>2</sup>
        <aside role=doc-footnote>Quelle: Amt</aside>
        <section class=footnotes><ol><li>Noch eine</ol></section>""",
    )
    assert texts(found) == ["Satz und m2"]
    assert [(d.block.text, d.reason) for d in found.dropped] == [
        ("Quelle: Amt", "footnote"),
        ("Noch eine", "footnote"),
    ]


def test_tables_of_figures_and_of_layout(tmp_path: Path) -> None:
    """Rows are blocks; one column, or headings or tables inside, make paragraphs."""
    found = page(
        tmp_path,
        """<table><caption>Bau</caption><tr><th>Jahr<th>Zahl<tr><td>2025<td><p>2.000</p><p>etwa</p>
        </table><table><tr><td><p>eins</p><p>zwei</p></table>
        <table><tr><td><h2>Wohnen</h2>Text<td>rechts</table>""",
    )
    assert texts(found) == [
        "Bau",
        "Jahr | Zahl",
        "2025 | 2.000 etwa",
        "eins",
        "zwei",
        "Wohnen",
        "Text",
        "rechts",
    ]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xef\xbb\xbfM\xc3\xbcll", "Müll"),
        ("Müll".encode("utf-16"), "Müll"),
        ('<meta charset="iso-8859-1">Müll – €'.encode("cp1252"), "Müll – €"),
        ('<meta http-equiv=x content="text/html; charset=utf-8">Müll'.encode(), "Müll"),
        ("<meta charset=windows-1250>Łódź".encode("cp1250"), "Łódź"),
        ('<meta charset="utf-8">Müll'.encode("cp1252"), "Müll"),
        ("<meta charset=unsinn>Müll".encode(), "Müll"),
        ("Müll".encode("cp1252"), "Müll"),
    ],
)
def test_the_encoding_is_found(data: bytes, text: str) -> None:
    """By mark, by declaration where it holds, as UTF-8, as Windows-1252."""
    found, warnings = decode(data)
    assert found.endswith(text)
    guessed = text == "Müll" and data.endswith(b"M\xfcll")
    assert warnings == (("read as Windows-1252",) if guessed else ())
