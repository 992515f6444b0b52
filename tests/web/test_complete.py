"""Completion while typing: a combobox after WAI-ARIA 1.2, and nothing typed leaves the browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.conftest import SLUG
from tests.web.conftest import QUESTION, in_browser

pytestmark = in_browser


def options(page: Page) -> list[str]:
    return page.locator("#completions [role=option]").all_inner_texts()


def typed(page: Page, text: str) -> None:
    page.locator("#message").fill("")
    page.locator("#message").press_sequentially(text)


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("plaetze", "Plätze"),
        ("PLÄTZ", "Plätze"),
        ("platze", "Plätze"),
        ("grosse wohn", "große Wohnung"),
        ("wohnung gross", "große Wohnung"),
        ("fuer azubis wohnheime", "Wohnheime für Azubis"),
    ],
)
def test_typing_finds_whatever_the_keyboard_lacks(
    page: Page, address: str, text: str, offered: str
) -> None:
    """Umlauts as ä, ae or a, ß as ss, capitals or not; every word, in any order of the offer."""
    page.goto(f"{address}/p/{SLUG}")
    page.locator("#message").focus()
    page.wait_for_timeout(300)
    typed(page, text)
    found = options(page)
    assert any(offered in each for each in found), found
    assert len(found) <= 6
    typed(page, "xylophon")
    assert options(page) == []
    assert page.locator("#completions").is_hidden()


def test_the_keyboard_moves_through_the_list_and_asks(page: Page, address: str) -> None:
    """Arrows move aria-activedescendant and the focus stays; Escape closes and keeps the text;
    Enter asks what is chosen, or what was typed where nothing is.
    """
    page.goto(f"{address}/p/{SLUG}")
    field = page.get_by_role("combobox")
    field.focus()
    page.wait_for_timeout(300)
    typed(page, "wohn")
    assert field.get_attribute("aria-expanded") == "true"
    assert field.get_attribute("aria-controls") == "completions"
    offered = options(page)
    assert len(offered) > 2
    active = []
    for key in ["ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "ArrowUp"]:
        page.keyboard.press(key)
        name = field.get_attribute("aria-activedescendant")
        chosen = page.locator("#completions [aria-selected=true]")
        active.append(chosen.inner_text() if chosen.count() else None)
        assert (page.locator(f"#{name}").inner_text() if name else None) == active[-1]
        assert page.evaluate("document.activeElement.id") == "message"
    assert active == [offered[0], offered[1], offered[0], None, offered[-1]]
    page.keyboard.press("Escape")
    assert field.get_attribute("aria-expanded") == "false"
    assert field.get_attribute("aria-activedescendant") is None
    assert field.input_value() == "wohn"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator(".turn").wait_for()
    assert page.locator(".asked-text").inner_text() == offered[0]
    assert page.evaluate("document.activeElement.id") == "message"


def test_a_finger_chooses_too(page: Page, address: str) -> None:
    """And the list is gone afterwards."""
    page.goto(f"{address}/p/{SLUG}")
    page.locator("#message").focus()
    page.wait_for_timeout(300)
    typed(page, "wohn")
    first = options(page)[0]
    page.locator("#completions [role=option]").first.click()
    page.locator(".turn").wait_for()
    assert page.locator(".asked-text").inner_text() == first
    assert page.locator("#completions").is_hidden()


def test_nothing_typed_leaves_the_browser(page: Page, address: str) -> None:
    """One request at the first focus, for the whole list; none for what is typed."""
    page.goto(f"{address}/p/{SLUG}")
    page.locator("#message").focus()
    page.wait_for_timeout(300)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    typed(page, QUESTION)
    page.wait_for_timeout(300)
    assert sent == []


def test_the_list_is_never_out_of_sight(page: Page, address: str) -> None:
    """Below the field where there is room, above it where the field is at the bottom."""
    page.goto(f"{address}/p/{SLUG}")
    page.locator("#message").focus()
    page.wait_for_timeout(300)
    for asked in (False, True):
        if asked:
            page.locator("#message").fill(QUESTION)
            page.keyboard.press("Escape")
            page.keyboard.press("Enter")
            page.locator(".turn").wait_for()
        typed(page, "wohn")
        box = page.locator("#completions").bounding_box()
        assert box
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 844
        page.keyboard.press("Escape")
