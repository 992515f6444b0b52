"""`python -m bench.scale`: 250,000 passages on one machine, and how it grows.

    --programmes 3000   a library of as many programmes of about 85 passages; questions to one each
    --rows 1000000      the vector index of one programme alone, at growing sizes up to this one
    --hnsw 250000       a graph of that size beside it, which decision 10 turned down
    --plot FILE         the growth as a picture (SVG)

Without options all of it, as docs/scale.md shows it. To encode 250,000 passages anew would take
hours, so programmes are made of a real one by a seeded recipe: each is some sections of the seed,
chosen by chance, verbatim; its vectors are those of the real passages, sentences and headings with
a little noise (cosine to the real one about .94), renormalised. There are 20 such choices, with a
lexicon each; programmes of one choice differ in their vectors and their names. Questions are those
of eval/, with their real vectors.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.load import Row, questions, show
from bench.servers import BUNDLE, ROOT
from bot.library import Library
from eval.questions import read
from index import bundle, checksums, lexicon, versions
from index.bundle import Bundle, Parts
from index.manifest import MANIFEST, write_manifest
from index.stores.folder import FolderStore
from index.types import Vectors
from index.vectors import Kind, Rows, VectorIndex

NOISE = 0.35  # length of what is added to a unit vector
CHOICES, PASSAGES = 20, 85
ASKED = 2000
SIZES = (1_000, 5_000, 20_000, 50_000, 250_000, 1_000_000)
PROMISED_MS, PROMISED_RECALL = 10.0, 0.97


def noisy(real: Vectors, rows: np.ndarray, dice: np.random.Generator) -> Vectors:
    """`real[rows]`, each moved a little; unit vectors."""
    made = real[rows]
    step = 50_000  # so that the noise never takes more memory than this many
    for start in range(0, len(made), step):
        part = made[start : start + step]
        noise = dice.standard_normal(part.shape, np.float32)
        part += noise * np.float32(NOISE / part.shape[1] ** 0.5)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return made


# --- many programmes


def make(root: Path, seed: Bundle, count: int) -> int:
    """Write `count` programmes as ingest.py would, but without waiting for the disk; returns how
    many passages they have.
    """
    templates = [_template(root, seed, number) for number in range(min(CHOICES, count))]
    passages = 0
    for number in range(count):
        folder, loaded = templates[number % len(templates)]
        _copy(root, folder, loaded, number)
        passages += len(loaded.passages)
    for folder, _ in templates:
        (root / folder.name.rpartition("-")[0]).unlink()
        shutil.rmtree(folder)
    return passages


def _template(root: Path, seed: Bundle, number: int) -> tuple[Path, Bundle]:
    chosen = _sections(seed, random.Random(number))
    slug = f"vorlage-{number}"
    with versions.writing(root, slug) as fresh:
        shutil.copytree(BUNDLE / bundle.ENCODER, fresh / bundle.ENCODER)
        bundle.write(fresh, _parts(seed, chosen, slug))
    folder = (root / slug).resolve()
    return folder, bundle.load(folder)


def _sections(seed: Bundle, dice: random.Random) -> list[int]:
    """Numbers of sections, in order, with about as many passages as a programme has."""
    order = list(range(len(seed.sections)))
    dice.shuffle(order)
    sizes = np.bincount([p.section for p in seed.passages], minlength=len(order))
    enough = int(np.searchsorted(np.cumsum(sizes[order]), PASSAGES)) + 1
    return sorted(order[:enough])


def _parts(seed: Bundle, chosen: list[int], slug: str) -> Parts:
    section_at = {old: new for new, old in enumerate(chosen)}
    kept = [n for n, p in enumerate(seed.passages) if p.section in section_at]
    passage_at = {old: new for new, old in enumerate(kept)}
    passages = tuple(
        replace(seed.passages[n], section=section_at[seed.passages[n].section]) for n in kept
    )
    sections = tuple(seed.sections[n] for n in chosen)
    rows = seed.rows
    places = [section_at if kind == Kind.HEADING else passage_at for kind in rows.kind]
    own = np.array([o in place for o, place in zip(rows.owner, places, strict=True)])
    owner = np.array([places[n][int(rows.owner[n])] for n in np.flatnonzero(own)], np.int32)
    titles = [sections[p.section].heading.text for p in passages]
    return Parts(
        replace(seed.info, slug=slug), "0", "0" * 64, seed.manifest.model,
        seed.manifest.model_sha256, sections, passages, {}, seed.rankers.vectors()[own],
        Rows(rows.kind[own], owner, rows.part[own], rows.digest[own]),
        lexicon.build([p.text for p in passages], titles),
    )  # fmt: skip


def _copy(root: Path, template: Path, loaded: Bundle, number: int) -> None:
    slug = f"programm-{number:04}"
    folder = root / bundle.VERSIONS / f"{slug}-0"
    shutil.copytree(template, folder, copy_function=os.link)  # what differs is written anew
    real = loaded.rankers.vectors()
    vectors = noisy(real, np.arange(len(real)), np.random.default_rng(number))
    table = json.loads((folder / bundle.PROGRAMME).read_text(encoding="utf-8"))
    table["info"]["slug"] = slug
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    new = {
        bundle.PROGRAMME: json.dumps(table, ensure_ascii=False).encode(),
        bundle.VECTORS: VectorIndex(vectors, loaded.rows).to_bytes(),
    }
    for name, content in new.items():
        (folder / name).unlink()
        (folder / name).write_bytes(content)
        manifest["files"][name] = checksums.sha256(folder / name)
    (folder / MANIFEST).unlink()
    write_manifest(folder, {**manifest, "slug": slug})
    (root / slug).symlink_to(folder.relative_to(root))


def measure_programmes(count: int) -> list[Row]:
    """A library of all of them in this process, asked as the server asks it."""
    seed = bundle.load(BUNDLE)
    with tempfile.TemporaryDirectory(dir=ROOT / "var") as name:
        root = Path(name)
        began = time.perf_counter()
        passages = make(root, seed, count)
        made, before, began = time.perf_counter() - began, _memory(), time.perf_counter()
        library = Library(FolderStore(root))
        library.refresh()
        loaded = time.perf_counter() - began
        assert len(library.all()) == count, library.refused()
        searching, whole = _ask(library, count)
        after = _memory()
    private, mapped = (after[n] - before[n] for n in ("Anonymous", "mapped"))
    return [
        Row(f"{count} programmes, {passages:,} passages: made in", f"{made:.0f} s"),
        Row("  taken up by a server in", f"{loaded:.0f} s"),
        Row("  memory of its own, besides the encoder", f"{private / 1024:.0f} MB"),
        Row("  vectors, mapped: shared, and the disk's cache", f"{mapped / 1024:.0f} MB"),
        Row("  a question to one programme, searched: p50", f"{searching[0]:.2f} ms"),
        _promise("  p99", searching[1]),
        Row("  the same, encoded and searched: p50 / p99", f"{whole[0]:.2f} / {whole[1]:.2f} ms"),
    ]


def _ask(library: Library, count: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Median and p99 in milliseconds: after encoding, and with it."""
    dice, source = random.Random(2), questions(2)
    searching, whole = [], []
    for turn in range(ASKED + 100):
        served = library.get(f"programm-{dice.randrange(count):04}")
        encoding = 0.0

        def encode(query: str, encoder: object = served.bundle.encoder) -> Vectors:
            nonlocal encoding
            began = time.perf_counter()
            vector: Vectors = encoder.encode([query])[0]  # type: ignore[attr-defined]
            encoding = time.perf_counter() - began
            return vector

        began = time.perf_counter()
        served.searcher.search(next(source), 3, encode)
        took = time.perf_counter() - began
        if turn >= 100:
            whole.append(took * 1000)
            searching.append((took - encoding) * 1000)
    return _middle_and_end(searching), _middle_and_end(whole)


