"""Mattermost's slash command; see `slash`."""

from __future__ import annotations

from collections.abc import Mapping

from bot.channels.slash import MATTERMOST, Mattermost, checked


def make(values: Mapping[str, str]) -> Mattermost:
    """From FUNDSTELLE_MATTERMOST_*. Raises ValueError naming the setting."""
    return Mattermost(checked(values), MATTERMOST)
