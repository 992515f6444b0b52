"""Who somebody is → a key that leads nowhere without the secret."""

from __future__ import annotations

import hashlib
import secrets


class Hasher:
    """Hashes under one secret; processes with the same one make the same keys. Without one it is
    made anew, and lives as long as this.
    """

    def __init__(self, secret: str = "") -> None:
        self._key = hashlib.sha256(secret.encode()).digest() if secret else secrets.token_bytes(32)

    def key(self, *parts: str) -> str:
        """A key for what `parts` name together."""
        joined = "\0".join(parts).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(joined, key=self._key, digest_size=16).hexdigest()
