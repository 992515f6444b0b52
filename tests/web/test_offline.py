"""The app without a network, in a real browser: stored by a tap, then the server is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, Playwright, sync_playwright

from bench import small
from bench.offline import (
    CHROMIUM,
    Server,
    add_encoder,
    ask_all,
    make_ready,
    open_app,
    phone,
    row,
    server_ranks,
)
from bench.small import Chapter
from bot.answering import answer
from bot.library import Served
from bot.messages import Question as Asked
from eval.questions import read
from index import german
from index.bundle import Bundle
from tests.conftest import ROOT, SLUG

QUESTION = "Werden die Kita-Gebühren abgeschafft?"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed; .ci/run installs it"),
]
# What the browser holds, of every kind that there is.
STORED = """async () => ({
  caches: await caches.keys(), local: localStorage.length, session: sessionStorage.length,
  databases: (await indexedDB.databases()).length,
  workers: (await navigator.serviceWorker.getRegistrations()).length, cookie: document.cookie,
})"""
NOTHING = {"caches": [], "local": 0, "session": 0, "databases": 0, "workers": 0, "cookie": ""}
# The search as the worker makes it, to be asked piece by piece.
SEARCH = """async ({ slug, shell }) => {
  const { Search } = await import(`/offline/${shell}/search.js`);
  const store = await import(`/offline/${shell}/store.js`);
  globalThis.search = new Search(await store.searchFiles(await store.state(slug)));
}"""
SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
PLAIN = read(ROOT / "eval" / "plain.jsonl")
ALL = [*PLAIN, *read(ROOT / "eval" / "hard.jsonl")]
SOME = ALL[::3]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def server(index_root: Path) -> Iterator[Server]:
    server = Server(index_root)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def whole(chromium: Playwright, index_root: Path) -> Iterator[Page]:
    """A phone with everything stored; its server is gone and its network is off."""
    server = Server(index_root)
    with phone(chromium) as context:
        page = context.new_page()
        open_app(page, server.address, SLUG)
        make_ready(page)
        add_encoder(page)
        alone(context, page, server)
        yield page


@pytest.fixture
def fresh(chromium: Playwright, server: Server) -> Iterator[Page]:
    """A phone that has just opened the app. A request to another origin, or anything that the
    content policy refuses, fails the test.
    """
    with phone(chromium) as context:
        page = context.new_page()
        foreign: list[str] = []
        refused: list[str] = []
        page.on(
            "console", lambda m: refused.append(m.text) if "Security Policy" in m.text else None
        )
        context.on(
            "request",
            lambda r: (
                None if r.url.startswith((server.address, "data:")) else foreign.append(r.url)
            ),
        )
        open_app(page, server.address, SLUG)
        yield page
        assert foreign == []
        assert refused == []


def alone(context: BrowserContext, page: Page, server: Server) -> None:
    server.stop()
    context.set_offline(True)
    page.reload()
    page.locator("body[data-ready]").wait_for()


def ask(page: Page, question: str) -> None:
    page.locator("#question").fill(question)
    page.locator("#ask button").click()
    page.locator(".turn", has_text=question).locator(".says").wait_for()


def wait_until_served(page: Page, version: str) -> None:
    address = "fetch('/p/rot/offline/manifest.json').then((answer) => answer.json())"
    for _ in range(100):
        if page.evaluate(address)["version"] == version:
            return
        page.wait_for_timeout(100)
    raise AssertionError("the server never took the new version up")


def about(page: Page) -> dict[str, str]:
    table: dict[str, str] = page.evaluate(
        "({ slug: document.body.dataset.slug, shell: document.body.dataset.shell })"
    )
    return table


def training_questions() -> list[str]:
    found: dict[str, None] = {}
    for path in sorted((ROOT / "training" / "questions").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").split("\n"):
            record = json.loads(line) if line else {}
            found |= dict.fromkeys(q["text"] for q in record.get("questions", ()))
            found |= dict.fromkeys([record["text"]] if "text" in record else [])
    return list(found)


# Parity: the JavaScript does what the Python does.


def test_words_and_word_pieces_are_the_servers(whole: Page, compiled: Bundle) -> None:
    """Folding, stems, compounds and word pieces, on all eval queries, all training questions (more
    than 5,000) and the programme's own vocabulary: not one differs.
    """
    questions = training_questions()
    assert len(questions) > 5000
    texts = [q.query for q in ALL] + questions + [p.text for p in compiled.passages]
    whole.evaluate(SEARCH, about(whole))
    found = whole.evaluate(
        """(texts) => texts.map((text) => {
          const words = search.lexical.lexicon.german.words(text);
          const { german, words: { terms } } = search.lexical.lexicon;
          return [search.ids(text), words.map((w) => [w, german.stem(w), german.parts(w, terms)])];
        })""",
        texts,
    )
    known = compiled.lexicon.words.terms
    tokenizer = compiled.encoder._tokenizer
    for text, (ids, words) in zip(texts, found, strict=True):
        assert ids == tokenizer.encode(text).ids, text
        wanted = [[w, german.stem(w), list(german.parts(w, known))] for w in german.words(text)]
        assert words == wanted, text


def test_slips_and_abbreviations_are_put_right_as_on_the_server(
    whole: Page, compiled: Bundle
) -> None:
    """The question that is searched for is the same, letter by letter; also for mistyped words."""
    searcher = compiled.searcher()
    words = {w for p in compiled.passages for w in p.text.split() if w.isalpha() and len(w) > 7}
    mistyped = [w[:4] + w[5] + w[4] + w[6:] for w in sorted(words)][:400]
    mistyped += [w[:3] + w[4:] for w in sorted(words)][:400]
    plain = [q.query.lower().translate(SPELT_OUT) for q in ALL]  # as if on a foreign keyboard
    odd = ["Was ist mit der ogs?", "OGS-Plätze", "ßa", "ﬁnanzausgleichsamt", "և", "rad" * 300]
    questions = [q.query for q in ALL] + mistyped + plain + [q.query.upper() for q in ALL] + odd
    whole.evaluate(SEARCH, about(whole))
    found = whole.evaluate("(questions) => questions.map((q) => search.prepare(q))", questions)
    wanted = [searcher.signals(q).text for q in questions]
    assert sum(a != b for a, b in zip(questions, wanted, strict=True)) > 100  # some are put right
    assert found == wanted


def test_the_lexicon_scores_as_on_the_server(whole: Page, compiled: Bundle) -> None:
    """BM25 and 4-grams of every passage, for every eval question: the same to the last bit but
    two.
    """
    queries = [q.query for q in ALL]
    whole.evaluate(SEARCH, about(whole))
    found = whole.evaluate(
        """(questions) => questions.map((question) => {
          const { lexicon } = search.lexical;
          return [lexicon.scoreWords(question), lexicon.scoreGrams(question)].map((a) => [...a]);
        })""",
        queries,
    )
    for query, (words, grams) in zip(queries, found, strict=True):
        assert np.allclose(words, compiled.lexicon.score_words(query), rtol=1e-6, atol=1e-7)
        assert np.allclose(grams, compiled.lexicon.score_grams(query), rtol=1e-6, atol=1e-7)


def test_with_the_same_vector_the_ranking_is_the_servers(whole: Page, compiled: Bundle) -> None:
    """For every eval question: the same first three passages, key sentences and certainty."""
    searcher = compiled.searcher()
    vectors = [searcher.signals(q.query).query.tolist() for q in ALL]
    whole.evaluate(SEARCH, about(whole))
    found = whole.evaluate(
        """(asked) => asked.map(([question, vector]) => {
          const { order, best, confidence } = search.rank(
            search.prepare(question), Float32Array.from(vector));
          const top = order.slice(0, 3);
          const { passages } = search.programme;
          return { top, confidence, keys: top.map((n) => passages[n].sentences[best[n]]) };
        })""",
        [[q.query, v] for q, v in zip(ALL, vectors, strict=True)],
    )
    for question, one in zip(ALL, found, strict=True):
        wanted = searcher.search(question.query)
        assert one["top"] == [hit.passage for hit in wanted.hits], question.query
        assert [tuple(key) for key in one["keys"]] == [hit.key for hit in wanted.hits]
        assert one["confidence"] == pytest.approx(wanted.confidence, abs=1e-3)


def test_of_sentences_as_near_the_first_is_the_key(whole: Page) -> None:
    """As the server's `argmax` takes it: of a sentence said twice, the place where it is first."""
    key = whole.evaluate(
        """async ({ shell }) => {
          const { DenseRanker } = await import(`/offline/${shell}/dense.js`);
          const rows = { kind: [2, 2, 2], owner: [0, 0, 0], part: [4, 5, 6] };
          const { sentences } = DenseRanker.prototype;
          return sentences.call({ rows, count: 1 }, [0.5, 0.75, 0.75])[1][0];
        }""",
        about(whole),
    )
    assert key == 5


