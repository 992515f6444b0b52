"""A crawl of everything that can be reached, by rules as ZAP and its like have them.

The places come from the OpenAPI document and from the links of the pages, so that a new route is
checked without a word here. What only a socket can send goes to a real server process.
"""

from __future__ import annotations

import html
import json
import re
import select
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient

from bench import small
from bench.servers import Server, running
from bench.small import Chapter
from bot import assets, rendering
from bot.app import create_app
from bot.settings import Settings

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
MARKUP = ("<script>alert", "<img src=x", "onerror=alert(2)>")
QUESTION = {"message": "Was tut ihr für Radwege?", "programme": "rot"}
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}
BANNERS = ("server", "x-powered-by", "x-aspnet-version", "via")
TRACES = ("Traceback", 'File "/', ".py:", "site-packages", "starlette", "uvicorn", "pydantic")
BROWSER = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One programme like any other, and one written by an enemy."""
    root = tmp_path_factory.mktemp("index")
    small.write(root, "rot", [Chapter("Verkehr", ["Wir bauen Radwege in der ganzen Stadt."])])
    info = dict.fromkeys(("title", "subtitle", "party", "date", "copyright"), EVIL)
    small.write(root, "boese", [Chapter(EVIL, [f"Radwege {EVIL} sind gut."])], **info)
    return root


@pytest.fixture(scope="module")
def client(index: Path) -> TestClient:
    app = create_app(Settings(index=index, rate_limit="", most_bytes=20_000))
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)


@pytest.fixture(scope="module")
def server(index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(index, tmp_path_factory.mktemp("log"), {"FUNDSTELLE_RATE_LIMIT": ""}) as server:
        yield server


# What holds no question and may be kept: files that never change under their address, and the like.
KEPT = ("/static/", "/offline/", "/sw.js", "/bild.png", "/vorschlaege.json", "/widget")


def places(client: TestClient) -> list[str]:
    """Every address: of the OpenAPI document, of the pages by their links, of the probes."""
    contents = client.get("/api/search?q=Radwege&programme=rot").json()["passages"]
    known = {"slug": "rot", "passage_id": contents[0]["id"]}
    found = {path.format_map(known) for path in client.get("/api/openapi.json").json()["paths"]} | {
        "/api/openapi.json",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    todo = ["/", "/compare"]
    while todo:
        path = todo.pop()
        if path in found:
            continue
        found.add(path)
        response = client.get(path)
        if response.headers.get("content-type", "").startswith("text/html"):
            todo += [
                urlsplit(html.unescape(link)).path
                for link in re.findall(r'(?:href|src|action)="(/[^"#]*)', response.text)
            ]
    return sorted(found)


def exchanges(client: TestClient) -> Iterator[tuple[str, httpx.Response]]:
    """A response of every kind from everywhere: good, not found, wrong method, malformed."""
    for path in places(client):
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"):
            yield f"{method} {path}", client.request(method, path)
        yield f"GET {path}, browser", client.get(path, headers=BROWSER)
        yield f"GET {path}/", client.get(f"{path}/")
        yield f"GET {path}/nope", client.get(f"{path}/nope", headers=BROWSER)
    yield "question", client.post("/api/chat", json=QUESTION)
    yield "form", client.post("/p/rot", data={"message": "Radwege"})
    yield "too large", client.post("/api/chat", content=b"x" * 30_000)
    yield "too large, form", client.post("/p/rot", data={"message": "x" * 30_000})


def test_the_crawl_finds_the_site(client: TestClient) -> None:
    """Else the rules below would hold for nothing."""
    assert {
        "/", "/compare", "/datenschutz", "/p/rot", "/p/rot/programm", "/p/rot/impressum",
        "/p/rot/datenschutz", "/p/rot/app", "/api/chat", "/api/search", "/metrics",
    } <= set(places(client))  # fmt: skip


def test_every_response_carries_the_security_headers(client: TestClient) -> None:
    """Good or bad, page, API, file or probe: the policy, no sniffing, no referrer, no caching of
    what might betray a question, and not a word about what answers.
    """
    for name, response in exchanges(client):
        headers = response.headers
        assert headers["content-security-policy"].startswith("default-src 'none'"), name
        # WebAssembly is compiled on the app's pages; scripts made of text are run nowhere.
        policy = headers["content-security-policy"].replace("'wasm-unsafe-eval'", "")
        assert "unsafe" not in policy, name
        assert HEADERS.items() <= dict(headers).items(), name
        if not any(kept in name for kept in KEPT):
            assert headers["cache-control"] == "no-store", name
        assert not set(BANNERS) & set(headers), name
        assert "set-cookie" not in headers, name


def test_no_response_shows_what_is_behind_it(client: TestClient) -> None:
    """No trace, no path of a source file, no library's name; never a 5xx."""
    for name, response in exchanges(client):
        assert response.status_code < 500, name
        if "/static/" not in name:
            assert not [word for word in TRACES if word in response.text], name


