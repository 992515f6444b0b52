"""One module per document format; a new format is one module and one line in READERS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from index.errors import DocumentError
from index.readers import text
from index.types import Block

READERS: Mapping[str, Callable[[Path], list[Block]]] = {
    ".txt": text.read,
}


def read(path: Path) -> list[Block]:
    """The blocks of a document, in reading order.

    Raises DocumentError for a missing, empty, unknown or undecodable file.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DocumentError(path, "unknown format", f"use one of {', '.join(READERS)}")
    if not path.is_file():
        raise DocumentError(path, "no such file", "check `document` in programme.toml")
    blocks = reader(path)
    if not blocks:
        raise DocumentError(path, "the file holds no text", "export the programme again")
    return blocks
