"""`python -m bench.offline`: the app without a network beside the server, on both question files.

A headless Chromium makes itself ready for offline, the server is stopped, and every question is put
to the phone: by words, then with the encoder. tests/web/test_offline.py uses the same steps.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from playwright.sync_api import BrowserContext, Page, Playwright, sync_playwright

from bench.servers import BUNDLE, free_port
from bot.app import create_app
from bot.settings import Settings
from eval.asking import FILES
from eval.questions import OUT_OF_SCOPE, Question, read, right_passages
from index import bundle
from index.bundle import Bundle
from index.search import WEIGHTS, Searcher, fuse

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SCREEN = {"width": 390, "height": 844}
# Puts questions to the app's own code, not to a page made for measuring.
ASK = """async ({ slug, shell, questions }) => {
  const { Answers } = await import(`/offline/${shell}/answers.js`);
  const store = await import(`/offline/${shell}/store.js`);
  const answers = new Answers(slug, "");
  await answers.open(await store.state(slug));
  const found = [];
  for (const question of questions) found.push(await answers.ask(question));
  await answers.open(null);
  return found;
}"""


class Server:
    """Serves the programmes under a folder until it is stopped; the port stays its own."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._settings = Settings(index=root, rate_limit="", **settings)
        self.start()

    def start(self) -> None:
        """Come up, at the same address as before."""
        app = create_app(self._settings)
        config = uvicorn.Config(app, port=self.port, log_level="error", access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.05)

    def stop(self) -> None:
        """Go away, as in a stairwell without reception."""
        self._server.should_exit = True
        self._thread.join(10)


@contextmanager
def phone(playwright: Playwright, **options: Any) -> Iterator[BrowserContext]:
    """A browser of a person of their own: not a private window, whose apps can't be installed."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=FLAGS, viewport=SCREEN, locale="de-DE",
            reduced_motion="reduce", **options,
        )  # fmt: skip
        context.set_default_timeout(30_000)
        try:
            yield context
        finally:
            context.close()


def open_app(page: Page, address: str, slug: str) -> None:
    """The app's page, ready."""
    page.goto(f"{address}/p/{slug}/app")
    page.locator("body[data-ready]").wait_for()


def make_ready(page: Page) -> None:
    """Tap "Offline bereit machen" and wait until it is done."""
    page.locator("#to-storage").click()
    page.locator("#prepare").click()
    page.locator("#remove:enabled").wait_for()
    page.keyboard.press("Escape")


def add_encoder(page: Page) -> None:
    """Tap "Bedeutungssuche laden" and wait until it is done."""
    page.locator("#to-storage").click()
    page.locator("#encoder-add").click()
    page.locator("#encoder-remove:enabled").wait_for(timeout=120_000)
    page.keyboard.press("Escape")


def ask_all(page: Page, questions: Sequence[str]) -> list[dict[str, Any]]:
    """What the phone answers: status, order of the first ten passages, milliseconds."""
    about = page.evaluate(
        "({ slug: document.body.dataset.slug, shell: document.body.dataset.shell })"
    )
    found: list[dict[str, Any]] = page.evaluate(ASK, {**about, "questions": list(questions)})
    return found


@dataclass(frozen=True)
class Ranked:
    """The server's first ten passages, and how near each of the first three is to the next."""

    order: list[int]
    gaps: list[float]  # of fused scores: the first has some 5, the mean is 0


def server_ranks(searcher: Searcher, questions: Sequence[str]) -> list[Ranked]:
    """How the server ranks the passages."""
    ranks = []
    for query in questions:
        scores = fuse(searcher.signals(query), WEIGHTS)
        order = np.argsort(-scores, kind="stable")[:10]
        ranks.append(Ranked(order.tolist(), (-np.diff(scores[order[:4]])).tolist()))
    return ranks


@dataclass(frozen=True)
class Row:
    """A system's figures on one file."""

    hit1: float
    hit3: float
    same_first: int
    same_three: int


