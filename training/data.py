"""The training pairs: (what people say, what a text says), one list per kind of source.

A batch is always drawn from one list, so that the other pairs of the batch are plausible wrong
answers and not merely another kind of text.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEAST_WORDS = 8  # shorter party comments say "see our manifesto" or nothing


@dataclass(frozen=True)
class Pair:
    """A query and the text it should find; `group` keeps two right answers out of one batch."""

    query: str
    text: str
    group: str
    heading: str = ""


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a JSON Lines file, gzipped or not."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    # Not splitlines(): it would also split at the odd separators that stand inside strings.
    yield from (json.loads(line) for line in data.decode().split("\n") if line.strip())


def question_pairs(records: list[dict[str, Any]]) -> list[Pair]:
    """Hand-written questions with the passage each of them is about."""
    return [
        Pair(question["text"], record["text"], record["passage_id"], record["heading"])
        for record in records
        for question in record["questions"]
    ]


def thesis_pairs(shared: Path) -> list[Pair]:
    """The short and the long way of saying the same: a thesis and what parties wrote on it."""
    pairs = []
    for number, row in enumerate(rows(shared / "theses.jsonl.gz")):
        for comment in {c["text"] for c in row["comments"]}:
            if len(comment.split()) >= LEAST_WORDS and "nachgereicht" not in comment:
                for short in {row["label"], row["thesis"]}:
                    pairs.append(Pair(short, comment, f"thesis-{number}"))
    return sorted(pairs, key=lambda pair: (pair.group, pair.query, pair.text))


def heading_pairs(shared: Path) -> list[Pair]:
    """Headings of other programmes with the paragraphs below them."""
    return [
        Pair(row["heading"], row["paragraph"], row["heading"])
        for row in rows(shared / "headings.jsonl.gz")
        if len(row["paragraph"].split()) >= 2 * LEAST_WORDS
    ]


def translation_pairs(shared: Path, languages: tuple[str, ...] = ("en", "pl", "ru")) -> list[Pair]:
    """Sentences of other languages with their German translation, the longer ones."""
    pairs = [
        Pair(row["en"].strip(), row["de"].strip(), row["de"])
        for row in rows(shared / "tatoeba-en-de.jsonl.gz")
        if len(row["de"].split()) >= LEAST_WORDS
    ]
    for row in rows(shared / "stsb-en-de-pl-ru.jsonl.gz"):
        for side in (0, 1):
            german = row["de"][side]
            pairs += [Pair(row[lang][side], german, german) for lang in languages]
    return pairs


def xquad_pairs(shared: Path) -> list[Pair]:
    """A question in any of five languages with the German paragraph that answers it."""
    return [
        Pair(row[lang]["question"], row["de"]["context"], row["de"]["context"])
        for row in rows(shared / "xquad.jsonl.gz")
        for lang in ("en", "de", "tr", "ar", "ru")
    ]


NEIGHBOURS = {
    "a": "sqy", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj",
    "i": "uo", "j": "hk", "k": "jl", "l": "kö", "m": "n", "n": "bm", "o": "ip", "p": "oü",
    "r": "et", "s": "ad", "t": "rz", "u": "zi", "v": "cb", "w": "qe", "x": "yc", "y": "x",
    "z": "tu",
}  # fmt: skip
UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}
)
BARE = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "s", "Ä": "A", "Ö": "O", "Ü": "U"})


def as_typed(text: str, dice: random.Random) -> str:
    """`text` as typed in haste: lower case, ae or a for ä, no punctuation, slips of the finger."""
    if dice.random() < 0.6:
        text = text.lower()
    text = dice.choice([text.translate(UMLAUTS), text.translate(BARE), text, text])
    if dice.random() < 0.5:
        text = text.rstrip("?!. ").replace(",", "")
    for _ in range(dice.choice([0, 1, 1, 2, 3]) if len(text) > 8 else 0):
        text = _slip(text, dice)
    return text


def _slip(text: str, dice: random.Random) -> str:
    at = dice.randrange(1, len(text) - 1)
    before, letter, after = text[:at], text[at], text[at + 1 :]
    kind = dice.random()
    if kind < 0.3:
        return before + after
    if kind < 0.5:
        return before + after[0] + letter + after[1:]
    if kind < 0.7:
        return before + letter + letter + after
    return before + dice.choice(NEIGHBOURS.get(letter.lower(), letter)) + after
