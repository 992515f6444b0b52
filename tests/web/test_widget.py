"""The widget in a real browser, on pages of another origin: docs/demo, and tests/web/hosts."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, sync_playwright

from bench import small
from bench.small import Chapter
from bot.app import create_app
from bot.settings import Settings
from bot.wording import wording
from tests.conftest import ROOT, SLUG

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FOLDERS = (ROOT / "docs" / "demo", ROOT / "tests" / "web" / "hosts")
WRITTEN = "http://127.0.0.1:8000"  # the bot's address as the host pages have it
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
HOSTS = ["sober", "strict", "nonce", "hostile"]
QUESTION = "Werden die Kita-Gebühren abgeschafft?"
PROMISE = "Kita-Gebühren komplett abschaffen"
NOTICE = "Automatische Suche, keine KI-Texte"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

# Runs before any script of the page: notes what is stored, and every shift of the layout.
WATCH = """
window.touched = [];
for (const name of ["getItem", "setItem", "removeItem", "key", "clear"]) {
  const real = Storage.prototype[name];
  Storage.prototype[name] = function (...given) { touched.push(`${name} ${given[0]}`); return real.apply(this, given); };
}
for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"]) {
  const real = Object.getOwnPropertyDescriptor(window, name);
  if (real) Object.defineProperty(window, name, { ...real, get() { touched.push(name); return real.get.call(window); } });
}
const cookie = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
Object.defineProperty(document, "cookie", { get() { touched.push("cookie"); return cookie.get.call(document); }, set(v) { touched.push("cookie=" + v); } });
window.shifts = [];
new PerformanceObserver((list) => { for (const e of list.getEntries()) shifts.push(e.value); }).observe({ type: "layout-shift", buffered: true });
"""  # noqa: E501 - JavaScript

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed; .ci/run installs it"),
]


@dataclass(frozen=True)
class Sites:
    """The bot, and the site with the widget on it, which is another origin."""

    bot: str
    host: str


@dataclass
class Seen:
    """What a page did: its requests, and what its console complained about."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(f"error {error}"))
        page.on(
            "console",
            lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None,
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def pages_of_another_site(bot: str) -> Iterator[str]:
    """The host pages, with the bot's real address in them."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.split("?")[0].lstrip("/")
            found = next((f / name for f in FOLDERS if name and (f / name).is_file()), None)
            body = found.read_text("utf-8").replace(WRITTEN, bot).encode() if found else b""
            self.send_response(200 if found else 204)
            kind = "text/css" if name.endswith(".css") else "text/html; charset=utf-8"
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)


@contextmanager
def serving(root: Path, **settings: Any) -> Iterator[Sites]:
    """A bot, and a site that it allows."""
    port = free_port()
    with pages_of_another_site(f"http://127.0.0.1:{port}") as host:
        settings = {"allowed_origins": host, **settings}
        app = create_app(Settings(index=root, rate_limit="", **settings))
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", access_log=False))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        yield Sites(f"http://127.0.0.1:{port}", host)
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def sites(index_root: Path) -> Iterator[Sites]:
    with serving(index_root) as found:
        yield found


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """Two programmes that say different things of the same subject."""
    root = tmp_path_factory.mktemp("two")
    list_of = "Wir bauen Radwege.\n• Breite Radwege.\n• Eigene Ampeln."
    small.write(root, "rot", [Chapter("Rad", [list_of], 1, 7)], pdf_url="https://rot.example/p.pdf")
    small.write(root, "blau", [Chapter("Rad", ["Radwege sind uns zu teuer."], 1)])
    with serving(root) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def new(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Makes pages; closes them."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> Page:
        options = {"viewport": DESKTOP, "locale": "de-DE", "reduced_motion": "reduce", **options}
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(10_000)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(new: Callable[..., Page]) -> Page:
    return new()


def launcher(page: Page) -> Locator:
    return page.locator("fundstelle-chat .launcher").first


def opened(page: Page, address: str) -> Locator:
    """The dialog, opened by a click."""
    page.goto(address)
    launcher(page).click()
    panel = page.locator("fundstelle-chat .panel").first
    panel.wait_for()
    return panel


def ask(page: Page, question: str = QUESTION) -> None:
    page.locator("fundstelle-chat #question").first.fill(question)
    page.keyboard.press("Enter")


def inside(page: Page, expression: str) -> Any:
    """Evaluated with `root`, the first widget's shadow root."""
    return page.evaluate(
        f"(() => {{ const root = document.querySelector('fundstelle-chat').shadowRoot;"
        f" return {expression}; }})()"
    )


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP])
@pytest.mark.parametrize("host", HOSTS)
def test_it_answers_on_any_page(
    new: Callable[..., Page], sites: Sites, host: str, viewport: Any
) -> None:
    """On a sober page, under a strict policy, against hostile rules: the button is seen, the
    dialog is in view and readable, the answer is the programme's own words with their place.
    """
    page, seen = new(viewport=viewport), Seen()
    seen.watch(page)
    panel = opened(page, f"{sites.host}/{host}.html")
    ask(page)
    mark = panel.locator("mark").first
    mark.wait_for()
    assert PROMISE in mark.inner_text()
    assert NOTICE in panel.locator(".notice").inner_text()
    assert "Frühkindliche Bildung" in panel.locator(".place").first.inner_text()
    assert panel.locator(".status").inner_text().split() == ["✓", "Gefunden"]
    box = panel.bounding_box()
    assert box
    assert box["x"] >= 0 and box["x"] + box["width"] <= viewport["width"]
    assert box["y"] >= 0 and box["y"] + box["height"] <= viewport["height"]
    assert box["width"] >= 360 and box["height"] >= 600
    for part in (".message", "blockquote", ".place", "#question", ".send"):
        shown = panel.locator(part).first
        size = shown.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
        assert size >= 13, part
        assert shown.evaluate("e => getComputedStyle(e).direction") == "ltr", part
    link = panel.locator("a.read").first
    assert (link.get_attribute("target"), link.get_attribute("rel")) == ("_blank", "noopener")
    assert str(link.get_attribute("href")).startswith(f"{sites.bot}/p/{SLUG}/programm#")
    assert seen.complaints == []
    assert all(url.startswith((sites.bot, sites.host)) for url in seen.requests)


