"""A programme's folder: programme.toml, and questions.toml where a campaign wrote one."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from index.errors import DocumentError
from index.types import Info

DESCRIPTION, QUESTIONS = "programme.toml", "questions.toml"
SLUG = re.compile(r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$")
REQUIRED = ("title", "document")
ANYWHERE = "*"
ORIGIN = re.compile(r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(?::\d{1,5})?")
KEYS = {field.name for field in fields(Info)} - {"slug", "bank"}


def read(folder: Path) -> Info:
    """The description in `folder`, whose name is the programme's slug.

    Raises DocumentError naming the file and the key that is wrong.
    """
    if not folder.is_dir():
        raise DocumentError(folder, "no such folder", f"name a folder that holds a {DESCRIPTION}")
    slug = folder.resolve().name
    if not SLUG.match(slug):
        raise DocumentError(
            folder, "its name is no slug", "use a-z, 0-9 and hyphens, e.g. dortmund-2025"
        )
    path = folder / DESCRIPTION
    table = _toml(path)
    unknown = sorted(set(table) - KEYS)
    if unknown:
        raise DocumentError(
            f"{path}: {unknown[0]}", "unknown key", f"use one of {', '.join(sorted(KEYS))}"
        )
    missing = [key for key in REQUIRED if not table.get(key)]
    if missing:
        raise DocumentError(f"{path}: {missing[0]}", "missing or empty", "add it")
    values = {key: _value(path, key, value) for key, value in table.items()}
    document = str(values["document"])
    if Path(document).name != document:
        raise DocumentError(
            f"{path}: document", "not a plain file name", "put the document beside it"
        )
    return Info(slug=slug, bank=_bank(folder / QUESTIONS), **values)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DocumentError(
            path, "no such file", "copy one from programmes/dortmund-2025"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DocumentError(path, f"not valid TOML ({error})", "correct it") from error


def origin(text: str) -> str | None:
    """An origin as browsers name it (lower case, no default port), "*", or None if it is none."""
    lowered = text.strip().lower()
    if lowered == ANYWHERE:
        return lowered
    if not ORIGIN.fullmatch(lowered):
        return None
    return lowered.removesuffix(":443" if lowered.startswith("https") else ":80")


def _origins(path: Path, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise DocumentError(
            f"{path}: allowed_origins", "not a list", 'write ["https://www.example.org"]'
        )
    found = [origin(entry) if isinstance(entry, str) else None for entry in value]
    for entry, known in zip(value, found, strict=True):
        if known is None:
            raise DocumentError(
                f"{path}: allowed_origins",
                f"{entry!r} is no origin",
                "write https://www.example.org: no path, no slash at the end, xn--… for umlauts",
            )
    return tuple(dict.fromkeys(entry for entry in found if entry))


def _value(path: Path, key: str, value: object) -> Any:
    """Strings, two lists of strings, and addresses that are http or https."""
    if key == "allowed_origins":
        return _origins(path, value)
    if key == "imprint":
        lines = value.splitlines() if isinstance(value, str) else value
        if not (isinstance(lines, list) and all(isinstance(line, str) for line in lines)):
            raise DocumentError(f"{path}: {key}", "not a list of strings", 'write ["line", "line"]')
        return tuple(lines)
    text = str(value)
    if isinstance(value, (dict, list, bool)):
        raise DocumentError(f"{path}: {key}", "not a string", "put it in quotes")
    if key.endswith("_url") and text and not re.match(r"https?://", text):
        raise DocumentError(f"{path}: {key}", "not an http(s) address", "begin it with https://")
    return text


def _bank(path: Path) -> Mapping[str, tuple[str, ...]]:
    """Section heading, as printed → example questions."""
    if not path.is_file():
        return {}
    bank: dict[str, tuple[str, ...]] = {}
    for number, entry in enumerate(_toml(path).get("section", []), 1):
        heading, questions = entry.get("heading"), entry.get("questions")
        if not isinstance(heading, str) or not isinstance(questions, list):
            raise DocumentError(
                f"{path}: section {number}", "no heading or no questions", "give both"
            )
        bank[heading] = (*bank.get(heading, ()), *(str(question) for question in questions))
    return bank
