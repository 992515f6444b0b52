"""`python -m bench.insights`: whether those who ask the same come together; what counting costs.

The questions of bench/unanswered.toml, twelve people on each of twelve topics, go through a real
search of the seed programme and then through `bot.insights` in random orders, once for each of
several thresholds. A topic is found where a group of at least ten is about it, nine in ten of its
askers at least.
"""

from __future__ import annotations

import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bot.answering import answer
from bot.insights import K, groups
from bot.insights.groups import Asked, Groups
from bot.insights.listening import Hearing
from bot.library import Library, Served
from bot.messages import Question
from index.search import once
from index.stores.folder import FolderStore

ROOT = Path(__file__).parent.parent
INDEX, SLUG = ROOT / "var" / "index", "dortmund-2025"
FILE = Path(__file__).parent / "unanswered.toml"
THRESHOLDS = (0.6, 0.65, 0.7, 0.75, 0.8)
ORDERS = 20
FLOOD = 10_000  # questions for the cost, each in a random direction: the worst for the clusters


def main() -> int:
    """Print three tables."""
    library = Library(FolderStore(INDEX))
    library.refresh()
    topics = tomllib.loads(FILE.read_text(encoding="utf-8"))
    asked = [
        (topic, _asked(library.get(SLUG), text, f"{topic}{n}"))
        for topic, texts in topics.items()
        for n, text in enumerate(texts)
    ]
    _statuses(asked)
    _thresholds(asked)
    _cost(len(asked[0][1].vector))
    return 0


def _asked(served: Served, text: str, asker: str) -> Asked:
    taken: list[Asked] = []
    hearing = Hearing(taken.append, served, once(served.bundle.encoder.encode))
    question = Question(text)
    hearing.answered(question, answer(question, served, encode=hearing), asker)
    return taken[0]


def _statuses(asked: list[tuple[str, Asked]]) -> None:
    counts = Counter(one.status for _, one in asked)
    print(f"{len(asked)} questions that the programme does not answer, by what the bot said:")
    print("  " + ", ".join(f"{status} {n}" for status, n in counts.most_common()))


def _thresholds(asked: list[tuple[str, Asked]]) -> None:
    unanswered = [(topic, one) for topic, one in asked if one.status != "answered"]
    by_topic = Counter(topic for topic, _ in unanswered)
    possible = sum(n >= K for n in by_topic.values())
    print(f"\n{len(unanswered)} of them not surely answered; topics with {K} of these: {possible}.")
    print(f"All {len(asked)} counted as unanswered ({len(by_topic)} topics), {ORDERS} orders:\n")
    print(f"{'cosine':>8}{'groups':>8}{'of ten':>8}{'found':>8}{'mixed':>8}")
    for threshold in THRESHOLDS:
        with _near(threshold):
            shown = np.mean([_sorted(asked, seed) for seed in range(ORDERS)], axis=0)
        chosen = "  chosen" if threshold == groups.NEAR else ""
        print(f"{threshold:>8}" + "".join(f"{value:>8.1f}" for value in shown) + chosen)


def _sorted(asked: list[tuple[str, Asked]], seed: int) -> tuple[int, int, int, int]:
    """Groups; those of ten; of these, about one topic, and not."""
    made = Groups()
    members: dict[int, Counter[str]] = {}
    for at in np.random.default_rng(seed).permutation(len(asked)):
        topic, one = asked[at]
        before = {id(group): group.size for group in made}
        made.add(Asked(**{**vars(one), "status": "nothing", "section": ""}), 0.0)
        for group in made:
            if group.status is None and group.size != before.get(id(group), 0):
                members.setdefault(id(group), Counter())[topic] += 1
    large = [topics for topics in members.values() if topics.total() >= K]
    found = sum(topics.most_common(1)[0][1] >= 0.9 * topics.total() for topics in large)
    return len(members), len(large), found, len(large) - found


@contextmanager
def _near(threshold: float) -> Iterator[None]:
    before, groups.NEAR = groups.NEAR, threshold
    yield
    groups.NEAR = before


def _cost(dimension: int) -> None:
    made, rng = Groups(), np.random.default_rng(1)
    vectors = rng.standard_normal((FLOOD, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    times, most = [], 0
    for n, vector in enumerate(vectors):
        text = " ".join(f"wort{n}x{word}" for word in range(8))
        start = time.thread_time()
        made.add(Asked("p", "m", "nothing", "", f"{n}", text, vector), 0.0)
        if made.full:
            most = max(most, sum(1 for _ in made))
            made.shrink()
        times.append(1000 * (time.thread_time() - start))
    print(f"\n{FLOOD:,} questions, no two alike, in the thread that counts: median")
    print(f"{np.median(times):.2f} ms, mean {np.mean(times):.2f} ms, most {max(times):.0f} ms;")
    print(f"at most {most:,} groups in memory")


if __name__ == "__main__":
    sys.exit(main())