# Without network and server.


def test_questions_are_answered_as_online(whole: Page, compiled: Bundle, served: Served) -> None:
    """With the encoder, network off and server stopped: for every third eval question the server's
    first three passages in its order, but where two of them are as good as even. `python -m
    bench.offline` asks all.
    """
    queries = [q.query for q in SOME]
    answers = ask_all(whole, queries)
    assert all(a["byMeaning"] for a in answers)
    online = server_ranks(compiled.searcher(), queries)
    for query, found, ranked in zip(queries, answers, online, strict=True):
        even = min(ranked.gaps) < 0.004  # rare; the first's score is some 5
        assert found["order"][:3] == ranked.order[:3] or even, query
    orders = [a["order"] for a in answers]
    same = row(orders, [r.order for r in online], SOME, compiled)
    assert same.same_first >= len(SOME) - 1
    assert same.same_three >= len(SOME) - 2
    said = [answer(Asked(q.query), served).status for q in PLAIN[::3]]
    plain = [a["status"] for a in answers[: len(said)]]
    assert sum(a != b for a, b in zip(plain, said, strict=True)) <= 1


@pytest.fixture(scope="module")
def wordy(chromium: Playwright, index_root: Path) -> Iterator[Page]:
    """A phone without the encoder, alone."""
    server = Server(index_root)
    with phone(chromium) as context:
        page = context.new_page()
        open_app(page, server.address, SLUG)
        make_ready(page)
        alone(context, page, server)
        yield page


