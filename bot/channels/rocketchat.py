"""Rocket.Chat's outgoing webhook; see `slash`."""

from __future__ import annotations

from collections.abc import Mapping

from bot.channels.slash import ROCKETCHAT, RocketChat, checked


def make(values: Mapping[str, str]) -> RocketChat:
    """From FUNDSTELLE_ROCKETCHAT_*. Raises ValueError naming the setting."""
    return RocketChat(checked(values), ROCKETCHAT)
