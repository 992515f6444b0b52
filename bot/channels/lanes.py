"""Work done after the platform was answered: bounded, each person's messages in their order,
everybody else's beside them.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)
Job = Callable[[], Awaitable[None]]
AT_ONCE = 16  # jobs; more would only make platforms wait for their acknowledgement


class Lanes:
    """A queue in lanes. A person who is slow to reach holds up nobody but themselves."""

    def __init__(self, most: int = 10_000) -> None:
        self._most, self._waiting = most, 0
        self._lanes: dict[str, deque[Job]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._free = asyncio.Semaphore(AT_ONCE)

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
        self._waiting += 1
        if lane in self._lanes:
            self._lanes[lane].append(job)
            return
        self._lanes[lane] = deque([job])
        task = asyncio.create_task(self._run(lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, lane: str) -> None:
        jobs = self._lanes[lane]
        try:
            while jobs:
                await self._one(jobs[0])
                jobs.popleft()
                self._waiting -= 1
        finally:
            self._waiting -= len(jobs)
            del self._lanes[lane]

    async def _one(self, job: Job) -> None:
        try:
            async with self._free:
                await job()
        except Exception as error:  # a job counts its own failures; this one is a fault of ours
            log.error("a message could not be handled: %s", type(error).__name__)

    async def drain(self, seconds: float) -> int:
        """Wait for what is there, so long; how many had to be left."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        left = self._waiting
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return left
