from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient

from bench import small
from bench.small import Chapter
from bot.app import create_app
from bot.library import Served, holding
from bot.settings import Settings
from tests.conftest import SLUG

QUESTION = "Werden die Kita-Gebühren abgeschafft?"
PAGES = [f"/p/{SLUG}", f"/p/{SLUG}/programm", f"/p/{SLUG}/impressum", f"/p/{SLUG}/datenschutz"]


CYCLING = "Jede Schule wird mit dem Rad erreichbar.\n• breite Wege.\n• eigene Ampeln."


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """A server of two programmes, one of them with levels, pages and a PDF."""
    root = tmp_path_factory.mktemp("several")
    chapters = [
        Chapter("Verkehr", ["Wir bauen Radwege. Alle kommen gut an."], 1, 6),
        Chapter("Rad", [CYCLING], 2, 7),
        Chapter("Winter", ["Im Winter werden Radwege zuerst geräumt."], 3, 7),
        Chapter("Bus", ["Busse fahren öfter."], 2, 9),
        Chapter("Bildung", ["Schulen werden saniert."], 1, 9),
    ]
    small.write(
        root, "rot", chapters, title="Rot gewinnt", party="Die Roten", date="2025-09-14",
        pdf_url="https://rot.example/p.pdf",
    )  # fmt: skip
    winter = [Chapter("Winter", ["Im Winter werden Radwege zuerst geräumt."], 1, 3)]
    small.write(root, "blau", winter, party="Die Blauen", date="Frühjahr 2025")
    return TestClient(create_app(Settings(index=root, rate_limit="")))


class Page(HTMLParser):
    """Collects ids, links, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.refs: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "action"):
                self.refs.append(value or "")
            assert not name.startswith("on"), "no inline handlers: the policy forbids them"
            assert name != "style", "no inline styles: the policy forbids them"

    def handle_data(self, data: str) -> None:
        self.text += data


def test_home_is_the_only_programme(client: TestClient) -> None:
    """With one programme there is nothing to choose."""
    assert client.get("/").text == client.get(f"/p/{SLUG}").text


def test_home_lists_several_programmes(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its link."""
    library = client.app.state.fundstelle.library  # type: ignore[attr-defined]
    one = library.get(SLUG)
    monkeypatch.setattr(library, "_served", {SLUG: one, "zweites": one})
    assert Page(client.get("/").text).refs.count(f"/p/{SLUG}") == 2


def test_the_list_says_whose_each_programme_is(several: TestClient) -> None:
    """Party, title, date as Germans write it, and links to question, text and comparison."""
    html = several.get("/").text
    page = Page(html)
    for part in ("Die Roten", "Rot gewinnt", "14.09.2025", "Die Blauen", "Frühjahr 2025"):
        assert part in page.text
    assert '<time datetime="2025-09-14">' in html
    assert '<time datetime="Frühjahr' not in html
    assert {"/p/rot", "/p/rot/programm", "/p/blau", "/compare", "/datenschutz"} <= set(page.refs)
    assert several.get("/datenschutz").status_code == 200


def test_the_comparison_works_without_javascript(several: TestClient) -> None:
    """A form that posts; each party's words under its own heading, in the order of the list."""
    html = several.get("/compare").text
    assert re.findall(r'<form[^>]*method="(\w+)"', html) == ["post"]
    assert len(re.findall(r'type="checkbox"[^>]* checked', html)) == 2
    form = {"message": "Was tut ihr für Radwege?", "programmes": ["rot", "blau"]}
    response = several.post("/compare", data=form)
    assert response.status_code == 200
    headings = re.findall(r'<h2 id="by-(\w+)">', response.text)
    assert headings == ["rot", "blau"]
    assert response.text.count('class="column reply') == 2
    page = Page(response.text)
    assert len(page.ids) == len(set(page.ids))
    assert any("/p/rot/programm#" in ref for ref in page.refs)
    assert any("/p/blau/programm#" in ref for ref in page.refs)
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"message": "Bus"}, 422),
        ({"message": "", "programmes": ["rot"]}, 422),
        ({"message": "x" * 3000, "programmes": ["rot"]}, 413),
        ({"message": "Bus", "programmes": ["rot", "grün"]}, 404),
        ({"message": "<script>alert(1)</script>", "programmes": ["<script>alert(2)"]}, 404),
    ],
)
def test_a_comparison_that_cannot_be_made_says_why(
    several: TestClient, form: dict[str, str], status: int
) -> None:
    """In a sentence beside the form, which keeps what was typed and chosen."""
    response = several.post("/compare", data=form)
    assert response.status_code == status
    assert 'role="alert"' in response.text
    assert 'class="comparing"' in response.text
    assert "<script>alert" not in response.text
    if "rot" in form.get("programmes", ()):
        assert len(re.findall(r'value="rot" checked', response.text)) == 1


