"""Cutting, packing, shortening, unmarking: for any text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.channels import mattermost, messenger, rocketchat, signal, telegram, threema, whatsapp
from bot.channels.base import Button, Quote, Reply
from bot.channels.text import Style, cut, portions, shorten, texts, unmarked, utf8, utf16, written
from tests.bot.channels.peers import chats, graph

STYLES = {"telegram": telegram.STYLE, "threema": threema.STYLE, "signal": signal.STYLE,
          "messenger": messenger.STYLE, "whatsapp": whatsapp.WITH_BUTTONS}  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=400)


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@given(text=TEXT, times=st.integers(1, 20), citation=TEXT, data=st.data())
def test_any_quote_fits_whole_or_cited_in_each_part(
    style: Style, text: str, times: int, citation: str, data: st.DataObject
) -> None:
    """Nothing is lost but spaces at a cut, and every message is within the limit."""
    long = (text + ". ") * times
    start = data.draw(st.integers(0, len(long) - 1))
    key = (start, data.draw(st.integers(start + 1, len(long))))
    quote = Quote(long, key, citation * 3, "https://frag.example.org/p/x/programm#y")
    parts = cut(quote, style)
    assert "".join("".join(p.text.split()) for p in parts) == "".join(long.split())
    assert all(p.url == quote.url and p.citation == parts[0].citation for p in parts)
    assert all(p.key is None or 0 <= p.key[0] <= p.key[1] <= len(p.text) for p in parts)
    for message in texts(Reply((text,), (quote,), (text,), (Button(text, "#1"),)), style):
        assert style.measure(message) <= style.limit


def test_a_cut_is_at_a_sentence_and_not_at_an_abbreviation() -> None:
    """Neither "z. B." nor "S. 7" nor "14. September" ends one."""
    text = "Am 14. September z. B. Nr. 5 auf S. 7 lesen. Danach mehr! Wirklich? Ja."
    found = portions(text, lambda t: len(t) <= 52)
    assert found == ["Am 14. September z. B. Nr. 5 auf S. 7 lesen. ", "Danach mehr! Wirklich? Ja."]


@given(TEXT, st.integers(1, 40))
def test_a_label_is_never_too_long(text: str, most: int) -> None:
    """By either way to count."""
    for measure in (utf16, utf8):
        room = most if measure is utf16 else most + 4
        assert measure(shorten(text, room, measure)) <= max(room, measure("…"))


@given(st.text("ab *_~`.,\n„“"))
@example("Name: _______")
def test_no_pair_of_marks_is_read_as_a_style(text: str) -> None:
    """In WhatsApp, Messenger and Threema; and apart from hair spaces it is the same text."""
    assert graph.shown(unmarked(text)) == text
    assert unmarked("Bürger*innen und Schüler*innen") == "Bürger*innen und Schüler*innen"


CHATS = [(mattermost.STYLE, chats.mattermost), (rocketchat.STYLE, chats.rocketchat)]


@pytest.mark.parametrize(("style", "shown"), CHATS, ids=["mattermost", "rocketchat"])
@given(text=st.text("ab *_~`[]()<>&;#:@.\\|-+„“"), data=st.data())
def test_every_sign_of_a_quote_is_seen_in_a_chat_of_ones_own(
    style: Style, shown: Callable[[str], str], text: str, data: st.DataObject
) -> None:
    """Neither a style nor a backslash too many; whichever part is the key sentence."""
    whole = f"Satz {text} Ende"
    start = data.draw(st.integers(0, len(whole) - 1))
    key = (start, data.draw(st.integers(start + 1, len(whole))))
    assert shown(style.text(whole)) == whole
    assert shown(written(Quote(whole, key, "Kapitel", ""), style)) == f"{whole}\nKapitel"
