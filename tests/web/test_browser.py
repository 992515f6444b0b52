"""The pages in a real browser, at phone size: with JavaScript and without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.conftest import SLUG
from tests.web.conftest import PHONE, QUESTION, ask, in_browser, serving

pytestmark = in_browser


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
    context = browser.new_context(viewport=PHONE, locale="de-DE", java_script_enabled=False)
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


def test_a_question_longer_than_the_field_stands_above_it_whole(page: Page, address: str) -> None:
    """While it is typed, and gone when it is sent; a short one needs no second place."""
    page.goto(f"{address}/p/{SLUG}")
    whole = page.locator(".whole")
    page.locator("#message").fill("Kita-Gebühren?")
    assert whole.is_hidden()
    page.locator("#message").fill(f"{QUESTION} Und wann?")
    assert whole.inner_text() == f"{QUESTION} Und wann?"
    page.keyboard.press("Enter")
    page.locator(".turn").wait_for()
    assert whole.is_hidden()


def test_nothing_shows_beside_the_field_at_the_foot(page: Page, address: str) -> None:
    """The cards pass below it: it covers them from edge to edge, and they fade out above it."""
    page.goto(f"{address}/p/{SLUG}")
    box = page.locator(".ask").bounding_box()
    assert box
    assert (box["x"], box["width"]) == (0, PHONE["width"])
    fade = page.locator(".ask").evaluate("e => getComputedStyle(e, '::before').backgroundImage")
    assert fade.startswith("linear-gradient")


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
        locale="de-DE",
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
    context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="de-DE")
    page = context.new_page()
    page.goto(f"{several}/p/rot/programm")
    number, text = page.locator("a.page").first, page.locator(".text").first
    assert number.bounding_box()["x"] + number.bounding_box()["width"] < text.bounding_box()["x"]  # type: ignore[index]
    assert number.evaluate("e => getComputedStyle(e).userSelect") == "none"
    assert number.get_attribute("href") == "https://rot.example/p.pdf#page=6"
    context.close()


def test_a_card_leads_into_the_pdf_with_javascript_too(browser: Browser, several: str) -> None:
    """The address and page come with the API's answer; where there is no PDF, no link."""
    context = browser.new_context(viewport=PHONE, locale="de-DE")
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


LONG = "Donaudampfschifffahrtsgesellschaftskapitänswitwenrentenantragsformular " * 2


@pytest.mark.parametrize("sprache", ["de", "ar", "uk"])
@pytest.mark.parametrize(("width", "text"), [(320, 16), (360, 16), (640, 32)])
def test_no_page_scrolls_sideways(
    page: Page, address: str, width: int, text: int, sprache: str
) -> None:
    """Not at 320 pixels, not with letters of twice the size, not with a long word in the question,
    in no language.
    """
    page.set_viewport_size({"width": width, "height": 640})
    section = "/programm/fruehkindliche-bildung-verlaesslich-und-gebuehrenfrei"
    for path in ("", "/programm", section, "/datenschutz", "/impressum"):
        page.goto(f"{address}/p/{SLUG}{path}?sprache={sprache}")
        cdp = page.context.new_cdp_session(page)
        cdp.send("Page.setFontSizes", {"fontSizes": {"standard": text, "fixed": text}})
        if not path:
            ask(page, LONG)
            page.locator(".turn").wait_for()
            ask(page, QUESTION)
            page.locator(".turn .card").first.wait_for()
        page.locator(".languages summary").click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_more_hits_are_appended_and_the_focus_goes_there(page: Page, address: str) -> None:
    """Each passage once; the button is gone, so the first new card has the focus."""
    page.goto(f"{address}/p/{SLUG}")
    ask(page, QUESTION)
    page.locator(".more-hits button").click()
    page.locator(".log .card").nth(3).wait_for()
    quotes = page.locator(".log .quote").all_inner_texts()
    assert 3 < len(quotes) <= 10
    assert len(quotes) == len(set(quotes))
    assert page.locator(".more-hits").is_hidden()
    assert page.evaluate("document.activeElement === document.querySelectorAll('.log .card')[3]")


