"""Who asked the same, in memory.

    a section    everybody whose answer came first from there
    a cluster    everybody whose question the programme did not surely answer, and whose vectors lie
                 near each other

An asker counts once in a group, with their first question there. A group of fewer than `K` is
forgotten after `LIFETIME`; one that is large enough is handed over as a row and forgotten, too, so
that no two rows ever differ by one asker. Nothing here is shared between processes.

Clusters are formed as the questions come, each joining the nearest centroid or beginning a new one:
single-pass clustering, as in Yang, Pierce and Carbonell, "A study on retrospective and on-line
event detection", SIGIR 1998. `python -m bench.insights` shows what `NEAR` does.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np

from bot.addresses import network
from bot.insights import K
from bot.insights.words import MOST as WORDS
from bot.insights.words import Form, forms, shared
from bot.messages import Status
from index.types import Vectors

# Seconds. Fewer than K days: many lines get a new address each day, and one person must not become
# ten askers that way.
LIFETIME = 7 * 86400.0
NEAR = 0.7  # cosine between a question and the centroid of those it joins
MOST = 250_000  # askers and words remembered in all groups together
EACH = 40  # as many a group takes for itself and its vectors
# Bits of an IPv6 address that one line is given (RIPE-690). Fewer than in `bot.limits`: two who are
# taken for one are missing in a count here, there they would be refused.
HOUSEHOLD = 56


@dataclass(frozen=True)
class Asked:
    """An answer that was given. `vector`: the question's, shape (dimension,), length 1."""

    programme: str
    model: str  # vectors of two models are never compared
    status: Status
    section: str  # where the first passage stands; "" where none was shown
    asker: str = field(repr=False)
    text: str = field(repr=False)
    vector: Vectors = field(repr=False)


@dataclass(frozen=True)
class Row:
    """What is kept of a group, of one day. Either a section or words; `askers` in whole tens."""

    programme: str
    status: Status | None  # None: a cluster
    section: str
    words: tuple[str, ...]
    askers: int


@dataclass(eq=False)
class Group:
    """Askers, under a key that is nowhere else and goes with the group; and what they share."""

    programme: str
    born: float
    status: Status | None = None
    section: str = ""
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    askers: set[bytes] = field(default_factory=set, repr=False)
    used: Counter[Form] = field(default_factory=Counter, repr=False)

    def add(self, asker: str, used: Iterable[Form] = ()) -> bool:
        """Count an asker with the words they used; False for one who is in here already."""
        hashed = hashlib.blake2b(asker.encode(), key=self.key, digest_size=16).digest()
        if hashed in self.askers:
            return False
        self.askers.add(hashed)
        self.used.update(used)
        return True

    @property
    def size(self) -> int:
        """How many askers."""
        return len(self.askers)

    @property
    def weight(self) -> int:
        """What it takes of `MOST`."""
        return EACH + self.size + len(self.used)

    def row(self) -> Row | None:
        """What may be kept; None where too few asked, or a cluster has no word in common."""
        words = shared(self.used, K)
        if self.size < K or (self.status is None and not words):
            return None
        tens = self.size // 10 * 10
        return Row(self.programme, self.status, self.section, words, tens)


class Clusters:
    """The clusters of one programme under one model."""

    def __init__(self, dimension: int) -> None:
        self.groups: list[Group] = []
        # Rows for the groups in their order, and spare ones.
        self._sums = np.zeros((8, dimension), np.float32)
        self._centroids = np.zeros_like(self._sums)

    def add(self, asked: Asked, asker: str, now: float) -> None:
        """Let a question join those that it is like."""
        at = self._nearest(asked.vector)
        if at is None:
            at = self._begin(Group(asked.programme, now))
        if self.groups[at].add(asker, forms(asked.text)):
            self._sums[at] += asked.vector
            self._centroids[at] = self._sums[at] / max(1e-9, float(np.linalg.norm(self._sums[at])))

    def _nearest(self, vector: Vectors) -> int | None:
        cosines = self._centroids[: len(self.groups)] @ vector
        at = int(cosines.argmax()) if len(cosines) else -1
        return at if at >= 0 and cosines[at] >= NEAR else None

    def _begin(self, group: Group) -> int:
        if len(self.groups) == len(self._sums):
            self._sums = np.concatenate([self._sums, np.zeros_like(self._sums)])
            self._centroids = np.concatenate([self._centroids, np.zeros_like(self._centroids)])
        self.groups.append(group)
        return len(self.groups) - 1

    def drop(self, gone: set[Group]) -> None:
        """Forget groups, their vectors too."""
        kept = [at for at, group in enumerate(self.groups) if group not in gone]
        spare = np.zeros((8, self._sums.shape[1]), np.float32)
        self.groups = [self.groups[at] for at in kept]
        self._sums = np.concatenate([self._sums[kept], spare])
        self._centroids = np.concatenate([self._centroids[kept], spare])


class Groups:
    """All groups of one process. For one thread."""

    def __init__(self) -> None:
        self._sections: dict[tuple[str, Status, str], Group] = {}
        self._clusters: dict[tuple[str, str], Clusters] = {}
        self._weight = 0  # never below the true one

    def add(self, asked: Asked, now: float) -> None:
        """Count an answer; `now` in seconds."""
        asker = network(asked.asker, HOUSEHOLD)
        place = (asked.programme, asked.status, asked.section)
        if place not in self._sections:
            self._sections[place] = Group(asked.programme, now, asked.status, asked.section)
        self._sections[place].add(asker)
        self._weight += EACH + 1
        if asked.status != "answered":
            clusters = self._clusters.setdefault(
                (asked.programme, asked.model), Clusters(len(asked.vector))
            )
            clusters.add(asked, asker, now)
            self._weight += EACH + 1 + 3 * WORDS

    @property
    def full(self) -> bool:
        """More is remembered than should be."""
        if self._weight > MOST:
            self._weight = sum(map(attrgetter("weight"), self))
        return self._weight > MOST

    def __iter__(self) -> Iterator[Group]:
        yield from self._sections.values()
        for clusters in self._clusters.values():
            yield from clusters.groups

    def rows(self) -> list[Row]:
        """What may be kept, in an order that says nothing of when it was asked."""
        return sorted(filter(None, (group.row() for group in self)), key=repr)

    def drop_kept(self) -> None:
        """Forget the groups that `rows` told of: the next asker begins a new one."""
        self._drop({group for group in self if group.row()})

    def expire(self, now: float) -> None:
        """Forget the groups that did not become large enough in their time."""
        self._drop({group for group in self if group.born + LIFETIME <= now})

    def shrink(self) -> None:
        """Forget the smallest groups, of these the oldest, until half of `MOST` is free."""
        gone, weight = set(), sum(map(attrgetter("weight"), self))
        for group in sorted(self, key=attrgetter("size", "born")):
            if weight <= MOST // 2:
                break
            gone.add(group)
            weight -= group.weight
        self._drop(gone)

    def _drop(self, gone: set[Group]) -> None:
        if not gone:
            return
        self._sections = {k: group for k, group in self._sections.items() if group not in gone}
        for clusters in self._clusters.values():
            clusters.drop(gone)
        self._clusters = {k: clusters for k, clusters in self._clusters.items() if clusters.groups}
        self._weight = sum(map(attrgetter("weight"), self))
