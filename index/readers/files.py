"""What a file is by its first bytes, and the parts of a zipped one: everything within limits.

A document comes from a stranger: its name, its headers and its XML may all lie.
"""

from __future__ import annotations

import io
import lzma
import re
import zipfile
import zlib
from functools import cached_property
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, fromstring

from index.errors import DocumentError

MEGABYTE = 1_000_000
MOST_BYTES = 100 * MEGABYTE  # a file's own size
MOST_UNPACKED = 200 * MEGABYTE
MOST_PACKED = 200  # times smaller than what it holds; deflated XML reaches about 50
HARMLESS = 20 * MEGABYTE  # unpacked; so little may be packed however tightly
MOST_PART = 50 * MEGABYTE
MOST_TAGS = 1_000_000  # of one part; each costs some hundred bytes of memory
MOST_PARTS = 10_000

ZIP = b"PK\x03\x04"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OPENDOCUMENT = "application/vnd.oasis.opendocument."
SAVE_AS_DOCX = "open it in LibreOffice or Word and save it as .docx"
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)  # what zipfile raises over damaged or encrypted archives

KINDS = {  # how each kind is called, and its ending where there is a reader for it
    "pdf": ("a PDF", ".pdf"),
    "docx": ("a DOCX", ".docx"),
    "odt": ("an ODT", ".odt"),
    "html": ("an HTML page", ".html"),
    "rtf": ("an RTF", ""),
    "doc": ("an old Word file", ""),
    "encrypted": ("an encrypted file", ""),
    "spreadsheet": ("a spreadsheet", ""),
    "slides": ("a presentation", ""),
    "epub": ("an EPUB", ""),
    "zip": ("a ZIP archive", ""),
}
FAMILY = {".htm": "html", ".markdown": "md"}
TEXTUAL = {"txt", "md", "html"}


def check(path: Path) -> None:
    """Raises DocumentError where `path` is too large, empty, or not what its ending says."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise DocumentError(path, f"larger than {MOST_BYTES // MEGABYTE} MB", "leave out pictures")
    if not size:
        raise DocumentError(path, "the file holds no text, it is empty", "export it again")
    suffix = path.suffix.lower()
    wanted = FAMILY.get(suffix, suffix[1:])
    found = kind(path)
    if found == "encrypted":
        raise DocumentError(path, "the file is encrypted", "save it without a password")
    if found and found != wanted:
        name, ending = KINDS[found]
        remedy = f"rename it to {ending}" if ending else SAVE_AS_DOCX
        raise DocumentError(path, f"is {name}, not {_called(wanted)}", remedy)
    if not found and wanted not in TEXTUAL:
        raise DocumentError(path, f"is not {_called(wanted)}, or damaged", "export it again")


def _called(wanted: str) -> str:
    return {"txt": "plain text", "md": "Markdown"}.get(wanted) or KINDS[wanted][0]


def kind(path: Path) -> str:
    """A key of KINDS; nothing for what looks like text, or like nothing known."""
    with path.open("rb") as file:
        head = file.read(4096)
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(OLE):
        sealed = "EncryptedPackage".encode("utf-16-le") in path.read_bytes()
        return "encrypted" if sealed else "doc"
    if head.startswith(ZIP):
        return _zipped(Package(path))
    if head.startswith(b"{\\rtf"):
        return "rtf"
    start = re.sub(rb"<!--.*?-->", b"", head.replace(b"\0", b""), flags=re.S)
    page = re.match(rb"[\xef\xbb\xbf\xfe\xff\s]*<(?:!doctype html|html)\b", start, re.I)
    return "html" if page else ""


def _zipped(package: Package) -> str:
    declared = package.read("mimetype")[:200].decode("latin-1").strip()
    if declared.startswith(OPENDOCUMENT):
        form = declared.removeprefix(OPENDOCUMENT).split("-")[0]
        return {"text": "odt", "spreadsheet": "spreadsheet", "presentation": "slides"}.get(
            form, "zip"
        )
    if declared == "application/epub+zip":
        return "epub"
    for folder, what in (("word/", "docx"), ("xl/", "spreadsheet"), ("ppt/", "slides")):
        if any(name.startswith(folder) for name in package.names):
            return what
    return "zip"


class Package:
    """A zipped document. Its parts are read within limits; every damage is a DocumentError."""

    def __init__(self, path: Path, renamed: tuple[bytes, bytes] = (b"", b"")) -> None:
        """`renamed` is a second name of an XML namespace, and the one that is read instead."""
        self.path, self._renamed = path, renamed
        data = path.read_bytes()
        if data.count(b"PK\x01\x02") > MOST_PARTS:
            raise self._bomb()
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except DAMAGE as error:
            raise self._damaged() from error
        unpacked = sum(part.file_size for part in self._zip.infolist())
        if unpacked > MOST_UNPACKED or unpacked > max(HARMLESS, MOST_PACKED * len(data)):
            raise self._bomb()

    @cached_property
    def names(self) -> frozenset[str]:
        """The parts' names."""
        return frozenset(self._zip.namelist())

    def read(self, name: str) -> bytes:
        """A part's bytes; none where the package has no such part."""
        if name not in self.names:
            return b""
        try:
            with self._zip.open(name) as part:  # counts what comes out, whatever the header says
                data = part.read(MOST_PART + 1)
        except DAMAGE as error:
            raise self._damaged() from error
        if len(data) > MOST_PART:
            raise self._bomb()
        return data

    def xml(self, name: str) -> Element:
        """A part's root element; an empty one where the package has no such part.

        Entities could multiply without end or fetch other files, and no office program writes
        them: whatever declares a document type is refused before it is parsed.
        """
        data = self.read(name)
        if not data:
            return Element("none")
        letters = data.replace(b"\0", b"")  # UTF-16 would hide them; no other encoding of XML can
        if b"<!DOCTYPE" in letters or b"<!ENTITY" in letters:
            raise DocumentError(self.path, f"{name} declares XML entities", "save it anew in Word")
        if letters.count(b"<") > MOST_TAGS:
            raise DocumentError(self.path, f"{name} is too large", "split the document")
        try:
            return fromstring(data.replace(*self._renamed) if self._renamed[0] else data)  # noqa: S314 - no entities are left
        except (ParseError, ValueError, LookupError) as error:
            raise self._damaged() from error

    def _damaged(self) -> DocumentError:
        return DocumentError(self.path, "the file is damaged", "export it again")

    def _bomb(self) -> DocumentError:
        return DocumentError(self.path, "unpacks to far too much", "leave out pictures")
