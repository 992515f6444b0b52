"""German words as the lexical side sees them: folded, stemmed, with the parts of compounds.

Query and document go through the same steps, so that only their agreement matters, not their
beauty.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable

import Stemmer  # PyStemmer: Porter's Snowball stemmers, snowballstem.org

GENDERED = re.compile(
    r"(\w{2,})(?:[*:_/]-?|\()(in|innen|r|n|e)\)?(?!\w)"
)  # Mieter*innen, Bürger:in, jede*r
INNER_CAPITAL = re.compile(r"([a-zäöüß]{3,})Innen\b")
WORD = re.compile(r"[^\W_]+")
GRAM = 4  # letters of an n-gram: shorter ones are noise in German, longer ones don't forgive typos
LEAST_PART = 4  # letters of the shortest part of a compound
MOST_WHOLE = 60  # letters of the longest compound: beyond, the search for its parts takes long
LINKS = ("", "s", "es", "n", "en", "er", "e")  # what German puts between the parts of a compound

# Without its memory of 10,000 words: they would be people's. It is not made for threads, and does
# not let go of Python's lock.
_stemmer = Stemmer.Stemmer("german", 0)


def fold(text: str) -> str:
    """Lower case; Mieter*innen as Mieter; ä, ae and a alike; ß as ss; no accents."""
    text = GENDERED.sub(r"\1", INNER_CAPITAL.sub(r"\1", unicodedata.normalize("NFKC", text)))
    text = text.lower().replace("ß", "ss")
    text = text.replace("ae", "a").replace("oe", "o").replace("ue", "u")
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def folded(words: str) -> frozenset[str]:
    """The words of a list, folded."""
    return frozenset(fold(word) for word in words.split())


# What questions are made of besides their subject: German, then English.
STOPWORDS = folded("""
    ab aber alle allem allen aller alles als also am an ander andere anderen anderer anderes
    auch auf aus bei beim bin bis bist bitte da dabei dadurch dafur dagegen daher damit
    danach dann daran darauf daraus darf das dass davon dazu dein deine deinen deiner dem
    den denn der deren des deshalb dessen die dies diese diesem diesen dieser dieses doch
    dort du durch eigentlich ein eine einem einen einer eines er es etwas euch euer eure
    euren eurer fur gegen gehen geht gibt hab habe haben habt hat hatte hatten helfen helft
    hier hilft hin ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im in ins ist ja jede jedem
    jeden jeder jedes jetzt kann kannst keine keinen kommen kommt konnen konnt konnte ma
    machen machst macht mal man mein meine meinem meinen meiner mich mir mit muss mussen
    nach nein nicht noch nun nur ob oder ohne passieren passiert planen plant schon sehr
    sein seine seinem seinen seiner seit sich sie sind so soll sollen sollte sonst steht tun
    tut uber um und uns unser unsere unserem unseren unserer unter viel vom von vor war
    waren warum was weil weiter welche welchen welcher welches wenn wer werde werden werdet
    wie wieder will wir wird wo wollen wollt wurde wurden zu zum zur zwischen

    the of and to is are do you for a what how can be there it on my i we your with or
""")


def words(text: str) -> list[str]:
    """Folded words in order, function words left out."""
    return [word for word in WORD.findall(fold(text)) if word not in STOPWORDS]


def stem(word: str) -> str:
    """The Snowball stem of a folded word."""
    return str(_stemmer.stemWord(word))


def grams(word: str) -> Iterable[str]:
    """Character n-grams of a folded word with its borders marked."""
    padded = f"_{word}_"
    return (padded[i : i + GRAM] for i in range(max(1, len(padded) - GRAM + 1)))


def parts(word: str, known: Collection[str]) -> tuple[str, ...]:
    """The stems of the two parts of a compound, where both are `known` stems; else nothing."""
    best: tuple[int, tuple[str, ...]] = (0, ())
    if len(word) > MOST_WHOLE:
        return ()
    for cut in range(LEAST_PART, len(word) - LEAST_PART + 1):
        right = stem(word[cut:])
        if right not in known:
            continue
        for link in LINKS:
            left = stem(word[: cut - len(link)]) if word[:cut].endswith(link) else ""
            balance = min(cut, len(word) - cut)
            if len(left) >= LEAST_PART - 1 and left in known and balance > best[0]:
                best = (balance, (left, right))
    return best[1]
