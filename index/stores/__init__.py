"""Where compiled programmes are kept, behind one protocol.

    FUNDSTELLE_STORE=faiss                  folders on this machine's disk (`folder`), the default
    FUNDSTELLE_STORE=qdrant://host:6334     a Qdrant server or cluster (`qdrant`); qdrants:// by TLS

One more place is one more module and a line in `open_store`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from index.bundle import Bundle
from index.errors import StoreError
from index.types import Info
from index.versions import Stamp

EMBEDDED = "faiss"


@dataclass(frozen=True)
class About:
    """What is known of a programme without loading it; `info` has no question bank."""

    version: str
    info: Info


class Store(Protocol):
    """Programmes by slug, each in one version at a time. Safe to share between threads."""

    def look(self) -> Mapping[str, Stamp]:
        """Every programme there is, with a stamp that changes when it does.

        Raises OSError or StoreError where it can't be looked at.
        """
        ...

    def stamp(self, slug: str) -> Stamp:
        """A closer look, for programmes that were refused: changes when any part of it does."""
        ...

    def about(self, slug: str) -> About | None:
        """Of a programme that the last look saw; None where it must be loaded to know.

        Raises BundleError where what is written of it can't be read.
        """
        ...

    def load(self, slug: str, version: str | None = None) -> Bundle:
        """The programme, in this version or the one there is.

        Raises BundleError where it is damaged, StoreError where it can't be had.
        """
        ...

    def publish(self, folder: Path) -> None:
        """Put the bundle in `folder` into the place of the one served under its slug: readers see
        the old one or the new one, whole.

        Raises BundleError where the bundle is damaged, StoreError where it can't be written.
        """
        ...

    def remove(self, slug: str) -> None:
        """Let go of a programme; nothing, where there is none. Raises StoreError."""
        ...


def open_store(address: str, folder: Path, key: str = "") -> Store:
    """The store at `address`; `folder` is where files lie on this machine, `key` Qdrant's API key.

    Raises StoreError for an address that is none. Nothing is connected to yet.
    """
    from index.stores.folder import FolderStore

    if address in ("", EMBEDDED):
        return FolderStore(folder)
    if address.startswith(("qdrant://", "qdrants://")):
        from index.stores.qdrant import QdrantStore  # not above: most have no such server

        return QdrantStore(address, folder, key)
    raise StoreError(address, "no such store", "use faiss or qdrant://host:6334")
