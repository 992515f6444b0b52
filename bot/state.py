"""What the routers share: one object, made in `bot.app`, reached through the application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Request

from bot import answering, traces
from bot.admission import Line
from bot.answering import EncodeFor
from bot.hashes import Hasher
from bot.library import Library, Served
from bot.limits import RateLimit
from bot.messages import Answer, Citation, Question
from bot.metrics import Metrics
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.insights.listening import Insights  # only where it is on

LIMIT, MOST, COMPARED = 3, 10, 2  # passages: of an answer, at most, of each programme compared


@dataclass(frozen=True)
class State:
    """The collaborators of one application."""

    settings: Settings
    library: Library
    limit: RateLimit
    programme_limit: RateLimit
    metrics: Metrics
    hasher: Hasher
    line: Line
    insights: Insights | None = None

    def ask(self, question: Question, slug: str | None, client: str) -> tuple[Answer, Served]:
        """Answer `question`, counted and limited."""
        self.limit.check(client)
        served = self.library.get(slug)
        self.programme_limit.check(served.slug)
        return self._answer(question, served, client, self.encode_for()), served

    def compare(
        self, question: Question, slugs: Sequence[str], client: str
    ) -> list[tuple[Answer, Served]]:
        """The answers of several programmes, in the order of `slugs`; each is counted as a
        question of its own.
        """
        chosen = self.library.several(slugs, self.settings.most_compared)
        self.limit.check(client, len(chosen))
        for served in chosen:
            self.programme_limit.check(served.slug)
        encode_for = self.encode_for()
        return [(self._answer(question, served, client, encode_for), served) for served in chosen]

    def encode_for(self) -> EncodeFor:
        """By the light form while others wait: so that fewer are sent away, for vectors nearly the
        same.
        """
        return answering.encode_for(self.metrics.light if self.line.pressed else None)

    def _answer(
        self, question: Question, served: Served, client: str, encode_for: EncodeFor
    ) -> Answer:
        hearing = None
        with self.metrics.timed(question.channel), traces.span("answer", programme=served.slug):
            encode = traces.within("encode", encode_for(question.text, served))
            if self.insights:
                encode = hearing = self.insights.hearing(served, encode)
            found = answering.answer(question, served, self.settings.most_letters, encode)
        self.metrics.answered(served.slug, found.status, question.channel, question.language)
        if hearing and question.whole:
            hearing.answered(question, found, client)
        return found

    def url(self, request: Request, citation: Citation) -> str:
        """The public address of a passage."""
        return self.public(request, citation.path)

    def public(self, request: Request, path: str) -> str:
        """The public address of a path that begins at the server's root."""
        return (self.settings.base_url or str(request.base_url)).rstrip("/") + path


def client_of(request: Request) -> str:
    """Whose questions are counted together; uvicorn has put the right address here behind a
    proxy.
    """
    return request.client.host if request.client else ""


async def _state(request: Request) -> State:  # async: else each request would go to a thread for it
    return cast(State, request.app.state.fundstelle)


Shared = Annotated[State, Depends(_state)]
