"""What the routers share: one object, made in `bot.app`, reached through the application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from bot import answering
from bot.hashes import Hasher
from bot.library import Library, Served
from bot.limits import RateLimit
from bot.messages import Answer, Citation, Question
from bot.metrics import Metrics
from bot.settings import Settings
from index.search import Encode


@dataclass(frozen=True)
class State:
    """The collaborators of one application."""

    settings: Settings
    library: Library
    limit: RateLimit
    programme_limit: RateLimit
    metrics: Metrics
    hasher: Hasher

    def ask(self, question: Question, slug: str | None, client: str) -> tuple[Answer, Served]:
        """Answer `question`, counted and limited."""
        self.limit.check(client)
        served = self.library.get(slug)
        self.programme_limit.check(served.slug)
        return self._answer(question, served), served

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
        encoders = answering.encoders(chosen)
        return [(self._answer(question, s, encoders[s.bundle.encoder]), s) for s in chosen]

    def _answer(self, question: Question, served: Served, encode: Encode | None = None) -> Answer:
        with self.metrics.timed(question.channel):
            found = answering.answer(question, served, self.settings.most_letters, encode)
        self.metrics.answered(served.slug, found.status, question.channel, question.language)
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
