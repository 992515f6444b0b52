"""`python -m bot.insights`: what people ask, by section, and what the programme did not answer.

Opening a file deletes what is older than FUNDSTELLE_INSIGHTS_DAYS.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from bot.insights import report
from bot.insights.store import InsightsError, Store
from bot.settings import SettingsError, read


def main(arguments: list[str] | None = None) -> int:
    """Print, plot or delete; 2 where a setting or a file can't be used."""
    options = _parser().parse_args(arguments)
    today = datetime.now(UTC).date()
    try:
        settings = read(os.environ)
        files = options.files or [settings.insights_file]
        stores = [Store(path, settings.insights_days) for path in files]
        if options.delete is not None:
            print(f"{sum(s.delete(options.delete, today) for s in stores)} rows deleted")
            return 0
        found = report.summaries([kept for store in stores for kept in store.read(today)])
        print(report.text(found), end="")
        if options.html:
            options.html.touch(mode=0o600)
            options.html.write_text(report.page(found), encoding="utf-8")
    except (SettingsError, InsightsError, OSError) as error:
        print(f"insights: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot.insights", description=__doc__)
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE",
        help="one for each server, added up; default: FUNDSTELLE_INSIGHTS_FILE",
    )  # fmt: skip
    parser.add_argument("--html", type=Path, metavar="PAGE", help="write a page with plots, too")
    parser.add_argument(
        "--delete", nargs="?", const="", metavar="PROGRAMME",
        help="delete everything, or all of one programme",
    )  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
