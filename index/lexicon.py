"""The lexical side: two rankers over the same passages, both plain sums over an inverted index.

`words` is BM25 (Robertson and Zaragoza 2009, doi:10.1561/1500000019) over stems and parts of
compounds; `grams` is the cosine of tf-idf weighted character 4-grams, which bridges compounds and
forgives typos.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index import german
from index.types import Vectors

K1, B = 1.2, 0.5  # BM25's saturation and length normalisation; passages are of like length
PART_WEIGHT = 0.5  # a part of a compound says less than the whole word
HEADING_TIMES = 2  # a heading's words count as if they stood so often in the passage

Terms = Mapping[int, float]  # number of a term in its postings → weight


@dataclass(frozen=True)
class Postings:
    """For each term the passages it stands in, with its weight there (compressed sparse rows)."""

    terms: Mapping[str, int]
    starts: NDArray[np.int64]  # shape (terms + 1,)
    passages: NDArray[np.int32]
    weights: NDArray[np.float32]
    rarity: NDArray[np.float32]  # shape (terms,): inverse document frequency

    def scores(self, query: Terms, count: int) -> Vectors:
        """Sum of weights over the query's terms, shape (count,)."""
        total = np.zeros(count, np.float32)
        for row, weight in query.items():
            span = slice(self.starts[row], self.starts[row + 1])
            total[self.passages[span]] += weight * self.weights[span]
        return total

    def has(self, term: str, passage: int) -> bool:
        """Whether a term stands in a passage."""
        row = self.terms.get(term)
        return row is not None and passage in self.passages[self.starts[row] : self.starts[row + 1]]

    def known(self, query: Mapping[str, float]) -> Terms:
        """The query's terms that stand in the programme."""
        return {self.terms[t]: weight for t, weight in query.items() if t in self.terms}


@dataclass(frozen=True)
class Lexicon:
    """Both inverted indexes over `count` passages."""

    count: int
    words: Postings
    grams: Postings

    def query_words(self, query: str) -> Terms:
        """A query as BM25 takes it."""
        return self.words.known(word_terms(query, self.words.terms))

    def query_grams(self, query: str) -> Terms:
        """A query's tf-idf vector of length 1."""
        weighted = _weigh_grams(Counter(_grams(query)), self.grams.terms, self.grams.rarity)
        return self.grams.known(weighted)

    def score_words(self, query: str) -> Vectors:
        """BM25 of each passage, shape (count,)."""
        return self.words.scores(self.query_words(query), self.count)

    def score_grams(self, query: str) -> Vectors:
        """tf-idf cosine of each passage, shape (count,), between 0 and 1."""
        return self.grams.scores(self.query_grams(query), self.count)

    def coverage(self, query: str, passage: int) -> tuple[float, float]:
        """How much of the query's words, by rarity, stands in a passage; and the rarest word
        missing.

        Both between 0 and 1; unknown words are the rarest. A compound stands where both its parts
        do.
        """
        words = {german.stem(word): word for word in german.words(query)}
        ceiling = math.log(1 + self.count)
        inside = total = missing = 0.0
        for stem, word in words.items():
            rarity = self._rarity(stem, ceiling)
            total += rarity
            if self._stands_in(stem, word, passage):
                inside += rarity
            else:
                missing = max(missing, rarity)
        return (inside / total if total else 0.0), missing / ceiling

    def _rarity(self, stem: str, ceiling: float) -> float:
        row = self.words.terms.get(stem)
        return ceiling if row is None else min(ceiling, float(self.words.rarity[row]))

    def _stands_in(self, stem: str, word: str, passage: int) -> bool:
        if self.words.has(stem, passage):
            return True
        parts = german.parts(word, self.words.terms)
        return bool(parts) and all(self.words.has(part, passage) for part in parts)


def build(texts: Sequence[str], headings: Sequence[str]) -> Lexicon:
    """The lexicon over passages, each with the headings above it."""
    known = {german.stem(word) for text in (*texts, *set(headings)) for word in german.words(text)}
    known = {stem for stem in known if len(stem) >= german.LEAST_PART - 1 and stem.isalpha()}
    documents = [
        _add(word_terms(text, known), word_terms(heading, known), HEADING_TIMES)
        for text, heading in zip(texts, headings, strict=True)
    ]
    grams = [Counter(_grams(f"{h} {h} {t}")) for t, h in zip(texts, headings, strict=True)]
    return Lexicon(len(texts), _bm25(documents), _cosine(grams))


