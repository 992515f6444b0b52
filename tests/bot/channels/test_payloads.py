"""Payloads as the platforms' documentation shows them (payloads/, with its sources in README.md),
read by our parsers and, where there is one, by a library of somebody else's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiogram.types import Update

from bot.channels.base import Received
from tests.bot.channels.forging import opened
from tests.bot.channels.kits import KITS

FOLDER = Path(__file__).parent / "payloads"
EXPECTED = {
    folder.name: json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    for folder in sorted(path for path in FOLDER.iterdir() if path.is_dir())
}
CASES = [(channel, name) for channel, names in EXPECTED.items() for name in names]
MADE: dict[str, Any] = {kit.name: kit for kit in KITS}


def payload(channel: str, name: str) -> bytes:
    return sent(channel, (FOLDER / channel / f"{name}.json").read_bytes())


def sent(channel: str, example: bytes) -> bytes:
    """As the platform sends it: Mattermost a form, the others JSON."""
    if channel != "mattermost":
        return example
    form = json.loads(example)
    return urlencode(form).encode() if isinstance(form, dict) else example


def test_every_payload_has_an_expectation() -> None:
    """None lies there unread."""
    for folder in (FOLDER / channel for channel in EXPECTED):
        assert {p.stem for p in folder.glob("*.json")} == {*EXPECTED[folder.name], "expected"}


@pytest.mark.parametrize(("channel", "name"), CASES)
def test_the_platforms_own_examples_are_understood(channel: str, name: str) -> None:
    """Texts in order; nothing where nobody waits for an answer."""
    headers = {"x-fundstelle-signature": "sha256=0"}
    request = Received("POST", headers, {}, payload(channel, name), "127.0.0.1")
    messages = opened(MADE[channel]()).parse(request)
    found = [m.text if m.kind == "text" else f"[{m.kind}]" for m in messages]
    assert found == EXPECTED[channel][name]


@pytest.mark.parametrize("name", EXPECTED["telegram"])
def test_telegrams_examples_are_updates_for_aiogram_too(name: str) -> None:
    """So that they are no invention of ours."""
    assert Update.model_validate_json(payload("telegram", name)).update_id


@pytest.mark.parametrize("channel", EXPECTED)
def test_no_shape_of_a_payload_is_an_error(channel: str) -> None:
    """Any value replaced by another of any kind: understood, left alone, or Malformed; never an
    error of ours.
    """
    from bot.channels.base import Malformed, Refused

    opened_channel = opened(MADE[channel]())
    for name in EXPECTED[channel]:
        example = (FOLDER / channel / f"{name}.json").read_bytes()
        for changed in variants(json.loads(example)):
            body = sent(channel, json.dumps(changed).encode())
            request = Received("POST", {"x-fundstelle-signature": "s"}, {}, body, "127.0.0.1")
            try:
                opened_channel.parse(request)
            except (Malformed, Refused):
                continue


def variants(value: Any) -> Any:
    """`value` with each of its parts missing or something else."""
    yield from (None, 5, "x", [], {}, [[]], True, -1e400)
    if isinstance(value, dict):
        for key, inner in value.items():
            yield {k: v for k, v in value.items() if k != key}
            yield from ({**value, key: changed} for changed in variants(inner))
    if isinstance(value, list):
        for at, inner in enumerate(value):
            yield from (value[:at] + [changed] + value[at + 1 :] for changed in variants(inner))
