"""Looks for new bundles beside the requests: every few seconds, and at once when somebody says so
through Redis (`index.announcing`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bot.state import State

log = logging.getLogger(__name__)


@asynccontextmanager
async def watching(state: State) -> AsyncIterator[None]:
    """As long as this lasts."""
    woken = asyncio.Event()
    tasks = [asyncio.create_task(_watch(state, woken))]
    if state.settings.redis:
        from bot.replicas import listen

        tasks.append(asyncio.create_task(listen(state.settings.redis, woken.set)))
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _watch(state: State, woken: asyncio.Event) -> None:
    while True:
        await _wait(woken, state.settings.reload_seconds)
        try:
            await asyncio.to_thread(state.library.refresh)
        except Exception as error:  # must not end the looking; the next look may go better
            log.error("looking for new bundles failed: %s", type(error).__name__)


async def _wait(woken: asyncio.Event, seconds: float) -> None:
    """Until somebody says so, but no longer; 0: until somebody says so."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds or None):
            await woken.wait()
    woken.clear()
