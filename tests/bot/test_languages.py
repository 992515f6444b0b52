from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from bot.wording import CODES, wording
from tests.conftest import SLUG

QUESTION = "Werden die Kita-Gebühren abgeschafft?"
PATHS = ["", "/programm", "/impressum", "/datenschutz"]


def opening(html: str) -> str:
    found = re.search(r"<html[^>]*>", html)
    assert found
    return found.group()


@pytest.mark.parametrize(
    ("query", "header", "tag"),
    [
        ("", None, "de"),
        ("", "en-GB,en;q=0.9,de;q=0.5", "en"),
        ("", "fr,de;q=0.2,pl;q=0.7", "pl"),
        ("", "fr;q=0.9", "de"),
        ("", "en;q=0,uk;q=oft,ru", "ru"),
        ("?sprache=tr", "en", "tr"),
        ("?sprache=de-leicht", "en", "de-simple"),
        ("?sprache=klingonisch", "en", "en"),
        ("?sprache=../../etc/passwd", None, "de"),
    ],
)
def test_the_language_is_chosen_without_a_cookie(
    client: TestClient, query: str, header: str | None, tag: str
) -> None:
    """By address, else by the browser's wish, else the programme's own."""
    headers = {"Accept-Language": header} if header else {}
    response = client.get(f"/p/{SLUG}{query}", headers=headers)
    assert f'lang="{tag}"' in opening(response.text)
    assert "set-cookie" not in response.headers
    assert "Accept-Language" in response.headers["vary"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("code", CODES)
def test_a_chosen_language_is_kept_by_every_link_and_form(
    client: TestClient, code: str, path: str
) -> None:
    """Within the programme's pages; the menu changes it and is there on each, as plain links."""
    html = client.get(f"/p/{SLUG}{path}?sprache={code}").text
    menu = re.search(r'<details class="languages">.*?</details>', html, re.S)
    assert menu
    for each in CODES:
        assert f'href="/p/{SLUG}{path}?sprache={each}"' in menu.group()
    rest = html.replace(menu.group(), "")
    refs = re.findall(r'(?:href|action)="(/[^"]*)"', rest)
    pages = [r for r in refs if not r.startswith("/static/") and not r.endswith(".webmanifest")]
    assert pages
    assert [ref for ref in pages if f"sprache={code}" not in ref] == []


def test_no_language_in_links_where_none_was_chosen(client: TestClient) -> None:
    """A browser's wish comes with every request; addresses stay clean."""
    html = client.get(f"/p/{SLUG}", headers={"Accept-Language": "en"}).text
    assert re.findall(r'(?:href|action)="[^"]*sprache=', html.split("</header>")[1]) == []


def test_arabic_runs_from_right_to_left_and_the_programme_does_not(client: TestClient) -> None:
    """Passages, suggestions and headings stay German and left to right, and the page says so."""
    html = client.post(f"/p/{SLUG}?sprache=ar", data={"message": QUESTION}).text
    assert 'lang="ar" dir="rtl"' in opening(html)
    assert re.search(r'<blockquote class="quote" lang="de" dir="ltr">', html)
    assert re.search(r'<p class="place" lang="de" dir="ltr">\w', html)
    assert re.search(r'<button class="chip"[^>]* lang="de" dir="ltr">', html)
    assert wording("ar").chat.quoted in html
    assert wording("ar").answered in html
    reader = client.get(f"/p/{SLUG}/programm?sprache=ar").text
    assert '<div class="text" lang="de" dir="ltr">' in reader


def test_no_note_on_quotations_in_ones_own_language(client: TestClient) -> None:
    """Neither in German nor in plain German."""
    for code in ("de", "de-leicht"):
        html = client.post(f"/p/{SLUG}?sprache={code}", data={"message": QUESTION}).text
        assert wording(code).chat.quoted not in html


@pytest.mark.parametrize("code", ["en", "tr", "ar", "de-leicht"])
def test_the_api_speaks_the_language_asked_for(client: TestClient, code: str) -> None:
    """The message alone: what is quoted stays as it is."""
    german = client.post("/api/chat", json={"message": QUESTION}).json()
    other = client.post("/api/chat", json={"message": QUESTION, "language": code}).json()
    assert other["message"] == wording(code).answered != german["message"]
    assert other["passages"] == german["passages"]
    assert other["suggestions"] == german["suggestions"]
    unknown = client.post("/api/chat", json={"message": QUESTION, "language": "xx"}).json()
    assert unknown["message"] == german["message"]


@pytest.mark.parametrize(
    ("payload", "key"),
    [
        ({"message": ""}, "empty_message"),
        ({"message": "x" * 3000}, "too_long"),
        ({"message": 7}, "malformed"),
        ({"message": "Bus", "programme": "mars"}, "unknown_programme"),
    ],
)
def test_errors_are_in_the_language_too(
    client: TestClient, payload: dict[str, object], key: str
) -> None:
    """Where the payload names one; else German."""
    for code in ("en", "uk"):
        detail = client.post("/api/chat", json={**payload, "language": code}).json()["detail"]
        words = wording(code)
        said = getattr(words, key, None) or getattr(words.errors, key)
        assert detail == said.format(named="mars")
    assert "Bitte" in client.post("/api/chat", json={"message": ""}).json()["detail"]


def test_error_pages_are_in_the_readers_language(client: TestClient) -> None:
    """By address or by the browser's wish."""
    headers = {"Accept": "text/html", "Accept-Language": "pl"}
    assert wording("pl").errors.not_found in client.get("/nirgends", headers=headers).text
    html = client.get("/nirgends?sprache=ar", headers=headers).text
    assert wording("ar").errors.not_found in html
    assert 'dir="rtl"' in opening(html)
