"""Messages that ask the programme nothing: greetings, thanks, farewells, a try, and questions for
the machine itself. Some passage is always nearest, and would look like an answer.

Only whole messages count: "Hallo, was ist mit den Radwegen?" is a question.
"""

from __future__ import annotations

from index import german

# One of these, and nothing but these and the words below: small talk.
OPENERS = german.folded("""
    hallo hallöchen hi hey hej huhu moin moinsen servus grüezi grüß grüße guten tach
    danke dankeschön dank merci thx tschüss tschüs tschau ciao wiedersehen ok okay aha test ja nein
    hello good thanks thank bye merhaba selam günaydın teşekkür teşekkürler sağol
    dzień cześć witam dziękuję dzięki привет здравствуйте здравствуй добрый спасибо
    привіт вітаю добрий дякую مرحبا أهلا السلام شكرا
""")
COMPANIONS = german.folded("""
    tag tage morgen mittag abend nacht gott zusammen allerseits alle allen ihr euch dir dich ihnen
    sie du und auch an einen einmal da wieder schon schön schönen schönes wochenende noch sehr viel
    vielen herzlichen lieben liebe leute auf bis bald dann später mal nur prima super gut
    there you very much all morning afternoon evening everyone ederim ederiz dobry bardzo
    день вечер утро вечір ранок свидания до большое дуже عليكم
""")
SENTENCES = frozenset(
    german.fold(line.strip())
    for line in """
    wer bist du
    was bist du
    was kannst du
    was machst du
    bist du ein mensch
    bist du ein bot
    bist du ein roboter
    bist du ein computer
    bist du ein mensch oder ein computer
    bist du eine ki
    hast du einen namen
    wie heißt du
    wie geht es dir
    wie geht s
    wie gehts
    na wie geht s
    alles klar
    jemand da
    ist da jemand
    glück auf
    schönen tag noch
    schönes wochenende
    gute nacht
    bis bald
    bis dann
    who are you
    are you human
    how are you
    """.strip().splitlines()
)


def is_small_talk(text: str) -> bool:
    """Whether a message asks nothing of a programme."""
    words = german.WORD.findall(german.fold(text))
    if " ".join(words) in SENTENCES:
        return True
    return any(w in OPENERS for w in words) and all(w in OPENERS or w in COMPANIONS for w in words)