def test_a_quotation_is_copied_with_its_source(page: Page, address: str) -> None:
    """The words, where they stand, and the permanent address; sharing copies the address where
    the system has no sheet for it.
    """
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{address}/p/{SLUG}")
    ask(page, QUESTION)
    card = page.locator(".log .card").first
    card.locator(".copy").click()
    card.locator(".copy", has_text="Kopiert").wait_for()
    words, place, link = str(page.evaluate("navigator.clipboard.readText()")).rsplit("\n", 2)
    assert "als Stadt die Kita-Gebühren komplett abschaffen" in words
    assert (words[0], words[-1]) == ("„", "“")
    assert place == card.locator(".place").inner_text()
    assert link.startswith(f"{address}/p/{SLUG}/programm?version=")
    assert page.evaluate("navigator.share === undefined")
    card.locator(".share").click()
    card.locator(".share", has_text="Link kopiert").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == link
    page.goto(link)
    page.locator(".cited").first.wait_for()
    assert page.locator(".changed").count() == 0


def test_the_first_answer_says_how_it_was_made_and_the_second_does_not_repeat_it(
    page: Page, address: str
) -> None:
    """With JavaScript as without."""
    page.goto(f"{address}/p/{SLUG}")
    ask(page, QUESTION)
    page.locator(".turn").first.wait_for()
    assert "keine KI-Texte" in page.locator(".turn .notice").first.inner_text()
    ask(page, "Was tut ihr für Radwege?")
    page.locator(".turn").nth(1).wait_for()
    assert page.locator(".turn").nth(1).locator(".notice").is_hidden()


def test_the_language_is_kept_through_question_and_link(page: Page, address: str) -> None:
    """Chosen from the menu; the answer's sentence, the reader behind it and the way back speak
    it, and the passage stays German.
    """
    page.goto(f"{address}/p/{SLUG}")
    page.locator(".languages summary").click()
    page.get_by_role("link", name="العربية").click()
    page.wait_for_url("**?sprache=ar")
    assert page.evaluate("getComputedStyle(document.body).direction") == "rtl"
    ask(page, QUESTION)
    quote = page.locator(".log .quote").first
    quote.wait_for()
    assert quote.get_attribute("lang") == "de"
    assert quote.evaluate("e => getComputedStyle(e).direction") == "ltr"
    assert page.locator(".says-text").first.inner_text() == "يقول البرنامج في ذلك:"
    page.locator(".log .read").first.click()
    page.locator(".cited").first.wait_for()
    assert page.evaluate("document.documentElement.lang") == "ar"
    assert page.locator(".text").evaluate("e => getComputedStyle(e).direction") == "ltr"
    page.get_by_role("link", name="طرح سؤال", exact=True).click()
    page.locator("#message").wait_for()
    assert page.evaluate("document.documentElement.lang") == "ar"


def test_an_error_is_said_in_the_language_of_the_page(page: Page, address: str) -> None:
    """The server's sentence, where it has one."""
    page.goto(f"{address}/p/{SLUG}?sprache=en")
    page.locator("#message").evaluate(
        "e => { e.removeAttribute('maxlength'); e.value = 'x '.repeat(1500); }"
    )
    page.keyboard.press("Enter")
    page.locator(".state", has_text="too long").wait_for()


def test_feedback_without_a_click_on_the_tick_has_no_question(
    browser: Browser, index_root: Path, tmp_path: Path
) -> None:
    """Thanks stand where the buttons were, and the focus goes back to the field."""
    file = tmp_path / "feedback.jsonl"
    with serving(index_root, str(file)) as address:
        page = browser.new_context(viewport=PHONE, locale="de-DE").new_page()
        page.set_default_timeout(10_000)
        page.goto(f"{address}/p/{SLUG}")
        for ticked in (False, True):
            ask(page, QUESTION)
            turn = page.locator(".turn").nth(int(ticked))
            turn.wait_for()
            if ticked:
                turn.locator("[name=with_question]").check()
            turn.get_by_role("button", name="Ja").click()
            turn.get_by_text("Danke für die Rückmeldung.").wait_for()
            assert page.evaluate("document.activeElement.id") == "message"
        page.context.close()
    first, second = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    assert "question" not in first
    assert second["question"] == QUESTION
    assert len(first["passages"]) == 3
