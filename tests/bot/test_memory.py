"""What a process does with its memory, in one of its own: it changes all of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

START = """
import gc, sys
from pathlib import Path
from bot.__main__ import _made
from bot.settings import Settings

_made(Settings(index=Path(sys.argv[1])))
print(gc.get_freeze_count(), len(gc.get_objects()))
"""


def test_the_collector_does_not_look_through_what_is_served(index_root: Path) -> None:
    """Nine tenths of all objects and more are out of its reach once a server has started."""
    run = subprocess.run(
        [sys.executable, "-c", START, str(index_root)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    frozen, left = map(int, run.stdout.split())
    assert frozen > 9 * left