def test_by_words_alone_every_plain_question_finds_something(wordy: Page, compiled: Bundle) -> None:
    """Passages for each question of plain.jsonl, and hit@3 within three points of the server's."""
    queries = [q.query for q in PLAIN]
    answers = ask_all(wordy, queries)
    assert not any(a["byMeaning"] for a in answers)
    assert all(a["passages"] for a in answers)
    online = [ranked.order for ranked in server_ranks(compiled.searcher(), queries)]
    here = row([a["order"] for a in answers], online, PLAIN, compiled)
    assert here.hit3 >= row(online, online, PLAIN, compiled).hit3 - 0.03


def test_by_words_it_is_seldom_sure_of_what_it_does_not_know(wordy: Page) -> None:
    """Out-of-scope questions get "answered" from the phone no more often than from the server."""
    outside = [q.query for q in ALL if q.kind == "outofscope"]
    answers = ask_all(wordy, outside)
    assert sum(a["status"] == "answered" for a in answers) <= 0.12 * len(outside)


def test_app_reader_and_permalink_work_in_flight_mode(whole: Page) -> None:
    """Ask, read, follow the citation; the page says that there is no connection; the chat's
    address leads to the app.
    """
    address = whole.evaluate("location.origin")
    whole.goto(f"{address}/p/{SLUG}/app")
    whole.locator("body.is-offline[data-ready]").wait_for()
    assert "Ohne Verbindung" in whole.locator("#network").inner_text()
    ask(whole, QUESTION)
    assert "Kita-Gebühren komplett abschaffen" in whole.locator(".card mark").first.inner_text()
    whole.locator(".card .read").first.click()
    whole.locator(".cited").first.wait_for()
    whole.wait_for_function(
        "() => { const r = document.querySelector('.cited').getBoundingClientRect();"
        " return r.top >= 0 && r.top < innerHeight; }"
    )
    for page in ("programm", "impressum", "datenschutz"):
        assert whole.goto(f"{address}/p/{SLUG}/{page}").status == 200  # type: ignore[union-attr]
    whole.goto(f"{address}/p/{SLUG}")
    assert whole.url == f"{address}/p/{SLUG}/app"


# What is stored, and when.


def test_nothing_is_stored_before_a_tap(fresh: Page) -> None:
    """Opening the app, asking the server, looking into both panels: no cache, no database, no
    storage, no worker, no cookie. And no other origin is asked.
    """
    ask(fresh, QUESTION)
    fresh.locator("#to-storage").click()
    fresh.keyboard.press("Escape")
    fresh.locator("#to-memory").click()
    fresh.keyboard.press("Escape")
    assert fresh.evaluate(STORED) == NOTHING
    assert fresh.context.cookies() == []


