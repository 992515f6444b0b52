"""Templates → pages: what every page is given, whichever router makes it."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot import assets, languages
from bot.library import Served
from bot.wording import wording

environment = Environment(
    loader=FileSystemLoader(assets.WEB / "templates"), autoescape=True, undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip
environment.globals["asset"] = assets.address


def _german(date: str) -> str:
    """14.09.2025 for 2025-09-14; any other text as it is."""
    return re.sub(r"^(\d{4})-(\d\d)-(\d\d)$", r"\3.\2.\1", date)


environment.filters["german"] = _german


def page(
    request: Request,
    template: str,
    code: int = 200,
    headers: dict[str, str] | None = None,
    served: Served | None = None,
    path: str = "",
    **context: Any,
) -> HTMLResponse:
    """`template` in the language that the request asks for. In it, `at(path)` is a link that
    keeps a language that was chosen by address, and `w` the fixed sentences. `path`: see
    `languages.menu`.
    """
    look = languages.chosen(request, language_of(served))
    everything = {
        "programme": programme(served) if served else None,
        "w": wording(look.language.code),
        "language": look.language,
        "at": look.link,
        "menu": languages.menu(request, path),
        "feedback": bool(request.app.state.fundstelle.settings.feedback),
        **context,
    }
    html = environment.get_template(template).render(**everything)
    return HTMLResponse(html, code, {"Vary": "Accept-Language", **(headers or {})})


def programme(served: Served) -> SimpleNamespace:
    """What templates know of a programme."""
    return SimpleNamespace(**{**vars(served.info), "version": served.version})


def language_of(served: Served | None) -> str:
    """The language a programme is written in; German where a page belongs to none."""
    return served.info.language if served else "de"
