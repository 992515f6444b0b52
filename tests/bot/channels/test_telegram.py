"""What only Telegram has: inline mode, buttons, groups, the command that sets the webhook up. Read
by aiogram's types, refused by a Bot API on loopback that keeps to the documented limits.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiogram.methods
import pytest
from pydantic import BaseModel

from bot.channels import conversation
from bot.channels.base import Button, Incoming, Quote, Reply
from bot.channels.telegram import Telegram, make
from tests.bot.channels.conftest import ASKED_LONG, House, house
from tests.bot.channels.kits import TOKEN, TelegramKit
from tests.bot.channels.peers import telegram as api
from tests.bot.channels.peers.server import running
from tests.conftest import ROOT

PAYLOADS = Path(__file__).parent / "payloads" / "telegram"
TO = Incoming("1", "5:5", "", {"chat_id": 5})


@pytest.fixture
def channel(difficult: Path) -> Iterator[House]:
    with house(TelegramKit(), difficult) as found:
        yield found


def update(house: House, name: str, number: int, **changes: Any) -> Any:
    """An example payload, now and with a number of its own."""
    body = json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))
    body["update_id"] = number
    for part in body.values():
        if isinstance(part, dict):
            part.update(changes)
            part["date"] = 4102444800 if "date" in part else part.get("date")
    return house.post(house.kit.delivery(body))  # type: ignore[attr-defined]


def surplus(model: BaseModel) -> set[str]:
    """Fields that the Bot API doesn't have; aiogram keeps them aside."""
    found = set(model.model_extra or {})
    for name in type(model).model_fields:
        value = getattr(model, name)
        for one in value if isinstance(value, list) else [value]:
            for part in one if isinstance(one, list) else [one]:
                if isinstance(part, BaseModel):
                    found |= surplus(part)
    return found


def parsed(call: dict[str, Any]) -> BaseModel:
    name = call["method"][0].upper() + call["method"][1:]
    fields = {k: v for k, v in call.items() if k != "method"}
    model: BaseModel = getattr(aiogram.methods, name).model_validate(fields)
    assert not surplus(model)
    return model


def test_an_answer_in_the_response_is_a_call_as_aiogram_knows_it(channel: House) -> None:
    """With buttons that fit, and links that Telegram opens."""
    call = update(channel, "message", 1).json()
    model: Any = parsed(call)
    assert api.refusal(call["method"], call) is None
    row = model.reply_markup.inline_keyboard[-1]
    assert [button.text for button in row][-2:] == ["Im Programm lesen", "Weitere Fragen"]
    assert all(b.url or len(b.callback_data.encode()) <= 64 for b in row)


def test_inline_mode_offers_quotes_with_their_citation(channel: House) -> None:
    """`@FragBot Radwege` in any chat: articles, each with what would be posted."""
    call = update(channel, "inline_query", 2).json()
    model: Any = parsed(call)
    assert api.refusal(call["method"], call) is None
    assert model.inline_query_id == "134567890097"
    assert model.results
    assert "Verkehr" in model.results[0].title
    posted = api.shown(model.results[0].input_message_content.message_text)
    assert "Wir bauen Radwege aus." in posted
    assert "Unser Programm › Verkehr" in posted
    empty = update(channel, "inline_query", 3, query="").json()
    assert empty["results"] == []
    assert not channel.peer.accepted


def test_a_pressed_button_stops_turning_and_is_answered(channel: House) -> None:
    """Two calls, so both go by the API; the answer comes even where the first is too late."""
    update(channel, "message", 4)
    channel.peer.faults = []
    assert not update(channel, "callback_query", 5).content
    channel.settled(2)
    assert [path.rsplit("/", 1)[1] for path, _ in channel.peer.accepted][:2] == [
        "answerCallbackQuery", "sendMessage",
    ]  # fmt: skip


