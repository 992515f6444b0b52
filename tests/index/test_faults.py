"""Accidents, a few of them; `python -m bench.faults` has 50 kills and 500 flips."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bench import faults, small
from bench.small import Chapter
from index import bundle
from index.manifest import MANIFEST, read_manifest


def test_every_flipped_byte_is_refused_by_name(tmp_path: Path) -> None:
    """Anywhere, in the manifest, too."""
    small.write(tmp_path, "rot", [Chapter("Verkehr", ["Wir bauen Radwege in der Stadt."])])
    found = faults.flips((tmp_path / "rot").resolve(), 60, random.Random(5))
    assert found.total() == 60
    assert all(outcome.endswith(": refused by name") for outcome in found), found
    assert any(outcome.startswith(MANIFEST) for outcome in found), found


def test_every_byte_of_the_manifest_counts(tmp_path: Path) -> None:
    """Version, counts and white space, too: each is changed, in every bit and into a space."""
    small.write(tmp_path, "rot", [Chapter("Verkehr", ["Wir bauen Radwege in der Stadt."])])
    path = (tmp_path / "rot").resolve() / MANIFEST
    good = path.read_bytes()
    for at in range(len(good)):
        for value in {good[at] ^ (1 << (at % 8)), 0x20} - {good[at]}:
            path.write_bytes(good[:at] + bytes([value]) + good[at + 1 :])
            with pytest.raises(bundle.BundleError, match=r"manifest\.json|rot"):
                read_manifest(path.parent)


def test_a_killed_ingest_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    """Kill -9 of the real ingest, at random moments, while a server looks on."""
    found = faults.kills(tmp_path, 3, random.Random(3), letters=5000)
    killed = sum(number for outcome, number in found.items() if outcome.startswith("killed"))
    assert killed == 3
    assert not [outcome for outcome in found if "NEITHER" in outcome], found
