"""Letters in the order painted → lines of text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from unicodedata import normalize

from index.pdf.types import Letter, Line

WORD_GAP = 1.0  # ems between two characters that make them two pieces of text
LABEL_GAP = 5.0  # ems between a bullet or number and what it belongs to
RAISED = 0xE000
SIGNS = str.maketrans({"\u00ad": "", "\u00a0": " ", "\u2010": "-", "\u2011": "-"})
LABEL = re.compile(
    r"^(?:[•◦▪▫‣●○■□➔➢➤➜▶►◆›→✓✔✘✗❖\uf0b7\uf0a7\uf0d8\uf02d–—*·-]|\(?(?:\d{1,4}(?:\.\d{1,2})*|[a-zA-Z]|[IVXL]+)[.)]?)$"
)
BREAK, HYPHEN = "break", "hyphen"


def lines(signs: Iterable[Letter | str], page: int) -> list[Line]:
    """The lines of a page, from its letters; BREAK where PDFium saw a line end, HYPHEN where it saw
    that a word goes on in the next line.
    """
    return list(_lines(_pieces(signs), page))


@dataclass
class _Piece:
    """Letters that stand together on one baseline, as painted."""

    letters: list[Letter]
    hyphen: str = ""

    def add(self, letter: Letter) -> None:
        if self.hyphen:  # no line end after all
            self.letters.append(replace(letter, text=self.hyphen, right=letter.left))
            self.hyphen = ""
        self.letters.append(letter)

    @property
    def text(self) -> str:
        return _spaced(self.letters) + self.hyphen

    @property
    def baseline(self) -> float:
        return self.letters[0].baseline

    @property
    def left(self) -> float:
        return min(letter.left for letter in self.letters if letter.text != " ")

    @property
    def right(self) -> float:
        return max(letter.right for letter in self.letters if letter.text != " ")

    @property
    def size(self) -> float:
        return max(letter.look.style.size for letter in self.letters)


def _pieces(signs: Iterable[Letter | str]) -> list[_Piece]:
    """Letters that stand together on one baseline, in the order painted."""
    pieces: list[_Piece] = []
    current: _Piece | None = None
    for sign in signs:
        if sign == BREAK:
            current = None
        elif sign == HYPHEN and current:
            current.hyphen = "-"
        elif isinstance(sign, Letter):
            if current is None or not _goes_on(current, sign):
                current = _Piece([])
                pieces.append(current)
            current.add(sign)
    return [p for p in pieces if any(c.text != " " for c in p.letters)]


def _goes_on(piece: _Piece, letter: Letter) -> bool:
    last = next((c for c in reversed(piece.letters) if c.text != " "), None)
    if last is None or letter.text == " ":
        return True
    em = max(letter.look.style.size or 10.0, piece.size)
    level = abs(letter.baseline - piece.baseline) < 0.45 * em
    gap = letter.left - last.right
    spaced = piece.letters[-1].text == " "
    if level and gap > WORD_GAP * em and len(piece.letters) < 8 and LABEL.match(piece.text):
        return False  # a bullet or number set apart; put together again in `_lines`
    return level and -2 * em < gap < (1.25 if spaced else 1) * WORD_GAP * em


def _spaced(letters: list[Letter]) -> str:
    """The text; where a heading is letter-spaced, with the spaces between words only."""
    text = "".join(letter.text for letter in letters)
    words = text.split()
    if len(words) < 4 or sum(len(word) == 1 for word in words) < 0.7 * len(words):
        return " ".join(words)
    shown = [letter for letter in letters if letter.text != " "]
    gaps = [b.left - a.right for a, b in zip(shown, shown[1:], strict=False)]
    usual = sorted(gaps)[len(gaps) // 2]
    wide = max(1.6 * usual, usual + 0.15 * shown[0].look.style.size)
    joined = shown[0].text
    for letter, gap in zip(shown[1:], gaps, strict=True):
        joined += (" " if gap > wide else "") + letter.text
    return joined


def _lines(pieces: Sequence[_Piece], page: int) -> Iterator[Line]:
    """Lines: pieces joined with the label before them, or with what directly follows."""
    rows: list[list[_Piece]] = []
    for piece in sorted(pieces, key=lambda p: p.baseline):
        if rows and _level(rows[-1][0], piece):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    for row in rows:
        group: list[_Piece] = []
        before: _Piece | None = None
        for piece in sorted(row, key=lambda p: p.left):
            if any(_overprinted(piece, other) for other in group):
                continue
            if group and not _adjoins(group, piece, before):
                yield _line(group, page)
                before, group = group[-1], []
            group.append(piece)
        yield _line(group, page)


def _level(a: _Piece, b: _Piece) -> bool:
    return abs(a.baseline - b.baseline) < 0.4 * max(min(a.size, b.size), 6.0)


def _adjoins(group: list[_Piece], piece: _Piece, before: _Piece | None) -> bool:
    """Whether `piece` goes on where `group` ends; a label does over a wider space, if that is less
    wide than the one before it.
    """
    last = group[-1]
    gap = (piece.left - last.right) / max(min(last.size, piece.size), 6.0)
    near = before is None or last.left - before.right > piece.left - last.right
    label = len(group) == 1 and near and LABEL.match(last.text.strip())
    if max(last.size, piece.size) > (2.2 if label else 1.6) * min(last.size, piece.size):
        return False
    return -1 < gap < (LABEL_GAP if label else 0.7 * WORD_GAP)


def _overprinted(piece: _Piece, other: _Piece) -> bool:
    """Bold faked by printing twice."""
    return piece.text == other.text and abs(piece.left - other.left) < 1.5


def _line(row: list[_Piece], page: int) -> Line:
    letters = [letter for piece in row for letter in piece.letters if letter.text != " "]
    labelled = len(row) > 1 and bool(LABEL.match(row[0].text.strip()))
    own = [c for piece in row[labelled:] for c in piece.letters if c.text.isalnum()] or letters
    look = Counter(letter.look for letter in own).most_common(1)[0][0]
    style, count = Counter(letter.look.style for letter in own).most_common(1)[0]
    _mark_raised(row, style.size)
    text = " ".join(" ".join(piece.text.split()) for piece in row)
    return Line(
        text=_tidy(text), page=page,
        left=min(c.left for c in letters), top=min(c.top for c in letters),
        right=max(c.right for c in letters), bottom=max(c.bottom for c in letters),
        baseline=row[-1].baseline, label=row[0].text.strip() if labelled else "",
        body_left=row[1].left if labelled else row[0].left,
        style=style, first=own[0].look.style, last=own[-1].look.style,
        share=count / len(own), tag=look.tag, artifact=look.artifact,
    )  # fmt: skip


def _mark_raised(row: list[_Piece], size: float) -> None:
    """Small digits above the line become private characters until it is known whether they refer
    to a footnote.
    """
    low = max(letter.bottom for piece in row for letter in piece.letters)
    for piece in row:
        for k, letter in enumerate(piece.letters):
            small = letter.look.style.size < 0.8 * size and letter.bottom < low - 0.15 * size
            if small and letter.text.isdecimal() and letter.text.isascii():
                raised = chr(RAISED + int(letter.text))
                piece.letters[k] = replace(letter, text=raised)


def _tidy(text: str) -> str:
    """Composed signs, also where TeX has set the dots before the letter; a soft hyphen counts only
    at the line's end.
    """
    text = re.sub(r"[¨\u0308] ?([aouAOU])", lambda m: normalize("NFC", m[1] + "\u0308"), text)
    soft = text.endswith("\u00ad")
    return normalize("NFC", text.translate(SIGNS)).strip() + ("\u00ad" if soft else "")
