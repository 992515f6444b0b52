from __future__ import annotations

import re

from bot.errors import BotError
from bot.pages import WEB
from bot.wording import wording


def test_an_unknown_language_reads_german() -> None:
    """Nobody is left without words; and no path is made of what a client sends."""
    assert wording("xx") == wording("de")
    assert wording("../../etc/passwd") == wording("de")


def test_every_error_has_its_sentence() -> None:
    """Each class of the tree, so that no error is ever shown as a key."""
    words = wording()
    for error in BotError.__subclasses__():
        assert getattr(words, error.key, None) or getattr(words.errors, error.key)


def test_every_sentence_of_the_templates_exists() -> None:
    """A missing one would fail only when its page is opened."""
    for template in (WEB / "templates").glob("*.html"):
        for path in re.findall(r"\bw\.([a-z_.]+)", template.read_text(encoding="utf-8")):
            found = wording()
            for name in path.strip(".").split("."):
                found = getattr(found, name)
            assert found
