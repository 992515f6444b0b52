"""Print pip's option for PyTorch's CPU index, or nothing where it can't be reached within 3
seconds.

Without it pip takes torch from its default index, which on Linux may be the far larger CUDA build.
"""

import socket
import sys
from urllib.parse import urlsplit


def reachable(address: str) -> bool:
    """Whether the host of `address` takes a connection."""
    parts = urlsplit(address)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname or "", port), timeout=3).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    print(f"--extra-index-url {sys.argv[1]}" if reachable(sys.argv[1]) else "")  # noqa: T201
