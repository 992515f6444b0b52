"""The errors of ingest and search, each with the place it happened and the way out.

    FundstelleError
    ├── DocumentError      the programme's document or its programme.toml can't be used
    ├── ModelError         the encoder can't be loaded or compiled, or two copies of it disagree
    ├── BundleError        an index bundle is missing, damaged or of another format
    │   └── BundleLocked   another ingest is writing it just now
    ├── StoreError         the store of programmes can't be reached, or has not what it should
    │   └── NoFolder       nor can this machine's folder take what comes from it
    └── Unheard            servers could not be told of a new bundle; they find it by themselves

`ingest.py` prints them as one line and exits with 2; `bot.problems` maps them to HTTP once.
"""

from __future__ import annotations


class FundstelleError(Exception):
    """Something a user of Fundstelle can put right; `str()` is one line that says how."""

    def __init__(self, place: object, problem: str, remedy: str) -> None:
        super().__init__(f"{place}: {problem}; {remedy}")
        self.place, self.problem, self.remedy = str(place), problem, remedy


class DocumentError(FundstelleError):
    """The document or its description can't be read as a programme."""


class ModelError(FundstelleError):
    """The encoder is unknown, can't be compiled, or its copies disagree."""


class BundleError(FundstelleError):
    """A bundle is missing, damaged or written in another format."""


class BundleLocked(BundleError):
    """Another process is writing this bundle."""


class StoreError(FundstelleError):
    """The store is unknown, can't be reached, or a programme in it is missing or not whole."""


class NoFolder(StoreError):
    """The folder for what must lie on this machine can't be written, or is full."""


class Unheard(FundstelleError):
    """Servers could not be told through Redis that there is a new bundle."""