def test_the_link_leads_to_the_place_in_the_programme(page: Page, sites: Sites) -> None:
    """In a new tab, which can't reach back."""
    panel = opened(page, f"{sites.host}/sober.html")
    ask(page)
    with page.expect_popup() as popup:
        panel.locator("a.read").first.click()
    popup.value.locator(".cited").first.wait_for()
    assert popup.value.evaluate("window.opener") is None


@pytest.mark.parametrize("host", [*HOSTS, "wordpress", "twice"])
def test_nothing_happens_before_it_is_opened(page: Page, sites: Sites, host: str) -> None:
    """One script; no cookie, no storage, nothing moves, the page is as long as without it."""
    page.route("**/widget.js", lambda route: route.abort())
    page.goto(f"{sites.host}/{host}.html")
    length = page.evaluate("document.body.scrollHeight")
    page.unroute("**/widget.js")
    seen = Seen()
    seen.watch(page)
    page.add_init_script(WATCH)
    page.goto(f"{sites.host}/{host}.html")
    launcher(page).wait_for()
    page.wait_for_timeout(600)
    assert page.evaluate("document.body.scrollHeight") == length
    ours = {url for url in seen.requests if url.startswith(sites.bot)}
    assert ours == {f"{sites.bot}/widget.js"}
    assert page.evaluate("touched") == []
    assert page.evaluate("shifts") == []
    assert page.context.cookies() == []


def test_opening_and_asking_moves_and_stores_nothing(page: Page, sites: Sites) -> None:
    """No shift of the page, no cookie; of the storage, only a look whether a conversation was
    kept.
    """
    page.add_init_script(WATCH)
    panel = opened(page, f"{sites.host}/sober.html")
    ask(page)
    panel.locator(".card").first.wait_for()
    panel.locator(".close").click()
    page.wait_for_timeout(300)
    assert page.evaluate("shifts") == []
    assert not [
        t for t in page.evaluate("touched") if t.startswith(("setItem", "cookie", "indexed"))
    ]
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert page.context.cookies() == []


def test_the_conversation_goes_along_only_when_asked_to(page: Page, sites: Sites) -> None:
    """Ticked, it is there on the site's next page in this tab; unticked, it is erased at once."""
    panel = opened(page, f"{sites.host}/sober.html")
    ask(page)
    panel.locator(".card").first.wait_for()
    page.goto(f"{sites.host}/strict.html")
    panel = opened(page, f"{sites.host}/sober.html")
    assert panel.locator(".turn").count() == 0
    ask(page)
    panel.locator(".card").first.wait_for()
    panel.locator("#keep").check()
    assert page.evaluate("sessionStorage.length") == 1
    panel = opened(page, f"{sites.host}/strict.html")
    assert panel.locator("#keep").is_checked()
    assert panel.locator(".bubble").inner_text() == QUESTION
    assert PROMISE in panel.locator("mark").first.inner_text()
    panel.locator("#keep").uncheck()
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]


