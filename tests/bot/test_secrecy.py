"""What a real server process writes, to its output and to the disk, after people have used it and
things have broken: nothing of what they sent.
"""

from __future__ import annotations

import json
import os
import signal
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import uvicorn
from fastapi import FastAPI

from bench import small
from bench.servers import Server, running
from bench.small import Chapter
from bot.__main__ import _config
from bot.settings import Settings

WORD = "Geheimnisfrage"  # stands in everything that people send
ADDRESS = "203.0.113.77"  # theirs, as the proxy says
SECRETS = {"FUNDSTELLE_TELEGRAM_TOKEN": "123456:sesam-oeffne-dich", "AUTHORIZATION": "sesam-basic"}
FAULTY = """
import sys
from bot import answering, __main__

def broken(question, *rest, **more):
    text = getattr(question, "text", question)
    try:
        raise ValueError(f"inner {text}")
    except ValueError as error:
        error.add_note(f"note {text}")
        raise RuntimeError(f"outer {text}", question) from error

answering.answer = answering.search = broken
sys.exit(__main__.main())
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("index")
    small.write(root, "rot", [Chapter("Verkehr", ["Wir bauen Radwege in der ganzen Stadt."])])
    return root


def head(line: str, *more: str) -> bytes:
    fields = [
        "Host: frag.example", f"X-Forwarded-For: {ADDRESS}", f"Cookie: id={WORD}",
        f"User-Agent: {WORD}", "Authorization: Bearer sesam-bearer", *more,
    ]  # fmt: skip
    return "\r\n".join([f"{line} HTTP/1.0", *fields, "", ""]).encode()


def post(path: str, kind: str, body: bytes) -> bytes:
    return head(f"POST {path}", f"Content-Type: {kind}", f"Content-Length: {len(body)}") + body


def requests() -> Iterator[bytes]:
    """Good, refused, broken and cut off; the word in every part of them."""
    asked = json.dumps({"message": f"{WORD} Radwege?", "programme": "rot"}).encode()
    yield post("/api/chat", "application/json", asked)
    yield post("/api/chat", "application/json", asked[:-9])
    yield post("/api/chat", "application/json", json.dumps({"message": [WORD]}).encode())
    yield post("/api/chat", "application/json", json.dumps({"message": WORD * 9_000}).encode())
    yield post("/api/chat", WORD, b"\xff" + asked)
    yield post("/p/rot", "application/x-www-form-urlencoded", f"message={WORD}".encode())
    yield post("/p/rot", f"multipart/form-data; boundary={WORD}", f"--{WORD}\r\n{WORD}".encode())
    yield post(f"/p/{WORD}", "text/plain", WORD.encode())
    yield post("/compare", "application/x-www-form-urlencoded", f"message={WORD}".encode())
    for path in ("/api/search", "/api/compare", "/", f"/{WORD}", f"/static/{WORD}", f"/p/{WORD}/x"):
        yield head(f"GET {path}?q={WORD}")
    yield head(f"GET /api/search?q={quote(WORD)}&limit={WORD}")
    yield head(f"{WORD.upper()} /api/chat")
    yield head(f"DELETE /api/chat?q={WORD}")
    yield head("GET /", f"{WORD}\x00: {WORD}")  # broken HTTP
    yield f"{WORD}\r\n\r\n".encode()
    yield b"GET /" + WORD.encode() * 20_000 + b" HTTP/1.1\r\n\r\n"
    yield post("/api/chat", "application/json", asked).replace(
        b"Content-Length: ", b"Content-Length: 9"
    )


def use(server: Server) -> list[int]:
    """Send everything; the statuses that came back."""
    answers = [server.raw(request, wait=1) for request in requests()]
    return [int(a.split(b" ", 2)[1]) for a in answers if a.startswith(b"HTTP/")]


def check(output: str) -> None:
    """Nothing of what was sent, no address, no secret."""
    for word in (WORD, ADDRESS, "127.0.0.1:", "sesam", "Radwege"):
        lines = [line for line in output.splitlines() if word.lower() in line.lower()]
        lines = [line for line in lines if "Uvicorn running on" not in line]  # its own address
        assert not lines, lines[:3]


@pytest.mark.parametrize("logs", ["", "json"])
def test_nothing_that_people_sent_is_in_the_servers_output(
    index: Path, tmp_path: Path, logs: str
) -> None:
    """Questions, broken requests, an address from the proxy, cookies, tokens; then it is stopped.
    The log still says what an operator needs, and nothing was written to the disk.
    """
    before = files(index)
    settings = {**SECRETS, "FUNDSTELLE_TRUSTED_PROXIES": "127.0.0.1", "FUNDSTELLE_LOGS": logs}
    with running(index, tmp_path, settings) as server:
        statuses = use(server)
        measured = server.raw(b"GET /metrics HTTP/1.0\r\nHost: a\r\n\r\n").decode()
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(20)
    assert {200, 404, 405, 413, 422} <= set(statuses)
    assert "serving rot" in server.said()
    assert "fundstelle_answers_total" in measured
    check(server.said())
    check(measured.split("\r\n\r\n", 1)[1])
    assert files(index) == before
    assert [path.name for path in tmp_path.iterdir()] == [server.log.name]


def test_no_web_socket_is_ever_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever library is installed: it would log the address and the query of who is refused."""
    monkeypatch.setitem(uvicorn.config.WS_PROTOCOLS, "auto", "asyncio:Protocol")
    config = _config(FastAPI(), Settings(), Namespace(host="127.0.0.1", port=0, workers=1))
    config.load()
    assert config.ws_protocol_class is None


