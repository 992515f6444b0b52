"""Which language a request wants its interface in, told without a cookie.

1. `?sprache=en` in the address: somebody chose it; the links and forms of the page keep it
2. Accept-Language: the browser's own wish
3. the programme's language
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request

from bot.wording import DEFAULT, Language, closest, languages

PARAMETER = "sprache"
KEPT = ("version",)  # what else stays in the address when the language changes
MOST = 20  # entries of an Accept-Language that are looked at


@dataclass(frozen=True)
class Chosen:
    """The language of one page."""

    language: Language
    by_address: bool  # then every link of the page says so too

    def link(self, path: str, **query: str) -> str:
        """`path` with its query, in this language; `path` may end in #fragment."""
        path, mark, fragment = path.partition("#")
        if self.by_address:
            query[PARAMETER] = self.language.code
        return path + (f"?{urlencode(query)}" if query else "") + mark + fragment


def chosen(request: Request, programme: str = DEFAULT) -> Chosen:
    """The language that `request` asks for, else that of the programme it is about."""
    asked = closest(request.query_params.get(PARAMETER, ""))
    code = asked or _accepted(request) or closest(programme) or DEFAULT
    return Chosen(next(each for each in languages() if each.code == code), bool(asked))


def menu(request: Request, path: str = "") -> list[tuple[Language, str]]:
    """Every language with the address of this same page in it; `path`, where the page is no
    answer to a GET.
    """
    kept = {key: request.query_params[key] for key in KEPT if key in request.query_params}
    path = path or request.url.path
    return [(each, f"{path}?{urlencode({**kept, PARAMETER: each.code})}") for each in languages()]


def _accepted(request: Request) -> str | None:
    entries = request.headers.get("accept-language", "").split(",")[:MOST]
    wishes = sorted(map(_wish, entries), key=lambda wish: -wish[0])  # stable: equals stay in order
    return next((code for weight, tag in wishes if weight > 0 and (code := closest(tag))), None)


def _wish(entry: str) -> tuple[float, str]:
    """(0.8, "en") for "en;q=0.8"; a weight that is no number counts as none."""
    tag, _, rest = entry.partition(";")
    _, _, weight = rest.partition("q=")
    try:
        return float(weight or 1), tag
    except ValueError:
        return 0.0, tag