def row(
    orders: Sequence[Sequence[int]],
    server: Sequence[Sequence[int]],
    questions: Sequence[Question],
    loaded: Bundle,
) -> Row:
    """Hits over the answerable questions, agreement with the server over all."""
    right = [
        (order, right_passages(q, loaded.passages))
        for order, q in zip(orders, questions, strict=True)
        if q.kind != OUT_OF_SCOPE
    ]
    pairs = list(zip(orders, server, strict=True))
    return Row(
        statistics.mean(order[0] in passages for order, passages in right),
        statistics.mean(bool(passages & set(order[:3])) for order, passages in right),
        sum(a[0] == b[0] for a, b in pairs),
        sum(list(a[:3]) == list(b[:3]) for a, b in pairs),
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.offline", description=__doc__)
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    options = parser.parse_args()
    if CHROMIUM is None:
        print("bench.offline: chromium is not installed", file=sys.stderr)
        return 2
    loaded = bundle.load(options.bundle)
    files = {path.stem: read(path) for path in FILES}
    questions = [question.query for asked in files.values() for question in asked]
    answers = on_phone(options.bundle.parent, loaded.manifest.slug, questions)
    searcher = loaded.searcher()
    server = server_ranks(searcher, questions)
    orders = {"server": [ranked.order for ranked in server]}
    orders |= {name: [a["order"] for a in found] for name, found in answers.items()}
    begin = 0
    for name, asked in files.items():
        span = slice(begin, begin := begin + len(asked))
        print_orders(name, asked, {k: v[span] for k, v in orders.items()}, loaded)
        print_statuses({k: v[span] for k, v in answers.items()})
    print_others(questions, server, orders["phone, with encoder"])
    for system, answered in answers.items():
        times = sorted(a["milliseconds"] for a in answered)
        print(f"{system}: median {statistics.median(times):.1f} ms, "
              f"95 % below {times[int(0.95 * len(times))]:.1f} ms a question")  # fmt: skip
    return 0


def print_orders(
    name: str, asked: Sequence[Question], orders: dict[str, list[list[int]]], loaded: Bundle
) -> None:
    """The table of one file. `first`, `three`: how many questions get the server's first passage,
    its first three in order.
    """
    print(f"\n{name:<22}{'n':>5}{'hit@1':>8}{'hit@3':>8}{'first':>8}{'three':>8}")
    for system, found in orders.items():
        r = row(found, orders["server"], asked, loaded)
        figures = f"{len(asked):>5}{r.hit1:>8.3f}{r.hit3:>8.3f}{r.same_first:>8}"
        print(f"{system:<22}{figures}{r.same_three:>8}")


def print_others(
    questions: Sequence[str], server: Sequence[Ranked], phone: Sequence[list[int]]
) -> None:
    """Questions to which the phone shows other passages, or another order."""
    print()
    for question, ranked, order in zip(questions, server, phone, strict=True):
        if ranked.order[:3] != order[:3]:
            print(
                f"{ranked.order[:4]} against {order[:4]}, {min(ranked.gaps):.5f} apart: {question}"
            )


def print_statuses(answers: dict[str, list[dict[str, Any]]]) -> None:
    """How often the phone is sure."""
    for system, answered in answers.items():
        counts = Counter(a["status"] for a in answered)
        shares = (f"{status} {count / len(answered):.3f}" for status, count in counts.most_common())
        print(f"  {system}: {', '.join(shares)}")


def on_phone(root: Path, slug: str, questions: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The answers by words and with the encoder, the server stopped each time."""
    server = Server(root)
    with sync_playwright() as playwright, phone(playwright) as context:
        page = context.new_page()
        open_app(page, server.address, slug)
        make_ready(page)
        answers = {"phone, by words": _alone(page, context, server, questions)}
        server.start()
        add_encoder(page)
        answers["phone, with encoder"] = _alone(page, context, server, questions)
    return answers


def _alone(
    page: Page, context: BrowserContext, server: Server, questions: Sequence[str]
) -> list[dict[str, Any]]:
    server.stop()
    context.set_offline(True)
    page.reload()
    page.locator("body[data-ready]").wait_for()
    found = ask_all(page, questions)
    context.set_offline(False)
    return found


if __name__ == "__main__":
    sys.exit(main())
