from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import ROOT


def made(name: str) -> str:
    command = [sys.executable, str(ROOT / "scripts/sbom.py"), name]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", ["server", "all"])
def test_it_names_every_locked_package_with_its_hashes(name: str) -> None:
    """None is missing, none has a hash that pip would not take."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    pins = set(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", text, re.M))
    document: dict[str, Any] = json.loads(made(name))
    listed = [c for c in document["components"] if c["type"] == "library" and c["name"] != "torch"]
    assert {(c["name"], c["version"]) for c in listed} == {
        (re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in pins
    }
    hashes = [h["content"] for c in listed for h in c["externalReferences"][0]["hashes"]]
    assert len(hashes) == len(set(re.findall(r"sha256:[0-9a-f]{64}", text)))
    assert ("torch" in made(name)) == (name == "all")


def test_the_same_list_gives_the_same_bytes() -> None:
    """No time, no random number."""
    assert made("server") == made("server")


@pytest.mark.skipif(
    not importlib.util.find_spec("cyclonedx"), reason="cyclonedx-python-lib is not here"
)
@pytest.mark.parametrize("name", ["server", "all"])
def test_it_follows_cyclonedx_own_schema(name: str) -> None:
    """Strictly, version 1.6."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(made(name)) is None
