"""The errors of the server. Each carries the HTTP status it is mapped to, once, in `bot.problems`.

    BotError
    ├── UnknownProgramme   404, with the slugs there are
    │   └── ProgrammeNeeded    none was named where there are several
    ├── TooManyProgrammes  422, with the most that are compared
    ├── UnknownPassage     404
    ├── EmptyMessage       422
    ├── TooLong            413
    ├── TooMany            429, with the seconds to wait
    │   └── ProgrammeBusy      of all who ask this programme together
    ├── Busy               503, likewise: everyone together asked too often
    └── NotReady           503, no bundle is loaded

`key` names the sentence in the wording's [errors] that people read, `words` fill its gaps; `more`
is for programs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

LISTED = 50  # slugs in an error; the API has all
ECHOED = 80  # letters of a name that a client sent


class BotError(Exception):
    """Something a client can understand."""

    status: ClassVar[int] = 500
    key: ClassVar[str] = "internal"

    @property
    def words(self) -> Mapping[str, object]:
        """What stands in the gaps of the sentence."""
        return {}

    @property
    def more(self) -> Mapping[str, Any]:
        """Members of the problem document besides the sentence."""
        return {}

    @property
    def headers(self) -> dict[str, str]:
        """Of the response."""
        return {}


class UnknownProgramme(BotError):
    """No programme of this slug is served."""

    status, key = 404, "unknown_programme"

    def __init__(self, slugs: Sequence[str] = (), named: str = "") -> None:
        super().__init__()
        self.slugs, self.named = slugs, named[:ECHOED]

    @property
    def words(self) -> Mapping[str, object]:
        """The name that was asked for."""
        return {"named": self.named}

    @property
    def more(self) -> Mapping[str, Any]:
        """The way out."""
        return {"programmes": list(self.slugs[:LISTED]), "list": "/api/programmes"}


class ProgrammeNeeded(UnknownProgramme):
    """Several programmes are served, and none was named."""

    key = "programme_needed"


class TooManyProgrammes(BotError):
    """More programmes than are compared at once."""

    status, key = 422, "too_many_programmes"

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    @property
    def words(self) -> Mapping[str, object]:
        """The limit."""
        return {"most": self.most}

    @property
    def more(self) -> Mapping[str, Any]:
        """The limit."""
        return {"most": self.most}


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

    @property
    def headers(self) -> dict[str, str]:
        """When to come again."""
        return _again(self.wait)


class ProgrammeBusy(TooMany):
    """Everybody together asks this programme more than it was given."""

    key = "programme_busy"


class Busy(BotError):
    """More questions wait than can be answered soon."""

    status, key = 503, "busy"

    @property
    def headers(self) -> dict[str, str]:
        """Very soon."""
        return _again(1)


class NotReady(BotError):
    """No programme could be loaded yet."""

    status, key = 503, "not_ready"


def _again(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}
