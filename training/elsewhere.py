"""`python -m training.elsewhere`: how search and confidence hold on another programme.

Questions on the SPD's programme of 2025, put to its passages as training.passages cuts them from
the PDF in ../shared. Two writers wrote the two files without seeing each other's; the second came
after the encoder and its confidence were final. The encoder has seen other questions on some of
these passages; the confidence has seen none of these questions.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.measures import Scores, auc, score
from index import confidence
from index.encoder import DEFAULT, MODELS
from index.query_encoder import OnnxEncoder
from training import pseudo
from training.data import rows
from training.passages import MOST, identity, pdf_passages
from training.pseudo import Vectors

QUESTIONS = sorted(Path(__file__).parent.glob("elsewhere-*.jsonl"))
LEAST = 25


def main() -> None:
    """Print, for each file of questions, hit rates by kind and the shares of each status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pdf", type=Path, default=Path("../shared/programmes-pdf/spd.pdf"))
    records = passages(parser.parse_args().pdf)
    folder = MODELS / DEFAULT
    calibration = confidence.load(folder)
    programme = pseudo.build(records, Vectors(OnnxEncoder(folder)), calibration)
    for questions in QUESTIONS:
        asked = list(rows(questions))
        print(f"{questions.name}: {len(records)} passages, {len(asked)} questions")
        report(asked, programme, calibration)


def report(
    asked: list[dict[str, Any]],
    programme: pseudo.Pseudo,
    calibration: confidence.Confidence,
) -> None:
    """Print what the search gives for these questions."""
    rankings = {row["id"]: programme.searcher.search(row["query"], 10) for row in asked}
    answerable = [row for row in asked if row["passages"]]
    for kind in ("all", *sorted({row["kind"] for row in answerable})):
        some = [row for row in answerable if kind in ("all", row["kind"])]
        result = scores(some, rankings, programme.position)
        print(f"{kind:<14}{len(some):>4}  hit@1 {result.hit1:.3f}  hit@3 {result.hit3:.3f}")
    yes = [rankings[row["id"]].confidence for row in answerable]
    no = [rankings[row["id"]].confidence for row in asked if not row["passages"]]
    for label, values in (("answerable", yes), ("outofscope", no)):
        answered = sum(v >= calibration.answered for v in values) / len(values)
        nothing = sum(v < calibration.related for v in values) / len(values)
        print(f"{label:<14}{len(values):>4}  answered {answered:.3f}  nothing {nothing:.3f}")
    print(f"answerability AUC {auc(yes, no):.3f}")


def passages(pdf: Path) -> list[dict[str, Any]]:
    """The PDF's passages with their ids; headings are not known here."""
    texts = (" ".join(text.split()) for _, page in pdf_passages(pdf) for text in page)
    fitting = dict.fromkeys(text for text in texts if LEAST <= len(text.split()) <= MOST)
    return [{"passage_id": identity(text), "heading": "", "text": text} for text in fitting]


def scores(
    some: list[dict[str, Any]], rankings: Mapping[str, Any], position: Mapping[str, int]
) -> Scores:
    """Mean measures of these questions."""
    return score(
        [
            (
                [hit.passage for hit in rankings[row["id"]].hits],
                {position[identity_] for identity_ in row["passages"]},
            )
            for row in some
        ]
    )


if __name__ == "__main__":
    main()
