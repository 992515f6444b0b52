from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from qdrant_client import grpc as q

from bench import qdrant, small
from bench.qdrant import Node
from bench.small import Chapter
from eval import questions
from index import bundle, offline
from index.bundle import Bundle
from index.errors import BundleError, StoreError
from index.stores.qdrant import QdrantStore
from index.stores.qdrant.points import SLUG, Edition, equal
from index.vectors import Kind
from tests.conftest import ROOT
from tests.conftest import SLUG as SEED

T = TypeVar("T")
TRAFFIC = ["Wir bauen Radwege an jeder Straße.", "Der Bus fährt abends öfter."]


@pytest.fixture(scope="module")
def seed(store: QdrantStore, index_root: Path) -> Bundle:
    store.publish(index_root / SEED)
    return store.load(SEED)


def made(root: Path, slug: str, *texts: str) -> Path:
    small.write(root, slug, [Chapter("Verkehr", texts or TRAFFIC)])
    return root / slug


def soon(look: Callable[[], T]) -> T:
    """The connection is made anew within seconds."""
    for _ in range(20):
        try:
            return look()
        except StoreError:
            time.sleep(0.25)
    return look()


def count(store: QdrantStore, only: q.Filter) -> int:
    return store._holding(store._collections.passages, only)


@pytest.mark.parametrize("file", ["plain", "hard"])
def test_the_ranking_is_that_of_faiss(seed: Bundle, compiled: Bundle, file: str) -> None:
    """For every question of eval/ the same ten passages in the same order, with the same key
    sentences and the same certainty.
    """
    there, here = seed.searcher(), compiled.searcher()
    for question in questions.read(ROOT / "eval" / f"{file}.jsonl"):
        found, expected = there.search(question.query, 10), here.search(question.query, 10)
        assert [(h.passage, h.key) for h in found.hits] == [
            (h.passage, h.key) for h in expected.hits
        ], question.id
        assert found.confidence == pytest.approx(expected.confidence, abs=1e-4)


def test_nothing_is_lost_on_the_way(seed: Bundle, compiled: Bundle) -> None:
    """Text, description and lexicon are the folder's, and every vector that something asks for;
    so the phone gets the same files.
    """
    assert (seed.passages, seed.sections, seed.info) == (
        compiled.passages, compiled.sections, compiled.info,
    )  # fmt: skip
    found, expected = seed.rankers.vectors(), compiled.rankers.vectors()
    lost = (found != expected).any(axis=1)
    owned = {passage.section for passage in compiled.passages}
    assert set(seed.rows.kind[lost]) <= {Kind.HEADING}
    assert not owned & set(seed.rows.owner[lost].tolist())
    mine, theirs = offline.export(seed), offline.export(compiled)
    same = ("programme.json", "settings.json", "lexicon.bin", "tokenizer.bin")
    assert all(mine.files[name] == theirs.files[name] for name in same)
    assert mine.encoder is not None
    assert theirs.encoder is not None
    assert mine.encoder.read_bytes() == theirs.encoder.read_bytes()


def test_a_programme_is_listed_without_being_loaded(store: QdrantStore, seed: Bundle) -> None:
    """Title and version for the pages that name all programmes; the bank stays where it is."""
    assert store.look()[SEED] == (seed.manifest.version,)
    about = store.about(SEED)
    assert about is not None
    assert about.version == seed.manifest.version
    assert about.info == replace(seed.info, bank={})


def test_a_new_version_is_turned_on_and_the_last_can_still_be_read(
    store: QdrantStore, tmp_path: Path
) -> None:
    """A bot that has not looked yet goes on answering; the one before that is gone."""
    versions = []
    for text in ("Erste Fassung.", "Zweite Fassung.", "Dritte Fassung."):
        store.publish(made(tmp_path, "neu", text))
        assert store.load("neu").passages[0].text == text
        versions.append(store.look()["neu"][0])
    assert len(set(versions)) == 3
    before = store.load("neu", str(versions[1]))
    assert before.searcher().search("Fassung").hits
    assert before.passages[0].text == "Zweite Fassung."
    with pytest.raises(StoreError, match="no such programme or version"):
        store.load("neu", str(versions[0]))
    assert count(store, equal(SLUG, "neu")) == 2  # a passage of each version


def test_what_is_removed_is_gone_and_shared_files_stay(store: QdrantStore, tmp_path: Path) -> None:
    """No point, no file of it; the encoder, which others need, is there yet."""
    store.publish(made(tmp_path, "bleibt"))
    store.publish(made(tmp_path, "geht", "Nur hier steht dieser Satz."))
    manifest = store._manifest("geht", None)
    store.remove("geht")
    assert "geht" not in store.look()
    assert count(store, equal(SLUG, "geht")) == 0
    with pytest.raises(StoreError):
        store._files.get([manifest.files[bundle.PROGRAMME]])
    assert store._files.get([bundle.encoder_sums(manifest)["encoder.json"]])
    store.remove("geht")  # nothing, and no error
    assert store.load("bleibt").passages


