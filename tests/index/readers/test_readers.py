"""What all readers promise together."""

from __future__ import annotations

import struct
import time
import zipfile
import zlib
from pathlib import Path

import docx
import pytest

from index import passages, readers, structure
from index.build import Draft
from index.errors import DocumentError
from index.readers import files
from tests.conftest import SEED
from tests.index.readers.documents import (
    WRITERS,
    Content,
    docx_xml,
    odfdo_odt,
    odt,
    package,
    write_docx,
    write_html,
    write_markdown,
    write_odt,
)

SMALL: Content = [
    ("h1", "Wohnen in der Stadt"),
    ("p", "Bürger*innen sollen mit 5 < 6 & 7 > 4 Prozent_punkten rechnen können – ganz sicher."),
    ("p", "Wir wollen:"),
    ("bullet", "mehr Wohnungen für alle bauen,"),
    ("bullet", "Mieten senken."),
    ("h2", "Bauen und Sanieren"),
    ("p", "So gehen wir vor:"),
    ("number", "Zuerst planen wir mit den Menschen."),
    ("number", "Dann bauen wir."),
    ("h1", "Arbeit für alle"),
    ("p", "Gute Arbeit braucht gute Löhne."),
]


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_format_gives_the_same_document(tmp_path: Path, suffix: str) -> None:
    """Headings, paragraphs and items of one programme are the same, whatever file holds it; plain
    text has no levels and its headings are in capitals.
    """
    found = readers.read(WRITERS[suffix](tmp_path / f"p{suffix}", SMALL)).blocks
    numbers = iter(("1. ", "2. "))
    expected = []
    for kind, text in SMALL:
        level = int(kind[1]) if kind[0] == "h" else None
        marker = {"bullet": "• ", "number": ""}.get(kind, "")
        marker = next(numbers) if kind == "number" else marker
        if level and suffix == ".txt":
            expected.append((text.upper(), None, False))
        else:
            expected.append((marker + text, level, kind in {"bullet", "number"}))
    assert [(b.text, b.level, b.item) for b in found] == expected
    assert [b.line for b in found] == sorted({b.line for b in found})


@pytest.mark.parametrize(
    ("suffix", "write"),
    [
        (".docx", write_docx),
        (".odt", write_odt),
        (".odt", odfdo_odt),
        (".html", write_html),
        (".md", write_markdown),
    ],
)
def test_the_seed_gives_the_same_passages_in_every_format(
    tmp_path: Path, draft: Draft, suffix: str, write: object
) -> None:
    """Word for word and with the same ids: a link to a passage outlives a change of format."""
    content = [
        part
        for section in draft.programme.sections
        for part in (
            (f"h{section.level}", section.heading.text),
            *(("p", paragraph.text) for paragraph in section.paragraphs),
        )
    ]
    path = write(tmp_path / f"seed{suffix}", content)  # type: ignore[operator]
    found = passages.cut(structure.programme(readers.read(path), path))
    assert [(p.id, p.text) for p in found] == [(p.id, p.text) for p in draft.passages]


def test_the_seed_wrapped_at_any_width_gives_the_same_passages(
    tmp_path: Path, draft: Draft
) -> None:
    """Lines wrapped by hand or by a program are joined again."""
    import textwrap

    text = (SEED / draft.document.name).read_text(encoding="utf-8")
    for width in (60, 80, 100):
        lines = [
            textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
            for line in text.split("\n")
        ]
        path = tmp_path / "wrapped.txt"
        path.write_text("\n".join(lines), encoding="utf-8")
        found = passages.cut(structure.programme(readers.read(path), path))
        assert [(p.id, p.text) for p in found] == [(p.id, p.text) for p in draft.passages]


