"""The programme itself: the reader, a page and a picture for each section, and what is offered
while somebody types.
"""

from __future__ import annotations

import hashlib

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from bot import answering, reading
from bot.assets import FOREVER
from bot.errors import UnknownPassage
from bot.library import Served
from bot.rendering import page
from bot.state import Shared

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
EXCERPT = 200  # letters of a section in its preview elsewhere


@router.get("/p/{slug}/programm", response_model=None)
def reader(slug: str, request: Request, state: Shared, version: str = "") -> Response:
    """The whole programme, with an anchor for each passage. `version` is the one that a link was
    made for: where it is another than today's, the page says so.
    """
    served = state.library.get(slug)
    changed = bool(version) and not (len(version) >= 8 and served.version.startswith(version))
    chapters = reading.chapters(served.bundle)
    return page(request, "programme.html", served=served, chapters=chapters, changed=changed)


@router.get("/p/{slug}/programm/{section_id}", response_model=None)
def section(slug: str, section_id: str, request: Request, state: Shared) -> Response:
    """One section alone, to be shared: with its neighbours and a preview for other sites."""
    served = state.library.get(slug)
    parts = reading.flat(reading.chapters(served.bundle))
    at = _position(served, section_id)
    address = state.public(request, f"/p/{slug}/programm/{section_id}")
    text = " ".join(p.text for p in served.bundle.sections[at].paragraphs)
    return page(
        request, "section.html", served=served, part=parts[at],
        chapter=served.bundle.sections[at].chapter.text,
        before=parts[at - 1] if at else None,
        after=parts[at + 1] if at + 1 < len(parts) else None,
        address=address, picture=f"{address}/bild.png?version={_picture_of(served, at)[1]}",
        excerpt=_excerpt(text),
    )  # fmt: skip


@router.get("/p/{slug}/programm/{section_id}/bild.png", response_model=None)
def picture(slug: str, section_id: str, state: Shared, version: str = "") -> Response:
    """The picture of a section's preview."""
    from bot import pictures  # not above: a server that is asked for none needs no PIL

    served = state.library.get(slug)
    words, digest = _picture_of(served, _position(served, section_id))
    kept = FOREVER if version == digest else "public, max-age=3600"
    return Response(pictures.draw(*words), 200, {"Cache-Control": kept}, "image/png")


@router.get("/p/{slug}/vorschlaege.json", response_model=None)
def completions(slug: str, state: Shared, version: str = "") -> Response:
    """Questions and headings to complete what is typed: searched in the browser, so that nothing
    typed leaves it before it is asked.
    """
    served = state.library.get(slug)
    questions, headings = answering.completions(served)
    kept = FOREVER if version == served.version else "no-cache"
    body = {"version": served.version, "questions": questions, "headings": headings}
    return JSONResponse(body, 200, {"Cache-Control": kept})


def _position(served: Served, section_id: str) -> int:
    for number, each in enumerate(served.bundle.sections):
        if each.id == section_id:
            return number
    raise UnknownPassage


def _picture_of(served: Served, at: int) -> tuple[tuple[str, str, str, str], str]:
    """The words on the picture, and a name for exactly these."""
    each, info = served.bundle.sections[at], served.info
    words = (each.heading.text, each.chapter.text, info.party, info.title)
    return words, hashlib.sha256("\n".join(words).encode()).hexdigest()[:10]


def _excerpt(text: str) -> str:
    """The beginning, cut between words."""
    if len(text) <= EXCERPT:
        return text
    return text[:EXCERPT].rpartition(" ")[0] + " …"
