"""`python -m training.scoreboard FOLDER …`: what each model in these folders gives on eval/.

The models are compiled and ingested as the shipped one is; figures are of the full search without
bank. For looking, not for choosing: choose on held-out questions.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import tempfile
from pathlib import Path

from eval.asking import FILES, SYSTEMS, ask_all, scores_of
from eval.questions import read
from index import build, bundle
from index.encoder import MODELS
from training.export import export

PROGRAMME = Path("programmes/dortmund-2025")


def main() -> None:
    """Print a row a model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    print(
        f"{'model':<16}"
        + "".join(f"{p.stem + ' ' + m:>14}" for p in FILES for m in ("hit@1", "hit@3"))
    )
    for folder in parser.parse_args().folders:
        compiled = MODELS / "exp-scoreboard"
        shutil.rmtree(compiled, ignore_errors=True)
        with tempfile.TemporaryDirectory() as root, contextlib.redirect_stdout(io.StringIO()):
            export(folder, compiled)
            build.build(PROGRAMME, Path(root), compiled.name, build.silent)
            loaded = bundle.load(Path(root) / PROGRAMME.name)
            figures = [
                scores_of(ask_all(loaded, read(p)), SYSTEMS["fused, no bank"]) for p in FILES
            ]
        print(
            f"{folder.name:<16}"
            + "".join(f"{v:>14.3f}" for s in figures for v in (s.hit1, s.hit3)),
            flush=True,
        )
        shutil.rmtree(compiled, ignore_errors=True)


if __name__ == "__main__":
    main()
