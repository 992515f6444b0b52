from __future__ import annotations

import time
from pathlib import Path

from fastapi.testclient import TestClient

from bench import small
from bench.small import Chapter
from bot.app import create_app
from bot.metrics import Metrics
from bot.settings import Settings

LABELS = {"programme", "channel", "language", "status", "le", "queue"}


def test_answers_errors_and_times_are_counted() -> None:
    """By programme, channel, language and status; never by words."""
    metrics = Metrics()
    metrics.answered("dortmund-2025", "related", "api", "de")
    metrics.failed(404)
    with metrics.timed("api"):
        pass
    text = metrics.text().decode()
    labels = 'channel="api",language="de",programme="dortmund-2025",status="related"'
    (line,) = [line for line in text.splitlines() if line.startswith("fundstelle_answers_total{")]
    assert sorted(line[line.index("{") + 1 : line.index("}")].split(",")) == labels.split(",")
    assert line.endswith(" 1.0")
    assert 'fundstelle_errors_total{status="404"} 1.0' in text
    assert 'fundstelle_answer_seconds_count{channel="api"} 1.0' in text


def test_no_metric_says_when_a_question_came() -> None:
    """Not even the first to a programme, or in a language. What the process takes is shown."""
    metrics = Metrics()
    metrics.answered("dortmund-2025", "related", "api", "uk")
    text = metrics.text().decode()
    numbers = {
        line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
        for line in text.splitlines() if not line.startswith("#")
    }  # fmt: skip
    assert {name for name, number in numbers.items() if abs(number - time.time()) < 1e6} <= {
        "process_start_time_seconds"
    }
    assert numbers["process_resident_memory_bytes"] > 1e6
    assert numbers["process_open_fds"] > 2


def test_bundles_and_queues_are_counted(tmp_path: Path) -> None:
    """Taken up, refused, served now; and what a channel says is waiting."""
    for slug in ("rot", "blau"):
        small.write(tmp_path, slug, [Chapter("Verkehr", ["Wir bauen Radwege."])])
    (tmp_path / "kaputt").mkdir()
    app = create_app(Settings(index=tmp_path))
    app.state.fundstelle.metrics.queue("telegram", lambda: 3)
    text = TestClient(app).get("/metrics").text
    for line in (
        'fundstelle_loads_total{programme="rot"} 1.0', "fundstelle_refusals_total 1.0",
        "fundstelle_programmes 2.0", "fundstelle_refused 1.0",
        'fundstelle_queue_length{queue="telegram"} 3.0',
    ):  # fmt: skip
        assert line in text


def test_no_label_can_be_typed(tmp_path: Path) -> None:
    """A language, a slug, a path, a method that somebody makes up is nowhere in the metrics."""
    small.write(tmp_path, "rot", [Chapter("Verkehr", ["Wir bauen Radwege."])])
    client = TestClient(create_app(Settings(index=tmp_path)))
    typed = "ausgedacht"
    for language in (typed, "de", "", "../de"):
        answer = client.post("/api/chat", json={"message": typed, "language": language})
        assert answer.status_code == 200
    client.post("/api/chat", json={"message": typed, "programme": typed})
    client.post(f"/p/{typed}", data={"message": typed})
    client.request(typed.upper(), f"/{typed}")
    text = client.get("/metrics", headers={"X-Request-Id": typed}).text
    assert typed not in text.lower()
    assert 'language="other"' in text
    names = {part.split("=")[0] for line in text.splitlines() if "{" in line and line[0] != "#"
             for part in line[line.index("{") + 1 : line.index("}")].split(",")}  # fmt: skip
    assert names <= LABELS