class Dying(QdrantStore):
    """An ingest that dies before its nth call that changes something."""

    left = 0

    def die(self) -> None:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1

    def _upsert(self, *args: object) -> None:
        self.die()
        super()._upsert(*args)  # type: ignore[arg-type]

    def _delete(self, *args: object) -> None:
        self.die()
        super()._delete(*args)  # type: ignore[arg-type]


def test_an_ingest_that_dies_leaves_the_old_version_or_the_new_one(
    store: QdrantStore, node: Node, tmp_path: Path
) -> None:
    """Before each of its writes; the next ingest puts everything right."""
    texts = [f"Das ist Satz {number}." for number in range(70)]
    store.publish(made(tmp_path, "stirbt", *texts))
    outcomes = []
    for moment in range(6):
        new = [f"Ausgabe {moment}: {text}" for text in texts]
        dying = Dying(qdrant.address([node]), tmp_path)
        dying.left = moment
        folder = made(tmp_path, "stirbt", *new)
        try:
            dying.publish(folder)
            outcomes.append("done")
        except KeyboardInterrupt:
            outcomes.append("died")
        dying.close()
        served = store.load("stirbt")
        said = [passage.text for passage in served.passages]
        assert said in (texts, new)
        assert len(served.searcher().search("Satz 77", 200).hits) == len(texts)
        store.publish(folder)
        assert [p.text for p in store.load("stirbt").passages] == new
        assert count(store, equal(SLUG, "stirbt")) == 2 * len(texts)
        texts = new
    assert outcomes[0] == "died"
    assert outcomes[-1] == "done"


def test_links_outlive_an_ingest_that_knows_no_former_version(
    store: QdrantStore, tmp_path: Path
) -> None:
    """Each time from an empty --out, as a CI does: what was linked to once leads on, also where it
    changed twice, or not at all.
    """
    texts = [
        "Wir bauen in jedem Jahr viele neue Radwege.",
        "Wir bauen in jedem Jahr viele neue breite Radwege.",
        "Wir bauen in jedem Jahr viele neue breite sichere Radwege.",
    ]
    ids = []
    for number, text in enumerate([*texts, texts[-1]]):
        store.publish(made(tmp_path / str(number), "links", text, TRAFFIC[1]))
        ids.append(store.load("links").passages[0].id)
    assert dict(store.load("links").aliases) == {ids[0]: ids[2], ids[1]: ids[2]}


@pytest.mark.parametrize(("first", "served"), [(True, "Eins."), (False, "Zwei.")])
def test_two_ingests_of_one_programme_leave_it_whole(
    store: QdrantStore, node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    first: bool, served: str,
) -> None:  # fmt: skip
    """The other one ends, and cleans up, just before ours is turned on; or is turned on just before
    ours cleans up.
    """
    one, other = (made(tmp_path / text, "doppelt", text) for text in ("Eins.", "Zwei."))
    ours = QdrantStore(qdrant.address([node]), tmp_path)
    turn = ours._turn

    def beside(*args: object) -> None:
        if first:
            store.publish(other)
        turn(*args)  # type: ignore[arg-type]
        if not first:
            store.publish(other)

    monkeypatch.setattr(ours, "_turn", beside)
    ours.publish(one)
    found = store.load("doppelt")
    assert found.searcher().search(served).hits
    assert found.passages[0].text == served
    ours.close()


