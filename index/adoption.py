"""A document becomes a programme: a folder of its own with programme.toml, made from what the
document says about itself.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from index import description
from index.errors import DocumentError
from index.structure import slugify
from index.types import Document

OCR = ("ocrmypdf", "-l", "deu", "--skip-text", "--quiet")
TEMPLATE = """\
# Made from {name}; see docs/operations.md for every key. Please look it over.
title = {title}
party = {party}
language = {language}
document = {document}
# date = "2025-09-14"        when the programme was decided, or the election's day
# subtitle = "…"
# copyright = "Text des Programms: …"
# source_url = "https://…"   where the party publishes the programme
# pdf_url = "https://…"      citations with a page then link to …#page=7
# imprint = ["Name", "Straße 1", "44135 Ort", "kontakt@…"]
# privacy_url = "https://…"
# notice_url = "https://…"   transparency notice for political advertising
"""


def adopt(file: Path, root: Path, document: Document, slug: str = "") -> Path:
    """The programme's folder under `root`, with `file` copied into it.

    A folder that holds this very document already is left as it is.

    Raises DocumentError where the slug is none, or its folder holds another document.
    """
    title = document.title or file.stem
    slug = slug or slugify(title)[:64].strip("-")
    if not description.SLUG.match(slug):
        raise DocumentError(file, f"{slug!r} is no slug", "give one: --slug dortmund-2025")
    folder = root / slug
    if folder.exists():
        _check_same(folder, file)
        return folder
    try:
        root.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{slug}-", dir=root))
    except OSError as error:
        raise DocumentError(root, f"can't be written ({error.strerror})", "--programmes") from error
    try:
        shutil.copyfile(file, fresh / file.name)
        (fresh / description.DESCRIPTION).write_text(_toml(file, document, title), encoding="utf-8")
        fresh.chmod(0o755)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def _check_same(folder: Path, file: Path) -> None:
    known = folder / description.read(folder).document
    if not known.is_file() or known.read_bytes() != file.read_bytes():
        raise DocumentError(
            folder, "is there already, with another document",
            f"give this one another name (--slug …), or put it in the place of {known.name}",
        )  # fmt: skip


def _toml(file: Path, document: Document, title: str) -> str:
    def text(value: str) -> str:  # a JSON string is a TOML string, but for one letter
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

    def line(value: str) -> str:
        return text(" ".join(value.split()))

    return TEMPLATE.format(
        name=text(file.name), title=line(title), party=line(document.author),
        language=text(document.language or "de"), document=text(file.name),
    )  # fmt: skip


def recognise(file: Path) -> Iterator[str]:
    """Put recognised text under the pictures of a PDF's pages; the scan is kept beside it.

    Yields what is being done. Raises DocumentError where ocrmypdf is missing or fails.
    """
    if file.suffix.lower() != ".pdf":
        raise DocumentError(file, "--ocr is for PDF", "leave it out")
    if shutil.which(OCR[0]) is None:
        raise DocumentError(
            OCR[0], "not installed", "apt install ocrmypdf tesseract-ocr-deu, or pip install it"
        )
    scan = file.with_suffix(".scan.pdf")
    if scan.exists():
        raise DocumentError(scan, "is there already", "was this PDF recognised before?")
    yield f"recognising the text of {file}, a second or two a page"
    fresh = file.with_suffix(".ocr.pdf")
    done = subprocess.run(  # noqa: S603 - a fixed program, no shell
        [*OCR, str(file), str(fresh)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        fresh.unlink(missing_ok=True)
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise DocumentError(file, f"ocrmypdf failed ({lines[-1][:200]})", "see ocrmypdf's manual")
    shutil.copyfile(file, scan)
    fresh.replace(file)
    yield f"the scan is kept as {scan}"
