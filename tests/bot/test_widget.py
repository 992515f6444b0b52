"""What the widget's addresses send; tests/web/test_widget.py sees what browsers make of it."""

from __future__ import annotations

import gzip
import re

import pytest
from fastapi.testclient import TestClient

from bench import small
from bench.small import Chapter
from bot.app import create_app
from bot.settings import Settings
from bot.widget import FOLDER
from bot.wording import wording

MOST = 15 * 1024  # bytes that a visitor loads who never opens it
SITE = "https://www.rot.example"
SOURCES = ("widget.js", "dialog.js", "embed.html")
QUESTION = "Was ist mit Radwegen?"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    root = tmp_path_factory.mktemp("widget")
    chapters = [Chapter("Rad", ["Wir bauen Radwege.\n• Breite Radwege."], 1, 7)]
    small.write(root, "rot", chapters, allowed_origins=(SITE,), pdf_url="https://rot.example/p.pdf")  # type: ignore[arg-type]
    small.write(root, "blau", [Chapter("Rad", ["Wir nicht."], 1)])
    return TestClient(create_app(Settings(index=root, rate_limit="")))


def test_it_is_small_until_opened(client: TestClient) -> None:
    """At most 15 KB compressed, for everybody; the dialog comes on a click."""
    response = client.get("/widget.js", headers={"Accept-Encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"
    assert int(response.headers["content-length"]) <= MOST
    assert len(gzip.compress(response.content, 9)) <= MOST


@pytest.mark.parametrize("accepted", ["", "br", "identity"])
def test_it_is_plain_for_who_can_not_unpack(client: TestClient, accepted: str) -> None:
    """The same script either way, told apart for caches."""
    plain = client.get("/widget.js", headers={"Accept-Encoding": accepted})
    zipped = client.get("/widget.js", headers={"Accept-Encoding": "br, gzip;q=0.8"})
    assert plain.headers.get("content-encoding", "identity") == "identity"
    assert plain.content == zipped.content
    assert plain.headers["vary"] == zipped.headers["vary"] == "Accept-Encoding"


def test_it_is_not_sent_twice(client: TestClient) -> None:
    """304 where the browser has it; another tag gets the script."""
    first = client.get("/widget.js")
    assert "max-age=3600" in first.headers["cache-control"]
    tag = first.headers["etag"]
    for known in (tag, f'"x", W/{tag}'):
        again = client.get("/widget.js", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert client.get("/widget.js", headers={"If-None-Match": '"x"'}).status_code == 200
    assert client.head("/widget.js").headers["etag"] == tag


def test_the_dialog_is_kept_under_its_version(client: TestClient) -> None:
    """The launcher names it; under that address for good, under any other for an hour."""
    version = re.search(r'VERSION = "(\w+)"', client.get("/widget.js").text)
    assert version
    response = client.get(f"/widget/dialog.js?v={version[1]}")
    assert "immutable" in response.headers["cache-control"]
    assert "immutable" not in client.get("/widget/dialog.js?v=old").headers["cache-control"]
    assert response.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path", ["/widget.js", "/widget/dialog.js", "/widget/words.json?programme=rot"]
)
def test_any_site_may_load_it(client: TestClient, path: str) -> None:
    """Also one that isolates itself; without cookies."""
    response = client.get(path, headers={"Origin": "https://fremd.example"})
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    "name", ["de.toml", "embed.html", "dialog.css", "..%2Fstatic%2Fapp.js", "x"]
)
def test_nothing_else_is_served(client: TestClient, name: str) -> None:
    """Only what is listed."""
    assert client.get(f"/widget/{name}").status_code == 404


def test_the_scripts_do_nothing_they_should_not(client: TestClient) -> None:
    """No address of anybody else, no markup from strings, no storage beyond the tab's own."""
    text = client.get("/widget.js").text + client.get("/widget/dialog.js").text
    assert set(re.findall(r"https?://[^\s\"'`]+", text)) == {"http://www.w3.org/2000/svg"}
    forbidden = ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "Function("]
    forbidden += ["localStorage", "indexedDB", "document.cookie", 'setAttribute("style']
    for word in forbidden:
        assert word not in text, word
    assert "sessionStorage" not in client.get("/widget.js").text
    assert '"%' not in text  # every placeholder was filled


