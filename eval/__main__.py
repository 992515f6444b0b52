"""`python -m eval`: hit rates, abstention and misses of a served bundle, beside BM25 and dense
alone.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path

from eval import report
from eval.asking import FILES, SYSTEMS, Asked, ask_all, scores_of
from eval.learn import cross_validate
from eval.measures import Scores, auc, calibration_error
from eval.questions import OUT_OF_SCOPE, read
from index import bundle
from index.bundle import Bundle
from index.errors import FundstelleError
from index.search import WEIGHTS

BUNDLE = Path("var/index/dortmund-2025")
FLOORS = Path(__file__).with_name("floors.toml")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code: 1 where a floor is broken, 2 for bad input."""
    options = _parser().parse_args(arguments)
    try:
        loaded = bundle.load(options.bundle)
        asked = {path.stem: ask_all(loaded, read(path), options.light) for path in options.files}
    except (FundstelleError, OSError) as error:
        print(f"eval: {error}", file=sys.stderr)
        return 2
    print(
        f"{loaded.info.slug} {loaded.manifest.version}, {loaded.manifest.model}, "
        f"bank: {_bank(loaded)}{', light form' if options.light else ''}"
    )
    for name, questions in asked.items():
        print_scores(name, questions)
        print_abstention(questions, loaded)
        if options.misses:
            print_misses(questions, loaded)
    if options.weights:
        everything = [a for questions in asked.values() for a in questions if a.answerable]
        cross_validate([(a.signals, a.right) for a in everything])
    report.write(options.report, loaded, asked, SYSTEMS)
    print(f"report: {options.report}")
    return check_floors(asked, loaded, options.floors) if options.floors else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eval", description=__doc__)
    parser.add_argument("files", type=Path, nargs="*", default=FILES, help="question files")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--report", type=Path, default=Path("var/eval.html"))
    parser.add_argument(
        "--floors", type=Path, nargs="?", const=FLOORS, help="fail below these figures"
    )
    parser.add_argument(
        "--misses", action="store_true", help="questions without a right passage in the top 3"
    )
    parser.add_argument(
        "--light", action="store_true", help="encoded as the server does while others wait"
    )
    parser.add_argument(
        "--weights", action="store_true", help="learn the fusion weights, fold by fold"
    )
    return parser


def _bank(loaded: Bundle) -> str:
    count = sum(len(questions) for questions in loaded.info.bank.values())
    return f"{count} questions" if count else "none"


def print_scores(name: str, asked: list[Asked]) -> None:
    """The table of every system, and of every kind of question for the full one."""
    print(f"\n{name:<22}{'n':>5}{'hit@1':>8}{'hit@3':>8}{'hit@5':>8}{'MRR@10':>8}{'nDCG@10':>9}")
    for system, weights in SYSTEMS.items():
        _print_row(system, scores_of(asked, weights))
    for kind in sorted({a.question.kind for a in asked if a.answerable}):
        _print_row(f"  {kind}", scores_of([a for a in asked if a.question.kind == kind], WEIGHTS))


def _print_row(label: str, s: Scores) -> None:
    print(
        f"{label:<22}{s.questions:>5}{s.hit1:>8.3f}{s.hit3:>8.3f}{s.hit5:>8.3f}{s.mrr10:>8.3f}{s.ndcg10:>9.3f}"
    )


def statuses(asked: list[Asked], loaded: Bundle) -> dict[str, dict[str, float]]:
    """Shares of answered, related and nothing among answerable and other questions."""
    table = {}
    for label, wanted in (("answerable", True), (OUT_OF_SCOPE, False)):
        values = [a.confidence for a in asked if a.answerable is wanted]
        if values:
            limits = loaded.calibration
            answered = sum(v >= limits.answered for v in values) / len(values)
            nothing = sum(v < limits.related for v in values) / len(values)
            table[label] = {
                "answered": answered,
                "related": 1 - answered - nothing,
                "nothing": nothing,
            }
    return table


def print_abstention(asked: list[Asked], loaded: Bundle) -> None:
    """How often it answers, hesitates and is silent; and how well confidence tells the two
    apart.
    """
    for label, shares in statuses(asked, loaded).items():
        print(f"  {label:<12}" + "".join(f"  {name} {share:.3f}" for name, share in shares.items()))
    yes = [a.confidence for a in asked if a.answerable]
    no = [a.confidence for a in asked if not a.answerable]
    if no:
        error = calibration_error(yes + no, [True] * len(yes) + [False] * len(no))
        print(f"  answerability AUC {auc(yes, no):.3f}, ECE {error:.3f}")


def print_misses(asked: list[Asked], loaded: Bundle) -> None:
    """Answerable questions without a right passage among the first three."""
    for a in asked:
        ranked = a.ranked(WEIGHTS)
        if a.answerable and not a.right & set(ranked[:3]):
            print(f"  miss {a.question.id}: {a.question.query}  →  {loaded.passages[ranked[0]].id}")


def check_floors(asked: dict[str, list[Asked]], loaded: Bundle, path: Path) -> int:
    """1 where a figure is below its floor in floors.toml, else 0."""
    broken = 0
    for name, floors in tomllib.loads(path.read_text(encoding="utf-8")).items():
        if name not in asked:
            continue
        figures = {**asdict(scores_of(asked[name], WEIGHTS)), **_figures(asked[name], loaded)}
        for measure, floor in floors.items():
            if figures[measure] < floor:
                print(
                    f"floor broken: {name} {measure} {figures[measure]:.3f} < {floor}",
                    file=sys.stderr,
                )
                broken = 1
    return broken


def _figures(asked: list[Asked], loaded: Bundle) -> dict[str, float]:
    shares = statuses(asked, loaded)
    figures = {"answered": shares["answerable"]["answered"]} if "answerable" in shares else {}
    if OUT_OF_SCOPE in shares:
        figures["abstained"] = 1 - shares[OUT_OF_SCOPE]["answered"]
    return figures


if __name__ == "__main__":
    sys.exit(main())
