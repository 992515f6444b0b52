"""The widget for other people's sites: its two scripts, its sentences, and a page for frames.

    /widget.js              the button; all that a site's visitor loads until it is opened
    /widget/dialog.js       the dialog, loaded then
    /widget/words.json      sentences, and what the dialog says about a programme, likewise
    /p/{slug}/einbetten     the chat as a plain form, for sites that allow frames but no scripts

See docs/widget.md. The scripts are put together from web/widget once, when first asked for.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException

from bot import answering, origins
from bot.admission import searching
from bot.assets import WEB
from bot.errors import BotError
from bot.guards import framed_by
from bot.library import Served
from bot.messages import Answer, Question
from bot.state import Shared, State, client_of
from bot.wording import DEFAULT, closest, languages, sentence, wording

FOLDER = WEB / "widget"
KINDS = {".js": "text/javascript", ".css": "text/css"}
FILES = ("dialog.js", "embed.css")  # under /widget/
LAUNCH = ("launch", "opening", "offline", "greeting")  # what the button itself can say
GLYPHS = {"answered": "✓", "related": "≈", "nothing": "–"}  # as in dialog.js
HOUR, YEAR = "public, max-age=3600", "public, max-age=31536000, immutable"
PUBLIC: Mapping[str, str] = {
    # Nothing in these files is anybody's: any site may load them, checked with `integrity` too.
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
router = APIRouter(include_in_schema=False)
environment = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip


@dataclass(frozen=True)
class File:
    """A file as it is sent, plain and compressed."""

    body: bytes
    kind: str
    tag: str  # hash of the content


@router.get("/widget.js", response_model=None)
def launcher(request: Request) -> Response:
    """The button. Asked for anew after an hour, so that a site need not change its line."""
    return _sent(request, _file("widget.js"), HOUR)


@router.get("/widget/words.json", response_model=None)
def words(
    request: Request,
    state: Shared,
    programme: str | None = None,
    language: Annotated[str, Query(max_length=16)] = DEFAULT,
) -> Response:
    """What the dialog needs to begin. Readable everywhere, so that it can tell a site that is not
    allowed to ask what is missing.
    """
    try:
        served = state.library.get(programme)
    except BotError as error:
        body = {"status": error.status, "title": error.key, "detail": _said(error)}
        return JSONResponse(body, error.status, dict(PUBLIC), "application/problem+json")
    origin = request.headers.get("origin")
    spoken = said(language)
    body = {
        "language": spoken.tag,
        "dir": spoken.direction,
        "words": spoken.words,
        "counted": _counted(state, spoken),
        "programme": _about(served),
        "suggestions": answering.suggestions(served),
        "allowed": origin in (None, _own(state, request))
        or origins.allows(state, str(origin), [served]),
    }
    return JSONResponse(body, headers={**PUBLIC, "Vary": "Origin"})


@router.get("/widget/{name}", response_model=None)
def file(name: str, request: Request, v: str = "") -> Response:
    """The dialog's script, kept for good under an address that names its content."""
    if name not in FILES:
        raise HTTPException(404)
    found = _file(name)
    return _sent(request, found, YEAR if v == found.tag else HOUR)


@router.get("/p/{slug}/einbetten", response_model=None)
def embedded(slug: str, state: Shared, language: str = "") -> Response:
    """The chat for a frame, nothing asked yet."""
    return _embedded(state, state.library.get(slug), language)


@router.post("/p/{slug}/einbetten", response_model=None)
@searching
def ask_embedded(
    slug: str,
    request: Request,
    state: Shared,
    message: Annotated[str, Form()] = "",
    language: str = "",
) -> Response:
    """The answer in the frame. A POST, so that the question stands in no address."""
    served = state.library.get(slug)
    question = message[: state.settings.most_letters]
    asked = Question(message, language or served.info.language)
    try:
        found, served = state.ask(asked, slug, client_of(request))
    except BotError as error:
        hint = Answer("nothing", _said(error), (), answering.suggestions(served))
        return _embedded(state, served, language, question, hint, error.status, error.headers)
    return _embedded(state, served, language, question, found)


@dataclass(frozen=True)
class Said:
    """The widget's sentences in one language; `tag` and `direction` are HTML's lang and dir."""

    code: str
    tag: str
    direction: str
    words: Mapping[str, str]


def said(language: str) -> Said:
    """The sentences of a language; German where it is not spoken here."""
    code = closest(language) or DEFAULT
    known = next(each for each in languages() if each.code == code)
    return Said(code, known.tag, known.direction, vars(wording(code).widget))


@cache
def _file(name: str) -> File:
    text = _css("dialog.css") + _css(name) if name.endswith(".css") else _script(name)
    body = text.encode()
    tag = hashlib.sha256(body).hexdigest()[:16]
    return File(body, KINDS[name[name.rindex(".") :]], tag)


def _script(name: str) -> str:
    """A script with its style sheet inside; the launcher's with sentences and version too."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    text = re.sub(r"^\s*//.*\n|^\s+", "", text, flags=re.M)
    style = name.replace(".js", ".css")
    values: dict[str, object] = {style: _css(style)}
    if name == "widget.js":
        values["words"] = {
            each.code: {"dir": each.direction} | {key: said(each.code).words[key] for key in LAUNCH}
            for each in languages()
        }
        values["version"] = _file("dialog.js").tag
    for key, value in values.items():
        text = text.replace(f'"%{key}%"', json.dumps(value, ensure_ascii=False))
    return text


def _css(name: str) -> str:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", text, flags=re.S)).strip()


def _sent(request: Request, found: File, caching: str) -> Response:
    tag = f'"{found.tag}"'
    headers = {**PUBLIC, "ETag": tag, "Cache-Control": caching}
    known = {
        t.strip().removeprefix("W/") for t in request.headers.get("if-none-match", "").split(",")
    }
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(found.body, 200, headers, found.kind)


def _about(served: Served) -> dict[str, str]:
    info = served.info
    return {
        "slug": served.slug,
        "title": info.title,
        "party": info.party,
        "language": info.language,
    }


def _counted(state: State, spoken: Said) -> str:
    """What is said of counting, where it is switched on."""
    return str(wording(spoken.code).insights.short) if state.settings.counting else ""


def _own(state: State, request: Request) -> str:
    """The server's own origin."""
    base = state.settings.base_url or str(request.base_url)
    return "/".join(base.split("/")[:3])


def _said(error: BotError) -> str:
    return sentence(error.key, DEFAULT, **error.words)


def _embedded(
    state: State,
    served: Served,
    language: str,
    question: str = "",
    answer: Answer | None = None,
    code: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    spoken = said(language or served.info.language)
    context: dict[str, Any] = {
        "w": spoken.words,
        "counted": _counted(state, spoken),
        "language": spoken.tag,
        "dir": spoken.direction,
        "programme": served.info,
        "action": f"/p/{served.slug}/einbetten" + (f"?language={spoken.code}" * bool(language)),
        "question": question,
        "answer": answer,
        "hint": code != 200,
        "glyph": GLYPHS[answer.status] if answer else "",
        "suggestions": answer.suggestions if answer else answering.suggestions(served),
    }
    framed = {"Content-Security-Policy": framed_by(origins.of(state, served)), **(headers or {})}
    return HTMLResponse(environment.get_template("embed.html").render(context), code, framed)
