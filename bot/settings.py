"""Every setting, read once from FUNDSTELLE_* when the server starts. Nothing else reads the
environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from index.description import origin


class SettingsError(ValueError):
    """A setting has a value that can't be used; the message names it."""


@dataclass(frozen=True)
class Settings:
    """Names, defaults and units of all settings."""

    index: Path = Path("var/index")  # FUNDSTELLE_INDEX: where ingest.py puts bundles
    base_url: str = ""  # FUNDSTELLE_BASE_URL: public address for links; empty: as the request says
    rate_limit: str = "3000/minute"  # FUNDSTELLE_RATE_LIMIT: questions of one client; empty: none
    most_letters: int = 2000  # FUNDSTELLE_MOST_LETTERS: of one message
    most_bytes: int = 65536  # FUNDSTELLE_MOST_BYTES: of one request's body
    most_compared: int = 8  # FUNDSTELLE_MOST_COMPARED: programmes side by side for one question
    reload_seconds: float = (
        2.0  # FUNDSTELLE_RELOAD_SECONDS: between looks for new bundles; 0: never
    )
    feedback: str = ""  # FUNDSTELLE_FEEDBACK: JSON-lines file for "war das hilfreich?"; empty: off
    trusted_proxies: str = (
        ""  # FUNDSTELLE_TRUSTED_PROXIES: whose X-Forwarded-For is believed, by comma
    )
    allowed_origins: str = ""  # FUNDSTELLE_ALLOWED_ORIGINS: sites with the widget, by comma
    # Every other FUNDSTELLE_*, for bot.channels; they hold secrets.
    channels: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    insights: str = ""  # FUNDSTELLE_INSIGHTS: on, to count what many ask; see bot.insights
    insights_file: Path = Path("var/insights.sqlite")  # FUNDSTELLE_INSIGHTS_FILE: for the counts
    insights_days: int = 90  # FUNDSTELLE_INSIGHTS_DAYS: until a count is deleted
    logs: str = ""  # FUNDSTELLE_LOGS: json, for machines that collect them; empty: for people

    def __post_init__(self) -> None:
        if self.base_url and not re.fullmatch(r"https?://[^\s?#]+", self.base_url):
            raise SettingsError(
                "FUNDSTELLE_BASE_URL: not an address such as https://frag.example.org"
            )
        if self.rate_limit and not re.fullmatch(r"\d+/(?:second|minute|hour|day)", self.rate_limit):
            raise SettingsError("FUNDSTELLE_RATE_LIMIT: not of the form 3000/minute")
        if self.feedback and not Path(self.feedback).absolute().parent.is_dir():
            raise SettingsError("FUNDSTELLE_FEEDBACK: its folder is not there")
        self._check_insights()
        if self.logs not in ("", "json"):
            raise SettingsError("FUNDSTELLE_LOGS: neither json nor empty")
        for name in ("most_letters", "most_bytes", "most_compared", "insights_days"):
            if getattr(self, name) < 1:
                raise SettingsError(f"FUNDSTELLE_{name.upper()}: must be at least 1")
        for entry in _listed(self.allowed_origins):
            if origin(entry) is None:
                raise SettingsError(
                    f"FUNDSTELLE_ALLOWED_ORIGINS: {entry!r} is no origin such as "
                    "https://www.example.org (no path, no slash at the end)"
                )

    def _check_insights(self) -> None:
        if self.insights not in ("", "on", "off"):
            raise SettingsError("FUNDSTELLE_INSIGHTS: neither on nor off")
        if self.counting and not self.insights_file.absolute().parent.is_dir():
            raise SettingsError("FUNDSTELLE_INSIGHTS_FILE: its folder is not there")

    @property
    def counting(self) -> bool:
        """Whether it is counted what is asked."""
        return self.insights == "on"

    @property
    def origins(self) -> frozenset[str]:
        """Whose pages may ask every programme, besides those that a programme names itself."""
        return frozenset(filter(None, map(origin, _listed(self.allowed_origins))))


def _listed(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def read(environment: Mapping[str, str]) -> Settings:
    """Settings from the environment.

    Raises SettingsError naming the variable whose value can't be used.
    """
    kinds = {
        "index": Path,
        "most_letters": int,
        "most_bytes": int,
        "most_compared": int,
        "reload_seconds": float,
        "insights_file": Path,
        "insights_days": int,
    }
    values: dict[str, object] = {}
    names = [name for name in Settings.__dataclass_fields__ if name != "channels"]
    for name in names:
        variable = f"FUNDSTELLE_{name.upper()}"
        if variable in environment:
            kind = kinds.get(name, str)
            try:
                values[name] = kind(environment[variable])
            except ValueError as error:
                raise SettingsError(
                    f"{variable}: {environment[variable]!r} is not a number"
                ) from error
    own = {f"FUNDSTELLE_{name.upper()}" for name in names}
    values["channels"] = {
        k: v for k, v in environment.items() if k.startswith("FUNDSTELLE_") and k not in own
    }
    return Settings(**values)  # type: ignore[arg-type]
