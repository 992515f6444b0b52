"""One module per document format; a new format is one module and one line in READERS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from index.errors import DocumentError
from index.readers import pdf, text
from index.types import Document

READERS: Mapping[str, Callable[[Path], Document]] = {
    ".pdf": pdf.read,
    ".txt": text.read,
}


def read(path: Path) -> Document:
    """What a document holds, in reading order.

    Raises DocumentError for a missing, empty, unknown or undecodable file.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DocumentError(path, "unknown format", f"use one of {', '.join(READERS)}")
    if not path.is_file():
        raise DocumentError(path, "no such file", "check `document` in programme.toml")
    document = reader(path)
    if not document.blocks:
        raise DocumentError(path, "the file holds no text", "export the programme again")
    return document
