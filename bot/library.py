"""The programmes being served. New and changed bundles are taken up while the server runs, broken
ones are refused.

A look at the store compares stamps, one for each programme. What is served is
never changed, only replaced: a request holds on to the `Served` that it began with.

    a folder's name is its programme's slug; anything else is refused, so that no slug is there
    twice
    a refused bundle is tried again when any of its files changes; the former one serves meanwhile
    a programme goes when its folder or link goes, and is still gone at a second look: where one
    folder is moved away and another into its place, there is a moment with none
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from threading import Lock
from typing import TypeVar

from bot.errors import NotReady, ProgrammeNeeded, TooManyProgrammes, UnknownProgramme
from bot.shelf import Shelf
from index.bundle import Bundle
from index.errors import BundleError, FundstelleError, NoFolder, StoreError
from index.search import Searcher
from index.stores import Store
from index.types import Info
from index.versions import Stamp

log = logging.getLogger(__name__)
T = TypeVar("T")

LOADERS = 2  # threads, where many bundles are new: reading and hashing wait, parsing does not
SECOND_LOOK = 0.1  # seconds until a programme that was not there is looked for again
MOST_LOADED = 200  # programmes of 145 passages: 0.5 GB
FOLDER = "."  # stands for the store itself among the refused; no slug is called so


@dataclass(frozen=True)
class Loaded:
    """All of a programme that answering needs."""

    bundle: Bundle
    searcher: Searcher
    position: Mapping[str, int]  # passage id, old ones too → position
    offered: frozenset[str]  # the questions of the bank


@dataclass(frozen=True)
class Served:
    """One programme, ready to answer. Of a store that is not in this process, its text is loaded
    when it is asked for, and let go when others are: `bundle`, `searcher`, `position` and `offered`
    raise StoreError where that fails.
    """

    slug: str  # the programme's name in addresses
    version: str  # prefix of the hash over all but vectors: see `index.build`
    info: Info  # without the question bank, which is in the bundle
    load: Callable[[], Loaded] = field(repr=False)

    @property
    def bundle(self) -> Bundle:
        """Text and description."""
        return self.load().bundle

    @property
    def searcher(self) -> Searcher:
        """Search over it."""
        return self.load().searcher

    @property
    def position(self) -> Mapping[str, int]:
        """Where each passage stands, by its id or an earlier one."""
        return self.load().position

    @property
    def offered(self) -> frozenset[str]:
        """The questions of the bank."""
        return self.load().offered


@dataclass(frozen=True)
class _Seen:
    """How a folder looked before it was loaded: any change since makes it worth another try."""

    stamp: Stamp
    all_files: Stamp


def _unwatched(_: str, __: bool) -> None:
    """Nobody counts."""


class Library:
    """All programmes of a store, by slug."""

    def __init__(
        self,
        store: Store,
        watch: Callable[[str, bool], None] = _unwatched,
        most_loaded: int = MOST_LOADED,
        excuse: Callable[[], None] = lambda: None,
    ) -> None:
        """`watch` is told of each bundle by name: taken up, or refused for a new reason.

        Of a store that is not in this process: `most_loaded` programmes are held at a time, and
        `excuse` is told, before somebody must wait for one that is not.
        """
        self._store, self._watch, self._excuse = store, watch, excuse
        self._shelf: Shelf[tuple[str, str], Loaded] = Shelf(most_loaded)
        self._served: dict[str, Served] = {}  # never changed, only replaced
        self._refused: dict[str, str] = {}  # likewise
        self._seen: dict[str, _Seen] = {}
        self._refreshing, self._publishing = Lock(), Lock()

    def refresh(self) -> None:
        """Take up new and changed bundles, let go of vanished ones. Requests meanwhile see the old
        state.

        Raises NoFolder where this machine can't hold what answering needs: nothing is taken up.
        """
        with self._refreshing:
            present = self._present()
            if present is None:
                return
            self._let_go(set(self._seen) - set(present))
            changed = [name for name in sorted(present) if self._changed(name, present[name])]
            self._warm_up(changed)
            if len(changed) == 1:
                self._take_up(changed[0], present[changed[0]])
            elif changed:
                with ThreadPoolExecutor(LOADERS) as pool:
                    list(pool.map(self._take_up, changed, [present[name] for name in changed]))

    def _present(self) -> dict[str, Stamp] | None:
        """The stamp of every folder by its name; None where the index folder can't be read."""
        try:
            present = dict(self._store.look())
            if set(self._served) - set(present):
                time.sleep(SECOND_LOOK)
                present = dict(self._store.look())
        except OSError as error:
            self._refuse(FOLDER, f"{error.filename}: can't be read ({error.strerror})")
            return None
        except StoreError as error:
            self._refuse(FOLDER, str(error))
            return None
        self._let_go({FOLDER})
        return present

    def _changed(self, name: str, stamp: Stamp) -> bool:
        seen = self._seen.get(name)
        if seen is None or seen.stamp != stamp:
            return True
        return name in self._refused and seen.all_files != self._store.stamp(name)

    def _warm_up(self, names: Sequence[str]) -> None:
        """Nobody shall wait for an encoder that must be fetched: one programme is loaded before any
        is served, and mostly all share its encoder. If the store fails, whoever asks is told why;
        a machine that can't hold the encoder would tell so for ever, and must not become ready.
        """
        for name in () if len(self._shelf) else names:
            try:
                if self._store.about(name):
                    self._open(name).load()
                return
            except NoFolder as error:
                self._refuse(FOLDER, str(error))
                raise
            except BundleError:
                continue  # this programme's fault, which taking it up tells; the next will do
            except (FundstelleError, OSError):
                return

    def _take_up(self, name: str, stamp: Stamp) -> None:
        self._seen[name] = _Seen(stamp, self._store.stamp(name))
        try:
            served = self._open(name)
        except (FundstelleError, OSError) as error:
            self._refuse(name, str(error))
        except Exception as error:  # right checksums, content that nobody thought of
            self._refuse(name, f"{name}: can't be served ({type(error).__name__}: {error})")
        else:
            self._publish(name, served)

    def _open(self, name: str) -> Served:
        about = self._store.about(name)
        if about is None:
            return holding(self._store.load(name))
        key = (name, about.version)
        return Served(*key, about.info, lambda: self._shelf.get(key, partial(self._fetch, *key)))

    def _fetch(self, name: str, version: str) -> Loaded:
        self._excuse()
        return _loaded(self._store.load(name, version))

    def _publish(self, name: str, served: Served) -> None:
        with self._publishing:
            self._served = {**self._served, name: served}
            self._refused = _without(self._refused, {name})
        self._watch(name, True)
        log.info("serving %s, version %s", name, served.version)

    def _refuse(self, name: str, reason: str) -> None:
        with self._publishing:
            known = self._refused.get(name) == reason
            self._refused = {**self._refused, name: reason}
        if not known:  # a bundle being copied is looked at many times
            self._watch(name, False)
            what = "the store can't be used" if name == FOLDER else "bundle refused"
            log.error("%s, what was served before keeps serving: %s", what, reason)

    def _let_go(self, names: set[str]) -> None:
        for name in names & set(self._served):
            log.info("no longer serving %s: its folder is gone", name)
        with self._publishing:
            self._served = _without(self._served, names)
            self._refused = _without(self._refused, names)
            self._seen = _without(self._seen, names)

    def all(self) -> list[Served]:
        """Every programme served, by slug."""
        served = self._served
        return [served[slug] for slug in sorted(served)]

    def get(self, slug: str | None) -> Served:
        """The programme `slug`; the only one, where no slug is given.

        Raises NotReady where none is served, UnknownProgramme where the name fits none,
        ProgrammeNeeded where one must be named.
        """
        served = self._served
        if not served:
            raise NotReady
        if slug is None and len(served) == 1:
            return next(iter(served.values()))
        if slug is None:
            raise ProgrammeNeeded(sorted(served))
        if slug not in served:
            raise UnknownProgramme(sorted(served), slug)
        return served[slug]

    def several(self, slugs: Sequence[str], most: int) -> list[Served]:
        """The programmes `slugs`, in their order, each once; all by slug, where none is named.

        Raises NotReady, UnknownProgramme naming the slug, or TooManyProgrammes.
        """
        served = self._served
        if not served:
            raise NotReady
        chosen = list(dict.fromkeys(slugs)) or sorted(served)
        if len(chosen) > most:
            raise TooManyProgrammes(most)
        for slug in chosen:
            if slug not in served:
                raise UnknownProgramme(sorted(served), slug)
        return [served[slug] for slug in chosen]

    def refused(self) -> Mapping[str, str]:
        """Why bundles that are there are not served, by slug."""
        return self._refused


def holding(bundle: Bundle) -> Served:
    """A programme that stays in memory as long as it is served."""
    loaded = _loaded(bundle)
    return Served(bundle.manifest.slug, bundle.manifest.version, bundle.info, lambda: loaded)


def _loaded(bundle: Bundle) -> Loaded:
    position = {passage.id: number for number, passage in enumerate(bundle.passages)}
    for old, new in bundle.aliases.items():
        position.setdefault(old, position[new])
    offered = frozenset(chain.from_iterable(bundle.info.bank.values()))
    return Loaded(bundle, bundle.searcher(), position, offered)


def _without(table: Mapping[str, T], names: set[str]) -> dict[str, T]:
    return {name: value for name, value in table.items() if name not in names}
