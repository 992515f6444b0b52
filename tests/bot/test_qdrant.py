"""The bot with its programmes in Qdrant: one setting, nothing else changed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from qdrant_client import grpc as q

import ingest
from bench import qdrant, small
from bench.qdrant import Node
from bench.small import Chapter
from bot import __main__ as bot
from bot.app import create_app
from bot.library import Library
from bot.settings import Settings
from index.bundle import Bundle
from index.errors import StoreError
from index.stores.qdrant import QdrantStore
from index.stores.qdrant.encoders import FETCHED
from index.stores.qdrant.points import equal
from tests.conftest import ROOT

RED, BLUE = "Radwege bauen wir überall.", "Parkplätze bauen wir überall."


@pytest.fixture
def address(node: Node, store: QdrantStore, tmp_path: Path) -> str:
    """Two programmes, published; a third comes from ingest.py itself, below."""
    for slug, text in (("bot-rot", RED), ("bot-blau", BLUE)):
        small.write(tmp_path / "made", slug, [Chapter("Verkehr", [text])])
        store.publish(tmp_path / "made" / slug)
    return qdrant.address([node], shards=2)


def ask(client: TestClient, slug: str) -> dict[str, object]:
    reply = client.post("/api/chat", json={"message": "Was baut ihr?", "programme": slug})
    return {"code": reply.status_code, **reply.json()}


def test_it_answers_lists_and_compares(address: str, store: QdrantStore) -> None:
    """Every programme of the store, each with its own words."""
    app = create_app(Settings(index=store._encoders._folder.parent, store=address, rate_limit=""))
    client = TestClient(app)
    listed = {p["slug"]: p["title"] for p in client.get("/api/programmes").json()["programmes"]}
    assert listed["bot-rot"] == "Programm bot-rot"
    for slug, text in (("bot-rot", RED), ("bot-blau", BLUE)):
        answer = ask(client, slug)
        assert [p["text"] for p in answer["passages"]] == [text]  # type: ignore[attr-defined]
        assert "Programm" in client.get(f"/p/{slug}/programm").text
        assert client.get(f"/p/{slug}/offline/manifest.json").json()["slug"] == slug
    query = {"q": "Was baut ihr?", "programmes": "bot-rot,bot-blau"}
    compared = client.get("/api/compare", params=query).json()
    assert [p["text"] for a in compared["answers"] for p in a["passages"]] == [RED, BLUE]


def test_programmes_are_loaded_when_asked_for_and_let_go(address: str, store: QdrantStore) -> None:
    """Thousands are listed; only the last few are in memory. The first is there before any is
    served, so that nobody waits for the encoder. Whoever counts the waiting is told of each.
    """
    excused: list[None] = []
    library = Library(store, most_loaded=1, excuse=lambda: excused.append(None))
    library.refresh()
    assert {"bot-rot", "bot-blau"} <= {served.slug for served in library.all()}
    assert len(library._shelf) == len(excused) == 1
    library.get("bot-rot").load()
    excused.clear()
    for slug in ("bot-blau", "bot-rot", "bot-blau"):
        assert library.get(slug).searcher.search("bauen").hits
        assert len(library._shelf) == 1
    assert library.get("bot-blau").bundle is library.get("bot-blau").bundle
    assert len(excused) == 3


def test_the_time_to_answer_has_that_of_loading_in_it(
    address: str, store: QdrantStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the longest part of it, and whoever watches the server wants to see it."""
    folder = store._encoders._folder.parent
    client = TestClient(create_app(Settings(index=folder, store=address, rate_limit="")))
    real = QdrantStore.load

    def slow(store: QdrantStore, slug: str, version: str | None = None) -> Bundle:
        time.sleep(0.2)
        return real(store, slug, version)

    monkeypatch.setattr(QdrantStore, "load", slow)
    for slug in ("bot-rot", "bot-blau"):  # one of them was loaded at the start
        ask(client, slug)
    line = 'fundstelle_answer_seconds_sum{channel="api"} '
    assert float(client.get("/metrics").text.partition(line)[2].split()[0]) > 0.2