def test_all_of_it_can_be_removed(fresh: Page) -> None:
    """After "delete everything" the browser holds as much as before: nothing."""
    make_ready(fresh)
    held = fresh.evaluate(STORED)
    assert held["workers"] == 1
    assert len(held["caches"]) == 2
    assert (held["local"], held["session"], held["databases"], held["cookie"]) == (0, 0, 0, "")
    fresh.locator("#to-storage").click()
    fresh.locator("#remove").click()
    fresh.locator("#prepare:visible:enabled").wait_for()
    assert fresh.evaluate(STORED) == NOTHING


def test_deleting_everything_deletes_what_was_remembered(fresh: Page) -> None:
    """Last questions and marked passages too."""
    make_ready(fresh)
    ask(fresh, QUESTION)
    fresh.locator(".card .mark").first.click()
    assert fresh.evaluate("localStorage.length") == 1
    fresh.locator("#to-storage").click()
    fresh.locator("#remove").click()
    fresh.locator("#prepare:visible:enabled").wait_for()
    assert fresh.evaluate(STORED) == NOTHING


def test_what_the_browser_cleared_is_fetched_anew(fresh: Page) -> None:
    """A file of a finished version is gone: the app opens, asks the server, and can be made ready
    again.
    """
    make_ready(fresh)
    fresh.evaluate(
        """async () => {
          for (const name of await caches.keys()) {
            const cache = await caches.open(name);
            for (const key of await cache.keys())
              if (key.url.endsWith("lexicon.bin")) await cache.delete(key);
          }
        }"""
    )
    fresh.reload()
    fresh.locator("body[data-ready]").wait_for()
    with fresh.expect_request("**/api/chat"):
        ask(fresh, QUESTION)
    make_ready(fresh)
    ask(fresh, "Was tut ihr für Radwege?")


def test_no_question_is_stored_or_sent_once_ready(fresh: Page) -> None:
    """The phone answers by itself, online too: nothing is asked of the server, and no cache holds
    the question.
    """
    make_ready(fresh)
    sent: list[str] = []
    fresh.on("request", lambda request: sent.append(request.method))
    ask(fresh, QUESTION)
    assert "POST" not in sent
    kept = fresh.evaluate(
        """async () => {
          const all = [];
          for (const name of await caches.keys())
            for (const key of await (await caches.open(name)).keys()) all.push(key.url);
          return all;
        }"""
    )
    assert kept
    assert not any("Kita" in url for url in kept)
    assert fresh.evaluate("localStorage.length") == 0


def test_last_questions_are_off_until_switched_on(fresh: Page) -> None:
    """And switching off erases them, with the marked passages."""
    ask(fresh, QUESTION)
    assert fresh.evaluate("localStorage.length") == 0
    fresh.locator("#to-memory").click()
    fresh.locator("#remember").check()
    fresh.keyboard.press("Escape")
    ask(fresh, "Was tut ihr für Radwege?")
    fresh.locator(".card .mark").last.click()
    fresh.locator("#to-memory").click()
    assert fresh.locator("#questions .chip").all_inner_texts() == ["Was tut ihr für Radwege?"]
    fresh.locator("#favourites .chip").wait_for()
    fresh.locator("#forget").click()
    assert fresh.locator("#questions .chip").count() == 0
    fresh.locator("#remember").uncheck()
    assert fresh.evaluate("localStorage.length") == 0


# Downloads that go wrong, and new versions.


def test_a_damaged_file_is_thrown_away(fresh: Page) -> None:
    """One byte other than the manifest's hash says: nothing is turned on, and it says so."""

    def spoil(route: Any) -> None:
        response = route.fetch()
        body = bytearray(response.body())
        body[100] ^= 1
        route.fulfill(response=response, body=bytes(body))

    fresh.context.route("**/lexicon.bin", spoil)
    fresh.locator("#to-storage").click()
    fresh.locator("#prepare").click()
    fresh.locator("#progress-text", has_text="beschädigt").wait_for()
    assert fresh.evaluate("caches.has('fundstelle-state')") is False
    fresh.context.unroute("**/lexicon.bin")
    fresh.locator("#prepare").click()
    fresh.locator("#remove:enabled").wait_for()


def test_a_half_downloaded_version_never_answers(fresh: Page) -> None:
    """The connection ends midway: the app goes on asking the server, and the next try finishes."""
    fresh.context.route("**/tokenizer.bin", lambda route: route.abort())
    fresh.locator("#to-storage").click()
    fresh.locator("#prepare").click()
    fresh.locator("#progress-text", has_text="brach ab").wait_for()
    assert fresh.evaluate("caches.has('fundstelle-state')") is False
    fresh.reload()
    fresh.locator("body[data-ready]").wait_for()
    with fresh.expect_request("**/api/chat"):
        ask(fresh, QUESTION)
    fresh.context.unroute("**/tokenizer.bin")
    make_ready(fresh)