def test_the_seed_without_blank_lines_keeps_its_sections(tmp_path: Path, draft: Draft) -> None:
    """With neither blank lines nor wrapping, as word processors save text, 19 of 20 passages are
    the same; wrapped as well, where a paragraph's full last line can't be told, 8 of 10.
    """
    import textwrap

    text = (SEED / draft.document.name).read_text(encoding="utf-8")
    lines = [line for line in text.split("\n") if line.strip()]
    wrapped = [textwrap.fill(s, 80, break_long_words=False, break_on_hyphens=False) for s in lines]
    want = {(p.id, p.text) for p in draft.passages}
    for content, share in ((lines, 0.95), (wrapped, 0.8)):
        path = tmp_path / "tight.txt"
        path.write_text("\n".join(content), encoding="utf-8")
        programme = structure.programme(readers.read(path), path)
        found = {(p.id, p.text) for p in passages.cut(programme)}
        assert len(programme.sections) in {58, 59}
        assert len(found & want) >= share * len(want)


# Files that are not what they seem


def message(path: Path) -> str:
    with pytest.raises(DocumentError) as error:
        readers.read(path)
    text = str(error.value)
    assert text.startswith(str(path))
    assert ";" in text
    assert "\n" not in text
    return text


PDF = b"%PDF-1.7\n1 0 obj\n"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
SEALED = OLE + "EncryptedPackage".encode("utf-16-le")
PAGE = b"<!DOCTYPE html><html><body><p>Text</body></html>"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.docx", PDF, "is a PDF, not a DOCX; rename it to .pdf"),
        ("a.html", PDF, "is a PDF, not an HTML page; rename it to .pdf"),
        ("a.txt", PDF, "is a PDF, not plain text; rename it to .pdf"),
        ("a.docx", PAGE, "is an HTML page, not a DOCX; rename it to .html"),
        ("a.txt", b"\xef\xbb\xbf\n" + PAGE, "is an HTML page, not plain text; rename it to .html"),
        ("a.docx", OLE, "is an old Word file, not a DOCX; open it in LibreOffice"),
        ("a.docx", SEALED, "the file is encrypted; save it without a password"),
        ("a.odt", b"{\\rtf1 Hallo}", "is an RTF, not an ODT; open it in LibreOffice"),
        ("a.odt", b"Hallo Welt", "is not an ODT, or damaged; export it again"),
        ("a.docx", b"PK\x03\x04 and no more", "the file is damaged; export it again"),
        ("a.docx", b"", "the file holds no text"),
        ("a.html", b"", "the file holds no text"),
        ("a.html", b"\x89PNG\0\0\x01", "binary data in a page"),
        ("a.html", b"<html><body><script>1</script></body></html>", "the file holds no text"),
        ("a.md", b"---\n", "the file holds no text"),
        ("a.md", b"gut\0", "a.md:1: binary data"),
    ],
)
def test_wrong_files_are_refused_with_the_way_out(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    """By what they hold, not by their name, in one line: place, problem, remedy."""
    path = tmp_path / name
    path.write_bytes(content)
    assert says in message(path)


def test_office_files_under_each_others_names_are_refused(tmp_path: Path) -> None:
    """DOCX, ODT, spreadsheets, slides and EPUBs are all ZIP archives, and told apart."""
    word = docx_xml(tmp_path / "a.docx", "<w:p><w:r><w:t>Text</w:t></w:r></w:p>")
    text = odt(tmp_path / "a.odt", "<text:p>Text</text:p>")
    assert readers.read(word).blocks[0].text == readers.read(text).blocks[0].text == "Text"
    word.rename(tmp_path / "b.odt")
    text.rename(tmp_path / "b.txt")
    assert "is a DOCX, not an ODT; rename it to .docx" in message(tmp_path / "b.odt")
    assert "is an ODT, not plain text; rename it to .odt" in message(tmp_path / "b.txt")
    for part, says in (("xl/a.xml", "a spreadsheet"), ("ppt/a.xml", "a presentation")):
        assert says in message(package(tmp_path / "c.docx", {part: "<a/>"}))
    book = package(tmp_path / "d.docx", {"mimetype": "application/epub+zip"})
    assert "is an EPUB, not a DOCX" in message(book)
    assert "is a ZIP archive" in message(package(tmp_path / "e.docx", {"a.txt": "a"}))


def test_a_truncated_file_is_damaged_wherever_it_was_cut(tmp_path: Path) -> None:
    """A broken download gives an error, never half a programme."""
    for suffix in (".docx", ".odt"):
        whole = WRITERS[suffix](tmp_path / f"whole{suffix}", SMALL).read_bytes()
        for share in (0.1, 0.5, 0.9, 0.99):
            path = tmp_path / f"part{suffix}"
            path.write_bytes(whole[: int(len(whole) * share)])
            assert "damaged" in message(path)


def test_missing_files_and_unknown_formats(tmp_path: Path) -> None:
    """The first says where the name stands, the second what can be read."""
    with pytest.raises(DocumentError, match="no such file; check `document`"):
        readers.read(tmp_path / "none.docx")
    with pytest.raises(DocumentError, match=r"unknown format; use one of \.pdf, \.docx"):
        readers.read(tmp_path / "none.xyz")


def test_an_encrypted_odt_is_named_so(tmp_path: Path) -> None:
    """Its manifest says that its parts are encrypted."""
    path = odt(tmp_path / "a.odt", "<text:p>Text</text:p>")
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("META-INF/manifest.xml", "<m:file-entry><m:encryption-data/></m:file-entry>")
    assert "the file is encrypted" in message(path)


def test_a_zip_with_a_password_is_damaged_to_us(tmp_path: Path) -> None:
    """An encrypted part gives an error of ours, not of zipfile's."""
    path = docx_xml(tmp_path / "a.docx", "<w:p><w:r><w:t>Text</w:t></w:r></w:p>")
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    while at >= 0:
        data[at + 8] |= 1
        at = data.find(b"PK\x01\x02", at + 1)
    path.write_bytes(data)
    assert "damaged" in message(path)


# Files that mean harm


@pytest.mark.parametrize("part", ["word/document.xml", "word/styles.xml"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_before_they_are_parsed(
    tmp_path: Path, part: str, encoding: str
) -> None:
    """Neither a billion laughs nor the server's files, in whatever encoding they hide."""
    lines = [
        f'<!ENTITY l{n} "&l{n - 1};&l{n - 1};&l{n - 1};&l{n - 1};&l{n - 1};">' for n in range(1, 30)
    ]
    evil = (
        f'<?xml version="1.0" encoding="{encoding}"?>'
        f'<!DOCTYPE d [<!ENTITY l0 SYSTEM "file:///etc/passwd">{"".join(lines)}]><d>&l29;</d>'
    )
    path = docx_xml(tmp_path / "a.docx", "<w:p><w:r><w:t>Text</w:t></w:r></w:p>")
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    path = package(path, {**parts, part: evil.encode(encoding)})
    assert f"{part} declares XML entities" in message(path)
    path = package(
        tmp_path / "a.odt",
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": evil.encode(encoding),
        },
    )
    assert "content.xml declares XML entities" in message(path)


@pytest.mark.alone
@pytest.mark.parametrize("suffix", [".docx", ".odt"])
def test_a_bomb_is_refused_by_what_it_says(tmp_path: Path, suffix: str) -> None:
    """300 MB of blanks in 300 KB: refused from the headers, without unpacking."""
    path = WRITERS[suffix](tmp_path / f"a{suffix}", SMALL)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file, file.open("x", "w") as part:
        for _ in range(300):
            part.write(b" " * 1_000_000)
    began = time.monotonic()
    assert "unpacks to far too much" in message(path)
    assert time.monotonic() - began < 2


def test_a_bomb_whose_headers_lie_is_stopped_while_unpacking(tmp_path: Path) -> None:
    """A part of 60 MB that claims to have 100 bytes never gets past its claim."""
    path = docx_xml(tmp_path / "a.docx", " " * 60_000_000)
    data = path.read_bytes()
    with zipfile.ZipFile(path) as file:
        size = struct.pack("<I", file.getinfo("word/document.xml").file_size)
    assert data.count(size) == 2
    path.write_bytes(data.replace(size, struct.pack("<I", 100)))
    assert "damaged" in message(path)


def test_a_part_larger_than_any_programme_is_refused(tmp_path: Path) -> None:
    """Also where it is no bomb by its ratio."""
    noise = "".join(f"{zlib.crc32(bytes([n % 251, n // 251 % 251, n % 7])):x}" for n in range(9999))
    path = docx_xml(tmp_path / "a.docx", noise * 700)
    assert path.stat().st_size * 200 > 60_000_000
    assert "unpacks to far too much" in message(path)


def test_too_many_elements_are_refused(tmp_path: Path) -> None:
    """Each costs memory, however short its name is."""
    path = docx_xml(tmp_path / "a.docx", "<w:p/>" * 1_100_000)
    assert "word/document.xml is too large" in message(path)


def test_a_file_of_more_than_100_mb_is_refused(tmp_path: Path) -> None:
    """Before a byte of it is read; the file here is sparse."""
    path = tmp_path / "a.docx"
    with path.open("wb") as file:
        file.truncate(files.MOST_BYTES + 1)
    assert "larger than 100 MB" in message(path)


DEEP = 100_000


@pytest.mark.alone
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.html", "<div>" * DEEP + "Text"),
        ("a.html", "<div></b>" * DEEP + "Text"),
        ("a.html", "<ul><li>" * DEEP + "Text"),
        ("a.html", "<table><tr><td>" * DEEP + "Text"),
        ("a.md", "> " * DEEP + "Text"),
        ("a.md", "- " * DEEP + "Text"),
        ("a.md", "".join("  " * n + "- a\n" for n in range(400))),
    ],
)
def test_nesting_without_end_is_refused(tmp_path: Path, name: str, content: str) -> None:
    """A hundred thousand levels of anything give an error within seconds, no crash."""
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    began = time.monotonic()
    assert "nested too deeply" in message(path)
    assert time.monotonic() - began < 5


