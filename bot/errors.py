"""The errors of the server. Each carries the HTTP status it is mapped to, once, in `bot.problems`.

    BotError
    ├── UnknownProgramme   404
    ├── UnknownPassage     404
    ├── EmptyMessage       422
    ├── TooLong            413
    ├── TooMany            429, with the seconds to wait
    └── NotReady           503, no bundle is loaded

`key` names the sentence in the wording's [errors] that people read.
"""

from __future__ import annotations

from typing import ClassVar


class BotError(Exception):
    """Something a client can understand."""

    status: ClassVar[int] = 500
    key: ClassVar[str] = "internal"


class UnknownProgramme(BotError):
    """No such programme is served, or none was named where there are several."""

    status, key = 404, "unknown_programme"


class UnknownPassage(BotError):
    """The programme has no passage of this id, now or earlier."""

    status, key = 404, "unknown_passage"


class EmptyMessage(BotError):
    """The message holds nothing to search for."""

    status, key = 422, "empty_message"


class TooLong(BotError):
    """The message is longer than a question."""

    status, key = 413, "too_long"


class TooMany(BotError):
    """This client asked too often; `wait` says how many seconds are left."""

    status, key = 429, "too_many"

    def __init__(self, wait: int) -> None:
        super().__init__(f"wait {wait} s")
        self.wait = wait


class NotReady(BotError):
    """No programme could be loaded yet."""

    status, key = 503, "not_ready"
