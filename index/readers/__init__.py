"""One module per document format; a new format is one module and one line in READERS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from index.errors import DocumentError
from index.readers import docx, files, html, markdown, odt, pdf, text
from index.types import Document

Watch = Callable[[int, int], None]  # called with how much is done, and of how much


def _at_once(read: Callable[[Path], Document]) -> Callable[[Path, Watch], Document]:
    """A reader too quick to be watched."""
    return lambda path, _: read(path)


READERS: Mapping[str, Callable[[Path, Watch], Document]] = {
    ".pdf": pdf.read,
    ".docx": _at_once(docx.read),
    ".odt": _at_once(odt.read),
    ".html": _at_once(html.read),
    ".htm": _at_once(html.read),
    ".md": _at_once(markdown.read),
    ".markdown": _at_once(markdown.read),
    ".txt": _at_once(text.read),
}


def read(path: Path, watch: Watch = lambda *_: None) -> Document:
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
        document = reader(path, watch)
    except RecursionError as error:
        raise DocumentError(path, "its parts are nested too deeply", "export it again") from error
    except MemoryError as error:
        raise DocumentError(path, "too large for this computer", "split the document") from error
    except OSError as error:
        raise DocumentError(path, f"can't be read ({error.strerror})", "check the file") from error
    if not document.blocks:
        raise DocumentError(path, "the file holds no text", "export the programme again")
    return document
