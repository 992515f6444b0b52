"""Memory that the encoder needs for a moment goes back to the system."""

from __future__ import annotations

import ctypes
from contextlib import suppress

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of malloc.h
BYTES = 128 * 1024  # what glibc begins with


def give_back() -> None:
    """Keep glibc from learning to keep what is freed: each thread that searches would hold the
    buffers of its longest question for ever. Nothing happens where the C library has no such
    switch.
    """
    with suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        for name in (TRIM_THRESHOLD, MMAP_THRESHOLD):
            library.mallopt(name, BYTES)