def test_sections_within_sections_are_headings_within_headings(several: TestClient) -> None:
    """As deep as the programme goes, in text and contents; no level is left out."""
    html = several.get("/p/rot/programm").text
    found = re.findall(r"<h(\d) id=\"([a-z-]+)-\d\"", html)
    assert found == [
        ("2", "verkehr"), ("3", "rad"), ("4", "winter"), ("3", "bus"), ("2", "bildung"),
    ]  # fmt: skip
    contents = html[html.index('<nav class="contents"') :]
    contents = contents[: contents.index("</details>")]
    depth, seen = 0, []
    for tag in re.findall(r"</?ol>|#[a-z-]+-\d", contents):
        depth += {"<ol>": 1, "</ol>": -1}.get(tag, 0)
        seen += [depth] if tag.startswith("#") else []
    assert seen == [1, 2, 3, 2, 1]
    levels = [e["level"] for e in several.get("/api/programmes/rot").json()["contents"]]
    assert levels == [1, 2, 3, 2, 1]


def test_pages_and_items_of_lists_are_shown(several: TestClient) -> None:
    """A number where a page begins, once, that is read out in full; items on lines of their own."""
    html = several.get("/p/rot/programm").text
    assert re.findall(r'<span class="hidden">im PDF, Seite (\d+) </span>', html) == ["6", "7", "9"]
    assert 'href="https://rot.example/p.pdf#page=7"' in html
    assert "erreichbar.\n• breite Wege.\n• eigene Ampeln." in html
    plain = several.get("/p/blau/programm").text
    assert re.findall(r'<span class="page"><span class="hidden">Seite (\d+) ', plain) == ["3"]


def test_answers_lead_into_the_partys_own_pdf(several: TestClient) -> None:
    """By API and page, to the page of the passage; nowhere where there is no PDF."""
    asked = {"message": "Winter", "programme": "rot", "limit": 1}
    passage = several.post("/api/chat", json=asked).json()["passages"][0]
    assert (passage["page"], passage["end_page"]) == (7, 7)
    assert passage["pdf_url"] == "https://rot.example/p.pdf#page=7"
    assert passage["citation"].endswith(", S. 7")
    html = several.post("/p/rot", data={"message": "Winter"}).text
    assert re.search(r'href="https://rot\.example/p\.pdf#page=7">im PDF, Seite 7</a>', html)
    asked = {"message": "Winter", "programme": "blau", "limit": 1}
    assert several.post("/api/chat", json=asked).json()["passages"][0]["pdf_url"] is None
    html = several.post("/p/blau", data={"message": "Winter"}).text
    assert not re.search(r'class="act pdf"[^>]*href', html)


