"""`python -m bench.web`: what the chat page costs a phone on a slow line, as issue D promises.

A real Chromium loads the page over a simulated slow 4G (1.6 Mbit/s, 150 ms) with a processor four
times slower, each time with an empty cache; the best of three counts, since the machine has other
work.

    bytes       of all answers before the first question, as they came over the wire, with headers
    first paint when something is seen (First Contentful Paint)
    interactive when the page is loaded, its scripts have run, and no task longer than 50 ms is left
    answer      from the server's reply to its passage on the screen
    shift       how much moved by itself meanwhile (Cumulative Layout Shift)
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from bench.servers import free_port
from bot.app import create_app
from bot.settings import Settings

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
QUESTION = "Werden die Kita-Gebühren abgeschafft?"
SLOW_4G = {
    "offline": False, "latency": 150,
    "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8,
}  # fmt: skip
ROUNDS = 3
SLOWER = 4.0
# Milliseconds that `LOOP` takes on the phone meant by that. An estimate: four times half of what it
# took on a machine whose Python was about half as fast as where the promise was made.
PHONE = 9.6
LOOP = """() => { let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const began = performance.now(); let text = '';
    for (let n = 0; n < 300000; n++) {
      text += String.fromCharCode(97 + n % 26);
      if (text.length > 1000) text = text.slice(500); }
    best = Math.min(best, performance.now() - began); }
  return best; }"""
BYTES, PAINT, INTERACTIVE, ANSWER, SHIFT = 60 * 1024, 1000, 1500, 100, 0.1

# Set up before anything of the page runs.
WATCH = """
window.seen = { paint: 0, busy: 0, shift: 0, reply: 0, shown: 0 };
new PerformanceObserver(list => { for (const e of list.getEntries())
  if (e.name === 'first-contentful-paint') seen.paint = e.startTime; })
  .observe({ type: 'paint', buffered: true });
new PerformanceObserver(list => { for (const e of list.getEntries())
  seen.busy = Math.max(seen.busy, e.startTime + e.duration); })
  .observe({ type: 'longtask', buffered: true });
new PerformanceObserver(list => { for (const e of list.getEntries())
  if (!e.hadRecentInput) seen.shift += e.value; })
  .observe({ type: 'layout-shift', buffered: true });
const before = window.fetch;
window.fetch = async (...all) => { const r = await before(...all);
  if (String(all[0]).includes('/api/chat')) {
    const json = r.json.bind(r);
    r.json = async () => {
      const body = await json(); seen.reply = performance.now(); return body; };
  } return r; };
addEventListener('DOMContentLoaded', () => {
  new MutationObserver((_, me) => { if (!document.querySelector('.log .card')) return;
    me.disconnect();
    requestAnimationFrame(() => setTimeout(() => { seen.shown = performance.now(); })); })
    .observe(document.querySelector('.log'), { childList: true, subtree: true }); });
"""


@dataclass(frozen=True)
class Load:
    """One load of the page and one question: milliseconds, bytes, and every address asked."""

    bytes: int
    requests: tuple[str, ...]
    paint: float
    interactive: float
    answer: float
    shift: float


def main() -> int:
    """Print one line a figure; returns 1 where a promise is broken."""
    with serving(Path("var/index")) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        load = best(browser, f"{address}/p/dortmund-2025")
        browser.close()
    rows = [
        ("chat page, over the wire", load.bytes / 1024, BYTES / 1024, "KB", 1),
        ("first contentful paint", load.paint, PAINT, "ms", 0),
        ("interactive", load.interactive, INTERACTIVE, "ms", 0),
        ("answer on the screen after the reply", load.answer, ANSWER, "ms", 0),
        ("cumulative layout shift", load.shift, SHIFT, "", 2),
    ]
    print(f"{'':<40}{'measured':>12}{'promised':>12}")
    for what, measured, promised, unit, digits in rows:
        flag = "" if measured <= promised else "  ← broken"
        figures = f"{measured:>9.{digits}f} {unit:<2}{promised:>9g} {unit}"
        print(f"{what:<40}{figures}{flag}")
    print("asked: " + ", ".join(urlsplit(url).path for url in load.requests))
    return int(any(measured > promised for _, measured, promised, _, _ in rows))


def slower(browser: Browser) -> float:
    """`SLOWER`, or less where this machine is itself slower than that took for granted."""
    page = browser.new_page()
    rate = PHONE / float(page.evaluate(LOOP))
    page.close()
    return min(SLOWER, max(1.0, rate))


def best(browser: Browser, address: str, rounds: int = ROUNDS, rate: float = SLOWER) -> Load:
    """The best of each figure, on a processor `rate` times slower."""
    loads = [measure(browser, address, rate) for _ in range(rounds)]
    return Load(
        min(load.bytes for load in loads),
        loads[0].requests,
        paint=min(load.paint for load in loads),
        interactive=min(load.interactive for load in loads),
        answer=min(load.answer for load in loads),
        shift=min(load.shift for load in loads),
    )


def measure(browser: Browser, address: str, rate: float) -> Load:
    """Load the page with an empty cache on a slow line, then ask."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="de-DE")
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.add_init_script(WATCH)
    cdp = context.new_cdp_session(page)
    received, requests = _wire(cdp)
    cdp.send("Network.emulateNetworkConditions", SLOW_4G)
    cdp.send("Emulation.setCPUThrottlingRate", {"rate": rate})
    page.goto(address, wait_until="load")
    page.wait_for_timeout(600)
    size, asked = sum(received), tuple(requests)
    ran = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
    interactive = page.evaluate(f"Math.max({ran}, seen.paint, seen.busy)")
    _ask(page)
    seen = json.loads(page.evaluate("JSON.stringify(seen)"))
    context.close()
    return Load(
        size, asked, seen["paint"], interactive, seen["shown"] - seen["reply"], seen["shift"]
    )


def _wire(cdp: CDPSession) -> tuple[list[int], list[str]]:
    received: list[int] = []
    requests: list[str] = []
    cdp.on("Network.loadingFinished", lambda e: received.append(int(e["encodedDataLength"])))
    cdp.on("Network.requestWillBeSent", lambda e: requests.append(e["request"]["url"]))
    cdp.send("Network.enable")
    cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
    return received, requests


def _ask(page: Page) -> None:
    page.fill("#message", QUESTION)
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.wait_for_function("() => seen.shown > 0")


def chromium() -> str | None:
    """Where the browser is."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def serving(index: Path) -> Iterator[str]:
    """A server of these bundles on a free port."""
    port = free_port()
    app = create_app(Settings(index=index, rate_limit=""))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


if __name__ == "__main__":
    raise SystemExit(main())
