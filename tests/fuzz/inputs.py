"""Odd files by the thousand: random ones, ones built of a format's own parts, and damaged real
ones.
"""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from index.readers import READERS
from tests.index.readers import documents

Bytes = st.SearchStrategy[bytes]
FORMATS = tuple(s for s in (".docx", ".odt", ".html", ".md", ".txt", ".pdf") if s in READERS)
MAGIC = {".docx": b"PK\x03\x04", ".odt": b"PK\x03\x04", ".html": b"<html>", ".pdf": b"%PDF-1.7\n"}
PROSE = "Wir wollen, dass Bürger*innen gut wohnen – 5 < 6 & mehr. "
CONTENT: documents.Content = [
    ("h1", "Wohnen"),
    ("p", PROSE * 3),
    ("bullet", "mehr bauen"),
    ("bullet", "Mieten senken"),
    ("h2", "Bauen"),
    ("number", "planen"),
    ("number", "bauen"),
    ("p", PROSE),
]

DOCX_TAGS = (
    *("w:p", "w:r", "w:t", "w:tbl", "w:tr", "w:tc", "w:sdt", "w:sdtContent", "w:sdtPr", "w:pPr"),
    *("w:pStyle", "w:numPr", "w:numId", "w:ilvl", "w:outlineLvl", "w:ins", "w:del", "w:hyperlink"),
    *("w:txbxContent", "w:footnoteReference", "mc:AlternateContent", "mc:Choice", "w:br", "w:rPr"),
    *("w:b", "w:sz", "w:vanish", "w:num", "w:abstractNum", "w:abstractNumId", "w:lvl", "w:numFmt"),
    *("w:lvlText", "w:start", "w:lvlOverride", "w:startOverride", "w:style", "w:name", "w:basedOn"),
)
DOCX_NAMES = ("w:val", "w:id", "w:styleId", "w:numId", "w:abstractNumId", "w:ilvl", "w:type")
ODT_TAGS = (
    *("text:p", "text:h", "text:span", "text:list", "text:list-item", "text:list-header", "text:s"),
    *("text:note", "text:note-body", "text:section", "text:table-of-content", "text:index-body"),
    *("table:table", "table:table-row", "table:table-cell", "draw:frame", "draw:text-box"),
    *("style:style", "style:text-properties", "style:default-style", "text:list-style"),
    *("text:list-level-style-number", "text:list-level-style-bullet", "text:tracked-changes"),
)
ODT_NAMES = (
    *("text:style-name", "style:name", "style:family", "style:parent-style-name", "text:level"),
    *("text:outline-level", "style:num-format", "style:num-suffix", "text:start-value"),
    *("fo:font-size", "fo:font-weight", "text:continue-numbering", "text:display"),
)
VALUES = st.one_of(
    st.sampled_from(
        ["1", "0", "-1", "99999999999", "Title", "Heading1", "TOC1", "a", "I", "%1.%9", "bullet"]
    ),
    st.sampled_from(["decimal", "paragraph", "text", "bold", "12pt", "1e9%", "none", "true", ""]),
    st.text("äß\u00ad\u00a0%.-1a", max_size=5),
)
WORDS = st.one_of(
    st.just(PROSE), st.sampled_from(["• ", "- a", "1. ", "", "DIE STADT"]), st.text(max_size=20)
)
HTML_TAGS = (
    *("p", "div", "h1", "h2", "h6", "ul", "ol", "li", "table", "tr", "td", "th", "caption", "br"),
    *("main", "article", "header", "nav", "form", "a", "sup", "script", "style", "template", "svg"),
    *(
        "b",
        "section",
        "aside",
        "body",
        "html",
        "frameset",
        "select",
        "option",
        "title",
        "plaintext",
    ),
)
HTML_ATTRIBUTES = (
    *("", " hidden", " role=doc-footnote", " role=doc-noteref", " class=footnotes", " start=-9"),
    *(" value=9999999999", " type=i", " reversed", " href='#x'", " style='display:none'", " role"),
)
MARKDOWN = (
    *("# ", "- ", "1. ", "> ", "    ", "\n", "\n\n", "---\n", "```\n", "| a | b |\n|---|---|\n"),
    *("*", "**", "_", "`", "[", "](", ")", "![", "[^1]", "[^1]: ", "<b>", "<script>", "<!--"),
    *("\\", "&amp;", "&#xD800;", "title: x\n", "==\n", "  \n", "Text ", "Bürger*innen ", "\t"),
)


