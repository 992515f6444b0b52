"""Programmes as folders on this machine's disk, searched in this process with FAISS."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from index import bundle, versions
from index.bundle import Bundle
from index.errors import BundleError
from index.stores import About
from index.versions import Stamp


class FolderStore:
    """See `index.stores.Store`; `index.bundle` says how a folder is made and checked."""

    def __init__(self, root: Path) -> None:
        self.root, self._seen = root, False

    def look(self) -> Mapping[str, Stamp]:
        """The folders and links under the root. Before the first ingest there may be none; once
        there was one, it would be a fault.
        """
        if not self._seen and not self.root.exists():
            return {}
        self._seen = True
        return versions.look(self.root)

    def stamp(self, slug: str) -> Stamp:
        """Of all files."""
        return versions.stamp_of_all(self.root / slug)

    def about(self, slug: str) -> About | None:
        """Nothing: a folder is only trusted once it was read whole."""
        return None

    def load(self, slug: str, version: str | None = None) -> Bundle:
        """The bundle in the folder; a version can't be chosen, since it is held in memory."""
        path = self.root / slug
        loaded = bundle.load(path)
        if loaded.manifest.slug != slug:
            raise BundleError(
                path, f"holds the programme {loaded.manifest.slug}", "rename the folder"
            )
        return loaded

    def publish(self, folder: Path) -> None:
        """Done already: `index.build` writes into the root."""

    def remove(self, slug: str) -> None:
        """The link goes, its versions with it."""
        versions.remove(self.root, slug)
