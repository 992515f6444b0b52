"""Compile a programme into an index bundle: `python ingest.py programmes/dortmund-2025`, or
`python ingest.py FILE`, which first makes the folder from a PDF, Word, web or text file.

Exit codes: 0 done, 1 `--diff` found changes, 2 something has to be put right (said in one line).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn
from rich.table import Table

from index import announcing, bundle
from index.environment import from_files
from index.errors import BundleError, FundstelleError, StoreError
from index.stores import EMBEDDED, Store, open_store

if TYPE_CHECKING:
    from index.build import Draft, Summary
    from index.types import Document

OUT, PROGRAMMES, REPORTS = Path("var/index"), Path("programmes"), Path("var/report")
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
            return _report(options, console)
        if options.remove:
            return _remove(options, console)
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
        "programme", type=Path, nargs="+",
        help="folder with programme.toml and the document; or a document, which gets a folder",
    )  # fmt: skip
    parser.add_argument("--slug", default="", help="the folder's name, where a document gets one")
    parser.add_argument(
        "--programmes", type=Path, default=PROGRAMMES, help="where folders are (default programmes)"
    )
    parser.add_argument(
        "--ocr", action="store_true", help="first recognise the text of a scanned PDF (ocrmypdf)"
    )
    parser.add_argument(
        "--out", type=Path, default=OUT, help="where bundles are kept (default var/index)"
    )
    parser.add_argument(
        "--model", default=MODEL, help="a SentenceTransformer: ours, a folder or a hub's name"
    )
    parser.add_argument(
        "--store", default=os.environ.get("FUNDSTELLE_STORE", EMBEDDED),
        help="where programmes are served from: faiss (--out), or qdrant://host:6334; the default "
        "is what FUNDSTELLE_STORE says",
    )  # fmt: skip
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="verify the bundle, write nothing")
    mode.add_argument(
        "--diff", action="store_true", help="what would change against the served bundle"
    )
    mode.add_argument(
        "--report", action="store_true", help="what was found, repaired and dropped, as a web page"
    )
    mode.add_argument(
        "--remove", action="store_true", help="serve it no longer; its folder stays as it is"
    )
    return parser


def _ingest(options: argparse.Namespace, console: Console) -> int:
    from index import build  # not above: brings torch, which --check and --help can do without

    store = _store(options)
    for folder, source in _folders(options, console):
        progress = _progress(console)
        summary = build.build(folder, options.out, options.model, progress, source)
        store.publish(options.out / summary.manifest.slug)
        console.print(_table(summary))
        for warning in summary.draft.programme.warnings:
            console.print(
                f"warning: {summary.draft.document}: {warning}", style="yellow", markup=False
            )
        _announce(console)
    return 0


def _store(options: argparse.Namespace) -> Store:
    return open_store(options.store, options.out, _given("FUNDSTELLE_QDRANT_KEY"))


def _given(name: str) -> str:
    """A setting from the environment, or from the file that it names."""
    names = (name, f"{name}_FILE")
    try:
        return from_files({n: os.environ.get(n, "") for n in names})[name]
    except ValueError as error:
        raise StoreError(name, str(error), "correct it") from None


def _remove(options: argparse.Namespace, console: Console) -> int:
    store = _store(options)
    for folder in options.programme:
        store.remove(folder.resolve().name)
        console.print(f"{folder.resolve().name}: served no longer", markup=False)
    _announce(console)
    return 0


def _announce(console: Console) -> None:
    """Where servers share a Redis, they take the bundle up at once."""
    try:
        if url := _given("FUNDSTELLE_REDIS"):
            console.print(f"servers told: {announcing.announce(url)}", markup=False)
    except FundstelleError as error:  # the bundle is there all the same
        console.print(f"warning: {error}", style="yellow", markup=False)


def _folders(
    options: argparse.Namespace, console: Console
) -> Iterator[tuple[Path, Document | None]]:
    """The programmes' folders; a document gets one, made from what it says about itself."""
    from index import adoption, build, description

    for path in options.programme:
        if options.ocr:
            file = path / description.read(path).document if path.is_dir() else path
            for doing in adoption.recognise(file):
                console.print(doing, markup=False)
        if path.is_dir() or not path.suffix:
            yield path, None
        elif (path.parent / description.DESCRIPTION).is_file():
            yield path.parent, None
        else:
            document = build.read_document(path, _progress(console))
            folder = adoption.adopt(path, options.programmes, document, options.slug)
            console.print(f"{folder / description.DESCRIPTION}: look it over", markup=False)
            yield folder, document


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
    pages = [page for p in draft.passages for page in (p.page, p.end_page) if page]
    rows = {
        "pages": max(pages, default="unknown"),
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


def _report(options: argparse.Namespace, console: Console) -> int:
    from index import build, report
    from index.types import Info

    for path in options.programme:
        if path.is_dir():
            draft = build.read(path, _progress(console))
        else:
            source = build.read_document(path, _progress(console))
            draft = build.cut(Info(path.stem, source.title or path.stem, path.name), path, source)
        _print_report(draft)
        REPORTS.mkdir(parents=True, exist_ok=True)
        page = REPORTS / f"{draft.info.slug}.html"
        page.write_text(report.render(draft), encoding="utf-8")
        console.print(f"to look at: {page}", markup=False)
    return 0


def _print_report(draft: Draft) -> None:
    for warning in draft.programme.warnings:
        print(f"{draft.document}: warning: {warning}")
    for dropped in draft.programme.dropped:
        block = dropped.block
        place = f"page {block.page}" if block.page else block.line
        text = " ".join(block.text.split())
        print(f"{draft.document}:{place}: dropped ({dropped.reason}): {text}")
    for repair in draft.programme.repairs:
        print(f"{draft.document}:{repair.line}: {repair.rule}: {repair.before} → {repair.after}")


if __name__ == "__main__":
    sys.exit(main())