def test_a_lost_encoder_download_goes_on_where_it_stopped(fresh: Page) -> None:
    """Parts that have come are not fetched again."""
    make_ready(fresh)
    ranges: list[str] = []

    def some(route: Any) -> None:
        ranges.append(route.request.headers["range"])
        if len(ranges) > 4:
            route.abort()
        else:
            route.continue_()

    fresh.context.route("**/encoder.onnx", some)
    fresh.locator("#to-storage").click()
    fresh.locator("#encoder-add").click()
    fresh.locator("#progress-text", has_text="brach ab").wait_for()
    came = ranges[:4]
    fresh.context.unroute("**/encoder.onnx")
    fresh.on(
        "request",
        lambda r: ranges.append(r.headers["range"]) if r.url.endswith("encoder.onnx") else None,
    )
    del ranges[:]
    fresh.locator("#encoder-add").click()
    fresh.locator("#encoder-remove:enabled").wait_for(timeout=60_000)
    assert ranges
    assert not set(came) & set(ranges)
    fresh.locator("#encoder-remove").click()
    fresh.locator("#encoder-add:visible:enabled").wait_for()
    assert not any("encoder" in name for name in fresh.evaluate("caches.keys()"))


def test_a_new_version_takes_the_old_ones_place(chromium: Playwright, tmp_path: Path) -> None:
    """Compiled while the app is open: fetched aside, turned on at once, said so; offline it then
    answers from the new one. With a download that fails, the old one goes on answering.
    """
    before = [Chapter("Verkehr", ["Wir bauen Radwege in der Stadt."], 1)]
    after = [Chapter("Verkehr", ["Wir bauen hundert Kilometer Radwege."], 1)]
    small.write(tmp_path, "rot", before)
    server = Server(tmp_path, reload_seconds=0.2)
    with phone(chromium) as context:
        page = context.new_page()
        open_app(page, server.address, "rot")
        make_ready(page)
        page.reload()
        page.locator("body[data-ready]").wait_for()
        ask(page, "Radwege?")
        assert "in der Stadt" in page.locator("#log .quote").last.inner_text()
        version = small.write(tmp_path, "rot", after).version
        wait_until_served(page, version)
        context.route("**/programme.json", lambda route: route.abort())
        page.locator("#to-storage").click()
        page.locator("#progress-text", has_text="brach ab").wait_for()
        page.keyboard.press("Escape")
        ask(page, "Radwege in der Stadt?")
        assert "in der Stadt" in page.locator("#log .quote").last.inner_text()
        context.unroute("**/programme.json")
        page.locator("#to-storage").click()
        page.locator("#news", has_text=f"Neue Fassung {version[:8]} ist da").wait_for()
        page.keyboard.press("Escape")
        ask(page, "Wie viele Radwege?")
        assert "hundert Kilometer" in page.locator("#log .quote").last.inner_text()
        names = page.evaluate("caches.keys()")
        assert len(names) == 2
        alone(context, page, server)
        assert page.locator("body").get_attribute("data-version") == version
        ask(page, "Radwege?")
        assert "hundert Kilometer" in page.locator("#log .quote").last.inner_text()


def test_a_new_version_takes_the_encoder_over(chromium: Playwright, tmp_path: Path) -> None:
    """Only text and vectors are fetched anew: the encoder is the same."""
    small.write(tmp_path, "rot", [Chapter("Verkehr", ["Wir bauen Radwege."], 1)])
    server = Server(tmp_path, reload_seconds=0.2)
    with phone(chromium) as context:
        page = context.new_page()
        open_app(page, server.address, "rot")
        make_ready(page)
        add_encoder(page)
        fetched: list[str] = []
        context.on("request", lambda request: fetched.append(request.url.rsplit("/")[-1]))
        new = [Chapter("Verkehr", ["Wir bauen Radwege.", "Busse fahren umsonst."], 1)]
        version = small.write(tmp_path, "rot", new).version
        wait_until_served(page, version)
        page.locator("#to-storage").click()
        page.locator("#news", has_text="ist da").wait_for()
        assert {"programme.json", "vectors.bin"} <= set(fetched)
        assert "encoder.onnx" not in fetched
        alone(context, page, server)
        (found,) = ask_all(page, ["Was kostet der Nahverkehr?"])
        assert found["byMeaning"]
        assert found["order"][0] == 1  # the new passage, which shares no word with the question


