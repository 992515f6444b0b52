"""Reply → texts that fit a platform. Pure. A quote never parts from its citation: where one has
to be cut, at the border of a sentence, every part carries the citation again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from bot.channels.base import Quote, Reply

BREAK = "\n\n"
SENTENCE = re.compile(r"(\w*)([.!?…])[\"“”»«)]*\s+(?=[\"„“»(]?[A-ZÄÖÜ0-9])")
SHORT = {"abs", "art", "bspw", "bzw", "ca", "dr", "evtl", "inkl", "max", "min", "mio", "mrd", "nr"}
SHORT |= {"prof", "sog", "st", "str", "vgl"}
WORD = re.compile(r"\s+")


def utf16(text: str) -> int:
    """Length as Telegram and WhatsApp count."""
    return len(text.encode("utf-16-le")) // 2


def utf8(text: str) -> int:
    """Length in bytes, as Threema and Signal count."""
    return len(text.encode())


@dataclass(frozen=True)
class Style:
    """How a platform writes. `measure` counts a finished text as the platform does."""

    limit: int
    measure: Callable[[str], int]
    text: Callable[[str], str] = str
    key: Callable[[str], str] = str
    quote: Callable[[str], str] = "„{}“".format
    source: Callable[[str, str], str] = lambda citation, url: f"({citation}) {url}".rstrip()


def texts(reply: Reply, style: Style, numbered: bool = True) -> list[str]:
    """The messages that say `reply`; `numbered`: the choices as lines, where there are no
    buttons.
    """
    return pack(list(_blocks(reply, style, numbered)), style)


def pack(blocks: Sequence[str], style: Style) -> list[str]:
    """Blocks in order, in as few messages as they fit; each of them fits by itself."""
    packed: list[str] = []
    for block in blocks:
        together = packed[-1] + BREAK + block if packed else ""
        if packed and style.measure(together) <= style.limit:
            packed[-1] = together
        else:
            packed.append(block)
    return packed


def _blocks(reply: Reply, style: Style, numbered: bool) -> Iterable[str]:
    for line in reply.before:
        yield from _line(line, style)
    for quote in reply.quotes:
        yield from (written(part, style) for part in cut(quote, style))
    if numbered and reply.choices:
        numbers = (f"{number}  {c.label}" for number, c in enumerate(reply.choices, 1))
        yield from _line("\n".join(numbers), style)
    for line in reply.after:
        yield from _line(line, style)


def _line(text: str, style: Style) -> Iterable[str]:
    fits = lambda part: style.measure(style.text(part)) <= style.limit  # noqa: E731
    return (style.text(part) for part in portions(text, fits))


def written(quote: Quote, style: Style) -> str:
    """A quote with its citation, in the platform's markup."""
    start, end = quote.key or (0, 0)
    key = style.key(style.text(quote.text[start:end])) if end > start else ""
    marked = style.text(quote.text[:start]) + key + style.text(quote.text[end:])
    return style.quote(marked) + "\n" + style.source(quote.citation, quote.url)


def cut(quote: Quote, style: Style) -> list[Quote]:
    """`quote` whole, or in parts that fit with the citation at each."""
    short = _bounded(quote, style)
    parts, at = [], 0
    for portion in portions(quote.text, lambda t: _fits(replace(short, text=t, key=None), style)):
        parts.append(replace(short, text=portion, key=_within(quote.key, at, at + len(portion))))
        at += len(portion)
    parts = [replace(p, text=p.text.rstrip(), key=_within(p.key, 0, len(p.text.rstrip())))
             for p in parts]  # fmt: skip
    return [part if _fits(part, style) else replace(part, key=None) for part in parts]


def portions(text: str, fits: Callable[[str], bool]) -> list[str]:
    """`text` in as few pieces as fit, at sentences; in need at words; in need anywhere. Together
    they are the text.
    """
    pieces, at = [], 0
    while at < len(text):
        until = _furthest(text, at, fits)
        pieces.append(text[at:until])
        at = until
    return pieces or [text]


def _furthest(text: str, at: int, fits: Callable[[str], bool]) -> int:
    if fits(text[at:]):
        return len(text)
    for ends in (_sentences, _words):
        borders = [end for end in ends(text) if end > at]
        if until := _last(borders, lambda end: fits(text[at:end])):
            return until
    until = _last(range(at + 1, len(text) + 1), lambda end: fits(text[at:end]))
    return until or at + 1


def _sentences(text: str) -> Iterable[int]:
    """Where sentences end; not after "z. B.", "S. 7", "14. September", "Nr. 5"."""
    for found in SENTENCE.finditer(text):
        word, sign = found[1], found[2]
        short = len(word) == 1 or word.isdigit() or word.casefold() in SHORT
        if sign != "." or not short:
            yield found.end()


def _words(text: str) -> Iterable[int]:
    return (found.end() for found in WORD.finditer(text))


def _last(borders: Sequence[int], fits: Callable[[int], bool]) -> int | None:
    """The last border that fits, where all before it do."""
    low, high = 0, len(borders)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if fits(borders[middle]) else (low, middle)
    return borders[low - 1] if low else None


def _within(key: tuple[int, int] | None, start: int, end: int) -> tuple[int, int] | None:
    if key is None or key[1] <= start or key[0] >= end:
        return None
    return max(key[0], start) - start, min(key[1], end) - start


def _fits(quote: Quote, style: Style) -> bool:
    # Markup of the key sentence counts on some platforms; reserve for it.
    spare = style.measure(style.key("x")) - style.measure("x")
    return style.measure(written(quote, style)) + (0 if quote.key else spare) <= style.limit


def _bounded(quote: Quote, style: Style) -> Quote:
    """A citation of endless headings must leave room for the quote."""
    citation = quote.citation
    while style.measure(style.source(citation, quote.url)) > style.limit // 2 and len(citation) > 8:
        citation = citation[: len(citation) * 3 // 4].rstrip(" ›…") + "…"
    return replace(quote, citation=citation)


def shorten(text: str, most: int, measure: Callable[[str], int] = utf16) -> str:
    """At most `most`, an ellipsis where something is missing: labels of buttons."""
    if measure(text) <= most:
        return text
    until = _last(range(1, len(text)), lambda end: measure(text[:end].rstrip() + "…") <= most)
    return text[: until or 0].rstrip() + "…"


HAIR = "\u200a"
_PAIR = re.compile(r"(?<!\w)([*_~`])(?=\S)([^\n]+?)(?<=\S)\1(?!\w)")


def unmarked(text: str) -> str:
    """For platforms with `*bold*` and no escape sign (WhatsApp, Messenger, Threema): a hair space
    within each pair of marks that would be a style, since marks beside a space are none. Whatever
    is no pair, such as in "Bürger*innen", stays untouched.
    """
    while found := _PAIR.search(text):  # from the start: a hair space may end another pair
        mark, inner = found.groups()
        text = f"{text[: found.start()]}{mark}{HAIR}{inner}{HAIR}{mark}{text[found.end() :]}"
    return text
