"""The programmes being served. A new bundle is taken up while the server runs; a broken one is
refused.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from bot.errors import NotReady, UnknownProgramme
from index import bundle
from index.bundle import Bundle
from index.errors import BundleError, FundstelleError
from index.search import Searcher

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Served:
    """One programme, ready to answer."""

    bundle: Bundle
    searcher: Searcher
    position: Mapping[str, int] = field(default_factory=dict)  # passage id, old ones too → position

    @property
    def slug(self) -> str:
        """The programme's name in addresses."""
        return self.bundle.manifest.slug

    @property
    def version(self) -> str:
        """Prefix of the hash over text, description and model."""
        return self.bundle.manifest.version


class Library:
    """All bundles under one folder, by slug."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._served: dict[str, Served] = {}
        self._targets: dict[str, tuple[str, int]] = {}
        self._refused: dict[str, str] = {}
        self._refreshing = Lock()

    def refresh(self) -> None:
        """Take up new and changed bundles, let go of vanished ones. Requests meanwhile see the old
        state.
        """
        with self._refreshing:
            present = {p.name: p for p in self._folders()}
            served = {slug: s for slug, s in self._served.items() if slug in present}
            targets = {slug: self._identity(path) for slug, path in present.items()}
            self._refused = {slug: why for slug, why in self._refused.items() if slug in present}
            for slug, path in present.items():
                if targets[slug] != self._targets.get(slug):
                    self._take_up(slug, path, served)
            self._served, self._targets = served, targets

    def _folders(self) -> list[Path]:
        if not self._root.is_dir():
            return []
        return sorted(p for p in self._root.iterdir() if not p.name.startswith(".") and p.is_dir())

    @staticmethod
    def _identity(path: Path) -> tuple[str, int]:
        try:
            return str(path.resolve()), (path / bundle.MANIFEST).stat().st_mtime_ns
        except OSError:
            return str(path), 0

    def _take_up(self, slug: str, path: Path, served: dict[str, Served]) -> None:
        try:
            loaded = bundle.load(path)
            if loaded.manifest.slug != slug:
                raise BundleError(
                    path, f"holds the programme {loaded.manifest.slug}", "rename the folder"
                )
        except (FundstelleError, OSError) as error:
            log.error("bundle refused, the former one keeps serving: %s", error)
            self._refused[slug] = str(error)
            return
        position = {passage.id: number for number, passage in enumerate(loaded.passages)}
        for old, new in loaded.aliases.items():
            position.setdefault(old, position[new])
        served[slug] = Served(loaded, loaded.searcher(), position)
        self._refused.pop(slug, None)
        log.info("serving %s, version %s", slug, loaded.manifest.version)

    def all(self) -> list[Served]:
        """Every programme served, by slug."""
        served = self._served
        return [served[slug] for slug in sorted(served)]

    def get(self, slug: str | None) -> Served:
        """The programme `slug`; the only one, where no slug is given.

        Raises NotReady where none is served, UnknownProgramme where the name fits none or is
        needed.
        """
        served = self._served
        if not served:
            raise NotReady
        if slug is None and len(served) == 1:
            return next(iter(served.values()))
        if slug is None or slug not in served:
            raise UnknownProgramme
        return served[slug]

    def refused(self) -> Mapping[str, str]:
        """Why bundles that are there are not served, by slug."""
        return dict(self._refused)
