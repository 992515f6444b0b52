"""Settings given as files: FUNDSTELLE_X_FILE=/run/secrets/x means FUNDSTELLE_X=<what stands in it>,
as Docker and Kubernetes hand secrets over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

PREFIX, SUFFIX = "FUNDSTELLE_", "_FILE"


def from_files(environment: Mapping[str, str], settings: Collection[str] = ()) -> dict[str, str]:
    """The environment with every file's content under the variable's own name, without the line's
    end. An empty variable is one that is not given. `settings`: variables that mean themselves,
    though they be called X_FILE.

    Raises ValueError naming the variables; never what stands in them, for somebody may have put a
    secret where its file's name belongs.
    """
    given = [
        k for k, v in environment.items()
        if v and k.startswith(PREFIX) and k.endswith(SUFFIX) and k not in settings
    ]  # fmt: skip
    read = {k.removesuffix(SUFFIX): k for k in given}
    kept = {k: v for k, v in environment.items() if k not in given}
    for name, variable in read.items():
        if kept.get(name):
            raise ValueError(f"{name}, {variable}: both are given; one of them is enough")
        kept[name] = _content(name, variable, environment[variable])
    return kept


def _content(name: str, variable: str, path: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8"
        raise ValueError(f"{variable}, for {name}: its file can't be read ({reason})") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ValueError(f"{variable}, for {name}: its file is empty")
    return text
