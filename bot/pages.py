"""The pages: list, chat, comparison, reader, imprint, privacy. All work without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot import answering, reading
from bot.errors import BotError, NotReady, TooMany
from bot.library import Served
from bot.messages import Answer, Citation, Question
from bot.state import Shared, State, client_of
from bot.wording import sentence, wording

WEB = Path(__file__).resolve().parent.parent / "web"
COMPARED = 2  # passages of each programme on the page that compares
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
environment = Environment(
    loader=FileSystemLoader(WEB / "templates"), autoescape=True, undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip


@dataclass(frozen=True)
class Linked(Citation):
    """A citation with its public address."""

    url: str = ""


def _german(date: str) -> str:
    """14.09.2025 for 2025-09-14; any other text as it is."""
    return re.sub(r"^(\d{4})-(\d\d)-(\d\d)$", r"\3.\2.\1", date)


environment.filters["german"] = _german


@router.get("/", response_model=None)
def home(state: Shared) -> Response:
    """The only programme, or the list of all."""
    served = state.library.all()
    if len(served) == 1:
        return _opened(served[0])
    return _page("home.html", programmes=[_programme(s) for s in served])


@router.get("/p/{slug}", response_model=None)
def chat(slug: str, state: Shared) -> Response:
    """The chat, nothing asked yet."""
    return _opened(state.library.get(slug))


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
        hint = Answer("nothing", _said(error), (), answering.suggestions(served))
        return _chat(
            served,
            message[: state.settings.most_letters],
            hint,
            hint.suggestions,
            error.status,
            _headers(error),
        )
    return _chat(served, message, _linked(state, request, found), found.suggestions)


@router.get("/compare", response_model=None)
def choose(state: Shared) -> Response:
    """Which programmes are asked; all, where they are few."""
    served = state.library.all()
    if not served:
        raise NotReady
    few = len(served) <= state.settings.most_compared
    return _compare(state, chosen=[s.slug for s in served] if few else [])


@router.post("/compare", response_model=None)
def compare(
    request: Request,
    state: Shared,
    programmes: Annotated[list[str], Form(default_factory=list)],
    message: Annotated[str, Form()] = "",
) -> Response:
    """What each chosen programme says. A POST, as in `ask`."""
    question = message[: state.settings.most_letters]
    if not programmes:
        return _compare(state, question, hint=wording().compare.choose_first, code=422)
    try:
        found = state.compare(Question(message, limit=COMPARED), programmes, client_of(request))
    except BotError as error:
        return _compare(
            state, question, programmes, hint=_said(error), code=error.status,
            headers=_headers(error),
        )  # fmt: skip
    answers = [(_programme(served), _linked(state, request, answer)) for answer, served in found]
    return _compare(state, question, programmes, answers)


@router.get("/p/{slug}/programm", response_model=None)
def reader(slug: str, state: Shared) -> Response:
    """The whole programme, with an anchor for each passage."""
    served = state.library.get(slug)
    return _page(
        "programme.html", programme=_programme(served), chapters=reading.chapters(served.bundle)
    )


@router.get("/datenschutz", response_model=None)
def privacy_of_all() -> Response:
    """What is stored, on the pages that belong to no programme: nothing."""
    return _page("privacy.html")


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


def _opened(served: Served) -> HTMLResponse:
    """The chat, nothing asked yet."""
    return _chat(served, "", None, answering.suggestions(served))


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


def _compare(
    state: State,
    question: str = "",
    chosen: Sequence[str] = (),
    answers: Sequence[tuple[SimpleNamespace, Answer]] = (),
    hint: str = "",
    code: int = 200,
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    return _page(
        "compare.html", code, headers, programmes=[_programme(s) for s in state.library.all()],
        question=question, chosen=chosen, answers=answers, hint=hint,
        most=state.settings.most_compared,
    )  # fmt: skip


def _said(error: BotError) -> str:
    return sentence(error.key, **error.words)


def _headers(error: BotError) -> dict[str, str]:
    return {"Retry-After": str(error.wait)} if isinstance(error, TooMany) else {}


def _linked(state: State, request: Request, answer: Answer) -> Answer:
    return replace(answer, passages=tuple(_link(state, request, c) for c in answer.passages))


def _programme(served: Served) -> SimpleNamespace:
    return SimpleNamespace(**{**vars(served.bundle.info), "version": served.version})


def _link(state: State, request: Request, citation: Citation) -> Linked:
    return Linked(**asdict(citation), url=state.url(request, citation))
