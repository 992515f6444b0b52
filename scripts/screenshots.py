"""Pictures of the real pages for README and docs: `make screenshots` (needs Chromium)."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import uvicorn
from playwright.sync_api import Page, sync_playwright

from bot.app import create_app
from bot.settings import Settings

OUT = Path("docs/img")
PORT = 8077
HOME = f"http://127.0.0.1:{PORT}/p/dortmund-2025"
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 860}}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main() -> None:
    """Start a server on the compiled bundle and photograph each screen."""
    server = uvicorn.Server(uvicorn.Config(create_app(Settings()), port=PORT, access_log=False))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.1)
    OUT.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name, size in SIZES.items():
            page = browser.new_context(viewport=size, reduced_motion="reduce").new_page()
            photograph(page, name)
        browser.close()
    server.should_exit = True


def photograph(page: Page, size: str) -> None:
    """Start, answer and reader at one size."""
    page.goto(HOME)
    page.screenshot(path=OUT / f"start-{size}.png")
    page.fill("#message", "Werden die Kita-Gebühren abgeschafft?")
    page.keyboard.press("Enter")
    page.wait_for_selector(".card mark")
    page.screenshot(path=OUT / f"answer-{size}.png")
    page.click(".card .read")
    page.wait_for_selector(".cited")
    page.screenshot(path=OUT / f"reader-{size}.png")


if __name__ == "__main__":
    main()