def written(suffix: str, folder: Path | None) -> list[bytes]:
    """Whole files of a format: made here, and those of `folder`."""
    found = [path.read_bytes() for path in sorted(folder.glob(f"*{suffix}"))] if folder else []
    with TemporaryDirectory() as place:
        if suffix == ".pdf":
            found += _pdfs(Path(place))
        else:
            writer = documents.WRITERS[suffix]
            found.append(writer(Path(place) / f"a{suffix}", CONTENT).read_bytes())
            found.append(writer(Path(place) / f"b{suffix}", CONTENT * 20).read_bytes())
        if suffix == ".odt":
            plain = [part for part in CONTENT if part[0][0] in "hp"]
            found.append(documents.odfdo_odt(Path(place) / "c.odt", plain).read_bytes())
    return found


def _pdfs(place: Path) -> list[bytes]:
    from reportlab.pdfgen import canvas

    made = []
    for pages, packed in ((1, 0), (3, 1)):
        path = place / f"{pages}.pdf"
        drawing = canvas.Canvas(str(path), pageCompression=packed)
        for number in range(pages):
            drawing.setFont("Helvetica-Bold", 18)
            drawing.drawString(72, 760, f"Kapitel {number}")
            drawing.setFont("Helvetica", 11)
            for line in range(30):
                drawing.drawString(72, 730 - 14 * line, PROSE)
            drawing.bookmarkPage(str(number))
            drawing.addOutlineEntry(f"Kapitel {number}", str(number))
            drawing.showPage()
        drawing.save()
        made.append(path.read_bytes())
    return made


def strategy(suffix: str, wholes: Sequence[bytes]) -> Bytes:
    """Inputs of a format, of every kind."""
    random_ones = st.builds(
        bytes.__add__, st.sampled_from([b"", MAGIC.get(suffix, b"")]), st.binary(max_size=2000)
    )
    mutated = st.builds(mutate, st.sampled_from(wholes), st.integers(0, 2**32), st.just(wholes))
    kinds = [mutated, random_ones, mutated, STRUCTURED.get(suffix, mutated)]
    if zipfile.is_zipfile(io.BytesIO(wholes[0])):
        kinds.append(st.builds(mutate_parts, st.sampled_from(wholes), st.integers(0, 2**32)))
    return st.one_of(kinds)


def mutate(whole: bytes, number: int, others: Sequence[bytes] = ()) -> bytes:
    """A file with up to eight things done to it."""
    chance = random.Random(number)
    data = bytearray(whole)
    for _ in range(chance.randint(1, 8)):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + int(2 ** chance.uniform(0, 12)))
        match chance.randrange(7):
            case 0:
                for at in range(start, end, chance.randint(1, 200)):
                    data[at] ^= 1 << chance.randrange(8)
            case 1:
                del data[start:end]
            case 2:
                data[start:start] = data[start:end] * chance.choice([1, 2, 50])
            case 3:
                data[start:end] = bytes(end - start)
            case 4:
                other = chance.choice([whole, *others])
                data[start:end] = other[start : start + 4096]
            case 5:
                data[start:end] = chance.randbytes(end - start)
            case _ if chance.random() < 0.2:
                del data[start:]
    return bytes(data)


def mutate_parts(whole: bytes, number: int) -> bytes:
    """A zipped file with damage inside its parts, which its checksums then do not tell."""
    chance = random.Random(number)
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(whole)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            data = old.read(name)
            fate = chance.random()
            if fate < 0.3 and data:
                data = _swap_tags(data, chance) if chance.random() < 0.8 else mutate(data, number)
            if fate < 0.97:
                new.writestr(name, data)
    return out.getvalue()


