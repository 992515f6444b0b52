from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from index import checksums


def test_a_change_is_noticed_even_where_size_and_time_are_set_back(tmp_path: Path) -> None:
    """The memory is of a file that nobody touched, not of a name."""
    path = tmp_path / "file"
    path.write_bytes(b"one")
    time.sleep(0.15)
    first = checksums.of_unchanged(path)
    times = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert checksums.of_unchanged(path) != first
    assert checksums.of_unchanged(path) == checksums.sha256(path)


@pytest.mark.alone
def test_a_file_that_stays_is_read_once(tmp_path: Path) -> None:
    """100 MB, by two names: the second look takes no time."""
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_bytes(bytes(100_000_000))
    os.link(path, other)
    time.sleep(0.15)
    began = time.perf_counter()
    first = checksums.of_unchanged(path)
    middle = time.perf_counter()
    assert checksums.of_unchanged(other) == first
    assert time.perf_counter() - middle < (middle - began) / 5


def test_what_was_written_just_now_is_not_remembered(tmp_path: Path) -> None:
    """It may change again within one tick of the file system's clock."""
    path = tmp_path / "file"
    for content in (b"one", b"two", b"six") * 20:
        path.write_bytes(content)
        assert checksums.of_unchanged(path) == checksums.sha256(path)
