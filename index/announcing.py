"""“Look now”: tells the servers, through Redis, that there is a new bundle. Without it they look
every few seconds. The same from anywhere: `redis-cli publish fundstelle:look now`.
"""

from __future__ import annotations

from index.errors import Unheard

CHANNEL = "fundstelle:look"
PATIENCE = 2.0  # seconds for Redis


def announce(url: str) -> int:
    """Tell all servers; how many heard it.

    Raises Unheard, without the address, which may hold a password.
    """
    from redis import Redis, RedisError  # only who has one needs it

    try:
        with Redis.from_url(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE) as redis:
            return int(redis.publish(CHANNEL, "now"))
    except (RedisError, ValueError, ImportError) as error:
        raise Unheard(
            "FUNDSTELLE_REDIS", f"the servers were not told ({type(error).__name__})",
            "they look by themselves every few seconds",
        ) from None  # fmt: skip
