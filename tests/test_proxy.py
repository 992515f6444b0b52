"""The Caddyfile with a real Caddy and two real bots, where `caddy` is on the PATH (Debian has it).

Only addresses and ports differ from the file in deploy/.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bench import proxy, small
from bench.servers import Server, running
from bench.small import Chapter

WORD = "Geheimnisfrage"
pytestmark = pytest.mark.skipif(not shutil.which("caddy"), reason="no caddy here")


@dataclass(frozen=True)
class Site:
    client: httpx.Client
    bots: list[Server]
    log: Path


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    small.write(tmp_path / "index", "rot", [Chapter("Verkehr", ["Wir bauen Radwege."])])
    settings = {"FUNDSTELLE_TRUSTED_PROXIES": "127.0.0.1", "FUNDSTELLE_RATE_LIMIT": ""}
    with ExitStack() as stack:
        bots = [
            stack.enter_context(running(tmp_path / "index", tmp_path, settings)) for _ in range(2)
        ]
        before = stack.enter_context(proxy.running(tmp_path, [bot.port for bot in bots]))
        client = stack.enter_context(
            httpx.Client(base_url=f"https://localhost:{before.port}", verify=False, timeout=10)
        )
        wait(client, before.log)
        yield Site(client, bots, before.log)


def wait(client: httpx.Client, log: Path) -> None:
    for _ in range(100):
        try:
            if client.get("/").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text()[-2000:])


def chunks(letters: int) -> Iterator[bytes]:
    """A body whose length is not known before its end."""
    yield from (b"x" * 10_000 for _ in range(letters // 10_000))


def ask(site: Site) -> httpx.Response:
    return site.client.get(
        "/api/search", params={"q": WORD}, headers={"X-Forwarded-For": "203.0.113.77"}
    )


def test_it_adds_what_is_the_proxys_and_hides_what_is_inside(site: Site) -> None:
    """HSTS, no banner; metrics and probes are not for the world; large bodies end here."""
    page = site.client.get("/")
    assert "max-age=" in page.headers["strict-transport-security"]
    assert page.headers["content-security-policy"]
    assert not {"server", "via"} & set(page.headers)
    for path in ("/metrics", "/readyz", "/healthz", "/metrics/", "//metrics", "/%6detrics"):
        answer = site.client.get(httpx.URL(f"{str(site.client.base_url).rstrip('/')}{path}"))
        assert answer.status_code == 404, path
        assert "fundstelle_" not in answer.text, path
    for letters in (100_000, 2_000_000):
        for body in (b"x" * letters, chunks(letters)):
            assert site.client.post("/api/chat", content=body).status_code == 413, letters


def test_a_bot_dies_and_nobody_notices(site: Site) -> None:
    """The second one answers, what has a body, too; when it is gone, the proxy says so, without a
    banner.
    """
    assert ask(site).status_code == 200
    site.bots[0].process.kill()
    site.bots[0].process.wait()
    chats = [site.client.post("/api/chat", json={"message": WORD}) for _ in range(100)]
    assert {answer.status_code for answer in [*chats, *(ask(site) for _ in range(20))]} == {200}
    site.bots[1].process.kill()
    site.bots[1].process.wait()
    answer = ask(site)
    assert answer.status_code in {502, 503}
    assert "server" not in answer.headers


def test_the_proxy_writes_nothing_about_people(site: Site) -> None:
    """Not even when no bot is left, which Caddy would log with the request and its address."""
    ask(site)
    for bot in site.bots:
        bot.process.kill()
        bot.process.wait()
    for _ in range(3):
        assert ask(site).status_code in {502, 503}
    site.client.post("/p/rot", data={"message": WORD}, headers={"User-Agent": WORD})
    text = site.log.read_text()
    assert "serving initial configuration" in text  # it does write
    for word in (WORD, "203.0.113.77", "remote_ip", '"uri"', "User-Agent"):
        assert not re.search(word, text, re.I), [x for x in text.splitlines() if word in x][:1]
