"""Question files: JSON Lines with at least `id, query, kind, evidence`.

A span of evidence is verbatim text; or, for a programme whose text is not ours to publish, the hash
of a sentence: `sha256:` and 16 hex digits of the SHA-256 of its letters.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from index.errors import DocumentError
from index.headings import letters
from index.types import Passage

HASHED = "sha256:"
OUT_OF_SCOPE = "outofscope"


@dataclass(frozen=True)
class Question:
    """A question with verbatim spans of the programme that answer it; none where nothing does."""

    id: str
    query: str
    kind: str
    evidence: tuple[str, ...]


def read(path: Path) -> list[Question]:
    """The questions of a file.

    Raises DocumentError naming the line that is not as it should be.
    """
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            found.append(Question(row["id"], row["query"], row["kind"], tuple(row["evidence"])))
        except (ValueError, KeyError, TypeError) as error:
            raise DocumentError(
                f"{path}:{number}", f"no question ({error!r})", "see eval/README.md"
            ) from error
    return found


def right_passages(question: Question, passages: Sequence[Passage]) -> frozenset[int]:
    """Positions of the passages that contain one of the evidence spans, white space folded.

    Raises DocumentError for a span that no passage contains: the cut or the file is wrong.
    """
    texts = [" ".join(passage.text.split()) for passage in passages]
    right: set[int] = set()
    for span in question.evidence:
        if span.startswith(HASHED):
            holders = {n for n, passage in enumerate(passages) if span in hashes(passage)}
        else:
            holders = {n for n, text in enumerate(texts) if " ".join(span.split()) in text}
        if not holders:
            raise DocumentError(
                question.id, f"no passage contains “{span[:60]}”", "correct the span"
            )
        right |= holders
    return frozenset(right)


@cache
def hashes(passage: Passage) -> frozenset[str]:
    """The hashes of a passage's sentences, as question files give them."""
    sentences = (letters(passage.text[start:end]) for start, end in passage.sentences)
    return frozenset(HASHED + sha256(text.encode()).hexdigest()[:16] for text in sentences)