def test_other_methods_are_405_problems_that_name_the_right_ones(client: TestClient) -> None:
    """On every address; and what they name works."""
    for path in places(client):
        response = client.request("BREW", path)
        assert response.status_code == 405, path
        assert response.headers["content-type"] == "application/problem+json", path
        allowed = set(response.headers["allow"].split(", "))
        assert allowed & {"GET", "POST"}, path
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"):
            refused = client.request(method, path).status_code == 405
            assert refused == (method not in allowed), (method, path)


def test_head_works_wherever_get_does(client: TestClient) -> None:
    """The same status and headers, without a body."""
    for path in places(client):
        got, head = client.get(path), client.head(path)
        assert head.status_code == got.status_code, path
        assert head.content == b"", path
        assert head.headers["content-type"] == got.headers["content-type"], path
        if path != "/metrics":
            assert head.headers["content-length"] == got.headers["content-length"], path


def test_what_was_typed_comes_back_only_escaped(client: TestClient) -> None:
    """In forms, slugs, parameters, header fields; on pages and in problems."""
    typed = quote(EVIL, safe="")
    responses = [
        client.post("/p/rot", data={"message": EVIL}, headers=BROWSER),
        client.post("/p/rot", data={"message": EVIL * 200}, headers=BROWSER),
        client.post("/compare", data={"message": EVIL, "programmes": ["rot"]}, headers=BROWSER),
        client.post("/compare", data={"message": EVIL, "programmes": EVIL}, headers=BROWSER),
        client.post("/compare", data={"message": EVIL}, headers=BROWSER),
        client.get(f"/p/{typed}", headers=BROWSER),
        client.get(f"/p/{typed}/programm", headers=BROWSER),
        client.get(f"/{typed}", headers=BROWSER),
        client.get(f"/p/rot?{typed}={typed}", headers=BROWSER),
        client.get("/p/rot", headers={**BROWSER, "Host": EVIL}),
        client.post("/p/rot", data={"message": "Radwege"}, headers={**BROWSER, "Host": EVIL}),
    ]
    for response in responses:
        assert response.headers["content-type"].startswith("text/html")
        assert not [word for word in MARKUP if word in response.text], response.request.url
    for path in (f"/api/programmes/{typed}", f"/api/search?q=a&programme={typed}", f"/{typed}"):
        response = client.get(path)  # JSON is no markup, as long as nobody sniffs
        assert response.headers["content-type"] == "application/problem+json", path
        assert response.headers["x-content-type-options"] == "nosniff", path


def test_a_hostile_programme_is_shown_as_text(client: TestClient) -> None:
    """Title, party, headings and passages may hold markup: readers see it, browsers don't obey."""
    shown = [
        client.get(path) for path in places(client) if not path.startswith(("/api", "/static"))
    ]
    shown += [
        client.post("/p/boese", data={"message": "Radwege"}),
        client.post("/compare", data={"message": "Radwege", "programmes": ["rot", "boese"]}),
    ]
    pages_of_it = [r for r in shown if html.escape(EVIL, quote=False)[:20] in r.text]
    assert len(pages_of_it) >= 5
    for response in (r for r in shown if "html" in r.headers["content-type"]):
        assert not [word for word in MARKUP if word in response.text], response.request.url


def test_no_template_switches_escaping_off() -> None:
    """Autoescape is on for whatever the file is called, and no template has a way around it."""
    assert rendering.environment.autoescape is True
    assert rendering.environment.from_string("{{ x }}").render(x="<b>") == "&lt;b&gt;"
    for path in (assets.WEB / "templates").rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"\|\s*safe\b|autoescape|Markup|<script>|\son\w+=", text), (
                path.name
            )
    for path in Path(assets.__file__).parent.rglob("*.py"):
        assert "Markup(" not in path.read_text(encoding="utf-8"), path.name


