"""The fixed sentences shown to people, one TOML file a language; German is always there."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import SimpleNamespace
from typing import Any

DEFAULT = "de"
CODES = ("de", "de-leicht", "en", "tr", "ar", "pl", "ru", "uk")  # in the order of the menu


@dataclass(frozen=True)
class Language:
    """A language the interface speaks; `tag` and `direction` are HTML's lang and dir."""

    code: str
    name: str
    tag: str
    direction: str


def wording(language: str = DEFAULT) -> Any:
    """The sentences of a language by attribute, nested as in the file; German where there are
    none.
    """
    return _read(closest(language) or DEFAULT)


def closest(tag: str) -> str | None:
    """The code of the language that `tag` asks for, as in "en" for "en-GB"; None for one that is
    not spoken here.
    """
    asked = tag.strip().lower()
    if asked.startswith("de-simple"):
        return "de-leicht"
    return next((code for code in (asked, asked.partition("-")[0]) if code in CODES), None)


@cache
def languages() -> tuple[Language, ...]:
    """All languages, in the order of the menu."""
    about = {code: _read(code).language for code in CODES}
    return tuple(Language(code, a.name, a.tag, a.direction) for code, a in about.items())


def sentence(key: str, /, language: str = DEFAULT, **words: object) -> str:
    """The sentence for an error's key, its gaps filled."""
    sentences = wording(language)
    found = str(getattr(sentences, key, None) or getattr(sentences.errors, key))
    return found.format(**words) if words else found


@cache  # by the codes there are, never by what a client sends: that would fill the memory
def _read(code: str) -> Any:
    text = (resources.files(__package__) / f"{code}.toml").read_text(encoding="utf-8")
    return _namespace(tomllib.loads(text))


def _namespace(table: dict[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(
        **{
            key: _namespace(value) if isinstance(value, dict) else value
            for key, value in table.items()
        }
    )
