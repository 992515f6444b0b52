"""What the tests of bundles share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import SLUG


@pytest.fixture
def copy(index_root: Path, tmp_path: Path) -> Path:
    shutil.copytree((index_root / SLUG).resolve(), tmp_path / SLUG)
    for path in (tmp_path / SLUG).rglob("*"):
        path.chmod(0o755)  # a copy's encoder is read-only, too: here it is damaged on purpose
    return tmp_path / SLUG
