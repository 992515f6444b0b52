"""The pages: list, chat, comparison, imprint, privacy. All work without JavaScript."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from types import SimpleNamespace
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from bot import answering, languages
from bot.admission import searching
from bot.errors import BotError, NotReady
from bot.library import Served
from bot.messages import Answer, Citation, Question
from bot.rendering import language_of, page, programme
from bot.state import COMPARED, LIMIT, MOST, Shared, State, client_of
from bot.wording import sentence, wording

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True)
class Linked(Citation):
    """A citation with its public address, which names the programme's version: see the reader."""

    permalink: str = ""


@router.get("/", response_model=None)
def home(request: Request, state: Shared) -> Response:
    """The only programme, or the list of all."""
    served = state.library.all()
    if len(served) == 1:
        return _opened(request, served[0])
    return page(request, "home.html", programmes=[programme(s) for s in served])


@router.get("/p/{slug}", response_model=None)
def chat(slug: str, request: Request, state: Shared) -> Response:
    """The chat, nothing asked yet."""
    return _opened(request, state.library.get(slug))


@router.post("/p/{slug}", response_model=None)
@searching
def ask(
    slug: str,
    request: Request,
    state: Shared,
    message: Annotated[str, Form()] = "",
    limit: Annotated[int, Form(ge=1, le=MOST)] = LIMIT,
) -> Response:
    """The chat as a plain form. A POST, so that the question stands in no address, history or
    log.
    """
    served = state.library.get(slug)
    language = languages.chosen(request, language_of(served)).language.code
    question = message[: state.settings.most_letters]
    try:
        found, served = state.ask(Question(message, language, limit), slug, client_of(request))
    except BotError as error:
        hint = Answer("nothing", _said(error, language), (), answering.suggestions(served))
        return _chat(request, served, question, hint, code=error.status, headers=error.headers)
    return _chat(request, served, message, _linked(state, request, found, served), limit)


@router.get("/compare", response_model=None)
def choose(request: Request, state: Shared) -> Response:
    """Which programmes are asked; all, where they are few."""
    served = state.library.all()
    if not served:
        raise NotReady
    few = len(served) <= state.settings.most_compared
    return _compare(request, state, chosen=[s.slug for s in served] if few else [])


@router.post("/compare", response_model=None)
@searching
def compare(
    request: Request,
    state: Shared,
    programmes: Annotated[list[str], Form(default_factory=list)],
    message: Annotated[str, Form()] = "",
) -> Response:
    """What each chosen programme says. A POST, as in `ask`."""
    question = message[: state.settings.most_letters]
    language = languages.chosen(request).language.code
    if not programmes:
        hint = wording(language).compare.choose_first
        return _compare(request, state, question, hint=hint, code=422)
    try:
        asked = Question(message, language, COMPARED)
        found = state.compare(asked, programmes, client_of(request))
    except BotError as error:
        return _compare(
            request, state, question, programmes, hint=_said(error, language), code=error.status,
            headers=error.headers,
        )  # fmt: skip
    answers = [(programme(s), _linked(state, request, answer, s)) for answer, s in found]
    return _compare(request, state, question, programmes, answers)


@router.get("/datenschutz", response_model=None)
def privacy_of_all(request: Request) -> Response:
    """What is stored, on the pages that belong to no programme: nothing."""
    return page(request, "privacy.html")


@router.get("/impressum", response_model=None)
def imprint_of_all(request: Request, state: Shared) -> Response:
    """Who is responsible, for the pages that belong to no programme: each for their own."""
    return page(request, "imprints.html", programmes=[programme(s) for s in state.library.all()])


@router.get("/p/{slug}/impressum", response_model=None)
def imprint(slug: str, request: Request, state: Shared) -> Response:
    """Who is responsible."""
    return page(request, "imprint.html", served=state.library.get(slug))


@router.get("/p/{slug}/datenschutz", response_model=None)
def privacy(slug: str, request: Request, state: Shared) -> Response:
    """What is stored: nothing."""
    return page(request, "privacy.html", served=state.library.get(slug))


def error_page(request: Request, status: int, title: str, detail: str) -> HTMLResponse:
    """An error for somebody with a browser."""
    return page(request, "error.html", status, status=status, title=title, detail=detail)


def _opened(request: Request, served: Served) -> HTMLResponse:
    """The chat, nothing asked yet."""
    return _chat(request, served, "", None)


def _chat(
    request: Request,
    served: Served,
    question: str,
    answer: Answer | None,
    limit: int = LIMIT,
    code: int = 200,
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    return page(
        request, "chat.html", code, headers, served, f"/p/{served.slug}", question=question,
        answer=answer,
        suggestions=answer.suggestions if answer else answering.suggestions(served),
        more_hits=answer is not None and len(answer.passages) == limit < MOST,
        most=MOST,
    )  # fmt: skip


def _compare(
    request: Request,
    state: State,
    question: str = "",
    chosen: Sequence[str] = (),
    answers: Sequence[tuple[SimpleNamespace, Answer]] = (),
    hint: str = "",
    code: int = 200,
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    return page(
        request, "compare.html", code, headers,
        programmes=[programme(s) for s in state.library.all()], question=question, chosen=chosen,
        answers=answers, hint=hint, most=state.settings.most_compared,
    )  # fmt: skip


def _said(error: BotError, language: str) -> str:
    return sentence(error.key, language, **error.words)


def _linked(state: State, request: Request, answer: Answer, served: Served) -> Answer:
    def link(citation: Citation) -> Linked:
        path, _, passage = citation.path.partition("#")
        permalink = state.public(request, f"{path}?version={served.version}#{passage}")
        return Linked(**asdict(citation), permalink=permalink)

    return replace(answer, passages=tuple(map(link, answer.passages)))
