from __future__ import annotations

import dataclasses
import html
import io
import re

import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageChops

from bot import assets, pictures
from bot.library import Served, holding
from tests.conftest import SLUG


def section_of(served: Served, number: int) -> tuple[str, str]:
    section = served.bundle.sections[number]
    return section.id, section.heading.text


def test_a_section_has_an_address_of_its_own(client: TestClient, served: Served) -> None:
    """Its text and nobody else's, the neighbours, and the address that search engines keep."""
    before, this, after = (section_of(served, number) for number in (6, 7, 8))
    response = client.get(f"/p/{SLUG}/programm/{this[0]}")
    assert response.status_code == 200
    page = html.unescape(response.text)
    assert f'<link rel="canonical" href="http://testserver/p/{SLUG}/programm/{this[0]}">' in page
    assert re.search(rf'rel="prev" href="/p/{SLUG}/programm/{before[0]}"', page)
    assert re.search(rf'rel="next" href="/p/{SLUG}/programm/{after[0]}"', page)
    own = {p.id for p in served.bundle.passages if p.section == 7}
    assert set(re.findall(r'data-passage="([^"]+)"', page)) == own
    assert own


def test_every_section_can_be_opened(client: TestClient, served: Served) -> None:
    """Linked from its heading in the reader; the first has none before it, the last none after."""
    reader = client.get(f"/p/{SLUG}/programm").text
    for section in served.bundle.sections:
        assert f'href="/p/{SLUG}/programm/{section.id}"' in reader
    first = client.get(f"/p/{SLUG}/programm/{served.bundle.sections[0].id}").text
    last = client.get(f"/p/{SLUG}/programm/{served.bundle.sections[-1].id}").text
    assert 'rel="prev"' not in first
    assert 'rel="next"' in first
    assert 'rel="next"' not in last
    assert client.get(f"/p/{SLUG}/programm/nirgends").status_code == 404
    assert client.get(f"/p/{SLUG}/programm/nirgends/bild.png").status_code == 404


def test_a_shared_section_brings_its_preview(client: TestClient, served: Served) -> None:
    """Open Graph: heading, the section's own first words, a picture with an absolute address."""
    name, title = section_of(served, 7)
    page = client.get(f"/p/{SLUG}/programm/{name}").text
    tags = {
        key: html.unescape(value)
        for key, value in re.findall(r'<meta property="og:([a-z:]+)" content="([^"]*)"', page)
    }
    assert tags["title"] == title
    text = " ".join(p.text for p in served.bundle.sections[7].paragraphs)
    assert text.startswith(tags["description"].removesuffix(" …"))
    assert tags["image"].startswith(f"http://testserver/p/{SLUG}/programm/{name}/bild.png?version=")
    picture = client.get(tags["image"])
    assert picture.headers["content-type"] == "image/png"
    assert "immutable" in picture.headers["cache-control"]
    assert Image.open(io.BytesIO(picture.content)).size == (1200, 630)
    assert len(picture.content) < 60_000
    other = client.get(tags["image"].partition("?")[0])
    assert "immutable" not in other.headers["cache-control"]


def test_the_picture_shows_its_heading(served: Served) -> None:
    """German letters as letters, not as the boxes of a font that lacks them; and another heading
    is another picture.
    """
    font = pictures._font(60, bold=True)
    missing = bytes(font.getmask("\U0010ffff"))
    for letter in "äöüÄÖÜßẞ„“–›€ğşıİłżźéІїҐЩ":
        assert bytes(font.getmask(letter)) != missing, letter
    one, two = (
        Image.open(io.BytesIO(pictures.draw(text, "Kapitel", "Partei", "Titel"))).convert("L")
        for text in ("Größere Gärten", "Kleinere Höfe")
    )
    assert ImageChops.difference(one, two).getbbox()


@pytest.mark.parametrize("words", [1, 5, 10, 80])
def test_long_headings_stay_in_the_picture(words: int) -> None:
    """Smaller, then cut off; no line runs out of the picture or into the party's name."""
    heading = " ".join(["Straßenbahnhaltestellen"] * words)
    lines, font = pictures._fitted(heading)
    assert all(pictures._fits(lines, font))
    assert len(lines) * font.size < pictures.ROOM
    assert (lines[-1].endswith("…")) == (words == 80)


def test_completions_are_the_bank_and_the_headings(client: TestClient, served: Served) -> None:
    """Every question and heading once; kept for a year under the version's address."""
    response = client.get(f"/p/{SLUG}/vorschlaege.json?version={served.version}")
    body = response.json()
    bank = [q for questions in served.bundle.info.bank.values() for q in questions]
    assert set(body["questions"]) == set(bank)
    assert set(body["headings"]) == {s.heading.text for s in served.bundle.sections}
    assert len(body["questions"]) == len(set(body["questions"]))
    assert "immutable" in response.headers["cache-control"]
    old = client.get(f"/p/{SLUG}/vorschlaege.json?version=alt")
    assert old.headers["cache-control"] == "no-cache"


def test_a_link_from_an_earlier_version_says_so(
    client: TestClient, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And still has its anchor; a link of today's version says nothing."""
    heir = served.bundle.passages[3].id
    bundle = dataclasses.replace(served.bundle, aliases={"wohnen-alt-000000": heir})
    library = client.app.state.fundstelle.library  # type: ignore[attr-defined]
    monkeypatch.setattr(library, "_served", {SLUG: holding(bundle)})
    old = client.get(f"/p/{SLUG}/programm?version=0123456789abcdef").text
    assert 'class="changed"' in old
    assert f'id="wohnen-alt-000000" data-now="{heir}"' in old
    for version in (served.version, served.version[:8], ""):
        assert 'class="changed"' not in client.get(f"/p/{SLUG}/programm?version={version}").text
    marked = client.get(f"/p/{SLUG}/programm?version=%3Cscript%3E").text
    assert "<script>" not in marked


def test_files_have_their_hash_in_their_address(client: TestClient) -> None:
    """And may be kept for a year; the plain address works too, but is asked for each time; a
    wrong hash finds nothing; what is sent is compressed.
    """
    page = client.get(f"/p/{SLUG}").text
    refs = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(refs) >= 4
    for ref in refs:
        response = client.get(ref)
        assert response.status_code == 200, ref
        assert response.headers["cache-control"] == assets.FOREVER
        name = re.sub(r"\.[0-9a-f]{10}\.", ".", ref)
        assert name != ref
        plain = client.get(name)
        assert (plain.content, plain.headers["cache-control"]) == (response.content, "no-cache")
        wrong = re.sub(r"\.[0-9a-f]{10}\.", ".0123456789.", ref)
        assert client.get(wrong).status_code == 404
    style = client.get(assets.address("style.css"), headers={"Accept-Encoding": "gzip"})
    assert style.headers["content-encoding"] == "gzip"
    assert client.get("/static/..%2f..%2fbot/app.py").status_code == 404
