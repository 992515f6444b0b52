"""Plain text, as copied out of a PDF: blank lines part paragraphs, runs of them betray page
breaks.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from index.errors import DocumentError
from index.types import Block, Document

FORM_FEED = "\f"
GAP_LINES = 3  # blank lines in a row that betray a page break; one or two only part paragraphs


def read(path: Path) -> Document:
    """A UTF-8 text file.

    Raises DocumentError where the bytes are not UTF-8 text, naming the line.
    """
    return Document(tuple(blocks(decode(path))))


def decode(path: Path) -> str:
    """The file's text, newlines unified, composed Unicode, no control characters but line ends."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DocumentError(
            f"{path}:{line}", "not UTF-8", "save it as UTF-8, e.g. iconv -f WINDOWS-1252 -t UTF-8"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DocumentError(
            f"{path}:{line}", "binary data in a text file", "export it as plain text"
        )
    text = re.sub(r"\r\n?|[\u2028\u2029\x85\v]", "\n", text)
    return unicodedata.normalize("NFC", re.sub(r"[\x00-\x08\x0e-\x1f\x7f\ufeff\ufffe]", "", text))


def blocks(text: str) -> list[Block]:
    """Paragraphs of `text`. Pages are numbered only where the text has form feeds."""
    paged = FORM_FEED in text
    found: list[Block] = []
    lines: list[str] = []
    start, blank, page, gap = 1, GAP_LINES, 1, False

    def close() -> None:
        nonlocal gap
        if lines:
            joined = "\n".join(lines)
            found.append(Block(joined, start, page if paged else None, gap and bool(found)))
            lines.clear()
            gap = False

    for number, raw in enumerate(text.split("\n"), 1):
        breaks = raw.count(FORM_FEED)
        line = " ".join(raw.replace(FORM_FEED, " ").split())
        if breaks or not line:
            close()
            blank += 1
            gap = gap or bool(breaks) or blank >= GAP_LINES
        page += breaks
        if line:
            if not lines:
                start = number
            lines.append(line)
            blank = 0
    close()
    return found