def _swap_tags(data: bytes, chance: random.Random) -> bytes:
    """XML that mostly stays well-formed: whole elements doubled, moved or lost."""
    pieces = data.split(b"<")
    for _ in range(chance.randint(1, 20)):
        at = chance.randrange(1, len(pieces)) if len(pieces) > 1 else 0
        if b"/>" in pieces[at] or chance.random() < 0.1:
            pieces[at:at] = (
                [chance.choice(pieces[1:] or pieces)]
                if chance.random() < 0.2
                else [pieces[at]] * chance.choice([1, 5])
            )
        elif b'="' in pieces[at]:
            head, _, rest = pieces[at].partition(b'="')
            value = chance.choice([b"0", b"-5", b"99999999999", b"Title", b"\xc3\xa4", b""])
            pieces[at] = head + b'="' + value + b'"' + rest.partition(b'"')[2]
    return b"<".join(pieces)


def _xml(tags: Sequence[str], names: Sequence[str]) -> st.SearchStrategy[str]:
    def element(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.builds(
            _element,
            st.sampled_from(tags),
            st.dictionaries(st.sampled_from(names), VALUES, max_size=3),
            st.lists(inner, max_size=6),
        )

    return st.recursive(WORDS.map(_escaped), element, max_leaves=40)


def _escaped(text: str) -> str:
    seen = "".join(c for c in text if c in "\t\n" or " " <= c <= "\ud7ff")
    return seen.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def _element(tag: str, attributes: dict[str, str], inner: list[str]) -> str:
    told = "".join(f' {name}="{_escaped(value)}"' for name, value in attributes.items())
    return f"<{tag}{told}>{''.join(inner)}</{tag}>"


def _zipped(write: Callable[..., Path], *args: str, **parts: str) -> bytes:
    with TemporaryDirectory() as place:
        return write(Path(place) / "a", *args, **parts).read_bytes()


def _docx(body: str, styles: str, numbering: str, footnotes: str) -> bytes:
    return _zipped(
        documents.docx_xml,
        f"<w:p><w:r><w:t>Text</w:t></w:r></w:p>{body}",
        styles=styles,
        numbering=numbering,
        footnotes=footnotes,
    )


def _odt(body: str, styles: str) -> bytes:
    return _zipped(documents.odt, f"<text:p>Text</text:p>{body}", styles)


def _html(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    tag = st.sampled_from(HTML_TAGS)
    end = st.sampled_from(["", "</{}>", "</p>", "</table>", "<!--", "]]>"])
    return st.builds(
        lambda t, a, i, e: f"<{t}{a}>{''.join(i)}{e.replace('{}', t)}",
        tag,
        st.sampled_from(HTML_ATTRIBUTES),
        st.lists(inner, max_size=6),
        end,
    )


CODECS = st.sampled_from(["utf-8", "utf-8", "utf-16", "utf-16-le", "cp1252", "utf-32", "utf-7"])
LINES = st.lists(
    st.one_of(WORDS, st.sampled_from(["\n", "\n\n", "\f", "\r\n", "\n- ", "\n2. ", "\x85", PROSE])),
    max_size=60,
).map("".join)


def _encoded(text: str, codec: str) -> bytes:
    return text.encode(codec, "ignore")


STRUCTURED: dict[str, Bytes] = {
    ".docx": st.builds(_docx, *[_xml(DOCX_TAGS, DOCX_NAMES)] * 4),
    ".odt": st.builds(_odt, *[_xml(ODT_TAGS, ODT_NAMES)] * 2),
    ".html": st.builds(_encoded, st.recursive(WORDS, _html, max_leaves=40), CODECS),
    ".md": st.builds(
        _encoded,
        st.lists(
            st.builds(str.__mul__, st.sampled_from(MARKDOWN), st.sampled_from([1, 1, 1, 2, 300])),
            max_size=60,
        ).map("".join),
        CODECS,
    ),
    ".txt": st.builds(_encoded, LINES, CODECS),
}


def write(suffix: str, count: int, place: Path, folder: Path | None, number: int) -> list[Path]:
    """`count` input files in `place`; the same number gives the same ones."""
    made = {}
    inputs = strategy(suffix, written(suffix, folder))

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs)
    def collect(data: bytes) -> None:
        path = place / f"{len(made):05d}{suffix}"
        path.write_bytes(data)
        made[path] = None

    collect()
    paths = list(made)
    for extra in range(len(paths), count):  # hypothesis stops early where it sees nothing new
        path = place / f"{extra:05d}{suffix}"
        wholes = written(suffix, folder)
        path.write_bytes(mutate(wholes[extra % len(wholes)], number + extra, wholes))
        paths.append(path)
    return paths
