"""Styles and scripts, each under an address that changes with its content.

A browser may keep /static/style.1a2b3c4d.css for a year; the plain /static/style.css works too, and
is asked for anew each time.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path, PurePosixPath

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

WEB = Path(__file__).resolve().parent.parent / "web"
STATIC = WEB / "static"
FOREVER = "public, max-age=31536000, immutable"


def address(name: str) -> str:
    """The address of a file under web/static, its hash in it."""
    plain = PurePosixPath(name)
    hashed = plain.with_name(f"{plain.stem}.{_digest(name, _stamp(name))}{plain.suffix}")
    return f"/static/{hashed}"


class Assets(StaticFiles):
    """Files under their plain names and under their hashed ones."""

    def get_path(self, scope: Scope) -> str:
        """The file a path stands for; a hash that is not the file's finds nothing."""
        path = super().get_path(scope)
        plain = _without_hash(path)
        scope["hashed"] = plain is not None
        return plain or path

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, and how long it may be kept."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = FOREVER if scope.get("hashed") else "no-cache"
        return response


def _without_hash(path: str) -> str | None:
    pure = PurePosixPath(path)
    stem, _, digest = pure.stem.rpartition(".")
    plain = str(pure.with_name(stem + pure.suffix)) if stem else ""
    found = plain and (STATIC / plain).is_file() and digest == _digest(plain, _stamp(plain))
    return plain if found else None


def _stamp(name: str) -> int:
    return (STATIC / name).stat().st_mtime_ns


@cache
def _digest(name: str, stamp: int) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
