from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from bot import wording as package
from bot.assets import WEB
from bot.errors import BotError
from bot.wording import CODES, closest, languages, wording
from tests.conftest import ROOT

FOLDER = ROOT / "bot" / "wording"


def flat(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Every key with its path, and its sentence."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, f"{above}{key}.")
        elif isinstance(value, list):
            yield from ((f"{above}{key}[{n}]", each) for n, each in enumerate(value))
        else:
            yield above + key, value


def sentences(code: str) -> dict[str, str]:
    return dict(flat(tomllib.loads((FOLDER / f"{code}.toml").read_text(encoding="utf-8"))))


def gaps(text: str) -> list[str]:
    return sorted(re.findall(r"\{\w*\}", text))


def test_every_file_is_a_language_of_the_menu() -> None:
    """And the other way round."""
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_every_language_says_everything(code: str) -> None:
    """The same keys as German, the same gaps in each sentence, none left empty."""
    german, other = sentences("de"), sentences(code)
    assert other.keys() == german.keys()
    assert {key: gaps(text) for key, text in other.items()} == {
        key: gaps(text) for key, text in german.items()
    }
    assert all(text.strip() for text in other.values())


@pytest.mark.parametrize("code", [code for code in CODES if not code.startswith("de")])
def test_a_translation_is_one(code: str) -> None:
    """No sentence of more than two words was left German."""
    german, other = sentences("de"), sentences(code)
    left = {k for k, text in other.items() if text == german[k] and len(text.split()) > 2}
    assert left <= {"reader.found"}


@pytest.mark.parametrize(
    ("tag", "code"),
    [("en-GB", "en"), ("AR", "ar"), ("de-leicht", "de-leicht"), ("de-simple", "de-leicht"),
     ("fr", None), ("", None), ("../de", None)],
)  # fmt: skip
def test_a_language_tag_finds_the_nearest(tag: str, code: str | None) -> None:
    """By its first part; nothing else of what a client sends is looked for."""
    assert closest(tag) == code


def test_strange_languages_take_no_memory() -> None:
    """Only the languages there are are kept, whatever clients ask for."""
    for number in range(50):
        wording(f"x{number}")
    assert package._read.cache_info().currsize <= len(CODES)


def test_only_arabic_runs_from_right_to_left() -> None:
    """Direction and tag are what HTML takes."""
    assert {each.code for each in languages() if each.direction == "rtl"} == {"ar"}
    assert all(re.fullmatch(r"[a-z]{2}(-[a-z]+)?", each.tag) for each in languages())


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
