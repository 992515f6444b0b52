"""How probable it is that the best hits answer the question: a logistic model over a few plain
features.

A high cosine alone tells answerable from unanswerable questions hardly better than chance, since a
programme shares its vocabulary with what it does not answer. So the model also sees how far the
best passage stands out, whether the rankers agree, which of the question's words are covered and
what kind of answer is asked for. It is fitted by `training/calibrate.py` on questions about other
programmes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from index.types import Vectors

FILE = "confidence.json"

# What kind of answer a question wants; programmes give reasons and aims, seldom these.
ASKS = {
    "asks_time": r"\b(?:wann|uhr|geöffnet|öffnungszeit\w*|datum|termin|when|what time)\b",
    "asks_person": r"\b(?:wer ist|wie heißt|name|namen|who is)\b",
    "asks_place": r"\b(?:wo |wohin|adresse|where|telefon\w*|nummer|e-?mail)\b",
    "asks_number": r"\b(?:wie ?viele?|wie hoch|wie teuer|kostet|kosten|preis"
    r"|how much|how many)\b",
}
_ASKS = {name: re.compile(pattern, re.I) for name, pattern in ASKS.items()}
# What answers a question for a number: one, or that it costs nothing.
GIVEN = r"[0-9]|kostenlos|kostenfrei|gebührenfrei|beitragsfrei|unentgeltlich|gratis|abschaff"
_GIVEN = re.compile(GIVEN, re.I)


@dataclass(frozen=True)
class Features:
    """What is known about a question and its best hit. Cosines and shares lie between 0 and 1."""

    cosine: float  # best passage
    sentence: float  # best sentence anywhere
    stands_out: float  # the best fused score in standard deviations above the mean
    margin: float  # between the first and the fourth fused score
    spread: float  # between the best cosine and the mean cosine
    coverage: float  # of the question's words, by rarity, in the best passage
    missing: float  # rarity of the rarest word missing there
    lexical_agrees: float  # 1 where the best fused passage is among the lexical side's first three
    dense_agrees: float  # 1 where it is the dense side's first
    gram: float  # tf-idf cosine of character n-grams
    wording: float  # how far the question's vector lies on the side of answerable questions
    asks_time: float
    asks_person: float
    asks_place: float
    asks_number: float
    number_given: float  # a number is asked for, and the key sentence has one or says: free

    def values(self) -> list[float]:
        """In the order of their definition."""
        return [float(getattr(self, field.name)) for field in fields(self)]


NAMES = tuple(field.name for field in fields(Features))


def asked(question: str, key_sentence: str) -> dict[str, float]:
    """The features that the wording of the question gives."""
    flags = {name: float(bool(pattern.search(question))) for name, pattern in _ASKS.items()}
    flags["number_given"] = flags["asks_number"] * float(bool(_GIVEN.search(key_sentence)))
    return flags


@dataclass(frozen=True)
class Confidence:
    """Coefficients of the logistic model, by feature name, and the two thresholds.

    `direction` and `offset` are a linear model of their own over the question's vector: whether it
    is the kind of question that programmes answer ("Um wie viel Uhr öffnet das Südbad?" is not).
    """

    intercept: float
    weights: Mapping[str, float]
    answered: float  # from here on: the passages answer it
    related: float  # below this: nothing is shown
    direction: Sequence[float] = ()
    offset: float = 0.0

    def wording(self, query: Vectors) -> float:
        """The feature of this name for a question's vector, shape (dimension,)."""
        return float(np.dot(self.direction, query)) + self.offset if self.direction else 0.0

    def probability(self, features: Features) -> float:
        """That the best hits answer the question."""
        total = self.intercept + sum(
            self.weights.get(name, 0.0) * value
            for name, value in zip(NAMES, features.values(), strict=True)
        )
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


# For encoders that no calibration was fitted for: only features that don't depend on its cosines.
UNCALIBRATED = Confidence(
    intercept=-3.2,
    weights={
        "stands_out": 0.7,
        "coverage": 1.5,
        "missing": -0.8,
        "lexical_agrees": 0.7,
        "dense_agrees": 0.5,
    },
    answered=0.5,
    related=0.05,
)


def load(folder: Path) -> Confidence:
    """The calibration beside an encoder; a cautious one where there is none."""
    path = folder / FILE
    return parse(path.read_bytes()) if path.is_file() else UNCALIBRATED


def parse(content: bytes) -> Confidence:
    """The calibration that a file holds."""
    return Confidence(**json.loads(content))
