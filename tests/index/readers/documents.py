"""Documents made for the tests: the same content in every format, and zipped ones by hand."""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import docx
import odfdo

Content = Sequence[tuple[str, str]]  # (h1, h2 … or p, bullet, number; text)

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
ODF_NAMES = (
    "office",
    "text",
    "style",
    "table",
    "drawing",
    "meta",
    "xsl-fo-compatible",
    "svg-compatible",
)
PREFIXES = {"drawing": "draw", "xsl-fo-compatible": "fo", "svg-compatible": "svg"}


def write_docx(path: Path, content: Content) -> Path:
    document = docx.Document()
    for kind, text in content:
        if kind[0] == "h":
            document.add_heading(text, int(kind[1]))
        else:
            style = {"p": None, "bullet": "List Bullet", "number": "List Number"}[kind]
            document.add_paragraph(text, style)
    document.save(str(path))
    return path


def write_odt(path: Path, content: Content) -> Path:
    styles = """<text:list-style style:name="Dots"><text:list-level-style-bullet text:level="1"
        text:bullet-char="-"/></text:list-style><text:list-style style:name="Numbers">
        <text:list-level-style-number text:level="1" style:num-format="1" style:num-suffix="."/>
        </text:list-style>"""
    body = ""
    for kinds, items in _runs(content):
        if kinds in {"bullet", "number"}:
            name = "Dots" if kinds == "bullet" else "Numbers"
            inner = "".join(
                f"<text:list-item><text:p>{html.escape(i)}</text:p></text:list-item>" for i in items
            )
            body += f'<text:list text:style-name="{name}">{inner}</text:list>'
        elif kinds[0] == "h":
            tag = f'text:h text:outline-level="{kinds[1]}"'
            body += "".join(f"<{tag}>{html.escape(i)}</text:h>" for i in items)
        else:
            body += "".join(f"<text:p>{html.escape(i)}</text:p>" for i in items)
    return odt(path, body, styles)


def odfdo_odt(path: Path, content: Content) -> Path:
    """Headings and paragraphs as odfdo, a program not ours, writes them."""
    document = odfdo.Document("text")
    document.body.clear()
    for kind, text in content:
        made = odfdo.Paragraph(text) if kind == "p" else odfdo.Header(int(kind[1]), text)
        document.body.append(made)
    document.save(str(path))
    return path


def write_html(path: Path, content: Content) -> Path:
    body = ""
    for kind, items in _runs(content):
        texts = [html.escape(item) for item in items]
        if kind in {"bullet", "number"}:
            tag = "ul" if kind == "bullet" else "ol"
            body += f"<{tag}>{''.join(f'<li>{text}</li>' for text in texts)}</{tag}>"
        else:
            body += "".join(f"<{kind}>{text}</{kind}>\n" for text in texts)
    page = f"<!doctype html><html lang=de><meta charset=utf-8><title>T</title><body>{body}"
    path.write_text(page, encoding="utf-8")
    return path


def write_markdown(path: Path, content: Content) -> Path:
    parts = []
    for kind, items in _runs(content):
        texts = [re.sub(r"([\\`*_{}\[\]<>&#|~])", r"\\\1", item) for item in items]
        if kind in {"bullet", "number"}:
            sign = "-" if kind == "bullet" else "1."
            parts.append("\n".join(f"{sign} {text}" for text in texts))
        else:
            sign = "#" * int(kind[1]) + " " if kind[0] == "h" else ""
            parts += [f"{sign}{text}" for text in texts]
    path.write_text("\n\n".join(parts), encoding="utf-8")
    return path


def write_text(path: Path, content: Content) -> Path:
    parts = []
    for kind, items in _runs(content):
        if kind == "bullet":
            parts.append("\n".join(f"- {item}" for item in items))
        elif kind == "number":
            parts.append("\n".join(f"{n}. {item}" for n, item in enumerate(items, 1)))
        else:
            parts += [item.upper() if kind[0] == "h" else item for item in items]
    path.write_text("\n\n".join(parts), encoding="utf-8")
    return path


WRITERS = {
    ".docx": write_docx,
    ".odt": write_odt,
    ".html": write_html,
    ".md": write_markdown,
    ".txt": write_text,
}


def _runs(content: Content) -> list[tuple[str, list[str]]]:
    """Neighbours of one kind together."""
    runs: list[tuple[str, list[str]]] = []
    for kind, text in content:
        if runs and runs[-1][0] == kind:
            runs[-1][1].append(text)
        else:
            runs.append((kind, [text]))
    return runs


def package(path: Path, parts: Mapping[str, str | bytes]) -> Path:
    """A zipped document of these parts."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return path


def docx_xml(path: Path, body: str, **parts: str) -> Path:
    """A DOCX with this body; `parts` are the insides of styles, numbering and so on."""
    spaces = (
        f'xmlns:w="{W}" '
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
        'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
    )
    main = f"<w:document {spaces}><w:body>{body}</w:body></w:document>"
    others = {
        f"word/{name}.xml": f"<w:{name} {spaces}>{inner}</w:{name}>"
        for name, inner in parts.items()
    }
    return package(path, {"[Content_Types].xml": "<Types/>", "word/document.xml": main, **others})


def odt(path: Path, body: str, styles: str = "", meta: str = "") -> Path:
    """An ODT with this body, these automatic styles and this meta data."""
    root = "urn:oasis:names:tc:opendocument:xmlns:"
    spaces = " ".join(f'xmlns:{PREFIXES.get(n, n)}="{root}{n}:1.0"' for n in ODF_NAMES)
    spaces += ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
    content = (
        f"<office:document-content {spaces}><office:automatic-styles>{styles}"
        "</office:automatic-styles><office:body><office:text>"
        f"{body}</office:text></office:body></office:document-content>"
    )
    about = (
        f"<office:document-meta {spaces}><office:meta>{meta}</office:meta></office:document-meta>"
    )
    kind = "application/vnd.oasis.opendocument.text"
    return package(path, {"mimetype": kind, "content.xml": content, "meta.xml": about})
