"""Every setting, read once from FUNDSTELLE_*, or the files that FUNDSTELLE_*_FILE name, when the
server starts. Nothing else reads the environment.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import get_type_hints

from index.description import origin
from index.environment import from_files

EMPTY = {"rate_limit"}  # may be given empty, which is no limit; any other is then not given
FORMER = {"FUNDSTELLE_CHANNELS_SECRET": "FUNDSTELLE_SECRET"}  # names that still work


class SettingsError(ValueError):
    """A setting has a value that can't be used; the message names it."""


@dataclass(frozen=True)
class Settings:
    """Names, defaults and units of all settings."""

    index: Path = Path("var/index")  # FUNDSTELLE_INDEX: where ingest.py puts bundles
    store: str = "faiss"  # FUNDSTELLE_STORE: or qdrant://host:6334, see index.stores
    qdrant_key: str = field(default="", repr=False)  # FUNDSTELLE_QDRANT_KEY: its API key
    most_loaded: int = 200  # FUNDSTELLE_MOST_LOADED: programmes of a Qdrant held at a time
    base_url: str = ""  # FUNDSTELLE_BASE_URL: public address for links; empty: as the request says
    rate_limit: str = "3000/minute"  # FUNDSTELLE_RATE_LIMIT: questions of one client; empty: none
    programme_rate_limit: str = ""  # FUNDSTELLE_PROGRAMME_RATE_LIMIT: to one programme; empty: none
    most_letters: int = 2000  # FUNDSTELLE_MOST_LETTERS: of one message
    most_bytes: int = 65536  # FUNDSTELLE_MOST_BYTES: of one request's body
    most_compared: int = 8  # FUNDSTELLE_MOST_COMPARED: programmes side by side for one question
    most_waiting: int = 32  # FUNDSTELLE_MOST_WAITING: questions in line, beside the four let in
    reload_seconds: float = (
        2.0  # FUNDSTELLE_RELOAD_SECONDS: between looks for new bundles; 0: never
    )
    read_seconds: float = 10.0  # FUNDSTELLE_READ_SECONDS: for a request's head, and for its body
    drain_seconds: float = 0.0  # FUNDSTELLE_DRAIN_SECONDS: at a stop, until proxies have seen it
    feedback: str = ""  # FUNDSTELLE_FEEDBACK: JSON-lines file for "war das hilfreich?"; empty: off
    trusted_proxies: str = (
        ""  # FUNDSTELLE_TRUSTED_PROXIES: whose X-Forwarded-For is believed, by comma
    )
    allowed_origins: str = ""  # FUNDSTELLE_ALLOWED_ORIGINS: sites with the widget, by comma
    redis: str = field(
        default="", repr=False
    )  # FUNDSTELLE_REDIS: what processes share; empty: in memory
    secret: str = field(
        default="", repr=False
    )  # FUNDSTELLE_SECRET: the key of hashes in Redis, the same for all
    # Every other FUNDSTELLE_*, for bot.channels; they hold secrets.
    channels: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    traces: str = (
        ""  # FUNDSTELLE_TRACES: on, off; empty: on where OTEL_EXPORTER_OTLP_ENDPOINT is set
    )
    insights: str = ""  # FUNDSTELLE_INSIGHTS: on, to count what many ask; see bot.insights
    insights_file: Path = Path("var/insights.sqlite")  # FUNDSTELLE_INSIGHTS_FILE: for the counts
    insights_days: int = 90  # FUNDSTELLE_INSIGHTS_DAYS: until a count is deleted
    logs: str = ""  # FUNDSTELLE_LOGS: json, for machines that collect them; empty: for people

    def __post_init__(self) -> None:
        if self.base_url and not re.fullmatch(r"https?://[^\s?#]+", self.base_url):
            raise SettingsError(
                "FUNDSTELLE_BASE_URL: not an address such as https://frag.example.org"
            )
        for name in ("rate_limit", "programme_rate_limit"):
            if not re.fullmatch(r"(?:[1-9]\d*/(?:second|minute|hour|day))?", getattr(self, name)):
                raise SettingsError(
                    f"FUNDSTELLE_{name.upper()}: not of the form 3000/minute, at least 1; "
                    "empty: no limit"
                )
        self._check_proxies()
        self._check_redis()
        if self.feedback and not Path(self.feedback).absolute().parent.is_dir():
            raise SettingsError("FUNDSTELLE_FEEDBACK: its folder is not there")
        self._check_insights()
        if self.traces not in ("", "on", "off"):
            raise SettingsError("FUNDSTELLE_TRACES: neither on nor off")
        if self.logs not in ("", "json"):
            raise SettingsError("FUNDSTELLE_LOGS: neither json nor empty")
        self._check_numbers()
        for entry in _listed(self.allowed_origins):
            if origin(entry) is None:
                raise SettingsError(
                    f"FUNDSTELLE_ALLOWED_ORIGINS: {entry!r} is no origin such as "
                    "https://www.example.org (no path, no slash at the end)"
                )

    def _check_proxies(self) -> None:
        """The server library takes anything, and then believes nobody."""
        if self.trusted_proxies == "*":
            return
        for entry in _listed(self.trusted_proxies):
            try:
                ip_network(entry)
            except ValueError as error:
                raise SettingsError(
                    f"FUNDSTELLE_TRUSTED_PROXIES: {error}; an address, a network such as "
                    "10.0.0.0/8, or * alone"
                ) from None

    def _check_numbers(self) -> None:
        for name in (
            "most_letters",
            "most_bytes",
            "most_compared",
            "most_loaded",
            "most_waiting",
            "insights_days",
        ):
            if getattr(self, name) < 1:
                raise SettingsError(f"FUNDSTELLE_{name.upper()}: must be at least 1")
        for name in ("reload_seconds", "drain_seconds"):
            if not 0 <= getattr(self, name) < math.inf:
                raise SettingsError(f"FUNDSTELLE_{name.upper()}: must be at least 0")
        if not 0 < self.read_seconds < math.inf:
            raise SettingsError("FUNDSTELLE_READ_SECONDS: must be above 0")

    def _check_redis(self) -> None:
        if not self.redis:
            return
        if not self.redis.startswith(("redis://", "rediss://", "unix://")):
            raise SettingsError("FUNDSTELLE_REDIS: not an address such as redis://127.0.0.1:6379/0")
        if len(self.secret) < 32:
            # Without it the hashes of two servers differ; beside the hashes it would undo them.
            raise SettingsError("FUNDSTELLE_SECRET: 32 signs are needed with FUNDSTELLE_REDIS")

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
    kinds = get_type_hints(Settings)
    names = [name for name in Settings.__dataclass_fields__ if name != "channels"]
    own = {f"FUNDSTELLE_{name.upper()}" for name in names}
    try:
        environment = _renamed(from_files(environment, own))
    except ValueError as error:
        raise SettingsError(str(error)) from None
    values: dict[str, object] = {}
    for name in names:
        variable = f"FUNDSTELLE_{name.upper()}"
        if environment.get(variable) or (name in EMPTY and variable in environment):
            try:
                values[name] = kinds[name](environment[variable])
            except ValueError:  # which repeats the value: it may be a secret, by mistake
                raise SettingsError(f"{variable}: not a number") from None
    if environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") and not values.get("traces"):
        values["traces"] = "on"
    values["channels"] = {
        k: v for k, v in environment.items() if k.startswith("FUNDSTELLE_") and k not in own
    }
    return Settings(**values)  # type: ignore[arg-type]


def _renamed(environment: Mapping[str, str]) -> Mapping[str, str]:
    """With settings that had another name under today's."""
    kept = {k: v for k, v in environment.items() if k not in FORMER}
    for former, name in FORMER.items():
        value = environment.get(former)
        if value and kept.get(name) not in (None, "", value):
            raise SettingsError(f"{former}, {name}: the same setting twice, with different values")
        if value:
            kept[name] = value
    return kept