def test_starting_over_forgets(page: Page, sites: Sites) -> None:
    """Log, field and what was kept are empty; the opening suggestions are back."""
    panel = opened(page, f"{sites.host}/sober.html")
    first = panel.locator(".chip").all_inner_texts()
    panel.locator("#keep").check()
    ask(page)
    panel.locator(".card").first.wait_for()
    panel.locator(".restart").click()
    assert panel.locator(".turn").count() == 0
    assert panel.locator(".greeting").is_visible()
    assert panel.locator(".chip").all_inner_texts() == first
    assert QUESTION not in page.evaluate("JSON.stringify({...sessionStorage})")


def test_the_keyboard_is_enough(page: Page, sites: Sites) -> None:
    """Tab to the button, Enter opens, the field has the focus and keeps it, Escape closes, the
    focus is back on the button.
    """
    page.goto(f"{sites.host}/sober.html")
    launcher(page).wait_for()
    for _ in range(10):
        page.keyboard.press("Tab")
        if inside(page, "root.activeElement?.className") == "launcher":
            break
    assert inside(page, "getComputedStyle(root.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    panel = page.locator("fundstelle-chat .panel")
    panel.wait_for()
    assert inside(page, "root.activeElement.id") == "question"
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    panel.locator(".card").first.wait_for()
    assert inside(page, "root.activeElement.id") == "question"
    assert panel.locator("#question").input_value() == ""
    page.keyboard.type("Was tut ihr für Radwege?")
    page.keyboard.press("Enter")
    panel.locator(".turn").nth(1).wait_for()
    page.keyboard.press("Shift+Tab")
    assert inside(page, "root.activeElement.className") == "chip"
    page.keyboard.press("Enter")
    panel.locator(".turn").nth(2).wait_for()
    assert inside(page, "root.activeElement.id") == "question"
    page.keyboard.press("Escape")
    panel.wait_for(state="hidden")
    assert inside(page, "root.activeElement.className") == "launcher"


def test_the_page_behind_hears_no_key(page: Page, sites: Sites) -> None:
    """A site's shortcuts, "s" for its search, stay quiet while somebody types a question."""
    panel = opened(page, f"{sites.host}/sober.html")
    page.evaluate("window.heard = []; addEventListener('keydown', e => heard.push(e.key))")
    page.keyboard.type("s")
    page.keyboard.press("Escape")
    panel.wait_for(state="hidden")
    assert page.evaluate("heard") == []
    page.keyboard.press("x")
    assert page.evaluate("heard") == ["x"]


def test_on_a_phone_the_focus_stays_in_the_sheet(new: Callable[..., Page], sites: Sites) -> None:
    """It covers the page, so tabbing goes round; where fingers point no keyboard jumps up."""
    page = new(viewport=PHONE, has_touch=True, is_mobile=True)
    page.goto(f"{sites.host}/sober.html")
    launcher(page).tap()
    panel = page.locator("fundstelle-chat .panel")
    panel.wait_for()
    assert panel.get_attribute("aria-modal") == "true"
    assert inside(page, "root.activeElement.id") == "title"
    box = panel.bounding_box()
    assert box == {"x": 0, "y": 0, **{k: float(v) for k, v in PHONE.items()}}
    for key in ["Tab"] * 15 + ["Shift+Tab"] * 15:
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.localName") == "fundstelle-chat"


def test_touch_targets_are_large_enough(new: Callable[..., Page], sites: Sites) -> None:
    """44 pixels both ways, all of them."""
    page = new(viewport=PHONE)
    panel = opened(page, f"{sites.host}/sober.html")
    ask(page)
    panel.locator(".card").first.wait_for()
    for each in panel.locator("button:visible, a:visible, #question, .keep").all():
        box = each.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 44, each.evaluate("e => e.outerHTML")
    panel.locator(".close").click()
    box = launcher(page).bounding_box()
    assert box and box["height"] >= 44


def test_the_answer_is_announced(page: Page, sites: Sites) -> None:
    """A non-modal dialog with a name, a log that is a live region, a status that says what goes
    on.
    """
    panel = opened(page, f"{sites.host}/sober.html")
    assert panel.get_attribute("role") == "dialog"
    assert panel.get_attribute("aria-modal") is None
    assert page.get_by_role("dialog", name="Frag das Programm").count() == 1
    log = panel.get_by_role("log")
    assert log.get_attribute("aria-live") == "polite"
    ask(page)
    panel.locator(".card").first.wait_for()
    assert NOTICE in log.inner_text() and PROMISE in log.inner_text()
    assert panel.get_by_role("status").count() == 1


def test_what_is_not_there_is_said(page: Page, sites: Sites) -> None:
    """In words and a sign, with no card; and other questions are offered."""
    panel = opened(page, f"{sites.host}/sober.html")
    ask(page, "Wie backe ich einen Käsekuchen?")
    panel.locator(".turn").wait_for()
    status = panel.locator(".turn .status").inner_text().split(maxsplit=1)
    assert status in (["–", "Nichts gefunden"], ["≈", "Nicht sicher"])
    if status[0] == "–":
        assert panel.locator(".card").count() == 0
    assert panel.locator(".chip").count() > 0


def test_a_failed_request_keeps_the_question_and_offers_again(page: Page, sites: Sites) -> None:
    """Bad reception loses nothing, and the second try answers."""
    panel = opened(page, f"{sites.host}/sober.html")
    page.route("**/api/chat", lambda route: route.abort())
    ask(page)
    again = panel.get_by_role("button", name="Noch einmal versuchen")
    again.wait_for()
    assert panel.locator("#question").input_value() == QUESTION
    assert "Keine Verbindung" in panel.locator(".state").inner_text()
    page.unroute("**/api/chat")
    again.click()
    panel.locator("mark").first.wait_for()
    assert again.is_hidden()
    assert panel.locator("#question").input_value() == ""


def test_offline_when_opened_then_again(page: Page, sites: Sites) -> None:
    """The button says so, stays usable, and opens when the connection is back."""
    page.goto(f"{sites.host}/strict.html")
    launcher(page).wait_for()
    page.context.set_offline(True)
    launcher(page).click()
    said = page.locator("fundstelle-chat .opening")
    said.get_by_text("Keine Verbindung").wait_for()
    page.context.set_offline(False)
    launcher(page).click()
    page.locator("fundstelle-chat .panel").wait_for()
    assert said.is_hidden()


def test_an_answer_that_never_comes_is_given_up(page: Page, sites: Sites) -> None:
    """After fifteen seconds, with the question still in the field."""
    page.clock.install()
    panel = opened(page, f"{sites.host}/sober.html")
    page.route("**/api/chat", lambda route: None)
    ask(page)
    panel.get_by_text("Suche läuft").wait_for()
    page.clock.run_for(16_000)
    panel.get_by_text("lässt auf sich warten").wait_for()
    assert panel.locator("#question").input_value() == QUESTION
    assert panel.get_by_role("button", name="Noch einmal versuchen").is_visible()


def test_a_refusal_is_said_in_the_servers_words(new: Callable[..., Page], index_root: Path) -> None:
    """Too many questions: the reason is readable across origins, and asking again is offered."""
    with serving(index_root) as sites:
        page = new()
        panel = opened(page, f"{sites.host}/sober.html")
        body = '{"status": 429, "title": "Too Many Requests", "detail": "Bitte warten."}'
        headers = {"Access-Control-Allow-Origin": sites.host}
        page.route(
            "**/api/chat",
            lambda route: route.fulfill(
                status=429, body=body, headers=headers, content_type="application/problem+json"
            ),
        )
        ask(page)
        panel.get_by_text("Bitte warten.").wait_for()
        assert panel.locator("#question").input_value() == QUESTION


def test_counting_is_said_before_anything_is_asked(
    new: Callable[..., Page], index_root: Path, tmp_path: Path
) -> None:
    """Where the operator has switched it on; on a phone, too, without a line too wide."""
    counted = {"insights": "on", "insights_file": tmp_path / "insights.sqlite"}
    with serving(index_root, **counted) as sites:
        page = new(viewport=PHONE)
        panel = opened(page, f"{sites.host}/sober.html")
        said = panel.get_by_text(wording().insights.short)
        assert said.is_visible()
        assert panel.locator(".foot").evaluate("e => e.scrollWidth <= e.clientWidth")


def test_a_late_reply_is_dropped(page: Page, sites: Sites) -> None:
    """Only the newest question's answer is shown, whatever comes in which order."""
    panel = opened(page, f"{sites.host}/sober.html")
    held: list[Route] = []

    def hold_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/api/chat", hold_first)
    ask(page, "Was kostet der Bus?")
    ask(page)
    panel.locator(".turn").wait_for()
    held[0].continue_()
    page.wait_for_timeout(500)
    assert panel.locator(".bubble").all_inner_texts() == [QUESTION]
    assert panel.locator(".state").inner_text() == ""


def test_a_reply_after_starting_over_is_dropped(page: Page, sites: Sites) -> None:
    """What was asked before does not come back."""
    panel = opened(page, f"{sites.host}/sober.html")
    held: list[Route] = []
    page.route("**/api/chat", lambda route: held.append(route))
    ask(page)
    panel.get_by_text("Suche läuft").wait_for()
    panel.locator(".restart").click()
    held[0].continue_()
    page.wait_for_timeout(500)
    assert panel.locator(".turn").count() == 0
    assert panel.locator(".state").inner_text() == ""


def test_the_same_line_twice_makes_one_button(page: Page, sites: Sites) -> None:
    """A theme and a plugin may both put it there."""
    seen = Seen()
    seen.watch(page)
    page.goto(f"{sites.host}/twice.html")
    launcher(page).wait_for()
    page.wait_for_timeout(300)
    assert page.locator("fundstelle-chat").count() == 1
    assert seen.complaints == []


def test_two_programmes_on_one_page(page: Page, two: Sites) -> None:
    """Each has its button, above one another, its colour, its answers; one dialog at a time.
    Items of lists begin on lines of their own; a page number leads into the PDF.
    """
    page.add_init_script(WATCH)
    # The first line's script comes last: the order is that of the page all the same.
    page.route("**/widget.js?first", lambda route: (time.sleep(0.5), route.continue_()))
    page.goto(f"{two.host}/two.html")
    page.get_by_role("button", name="Roten").wait_for()
    page.wait_for_timeout(300)
    assert page.evaluate("shifts") == []
    for name, said in (("Roten", "Wir bauen Radwege."), ("Blauen", "Radwege sind uns zu teuer.")):
        page.get_by_role("button", name=name).click()
        widget = page.locator("fundstelle-chat[data-open]")
        widget.locator("#question").wait_for()
        assert page.locator("fundstelle-chat .panel:visible").count() == 1
        widget.locator("#question").fill("Was ist mit Radwegen?")
        page.keyboard.press("Enter")
        widget.locator("mark").first.wait_for()
        assert said in widget.locator("blockquote").first.inner_text()
        if name == "Roten":
            lines = widget.locator("blockquote").first.inner_text().splitlines()
            assert lines[1:] == ["• Breite Radwege.", "• Eigene Ampeln."]
            assert widget.get_by_role("link", name="im PDF, Seite 7").is_visible()
            assert ", S. 7" in widget.locator(".place").first.inner_text()
        widget.locator(".close").click()
    boxes = [b.bounding_box() for b in page.locator(".launcher").all()]
    assert boxes[0] and boxes[1]
    assert boxes[1]["y"] + boxes[1]["height"] <= boxes[0]["y"]
    colours = page.locator(".launcher").evaluate_all(
        "all => all.map(e => getComputedStyle(e).backgroundColor)"
    )
    assert colours == ["rgb(187, 0, 0)", "rgb(0, 102, 204)"]


def test_opening_one_closes_the_other(page: Page, two: Sites) -> None:
    """Also when the site opens it, as from a link of its own."""
    page.goto(f"{two.host}/two.html")
    launcher(page).wait_for()
    for number in (0, 1, 0):
        page.evaluate(f"document.querySelectorAll('fundstelle-chat')[{number}].open()")
        widget = page.locator("fundstelle-chat").nth(number)
        widget.locator(".panel").wait_for()
        assert page.locator("fundstelle-chat .panel:visible").count() == 1
        assert widget.evaluate("e => e.shadowRoot.activeElement.id") == "question"
    page.evaluate("document.querySelector('fundstelle-chat').close()")
    page.locator("fundstelle-chat .panel:visible").wait_for(state="hidden")


def test_an_element_in_the_text(page: Page, sites: Sites) -> None:
    """Placed by the site, in English, with a colour from its style sheet, on which black is read
    best; it needs no room that it did not have before.
    """
    page.add_init_script(WATCH)
    page.goto(f"{sites.host}/inline.html")
    launcher(page).wait_for()
    assert launcher(page).evaluate("e => getComputedStyle(e).color") == "rgb(0, 0, 0)"
    page.wait_for_timeout(300)
    assert page.evaluate("shifts") == []
    before = page.locator("main > p").bounding_box()
    launcher(page).click()
    region = page.get_by_role("region", name="Ask the programme")
    region.locator("#question").wait_for()
    assert page.locator("main > p").bounding_box() == before
    ask(page)
    region.locator("mark").first.wait_for()
    assert region.locator(".status").inner_text().split() == ["✓", "Found"]
    assert region.locator("blockquote").first.get_attribute("lang") == "de"
    page.keyboard.press("Escape")
    assert region.locator("mark").first.is_visible()


def test_a_site_says_what_it_likes(page: Page, sites: Sites) -> None:
    """Label, greeting, suggestions, corner, colour: by data attributes."""
    page.goto(f"{sites.host}/wordpress.html")
    page.get_by_role("button", name="Frag unser Programm").click()
    panel = page.locator("fundstelle-chat .panel")
    panel.get_by_text("Glück auf!").wait_for()
    chips = panel.locator(".chip")
    assert chips.all_inner_texts() == ["Was ist mit der Miete?", "Wird die Kita kostenlos?"]
    box = panel.bounding_box()
    assert box and box["x"] < 100
    header = panel.locator(".bar")
    assert header.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(4, 106, 56)"
    chips.first.click()
    panel.locator(".turn").wait_for()
    assert inside(page, "root.activeElement.id") == "question"


def test_a_preview_without_storage_does_not_break(page: Page, sites: Sites) -> None:
    """A sandboxed frame has neither storage nor origin: the button is there, nothing throws, and
    the dialog says why it can't ask there and where else.
    """
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{sites.host}/sandbox.html")
    frame = page.frame_locator("iframe")
    frame.locator(".launcher").click()
    frame.get_by_text("noch nicht freigegeben").wait_for()
    assert frame.locator(".keep").is_hidden()
    link = frame.get_by_role("link", name="Auf der Seite des Programms fragen")
    assert link.get_attribute("href") == f"{sites.bot}/p/{SLUG}"
    assert errors == []


def test_where_everybody_may_ask_a_sandboxed_frame_may_too(
    new: Callable[..., Page], index_root: Path
) -> None:
    """No form is submitted, for such frames forbid it; and nothing is kept."""
    with serving(index_root, allowed_origins="*") as sites:
        page = new()
        page.goto(f"{sites.host}/sandbox.html")
        frame = page.frame_locator("iframe")
        frame.locator(".launcher").click()
        frame.locator("#question").fill(QUESTION)
        page.keyboard.press("Enter")
        frame.locator("mark").first.wait_for()
        frame.locator(".restart").click()
        assert frame.locator(".turn").count() == 0


def test_an_old_browser_gets_a_style_element(page: Page, sites: Sites) -> None:
    """Where sheets can't be constructed."""
    page.add_init_script("delete CSSStyleSheet.prototype.replaceSync")
    panel = opened(page, f"{sites.host}/sober.html")
    ask(page)
    panel.locator("mark").first.wait_for()
    assert panel.evaluate("e => getComputedStyle(e).position") == "fixed"


def test_right_to_left(page: Page, sites: Sites) -> None:
    """By language: as the server says, and the quotation keeps its own direction."""

    def arabic(route: Route) -> None:
        body = route.fetch().json()
        route.fulfill(json={**body, "language": "ar", "dir": "rtl"})

    page.route("**/widget/words.json*", arabic)
    panel = opened(page, f"{sites.host}/sober.html")
    ask(page)
    panel.locator("mark").first.wait_for()
    assert panel.get_attribute("dir") == "rtl"
    assert panel.locator("blockquote").first.evaluate("e => getComputedStyle(e).direction") == "ltr"
    close, title = panel.locator(".close").bounding_box(), panel.locator("h2").bounding_box()
    assert close and title and close["x"] < title["x"]


def test_motion_is_reduced_on_request(new: Callable[..., Page], sites: Sites) -> None:
    """No animation, no smooth scrolling."""
    for wish, moves in (("reduce", "none"), ("no-preference", "rise")):
        page = new(reduced_motion=wish)
        panel = opened(page, f"{sites.host}/sober.html")
        assert panel.evaluate("e => getComputedStyle(e).animationName") == moves


def test_a_frame_needs_no_script(new: Callable[..., Page], sites: Sites) -> None:
    """A plain form, sandboxed, without JavaScript, under a host's policy without scripts."""
    page, seen = new(java_script_enabled=False), Seen()
    seen.watch(page)
    page.goto(f"{sites.host}/frame.html")
    frame = page.frame_locator("iframe")
    frame.locator("#message").fill(QUESTION)
    page.keyboard.press("Enter")
    frame.locator("mark").first.wait_for()
    assert PROMISE in frame.locator("mark").first.inner_text()
    assert NOTICE in frame.locator(".notice").inner_text()
    assert frame.locator(".bar").evaluate("e => getComputedStyle(e).color") == "rgb(255, 255, 255)"
    with page.expect_popup() as popup:
        frame.get_by_role("link", name="Im Programm lesen").first.click()
    popup.value.wait_for_url("**/programm#*")
    # Playwright's own look into the frame is what the sandbox blocks here.
    assert [c for c in seen.complaints if "Blocked script execution" not in c] == []


def test_another_site_may_not_frame_it(new: Callable[..., Page], index_root: Path) -> None:
    """Only those that the programme names."""
    with serving(index_root, allowed_origins="https://elsewhere.example") as sites:
        page, seen = new(), Seen()
        seen.watch(page)
        page.goto(f"{sites.host}/frame.html")
        page.wait_for_timeout(500)
        assert page.frame_locator("iframe").locator("#message").count() == 0
        assert any("frame-ancestors" in complaint for complaint in seen.complaints)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP])
