"""`python -m bot`: the server. Without an access log, since an address beside a time is personal
data.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial

import uvicorn
from fastapi import FastAPI

from bot import logs, traces
from bot.app import create_app
from bot.connections import Connection
from bot.serving import Server
from bot.settings import Settings, SettingsError, read
from index.errors import StoreError


def main() -> int:
    """Run the server until it is stopped; 2 where a setting can't be used, 3 where it can't
    begin to listen.
    """
    parser = argparse.ArgumentParser(prog="python -m bot", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    try:
        settings = read(os.environ)
        logs.configure(settings.logs)
        if settings.traces == "on":
            traces.configure()
        app = create_app(settings)
    except (SettingsError, StoreError) as error:
        print(f"bot: {error}", file=sys.stderr)
        return 2
    server = Server(_config(app, settings, options), settings.drain_seconds, app.state.stop)
    server.run()
    return 0 if server.started else 3


def _config(app: FastAPI, settings: Settings, options: argparse.Namespace) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=options.host,
        port=options.port,
        http=partial(Connection, patience=settings.read_seconds),  # type: ignore[arg-type]
        loop="asyncio",
        access_log=False,
        log_config=None,  # see bot.logs
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_graceful_shutdown=8,
    )


if __name__ == "__main__":
    sys.exit(main())
