"""Memory that is needed for a moment goes back to the system; what stays is not looked through."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of malloc.h
# A question's buffers fit, those of two thousand letters don't. With glibc's own 128 KiB a
# question of a sentence or two asked the system for fresh pages at each of the encoder's layers.
BYTES = 512 * 1024


def give_back() -> None:
    """Keep glibc from learning to keep what is freed: each thread that searches would hold the
    buffers of its longest question for ever. Nothing happens where the C library has no such
    switch.
    """
    with suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        for name in (TRIM_THRESHOLD, MMAP_THRESHOLD):
            library.mallopt(name, BYTES)


def settle() -> None:
    """All that is there now stays. Python's collector would look through it again and again, in
    which time nobody is answered: the libraries alone take 20 ms, each programme adds to it.
    """
    gc.collect()
    gc.freeze()