def test_every_sentence_is_there() -> None:
    """What scripts and page say stands in the wording, and nothing stands there for nothing."""
    source = "".join((FOLDER / name).read_text(encoding="utf-8") for name in SOURCES)
    used = set(re.findall(r"\b(?:w|words)\.([a-z_]+)\b", source)) - {"dir", "json"}
    used |= {"answered", "related", "nothing"}  # by status
    assert used == set(vars(wording().widget))


def test_it_speaks_what_the_pages_speak(client: TestClient) -> None:
    """Each language in its direction; one that is not spoken here reads German."""
    for language, text, tag, direction in (
        ("en", "Searching …", "en", "ltr"),
        ("ar", "جارٍ البحث …", "ar", "rtl"),
        ("xx", "Suche läuft …", "de", "ltr"),
    ):
        body = client.get(f"/widget/words.json?programme=rot&language={language}").json()
        found = (body["words"]["searching"], body["language"], body["dir"])
        assert found == (text, tag, direction)


def test_the_dialog_learns_about_its_programme(client: TestClient) -> None:
    """Title, language, what to ask, and whether its site may ask."""
    for origin, allowed in ((SITE, True), ("https://fremd.example", False), (None, True),
                            ("http://testserver", True)):  # fmt: skip
        headers = {"Origin": origin} if origin else {}
        response = client.get("/widget/words.json?programme=rot", headers=headers)
        body = response.json()
        assert body["allowed"] == allowed, origin
        assert "Origin" in response.headers["vary"]
        assert response.headers["cache-control"] == "no-store"
    assert body["programme"] == {
        "slug": "rot", "title": "Programm rot", "party": "", "language": "de",
    }  # fmt: skip
    assert body["suggestions"] == ["Rad"]


@pytest.mark.parametrize("query", ["programme=gruen", ""])
def test_an_unknown_programme_is_named(client: TestClient, query: str) -> None:
    """To whoever builds the site, in words that it can read."""
    response = client.get(f"/widget/words.json?{query}", headers={"Origin": SITE})
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.json()["detail"]


def test_only_allowed_sites_may_frame_the_form(client: TestClient) -> None:
    """By the page's policy; any other page of the server stays unframed."""
    policy = client.get("/p/rot/einbetten").headers["content-security-policy"]
    assert policy.endswith(f"frame-ancestors 'self' {SITE}")
    assert "default-src 'none'" in policy
    for path in ("/p/blau/einbetten", "/p/rot"):
        policy = client.get(path).headers["content-security-policy"]
        assert policy.endswith("frame-ancestors 'self'")


def test_the_framed_form_answers(client: TestClient) -> None:
    """By POST, with the quotation, its place, its links in new tabs, and the notice."""
    response = client.post("/p/rot/einbetten?language=en", data={"message": QUESTION})
    html = response.text
    assert response.headers["cache-control"] == "no-store"
    assert "Wir bauen Radwege." in html and "<mark>" in html
    assert "no AI texts" in html and "Read in the programme" in html
    assert 'href="https://rot.example/p.pdf#page=7"' in html
    assert set(re.findall(r'<form method="(\w+)" action="([^"]+)"', html)) == {
        ("post", "/p/rot/einbetten?language=en")
    }
    for link in re.findall(r"<a [^>]*>", html):
        assert 'rel="noopener"' in link or "/einbetten" in link
    assert {"/p/rot/impressum", "/p/rot/datenschutz"} <= set(re.findall(r'href="([^"]+)"', html))
    assert "<script" not in html and "style=" not in html


@pytest.mark.parametrize(
    ("message", "status"), [("", 422), ("x" * 3000, 413), ("<script>alert(1)</script>", 200)]
)
def test_the_framed_form_stays_usable(client: TestClient, message: str, status: int) -> None:
    """A kind sentence; what is typed is never markup."""
    response = client.post("/p/rot/einbetten", data={"message": message})
    assert response.status_code == status
    assert 'class="ask"' in response.text
    assert "<script>alert" not in response.text
    assert ('role="alert"' in response.text) == (status != 200)


def test_a_language_that_the_address_invents_is_german(client: TestClient) -> None:
    """And nothing of it enters the page."""
    html = client.get('/p/rot/einbetten?language="><script>').text
    assert "<script" not in html
    assert '<html lang="de"' in html
