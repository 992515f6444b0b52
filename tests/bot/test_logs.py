from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from bench import small
from bench.small import Chapter
from bot.app import create_app
from bot.logs import JsonLines, Lines
from bot.settings import Settings


def record(message: str, *arguments: object) -> logging.LogRecord:
    """As a library would log it that knows nothing of questions, with the exception."""
    try:
        raise ValueError("Geheimnis")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    return logging.LogRecord("uvicorn.error", logging.ERROR, "x.py", 1, message, arguments, info)


@pytest.mark.parametrize("formatter", [Lines(), JsonLines()])
def test_an_exceptions_message_is_never_written(formatter: logging.Formatter) -> None:
    """Its kind is; whoever logs it, and however."""
    line = formatter.format(record("fault %s", 5))
    assert "Geheimnis" not in line
    assert "fault 5 (ValueError)" in line
    assert "\n" not in line


def test_a_fault_is_found_by_the_id_that_its_answer_carries(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one JSON object a line; the id is ours, whatever the client sends."""

    def broken(*_: object) -> None:
        raise RuntimeError("Geheimnis")

    small.write(tmp_path, "rot", [Chapter("Verkehr", ["Wir bauen Radwege."])])
    client = TestClient(create_app(Settings(index=tmp_path)))
    monkeypatch.setattr("bot.answering.answer", broken)
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda entry: lines.append(JsonLines().format(entry))  # type: ignore[method-assign]
    logging.getLogger("bot.problems").addHandler(handler)
    try:
        headers = {"X-Request-Id": "Geheimnis"}
        answer = client.post("/api/chat", json={"message": "Geheimnis"}, headers=headers)
    finally:
        logging.getLogger("bot.problems").removeHandler(handler)
    (fault,) = [json.loads(line) for line in lines]
    assert answer.status_code == 500
    assert fault["request"] == answer.headers["x-request-id"]
    assert fault["level"] == "error"
    assert "Geheimnis" not in str(fault)
    assert client.get("/healthz").headers["x-request-id"] != fault["request"]
