"""The evaluation as one HTML page with plots; no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, select_autoescape

from eval.asking import Asked, scores_of
from index.bundle import Bundle

BINS = 10
PAGE = Path(__file__).with_name("report.html")


def write(
    path: Path,
    loaded: Bundle,
    asked: Mapping[str, list[Asked]],
    systems: Mapping[str, Mapping[str, float]],
) -> None:
    """Write the page to `path`."""
    page = Environment(autoescape=select_autoescape(default_for_string=True)).from_string(
        PAGE.read_text(encoding="utf-8")
    )
    files = [_file(name, questions, loaded, systems) for name, questions in asked.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        page.render(slug=loaded.info.slug, version=loaded.manifest.version, files=files),
        encoding="utf-8",
    )


def _file(
    name: str, asked: list[Asked], loaded: Bundle, systems: Mapping[str, Mapping[str, float]]
) -> dict[str, object]:
    full = systems["fused"]
    kinds = sorted({a.question.kind for a in asked if a.answerable})
    misses = [(a, a.ranked(full)) for a in asked if a.answerable]
    return {
        "name": name,
        "rows": [(label, scores_of(asked, weights)) for label, weights in systems.items()],
        "kinds": [(k, scores_of([a for a in asked if a.question.kind == k], full)) for k in kinds],
        "histogram": list(zip(_shares(asked, True), _shares(asked, False), strict=True)),
        "reliability": _reliability(asked),
        "misses": [
            (a.question.query, loaded.passages[r[0]].id)
            for a, r in misses
            if not a.right & set(r[:3])
        ],
    }


def _bin(confidence: float) -> int:
    return min(BINS - 1, int(confidence * BINS))


def _shares(asked: list[Asked], answerable: bool) -> list[float]:
    bins = [_bin(a.confidence) for a in asked if a.answerable is answerable]
    return [bins.count(b) / max(1, len(bins)) for b in range(BINS)]


def _reliability(asked: list[Asked]) -> list[tuple[int, float]]:
    groups = [[a.answerable for a in asked if _bin(a.confidence) == b] for b in range(BINS)]
    return [(len(group), sum(group) / max(1, len(group))) for group in groups]
