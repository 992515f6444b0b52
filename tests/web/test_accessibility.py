"""axe-core on every page and state; the keyboard alone; what a screen reader is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.conftest import SLUG
from tests.web.conftest import PHONE, QUESTION, ask, in_browser, serving, violations

pytestmark = in_browser
SECTION = "fruehkindliche-bildung-verlaesslich-und-gebuehrenfrei"
DESKTOP = {"width": 1280, "height": 860}


def nothing_done(page: Page) -> None:
    """The page as it comes."""


def answered(page: Page) -> None:
    ask(page, QUESTION)
    page.locator(".reply.answered").wait_for()
    page.locator(".more-hits button").click()
    page.locator(".log .card").nth(3).wait_for()


def related(page: Page) -> None:
    ask(page, "Gibt es kostenloses Schwimmen?")
    page.locator(".reply.related").wait_for()


def nothing_found(page: Page) -> None:
    ask(page, "Wie backe ich einen Kuchen?")
    page.locator(".reply.nothing").wait_for()


def failed(page: Page) -> None:
    page.route("**/api/chat", lambda route: route.abort())
    ask(page, QUESTION)
    page.locator(".retry").wait_for()


def completing(page: Page) -> None:
    page.locator("#message").focus()
    page.wait_for_timeout(300)
    page.locator("#message").press_sequentially("wohn")
    page.keyboard.press("ArrowDown")
    page.locator("#completions [aria-selected=true]").wait_for()


def searching(page: Page) -> None:
    page.fill("#find", "Bürger")
    page.locator(".find-row").wait_for()
    page.wait_for_timeout(300)


def choosing_a_language(page: Page) -> None:
    page.locator(".languages summary").click()


STATES: list[tuple[str, Callable[[Page], None]]] = [
    ("", nothing_done),
    ("", answered),
    ("", related),
    ("", nothing_found),
    ("", failed),
    ("", completing),
    ("", choosing_a_language),
    ("/programm", searching),
    ("/programm?version=00000000", nothing_done),
    (f"/programm/{SECTION}", nothing_done),
    ("/impressum", nothing_done),
    ("/datenschutz", nothing_done),
]


@pytest.mark.parametrize("language", ["de", "ar"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_or_state_has_a_violation(
    browser: Browser, index_root: Path, tmp_path: Path, scheme: str, language: str
) -> None:
    """WCAG 2.2 AA and axe's own advice: in light and dark, from the left and from the right."""
    with serving(index_root, str(tmp_path / "feedback.jsonl")) as address:
        for path, reach in STATES:
            context = browser.new_context(
                viewport=PHONE, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True
            )
            page = context.new_page()
            page.set_default_timeout(10_000)
            mark = "&" if "?" in path else "?"
            page.goto(f"{address}/p/{SLUG}{path}{mark}sprache={language}")
            reach(page)
            page.evaluate("scrollTo(0, 0)")  # a field that covers half a box is taken amiss
            count, report = violations(page)
            assert count == 0, f"{path} {reach.__name__}\n{report}"
            context.close()


@pytest.mark.parametrize("language", ["de", "ar"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_pages_of_many_programmes_are_accessible(
    browser: Browser, several: str, scheme: str, width: int, language: str
) -> None:
    """List, comparison before and after a question, a reader with pages, an error: axe-core finds
    nothing, nothing scrolls sideways.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce",
        bypass_csp=True,
    )  # fmt: skip
    page = context.new_page()
    page.set_default_timeout(10_000)
    for path in (
        "/",
        "/compare",
        "/compare asked",
        "/p/rot/programm",
        "/datenschutz",
        "/impressum",
        "/nirgends",
    ):
        page.goto(f"{several}{path.split()[0]}?sprache={language}")
        if path.endswith("asked"):
            ask(page, "Was tut ihr für Radwege?")
            page.locator(".column").first.wait_for()
            page.evaluate("scrollTo(0, 0)")  # else the bar covers half a box, which axe takes amiss
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        count, report = violations(page)
        assert count == 0, f"{path}\n{report}"
    context.close()


def test_the_keyboard_alone_is_enough(page: Page, address: str) -> None:
    """From the skip link to the answer, its links and the place in the programme; the focus is
    always seen.
    """
    page.set_viewport_size(DESKTOP)
    page.goto(f"{address}/p/{SLUG}")
    for _ in range(12):  # the field has the focus on a desktop; back to the beginning
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.className") == "skip":
            break
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top >= 0")
    page.keyboard.press("Enter")
    reached: list[str] = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.id || document.activeElement.className")
        )
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", reached
        if reached[-1] == "message":
            break
    assert reached[-1] == "message"
    page.keyboard.type(QUESTION)
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.locator(".log .card").first.wait_for()
    assert page.evaluate("document.activeElement.id") == "message"
    while page.evaluate("document.activeElement.className") != "act read":
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/programm#*")


def test_question_and_answer_are_told_in_order(page: Page, address: str) -> None:
    """The accessibility tree of the log: the question as a heading, the sentence, the place, the
    quotation with its mark; the field keeps its name and the focus.
    """
    page.goto(f"{address}/p/{SLUG}")
    ask(page, QUESTION)
    page.locator(".log .card").first.wait_for()
    tree = page.locator(".log").aria_snapshot()
    order = [
        'log "Fragen und Antworten"', f'heading "Frage {QUESTION}" [level=2]',
        "Antwort: Dazu steht im Programm:", "Frühkindliche Bildung", "blockquote", "mark",
        "Im Programm lesen", "Automatische Suche, keine KI-Texte",
    ]  # fmt: skip
    places = [tree.find(part) for part in order]
    assert -1 not in places, tree
    assert places == sorted(places), tree
    field = page.get_by_role("combobox", name="Frage zum Programm")
    assert field.evaluate("e => e === document.activeElement")
    assert page.locator(".log").get_attribute("aria-busy") is None


def test_marks_are_seen_without_colours(browser: Browser, address: str) -> None:
    """With the system's own colours (forced-colors) and in black and white: a line, not a tint."""
    context = browser.new_context(viewport=PHONE, locale="de-DE", forced_colors="active")
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.goto(f"{address}/p/{SLUG}")
    ask(page, QUESTION)
    mark = page.locator(".log mark").first
    mark.wait_for()
    line = mark.evaluate("e => getComputedStyle(e).textDecorationLine")
    assert line == "underline"
    colours = mark.evaluate(
        "e => [e, e.parentElement].map(each => getComputedStyle(each).backgroundColor)"
    )
    assert colours[0] != colours[1]
    assert page.locator(".send").evaluate("e => getComputedStyle(e).borderTopWidth") != "0px"
    context.close()


def test_less_motion_is_no_motion(page: Page, address: str) -> None:
    """Where the system asks for it, nothing rises and nothing glides."""
    page.goto(f"{address}/p/{SLUG}")
    ask(page, QUESTION)
    page.locator(".turn").wait_for()
    assert page.locator(".turn").evaluate("e => getComputedStyle(e).animationName") == "none"
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"


@pytest.mark.parametrize("start", ["", "/programm", f"/programm/{SECTION}"])
def test_imprint_and_privacy_are_within_two_clicks(page: Page, address: str, start: str) -> None:
    """And really one."""
    for name in ("Impressum", "Datenschutz"):
        page.goto(f"{address}/p/{SLUG}{start}")
        page.locator("footer").get_by_role("link", name=name).click()
        page.get_by_role("heading", level=1, name=name).wait_for()
