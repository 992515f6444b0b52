"""What a bundle says of itself: `manifest.json`, sealed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.description import SLUG
from index.errors import BundleError
from index.vectors import FLAT

FORMAT = 2
MANIFEST = "manifest.json"
AGAIN = "run ingest.py for this programme again"


@dataclass(frozen=True)
class Manifest:
    """What a bundle says of itself. `version` changes with the text, the description, the model,
    or what a later program makes of them.
    """

    format: int
    slug: str
    version: str
    document_sha256: str
    model: str
    model_sha256: str
    dimension: int
    counts: Mapping[str, int]
    files: Mapping[str, str]  # relative path → sha256
    index: str = FLAT  # how its vectors are searched: see index.vectors
    seal: str = ""  # sha256 of all the above; bundles of before November 2026 have none


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the bundle in `folder`.

    Raises BundleError where it is missing, damaged or of another format.
    """
    path = folder / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BundleError(folder, f"no bundle here (no {MANIFEST})", AGAIN) from error
    except (OSError, ValueError) as error:
        raise BundleError(path, f"damaged ({error})", AGAIN) from error
    return parse_manifest(text, path)


def parse_manifest(text: str, path: object) -> Manifest:
    """The manifest that `text` holds; `path` is where it was found.

    Raises BundleError where it is damaged or of another format.
    """
    try:
        table = json.loads(text)
        manifest = Manifest(**table)
    except (ValueError, TypeError) as error:
        raise BundleError(path, f"damaged ({error})", AGAIN) from error
    if manifest.format != FORMAT:
        raise BundleError(path, f"format {manifest.format}, this program reads {FORMAT}", AGAIN)
    if not (isinstance(manifest.slug, str) and SLUG.match(manifest.slug)):
        raise BundleError(path, "its slug is none", "use a-z, 0-9 and hyphens")
    if not isinstance(manifest.files, dict):
        raise BundleError(path, "damaged (files)", AGAIN)
    if manifest.seal and text != sealed(table):
        raise BundleError(path, "damaged: its seal is not right", AGAIN)
    return manifest


def write_manifest(folder: Path, table: Mapping[str, Any]) -> None:
    """Write the manifest, sealed: not against forgers, but so that every byte of it counts."""
    (folder / MANIFEST).write_text(sealed(table), encoding="utf-8")


def sealed(table: Mapping[str, Any]) -> str:
    """The manifest as it is written: with the checksum of all the rest."""
    rest = {name: value for name, value in table.items() if name != "seal"}
    seal = hashlib.sha256(json.dumps(rest).encode()).hexdigest()
    return json.dumps({**rest, "seal": seal}, indent=1)
