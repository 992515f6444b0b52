"""The pages in a real browser, at phone size: with JavaScript and without."""

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
from tests.conftest import SLUG

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PHONE = {"width": 390, "height": 844}
QUESTION = "Werden die Kita-Gebühren abgeschafft?"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed; .ci/run installs it"),
]


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


@contextmanager
def serving(root: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = create_app(Settings(index=root, rate_limit=""))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that fails the test when anything is asked of another host, or the console
    complains.
    """
    context = browser.new_context(viewport=PHONE, locale="de-DE")
    page = context.new_page()
    page.set_default_timeout(10_000)
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.on(
        "console",
        lambda m: (
            seen.append(f"console {m.text}")
            if m.type == "error" and "net::ERR_FAILED" not in m.text  # a test that cuts the line
            else None
        ),
    )
    page.on("pageerror", lambda error: seen.append(f"error {error}"))
    yield page
    context.close()
    assert [url for url in seen if not url.startswith((address, "data:"))] == []


def ask(page: Page, question: str) -> None:
    page.locator("#message").fill(question)
    page.keyboard.press("Enter")


def test_an_answer_is_appended_and_the_focus_stays(page: Page, address: str) -> None:
    """With JavaScript: no reload, the log is a live region, the next question can be typed at
    once.
    """
    page.goto(f"{address}/p/{SLUG}")
    ask(page, QUESTION)
    mark = page.locator(".log .card mark").first
    mark.wait_for()
    assert "Kita-Gebühren komplett abschaffen" in mark.inner_text()
    assert page.locator(".log").get_attribute("aria-live") == "polite"
    assert page.evaluate("document.activeElement.id") == "message"
    assert page.locator("#message").input_value() == ""
    ask(page, "Was tut ihr für Radwege?")
    page.locator(".turn").nth(1).wait_for()
    assert page.locator(".turn").count() == 2
    assert page.url == f"{address}/p/{SLUG}"


def test_the_citation_leads_to_the_marked_place(page: Page, address: str) -> None:
    """The link opens the reader with the passage marked and in view."""
    page.goto(f"{address}/p/{SLUG}")
    ask(page, QUESTION)
    page.locator(".card .read").first.click()
    page.wait_for_url("**/programm#*")
    cited = page.locator(".passage.cited")
    cited.first.wait_for()
    assert "Kita-Gebühren komplett abschaffen" in " ".join(cited.all_inner_texts())
    page.wait_for_function(
        "() => { const r = document.querySelector('.cited').getBoundingClientRect();"
        " return r.top >= 0 && r.top < innerHeight; }"
    )


def test_without_javascript_the_form_answers(browser: Browser, address: str) -> None:
    """A plain form: question in, page with the cited passage out."""
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/p/{SLUG}")
    ask(page, QUESTION)
    page.locator(".card mark").first.wait_for()
    assert "Kita-Gebühren komplett abschaffen" in page.locator(".card mark").first.inner_text()
    assert QUESTION not in page.url
    page.locator(".card .read").first.click()
    page.wait_for_url("**/programm#*")
    context.close()


def test_a_failed_request_keeps_the_question_and_offers_again(page: Page, address: str) -> None:
    """Bad reception at the doorstep loses nothing."""
    page.goto(f"{address}/p/{SLUG}")
    page.route("**/api/chat", lambda route: route.abort())
    ask(page, QUESTION)
    page.locator(".retry").wait_for()
    assert page.locator("#message").input_value() == QUESTION
    page.unroute("**/api/chat")
    page.locator(".retry").click()
    page.locator(".card mark").first.wait_for()


def test_a_late_reply_is_dropped(page: Page, address: str) -> None:
    """Only the newest question's answer is shown."""
    page.goto(f"{address}/p/{SLUG}")
    held: list[object] = []

    def hold_first(route: object) -> None:
        if held:
            route.continue_()  # type: ignore[attr-defined]
        else:
            held.append(route)

    page.route("**/api/chat", hold_first)
    ask(page, "Was kostet der Bus?")
    ask(page, QUESTION)
    page.locator(".turn").wait_for()
    held[0].continue_()  # type: ignore[attr-defined]
    page.wait_for_timeout(500)
    assert page.locator(".turn").count() == 1
    assert page.locator(".asked-text").inner_text() == QUESTION


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["", "/programm", "/impressum", "/datenschutz"])
def test_no_accessibility_violations(
    browser: Browser, address: str, scheme: str, path: str
) -> None:
    """axe-core finds nothing against WCAG 2.2 AA, in light and dark."""
    context = browser.new_context(
        viewport=PHONE, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True
    )
    page = context.new_page()
    page.goto(f"{address}/p/{SLUG}{path}")
    if not path:
        ask(page, QUESTION)
        page.locator(".card mark").first.wait_for()
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    result = Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}})
    context.close()
    assert result.violations_count == 0, result.generate_report()