REDIRECTS = (
    "/p/rot/",
    "/compare/",
    "/api/chat/",
    "//evil.example/",
    "/\\evil.example/",
    "/.//evil.example/",
    "/p/rot//evil.example/",
    "/p//evil.example/",
)


@pytest.mark.parametrize("path", REDIRECTS)
def test_no_redirect_leaves_the_site(server: Server, path: str) -> None:
    """Where there is one at all, it leads to the host that was asked."""
    answer = server.raw(f"GET {path} HTTP/1.0\r\nHost: frag.example\r\n\r\n".encode()).decode()
    location = re.search(r"\r\nlocation: (.*)\r\n", answer)
    if location:
        assert location[1].startswith("http://frag.example/"), answer
    else:
        assert int(answer.split()[1]) in {400, 404, 405}, answer


TRAVERSALS = (
    "../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/bot/settings.py",
    "..%5c..%5cetc%5cpasswd", "....//....//etc/passwd", "%252e%252e%252fetc%252fpasswd",
    "/etc/passwd", "%00", "rot%00.html", "%c0%ae%c0%ae/etc/passwd", "../templates/base.html",
    "..%2ftemplates%2fbase.html",
)  # fmt: skip


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_out_of_the_folder(server: Server, path: str) -> None:
    """In slugs, passages and static files, sent as they are: no client tidies them up."""
    for before in ("/static/", "/p/", "/api/programmes/", "/api/programmes/rot/passages/"):
        answer = server.raw(f"GET {before}{path} HTTP/1.0\r\nHost: a\r\n\r\n".encode())
        status = int(answer.split(b" ", 2)[1])
        assert status in {307, 400, 404}, (before, answer[:200])
        assert b"root:" not in answer
        assert b"{% " not in answer
        assert b"Settings" not in answer


