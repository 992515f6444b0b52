"""Repairs what extraction from a PDF broke, and nothing else: never a word is changed, added or
lost.

Each rule returns the repaired text and notes what it did; docs/cleanup.md lists the rules with
examples. A hyphen inside a word is judged by German spelling and by the document's own vocabulary.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable

from index.headings import known
from index.types import Repair

WORD = re.compile(r"[^\W\d_]+")
LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
)
COORDINATORS = ("und", "oder", "sowie", "bzw", "beziehungsweise", "bis", "als", "noch", "statt")
# Left parts that keep their hyphen before a lower-case word ("nicht-pädagogisch", "x-beliebig").
HYPHENATING = frozenset(["nicht", "non", "pro", "anti", "ex", "quasi"])
# Right parts of English compounds ("Start-up", "Know-how", "Check-in", "end-to-end").
ENGLISH = frozenset(
    [
        "up",
        "in",
        "out",
        "on",
        "off",
        "down",
        "how",
        "to",
        "by",
        "and",
        "or",
        "of",
        "the",
        "end",
        "side",
        "line",
        "alone",
        "over",
        "back",
    ]
)
ADJECTIVE_STEM = re.compile(r"(?:al|ell|iv|isch|lich|ig|är|ös|deutsch|grün|rot|schwarz|gelb)$")
ADJECTIVE = re.compile(
    r"(?:al|ell|iv|isch|lich|ig|är|ös|deutsch|grün|rot|schwarz|gelb)(?:e|er|es|en|em)?$"
)
# Nouns in -und, so that "Stadtsportbund" is not taken for "Stadtsportb- und".
UND_NOUNS = re.compile(
    r"(?:bund|grund|hund|mund|fund|pfund|schlund|schwund|gesund|kund|rund|wund|stund)$", re.I
)

Note = Callable[[str, str, str], None]  # rule, before, after


class Vocabulary:
    """How often each word stands in the document, and which words begin with a given stem."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.count: Counter[str] = Counter()
        for text in texts:
            self.count.update(WORD.findall(text))
        self._lower = Counter[str]()
        for word, n in self.count.items():
            self._lower[word.lower()] += n

    def knows(self, word: str) -> bool:
        """Whether `word` occurs, in whatever case."""
        return word.lower() in self._lower

    def begins_other(self, stem: str, but: str) -> bool:
        """Whether a word of the document other than `but` goes on from `stem`."""
        stem, but = stem.lower(), but.lower()
        return any(w.startswith(stem) and w != but and len(w) > len(stem) + 2 for w in self._lower)


def belongs(left: str, right: str, vocabulary: Vocabulary) -> bool:
    """Whether the hyphen in left-right is part of the word rather than left over from a line
    end.
    """
    if (
        not right[:1].islower()
        or left.lower() in HYPHENATING
        or right.lower().rstrip("s") in ENGLISH
    ):
        return True
    if len(left) == 1 or left.isupper() or left[-1:].isdigit() or right.lower() in COORDINATORS:
        return True
    if vocabulary.knows(left + right):
        return False
    pair = ADJECTIVE_STEM.search(left) and ADJECTIVE.search(right)  # sozial-ökologisch
    return bool(pair) and (known(right) or vocabulary.begins_other(right[:5], right))


def join(left: str, right: str, vocabulary: Vocabulary) -> str:
    """Two pieces of one paragraph put together again, over a line end or a page break."""
    if left.endswith("\u00ad"):  # the document itself says that the word goes on
        return left[:-1] + right
    if re.search(r"\b(?:und|oder|sowie|bzw\.?) -$", left) and right[:1].islower():
        return left + right  # Suchtprävention und -hilfe
    if not left.endswith("-") or left.endswith((" -", "--")):
        return f"{left} {right}"
    before, after = re.search(r"([^\W_]*)-$", left), re.match(r"[^\W_]*", right)
    first, second = before.group(1) if before else "", after.group() if after else ""
    if second.lower() in COORDINATORS:
        return f"{left} {right}"
    return left + right if belongs(first, second, vocabulary) else left[:-1] + right


