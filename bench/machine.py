"""What figures were measured on, in a line: they mean little without."""

from __future__ import annotations

import os
import time
from pathlib import Path

# What processors call an instruction for sums of products of bytes, of which the encoder is made.
VNNI = ("avx512_vnni", "avx_vnni", "asimddp")
ADDITIONS = 10_000_000


def described() -> str:
    """Processor, cores, whether it has instructions for integer products, how fast Python is."""
    info = _info()
    name = info.get("model name", info.get("CPU implementer", "processor unknown"))
    flags = info.get("flags", info.get("Features", "")).split()
    fast = "with" if any(flag in flags for flag in VNNI) else "without" if flags else "perhaps with"
    return (
        f"{name}, {os.cpu_count()} cores, {fast} VNNI; "
        f"ten million additions in Python: {_additions():.2f} s"
    )


def _info() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _additions() -> float:
    began, total = time.perf_counter(), 0
    for _ in range(ADDITIONS):
        total += 1  # noqa: SIM113 - this is what is measured
    return time.perf_counter() - began