def test_counting_keeps_what_ten_share_and_nothing_of_one(index: Path, tmp_path: Path) -> None:
    """Insights are on; ten people ask, each with a word of their own. The file has what they share,
    from the moment the server is stopped; neither file nor output has more.
    """
    file = tmp_path / "insights.sqlite"
    settings = {
        "FUNDSTELLE_TRUSTED_PROXIES": "127.0.0.1", "FUNDSTELLE_INSIGHTS": "on",
        "FUNDSTELLE_INSIGHTS_FILE": str(file),
    }  # fmt: skip
    with running(index, tmp_path, settings) as server:
        for number in range(10):
            text = f"Hundesteuer {WORD}{'abcdefghij'[number]}"
            request = post("/api/chat", "application/json", json.dumps({"message": text}).encode())
            address = f"203.0.113.{100 + number}"
            answer = server.raw(request.replace(ADDRESS.encode(), address.encode()))
            assert b" 200 " in answer.split(b"\r\n")[0]
        assert b"Hundesteuer" not in file.read_bytes()
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(20)
    content = file.read_bytes()
    assert b"Hundesteuer" in content
    for trace in (WORD.lower().encode(), b"203.0.113"):
        assert trace not in content.lower()
    check(server.said())
    assert {path.name for path in tmp_path.iterdir()} == {server.log.name, file.name}


def test_a_fault_is_logged_without_what_caused_it(index: Path, tmp_path: Path) -> None:
    """The server's own code raises errors that quote the question, chained and noted: the log has
    their kind and their line.
    """
    (tmp_path / "faulty.py").write_text(FAULTY)
    settings = {
        **SECRETS, "FUNDSTELLE_TRUSTED_PROXIES": "127.0.0.1",
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.getcwd()}",
    }  # fmt: skip
    with running(index, tmp_path, settings, module="faulty") as server:
        statuses = use(server)
        server.process.send_signal(signal.SIGABRT)  # the hardest crash that still may write
        server.process.wait(20)
    assert statuses.count(500) >= 3
    assert "unexpected RuntimeError at " in server.said()
    check(server.said())


def test_a_setting_that_cannot_be_used_is_named_without_secrets(tmp_path: Path) -> None:
    """The server stops at its start and prints the variable, none of the others."""
    settings = {**SECRETS, "FUNDSTELLE_MOST_BYTES": "viele"}
    with (
        pytest.raises(AssertionError, match="FUNDSTELLE_MOST_BYTES") as refused,
        running(tmp_path, tmp_path, settings),
    ):
        pass
    assert "sesam" not in str(refused.value)


def test_a_secret_from_a_file_is_used_and_never_shown(index: Path, tmp_path: Path) -> None:
    """The channel is on, so it was read; a file that is not there, or a secret in the place of its
    name, stops the server without being printed.
    """
    variable, file = "FUNDSTELLE_WEBHOOK_SECRET_FILE", tmp_path / "secret"
    file.write_text("sesam-oeffne-dich-" * 3 + "\n")
    with running(index, tmp_path, {variable: str(file)}) as server:
        statuses = use(server)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(20)
    assert "channels on: webhook" in server.said()
    assert 200 in statuses
    check(server.said())
    with (
        pytest.raises(AssertionError, match=variable) as refused,
        running(index, tmp_path, {variable: "sesam-oeffne-dich"}),
    ):
        pass
    assert "sesam" not in str(refused.value)


def files(root: Path) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in root.rglob("*") if p.is_file()}
