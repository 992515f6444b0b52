"""Work done after the platform was answered: bounded, each person's messages in their order,
everybody else's beside them, so many at once; in a thread with an event loop of its own, so that a
crowd of answers being sent never keeps a platform waiting for its acknowledgement.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from threading import Lock, Thread
from typing import Any, TypeVar

log = logging.getLogger(__name__)
Job = Callable[[], Awaitable[None]]
T = TypeVar("T")
AT_ONCE = 64  # jobs, as many as there are connections to platforms


class Lanes:
    """A queue in lanes. A person who is slow to reach holds up nobody but themselves."""

    def __init__(self, most: int = 10_000) -> None:
        self._most, self._waiting, self._counting = most, 0, Lock()
        self._lanes: dict[str, deque[Job]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._free = asyncio.Semaphore(AT_ONCE)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="lanes", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Jobs not yet done."""
        return self._waiting

    @property
    def full(self) -> bool:
        """There is no room for another."""
        return self._waiting >= self._most

    def put(self, lane: str, job: Job) -> None:
        """Do `job` after those already in `lane`."""
        self._count(1)
        self._loop.call_soon_threadsafe(self._add, lane, job)

    async def rest(self, seconds: float) -> None:
        """Wait within a job; whoever is told to come back later keeps no other from working."""
        self._free.release()
        try:
            await asyncio.sleep(seconds)
        finally:
            await self._free.acquire()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Something to be done in the lanes' own loop, where their connections are."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def drain(self, seconds: float) -> int:
        """Wait for what is there, so long; how many had to be left."""
        return await self.run(self._drain(seconds))

    async def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)
        self._loop.close()

    def _count(self, more: int) -> None:
        with self._counting:
            self._waiting += more

    def _add(self, lane: str, job: Job) -> None:
        if lane in self._lanes:
            self._lanes[lane].append(job)
            return
        self._lanes[lane] = deque([job])
        task = self._loop.create_task(self._run(lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, lane: str) -> None:
        jobs = self._lanes[lane]
        try:
            while jobs:
                await self._one(jobs[0])
                jobs.popleft()
                self._count(-1)
        finally:
            self._count(-len(jobs))
            del self._lanes[lane]

    async def _one(self, job: Job) -> None:
        try:
            async with self._free:
                await job()
        except Exception as error:  # a job counts its own failures; this one is a fault of ours
            log.error("a message could not be handled: %s", type(error).__name__)

    async def _drain(self, seconds: float) -> int:
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        left = self._waiting
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return left
