"""Reading the programme: the cited place, searching, the contents, print."""

from __future__ import annotations

import io
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import Browser, Page

from bot.library import Served
from tests.conftest import SLUG
from tests.web.conftest import in_browser

pytestmark = in_browser
DESKTOP = {"width": 1280, "height": 860}


@pytest.fixture
def desktop(page: Page, address: str) -> Page:
    page.set_viewport_size(DESKTOP)
    page.goto(f"{address}/p/{SLUG}/programm")
    return page


def found(page: Page) -> str:
    page.wait_for_timeout(300)
    return page.locator("#found").inner_text()


def marked(page: Page, name: str) -> list[str]:
    return list(page.evaluate(f"[...(CSS.highlights.get('{name}') ?? [])].map(String)"))


@pytest.mark.parametrize("typed", ["Bürger", "buerger", "burger", "BÜRGER"])
def test_the_search_finds_every_place(desktop: Page, served: Served, typed: str) -> None:
    """Umlauts however they are typed; all are marked, and counted."""
    texts = [p.text for s in served.bundle.sections for p in s.paragraphs]
    texts += [s.heading.text for s in served.bundle.sections]
    title = served.bundle.info
    count = sum(text.lower().count("bürger") for text in [*texts, title.title, title.subtitle])
    desktop.fill("#find", typed)
    assert " von " in found(desktop)
    every = [text.lower() for text in marked(desktop, "found")]
    assert every.count("bürger") == count
    assert set(every) == ({"bürger", "burger"} if typed == "burger" else {"bürger"})
    assert found(desktop).endswith(f" von {len(every)}")


def test_the_search_finds_sharp_s_and_words_within_words(desktop: Page) -> None:
    """ß as ss; the middle of a compound, whatever vowels meet there."""
    desktop.fill("#find", "strasse")
    assert " von " in found(desktop)
    assert "Straße" in marked(desktop, "found")
    desktop.fill("#find", "Xylophon")
    assert found(desktop) == "Nicht gefunden"
    assert marked(desktop, "found") == []


def test_the_search_goes_forwards_and_back(desktop: Page) -> None:
    """By Enter and by buttons, round the ends; the place comes into view."""
    desktop.fill("#find", "Kita")
    first = found(desktop)
    every = int(first.split(" von ")[1])
    assert first.startswith("1 von ")
    assert every > 2
    desktop.keyboard.press("Enter")
    assert found(desktop) == f"2 von {every}"
    assert marked(desktop, "current") == ["Kita"]
    top = desktop.evaluate("[...CSS.highlights.get('current')][0].getBoundingClientRect().top")
    assert 0 < top < DESKTOP["height"]
    desktop.get_by_role("button", name="Voriger Treffer").click()
    desktop.get_by_role("button", name="Voriger Treffer").click()
    assert found(desktop) == f"{every} von {every}"
    desktop.locator("#find").focus()
    desktop.keyboard.press("Escape")
    assert marked(desktop, "found") == []


def test_the_contents_show_where_one_is(desktop: Page, served: Served) -> None:
    """The entry of the section being read is marked, by more than colour, and in view."""
    section = served.bundle.sections[30]
    desktop.goto(f"{desktop.url}#{section.id}")
    current = desktop.locator(".contents [aria-current=location]")
    current.wait_for()
    desktop.wait_for_function(
        "text => document.querySelector('.contents [aria-current]')?.textContent === text",
        arg=section.heading.text,
    )
    assert current.count() == 1
    box = current.bounding_box()
    assert box
    assert 0 < box["y"] < DESKTOP["height"]
    assert int(current.evaluate("e => getComputedStyle(e).fontWeight")) >= 600


def test_lines_are_of_a_length_to_read(desktop: Page) -> None:
    """About 66 letters, and high enough."""
    paragraph = desktop.locator(".text p .passage").nth(5)
    letters = paragraph.evaluate("e => e.textContent.length / e.getClientRects().length")
    assert 45 < letters < 85
    style = (
        "e => parseFloat(getComputedStyle(e).lineHeight) / parseFloat(getComputedStyle(e).fontSize)"
    )
    assert paragraph.evaluate(style) >= 1.6


