"""The way of a request through a channel: verify, parse, claim, answer now or after.

Where the answer may ride in the response it is found first, and the response is the answer. Else
the platform is answered at once, and lanes do the rest. Only one server ever answers a message,
and once (see `store`); what can't be delivered is counted.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from typing import TypeVar

from bot.channels import conversation
from bot.channels.base import (
    Ack,
    Channel,
    Core,
    Incoming,
    Malformed,
    Outgoing,
    Received,
    Refused,
    Reply,
)
from bot.channels.client import Client, Undeliverable
from bot.channels.conversation import Talk
from bot.channels.lanes import Lanes
from bot.channels.store import Claim, MemoryStore, Store
from bot.hashes import Hasher
from bot.traces import span

log = logging.getLogger(__name__)
TALK = 24 * 3600.0  # seconds that a conversation is remembered
ASKED = 600.0  # seconds that a question waits for the choice of a programme
MOST, REST = 200, 3600.0  # messages of one sender without so many seconds of silence; see `_calm`
FORGET = 300.0  # seconds beyond a channel's lifetime: clocks differ
THREADS = 2  # the search is arithmetic; more would only wait for each other
Count = Callable[[str, str], None]  # channel, outcome
T = TypeVar("T")


class NotOurs(Exception):
    """A message was taken over by another server, or Redis has forgotten it."""


class Reception:
    """All channels' way to the core."""

    def __init__(
        self,
        core: Core,
        store: Store,
        hasher: Hasher,
        client: Client,
        count: Count,
        lanes: Lanes,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._core, self._store, self._hasher = core, store, hasher
        self._client, self._count, self._now = client, count, now
        self._asked = MemoryStore()  # never Redis: these are people's questions
        self._paces = MemoryStore()
        self.lanes = lanes
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="channels")

    async def receive(self, channel: Channel, received: Received) -> Ack:
        """Answer one request of a platform."""
        try:
            if received.method == "GET":
                return channel.challenge(received)
            channel.verify(received)
            batch = channel.parse(received)
        except Refused as refused:
            self._count(channel.name, "refused")
            return Ack(refused.status)
        except Malformed:
            self._count(channel.name, "malformed")
            return Ack(400)
        try:
            return await self._batch(channel, batch)
        except Exception as error:  # Redis is away, say: the platform sends it again
            log.error("%s: a delivery was put off (%s)", channel.name, type(error).__name__)
            self._count(channel.name, "put_off")
            return Ack(503)

    async def _batch(self, channel: Channel, batch: Sequence[Incoming]) -> Ack:
        """Every message of it; one that can't be taken now makes the platform send all again, and
        those taken are known by then.
        """
        acks = [await self._take(channel, incoming) for incoming in batch]
        postponed = next((ack for ack in acks if ack.status >= 500), None)
        return postponed or next((ack for ack in acks if ack.body), acks[0] if acks else Ack())

    async def _take(self, channel: Channel, incoming: Incoming) -> Ack:
        if self._stale(channel, incoming):
            self._count(channel.name, "stale")
            return Ack()
        if self.lanes.full:
            self._count(channel.name, "full")
            return Ack(503)
        key = self._hasher.key("message", channel.name, incoming.id)
        claim = await self._store.claim(key, channel.lifetime + FORGET)
        if claim != "new":
            return self._again(channel, claim)
        if not await self._calm(channel, incoming):
            await self._done(channel, key, "too_many")
            return Ack()
        if channel.responds:
            return await self._now_or_after(channel, incoming, key)
        self._after(channel, incoming, key, partial(self._answer, channel, incoming, key))
        return Ack()

    def _stale(self, channel: Channel, incoming: Incoming) -> bool:
        """Older than what is remembered: a replay, or nobody waits for it any more."""
        return incoming.at is not None and incoming.at < self._now() - channel.lifetime

    async def _calm(self, channel: Channel, incoming: Incoming) -> bool:
        """Not a machine that answers our answers: two such would go on for ever, and some
        platforms are paid by the message.
        """
        if incoming.inline or not channel.paced:
            return True
        who = self._hasher.key("pace", channel.name, incoming.sender)
        number = int(await self._paces.read(who) or 0) + 1
        await self._paces.write(who, str(number), REST)
        return number <= MOST

    def _again(self, channel: Channel, claim: Claim) -> Ack:
        self._count(channel.name, "duplicate" if claim == "known" else "busy")
        return channel.repeated if claim == "known" else Ack(503)

    async def _now_or_after(self, channel: Channel, incoming: Incoming, key: str) -> Ack:
        try:
            outgoing = await self._found(channel, incoming)
            ack = channel.respond(outgoing)
            if ack and not await self._store.begin(key, channel.lifetime + FORGET):
                raise NotOurs
        except BaseException:
            await self._store.release(key)
            raise
        if ack is None:
            send = partial(self._send, channel, incoming, key, outgoing)
            self._after(channel, incoming, key, send)
            return Ack()
        try:
            await self._done(channel, key, "answered")
        except Exception as error:  # the answer is here all the same, and will not be again
            log.error("%s: an answer was not noted (%s)", channel.name, type(error).__name__)
        return ack

    def _after(
        self, channel: Channel, incoming: Incoming, key: str, job: Callable[[], Awaitable[None]]
    ) -> None:
        lane = self._hasher.key("lane", channel.name, incoming.sender)
        self.lanes.put(lane, partial(self._counted, channel, key, job))

    async def _counted(
        self, channel: Channel, key: str, job: Callable[[], Awaitable[None]]
    ) -> None:
        """A fault of ours is an answer that was not given, too. Its message might quote."""
        try:
            await job()
        except Exception as error:
            log.error("%s: a message failed (%s)", channel.name, type(error).__name__)
            await self._done(channel, key, "undeliverable")

    async def _answer(self, channel: Channel, incoming: Incoming, key: str) -> None:
        try:
            readable = await channel.open(incoming, self._client)
        except Undeliverable as error:
            await self._give_up(channel, key, error)
            return
        if readable is None:
            await self._done(channel, key, "ignored")
            return
        outgoing = await self._found(channel, readable)
        await self._send(channel, readable, key, outgoing)

    async def _found(self, channel: Channel, incoming: Incoming) -> Sequence[Outgoing]:
        """The search runs in a thread, so that others are acknowledged meanwhile."""
        who = self._hasher.key("sender", channel.name, incoming.sender)
        talk = _wished(conversation.load(await self._store.read(who)), incoming)
        talk = replace(talk, asked=await self._asked.read(who) or "")
        turn = (self._core, talk, incoming, channel.name, who)
        if incoming.inline:
            quotes = await self._threaded(partial(conversation.found, *turn))
            return _rendered(channel, Reply(quotes=quotes), incoming)
        reply, after = await self._threaded(partial(conversation.turn, *turn))
        await self._store.write(who, after.dump(), TALK)
        if after.asked != talk.asked:
            await self._asked.write(who, after.asked, ASKED if after.asked else 0.0)
        return _rendered(channel, reply, incoming)

    async def _threaded(self, work: Callable[[], T]) -> T:
        within = partial(copy_context().run, work)  # so that logs and traces know the request
        return await asyncio.get_running_loop().run_in_executor(self._threads, within)

    async def _send(
        self, channel: Channel, incoming: Incoming, key: str, outgoing: Sequence[Outgoing]
    ) -> None:
        if self._stale(channel, incoming) or not await self._store.begin(
            key, channel.lifetime + FORGET
        ):
            await self._done(channel, key, "undeliverable")
            return
        try:
            for one in outgoing:
                await self._one(channel, one, incoming)
        except Undeliverable as error:
            await self._give_up(channel, key, error)
        else:
            await self._done(channel, key, "answered")

    async def _one(self, channel: Channel, outgoing: Outgoing, incoming: Incoming) -> None:
        try:
            await channel.deliver(outgoing, incoming, self._client)
        except Undeliverable:
            if not outgoing.optional:
                raise

    async def _give_up(self, channel: Channel, key: str, error: Undeliverable) -> None:
        log.warning(
            "%s: an answer was not delivered (%s%s)",
            channel.name, error.reason, ", may have arrived" if error.unsure else "",
        )  # fmt: skip
        await self._store.begin(key, channel.lifetime + FORGET)
        await self._done(channel, key, "unsure" if error.unsure else "undeliverable")

    async def _done(self, channel: Channel, key: str, outcome: str) -> None:
        self._count(channel.name, outcome)
        await self._store.finish(key)

    async def pulse(self) -> None:
        """A sign of life, and what dead servers left behind."""
        await self._asked.pulse()
        await self._paces.pulse()
        if lost := await self._store.pulse():
            log.error(
                "%d messages taken on by a server that died were left unanswered, unless their "
                "platform sends them again", lost,
            )  # fmt: skip
            for _ in range(lost):
                self._count("all", "lost")

    async def close(self, seconds: float = 8.0) -> None:
        """Finish what was taken on, as far as the time allows."""
        if left := await self.lanes.drain(seconds):
            log.error("%d messages are left unanswered by this stop", left)
        await self.lanes.run(self._client.close())
        await self.lanes.run(self._store.close())
        await self._store.close()
        await self._asked.close()
        await self._paces.close()
        await self.lanes.close()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _rendered(channel: Channel, reply: Reply, incoming: Incoming) -> Sequence[Outgoing]:
    with span("render", channel=channel.name):
        return channel.render(reply, incoming)


def _wished(talk: Talk, incoming: Incoming) -> Talk:
    """A channel may name programme and language with the message itself."""
    return replace(
        talk,
        programme=incoming.programme or talk.programme,
        language=incoming.language or talk.language,
    )
