from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bot.errors import NotReady, UnknownProgramme
from bot.library import Library
from index.stores.folder import FolderStore
from tests.conftest import SLUG


@pytest.fixture
def root(index_root: Path, tmp_path: Path) -> Path:
    shutil.copytree((index_root / SLUG).resolve(), tmp_path / SLUG)
    return tmp_path


def test_bundles_appear_and_vanish_while_serving(root: Path) -> None:
    """No restart: a look at the folder is enough."""
    library = Library(FolderStore(root))
    with pytest.raises(NotReady):
        library.get(None)
    library.refresh()
    assert library.get(None).slug == SLUG
    shutil.rmtree(root / SLUG)
    library.refresh()
    with pytest.raises(NotReady):
        library.get(None)


def test_a_broken_bundle_is_refused_and_the_former_one_keeps_serving(root: Path) -> None:
    """With its reason; and when it is put right, it is taken up."""
    library = Library(FolderStore(root))
    library.refresh()
    before = library.get(SLUG)
    target = root / SLUG / "lexicon.npz"
    good = target.read_bytes()
    target.write_bytes(good[:-1] + b"x")
    os.utime(root / SLUG / "manifest.json", ns=(1, 1))
    library.refresh()
    assert library.get(SLUG) is before
    assert "lexicon.npz" in library.refused()[SLUG]
    target.write_bytes(good)
    os.utime(root / SLUG / "manifest.json", ns=(2, 2))
    library.refresh()
    assert library.refused() == {}
    assert library.get(SLUG) is not before


def test_a_link_that_leads_to_itself_is_refused_alone(root: Path) -> None:
    """One slip in the folder takes no programme away."""
    (root / "loop").symlink_to("loop")
    library = Library(FolderStore(root))
    library.refresh()
    assert library.get(SLUG).slug == SLUG
    assert list(library.refused()) == ["loop"]


def test_a_bundle_under_a_wrong_name_is_refused(root: Path) -> None:
    """A slug says which programme it is; the folder must not lie."""
    (root / SLUG).rename(root / "berlin")
    library = Library(FolderStore(root))
    library.refresh()
    assert "berlin" in library.refused()
    with pytest.raises(NotReady):
        library.get("berlin")


def test_with_several_programmes_a_name_is_needed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is guessed."""
    library = Library(FolderStore(root))
    library.refresh()
    one = library.get(None)
    monkeypatch.setattr(library, "_served", {SLUG: one, "zweites": one})
    with pytest.raises(UnknownProgramme):
        library.get(None)
    assert library.get("zweites") is one
