"""Channels ↔ the server: which are on, their address, their view of the core. The only module here
that knows FastAPI and the server's state.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, cast

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot import answering
from bot.channels import CHANNELS, Registered
from bot.channels.base import Programme, Received, Said
from bot.errors import BotError, NotReady
from bot.library import Served
from bot.messages import Answer, Citation, Question
from bot.settings import Settings, SettingsError
from bot.state import State
from bot.wording import CODES, sentence
from index.errors import FundstelleError

if TYPE_CHECKING:
    from bot.channels.base import Channel
    from bot.channels.reception import Reception
    from bot.channels.store import Store

log = logging.getLogger(__name__)
PULSE = 3.0  # seconds between signs of life
BATCH = 1 << 20  # bytes: Meta sends up to 1,000 messages at once
BATCHING = {"messenger", "whatsapp"}
TIMEOUT, QUEUE = COMMON = ("FUNDSTELLE_CHANNELS_TIMEOUT", "FUNDSTELLE_CHANNELS_WAITING")
# Caddy's, and what Kubernetes tells every container of a service called fundstelle or alike.
ELSEWHERE = re.compile(
    r"FUNDSTELLE_(?:DOMAIN|(?:\w+_)?(?:SERVICE_(?:HOST|PORT)\w*|PORT(?:_\d+_\w+)?))"
)
FORGETFUL = (
    "without FUNDSTELLE_REDIS nothing is known of messages from before this start: some may have "
    "been taken on and never answered, and what is delivered again may be answered a second time"
)


def configured(values: Mapping[str, str]) -> dict[str, Channel]:
    """The channels that are on; says which are off and why, and which settings nobody reads.

    Raises SettingsError naming the variable that can't be used.
    """
    for name in sorted(filter(_unknown, values)):
        log.warning("there is no setting %s", name)
    on = {r.name: _made(r, values) for r in CHANNELS if _complete(r, values)}
    for name in sorted(BATCHING & set(on)):
        log.warning("%s is on: Meta's policy bars parties and candidates, see docs", name)
    if on:
        log.info("channels on: %s", ", ".join(on))
    off = [r.name for r in CHANNELS if r.name not in on]
    log.info("channels off, not set up: %s", ", ".join(off) or "none")
    return on


def _unknown(name: str) -> bool:
    """Neither a channel's, each of which looks through its own, nor all channels', nor somebody
    else's.
    """
    channels = tuple(registered.variable("") for registered in CHANNELS)
    return not (name.startswith(channels) or name in COMMON or ELSEWHERE.fullmatch(name))


def check_several(settings: Settings) -> None:
    """For several processes behind one port: they answer once only where they share what was taken
    on. Raises SettingsError.
    """
    if not settings.redis and any(_complete(r, settings.channels) for r in CHANNELS):
        raise SettingsError("FUNDSTELLE_REDIS: messengers need it where there are several workers")


def _complete(registered: Registered, values: Mapping[str, str]) -> bool:
    named = [registered.variable(need) for need in registered.needs]
    missing = [name for name in named if not values.get(name)]
    known = {*named, *(registered.variable(name) for name in registered.may)}
    for name in sorted(set(values) - known):
        if name.startswith(registered.variable("")):
            log.warning("channel %s has no setting %s", registered.name, name)
    if missing and len(missing) < len(named):
        log.warning("channel %s stays off: no %s", registered.name, ", ".join(missing))
    return not missing


def _made(registered: Registered, values: Mapping[str, str]) -> Channel:
    prefix = registered.variable("")
    own = {k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix) and v}
    try:
        module = importlib.import_module(f"bot.channels.{registered.name}")
        return cast("Channel", module.make(own))
    except ValueError as error:
        raise SettingsError(f"{prefix}{error}") from error
    except ImportError as error:
        raise SettingsError(f"{registered.name}: {error.name} is not installed") from error


class Desk:
    """The core as channels see it."""

    def __init__(self, state: State) -> None:
        self._state = state

    def programmes(self) -> Sequence[Programme]:
        """See Core."""
        return [self._about(served) for served in self._state.library.all()]

    def languages(self) -> Sequence[str]:
        """See Core."""
        return CODES

    def counting(self) -> int:
        """See Core."""
        return self._state.settings.insights_days if self._state.settings.counting else 0

    def ask(self, question: Question, programme: str, client: str) -> Answer:
        """See Core."""
        try:
            answer, _ = self._state.ask(question, programme, client)
        except BotError as error:
            raise Said(sentence(error.key, question.language, **error.words)) from None
        except FundstelleError as error:
            log.error("a programme can't be had: %s", error)
            raise Said(sentence(NotReady.key, question.language)) from None
        return answer

    def passages(self, programme: str, ids: Sequence[str]) -> Sequence[Citation]:
        """See Core."""
        with suppress(BotError):
            served = self._state.library.get(programme)
            at = (served.position[i] for i in ids if i in served.position)
            return [answering.citation(served, position) for position in at]
        return ()

    def url(self, path: str) -> str:
        """See Core."""
        base = self._state.settings.base_url
        return base.rstrip("/") + path if base else ""

    def _about(self, served: Served) -> Programme:
        info = served.info
        page = info.imprint_url or (self.url(f"/p/{info.slug}/impressum") if info.imprint else "")
        privacy = info.privacy_url or self.url(f"/p/{info.slug}/datenschutz")
        imprint = "\n".join(filter(None, (*info.imprint, page)))
        return Programme(info.slug, info.title, info.language, imprint, privacy)


class Channels:
    """All that is on, for `bot.app`: a router, and what runs beside the requests."""

    def __init__(self, state: State) -> None:
        self.on = configured(state.settings.channels)
        self.router = APIRouter(include_in_schema=False)
        self._state = state
        self._reception: Reception | None = None
        # Read here, so that one that can't be used ends the start in a line.
        values = state.settings.channels
        self._timeout = _number(values, TIMEOUT, 10.0)
        self._waiting = int(_number(values, QUEUE, 10_000))
        if self.on:
            self.router.add_api_route(
                "/channels/{name}", self._receive, methods=["GET", "POST"], response_model=None
            )

    def most_bytes(self, otherwise: int) -> int:
        """Of a request's body, where a channel that is on sends larger ones."""
        return max(otherwise, BATCH) if BATCHING & set(self.on) else otherwise

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connections are made here, since making the application starts nothing."""
        if not self.on:
            yield
            return
        from bot.channels.client import Client  # httpx takes a while; only who needs it waits
        from bot.channels.lanes import Lanes
        from bot.channels.reception import Reception

        store = _remembering(self._state.settings.redis)
        lanes = Lanes(self._waiting)
        client = Client(self._timeout, lanes.rest)
        reception = Reception(
            Desk(self._state), store, self._state.hasher, client, self._state.metrics.channel, lanes
        )
        self._reception = reception
        self._state.metrics.queue("channels", lambda: lanes.waiting)
        pulse = asyncio.create_task(_pulse(reception))
        yield
        pulse.cancel()
        with suppress(asyncio.CancelledError):
            await pulse
        await reception.close()

    async def _receive(self, name: str, request: Request) -> Response:
        channel = self.on.get(name)
        if channel is None or self._reception is None:
            return Response(status_code=404)
        received = Received(
            request.method, dict(request.headers), dict(request.query_params),
            await request.body(), request.client.host if request.client else "",
        )  # fmt: skip
        ack = await self._reception.receive(channel, received)
        return Response(ack.body, ack.status, media_type=ack.media)


def _remembering(redis: str) -> Store:
    """In Redis for several processes and across restarts, else in memory."""
    from bot.channels.store import MemoryStore, RedisStore

    if not redis:
        log.warning(FORGETFUL)
        return MemoryStore()
    return RedisStore(redis)


def _number(values: Mapping[str, str], variable: str, otherwise: float) -> float:
    try:
        number = float(values.get(variable) or otherwise)
    except ValueError as error:
        raise SettingsError(f"{variable}: not a number") from error
    if not number > 0:
        raise SettingsError(f"{variable}: must be above 0")
    return number


async def _pulse(reception: Reception) -> None:
    while True:
        try:
            await reception.pulse()
        except Exception as error:  # Redis may be away for a moment
            log.error("no sign of life in Redis: %s", type(error).__name__)
        await asyncio.sleep(PULSE)
