"""What a bundle says of itself is believed only where it is whole and of this format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from index import bundle
from index.errors import BundleError
from index.manifest import FORMAT, MANIFEST, write_manifest
from tests.conftest import SLUG


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', '{"format": 1}'])
def test_a_damaged_manifest_is_refused(copy: Path, text: str) -> None:
    """With the file's name and the remedy."""
    (copy / MANIFEST).write_text(text)
    with pytest.raises(BundleError, match="run ingest.py"):
        bundle.load(copy)


def test_another_format_is_refused(copy: Path) -> None:
    """A bundle of a later program says which format this one reads."""
    table = json.loads((copy / MANIFEST).read_text())
    write_manifest(copy, {**table, "format": FORMAT + 1})
    with pytest.raises(BundleError, match=f"format {FORMAT + 1}, this program reads {FORMAT}"):
        bundle.load(copy)


def test_a_programme_under_another_slug_is_refused(copy: Path) -> None:
    """Manifest and programme must agree on whose words these are."""
    table = json.loads((copy / MANIFEST).read_text())
    write_manifest(copy, {**table, "slug": "berlin"})
    with pytest.raises(BundleError, match=f"programme.json is about {SLUG}"):
        bundle.load(copy)
    write_manifest(copy, {**table, "slug": "../Berlin"})
    with pytest.raises(BundleError, match="slug"):
        bundle.load(copy)
