from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.insights import K, groups
from bot.insights.groups import LIFETIME, Asked, Group, Groups, Row
from bot.messages import Status
from index import german
from index.types import Vectors

DIRECTIONS = np.eye(4, 8, dtype=np.float32)


def asked(
    asker: str, text: str = "Was ist mit der Hundesteuer?", status: Status = "nothing",
    section: str = "", vector: Vectors = DIRECTIONS[0],
) -> Asked:  # fmt: skip
    return Asked("rot", "model", status, section, asker, text, vector)


def told(*askings: Asked, now: float = 0.0) -> Groups:
    made = Groups()
    for one in askings:
        made.add(one, now)
    return made


def address(number: int) -> str:
    return f"198.51.{number // 256}.{number % 256}"


def test_nine_askers_are_nothing_ten_are_a_row() -> None:
    """Of a section and of a cluster."""
    askings = [asked(address(n)) for n in range(10)]
    assert told(*askings[:9]).rows() == []
    assert set(told(*askings).rows()) == {
        Row("rot", "nothing", "", (), 10),
        Row("rot", None, "", ("Hundesteuer",), 10),
    }


def test_an_asker_counts_once_however_often() -> None:
    """The same question, others like it, from the same line."""
    same = [asked("198.51.100.7", f"Hundesteuer {n}") for n in range(200)]
    home = [asked(f"2001:db8:1:2{n:02x}::{n + 1:x}") for n in range(40)]
    assert told(*same, *home).rows() == []


def test_one_asker_cannot_make_a_word_common() -> None:
    """Among ten who ask the same, one says their name in twenty questions."""
    ten = [asked(address(n)) for n in range(10)]
    named = [asked(address(99), f"Xylander {n} Hundesteuer") for n in range(20)]
    clusters = [row for row in told(*named, *ten).rows() if row.words]
    assert clusters == [Row("rot", None, "", ("Hundesteuer",), 10)]


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("2001:db8:1:100::1", "2001:db8:1:1ff:a::9", True),
        ("2001:db8:1:100::1", "2001:db8:1:200::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("8f2a", "8f2b", False),  # senders of messengers, hashed
        ("", "", True),
    ],
)
def test_one_line_is_one_asker(one: str, other: str, equal: bool) -> None:
    """All the addresses that a household has under IPv6."""
    (counted,) = {group.size for group in told(asked(one), asked(other))}
    assert counted == (1 if equal else 2)


def test_small_groups_are_forgotten_after_seven_days() -> None:
    """So askers who came before don't help a group over the line; and a person with a new address
    every day stays below it.
    """
    made = Groups()
    for day in range(60):
        made.expire(day * 86400.0)
        made.add(asked(address(day)), day * 86400.0)
        assert made.rows() == []
    assert LIFETIME / 86400 + 1 < K


def test_a_row_is_never_told_again() -> None:
    """Ten more askers make a row of their own: no two rows differ by one person."""
    made = told(*(asked(address(n)) for n in range(19)))
    assert {row.askers for row in made.rows()} == {10}
    made.drop_kept()
    assert made.rows() == list(made) == []
    for n in range(19, 28):
        made.add(asked(address(n)), 0.0)
    assert made.rows() == []


def test_questions_that_are_not_alike_are_apart() -> None:
    """Five on one thing and five on another are no cluster of ten."""
    askings = [asked(address(n), vector=DIRECTIONS[n % 2]) for n in range(10)]
    assert [row for row in told(*askings).rows() if row.words] == []


def test_answered_questions_are_counted_by_section_alone() -> None:
    """No word of them is looked at."""
    askings = [asked(address(n), "Radwege?", "answered", "Verkehr › Rad") for n in range(25)]
    made = told(*askings)
    assert made.rows() == [Row("rot", "answered", "Verkehr › Rad", (), 20)]
    assert not any(group.used for group in made)


def test_models_and_programmes_are_never_mixed() -> None:
    """Vectors of two models mean nothing to each other."""
    five = [asked(address(n)) for n in range(5)]
    other = [
        Asked("rot", "new", "nothing", "", address(n), "Hundesteuer", np.ones(3, np.float32))
        for n in range(5, 10)
    ]
    made = told(*five, *other)
    assert [row.words for row in made.rows()] == [()]


def test_memory_is_bounded_and_the_smallest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of questions of all kinds doesn't push out what many ask."""
    monkeypatch.setattr(groups, "MOST", 2000)
    made = told(*(asked(address(n)) for n in range(9)))
    rng = np.random.default_rng(1)
    for n in range(3000):
        vector = rng.standard_normal(8).astype(np.float32)
        flood = asked(address(n % 5 + 1000), f"wort{n} frage{n}", vector=vector)
        made.add(Asked(f"p{n % 7}", *list(vars(flood).values())[1:]), 1.0)
        if made.full:
            made.shrink()
            assert sum(group.weight for group in made) <= 1000
    made.add(asked(address(9)), 2.0)
    assert Row("rot", None, "", ("Hundesteuer",), 10) in made.rows()


def test_nothing_of_an_asker_can_be_printed() -> None:
    """Tracebacks and logs print reprs."""
    group = Group("rot", 0.0)
    group.add("198.51.100.7", [("geheim",)])
    for shown in (repr(group), repr(asked("198.51.100.7", "geheim"))):
        assert "198.51" not in shown
        assert "geheim" not in shown
    assert all(b"198.51" not in hashed for hashed in group.askers)


WORDS = [
    "Hundesteuer",
    "hundesteuer",
    "Tauben",
    "Taube",
    "Rente",
    "Maier",
    "Mai",
    "Schröder",
    "Ali",
]
askings = st.lists(
    st.tuples(
        st.integers(0, 13),
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=4),
        st.sampled_from(["answered", "related", "nothing"]),
        st.integers(0, 3),
        st.sampled_from(["", "Verkehr", "Kultur"]),
    ),
    min_size=8,
    max_size=160,
)


@settings(max_examples=150, deadline=None)
@given(askings)
def test_every_row_is_true_of_ten_askers(
    made_up: list[tuple[int, list[str], Status, int, str]],
) -> None:
    """Whatever people ask in whatever order: a row stands for at least ten, its number for no more
    than asked; a word shown was used by ten of them, letter for letter or else by its stem.
    """
    used: dict[str, set[int]] = defaultdict(set)
    stems: dict[str, set[int]] = defaultdict(set)
    places: dict[tuple[str, str], set[int]] = defaultdict(set)
    made = Groups()
    for who, words, status, direction, section in made_up:
        text = " ".join(words)
        made.add(asked(address(who), text, status, section, DIRECTIONS[direction]), 0.0)
        places[status, section].add(who)
        for word in words if status != "answered" else ():
            used[word].add(who)
            used[word.lower()].add(who)
            stems[german.stem(german.fold(word))].add(who)
    for row in made.rows():
        assert row.askers >= K
        assert row.askers % 10 == 0
        if row.status is not None:
            assert len(places[row.status, row.section]) >= row.askers
            assert row.words == ()
        for word in row.words:
            assert len(used[word]) >= K or len(stems[word]) >= K
            assert len(stems[german.stem(german.fold(word))] | stems[word]) >= K
