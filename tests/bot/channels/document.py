"""docs/channels.md, as somebody copies from it."""

from __future__ import annotations

import re

from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")


def block(containing: str) -> str:
    """The indented example with these words."""
    found = next(block for block in blocks() if containing in block)
    return re.sub(r"(?m)^ {4}", "", found)


def blocks() -> list[str]:
    """Every indented example."""
    return re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", TEXT, re.MULTILINE)


def settings(channel: str) -> list[str]:
    """The settings that the examples set for a channel, without FUNDSTELLE_<CHANNEL>_."""
    assigned = re.findall(rf"(?m)^ +FUNDSTELLE_{channel.upper()}_([A-Z_]+)=\S", "\n".join(blocks()))
    assert len(assigned) == len(set(assigned)), assigned
    return assigned
