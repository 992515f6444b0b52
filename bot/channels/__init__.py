"""Messengers: one module each, one line each in CHANNELS; see `base` for what they promise.

A channel is on where all its `needs` are set as FUNDSTELLE_<CHANNEL>_<NEED>. Its module, and with
it any heavy library, is imported only then.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Registered:
    """A channel's module and what it can't do without."""

    name: str
    needs: tuple[str, ...]

    def variable(self, need: str) -> str:
        """As it is called in the environment."""
        return f"FUNDSTELLE_{self.name.upper()}_{need}"


META = ("SECRET", "TOKEN", "VERIFY_TOKEN", "POLICY_READ")

CHANNELS = (
    Registered("telegram", ("TOKEN", "SECRET", "NAME")),
    Registered("threema", ("ID", "SECRET", "KEY")),
    Registered("signal", ("NUMBER", "URL", "FROM")),
    Registered("messenger", META),
    Registered("whatsapp", (*META, "PHONE_ID")),
    Registered("webhook", ("SECRET",)),
    Registered("mattermost", ("TOKEN",)),
    Registered("rocketchat", ("TOKEN",)),
)