def violations(page: Page) -> tuple[int, str]:
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    result = Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}})
    return result.violations_count, result.generate_report()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_pages_of_many_programmes_are_accessible(
    browser: Browser, several: str, scheme: str, width: int
) -> None:
    """List, comparison before and after a question, a reader with pages: axe-core finds nothing,
    nothing scrolls sideways.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce",
        bypass_csp=True,
    )  # fmt: skip
    page = context.new_page()
    page.set_default_timeout(10_000)
    for path in ("/", "/compare", "/compare asked", "/p/rot/programm", "/datenschutz"):
        page.goto(several + path.split()[0])
        if path.endswith("asked"):
            ask(page, "Was tut ihr für Radwege?")
            page.locator(".column").first.wait_for()
            page.evaluate("scrollTo(0, 0)")  # else the bar covers half a box, which axe takes amiss
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        count, report = violations(page)
        assert count == 0, f"{path}\n{report}"
    context.close()


def edges(page: Page, side: str) -> list[float]:
    return list(
        page.locator(".column").evaluate_all(
            "(all, side) => all.map(e => e.getBoundingClientRect()[side])", side
        )
    )


@pytest.mark.parametrize("javascript", [True, False])
def test_parties_stand_side_by_side_on_a_desktop_and_stacked_on_a_phone(
    browser: Browser, several: str, javascript: bool
) -> None:
    """In the order of the list, with JavaScript and without; only those that were chosen; and the
    question stands in no address.
    """
    context = browser.new_context(
        viewport={"width": 1280, "height": 860},
        java_script_enabled=javascript,
        reduced_motion="reduce",  # nothing moves while places are looked at
    )
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.goto(f"{several}/compare")
    ask(page, "Was tut ihr für Radwege?")
    page.locator(".column").first.wait_for()
    assert page.locator(".column h2").all_inner_texts() == [
        "Die Blauen",
        "Programm gelb",
        "Die Roten",
    ]
    assert page.url == f"{several}/compare#answers"
    assert len(set(edges(page, "top"))) == 1
    assert sorted(edges(page, "left")) == edges(page, "left")
    page.set_viewport_size(PHONE)
    assert len(set(edges(page, "left"))) == 1
    assert sorted(edges(page, "top")) == edges(page, "top")
    page.locator("input[value=gelb]").uncheck()
    page.locator(".send").click()
    page.locator("input[value=gelb]:not(:checked)").wait_for()
    assert page.locator(".column h2").all_inner_texts() == ["Die Blauen", "Die Roten"]
    context.close()


def test_page_numbers_stand_at_the_margin(browser: Browser, several: str) -> None:
    """Left of the text where there is room; in the line, and no part of what is copied, else."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.goto(f"{several}/p/rot/programm")
    number, text = page.locator("a.page").first, page.locator(".text").first
    assert number.bounding_box()["x"] + number.bounding_box()["width"] < text.bounding_box()["x"]  # type: ignore[index]
    assert number.evaluate("e => getComputedStyle(e).userSelect") == "none"
    assert number.get_attribute("href") == "https://rot.example/p.pdf#page=6"
    context.close()


def test_a_card_leads_into_the_pdf_with_javascript_too(browser: Browser, several: str) -> None:
    """The address and page come with the API's answer; where there is no PDF, no link."""
    context = browser.new_context(viewport=PHONE)
    page = context.new_page()
    for slug in ("rot", "blau"):
        page.goto(f"{several}/p/{slug}")
        ask(page, "Was tut ihr für Radwege?")
        page.locator(".log .card").first.wait_for()
        link = page.locator(".log .card .pdf").first
        assert link.is_visible() == (slug == "rot")
        if slug == "rot":
            assert link.inner_text().startswith("im PDF, Seite ")
            assert "#page=" in str(link.get_attribute("href"))
    context.close()


def test_nothing_is_stored_in_the_browser(page: Page, address: str) -> None:
    """No cookie, no local or session storage, not even after a question."""
    page.goto(f"{address}/p/{SLUG}")
    ask(page, QUESTION)
    page.locator(".card").first.wait_for()
    assert page.context.cookies() == []
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]


def test_no_page_scrolls_sideways_on_a_phone(page: Page, address: str) -> None:
    """Not at 360 pixels either, and not with a long word in the question."""
    page.set_viewport_size({"width": 360, "height": 740})
    for path in ("", "/programm", "/datenschutz"):
        page.goto(f"{address}/p/{SLUG}{path}")
        if not path:
            ask(page, "Donaudampfschifffahrtsgesellschaftskapitänswitwenrentenantragsformular " * 2)
            page.locator(".turn").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