def test_a_link_that_turns_while_it_is_published_mixes_nothing(
    store: QdrantStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was loaded is published, whole; and no file is stored under another one's checksum."""
    made(tmp_path, "dreht", "Vor der Wende.")
    put = store._files.put

    def turned(files: Mapping[str, Path | bytes]) -> None:
        made(tmp_path, "dreht", "Nach der Wende.")
        put(files)

    monkeypatch.setattr(store._files, "put", turned)
    store.publish(tmp_path / "dreht")
    assert store.load("dreht").passages[0].text == "Vor der Wende."
    monkeypatch.undo()
    (tmp_path / "file").write_text("another")
    with pytest.raises(BundleError, match="its checksum is another"):
        store._files.put({"0" * 64: tmp_path / "file"})


def test_no_programme_is_seen_in_anothers_answer(store: QdrantStore, tmp_path: Path) -> None:
    """Two with the same words in one collection; each finds its own passages only."""
    for slug in ("rot", "blau"):
        store.publish(made(tmp_path, slug, *TRAFFIC, f"Das sagt nur {slug}."))
    for slug in ("rot", "blau"):
        loaded = store.load(slug)
        hits = loaded.searcher().search(f"Was sagt nur {slug}?", 10).hits
        assert len(hits) == 3
        assert loaded.passages[hits[0].passage].text == f"Das sagt nur {slug}."


def test_an_answer_without_the_filter_is_refused(store: QdrantStore, tmp_path: Path) -> None:
    """Were it ever forgotten: passages of another edition are an error, never shown. And one place
    alone asks.
    """
    for slug in ("eins", "zwei"):
        store.publish(made(tmp_path, slug))
    rankers = store.load("eins").rankers
    query = q.Query(nearest=q.VectorInput(dense=q.DenseVector(data=np.ones(384))))
    request = q.QueryPoints(
        collection_name=store._collections.passages, query=query, using="passage", limit=1000
    )
    batch = q.QueryBatchPoints(collection_name=store._collections.passages, query_points=[request])
    connection = store._connection
    (unfiltered,) = connection.call(connection.points.QueryBatch, batch).result
    with pytest.raises(StoreError):
        rankers._read(unfiltered)  # type: ignore[attr-defined]
    sources = [p.read_text() for p in (ROOT / "index/stores/qdrant").glob("*.py")]
    asking = re.findall(r"q\.(?:QueryPoints|SearchPoints|RecommendPoints)\(", "".join(sources))
    assert len(asking) == 1


def test_points_that_are_missing_are_an_error_not_an_answer(
    store: QdrantStore, tmp_path: Path
) -> None:
    """Half a programme is never searched."""
    store.publish(made(tmp_path, "halb"))
    loaded = store.load("halb")
    searcher = loaded.searcher()
    assert searcher.search("Radwege").hits
    edition = Edition("halb", loaded.manifest.version)
    store._delete(
        store._collections.passages,
        q.PointsSelector(points=q.PointsIdsList(ids=edition.ids([1]))),
    )
    with pytest.raises(StoreError, match="halb/.*not whole"):
        searcher.search("Radwege")
    store.publish(tmp_path / "halb")  # puts it right
    assert searcher.search("Radwege").hits


def test_a_damaged_file_is_refused_by_name(store: QdrantStore, tmp_path: Path) -> None:
    """What comes from the store is compared with its checksum, as from a disk."""
    store.publish(made(tmp_path, "kaputt", "Dieser Satz steht nur hier."))
    digest = store._manifest("kaputt", None).files[bundle.PROGRAMME]
    request = q.SetPayloadPoints(
        collection_name=store._collections.files, wait=True,
        payload={"data": q.Value(string_value="eNorSS0uAQAEXQHB")},  # "test"
        points_selector=q.PointsSelector(filter=equal("sha256", digest)),
    )  # fmt: skip
    store._connection.call(store._connection.points.SetPayload, request)
    with pytest.raises(StoreError, match=f"{digest[:16]}: damaged"):
        store.load("kaputt")


def test_vectors_of_another_length_are_refused(store: QdrantStore, seed: Bundle) -> None:
    """Another encoder needs another collection."""
    with pytest.raises(StoreError, match="holds vectors of 384 dimensions, these have 8"):
        store._collections.make(8)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("qdrant://", "no host"),
        ("qdrant://a:6334,b:6334", "must be IPv4"),
        ("qdrant://a:6334?shard=3", "unknown option shard"),
        ("qdrant://a:6334?shards=0", "shards or replicas"),
    ],
)
def test_an_address_that_is_none_is_said_at_once(
    address: str, problem: str, tmp_path: Path
) -> None:
    """Before anything is connected to."""
    with pytest.raises(StoreError, match=problem):
        QdrantStore(address, tmp_path)


def test_a_host_that_hangs_is_left_out(node: Node, tmp_path: Path) -> None:
    """Its connection stays open and nothing comes: calls go to the other, and none fails."""
    with qdrant.running(tmp_path / "own") as (own,):
        store = QdrantStore(qdrant.address([node, own]), tmp_path)
        for _ in range(6):  # both are connected to
            store._connection.has("x")
        assert own.process is not None
        own.process.send_signal(signal.SIGSTOP)
        for _ in range(6):
            store._connection.has("x")
        store.close()


def test_a_server_that_is_away_is_an_error_soon_and_works_again_later(
    index_root: Path, tmp_path: Path
) -> None:
    """Within seconds, in one line with the way out; the same store goes on when it is back."""
    if not qdrant.PLACE.is_file():
        pytest.skip("no Qdrant here: python scripts/qdrant.py")
    with qdrant.running(tmp_path / "own") as (own,):
        store = QdrantStore(qdrant.address([own]), tmp_path)
        assert store.look() == {}
        own.kill()
        with pytest.raises(StoreError, match="UNAVAILABLE.*FUNDSTELLE_STORE"):
            store.look()
        own.start()
        assert soon(store.look) == {}
        store.close()