def test_on_a_phone_the_contents_are_folded_and_the_search_stays(page: Page, address: str) -> None:
    """The text comes first; the field is in reach wherever one is."""
    page.goto(f"{address}/p/{SLUG}/programm")
    assert page.locator(".contents ol").first.is_hidden()
    page.evaluate("scrollTo(0, 9000)")
    box = page.locator("#find").bounding_box()
    assert box
    assert 0 <= box["y"] < 60
    page.goto(
        f"{address}/p/{SLUG}/programm?x#{page.locator('.passage[id]').nth(80).get_attribute('id')}"
    )
    page.locator(".cited").first.wait_for()
    box = page.locator(".cited").first.bounding_box()
    assert box
    assert 60 <= box["y"] < 844


def test_a_link_from_elsewhere_jumps_and_one_on_the_page_glides(
    browser: Browser, address: str, served: Served
) -> None:
    """Thousands of lines are not scrolled through to the cited place."""
    page = browser.new_context(viewport=DESKTOP, locale="de-DE").new_page()
    page.goto(f"{address}/p/{SLUG}/programm#{served.bundle.passages[80].id}")
    at = page.evaluate("scrollY")
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") == at > DESKTOP["height"]
    page.locator(".contents a").first.click()
    page.wait_for_function("at => scrollY < at && scrollY > at / 10", arg=at, polling="raf")
    page.context.close()


def test_the_contents_do_not_touch_the_search(desktop: Page) -> None:
    """A line of room below what the search says, whatever it says; and entries fade out there."""
    desktop.fill("#find", "Xylophon")
    assert found(desktop) == "Nicht gefunden"
    said, entry = (desktop.locator(s).bounding_box() for s in ("#found", ".contents summary"))
    assert said
    assert entry
    assert entry["y"] - said["y"] - said["height"] >= 16
    assert desktop.locator(".contents").evaluate("e => getComputedStyle(e).maskImage") != "none"


def test_an_old_link_shows_its_passage_or_says_that_it_is_gone(page: Page, address: str) -> None:
    """The reader says that the programme has changed; where not even an heir is left, that too."""
    page.goto(f"{address}/p/{SLUG}/programm?version=00000000#gibt-es-nicht-000000")
    assert page.locator(".changed").is_visible()
    assert page.locator(".gone").is_visible()
    passage = page.locator(".passage[id]").nth(20).get_attribute("id")
    page.goto(f"{address}/p/{SLUG}/programm?version=00000000&x#{passage}")
    page.locator(".cited").first.wait_for()
    assert page.locator(".changed").is_visible()
    assert page.locator(".gone").is_hidden()


def test_without_javascript_there_is_no_search_but_the_mark(
    browser: Browser, address: str, served: Served
) -> None:
    """Nothing is offered that would not work; the cited passage is marked by the address alone."""
    context = browser.new_context(viewport=DESKTOP, locale="de-DE", java_script_enabled=False)
    page = context.new_page()
    passage = served.bundle.passages[40].id
    page.goto(f"{address}/p/{SLUG}/programm#{passage}")
    assert page.locator("#find").is_hidden()
    assert page.locator(".contents ol").first.is_visible()
    colours = page.locator(f"#{passage}").evaluate(
        "e => [e, e.parentElement].map(each => getComputedStyle(each).backgroundColor)"
    )
    assert colours[0] != colours[1]
    context.close()


def test_printing_leaves_the_text(desktop: Page, served: Served, tmp_path: Path) -> None:
    """The whole text with page numbers; no field, no contents, no address."""
    pdf = pypdfium2.PdfDocument(io.BytesIO(desktop.pdf(prefer_css_page_size=True)))
    pages = [page.get_textpage().get_text_range() for page in pdf]
    text = " ".join("".join(pages).split())
    assert served.bundle.info.title in text
    assert "Im Text suchen" not in text
    assert "Frage stellen" not in text
    assert "http" not in text
    assert "Leichte Sprache" not in text
    assert len(pages) > 10
    numbers = [text.split()[0] for text in pages]  # the margin comes first, at the foot though
    assert numbers == [str(n + 1) for n in range(len(pages))]


def test_a_section_leads_on(page: Page, address: str, served: Served) -> None:
    """From one to the next and back, and into the whole programme at the same place."""
    one, two = served.bundle.sections[6], served.bundle.sections[7]
    page.goto(f"{address}/p/{SLUG}/programm/{one.id}")
    page.locator("a[rel=next]").click()
    page.get_by_role("heading", level=1, name=two.heading.text).wait_for()
    page.locator("a[rel=prev]").click()
    page.get_by_role("heading", level=1, name=one.heading.text).wait_for()
    page.get_by_role("link", name="Im ganzen Programm lesen").click()
    page.wait_for_url(f"**/programm#{one.id}")