def join_lines(text: str, vocabulary: Vocabulary) -> str:
    """One line out of the lines of a block."""
    lines = text.split("\n")
    joined = lines[0]
    for line in lines[1:]:
        joined = join(joined, line, vocabulary)
    return joined


def repair(text: str, line: int, vocabulary: Vocabulary) -> tuple[str, list[Repair]]:
    """`text` with every rule applied, and what they did. Applying it twice changes nothing more."""
    repairs: list[Repair] = []

    def note(rule: str, before: str, after: str) -> None:
        repairs.append(Repair(rule, line, before, after))

    before = None
    while text != before:  # one repair may uncover the next; each shortens the damage, so it ends
        before = text
        for rule in RULES:
            text = rule(text, vocabulary, note)
    return text, repairs


def _bold(text: str, _: Vocabulary, note: Note) -> str:
    """**bold** → bold."""

    def plain(match: re.Match[str]) -> str:
        note("bold", match.group(), match.group(1))
        return match.group(1)

    return re.sub(r"\*\*", "", re.sub(r"\*\*(.+?)\*\*", plain, text))


def _ligatures(text: str, _: Vocabulary, note: Note) -> str:
    """ﬁ → fi; U+00AD, which is never seen, goes."""
    clean = text.translate(LIGATURES).replace("\u00ad", "")
    if clean != text:
        note("ligature", text[:40], clean[:40])
    return clean


def _gender_hyphen(text: str, _: Vocabulary, note: Note) -> str:
    """Mieter-*innen → Mieter*innen."""

    def star(match: re.Match[str]) -> str:
        note("gender-hyphen", match.group(), match.group().replace("-", ""))
        return match.group().replace("-", "")

    return re.sub(r"\w+-[*:_]in(?:nen)?\b", star, text)


def _coordinated(text: str, _: Vocabulary, note: Note) -> str:
    """Kinder-und Jugendarbeit → Kinder- und Jugendarbeit."""

    def spaced(match: re.Match[str]) -> str:
        note("lost-space", match.group(), f"{match[1]}- {match[2]}")
        return f"{match[1]}- {match[2]}"

    return re.sub(r"(?<![\w-])([^\W\d_]{3,})-(und|oder|sowie|bzw)\b(?!-)", spaced, text)


def _inner_hyphen(text: str, vocabulary: Vocabulary, note: Note) -> str:
    """sicher-gestellt → sichergestellt, but end-to-end, KI-gestützt, nicht-pädagogisch stay."""

    def closed(match: re.Match[str]) -> str:
        if belongs(match[1], match[2], vocabulary):
            return match.group()
        note("soft-hyphen", match.group(), match[1] + match[2])
        return match[1] + match[2]

    return re.sub(r"(?<![\w*:-])([^\W\d_]+)-([^\W\d_]+)(?![\w*:]|-\w)", closed, text)


def _lost_hyphen(text: str, vocabulary: Vocabulary, note: Note) -> str:
    """Bildungsund Betreuungsangebote → Bildungs- und Betreuungsangebote."""

    def parted(match: re.Match[str]) -> str:
        stem, coordinator = match[1], match[2]
        word = stem + coordinator
        if UND_NOUNS.search(word) or vocabulary.count[word] > 1:
            return match.group()
        if not (
            stem.endswith("s") or vocabulary.begins_other(stem, word) or coordinator == "sowie"
        ):
            return match.group()
        note("lost-hyphen", match.group(), f"{stem}- {coordinator}")
        return f"{stem}- {coordinator}"

    return re.sub(r"\b([A-ZÄÖÜ][^\W\d_]{3,})(und|sowie)(?= [A-ZÄÖÜ])", parted, text)


def _spaces(text: str, _: Vocabulary, note: Note) -> str:
    """Runs of white space, and spaces before a comma or full stop."""
    lines = (" ".join(line.split()) for line in text.split("\n"))
    clean = re.sub(r"(?<=\w) ([,;.])(?=\s|$)", r"\1", "\n".join(line for line in lines if line))
    if clean != text:
        note("spaces", text[:40], clean[:40])
    return clean


RULES = (
    _bold,
    _ligatures,
    _gender_hyphen,
    _coordinated,
    _inner_hyphen,
    _lost_hyphen,
    _spaces,
)