def test_links_to_former_passages_lead_to_their_heirs(
    client: TestClient, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id of an earlier version is still an anchor, at the passage that took its place."""
    heir = served.bundle.passages[3].id
    bundle = dataclasses.replace(served.bundle, aliases={"wohnen-alt-000000": heir})
    library = client.app.state.fundstelle.library  # type: ignore[attr-defined]
    monkeypatch.setattr(library, "_served", {SLUG: holding(bundle)})
    html = client.get(f"/p/{SLUG}/programm").text
    assert f'id="wohnen-alt-000000" data-now="{heir}"' in html


def test_the_form_answers_without_javascript(client: TestClient) -> None:
    """Question, quoted passage with its key sentence marked, citation, and the link to the
    place.
    """
    response = client.post(f"/p/{SLUG}", data={"message": QUESTION})
    assert response.status_code == 200
    html = response.text
    assert re.search(r"<mark>[^<]*Kita-Gebühren komplett abschaffen[^<]*</mark>", html)
    assert "Frühkindliche Bildung - verlässlich und gebührenfrei" in html
    link = next(ref for ref in Page(html).refs if f"/p/{SLUG}/programm#" in ref)
    target = link.split("#")[1]
    assert target in Page(client.get(f"/p/{SLUG}/programm").text).ids


def test_the_question_stands_in_no_address(client: TestClient) -> None:
    """The form posts: addresses end up in histories, logs and referrers."""
    html = client.get(f"/p/{SLUG}").text
    assert set(re.findall(r'<form[^>]*method="(\w+)"', html)) == {"post"}
    assert html.count("<form") == html.count('method="post"') >= 3
    assert (
        client.post(f"/p/{SLUG}", data={"message": QUESTION}).headers["cache-control"] == "no-store"
    )


@pytest.mark.parametrize(
    "message",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "</textarea>"],
)
def test_what_is_typed_is_never_markup(client: TestClient, message: str) -> None:
    """Escaped wherever it is shown."""
    html = client.post(f"/p/{SLUG}", data={"message": message}).text
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "49" not in Page(html).text or "7*7" not in message
    Page(html)


@pytest.mark.parametrize(("message", "status"), [("", 422), ("   ", 422), ("x" * 3000, 413)])
def test_bad_questions_get_a_kind_sentence_on_the_page(
    client: TestClient, message: str, status: int
) -> None:
    """The chat stays usable."""
    response = client.post(f"/p/{SLUG}", data={"message": message})
    assert response.status_code == status
    assert 'class="ask"' in response.text


def test_the_reader_holds_every_word_once(client: TestClient, served: Served) -> None:
    """All passages in order, an anchor for each, the contents beside them, all ids unique."""
    page = Page(client.get(f"/p/{SLUG}/programm").text)
    assert len(page.ids) == len(set(page.ids))
    assert {p.id for p in served.bundle.passages} <= set(page.ids)
    inner = {ref[1:] for ref in page.refs if ref.startswith("#")}
    assert inner <= set(page.ids)
    words = " ".join(page.text.split())
    at = 0
    for passage in served.bundle.passages:
        at = words.index(" ".join(passage.text.split()), at)


@pytest.mark.parametrize("path", PAGES)
def test_nothing_comes_from_elsewhere(client: TestClient, path: str) -> None:
    """No third-party request, no cookie, a strict policy, nothing inline."""
    response = client.get(path)
    assert response.status_code == 200
    assert all(ref.startswith(("/", "#")) for ref in Page(response.text).refs)
    assert "set-cookie" not in response.headers
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", response.text)
    assert "<style" not in response.text


def test_imprint_and_privacy_are_one_click_away(client: TestClient) -> None:
    """From every page."""
    for path in PAGES:
        refs = Page(client.get(path).text).refs
        assert {f"/p/{SLUG}/impressum", f"/p/{SLUG}/datenschutz"} <= set(refs)


def test_so_are_they_from_the_pages_of_no_programme(several: TestClient) -> None:
    """List, comparison and errors too; the imprint names everyone."""
    for path in ("/", "/compare", "/nirgends", "/datenschutz", "/impressum"):
        refs = Page(several.get(path, headers={"Accept": "text/html"}).text).refs
        assert {"/impressum", "/datenschutz"} <= set(refs), path
    text = Page(several.get("/impressum").text).text
    assert "Die Roten" in text
    assert "Die Blauen" in text


def test_errors_are_pages_for_browsers(client: TestClient) -> None:
    """And problem documents for programs."""
    response = client.get("/p/berlin", headers={"Accept": "text/html"})
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    assert client.get("/p/berlin").headers["content-type"] == "application/problem+json"


def test_more_hits_without_javascript(client: TestClient) -> None:
    """A form that posts the question again with the highest limit; then there is no more."""
    html = client.post(f"/p/{SLUG}", data={"message": QUESTION}).text
    shown = html[: html.index("<template")]
    form = re.search(
        r'<form class="more-hits" method="post" action="([^"]+)" >(.*?)</form>', shown, re.S
    )
    assert form
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form.group(2)))
    assert fields == {"message": QUESTION, "limit": "10"}
    more = client.post(form.group(1), data=fields).text
    more = more[: more.index("<template")]
    assert shown.count('<article class="card">') == 3
    assert 3 < more.count('<article class="card">') <= 10
    assert re.search(r'<form class="more-hits"[^>]* hidden>', more)
    assert client.post(f"/p/{SLUG}", data={"message": QUESTION, "limit": "11"}).status_code == 422


def test_a_permalink_names_the_version(client: TestClient, served: Served) -> None:
    """So that the reader can say when the programme has changed since."""
    html = client.post(f"/p/{SLUG}?sprache=en", data={"message": QUESTION}).text
    links = re.findall(r'class="act permalink" href="([^"]+)"', html)
    assert len(links) == 3
    for link in links:
        start = f"http://testserver/p/{SLUG}/programm?version={served.version}#"
        assert link.startswith(start)


def test_the_first_reply_says_what_answers(client: TestClient) -> None:
    """The AI Act's notice stands in the reply itself, not only at the foot of the page."""
    html = client.post(f"/p/{SLUG}", data={"message": QUESTION}).text
    turn = html[html.index('<section class="turn">') : html.index("</section>")]
    assert re.search(r'<p class="notice small" >Automatische Suche, keine KI-Texte', turn)


def test_the_notice_on_political_advertising_is_on_every_page(
    client: TestClient, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the operator names its address, and only there."""
    assert "Transparenzhinweis" not in client.get(f"/p/{SLUG}").text
    info = dataclasses.replace(served.bundle.info, notice_url="https://spd.example/hinweis")
    bundle = dataclasses.replace(served.bundle, info=info)
    library = client.app.state.fundstelle.library  # type: ignore[attr-defined]
    monkeypatch.setattr(library, "_served", {SLUG: holding(bundle)})
    for path in PAGES:
        assert 'href="https://spd.example/hinweis"' in client.get(path).text
