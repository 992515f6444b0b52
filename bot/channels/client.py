"""Calls of the platforms. Never says a thing twice: what may have arrived is not sent again.

    before a byte was sent    no connection                      sent again, a few times
    refused before doing it   429 (after its retry_after), 503,  sent again, a few times
                              the Graph API's "too many"
    maybe done                timeout, 500, 502, 504, a break    not sent again: Undeliverable
    never                     other 4xx                          Undeliverable

Neither addresses nor texts of errors are logged: a bot's token stands in Telegram's addresses.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

TRIES = 4
LONGEST_WAIT = 60.0  # seconds; who must wait longer than that has given up
# Error codes of the Graph API, whatever the status: too many of an app, a page, an account, a
# number; the last one to one person. Meta advises to wait 4^n seconds.
GRAPH_BUSY = {4, 32, 613, 80006, 80007, 130429, 131056}
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

# It logs every request's address at INFO.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)


class Undeliverable(Exception):
    """The platform didn't take it. `reason` is a word for the metrics; `unsure`: it may have
    arrived.
    """

    def __init__(self, reason: str, unsure: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.unsure = reason, unsure


class Client:
    """One connection pool for all channels."""

    def __init__(
        self,
        timeout: float = 10.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        # The transport alone: no cookies, redirects or proxies, and half the time of a client.
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=32)
        self._http = httpx.AsyncHTTPTransport(limits=limits, trust_env=False)
        self._limits = {"timeout": httpx.Timeout(timeout, connect=5.0, pool=30.0).as_dict()}
        self._sleep = sleep

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def post(self, url: str, **content: Any) -> httpx.Response:
        """A response below 300. Raises Undeliverable."""
        return await self._call("POST", url, **content)

    async def get(self, url: str, params: Mapping[str, str]) -> httpx.Response:
        """A response below 300. Raises Undeliverable."""
        return await self._call("GET", url, params=params)

    async def _call(self, method: str, url: str, **content: Any) -> httpx.Response:
        reason = "unreachable"
        for attempt in range(TRIES):
            try:
                response = await self._once(httpx.Request(method, url, **content))
            except NOT_SENT:
                wait = 0.2 * 2**attempt
            except httpx.HTTPError as error:
                raise Undeliverable(_reason(error), unsure=True) from None
            else:
                if response.status_code < 300:
                    return response
                reason = str(response.status_code)
                wait = _wait(response, attempt)
            if attempt + 1 < TRIES:
                await self._sleep(wait)
        raise Undeliverable(reason)

    async def _once(self, request: httpx.Request) -> httpx.Response:
        request.extensions["timeout"] = self._limits["timeout"]
        response = await self._http.handle_async_request(request)
        await response.aread()
        return response


def _wait(response: httpx.Response, attempt: int) -> float:
    """Seconds until the same may be sent again. Raises Undeliverable where it may not."""
    status, busy = response.status_code, _graph_code(response) in GRAPH_BUSY
    if status not in (429, 503) and not busy:
        raise Undeliverable(str(status), unsure=status >= 500)
    wait = _told(response)
    if wait is not None and wait > LONGEST_WAIT:
        raise Undeliverable(str(status))
    if wait is not None:
        return wait
    return 4.0**attempt if busy else 0.5 * 2**attempt


def _graph_code(response: httpx.Response) -> int:
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        return int(response.json()["error"]["code"])
    return 0


def _told(response: httpx.Response) -> float | None:
    """Telegram says it in the body, others in a header."""
    with contextlib.suppress(ValueError):
        if header := response.headers.get("retry-after"):
            return max(0.0, float(header))
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        return max(0.0, float(response.json()["parameters"]["retry_after"]))
    return None


def _reason(error: httpx.HTTPError) -> str:
    return "timeout" if isinstance(error, httpx.TimeoutException) else "broken"
