from __future__ import annotations

from bot.metrics import Metrics


def test_answers_errors_and_times_are_counted() -> None:
    """By programme and status; never by words."""
    metrics = Metrics()
    metrics.answered("dortmund-2025", "related")
    metrics.failed(404)
    with metrics.timed():
        pass
    text = metrics.text().decode()
    assert 'fundstelle_answers_total{programme="dortmund-2025",status="related"} 1.0' in text
    assert 'fundstelle_errors_total{status="404"} 1.0' in text
    assert "fundstelle_answer_seconds_count 1.0" in text