def test_two_programmes_live_side_by_side(chromium: Playwright, tmp_path: Path) -> None:
    """Each has its own version; removing one leaves the other."""
    for slug, text in (("rot", "Wir bauen Radwege."), ("blau", "Wir bauen Straßen.")):
        small.write(tmp_path, slug, [Chapter("Verkehr", [text], 1)])
    server = Server(tmp_path)
    with phone(chromium) as context:
        page = context.new_page()
        for slug in ("rot", "blau"):
            open_app(page, server.address, slug)
            make_ready(page)
        page.locator("#to-storage").click()
        page.locator("#remove").click()
        page.locator("#prepare:visible:enabled").wait_for()
        server.stop()
        context.set_offline(True)
        open_app(page, server.address, "rot")
        ask(page, "Radwege?")
        assert page.locator("#log .quote").last.inner_text() == "Wir bauen Radwege."


# At the door.


def test_the_app_can_be_installed(fresh: Page) -> None:
    """Chromium reads the manifest without complaint and sees nothing in the way."""
    devtools = fresh.context.new_cdp_session(fresh)
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    table = json.loads(manifest["data"])
    assert table["start_url"] == f"/p/{SLUG}/app"
    for icon in table["icons"]:
        response = fresh.request.get(fresh.evaluate("location.origin") + icon["src"])
        size = int.from_bytes(response.body()[16:20], "big")
        assert icon["sizes"] == f"{size}x{size}"
    assert devtools.send("Page.getInstallabilityErrors")["installabilityErrors"] == []


def test_at_the_door_a_passage_is_large_with_a_code_of_its_address(whole: Page) -> None:
    """The sentence that matters in large type; the QR code is the public permalink's."""
    address = whole.evaluate("location.origin")
    whole.goto(f"{address}/p/{SLUG}/app")
    whole.locator("body[data-ready]").wait_for()
    ask(whole, QUESTION)
    link = whole.locator(".card .read").first.get_attribute("href")
    whole.locator(".card .show").first.click()
    quote = whole.locator("#door .quote")
    assert "Kita-Gebühren komplett abschaffen" in quote.inner_text()
    assert float(quote.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")) >= 21
    drawn, wanted = whole.evaluate(
        """async ([shell, address]) => {
          const { qrcode } = await import(`/offline/${shell}/vendor/qrcode.js`);
          const code = qrcode(0, "M");
          code.addData(address);
          code.make();
          const dark = [];
          const count = code.getModuleCount();
          for (let row = 0; row < count; row++)
            for (let column = 0; column < count; column++)
              if (code.isDark(row, column)) dark.push(`${column + 4} ${row + 4}`);
          const path = document.querySelector("#door .qr path").getAttribute("d");
          return [[...path.matchAll(/M(\\d+ \\d+)h/g)].map((m) => m[1]), dark];
        }""",
        [about(whole)["shell"], f"{address}{link}"],
    )
    assert drawn == wanted
    whole.locator("#door button").click()


def test_everything_that_is_tapped_is_big_and_the_input_is_at_the_bottom(fresh: Page) -> None:
    """At least 44 pixels high, on a phone; the question's field in the lower third."""
    ask(fresh, QUESTION)
    small_ones = fresh.evaluate(
        """() => [...document.querySelectorAll("button, a, input")]
          .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 44)
          .map((e) => e.outerHTML)"""
    )
    assert small_ones == []
    top = fresh.evaluate("document.querySelector('#question').getBoundingClientRect().top")
    assert top > 844 * 2 / 3
    assert fresh.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_accessibility_violations(chromium: Playwright, server: Server, scheme: Any) -> None:
    """axe-core finds nothing against WCAG 2.2 AA: page, answer and the three panels."""
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    with phone(chromium, bypass_csp=True) as context:
        page = context.new_page()
        page.emulate_media(color_scheme=scheme)
        open_app(page, server.address, SLUG)
        ask(page, QUESTION)
        for panel in (None, "#to-storage", "#to-memory", ".card .show"):
            if panel:
                page.locator(panel).first.click()
            result = Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}})
            assert result.violations_count == 0, f"{panel}\n{result.generate_report()}"
            page.keyboard.press("Escape")
