"""Print the entries of one lock file whose packages another one does not have."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==(?:.*\\\n)*.*\n", re.M)


def main(lock: str, known: str) -> None:
    """Write them to standard output, with their hashes."""
    names = {match[1].lower() for match in ENTRY.finditer(Path(known).read_text())}
    for match in ENTRY.finditer(Path(lock).read_text()):
        if match[1].lower() not in names:
            sys.stdout.write(match[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
