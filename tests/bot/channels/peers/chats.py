"""How Mattermost and Rocket.Chat show a text: as much of their parsers as our texts meet, written
after what mattermost/marked at 08f3638 and @rocket.chat/message-parser 0.31.35 made of them.
"""

from __future__ import annotations

import html
import re

ESCAPED = re.compile(r"\\([`*{}\[\]()#+\-.!_>|~]|\\(?!\w))", re.ASCII)
ASIDE = 0xE000  # private signs, in place of escaped ones
MARKS = re.compile(
    r"\\([*_~`#.])"  # an escaped sign
    r"|\*([^*\n]+)\*|(?<![A-Za-z0-9])_([^_\n]+)_|~([^~\n]+)~|`([^`\n]+)`"  # no escapes within
    r"|\[([^\]\n]*)\]\([^)\n]*\)"
)


def mattermost(text: str) -> str:
    """Any other backslash is seen."""
    aside = ESCAPED.sub(lambda m: chr(ASIDE + ord(m[1])), text)
    plain = re.sub(r"(\*\*?|__?|~~|`)([^\n]+?)\1", r"\2", aside)
    plain = re.sub(r"\[([^\]\n]*)\]\([^)\n]*\)", r"\1", plain)
    plain = html.unescape(re.sub(r"(?m)^> ", "", plain))
    return "".join(chr(ord(s) - ASIDE) if ASIDE <= ord(s) <= ASIDE + 0xFF else s for s in plain)


def rocketchat(text: str) -> str:
    """Read from the left; what stands within a style is taken as it is."""
    plain = MARKS.sub(lambda m: next(g for g in m.groups() if g is not None), text)
    return re.sub(r"(?m)^> ", "", plain).replace("\u200a", "")
