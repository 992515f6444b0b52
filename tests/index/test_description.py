from __future__ import annotations

import json
from pathlib import Path

import pytest

from index import description
from index.errors import DocumentError
from tests.conftest import SEED

GOOD = 'title = "T"\ndocument = "t.txt"\n'


def folder(tmp_path: Path, text: str, slug: str = "stadt-2025") -> Path:
    path = tmp_path / slug
    path.mkdir()
    (path / description.DESCRIPTION).write_text(text, encoding="utf-8")
    return path


def test_the_seed_is_described() -> None:
    """Its slug is the folder's name."""
    info = description.read(SEED)
    assert info.slug == "dortmund-2025"
    assert info.party == "SPD Dortmund"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "title"),
        ('title = "T"', "document"),
        (GOOD + 'colour = "red"', "colour: unknown key"),
        (GOOD + "title = ", "not valid TOML"),
        (GOOD + 'pdf_url = "javascript:alert(1)"', "pdf_url: not an http"),
        (GOOD + "imprint = 5", "imprint: not a list"),
        ('title = "T"\ndocument = "../t.txt"', "document: not a plain file name"),
        (GOOD + "party = ['a']", "party: not a string"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, says: str) -> None:
    """File and key, in one line."""
    with pytest.raises(DocumentError, match=says) as error:
        description.read(folder(tmp_path, text))
    assert description.DESCRIPTION in str(error.value)


def test_a_folder_name_must_be_a_slug(tmp_path: Path) -> None:
    """It becomes part of addresses and of paths."""
    with pytest.raises(DocumentError, match="no slug"):
        description.read(folder(tmp_path, GOOD, "Stadt 2025"))


def test_a_bank_needs_headings_and_questions(tmp_path: Path) -> None:
    """Sections are counted for the message."""
    path = folder(tmp_path, GOOD)
    (path / description.QUESTIONS).write_text('[[section]]\nquestions = ["a"]\n')
    with pytest.raises(DocumentError, match="section 1"):
        description.read(path)


def test_the_bank_of_the_seed_repeats_no_question_of_the_evaluation() -> None:
    """Else its figures would measure memory."""
    bank = {q.casefold() for questions in description.read(SEED).bank.values() for q in questions}
    for path in (SEED.parents[1] / "eval").glob("*.jsonl"):
        for line in filter(str.strip, path.read_text(encoding="utf-8").splitlines()):
            assert json.loads(line)["query"].casefold() not in bank
