"""The fixed sentences shown to people, one TOML file a language; German is always there."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from types import SimpleNamespace
from typing import Any

DEFAULT = "de"


@cache
def wording(language: str = DEFAULT) -> Any:
    """The sentences of a language by attribute, nested as in the file; German where there are
    none.
    """
    files = resources.files(__package__)
    names = {entry.name for entry in files.iterdir()}
    name = f"{language}.toml" if f"{language}.toml" in names else f"{DEFAULT}.toml"
    return _namespace(tomllib.loads((files / name).read_text(encoding="utf-8")))


def sentence(key: str, /, **words: object) -> str:
    """The sentence for an error's key, its gaps filled."""
    sentences = wording()
    found = str(getattr(sentences, key, None) or getattr(sentences.errors, key))
    return found.format(**words) if words else found


def _namespace(table: dict[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(
        **{
            key: _namespace(value) if isinstance(value, dict) else value
            for key, value in table.items()
        }
    )
