"""What the documents claim of tests and files is there."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize("name", ["privacy.md", "threat-model.md", "operations.md"])
def test_every_test_and_file_that_a_document_names_exists(name: str) -> None:
    """A claim whose test was renamed or deleted is no claim any more."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    for path, test in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text):
        assert (ROOT / path).is_file(), path
        if test:
            assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), test
    for path in re.findall(r"`((?:deploy|scripts)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path
    for module in re.findall(r"python -m (bench\.\w+)", text):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), module
