"""A real server and a real browser, for every test of the pages."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from bench import small
from bench.small import Chapter
from bot.app import create_app
from bot.settings import Settings

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PHONE = {"width": 390, "height": 844}
QUESTION = "Werden die Kita-Gebühren abgeschafft?"
in_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed; .ci/run installs it"),
]
AXE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def serving(root: Path, feedback: str = "") -> Iterator[str]:
    """A server on a free port; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = create_app(Settings(index=root, rate_limit="", feedback=feedback))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def address(index_root: Path) -> Iterator[str]:
    with serving(index_root) as address:
        yield address


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Three programmes; one has levels, pages and a PDF, one says nothing of cycling."""
    root = tmp_path_factory.mktemp("several")
    cycling = "Jede Schule wird mit dem Rad erreichbar.\n• breite Radwege.\n• eigene Ampeln."
    chapters = [
        Chapter("Verkehr", ["Wir bauen Radwege. Alle kommen gut an."], 1, 6),
        Chapter("Rad", [cycling], 2, 7),
        Chapter("Winter", ["Im Winter werden Radwege zuerst geräumt."], 3, 8),
        Chapter("Bus", ["Busse fahren öfter."], 2, 9),
    ]
    pdf = "https://rot.example/p.pdf"
    small.write(root, "rot", chapters, party="Die Roten", date="2025-09-14", pdf_url=pdf)
    small.write(root, "blau", chapters[:2], party="Die Blauen", subtitle="Kommunalwahl 2025")
    small.write(root, "gelb", [Chapter("Kultur", ["Museen öffnen länger."], 1)])
    with serving(root) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that fails the test when anything is asked of another host, or the console
    complains.
    """
    context = browser.new_context(viewport=PHONE, locale="de-DE", reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(10_000)
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.on(
        "console",
        lambda m: (
            seen.append(f"console {m.text}")
            if m.type == "error"
            and "Failed to load resource" not in m.text  # tests that provoke it
            else None
        ),
    )
    page.on("pageerror", lambda error: seen.append(f"error {error}"))
    yield page
    context.close()
    assert [url for url in seen if not url.startswith((address, "data:"))] == []


def ask(page: Page, question: str) -> None:
    """Type a question and send it; Escape closes the completions first."""
    page.locator("#message").fill(question)
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")


def violations(page: Page) -> tuple[int, str]:
    """What axe-core finds against WCAG 2.2 AA and its own advice."""
    result = Axe().run(page, options={"runOnly": {"type": "tag", "values": AXE}})
    return result.violations_count, result.generate_report()
