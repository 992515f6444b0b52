"""Messengers: one module each, one line each in CHANNELS; see `base` for what they promise.

A channel is on where all its `needs` are set as FUNDSTELLE_<CHANNEL>_<NEED>. Its module, and with
it any heavy library, is imported only then.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Registered:
    """A channel's module, what it can't do without, and what else may be set."""

    name: str
    needs: tuple[str, ...]
    may: tuple[str, ...] = ()

    def variable(self, need: str) -> str:
        """As it is called in the environment."""
        return f"FUNDSTELLE_{self.name.upper()}_{need}"


META = ("SECRET", "TOKEN", "VERIFY_TOKEN", "POLICY_READ")
API = ("API",)  # where the platform is, if not where everybody's is

CHANNELS = (
    Registered("telegram", ("TOKEN", "SECRET", "NAME"), API),
    Registered("threema", ("ID", "SECRET", "KEY"), API),
    Registered("signal", ("NUMBER", "URL", "FROM")),
    Registered("messenger", META, API),
    Registered("whatsapp", (*META, "PHONE_ID"), API),
    Registered("webhook", ("SECRET",)),
    Registered("mattermost", ("TOKEN",)),
    Registered("rocketchat", ("TOKEN",)),
)