@pytest.mark.alone
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.html", "<b><i><a href=x>" * DEEP + "Text"),
        ("a.md", "[" * DEEP + "Text"),
        ("a.md", "*a **b " * DEEP),
        ("a.md", "![a](" * DEEP),
        ("a.md", "<a " * DEEP + "`" * DEEP),
        ("a.txt", "A B\n" * DEEP),
        ("a.txt", "- A\n" * DEEP),
        ("a.txt", "\f\n" * DEEP + "A"),
    ],
)
def test_odd_files_are_read_or_refused_in_time(tmp_path: Path, name: str, content: str) -> None:
    """Whatever comes of them comes within seconds."""
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    began = time.monotonic()
    try:
        assert readers.read(path).blocks
    except DocumentError as error:
        assert "\n" not in str(error)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("element", "suffix"), [("w:sdt><w:sdtContent", ".docx"), ("text:section", ".odt")]
)
def test_deep_xml_is_refused(tmp_path: Path, element: str, suffix: str) -> None:
    """Python's own limit of recursion never shows."""
    inner, outer = (
        f"<{element}>" * 50_000,
        "".join(f"</{name}>" for name in reversed(element.split("><"))) * 50_000,
    )
    write = docx_xml if suffix == ".docx" else odt
    assert "nested too deeply" in message(write(tmp_path / f"a{suffix}", inner + outer))


def test_a_note_referred_to_without_end_is_listed_once(tmp_path: Path) -> None:
    """A long footnote with ten thousand marks does not grow to gigabytes."""
    mark = '<w:r><w:footnoteReference w:id="2"/></w:r>'
    path = docx_xml(
        tmp_path / "a.docx",
        f"<w:p><w:r><w:t>Text</w:t></w:r>{mark * 10_000}</w:p>",
        footnotes=f'<w:footnote w:id="2"><w:p><w:r><w:t>Note</w:t></w:r>{mark}</w:p></w:footnote>',
    )
    assert [d.block.text for d in readers.read(path).dropped] == ["Note"]


def test_a_readable_programme_is_untouched_by_reading(tmp_path: Path) -> None:
    """Readers only read: python-docx still opens the file, byte for byte the same."""
    path = write_docx(tmp_path / "a.docx", SMALL)
    before = path.read_bytes()
    readers.read(path)
    assert path.read_bytes() == before
    assert len(docx.Document(str(path)).paragraphs) == len(SMALL)
