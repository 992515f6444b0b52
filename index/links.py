"""Where links to passages that are gone now lead."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from index.bundle import Contents
from index.types import Passage, Section

ALIKE = 0.6  # least likeness of an old passage to the one that takes over its id


def aliases(
    served: Contents, sections: Sequence[Section], passages: Sequence[Passage]
) -> dict[str, str]:
    """The ids of `served`, and of those before it, that are not among `passages`: each with the
    most similar passage of the same section.
    """
    new = {passage.id: passage for passage in passages}
    by_section: dict[str, list[Passage]] = {}
    for passage in passages:
        by_section.setdefault(sections[passage.section].id, []).append(passage)
    found: dict[str, str] = {}
    for old in served.passages:
        if old.id not in new:
            heir = _heir(old, by_section.get(served.sections[old.section].id, []))
            if heir:
                found[old.id] = heir
    for older, target in served.aliases.items():
        heir = found.get(target, target)
        if heir in new and older not in new:
            found[older] = heir
    return found


def _heir(old: Passage, candidates: Sequence[Passage]) -> str | None:
    def likeness(passage: Passage) -> float:
        return difflib.SequenceMatcher(None, old.text.split(), passage.text.split()).ratio()

    best = max(candidates, key=likeness, default=None)
    return best.id if best and likeness(best) >= ALIKE else None