HOSTILE = {
    "a huge header": (
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 500_000 + b"\r\n\r\n", {400, 431},
    ),
    "many headers": (
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + b"X: y\r\n" * 30_000 + b"\r\n",
        {400, 431},
    ),
    "a huge query": (
        b"GET /?q=" + b"y" * 500_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", {400, 414, 431},
    ),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", {400}),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", {400}),
    "no address": (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", {400, 404}),
    "a blank in a name": (b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", {400}),
    "a control character": (b"GET / HTTP/1.1\r\nHost: a\r\nX: y\x00z\r\n\r\n", {400}),
    "no letter": (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
    "two lengths": (
        b"POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 9\r\n\r\n{}",
        {400},
    ),
    "a length and chunks": (
        b"POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\n\r\n",
        {400, 501},
    ),
    "a chunk without size": (
        b"POST /api/chat HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", {400},
    ),
    "a negative length": (
        b"POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n{}", {400},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_broken_http_gets_no_trace_and_no_banner(server: Server, name: str) -> None:
    """Refused below the application, in plain text; the next request is answered as ever."""
    request, expected = HOSTILE[name]
    answer = server.raw(request)
    if answer:  # else the server hung up while we were talking, which is an answer, too
        assert int(answer.split(b" ", 2)[1]) in expected, answer[:200]
        assert b"\r\nserver:" not in answer.lower()
        assert not [word for word in TRACES if word.encode() in answer]
    assert b" 200 " in server.raw(b"GET /healthz HTTP/1.0\r\nHost: a\r\n\r\n")[:20]


def test_a_head_that_never_ends_is_not_kept(server: Server) -> None:
    """Sent in small pieces, each of them right: refused after 64 KB, long before its time is up."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        sent = 0
        with suppress(ConnectionError):
            while sent < 1_000_000 and not select.select([client], [], [], 0)[0]:
                sent += client.send(b"X: " + b"y" * 500 + b"\r\n")
                time.sleep(0.001)
        with suppress(ConnectionError):
            assert client.recv(100).startswith(b"HTTP/1.1 400")
    assert sent < 500_000


def test_requests_sent_ahead_are_answered_in_their_order(server: Server) -> None:
    """Without waiting for the first answer; and an address of theirs is none of the others'."""
    ask = b"GET /api/programmes HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = server.raw(ask + ask.replace(b"programmes", b"nothing") + ask.replace(
        b"Host: a", b"Host: a\r\nConnection: close"
    ))  # fmt: skip
    assert re.findall(rb"HTTP/1.1 (\d+) ", answer) == [b"200", b"404", b"200"]


def test_who_offers_another_protocol_is_answered_in_this_one(server: Server) -> None:
    """As Java's and curl's HTTP/2 clients do with each question: its body is read all the same."""
    body = json.dumps(QUESTION).encode()
    answer = server.raw(
        b"POST /api/chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body
    )
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "host", ["[::1", "a b", "evil.example", "a:99999", '"><script>', "%00", ""]
)
def test_a_strange_host_breaks_nothing(server: Server, host: str) -> None:
    """Links are built from it where FUNDSTELLE_BASE_URL is not set."""
    body = json.dumps(QUESTION).encode()
    head = f"POST /api/chat HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    answer = server.raw(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    assert int(answer.split(b" ", 2)[1]) in {200, 400}, answer[:300]


JSON, FORM = "application/json", "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"
REQUESTS = {
    "another type for JSON": ("/api/chat", "text/plain", b'{"message": "Bus"}', {422}),
    "XML": ("/api/chat", "application/xml", b"<a>Bus</a>", {422}),
    "no type": ("/api/chat", "", b'{"message": "Bus", "programme": "rot"}', {200, 422}),
    "an absurd type": ("/api/chat", "\x7f;;;/=", b"{}", {422}),
    "another charset": (
        "/api/chat", f"{JSON}; charset=utf-16", '{"message": "Bus"}'.encode("utf-16"), {404, 422},
    ),
    "invalid UTF-8": ("/api/chat", JSON, b'{"message": "\xff\xfe"}', {422}),
    "half a surrogate": (
        "/api/chat", JSON, rb'{"message": "\ud800", "programme": "rot"}', {200, 422},
    ),
    "a field twice": (
        "/api/chat", JSON, b'{"message": 5, "message": "Bus", "programme": "rot"}', {200},
    ),
    "deep nesting": ("/api/chat", JSON, b"[" * 15_000, {422}),
    "an endless number": ("/api/chat", JSON, b'{"limit": ' + b"9" * 9_000 + b"}", {422}),
    "not a number": ("/api/chat", JSON, b'{"message": "a", "limit": NaN}', {422}),
    "a form's field twice": ("/p/rot", FORM, b"message=Bus&message=Bahn", {200}),
    "a form in invalid UTF-8": ("/p/rot", FORM, b"message=%ff%fe", {200, 422}),
    "raw bytes in a form": ("/p/rot", FORM, b"message=\xff\xfe", {200, 422}),
    "many fields": ("/p/rot", FORM, b"a=b&" * 4_000, {413, 422}),
    "JSON for a form": ("/p/rot", JSON, b'{"message": "Bus"}', {422}),
    "parts without a boundary": ("/p/rot", "multipart/form-data", b"--x\r\n", {422}),
    "parts that end nowhere": (
        "/p/rot", MULTIPART, b"--x\r\nContent-Disposition: form-data", {422},
    ),
    "a file for a question": (
        "/p/rot", MULTIPART,
        b'--x\r\nContent-Disposition: form-data; name="message"; filename="a"\r\n\r\nBus\r\n--x--',
        {422},
    ),
    "programmes without a name": ("/compare", FORM, b"message=Bus&programmes=", {404, 422}),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_a_hostile_request_gets_a_problem_of_its_own(client: TestClient, name: str) -> None:
    """A status that says so, in the one shape, without a trace; never a 5xx."""
    path, kind, body, expected = REQUESTS[name]
    headers = {"Content-Type": kind} if kind else {}
    response = client.post(path, content=body, headers=headers)
    assert response.status_code in expected, response.text
    assert not [word for word in TRACES if word in response.text]
    if response.status_code >= 400 and path.startswith("/api"):
        assert response.headers["content-type"] == "application/problem+json"


def test_a_client_that_hangs_up_breaks_nothing(server: Server) -> None:
    """In the middle of its question, or of our answer."""
    for sent in (
        b"POST /api/chat HT",
        b"POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{",
    ):
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                connection.sendall(sent)
    assert b" 200 " in server.raw(b"GET /healthz HTTP/1.0\r\nHost: a\r\n\r\n")[:20]
    assert "Traceback" not in server.said()
