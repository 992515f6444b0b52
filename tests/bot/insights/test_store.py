from __future__ import annotations

import resource
import sqlite3
import stat
from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.insights import store as module
from bot.insights.groups import Row
from bot.insights.store import InsightsError, Kept, Store

TODAY = date(2026, 9, 1)
TOPIC = Row("rot", None, "", ("Hundesteuer", "hoch"), 10)
SECTION = Row("blau", "answered", "Verkehr › Radwege", (), 30)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "insights.sqlite"


@pytest.fixture
def store(path: Path) -> Store:
    return Store(path, 90)


def content(path: Path) -> bytes:
    """Every byte of the file and of all that lies beside it."""
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def many(word: str) -> list[Row]:
    """Enough for hundreds of pages."""
    return [Row("rot", None, "", (f"{word}{n}", "x" * 200), 10) for n in range(3000)]


def test_what_is_kept_is_read_again(store: Store, path: Path) -> None:
    """Day by day; the file is the operator's alone, and the only one."""
    store.write([TOPIC], TODAY)
    store.write([SECTION], TODAY + timedelta(days=1))
    assert store.read(TODAY + timedelta(days=1)) == [
        Kept(TODAY + timedelta(days=1), SECTION),
        Kept(TODAY, TOPIC),
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_reading_makes_no_file(store: Store, path: Path) -> None:
    """Nor does deleting."""
    assert store.read(TODAY) == []
    assert store.delete("", TODAY) == 0
    assert not path.exists()


@pytest.mark.parametrize("late", ["read", "write"])
def test_a_lifetime_is_one(store: Store, path: Path, late: str) -> None:
    """On its last day a row is there; on the next it is gone from every byte of the file, whoever
    opens it first.
    """
    store.write(many("Hundesteuer"), TODAY)
    store.write([SECTION], TODAY + timedelta(days=1))
    last = TODAY + timedelta(days=89)
    assert len(store.read(last)) == 3001
    after = last + timedelta(days=1)
    if late == "read":
        assert store.read(after) == [Kept(TODAY + timedelta(days=1), SECTION)]
    else:
        store.write([], after)
    assert b"Hundesteuer" not in content(path)
    assert b"Radwege" in content(path)
    assert path.stat().st_size < 20_000


def test_what_is_deleted_is_gone_to_the_byte(store: Store, path: Path) -> None:
    """One programme, then everything."""
    store.write([*many("Tauben"), SECTION], TODAY)
    assert b"Tauben77" in content(path)
    assert store.delete("rot", TODAY) == 3000
    assert b"Tauben" not in content(path)
    assert store.read(TODAY) == [Kept(TODAY, SECTION)]
    assert store.delete("", TODAY) == 1
    assert b"Radwege" not in content(path)
    assert b"blau" not in content(path)
    assert store.read(TODAY) == []


def test_two_servers_share_a_file(path: Path) -> None:
    """Their rows stand beside each other."""
    for _ in range(2):
        Store(path, 90).write([TOPIC], TODAY)
    assert len(Store(path, 90).read(TODAY)) == 2


def test_all_rows_or_none(store: Store, path: Path) -> None:
    """Where the disk is full in the middle of writing, nothing of it is kept, and the error says
    what is wrong, not what was to be written.
    """
    store.write([SECTION], TODAY)
    before, limits = path.stat().st_size, resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (before + 8192, limits[1]))
    try:
        with pytest.raises(InsightsError) as failed:
            store.write(many("Rente"), TODAY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "SQLITE_" in str(failed.value)
    assert "Rente" not in str(failed.value)
    assert store.read(TODAY) == [Kept(TODAY, SECTION)]
    store.write([TOPIC], TODAY)


def test_a_locked_file_is_waited_for_and_then_named(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for ever."""
    monkeypatch.setattr(module, "WAIT", 0.1)
    store.write([], TODAY)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(InsightsError, match="SQLITE_BUSY"):
        store.write([TOPIC], TODAY)
    other.close()
    store.write([TOPIC], TODAY)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (b"Das ist keine Datenbank, sondern ein Brief. " * 50, "SQLITE_NOTADB"),
        ("folder", "SQLITE_CANTOPEN"),
        ("foreign", "not a file of this program"),
    ],
)
def test_a_file_that_is_none_of_ours_is_left_alone(
    store: Store, path: Path, found: bytes | str, reason: str
) -> None:
    """It is named, not overwritten."""
    if isinstance(found, bytes):
        path.write_bytes(found)
    elif found == "folder":
        path.mkdir()
    else:
        with sqlite3.connect(path) as file:
            file.execute("CREATE TABLE letters (text)")
        file.close()
    before = path.read_bytes() if path.is_file() else b""
    for work in (lambda: store.write([TOPIC], TODAY), lambda: store.read(TODAY)):
        with pytest.raises(InsightsError, match=reason):
            work()
    assert (path.read_bytes() if path.is_file() else b"") == before
