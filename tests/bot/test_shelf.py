from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.shelf import Shelf


def test_many_threads_make_a_value_once() -> None:
    """Whoever comes while it is being made waits for it."""
    shelf: Shelf[str, object] = Shelf(2)
    begun, go, made = threading.Event(), threading.Event(), []

    def make() -> object:
        begun.set()
        assert go.wait(5)
        made.append(object())
        return made[-1]

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(shelf.get, "a", make)
        assert begun.wait(5)
        others = [pool.submit(shelf.get, "a", make) for _ in range(7)]
        assert shelf.known("a") is None
        go.set()
        assert {first.result(5), *(o.result(5) for o in others)} == {made[0]}
    assert len(made) == 1
    assert shelf.known("a") is made[0]


def test_what_was_asked_for_longest_ago_goes() -> None:
    """Never more than so many are held."""
    shelf: Shelf[int, int] = Shelf(2)
    for key in (1, 2, 1, 3):
        assert shelf.get(key, lambda key=key: key) == key  # type: ignore[misc]
    assert [shelf.known(key) for key in (1, 2, 3)] == [1, None, 3]
    assert len(shelf) == 2


def test_a_failure_is_not_held() -> None:
    """The next to ask tries again."""
    shelf: Shelf[str, int] = Shelf(2)

    def broken() -> int:
        raise OSError("not now")

    with pytest.raises(OSError, match="not now"):
        shelf.get("a", broken)
    assert shelf.get("a", lambda: 4) == 4