@pytest.mark.parametrize("host", ["sober", "hostile", "wordpress", "inline"])
def test_no_accessibility_violations(
    new: Callable[..., Page], sites: Sites, host: str, viewport: Any, scheme: Any
) -> None:
    """axe-core finds nothing in the widget: closed, opened, with an answer, after a failure."""
    page = new(viewport=viewport, color_scheme=scheme, bypass_csp=True)
    page.goto(f"{sites.host}/{host}.html")
    launcher(page).wait_for()
    states: list[Callable[[], Any]] = [
        lambda: None,
        lambda: launcher(page).click(),
        lambda: ask(page),
        lambda: (page.route("**/api/chat", lambda route: route.abort()), ask(page, "Bus?")),
    ]
    signs = [".launcher", "#question", "mark", ".plain"]
    for act, sign in zip(states, signs, strict=True):
        act()
        page.locator(f"fundstelle-chat {sign}").first.wait_for()
        options = {"runOnly": {"type": "tag", "values": [*WCAG, "best-practice"]}}
        result = Axe().run(page, context="fundstelle-chat", options=options)
        assert result.response["violations"] == [], sign


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_for_frames_is_accessible(
    new: Callable[..., Page], sites: Sites, scheme: Any
) -> None:
    """Before and after a question; nothing scrolls sideways at 320 pixels."""
    page = new(viewport={"width": 320, "height": 640}, color_scheme=scheme, bypass_csp=True)
    page.goto(f"{sites.bot}/p/{SLUG}/einbetten")
    options = {"runOnly": {"type": "tag", "values": [*WCAG, "best-practice"]}}
    for asked in (False, True):
        if asked:
            page.locator("#message").fill(QUESTION)
            page.keyboard.press("Enter")
            page.locator("mark").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        result = Axe().run(page, options=options)
        assert result.response["violations"] == []


@pytest.mark.parametrize("viewport", [{"width": 320, "height": 256}, {"width": 844, "height": 390}])
def test_little_room_is_enough(new: Callable[..., Page], sites: Sites, viewport: Any) -> None:
    """At 400 % zoom, or on a phone held sideways: field and answer can be reached."""
    page = new(viewport=viewport)
    panel = opened(page, f"{sites.host}/sober.html")
    ask(page)
    panel.locator("mark").first.wait_for()
    for part in ("mark", "#question", ".close", ".links a"):
        panel.locator(part).first.scroll_into_view_if_needed()
        box = panel.locator(part).first.bounding_box()
        assert box
        assert box["y"] >= 0 and box["y"] < viewport["height"], part
    assert panel.evaluate("e => e.scrollWidth <= e.clientWidth")
