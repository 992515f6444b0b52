"""What a visit costs, on a simulated phone and line; and that nobody else hears of it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from bench import web
from bench.web import Load
from tests.conftest import SLUG
from tests.web.conftest import PHONE, QUESTION, ask, in_browser

pytestmark = [*in_browser, pytest.mark.alone]


@pytest.fixture(scope="module")
def load(browser: Browser, address: str) -> Load:
    return web.best(browser, f"{address}/p/{SLUG}", rate=web.slower(browser))


def test_the_first_page_is_small(load: Load) -> None:
    """All that comes before the first question, headers included, is at most 60 KB; and it was
    really measured: style, script and page alone are more than 8.
    """
    assert 8 * 1024 < load.bytes <= web.BYTES
    assert len(load.requests) >= 4


def test_it_is_seen_and_usable_on_a_slow_phone(load: Load) -> None:
    """Within a second something is seen, half a second later it can be used: slow 4G, a processor
    four times slower (less so where this one is slow itself); and no faster than the line allows.
    """
    assert 2 * web.SLOW_4G["latency"] < load.paint <= web.PAINT
    assert load.paint <= load.interactive <= web.INTERACTIVE
    assert load.shift <= web.SHIFT


def test_an_answer_is_shown_at_once(load: Load) -> None:
    """At most 100 ms from the server's reply to the passage on the screen."""
    assert 0 < load.answer <= web.ANSWER


def test_a_whole_visit_asks_nobody_else(browser: Browser, address: str) -> None:
    """Every request of a visit through all kinds of pages goes to the one server; and none has the
    question in its address.
    """
    context = browser.new_context(viewport=PHONE, locale="de-DE")
    page = context.new_page()
    page.set_default_timeout(10_000)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/p/{SLUG}?sprache=ar")
    page.locator("#message").focus()
    page.wait_for_timeout(300)
    ask(page, QUESTION)
    page.locator(".log .card .read").first.click()
    page.locator(".cited").first.wait_for()
    page.fill("#find", "Kita-Gebühren")
    page.wait_for_timeout(300)
    page.goto(f"{address}{page.locator('.text .self').first.get_attribute('href')}")
    page.goto(str(page.locator("meta[property='og:image']").get_attribute("content")))
    for path in ("/impressum", "/datenschutz"):
        page.goto(f"{address}/p/{SLUG}{path}")
    page.goto(f"{address}/compare")
    assert context.cookies() == []
    context.close()
    assert len(asked) > 15
    assert [url for url in asked if not url.startswith(f"{address}/")] == []
    assert [url for url in asked if "Kita-Geb" in url] == []
    assert any(url.endswith("/api/chat") for url in asked)
    assert any("/vorschlaege.json" in url for url in asked)
