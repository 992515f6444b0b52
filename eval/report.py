"""The evaluation as one HTML page with plots; no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, select_autoescape

from index.bundle import Bundle

if TYPE_CHECKING:
    from eval.__main__ import Asked

BINS = 10
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Evaluation {{ slug }}</title>
<style>body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse}td,th{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}.bar{fill:#2a6f97}.bad{fill:#c8553d}text{font-size:11px}</style>
<h1>{{ slug }} <small>{{ version }}</small></h1>
{% for file in files %}<h2>{{ file.name }}</h2>
<table><tr><th>system<th>n<th>hit@1<th>hit@3<th>hit@5<th>MRR@10<th>nDCG@10
{% for label, s in file.rows %}<tr><td>{{ label }}<td>{{ s.questions }}{% for v in (s.hit1, s.hit3, s.hit5,
 s.mrr10, s.ndcg10) %}<td>{{ "%.3f"|format(v) }}{% endfor %}{% endfor %}</table>
<h3>hit@3 by kind</h3><svg width="620" height="{{ 24 * file.kinds|length + 4 }}" role="img">
{% for label, s in file.kinds %}<text x="0" y="{{ 24 * loop.index0 + 16 }}">{{ label }} ({{ s.questions }})</text>
<rect class="bar" x="140" y="{{ 24 * loop.index0 + 4 }}" height="16" width="{{ (420 * s.hit3)|round(1) }}"/>
<text x="{{ 146 + 420 * s.hit3 }}" y="{{ 24 * loop.index0 + 16 }}">{{ "%.2f"|format(s.hit3) }}</text>{% endfor %}</svg>
<h3>confidence of answerable (blue) and unanswerable (red) questions</h3>
<svg width="620" height="130" role="img">{% for good, bad in file.histogram %}
<rect class="bar" x="{{ 60 * loop.index0 }}" y="{{ 110 - 100 * good }}" width="26" height="{{ 100 * good }}"/>
<rect class="bad" x="{{ 60 * loop.index0 + 27 }}" y="{{ 110 - 100 * bad }}" width="26" height="{{ 100 * bad }}"/>
<text x="{{ 60 * loop.index0 }}" y="124">{{ loop.index0 / 10 }}</text>{% endfor %}</svg>
<h3>reliability: share that is answerable, by confidence</h3><svg width="620" height="130" role="img">
<line x1="0" y1="110" x2="600" y2="10" stroke="#999" stroke-dasharray="4"/>{% for count, share in file.reliability %}
{% if count %}<circle class="bar" cx="{{ 60 * loop.index0 + 30 }}" cy="{{ 110 - 100 * share }}" r="{{ 3 + count ** 0.5 }}"/>
{% endif %}{% endfor %}</svg>
<h3>misses</h3><ol>{% for query, found in file.misses %}<li>{{ query }} <small>→ {{ found }}</small>{% endfor %}</ol>
{% endfor %}"""


def write(
    path: Path,
    loaded: Bundle,
    asked: Mapping[str, list[Asked]],
    systems: Mapping[str, Mapping[str, float]],
) -> None:
    """Write the page to `path`."""
    page = Environment(autoescape=select_autoescape(default_for_string=True)).from_string(PAGE)
    files = [_file(name, questions, loaded, systems) for name, questions in asked.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        page.render(slug=loaded.info.slug, version=loaded.manifest.version, files=files),
        encoding="utf-8",
    )


def _file(
    name: str, asked: list[Asked], loaded: Bundle, systems: Mapping[str, Mapping[str, float]]
) -> dict[str, object]:
    from eval.__main__ import scores_of

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
