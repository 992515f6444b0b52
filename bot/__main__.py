"""`python -m bot`: the server. Without an access log, since an address beside a time is personal
data.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial

from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE

from bot import logs, memory, traces
from bot.app import create_app
from bot.channels.wiring import check_several
from bot.connections import Connection
from bot.serving import Config, serve
from bot.settings import Settings, SettingsError, read
from index.errors import StoreError


def application() -> FastAPI:
    """What a worker serves. A setting that can't be used ends it, and with it the server."""
    try:
        return _made(read(os.environ))
    except (SettingsError, StoreError) as error:
        print(f"bot: {error}", file=sys.stderr)
        sys.exit(STARTUP_FAILURE)


def main() -> int:
    """Run the server until it is stopped; 2 where a setting can't be used, 3 where it can't
    begin to listen.
    """
    parser = argparse.ArgumentParser(prog="python -m bot", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=1, help="processes that share the port")
    options = parser.parse_args()
    try:
        settings = read(os.environ)
        logs.configure(settings.logs)
        if options.workers > 1:
            check_several(settings)
        one = _made(settings) if options.workers == 1 else None
    except (SettingsError, StoreError) as error:
        print(f"bot: {error}", file=sys.stderr)
        return 2
    return serve(_config(one, settings, options))


def _made(settings: Settings) -> FastAPI:
    memory.give_back()
    logs.configure(settings.logs)
    if settings.traces == "on":
        traces.configure()
    app = create_app(settings)
    memory.settle()
    return app


def _config(one: FastAPI | None, settings: Settings, options: argparse.Namespace) -> Config:
    config = Config(
        one or "bot.__main__:application",
        factory=one is None,
        workers=options.workers,
        host=options.host,
        port=options.port,
        http=partial(Connection, patience=settings.read_seconds),  # type: ignore[arg-type]
        ws="none",  # a library for it, where there is one, logs whom it refuses, and their query
        loop="asyncio",
        access_log=False,
        log_config=None,  # see bot.logs
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_graceful_shutdown=8,
    )
    config.drain = settings.drain_seconds
    return config


if __name__ == "__main__":
    sys.exit(main())
