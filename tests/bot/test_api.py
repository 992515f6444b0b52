from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.app import create_app
from bot.settings import Settings
from tests.conftest import SLUG

QUESTION = "Werden die Kita-Gebühren abgeschafft?"


def problem(response: object, status: int) -> dict[str, object]:
    """Checks the one error shape and returns it."""
    assert response.status_code == status  # type: ignore[attr-defined]
    assert response.headers["content-type"] == "application/problem+json"  # type: ignore[attr-defined]
    body = response.json()  # type: ignore[attr-defined]
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return dict(body)


def test_a_question_gets_the_sentence_that_answers_it(client: TestClient) -> None:
    """The promise of the whole thing, with every field of the contract."""
    body = client.post(
        "/api/chat", json={"message": QUESTION, "programme": SLUG, "limit": 2}
    ).json()
    assert set(body) == {"status", "message", "passages", "suggestions", "programme"}
    assert body["status"] == "answered"
    assert body["programme"]["slug"] == SLUG
    assert len(body["passages"]) == 2
    first = body["passages"][0]
    (start, end), *_ = first["highlights"]
    assert "Kita-Gebühren komplett abschaffen" in first["text"][start:end]
    assert first["citation"] == f"{first['chapter']} › {first['section']}"
    assert first["url"].endswith(f"/p/{SLUG}/programm#{first['id']}")
    assert first["page"] is None
    assert 0 <= first["confidence"] <= 1
    assert len(first["text"].split()) <= 130


def test_search_ranks_without_a_threshold(client: TestClient) -> None:
    """Even what nothing answers gets its nearest passages, as many as asked for."""
    body = client.get("/api/search", params={"q": "Quantenphysik", "limit": 7}).json()
    assert len(body["passages"]) == 7
    scores = [p["confidence"] for p in body["passages"]]
    assert scores == sorted(scores, reverse=True)


def test_programmes_contents_and_passages_can_be_read(client: TestClient) -> None:
    """The list, the table of contents, and a passage by its id."""
    assert [p["slug"] for p in client.get("/api/programmes").json()["programmes"]] == [SLUG]
    contents = client.get(f"/api/programmes/{SLUG}").json()["contents"]
    assert len(contents) == 59
    found = client.get("/api/search", params={"q": QUESTION, "limit": 1}).json()["passages"][0]
    again = client.get(f"/api/programmes/{SLUG}/passages/{found['id']}").json()
    assert again["text"] == found["text"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"message": ""}', 422),
        (b'{"message": " \\n\\t "}', 422),
        (b'{"message": "\\u0000\\u0001"}', 422),
        (b'{"message": 5}', 422),
        (b'{"message": ["a"]}', 422),
        (b'{"message": null}', 422),
        (b"{}", 422),
        (b"[]", 422),
        (b'{"message": "a", "limit": 0}', 422),
        (b'{"message": "a", "limit": "viele"}', 422),
        (b'{"message": "a', 422),
        (b"", 422),
        (b'{"message": "' + b"x" * 10_000 + b'"}', 413),
        (b'{"message": "' + b"x" * 100_000 + b'"}', 413),
        (b'{"message": "Wohnen", "programme": "berlin"}', 404),
        (b'{"message": "Wohnen", "programme": "../../etc/passwd"}', 404),
    ],
)
def test_bad_input_gets_the_one_error_shape(
    client: TestClient, content: bytes, status: int
) -> None:
    """Never a 5xx, never a stack trace, never the question repeated."""
    response = client.post(
        "/api/chat", content=content, headers={"Content-Type": "application/json"}
    )
    body = problem(response, status)
    assert "Traceback" not in json.dumps(body)
    assert "xxxx" not in json.dumps(body)


@pytest.mark.parametrize(
    "message",
    [
        "🙂🙂🙂",
        "<script>alert(1)</script>",
        "'; DROP TABLE passages; --",
        "كم عدد الشقق الجديدة؟",
        "Kita\u0000Gebühren",
        "\ud83d\ude00 Wohnen",
        "?",
        "a" * 2000,
        "Wohnen " * 280,
    ],
)
def test_strange_messages_get_an_answer(client: TestClient, message: str) -> None:
    """Emoji, HTML, SQL, another script, control characters, one endless word."""
    content = json.dumps({"message": message})
    response = client.post(
        "/api/chat", content=content, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 200
    assert response.json()["status"] in {"answered", "related", "nothing"}


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False)
            | st.text(max_size=30),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["message", "limit", "programme", "language"]), inner
                )
            ),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_no_payload_breaks_the_server(client: TestClient, payload: bytes) -> None:
    """Whatever arrives: an answer, or a problem of the client's."""
    response = client.post(
        "/api/chat", content=payload, headers={"Content-Type": "application/json"}
    )
    assert response.status_code in {200, 404, 413, 422}
    if response.status_code != 200:
        problem(response, response.status_code)