def word_terms(text: str, known: Mapping[str, int] | set[str]) -> dict[str, float]:
    """Stems with their counts, and the parts of compounds with half a count."""
    terms: defaultdict[str, float] = defaultdict(float)
    for word in german.words(text):
        terms[german.stem(word)] += 1.0
        for part in german.parts(word, known):
            terms[part] += PART_WEIGHT
    return dict(terms)


def _add(first: dict[str, float], second: dict[str, float], times: float) -> dict[str, float]:
    return {t: first.get(t, 0.0) + times * second.get(t, 0.0) for t in {**first, **second}}


def _grams(text: str) -> list[str]:
    return [gram for word in german.words(text) for gram in german.grams(word)]


def _bm25(documents: Sequence[Mapping[str, float]]) -> Postings:
    lengths = [sum(document.values()) for document in documents]
    mean = sum(lengths) / max(1, len(lengths)) or 1.0
    frequency = Counter(term for document in documents for term in document)
    count = len(documents)
    idf = {t: math.log(1 + (count - n + 0.5) / (n + 0.5)) for t, n in frequency.items()}
    weighted = [
        {
            t: idf[t] * f * (K1 + 1) / (f + K1 * (1 - B + B * length / mean))
            for t, f in document.items()
        }
        for document, length in zip(documents, lengths, strict=True)
    ]
    return _postings(weighted, idf)


def _cosine(documents: Sequence[Counter[str]]) -> Postings:
    frequency = Counter(term for document in documents for term in document)
    idf = {t: math.log(1 + len(documents) / n) for t, n in frequency.items()}
    weighted = []
    for document in documents:
        raw = {t: (1 + math.log(n)) * idf[t] for t, n in document.items()}
        norm = math.sqrt(sum(w * w for w in raw.values())) or 1.0
        weighted.append({t: w / norm for t, w in raw.items()})
    return _postings(weighted, idf)


def _weigh_grams(
    counts: Counter[str], terms: Mapping[str, int], rarity: NDArray[np.float32]
) -> dict[str, float]:
    raw = {t: (1 + math.log(n)) * float(rarity[terms[t]]) for t, n in counts.items() if t in terms}
    norm = math.sqrt(sum(w * w for w in raw.values())) or 1.0
    return {t: w / norm for t, w in raw.items()}


def _postings(weighted: Sequence[Mapping[str, float]], idf: Mapping[str, float]) -> Postings:
    terms = {term: row for row, term in enumerate(sorted(idf))}
    entries = sorted(
        (terms[t], n, w) for n, document in enumerate(weighted) for t, w in document.items()
    )
    rows = np.array([row for row, _, _ in entries], np.int64)
    return Postings(
        terms,
        np.searchsorted(rows, np.arange(len(terms) + 1)).astype(np.int64),
        np.array([n for _, n, _ in entries], np.int32),
        np.array([w for _, _, w in entries], np.float32),
        np.array([idf[t] for t in sorted(idf)], np.float32),
    )


def to_arrays(lexicon: Lexicon) -> dict[str, NDArray[np.generic]]:
    """The lexicon as plain arrays, for a bundle; terms as one UTF-8 text, a term a line."""
    arrays: dict[str, NDArray[np.generic]] = {"count": np.array(lexicon.count)}
    for name, postings in (("words", lexicon.words), ("grams", lexicon.grams)):
        joined = "\n".join(sorted(postings.terms, key=lambda term: postings.terms[term]))
        arrays[f"{name}_terms"] = np.frombuffer(joined.encode(), np.uint8)
        arrays[f"{name}_starts"] = postings.starts
        arrays[f"{name}_passages"] = postings.passages
        arrays[f"{name}_weights"] = postings.weights
        arrays[f"{name}_rarity"] = postings.rarity
    return arrays


def from_arrays(arrays: Mapping[str, NDArray[np.generic]]) -> Lexicon:
    """The lexicon that `to_arrays` took apart."""

    def postings(name: str) -> Postings:
        joined = arrays[f"{name}_terms"].tobytes().decode()
        terms = {term: row for row, term in enumerate(joined.split("\n") if joined else [])}
        return Postings(
            terms,
            arrays[f"{name}_starts"].astype(np.int64),
            arrays[f"{name}_passages"].astype(np.int32),
            arrays[f"{name}_weights"].astype(np.float32),
            arrays[f"{name}_rarity"].astype(np.float32),
        )

    return Lexicon(int(arrays["count"]), postings("words"), postings("grams"))
