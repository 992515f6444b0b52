"""What is kept: a SQLite file with two tables, each row a group of at least ten askers on one day.

The file is readable by the operator alone. Every opening deletes what is older than its lifetime;
what is deleted is overwritten (`secure_delete`), and the file is then written anew (`VACUUM`).
There is no write-ahead log, which would hold on to deleted rows in a second file: a server writes
once a day, and writers may wait for each other. Several processes of one machine may share a file;
a network's file system may not hold it (sqlite.org/faq.html#q5).

Days are the system clock's. One that is ahead deletes early; but to spare rows because all of them
are old would keep them for good wherever counting has paused for longer than their lifetime.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from bot.insights.groups import Row

WAIT = 3.0  # seconds for another process that is writing
FORMAT = 1
TABLES = {
    "sections": "day TEXT NOT NULL, programme TEXT NOT NULL, status TEXT NOT NULL,"
    " section TEXT NOT NULL, askers INTEGER NOT NULL",
    "clusters": "day TEXT NOT NULL, programme TEXT NOT NULL, words TEXT NOT NULL,"
    " askers INTEGER NOT NULL",
}


class InsightsError(Exception):
    """The file can't be used; the message says which and why, and quotes nothing of it."""


@dataclass(frozen=True)
class Kept:
    """A row, and the day on which it was written (UTC)."""

    day: date
    row: Row


class Store:
    """The file at `path`; rows live for `days`."""

    def __init__(self, path: Path, days: int) -> None:
        self._path, self._days = path, days

    def write(self, rows: Sequence[Row], today: date) -> None:
        """Keep `rows`, all or none of them; with none it is only made sure that the file is there
        and holds nothing that is too old.

        Raises InsightsError.
        """
        with self._open(today) as file:
            file.execute("BEGIN IMMEDIATE")
            for row in rows:
                if row.status is None:
                    values = (str(today), row.programme, " ".join(row.words), row.askers)
                    file.execute("INSERT INTO clusters VALUES (?, ?, ?, ?)", values)
                else:
                    place = (str(today), row.programme, row.status, row.section, row.askers)
                    file.execute("INSERT INTO sections VALUES (?, ?, ?, ?, ?)", place)
            file.execute("COMMIT")

    def read(self, today: date) -> list[Kept]:
        """All that is kept, oldest first; nothing where there is no file.

        Raises InsightsError.
        """
        if not self._path.exists():
            return []
        with self._open(today) as file:
            sections = file.execute("SELECT * FROM sections ORDER BY day").fetchall()
            clusters = file.execute("SELECT * FROM clusters ORDER BY day").fetchall()
        return [
            *(Kept(date.fromisoformat(d), Row(p, s, n, (), k)) for d, p, s, n, k in sections),
            *(Kept(date.fromisoformat(d), Row(p, None, "", tuple(w.split()), k))
              for d, p, w, k in clusters),
        ]  # fmt: skip

    def delete(self, programme: str, today: date) -> int:
        """Delete what is kept of a programme, of all for ""; how many rows that were.

        Raises InsightsError.
        """
        if not self._path.exists():
            return 0
        with self._open(today) as file:
            return _delete(file, "? IN ('', programme)", programme)

    @contextmanager
    def _open(self, today: date) -> Iterator[sqlite3.Connection]:
        file: sqlite3.Connection | None = None
        try:
            self._path.touch(mode=0o600)
            file = sqlite3.connect(self._path, timeout=WAIT, isolation_level=None)
            _prepare(file)
            _delete(file, "day <= ?", str(today - timedelta(days=self._days)))
            yield file
        except (sqlite3.Error, OSError, ValueError) as error:
            raise InsightsError(f"{self._path}: {_reason(error)}") from None
        finally:
            if file:
                file.close()  # rolls back what was not committed


def _prepare(file: sqlite3.Connection) -> None:
    for pragma in ("secure_delete = ON", "temp_store = MEMORY", "journal_mode = DELETE"):
        file.execute(f"PRAGMA {pragma}").fetchall()
    if file.execute("PRAGMA user_version").fetchone() == (FORMAT,):
        return
    if file.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
        raise ValueError("not a file of this program")
    file.execute("BEGIN IMMEDIATE")
    for name, columns in TABLES.items():
        file.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
    file.execute(f"PRAGMA user_version = {FORMAT}")
    file.execute("COMMIT")


def _delete(file: sqlite3.Connection, condition: str, value: str) -> int:
    """Delete rows so that nothing of them is left in the file."""
    file.execute("BEGIN IMMEDIATE")
    statements = (f"DELETE FROM {name} WHERE {condition}" for name in TABLES)  # noqa: S608
    count = sum(file.execute(statement, (value,)).rowcount for statement in statements)
    file.execute("COMMIT")
    if count:
        file.execute("VACUUM")
    return count


def _reason(error: Exception) -> str:
    """SQLite's name for what is wrong, the system's, or our own words."""
    if isinstance(error, sqlite3.Error):
        return str(getattr(error, "sqlite_errorname", type(error).__name__))
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
