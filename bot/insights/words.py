"""The words of a question, and which of them many askers share.

Names are what must never be kept. A name is a word that few use; so a word counts by how many
different askers used it, and its spelling likewise: a stem that ten share ("fisch") is shown in
a spelling ("Fischer") only where ten spelt it so.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from index import german

Form = tuple[str, ...]  # a stem; stem and lower case; stem, lower case and as it was typed
MOST = 40  # words of one question
LONGEST = 40  # letters of a word


def forms(text: str) -> frozenset[Form]:
    """The words of `text`, function words left out, each in all three forms."""
    composed = unicodedata.normalize("NFC", text)
    plain = german.GENDERED.sub(r"\1", german.INNER_CAPITAL.sub(r"\1", composed))
    found: dict[str, str] = {}
    for word in german.WORD.findall(plain):
        folded = german.fold(word)
        if folded and folded not in german.STOPWORDS and len(word) <= LONGEST:
            found.setdefault(german.stem(folded), word)
    kept = list(found.items())[:MOST]
    return frozenset(
        form
        for stem, word in kept
        for form in ((stem,), (stem, word.lower()), (stem, word.lower(), word))
    )


def shared(counts: Mapping[Form, int], least: int) -> tuple[str, ...]:
    """The words whose stem at least `least` askers used, the most used first; each in the most
    exact spelling that so many used, else as the bare stem.
    """
    enough = {form: count for form, count in counts.items() if count >= least}
    stems = sorted((f for f in enough if len(f) == 1), key=lambda f: (-enough[f], f))
    return tuple(_spelt(stem, enough) for (stem,) in stems)


def _spelt(stem: str, enough: Mapping[Form, int]) -> str:
    spellings = [form for form in enough if form[0] == stem]
    return max(spellings, key=lambda form: (len(form), enough[form], form))[-1]
