"""Compile a programme into an index bundle: `python ingest.py programmes/dortmund-2025`.

Exit codes: 0 done, 1 `--diff` found changes, 2 something has to be put right (said in one line).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn
from rich.table import Table

from index import bundle
from index.errors import BundleError, FundstelleError

if TYPE_CHECKING:
    from index.build import Summary

OUT = Path("var/index")
MODEL = "fundstelle-e5"
Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=True, highlight=False)
    try:
        if options.check:
            return _check(options, console)
        if options.diff:
            return _diff(options, console)
        if options.report:
            return _report(options)
        return _ingest(options, console)
    except FundstelleError as error:
        console.print(f"ingest: {error}", style="red", markup=False, soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        console.print("ingest: interrupted; the former bundle is untouched", markup=False)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ingest.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "programme", type=Path, nargs="+", help="folder with programme.toml and the document"
    )
    parser.add_argument(
        "--out", type=Path, default=OUT, help="where bundles are kept (default var/index)"
    )
    parser.add_argument(
        "--model", default=MODEL, help="a SentenceTransformer: ours, a folder or a hub's name"
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="verify the bundle, write nothing")
    mode.add_argument(
        "--diff", action="store_true", help="what would change against the served bundle"
    )
    mode.add_argument(
        "--report", action="store_true", help="what the clean-up repaired, dropped and doubts"
    )
    return parser


def _ingest(options: argparse.Namespace, console: Console) -> int:
    from index import build  # not above: brings torch, which --check and --help can do without

    for folder in options.programme:
        summary = build.build(folder, options.out, options.model, _progress(console))
        console.print(_table(summary))
        for warning in summary.draft.programme.warnings:
            console.print(
                f"warning: {summary.draft.document}: {warning}", style="yellow", markup=False
            )
    return 0


def _progress(console: Console) -> Bar:
    @contextmanager
    def bar(label: str, steps: int) -> Iterator[Callable[[int], None]]:
        with Progress(
            *Progress.get_default_columns(), TimeElapsedColumn(), console=console
        ) as progress:
            task = progress.add_task(f"{label:14}", total=steps)
            yield lambda done: progress.advance(task, done)

    return bar


def _table(summary: Summary) -> Table:
    draft, manifest = summary.draft, summary.manifest
    programme = draft.programme
    chapters = len({section.chapter.original for section in programme.sections})
    table = Table(title=f"{draft.info.title} ({draft.info.slug}, version {manifest.version})")
    rows = {
        "chapters": chapters,
        "sections": len(programme.sections),
        "passages": len(draft.passages),
        "words": sum(len(passage.text.split()) for passage in draft.passages),
        "repairs": len(programme.repairs),
        "warnings": len(programme.warnings),
        "vectors": f"{summary.encoded} encoded, {summary.reused} kept",
        "seconds": f"{summary.seconds:.1f}",
        "model": f"{manifest.model} ({manifest.dimension} dimensions)",
    }
    table.add_column("what")
    table.add_column("how many", justify="right")
    for name, value in rows.items():
        table.add_row(name, str(value))
    return table


def _check(options: argparse.Namespace, console: Console) -> int:
    for folder in options.programme:
        loaded = bundle.load(options.out / folder.resolve().name)
        counts = ", ".join(f"{number} {what}" for what, number in loaded.manifest.counts.items())
        console.print(f"{loaded.manifest.slug} {loaded.manifest.version}: in order ({counts})")
    return 0


def _diff(options: argparse.Namespace, console: Console) -> int:
    from index import build

    changed = False
    for folder in options.programme:
        draft = build.read(folder)
        served = build.served_bundle(options.out / draft.info.slug)
        if served is None:
            raise BundleError(
                options.out / draft.info.slug, "no readable bundle to compare with", "ingest first"
            )
        old, new = {p.id: p for p in served.passages}, {p.id: p for p in draft.passages}
        heirs = build.aliases(served, draft)
        lines = [f"- {i}  {old[i].text[:60]}…" for i in old if i not in new and i not in heirs]
        lines += [f"~ {i} → {heirs[i]}" for i in old if i in heirs]
        lines += [
            f"+ {i}  {new[i].text[:60]}…" for i in new if i not in old and i not in heirs.values()
        ]
        for line in lines:
            console.print(line, markup=False, soft_wrap=True)
        kept = len(set(old) & set(new))
        console.print(f"{draft.info.slug}: {kept} passages unchanged, {len(lines)} differences")
        changed = changed or bool(lines)
    return int(changed)


def _report(options: argparse.Namespace) -> int:
    from index import build

    for folder in options.programme:
        draft = build.read(folder)
        for warning in draft.programme.warnings:
            print(f"{draft.document}: warning: {warning}")
        for dropped in draft.programme.dropped:
            block = dropped.block
            print(f"{draft.document}:{block.line}: dropped ({dropped.reason}): {block.text}")
        for repair in draft.programme.repairs:
            print(
                f"{draft.document}:{repair.line}: {repair.rule}: {repair.before} → {repair.after}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