def test_a_start_fetches_the_encoder_and_outlives_its_lack(
    address: str, store: QdrantStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new machine has it before it is ready; where that fails it serves, and says so if asked."""
    library = Library(QdrantStore(address, tmp_path / "new"))
    library.refresh()
    assert list((tmp_path / "new" / FETCHED).rglob("encoder.onnx"))

    def lost(*_: object) -> Bundle:
        raise StoreError("qdrant", "gone", "wait")

    cold = QdrantStore(address, tmp_path / "cold")
    monkeypatch.setattr(cold, "load", lost)
    library = Library(cold)
    library.refresh()
    assert "bot-rot" in {served.slug for served in library.all()}
    assert not library.refused()
    with pytest.raises(StoreError, match="gone"):
        library.get("bot-rot").load()


def test_what_cannot_be_read_is_refused_alone(
    address: str, store: QdrantStore, tmp_path: Path
) -> None:
    """A later program's ingest wrote a key that this one doesn't know: its former version serves,
    others are taken up, also by a bot that starts then.
    """
    library = Library(store)
    library.refresh()
    before = library.get("bot-blau")
    small.write(tmp_path / "made", "bot-blau", [Chapter("Verkehr", ["Neues Blau."])])
    store.publish(tmp_path / "made" / "bot-blau")
    described(store, "bot-blau", '{"motto": "Vorwärts"}')
    small.write(tmp_path / "made", "bot-rot", [Chapter("Verkehr", ["Neues Rot."])])
    store.publish(tmp_path / "made" / "bot-rot")
    library.refresh()
    assert library.get("bot-blau") is before
    assert library.get("bot-rot").bundle.passages[0].text == "Neues Rot."
    for each in (library, Library(store)):
        each.refresh()
        assert list(each.refused()) == ["bot-blau"]
        assert each.get("bot-rot").info
        assert len(each._shelf)  # the encoder is there, whichever programme came first
    store.remove("bot-blau")


def described(store: QdrantStore, slug: str, info: str) -> None:
    """Write another description into its point."""
    points = q.PointsSelector(filter=equal("slug", slug))
    request = q.SetPayloadPoints(
        collection_name=store._collections.programmes, wait=True, points_selector=points,
        payload={"info": q.Value(string_value=info)},
    )  # fmt: skip
    store._connection.call(store._connection.points.SetPayload, request)


def test_a_machine_that_cannot_hold_the_encoder_never_becomes_ready(
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It would list every programme and answer nothing; it ends with the reason and the way out.
    A rolling update keeps the former bots then.
    """
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FUNDSTELLE_STORE", address)
    monkeypatch.setenv("FUNDSTELLE_INDEX", str(tmp_path / "file"))
    monkeypatch.setattr("sys.argv", ["bot"])
    monkeypatch.setattr(bot, "serve", lambda _: 0)
    assert bot.main() == 2
    assert "can't be written" in (said := capsys.readouterr().err)
    assert "FUNDSTELLE_INDEX" in said


def test_a_new_version_is_taken_up_while_an_answer_is_on_its_way(
    address: str, store: QdrantStore, tmp_path: Path
) -> None:
    """What a request began with it ends with, version and words."""
    library = Library(store)
    library.refresh()
    before = library.get("bot-rot")
    small.write(tmp_path / "made", "bot-rot", [Chapter("Verkehr", ["Alles wird anders."])])
    store.publish(tmp_path / "made" / "bot-rot")
    library.refresh()
    after = library.get("bot-rot")
    assert before.version != after.version
    assert before.bundle.passages[0].text == RED
    assert before.searcher.search("bauen").hits
    assert after.bundle.passages[0].text == "Alles wird anders."
    assert (before.bundle.manifest.version, after.bundle.manifest.version) == (
        before.version, after.version,
    )  # fmt: skip


def test_without_the_store_it_says_so_and_goes_on_later(tmp_path: Path) -> None:
    """503 with a time to come back, in the visitor's language; no process has to be restarted."""
    if not qdrant.PLACE.is_file():
        pytest.skip("no Qdrant here: python scripts/qdrant.py")
    with qdrant.running(tmp_path / "own") as (own,):
        address = qdrant.address([own])
        small.write(tmp_path / "made", "rot", [Chapter("Verkehr", [RED])])
        QdrantStore(address, tmp_path / "index").publish(tmp_path / "made" / "rot")
        settings = Settings(index=tmp_path / "index", store=address, rate_limit="")
        with TestClient(create_app(settings)) as client:
            assert ask(client, "rot")["code"] == 200
            own.kill()
            reply = client.post("/api/chat", json={"message": "Was baut ihr?", "language": "de"})
            assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
            assert reply.json()["detail"].startswith("Das Programm wird gerade geladen.")
            assert client.get("/api/programmes").status_code == 200  # known yet
            own.start()
            until = time.monotonic() + 10
            while ask(client, "rot")["code"] != 200:
                assert time.monotonic() < until
                time.sleep(0.2)


def test_ingest_writes_to_either(
    node: Node, store: QdrantStore, index_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--store`, or what FUNDSTELLE_STORE says; `--remove` takes it out again."""
    monkeypatch.setenv("FUNDSTELLE_STORE", qdrant.address([node], shards=2))
    programme, out = str(ROOT / "programmes" / "dortmund-2025"), ["--out", str(index_root)]
    assert ingest.main([programme, *out]) == 0
    assert "dortmund-2025" in store.look()
    assert store.load("dortmund-2025").searcher().search("Radwege").hits
    assert ingest.main([programme, *out, "--remove"]) == 0
    assert "dortmund-2025" not in store.look()
    assert (index_root / "dortmund-2025").exists()  # the folder's own bundle is not touched
    assert ingest.main([programme, *out, "--store", "redis://nowhere"]) == 2
