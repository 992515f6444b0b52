"""One module per document format; a new format is one module and one line in READERS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from index.errors import DocumentError
from index.readers import docx, files, html, markdown, odt, text
from index.types import Document

READERS: Mapping[str, Callable[[Path], Document]] = {
    ".docx": docx.read,
    ".odt": odt.read,
    ".html": html.read,
    ".htm": html.read,
    ".md": markdown.read,
    ".markdown": markdown.read,
    ".txt": text.read,
}


def read(path: Path) -> Document:
    """What a document holds, in reading order.

    Raises DocumentError for a missing, empty, unknown, mislabelled, damaged or malicious file.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DocumentError(path, "unknown format", f"use one of {', '.join(READERS)}")
    if not path.is_file():
        raise DocumentError(path, "no such file", "check `document` in programme.toml")
    try:
        files.check(path)
        document = reader(path)
    except RecursionError as error:
        raise DocumentError(path, "its parts are nested too deeply", "export it again") from error
    except MemoryError as error:
        raise DocumentError(path, "too large for this computer", "split the document") from error
    except OSError as error:
        raise DocumentError(path, f"can't be read ({error.strerror})", "check the file") from error
    if not document.blocks:
        raise DocumentError(path, "the file holds no text", "export the programme again")
    return document