@pytest.mark.parametrize(
    "path", ["/nope", "/api/nope", f"/api/programmes/{SLUG}/passages/nope", "/static/nope.js"]
)
def test_unknown_places_are_404(client: TestClient, path: str) -> None:
    """In the one shape, wherever."""
    problem(client.get(path), 404)


def test_wrong_methods_are_405(client: TestClient) -> None:
    """And say which are right."""
    response = client.get("/api/chat")
    problem(response, 405)
    assert "POST" in response.headers["allow"]


def test_too_many_questions_are_429_with_a_time_to_wait(index_root: Path) -> None:
    """Per client; the page and the API count together."""
    client = TestClient(create_app(Settings(index=index_root, rate_limit="2/minute")))
    for _ in range(2):
        assert client.post("/api/chat", json={"message": "Bus"}).status_code == 200
    response = client.post("/api/chat", json={"message": "Bus"})
    problem(response, 429)
    assert 1 <= int(response.headers["retry-after"]) <= 60
    assert client.post(f"/p/{SLUG}", data={"message": "Bus"}).status_code == 429


def test_no_question_and_no_address_is_ever_logged(
    index_root: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even when something breaks on the way."""
    caplog.set_level(logging.DEBUG)
    app = create_app(Settings(index=index_root))
    client = TestClient(app)  # raises what the server would log
    client.post("/api/chat", json={"message": "Geheimnis Südbad"})
    client.post(f"/p/{SLUG}", data={"message": "Geheimnis Südbad"})

    def broken(*_: object) -> None:
        raise RuntimeError("Geheimnis Südbad")

    monkeypatch.setattr("bot.answering.answer", broken)
    response = client.post("/api/chat", json={"message": "Geheimnis Südbad"})
    problem(response, 500)
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith(("httpx", "asyncio"))]
    assert any("unexpected RuntimeError" in line for line in ours)
    assert "Geheimnis" not in " ".join(ours)
    assert "testclient" not in " ".join(ours)
    assert "Geheimnis" not in client.get("/metrics").text


def test_probes_and_metrics(client: TestClient) -> None:
    """Up, ready with versions, and counted without words."""
    assert client.get("/healthz").json() == {"status": "up"}
    assert client.get("/readyz").json()["ready"] is True
    client.post("/api/chat", json={"message": QUESTION})
    metrics = client.get("/metrics").text
    labels = f'channel="api",language="de",programme="{SLUG}",status="answered"'
    assert f"fundstelle_answers_total{{{labels}}} 1.0" in metrics


def test_a_server_without_bundles_says_so(tmp_path: Path) -> None:
    """It starts, is up, and is not ready."""
    client = TestClient(create_app(Settings(index=tmp_path / "none")))
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    problem(client.post("/api/chat", json={"message": "Bus"}), 503)


def test_links_follow_the_public_address(index_root: Path) -> None:
    """Behind a proxy the operator says what the world sees."""
    app = create_app(Settings(index=index_root, base_url="https://frag.example.org/"))
    body = TestClient(app).post("/api/chat", json={"message": QUESTION}).json()
    assert body["passages"][0]["url"].startswith(f"https://frag.example.org/p/{SLUG}/programm#")


def test_the_openapi_document_has_examples(client: TestClient) -> None:
    """So that a client can be written without asking."""
    document = client.get("/api/openapi.json").json()
    assert set(document["paths"]) == {
        "/api/chat",
        "/api/search",
        "/api/compare",
        "/api/feedback",
        "/api/programmes",
        "/api/programmes/{slug}",
        "/api/programmes/{slug}/passages/{passage_id}",
    }
    assert document["components"]["schemas"]["Asked"]["examples"]
    assert document["components"]["schemas"]["PassageOut"]["examples"]
