from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient

from bot.library import Served
from tests.conftest import SLUG

QUESTION = "Werden die Kita-Gebühren abgeschafft?"
PAGES = [f"/p/{SLUG}", f"/p/{SLUG}/programm", f"/p/{SLUG}/impressum", f"/p/{SLUG}/datenschutz"]


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


def test_links_to_former_passages_lead_to_their_heirs(
    client: TestClient, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id of an earlier version is still an anchor, at the passage that took its place."""
    heir = served.bundle.passages[3].id
    bundle = dataclasses.replace(served.bundle, aliases={"wohnen-alt-000000": heir})
    library = client.app.state.fundstelle.library  # type: ignore[attr-defined]
    monkeypatch.setattr(library, "_served", {SLUG: dataclasses.replace(served, bundle=bundle)})
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
    assert re.findall(r'<form[^>]*method="(\w+)"', html) == ["post", "post"]
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


def test_errors_are_pages_for_browsers(client: TestClient) -> None:
    """And problem documents for programs."""
    response = client.get("/p/berlin", headers={"Accept": "text/html"})
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    assert client.get("/p/berlin").headers["content-type"] == "application/problem+json"