def test_a_choice_is_good_only_where_it_was_offered(channel: House) -> None:
    """An old button never answers another question."""
    update(channel, "message", 6)
    offered = update(channel, "message", 7, text="fragen").json()
    data = offered["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    update(channel, "callback_query", 8, data=data)
    update(channel, "callback_query", 9, data="#00000000")
    channel.settled(4)
    said = channel.said()
    assert "gilt nicht mehr" in said[-1]
    assert "Unser Programm ›" in "".join(said[:-1])


@pytest.mark.parametrize("name", ["group_not_addressed", "group_command_of_another"])
def test_in_a_group_it_is_silent_until_addressed(channel: House, name: str) -> None:
    """Whatever people talk about there is not looked for."""
    assert not update(channel, name, 10).content
    assert not channel.metrics()


@pytest.mark.parametrize("name", ["group_mention", "group_reply"])
def test_in_a_group_it_answers_in_reply(channel: House, name: str) -> None:
    """So that everybody sees what was asked."""
    response = update(channel, name, 11)
    channel.settled(1)
    calls = [response.json()] if response.content else [p for _, p in channel.peer.accepted]
    assert calls
    assert all(parsed({"method": "sendMessage", **call}) for call in calls)
    assert all(call["reply_parameters"]["message_id"] in (2, 4) for call in calls)


def test_only_a_forums_topic_is_a_thread(channel: House) -> None:
    """A reply elsewhere names a thread as well, and Telegram refuses to send there."""
    topic = {"message_thread_id": 77}
    reply = update(channel, "group_reply", 20, text="hilfe", **topic).json()
    assert "message_thread_id" not in reply
    forum = update(channel, "group_reply", 21, text="hilfe", **topic, is_topic_message=True).json()
    assert forum["message_thread_id"] == 77
    assert not surplus(parsed(forum))
    body = json.loads((PAYLOADS / "callback_query.json").read_text(encoding="utf-8"))
    body["callback_query"]["message"] |= {**topic, "is_topic_message": True}
    channel.post(channel.kit.delivery(body))  # type: ignore[attr-defined]
    channel.settled(3)
    assert channel.peer.accepted[-1][1]["message_thread_id"] == 77


@pytest.mark.parametrize(
    ("name", "news"),
    [
        ("edited_message", {"text": None, "location": {"latitude": 51.5, "live_period": 900}}),
        ("message", {"text": None, "pinned_message": {"message_id": 1}}),
        ("message", {"text": None, "message_auto_delete_timer_changed": {}}),
    ],
)
def test_a_chats_own_news_get_no_answer(channel: House, name: str, news: dict[str, Any]) -> None:
    """A live location moves every few seconds; somebody pins a message: nobody has asked."""
    assert not update(channel, name, 22, **news).content
    assert not channel.metrics()


def test_start_with_a_slug_chooses_a_programme(channel: House) -> None:
    """As in t.me/FragBot?start=zeichen, the link on a poster."""
    call = update(channel, "start", 12, text="/start zeichen").json()
    assert "Programm zeichen" in call["text"]
    assert call["text"].count("automatische Suche") == 1


@pytest.mark.parametrize("length", [1, 40, 64, 5000])
def test_whatever_is_rendered_is_taken(length: int) -> None:
    """Labels, titles and texts of any length, of signs that take two places."""
    bot = Telegram(TOKEN, "s" * 16, "FragBot")
    word = "🚲" * length
    quote = Quote(f"{word}. {word}", (0, length), word[:500], "https://x.example/" + "a" * 300)
    choices = tuple(Button(word, say="#" + "a" * 8) for _ in range(9))
    reply = Reply((word,), (quote,), (word,), choices, (Button(word, say="mehr"),))
    for call in bot.render(reply, TO):
        assert api.refusal(call.method, call.payload) is None


@pytest.mark.parametrize(
    ("name", "value"), [("SECRET", "kurz"), ("SECRET", "ä" * 20), ("TOKEN", "ohne Doppelpunkt")]
)
def test_a_setting_that_cant_be_right_stops_the_start(name: str, value: str) -> None:
    """Naming it."""
    values = {"TOKEN": TOKEN, "SECRET": "s" * 16, "NAME": "FragBot", name: value}
    with pytest.raises(ValueError, match=name):
        make(values)


def command(address: str, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "FUNDSTELLE_TELEGRAM_TOKEN": TOKEN, "FUNDSTELLE_TELEGRAM_SECRET": "S" * 32,
        "FUNDSTELLE_TELEGRAM_NAME": "FragBot", "FUNDSTELLE_TELEGRAM_API": address,
        "FUNDSTELLE_BASE_URL": "https://frag.example.org", **changes,
    }  # fmt: skip
    program = [sys.executable, "-m", "bot.channels.telegram", *arguments]
    return subprocess.run(
        program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_one_command_sets_the_webhook_up() -> None:
    """As docs/channels.md says: address, secret, kinds of updates, commands; the token is never
    shown.
    """
    peer = TelegramKit().peer()
    with running(peer) as address:
        done = command(address, "set-webhook")
        assert (done.returncode, done.stderr) == (0, "")
        wrong = command(address, "set-webhook", FUNDSTELLE_TELEGRAM_NAME="Anderer")
    told = [(path.rsplit("/", 1)[1], payload) for path, payload in peer.accepted]
    calls = dict(reversed(told))
    assert calls["setWebhook"]["url"] == "https://frag.example.org/channels/telegram"
    assert calls["setWebhook"]["secret_token"] == "S" * 32
    assert "inline_query" in calls["setWebhook"]["allowed_updates"]
    described = {p.get("language_code", ""): p["commands"] for m, p in told if m == "setMyCommands"}
    assert set(described) == {"", "de", "en", "tr", "ar", "pl", "ru", "uk"}
    assert described[""] == described["de"] != described["tr"]
    for commands in described.values():
        assert parsed({"method": "setMyCommands", "commands": commands})
        assert {c["command"] for c in commands} <= set(conversation.COMMANDS)
        assert {c["command"] for c in commands} >= {"hilfe", "impressum", "datenschutz"}
    assert "frag.example.org" in done.stdout
    assert wrong.returncode == 1
    unreachable = command("http://127.0.0.1:9", "set-webhook")
    assert unreachable.returncode == 1
    plain = command(address, "set-webhook", FUNDSTELLE_BASE_URL="http://frag.example.org")
    assert plain.returncode == 2
    everything = (done, wrong, unreachable, plain)
    assert not any(TOKEN in d.stdout + d.stderr for d in everything)


def test_a_long_answer_in_a_group_is_sent_whole(channel: House) -> None:
    """More than one message goes by the API, each in reply."""
    update(channel, "group_mention", 13, text=f"@FragBot {ASKED_LONG}")
    channel.settled(1)
    assert len(channel.said()) >= 2
    assert all(payload["reply_parameters"] for _, payload in channel.peer.accepted)
