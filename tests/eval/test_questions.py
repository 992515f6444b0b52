from __future__ import annotations

from pathlib import Path

import pytest

from eval.asking import FILES
from eval.questions import OUT_OF_SCOPE, Question, read, right_passages
from index.build import Draft
from index.errors import DocumentError


def test_the_committed_questions_can_be_read(draft: Draft) -> None:
    """350 questions; every answerable one has a right passage, no other has."""
    questions = [q for path in FILES for q in read(path)]
    assert len(questions) == 350
    for question in questions:
        assert bool(right_passages(question, draft.passages)) == (question.kind != OUT_OF_SCOPE)


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    """File and line."""
    path = tmp_path / "q.jsonl"
    path.write_text('{"id": "a", "query": "b", "kind": "c", "evidence": []}\n\n{"id": "a"}\n')
    with pytest.raises(DocumentError, match=r"q\.jsonl:3"):
        read(path)


def test_evidence_that_is_nowhere_is_an_error(draft: Draft) -> None:
    """A figure over wrong evidence would be a lie."""
    with pytest.raises(DocumentError, match="x-1"):
        right_passages(Question("x-1", "?", "plain", ("steht nirgends",)), draft.passages)
