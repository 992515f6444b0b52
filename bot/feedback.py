"""“War das hilfreich?”: off, unless the operator names a file for it.

A line of the file holds the day, the programme and its version, the ids of the passages shown, yes
or no; and the question only where the visitor asked for it to be sent along. Nothing else.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from bot import answering, rendering
from bot.api import PROBLEMS
from bot.errors import TooLong, UnknownPassage
from bot.state import MOST, Shared, State, client_of

router = APIRouter()
writing = Lock()


class Feedback(BaseModel):
    """What a visitor says of an answer. `question` only if they ticked that it be sent."""

    programme: str
    version: str = Field(max_length=64)
    passages: list[str] = Field(max_length=MOST)
    helpful: bool
    question: str | None = None


@router.post(
    "/api/feedback", status_code=204, tags=["api"],
    responses={code: PROBLEMS[code] for code in (404, 413, 422, 429)},
)  # fmt: skip
def feedback(given: Feedback, request: Request, state: Shared) -> Response:
    """Store whether an answer helped; 404 where the operator has not switched this on."""
    store(state, given, client_of(request))
    return Response(status_code=204)


@router.post("/p/{slug}/rueckmeldung", include_in_schema=False, response_class=HTMLResponse)
def form(
    slug: str,
    request: Request,
    state: Shared,
    version: Annotated[str, Form(max_length=64)],
    helpful: Annotated[bool, Form()],
    passages: Annotated[list[str], Form(max_length=MOST, default_factory=list)],
    message: Annotated[str, Form()] = "",
    with_question: Annotated[bool, Form()] = False,
) -> Response:
    """The same as a plain form. The question comes along in any case, and is dropped here unless
    ticked.
    """
    question = message if with_question else None
    given = Feedback(
        programme=slug, version=version, passages=passages, helpful=helpful, question=question
    )
    store(state, given, client_of(request))
    served = state.library.get(slug)
    return rendering.page(request, "thanks.html", served=served, path=f"/p/{slug}")


def store(state: State, given: Feedback, client: str) -> None:
    """Append one line. Every id is one of the programme's, so that no other text gets in."""
    if not state.settings.feedback:
        raise HTTPException(404)
    state.limit.check(client)
    served = state.library.get(given.programme)
    if any(passage not in served.position for passage in given.passages):
        raise UnknownPassage
    line: dict[str, object] = {
        "date": datetime.now(UTC).date().isoformat(),
        "programme": served.slug,
        "version": given.version if served.version.startswith(given.version) else "other",
        "passages": given.passages,
        "helpful": given.helpful,
    }
    question = answering.tidy(given.question or "")
    if len(question) > state.settings.most_letters:
        raise TooLong
    if question:
        line["question"] = question
    _append(Path(state.settings.feedback), json.dumps(line, ensure_ascii=False) + "\n")


def _append(path: Path, line: str) -> None:
    """One unbuffered write, so that lines of several processes don't mix; readable by the operator
    alone.
    """
    with writing:
        path.touch(mode=0o600)
        with path.open("ab", buffering=0) as file:
            file.write(line.encode())
