"""Pictures of the real pages for README and docs: `make screenshots` (needs Chromium).

Each screen on a phone and a desktop, in light and dark, in German and Arabic. The light German
ones of the screens that the documents show go to docs/img (start-phone.png), all others to
var/screenshots, to be looked at (start-phone-dark-ar.png). Names on the command line choose
screens: `python scripts/screenshots.py answer reader`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bench import small
from bench.small import Chapter
from bench.web import FLAGS, chromium, serving

DOCS, ALL = Path("docs/img"), Path("var/screenshots")
SHOWN = {"start", "answer", "reader", "section", "compare"}
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 860}}
HOME = "/p/dortmund-2025"
SECTION = f"{HOME}/programm/fruehkindliche-bildung-verlaesslich-und-gebuehrenfrei"


def ask(page: Page, question: str) -> None:
    """Send a question and wait for what comes."""
    page.fill("#message", question)
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.locator(".reply, .column").first.wait_for()


def completing(page: Page) -> None:
    """The completions of half a word."""
    page.focus("#message")
    page.wait_for_timeout(400)
    page.locator("#message").press_sequentially("wohn")
    page.keyboard.press("ArrowDown")


def cited(page: Page) -> None:
    """From an answer into the programme."""
    ask(page, "Werden die Kita-Gebühren abgeschafft?")
    page.locator(".card .read").first.click()
    page.locator(".cited").first.wait_for()


def searching(page: Page) -> None:
    """The search within the text."""
    page.fill("#find", "Kita")
    page.wait_for_timeout(400)


SCREENS: dict[str, tuple[str, Callable[[Page], object]]] = {
    "start": (HOME, lambda page: None),
    "complete": (HOME, completing),
    "answer": (HOME, lambda page: ask(page, "Werden die Kita-Gebühren abgeschafft?")),
    "related": (HOME, lambda page: ask(page, "Gibt es kostenloses Schwimmen?")),
    "nothing": (HOME, lambda page: ask(page, "Wie backe ich einen Kuchen?")),
    "languages": (HOME, lambda page: page.click(".languages summary")),
    "reader": (HOME, cited),
    "search": (f"{HOME}/programm", searching),
    "changed": (f"{HOME}/programm?version=00000000", lambda page: None),
    "section": (SECTION, lambda page: None),
    "imprint": (f"{HOME}/impressum", lambda page: None),
    "privacy": (f"{HOME}/datenschutz", lambda page: None),
    "error": ("/nirgends", lambda page: None),
    "list": ("several/", lambda page: None),
    "compare": ("several/compare", lambda page: ask(page, "Was tut ihr für Radwege?")),
}


def main(chosen: list[str]) -> None:
    """Start servers of the bundled programme and of several small ones; photograph each screen."""
    for folder in (DOCS, ALL):
        folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as bundles,
        serving(_several(Path(bundles))) as several,
        serving(Path("var/index")) as one,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for size, scheme, language in product(SIZES, ("light", "dark"), ("de", "ar")):
            context = browser.new_context(
                viewport=SIZES[size], color_scheme=scheme, reduced_motion="reduce", locale="de-DE"
            )
            for name, (path, reach) in SCREENS.items():
                if chosen and name not in chosen:
                    continue
                page = context.new_page()
                page.set_default_timeout(10_000)
                host = several if path.startswith("several") else one
                mark = "&" if "?" in path else "?"
                choice = "" if language == "de" else f"{mark}sprache={language}"
                page.goto(f"{host}{path.removeprefix('several')}{choice}")
                reach(page)
                page.wait_for_timeout(200)
                page.screenshot(path=_file(name, size, scheme, language))
                page.close()
            context.close()
        browser.close()


def _file(name: str, size: str, scheme: str, language: str) -> Path:
    parts = [name, size, *(["dark"] if scheme == "dark" else []), language.replace("de", "")]
    folder = DOCS if name in SHOWN and (scheme, language) == ("light", "de") else ALL
    return folder / ("-".join(part for part in parts if part) + ".png")


def _several(root: Path) -> Path:
    """Three programmes in a few words, for the list and the comparison."""
    roads = "Wir bauen in jedem Jahr zehn Kilometer Radwege. Sie sind breit und sicher."
    winter = "Im Winter werden Radwege zuerst geräumt. Danach folgen die Straßen."
    small.write(
        root, "rot", [Chapter("Verkehr", [roads], 1, 6), Chapter("Winter", [winter], 2, 7)],
        title="Eine Stadt für alle", party="Die Roten", date="2025-09-14",
        pdf_url="https://rot.example/p.pdf",
    )  # fmt: skip
    small.write(
        root, "blau", [Chapter("Mobilität", ["Radwege und Straßen sind gleich viel wert."], 1)],
        title="Mit klarem Blick", party="Die Blauen", subtitle="Zur Kommunalwahl",
        date="2025-09-14",
    )  # fmt: skip
    small.write(
        root, "gelb", [Chapter("Kultur", ["Museen öffnen auch am Abend."], 1)],
        title="Mehr Licht", party="Die Gelben", date="2025-09-14",
    )  # fmt: skip
    return root


if __name__ == "__main__":
    main(sys.argv[1:])
