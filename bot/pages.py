"""The pages: chat, reader, imprint, privacy. Everything works without JavaScript."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot import answering
from bot.errors import BotError
from bot.library import Served
from bot.messages import Answer, Citation, Question
from bot.state import Shared, State, client_of
from bot.wording import wording
from index.types import Section

WEB = Path(__file__).resolve().parent.parent / "web"
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
environment = Environment(
    loader=FileSystemLoader(WEB / "templates"), autoescape=True, undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip


@dataclass(frozen=True)
class Linked(Citation):
    """A citation with its public address."""

    url: str = ""


@dataclass(frozen=True)
class PieceView:
    """The part of a passage that stands in one paragraph of the reader."""

    passage_id: str
    text: str
    first: bool
    page: int | None
    old: tuple[str, ...] = ()  # ids this passage had in earlier versions: links to them still work


@router.get("/", response_model=None)
def home(state: Shared) -> Response:
    """The only programme, or the list of all."""
    served = state.library.all()
    if len(served) == 1:
        return chat(served[0].slug, state)
    return _page("home.html", programmes=[_programme(s) for s in served])


@router.get("/p/{slug}", response_model=None)
def chat(slug: str, state: Shared) -> Response:
    """The chat, nothing asked yet."""
    return _chat(state.library.get(slug), "", None, answering.suggestions(state.library.get(slug)))


@router.post("/p/{slug}", response_model=None)
def ask(
    slug: str, request: Request, state: Shared, message: Annotated[str, Form()] = ""
) -> Response:
    """The chat as a plain form. A POST, so that the question stands in no address, history or
    log.
    """
    served = state.library.get(slug)
    try:
        found, served = state.ask(Question(message), slug, client_of(request))
    except BotError as error:
        words = wording()
        text = getattr(words, error.key, None) or getattr(words.errors, error.key)
        hint = Answer("nothing", text, (), answering.suggestions(served))
        headers = {"Retry-After": str(error.wait)} if hasattr(error, "wait") else {}
        return _chat(
            served,
            message[: state.settings.most_letters],
            hint,
            hint.suggestions,
            error.status,
            headers,
        )
    linked = replace(found, passages=tuple(_link(state, request, c) for c in found.passages))
    return _chat(served, message, linked, found.suggestions)


@router.get("/p/{slug}/programm", response_model=None)
def reader(slug: str, state: Shared) -> Response:
    """The whole programme, with an anchor for each passage."""
    served = state.library.get(slug)
    return _page("programme.html", programme=_programme(served), chapters=_chapters(served))


@router.get("/p/{slug}/impressum", response_model=None)
def imprint(slug: str, state: Shared) -> Response:
    """Who is responsible."""
    return _page("imprint.html", programme=_programme(state.library.get(slug)))


@router.get("/p/{slug}/datenschutz", response_model=None)
def privacy(slug: str, state: Shared) -> Response:
    """What is stored: nothing."""
    return _page("privacy.html", programme=_programme(state.library.get(slug)))


def error_page(status: int, title: str, detail: str) -> HTMLResponse:
    """An error for somebody with a browser."""
    return _page("error.html", status, status=status, title=title, detail=detail)


def _page(
    template: str, code: int = 200, headers: dict[str, str] | None = None, **context: Any
) -> HTMLResponse:
    everything = {"programme": None, "w": wording(), **context}
    return HTMLResponse(environment.get_template(template).render(**everything), code, headers)


def _chat(
    served: Served,
    question: str,
    answer: Answer | None,
    suggestions: tuple[str, ...],
    code: int = 200,
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    return _page(
        "chat.html", code, headers, programme=_programme(served), question=question,
        answer=answer, suggestions=suggestions,
    )  # fmt: skip


def _programme(served: Served) -> SimpleNamespace:
    return SimpleNamespace(**{**vars(served.bundle.info), "version": served.version})


def _link(state: State, request: Request, citation: Citation) -> Linked:
    return Linked(**asdict(citation), url=state.url(request, citation))


def _chapters(served: Served) -> list[SimpleNamespace]:
    """Chapters with their sections; a chapter's introduction is its first section, without a
    title.
    """
    pieces = _pieces(served)
    chapters: list[SimpleNamespace] = []
    for number, section in enumerate(served.bundle.sections):
        if section.level == 1 or not chapters:
            chapters.append(_chapter(section))
        if section.level > 1 or section.paragraphs:
            chapters[-1].sections.append(_section(section, pieces[number]))
    return chapters


def _chapter(section: Section) -> SimpleNamespace:
    heading = section.chapter
    return SimpleNamespace(
        id=section.id, title=heading.text, original=heading.original, sections=[]
    )


def _section(section: Section, paragraphs: list[list[PieceView]]) -> SimpleNamespace:
    own = section.level > 1
    return SimpleNamespace(
        id=section.id if own else f"{section.id}-einleitung",
        title=section.heading.text if own else "",
        original=section.heading.original if own else "",
        level=section.level,
        paragraphs=paragraphs,
    )


def _pieces(served: Served) -> list[list[list[PieceView]]]:
    """For each section its paragraphs, each as the pieces of passages that make it up."""
    found: list[list[list[PieceView]]] = [
        [[] for _ in s.paragraphs] for s in served.bundle.sections
    ]
    old: dict[str, list[str]] = {}
    for former, current in served.bundle.aliases.items():
        old.setdefault(current, []).append(former)
    for passage in served.bundle.passages:
        for number, piece in enumerate(passage.pieces):
            text = passage.text[piece.start : piece.end]
            former_ids = tuple(old.get(passage.id, ())) if number == 0 else ()
            view = PieceView(passage.id, text, number == 0, passage.page, former_ids)
            found[passage.section][piece.paragraph].append(view)
    return found
