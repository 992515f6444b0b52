from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index import build, bundle, lexicon, query_encoder
from index.build import Draft
from index.encoder import DEFAULT, MODELS
from index.errors import DocumentError
from index.vectors import Rows
from tests.conftest import SEED, SLUG, silent


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    folder = tmp_path / "programmes" / SLUG
    shutil.copytree(SEED, folder)
    return folder


def test_unchanged_passages_are_not_encoded_again(
    index_root: Path, edited: Path, tmp_path: Path
) -> None:
    """One changed sentence costs a handful of vectors; the rest, and the ids, stay; old links lead
    on.
    """
    root = tmp_path / "index"
    shutil.copytree(index_root, root, symlinks=True)
    before = bundle.load(root / SLUG)
    document = edited / before.info.document
    text = document.read_text(encoding="utf-8")
    sentence = "Wir werden neue Spielplätze bauen und vorhandene erneuern."
    assert sentence in text
    document.write_text(
        text.replace(sentence, sentence + " Auch Wasserspielplätze."), encoding="utf-8"
    )
    summary = build.build(edited, root, "fundstelle-e5", silent)
    after = bundle.load(root / SLUG)
    assert 0 < summary.encoded <= 10
    assert summary.reused > 900
    assert after.manifest.version != before.manifest.version
    gone = {p.id for p in before.passages} - {p.id for p in after.passages}
    assert len(gone) == 1
    heir = after.aliases[gone.pop()]
    assert "Auch Wasserspielplätze." in next(p.text for p in after.passages if p.id == heir)


def test_without_its_light_form_an_encoder_gives_the_same_vectors(
    index_root: Path, edited: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So none is made anew where that form is added or taken away; questions have others, so the
    version is another.
    """
    root, models = tmp_path / "index", tmp_path / "models"
    shutil.copytree(index_root, root, symlinks=True)
    before = bundle.load(root / SLUG)
    without = shutil.ignore_patterns(query_encoder.LIGHT)
    shutil.copytree(MODELS / DEFAULT, models / DEFAULT, ignore=without)
    monkeypatch.setattr("index.encoder.MODELS", models)
    summary = build.build(edited, root, DEFAULT, silent)
    assert (summary.encoded, summary.reused) == (0, len(before.rows))
    assert bundle.load(root / SLUG).manifest.version != before.manifest.version
    assert not (root / SLUG / bundle.ENCODER / query_encoder.LIGHT).exists()


def test_the_same_input_gives_the_same_bundle(edited: Path, tmp_path: Path) -> None:
    """Version, ids and vectors are reproducible; on the first chapters, since all is done twice."""
    document = edited / "dortmund-kann-das.txt"
    document.write_text(document.read_text(encoding="utf-8")[:9000], encoding="utf-8")
    (edited / "questions.toml").unlink()  # its headings are cut off
    for name in ("one", "other"):
        build.build(edited, tmp_path / name, "fundstelle-e5", silent)
    one, other = (bundle.load(tmp_path / name / SLUG) for name in ("one", "other"))
    assert len(one.passages) > 5
    assert one.manifest.version == other.manifest.version
    assert one.passages == other.passages
    assert np.allclose(one.rankers.vectors(), other.rankers.vectors(), atol=1e-6)


def test_other_terms_or_passages_of_the_same_words_are_another_version(draft: Draft) -> None:
    """After an upgrade of this program stores and bots must not take the new for the old: what
    Qdrant holds by the numbers of terms would be asked by others.
    """
    _, rows = build._rows(draft)

    def version(draft: Draft, rows: Rows, *texts: str) -> str:
        words = lexicon.build(texts, texts)
        return build._version(draft, "model", b"", rows, words)

    first = version(draft, rows, "Radwege", "Busse")
    assert first == version(draft, rows, "Radwege", "Busse")
    cut = replace(draft, passages=(replace(draft.passages[0], end_page=9), *draft.passages[1:]))
    moved = replace(rows, owner=rows.owner + 1)
    others = version(draft, rows, "Rad", "Bus"), version(draft, moved, "Radwege", "Busse")
    assert len({first, *others, version(cut, rows, "Radwege", "Busse")}) == 4


def test_a_bank_for_an_unknown_heading_is_an_error_with_a_guess(edited: Path) -> None:
    """A misspelt heading would silently lose its questions."""
    (edited / "questions.toml").write_text(
        '[[section]]\nheading = "SPEKULATION EINDAEMMEN"\nquestions = ["Was tut ihr?"]\n'
    )
    with pytest.raises(DocumentError, match="did you mean SPEKULATION EINDÄMMEN"):
        build.read(edited)