def _memory() -> dict[str, int]:
    """kB: `Anonymous`, of this process alone; `mapped`, of files that it maps."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    found = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return {**found, "mapped": found["Rss"] - found["Anonymous"]}


# --- one programme


@dataclass(frozen=True)
class Point:
    """One index of one size."""

    rows: int
    kind: str
    build: float  # s
    size: float  # MB
    median: float  # ms
    p99: float
    recall: float  # of the ten best


def measure_index(most: int) -> Iterator[Point]:
    """The index alone, at growing sizes; flat ones also where the manifest would choose another,
    as long as that can be borne.
    """
    for rows in (size for size in SIZES if size <= most):
        vectors, queries = _one(rows)
        began = time.perf_counter()
        index = VectorIndex(vectors, _rows(rows))
        build = time.perf_counter() - began
        size = len(index.to_bytes()) / 1e6
        yield _point(
            vectors, queries, index.kind, build, size,
            lambda query, index=index: np.argpartition(-index.similarities(query), 10)[:10],
        )  # fmt: skip


def measure_hnsw(rows: int) -> Iterator[Point]:
    """What decision 10 turned down: a graph (Malkov and Yashunin 2018, arXiv:1603.09320)."""
    import faiss

    vectors, queries = _one(rows)
    index = faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    began = time.perf_counter()
    index.add(vectors)
    build = time.perf_counter() - began
    index.hnsw.efSearch = 128
    size = len(faiss.serialize_index(index)) / 1e6
    yield _point(
        vectors, queries, "hnsw", build, size, lambda q: index.search(q[np.newaxis], 10)[1][0]
    )


def _one(rows: int) -> tuple[Vectors, Vectors]:
    """Vectors of one programme, and of questions."""
    seed = bundle.load(BUNDLE)
    real, dice = seed.rankers.vectors(), np.random.default_rng(rows)
    asked = [q.query for path in sorted((ROOT / "eval").glob("*.jsonl")) for q in read(path)][:300]
    vectors = noisy(real, dice.integers(len(real), size=rows), dice)
    return vectors, seed.encoder.encode(asked)


def _point(
    vectors: Vectors, queries: Vectors, kind: str, build: float, size: float,
    ten_best: Callable[[Vectors], np.ndarray],
) -> Point:  # fmt: skip
    times, found = [], []
    for query in queries:
        began = time.perf_counter()
        best = ten_best(query)
        times.append((time.perf_counter() - began) * 1000)
        found.append(set(best.tolist()))
    recall = [
        len(mine & set(np.argpartition(-(vectors @ query), 10)[:10].tolist())) / 10
        for query, mine in zip(queries, found, strict=True)
    ]
    return Point(len(vectors), kind, build, size, *_middle_and_end(times), float(np.mean(recall)))


def _rows(count: int) -> Rows:
    numbers = np.arange(count)
    return Rows(
        np.zeros(count, np.int8), numbers.astype(np.int32), np.zeros(count, np.int16),
        np.full(count, b"", "S32"),
    )  # fmt: skip


def _middle_and_end(times: list[float]) -> tuple[float, float]:
    return float(np.median(times)), float(np.percentile(times, 99))


def _promise(what: str, p99: float) -> Row:
    return Row(what, f"{p99:.2f} ms", f"≤ {PROMISED_MS:.0f} ms", p99 <= PROMISED_MS)


def _growth(points: list[Point]) -> list[Row]:
    rows = []
    for point in points:
        rows += [
            Row(f"{point.rows:,} vectors of one programme: {point.kind}, built in",
                f"{point.build:.1f} s"),
            Row("  on disk and in memory", f"{point.size:.0f} MB"),
            Row("  p50 / p99", f"{point.median:.2f} / {point.p99:.2f} ms"),
            Row("  ten best found", f"{point.recall:.3f}", f"≥ {PROMISED_RECALL}",
                point.recall >= PROMISED_RECALL),
        ]  # fmt: skip
    return rows


# --- a picture


def plot(points: list[Point]) -> str:
    """Milliseconds over vectors, both logarithmic in whole decades, as SVG."""
    across = _scale([p.rows for p in points], 60, 560)
    up = _scale([t for p in points for t in (p.median, p.p99)], 260, 30)
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 310" '
             'font-family="sans-serif" font-size="12" fill="#333">',
             '<rect width="600" height="310" fill="#fff"/>']  # fmt: skip
    for power in range(-2, 7):
        for at, low, high, draw in (
            (across(10.0**power), 60, 560, '<path d="M{0} 30V260" stroke="#ddd"/>'
             '<text x="{0}" y="278" text-anchor="middle">{1:,.0f}</text>'),
            (up(10.0**power), 30, 260, '<path d="M60 {0}H560" stroke="#ddd"/>'
             '<text x="54" y="{0}" dy="4" text-anchor="end">{1:g} ms</text>'),
        ):  # fmt: skip
            if low - 1 <= at <= high + 1:
                parts.append(draw.format(round(at, 1), 10.0**power))
    for name, colour, value in (
        ("p99", "#c0392b", lambda p: p.p99), ("median", "#2c5f8a", lambda p: p.median),
    ):  # fmt: skip
        path = " ".join(f"{across(p.rows):.1f},{up(value(p)):.1f}" for p in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        last = points[-1]
        parts.append(f'<text x="{across(last.rows) - 6:.1f}" y="{up(value(last)) - 8:.1f}" '
                     f'text-anchor="end" fill="{colour}">{name}</text>')  # fmt: skip
        parts += [f'<circle cx="{across(p.rows):.1f}" cy="{up(value(p)):.1f}" r="3" '
                  f'fill="{colour}"/>' for p in points]  # fmt: skip
    parts += [f'<text x="{across(p.rows):.1f}" y="22" text-anchor="middle">{p.kind}</text>'
              for p in points]  # fmt: skip
    caption = "vectors of one programme, and the time to compare a question with them"
    parts.append(f'<text x="310" y="300" text-anchor="middle">{caption}</text></svg>')
    return "\n".join(parts) + "\n"


def _scale(values: list[float] | list[int], start: float, end: float) -> Callable[[float], float]:
    low, high = np.floor(np.log10(min(values))), np.ceil(np.log10(max(values)))
    return lambda value: float(start + (np.log10(value) - low) / (high - low) * (end - start))


def main() -> int:
    """The tables; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--programmes", type=int)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--hnsw", type=int)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    all_of_it = not (options.programmes or options.rows or options.hnsw)
    rows: list[Row] = _growth(list(measure_hnsw(options.hnsw))) if options.hnsw else []
    if options.rows or all_of_it:
        points = list(measure_index(options.rows or SIZES[-1]))
        rows += _growth(points)
        if options.plot:
            options.plot.write_text(plot(points), encoding="utf-8")
    if options.programmes or all_of_it:
        rows += measure_programmes(options.programmes or 3000)
    return show(rows)


if __name__ == "__main__":
    sys.exit(main())
