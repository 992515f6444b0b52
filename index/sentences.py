"""Where sentences end. The only importer of syntok, whose German knows most abbreviations."""

from __future__ import annotations

import re

from syntok import segmenter

from index.types import Span

# syntok ends a sentence after these; German goes on: "am 14. September", "vgl. Art. 3", "Bad St.
# Peter".
OPEN_END = re.compile(
    r"(?:(?<![\w.,])\d{1,2}|\b(?:vgl|bspw|bzgl|insb|ggü|lfd|St|Abb|Kap|Ziff))\.$", re.I
)


def split(text: str) -> list[Span]:
    """Character offsets of the sentences of one paragraph, in order; between them only white
    space. A line end always ends one.
    """
    spans: list[Span] = []
    start = 0
    for line in text.split("\n"):
        spans += [(start + begin, start + end) for begin, end in _line(line)]
        start += len(line) + 1
    return spans


def _line(text: str) -> list[Span]:
    spans: list[Span] = []
    for sentence in (s for paragraph in segmenter.analyze(text) for s in paragraph):
        start = sentence[0].offset
        end = sentence[-1].offset + len(sentence[-1].value)
        if spans and (
            OPEN_END.search(text[spans[-1][0] : spans[-1][1]])
            or not text[start:end].strip("\"“”»«')")
        ):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return _gapless(text, spans)


def _gapless(text: str, spans: list[Span]) -> list[Span]:
    """Stretch spans over characters the tokenizer skipped, so that no letter is ever lost."""
    whole: list[Span] = []
    for number, (start, _) in enumerate(spans):
        begin = 0 if number == 0 else start
        end = spans[number + 1][0] if number + 1 < len(spans) else len(text)
        piece = text[begin:end]
        begin += len(piece) - len(piece.lstrip())
        if piece.strip():
            whole.append((begin, begin + len(piece.strip())))
    return whole or ([(0, len(text))] if text.strip() else [])
