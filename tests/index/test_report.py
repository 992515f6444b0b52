from __future__ import annotations

from pathlib import Path

from index import build, report
from index.build import Draft
from index.types import Info
from tests.pdfs import LEFT, Text, column, prose, write


def test_the_page_shows_what_a_volunteer_checks(tmp_path: Path) -> None:
    """Warnings first, the outline beside the printed one, boxes over pictures, what was dropped."""
    table = [Text(LEFT, 90, "Inhalt", 16, bold=True)]
    names = ["Wohnen <mit> allen", "Verkehr", "Bildung", "Sport"]
    table += [
        Text(LEFT, 130 + 20 * k, f"{name} {'.' * 40} {k + 2}")
        for k, name in enumerate([*names, "Was nirgends steht"])
    ]
    pages = [
        table,
        *[
            [
                Text(LEFT, 90, name, 16, bold=True),
                *column([prose(10 * k, 8)], 120),
                Text(300, 800, str(k + 2)),
            ]
            for k, name in enumerate(names)
        ],
    ]
    path = write(tmp_path / "a.pdf", pages, title="Plan & Ziel")
    source = build.read_document(path)
    html = report.render(build.cut(Info("a", source.title, path.name), path, source))
    assert "Plan &amp; Ziel" in html
    assert "Wohnen &lt;mit&gt; allen" in html
    assert html.index("not found as a heading: Was nirgends steht") < html.index("Passages</h2>")
    assert html.count("data:image/jpeg;base64,") == 5
    assert html.count('<i class="heading" title="heading, level 1"') == 4
    assert 'title="page number"' in html
    assert "<script" not in html
    assert "http" not in html.replace("http-equiv", "")


def test_a_text_has_no_pictures_but_all_the_rest(draft: Draft) -> None:
    """The seed programme: its repairs and dropped lines."""
    html = report.render(draft)
    assert "sicher-gestellt → sichergestellt" in html
    assert "running title" in html
    assert "data:image" not in html
