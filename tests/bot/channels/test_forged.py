"""What a forger tries; `python -m bench.channels --forged` tries it 5,000 times a channel."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import bot.channels
from tests.bot.channels.forging import opened, received, refuse_all
from tests.bot.channels.kits import KITS


@pytest.mark.parametrize("made", KITS, ids=lambda k: k.name)
def test_every_forgery_is_refused_before_parsing(made: Any) -> None:
    """Forged, replayed, truncated, re-encoded: 403 or 401, and no look at the meaning."""
    assert refuse_all(made(), 150) >= 100


@pytest.mark.parametrize("made", KITS, ids=lambda k: k.name)
def test_the_genuine_one_passes(made: Any) -> None:
    """The refusals above are not refusals of everything."""
    kit = made()
    channel = opened(kit)
    request = received(kit.message("Radwege für Dörfer?"))
    channel.verify(request)
    assert len(channel.parse(request)) == 1


def test_secrets_are_compared_in_constant_time() -> None:
    """Read from the source: in each `verify` and `challenge` a secret meets what came only in
    `same`, and that is hmac.compare_digest.
    """
    folder = Path(bot.channels.__file__).parent
    secret = {"secret", "token", "verify_token"}
    seen = 0
    for path in folder.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name in ("verify", "challenge"):
                compared = [n for c in ast.walk(node) if isinstance(c, ast.Compare)
                            for n in ast.walk(c) if isinstance(n, ast.Attribute)]  # fmt: skip
                assert not secret & {n.attr for n in compared}, path
                used = {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
                calls = {n.func.id for n in ast.walk(node)
                         if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}  # fmt: skip
                if used & secret:
                    assert "same" in calls, path
                    seen += 1
    assert seen >= 6
    same = next(n for n in ast.walk(ast.parse((folder / "base.py").read_text(encoding="utf-8")))
                if isinstance(n, ast.FunctionDef) and n.name == "same")  # fmt: skip
    assert "hmac.compare_digest" in ast.unparse(same)
