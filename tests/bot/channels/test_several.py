"""Several programmes, languages, servers: what the contract test has only one of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bench import small
from bench.small import Chapter
from bot.app import create_app
from bot.channels import conversation, reception, wiring
from bot.channels.lanes import AT_ONCE, Lanes
from bot.channels.store import RedisStore
from bot.errors import BotError
from bot.settings import Settings, SettingsError, read
from bot.wording import wording
from tests.bot.channels.conftest import House, house
from tests.bot.channels.kits import (
    KITS,
    SENDER,
    Kit,
    MessengerKit,
    SignalKit,
    TelegramKit,
    WebhookKit,
    WhatsAppKit,
)
from tests.redises import RedisServer

SECRET = "s" * 40


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("two")
    for slug, place in (("rot", "Dortmund"), ("blau", "Bochum")):
        chapters = [Chapter("Verkehr", [f"Wir bauen Radwege in {place}. Busse fahren öfter."])]
        small.write(root, slug, chapters)
    return root


@pytest.fixture(params=[k for k in KITS], ids=lambda k: k.name)
def channel(request: pytest.FixtureRequest, two: Path) -> Iterator[House]:
    with house(request.param(), two) as found:
        yield found


def offered(title: str, channel: House, text: str) -> bool:
    """In the text, or in a list to choose from."""
    calls = [payload for _, payload in channel.peer.accepted[-1:]]
    return title in text or (channel.kit.name == "whatsapp" and title in str(calls))


def test_a_programme_is_chosen_in_the_conversation(channel: House) -> None:
    """Asked for first, by number; the question that led to it is answered with it; kept; another
    by its name; each answers with its own words.
    """
    asked = "\n".join(channel.ask("Wo baut ihr Radwege?", "1"))
    assert offered("Programm blau", channel, asked)
    assert "Radwege in" not in asked
    chosen = "\n".join(channel.ask("2", "2"))
    said = "\n".join(channel.ask("Wo baut ihr Radwege?", "3"))
    for answer in (chosen, said):  # the first question waited for the choice
        assert "Radwege in Dortmund" in answer
        assert "Bochum" not in answer
    assert "Programm rot" in chosen.partition("Radwege in")[0]
    channel.ask("/programm blau", "4")
    assert "Radwege in Bochum" in "\n".join(channel.ask("Wo baut ihr Radwege?", "5"))


def test_a_question_waits_for_a_programme_only_so_long(
    two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In memory alone; then it is gone, also where nobody asks."""
    monkeypatch.setattr(reception, "ASKED", 0.2)
    monkeypatch.setattr(wiring, "PULSE", 0.1)
    kit = SignalKit()
    with house(kit, two) as found:
        found.ask("Wo baut ihr Radwege?", "1")
        waiting = found.client.app.state.channels._reception._asked._talks  # type: ignore[attr-defined]
        assert [text for text, _ in waiting.values()] == ["Wo baut ihr Radwege?"]
        time.sleep(0.5)
        assert not waiting
        said = "\n".join(found.ask("2", "2"))
        assert "Programm rot" in said
        assert "Radwege" not in said


def test_a_waiting_question_is_never_in_redis(two: Path, redis: str) -> None:
    """It may be lost by that, and says so by asking; it can't be read by anybody."""
    kit = SignalKit()
    with house(kit, two, redis, SECRET) as found:
        found.ask("Wo baut ihr Wortbruchradwege?", "nur-im-speicher")

        async def dump() -> str:
            connection = Redis.from_url(redis)
            names = [name async for name in connection.scan_iter("*")]
            values = [await connection.dump(name) for name in names]
            await connection.aclose()
            return repr((names, values))

        stored = asyncio.run(dump())
        assert "rot" in stored  # the choices are there
        assert "Wortbruch" not in stored


def test_a_choice_stands_where_its_question_cant_be_answered(two: Path) -> None:
    """A question too long is said to be, and isn't asked again for ever."""
    with house(SignalKit(), two) as found:
        found.ask("Radwege? " * 1000, "1")
        said = "\n".join(found.ask("2", "2"))
        assert "Programm rot" in said
        assert wording().too_long in said
        assert "Radwege in Dortmund" in "\n".join(found.ask("Radwege?", "3"))


def test_inline_mode_searches_what_was_named_or_chosen(two: Path) -> None:
    """`@bot rot Radwege`; else the programme of the person's conversation; else the first."""
    kit = TelegramKit()
    with house(kit, two) as found:

        def results(query: str, number: int) -> str:
            asked = {"id": str(number), "from": {"id": int(SENDER)}, "query": query}
            return found.post(kit.delivery({"update_id": number, "inline_query": asked})).text

        assert "Bochum" in results("Radwege", 1)
        assert "Dortmund" in results("rot Radwege", 2)
        assert "Bochum" not in results("rot Radwege", 3)
        found.ask("/programm rot", "4")
        assert "Dortmund" in results("Radwege", 5)
        assert "Bochum" in results("Blau Radwege", 6)
        assert '"results": []' in results("rot", 7)
        assert '"is_personal": true' in results("Radwege", 8)


def test_a_list_is_opened_in_the_language_of_the_conversation(two: Path) -> None:
    """WhatsApp's button above it, too."""
    with house(WhatsAppKit(), two) as found:
        found.ask("/sprache tr", "1")
        found.ask("/programm", "2")
        action = found.peer.accepted[-1][1]["interactive"]["action"]
        assert action["button"] == wording("tr").channels.button_choose


def test_without_redis_the_start_says_what_it_cant_know(
    two: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What a server before it left behind can't be counted."""
    with house(SignalKit(), two):
        assert wiring.FORGETFUL in caplog.text


def test_another_persons_choice_is_theirs(channel: House) -> None:
    """Two people in one channel don't share a conversation."""
    if channel.kit.name == "threema":
        pytest.skip("the kit has one phone")
    channel.ask("/programm rot", "1", sender="4915100000001")
    asked = "\n".join(channel.ask("Radwege?", "2", sender="4915100000002"))
    assert offered("Programm blau", channel, asked)


def test_the_webhook_may_name_the_programme_itself(two: Path) -> None:
    """For a page of one programme; an unknown one is asked about."""
    kit = WebhookKit()
    with house(kit, two) as found:
        for slug, said in (("rot", "Dortmund"), ("blau", "Bochum"), ("gelb", "Programm rot")):
            body = f'{{"text": "Wo baut ihr Radwege?", "programme": "{slug}"}}'.encode()
            assert said in "\n".join(found.post(kit.sign(body)).json()["texts"])


def test_every_key_that_is_said_exists() -> None:
    """Read from the source, for German; other languages fall back to it."""
    import re

    source = Path(conversation.__file__).read_text(encoding="utf-8")
    keys = set(re.findall(r'say\((?:\w+(?:\.\w+)*, )?"(\w+)"', source))
    keys |= {"kind_other", "kind_edited", "programmes", "programmes_many"}
    assert len(keys) > 20
    for key in keys:
        assert getattr(wording().channels, key)
    for error in BotError.__subclasses__():
        assert error.key


def test_two_servers_with_one_redis_answer_once(two: Path, redis: str) -> None:
    """Duplicates go to whichever; the conversation goes on at the other one."""
    kit = SignalKit()
    with ExitStack() as stack:
        houses = [stack.enter_context(house(kit, two, redis, SECRET)) for _ in range(2)]
        delivery = kit.message("/programm rot", "doppelt")
        for found in houses * 3:
            assert found.post(delivery).status_code in (200, 503)
        houses[0].settled(1)
        assert sum(len(h.said()) for h in houses) == 1
        assert houses[1].metrics().get("answered", 0) == 0
        said = "\n".join(houses[1].ask("Wo baut ihr Radwege?", "weiter"))
        assert "Radwege in Dortmund" in said
        assert "automatische Suche" not in said


def test_redis_needs_a_secret(two: Path) -> None:
    """Else its hashes could be undone by whoever has them; said at the start."""
    with (
        pytest.raises(SettingsError, match="FUNDSTELLE_SECRET"),
        house(SignalKit(), two, "redis://127.0.0.1:9/0"),
    ):
        pass


def test_a_dead_redis_puts_off_and_loses_nothing(two: Path) -> None:
    """503, so that the platform delivers again."""
    kit = MessengerKit()
    with house(kit, two, "redis://127.0.0.1:9/0", SECRET) as found:
        assert found.post(kit.message("Radwege?")).status_code == 503
        assert found.metrics() == {"put_off": 1}


@pytest.mark.parametrize("meanwhile", ["dies", "forgets"])
def test_what_redis_lost_before_the_answer_is_answered_when_it_comes_again(
    two: Path, own_redis: RedisServer, meanwhile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between finding an answer and giving it; once, not each time."""
    kit = WebhookKit()
    with house(kit, two, own_redis.url, SECRET) as found:
        write = RedisStore.write

        async def last(self: RedisStore, *arguments: Any) -> None:
            await write(self, *arguments)
            monkeypatch.setattr(RedisStore, "write", write)
            own_redis.kill()
            if meanwhile == "forgets":
                own_redis.start()

        monkeypatch.setattr(RedisStore, "write", last)
        delivery = kit.message("Radwege?")
        assert found.post(delivery).status_code == 503
        if meanwhile == "dies":
            own_redis.start()
        assert [found.post(delivery).status_code for _ in range(2)] == [200, 409]
        assert found.metrics() == {"put_off": 1, "answered": 1, "duplicate": 1}


def test_an_answer_is_given_though_redis_dies_before_that_is_noted(
    two: Path, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never found again: from its beginning on the message is known."""
    kit = WebhookKit()
    with house(kit, two, own_redis.url, SECRET) as found:
        begin = RedisStore.begin

        async def last(self: RedisStore, *arguments: Any) -> bool:
            begun = await begin(self, *arguments)
            own_redis.kill()
            return begun

        monkeypatch.setattr(RedisStore, "begin", last)
        assert found.post(kit.message("Radwege?")).status_code == 200
        assert found.metrics() == {"answered": 1}


def test_what_has_no_room_is_put_off(two: Path) -> None:
    """503 and no claim: it is answered when it comes again."""
    kit = MessengerKit()
    with house(kit, two, FUNDSTELLE_CHANNELS_WAITING="2") as found:
        texts = ["/programm rot"] + [f"Radwege {n}?" for n in range(30)]
        (batch,) = kit.batch(texts)
        assert found.post(batch).status_code == 503
        for _ in range(200):
            if found.post(batch).status_code == 200:
                break
        assert found.settled(31)["answered"] == 31
        assert len({p["message"]["text"] for _, p in found.peer.accepted}) <= 31


@pytest.mark.parametrize("made", [MessengerKit, WhatsAppKit], ids=lambda k: k.name)
def test_metas_challenge_is_answered_only_with_the_verify_token(made: Any, two: Path) -> None:
    """A GET, once, when the webhook is entered."""
    kit: Kit = made()
    with house(kit, two) as found:
        asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444"}
        address = f"/channels/{kit.name}"
        right = found.client.get(address, params={**asked, "hub.verify_token": "prüf-mich"})
        assert (right.status_code, right.text) == (200, "1158201444")
        for wrong in ("", "prüf-mic", "prüf-mich ", "PRÜF-MICH"):
            refused = found.client.get(address, params={**asked, "hub.verify_token": wrong})
            assert (refused.status_code, refused.content) == (403, b"")
        assert found.client.get(address).status_code == 403


@pytest.mark.parametrize("made", KITS, ids=lambda k: k.name)
def test_a_setting_without_sense_stops_the_start_naming_it(made: Any) -> None:
    """Not when the first citizen writes."""
    kit: Kit = made()
    wrong = {"POLICY_READ": "no", "FROM": "8.8.8.8", "KEY": "xyz", "SECRET": "kurz",
             "TOKEN": "kurz"}  # fmt: skip
    values = kit.environment("http://127.0.0.1:9")
    name = next(n for n in wrong if n in values)
    values = {
        f"FUNDSTELLE_{kit.name.upper()}_{k}": v for k, v in {**values, name: wrong[name]}.items()
    }
    with pytest.raises(SettingsError, match=f"FUNDSTELLE_{kit.name.upper()}_{name}"):
        wiring.configured(values)


def test_lanes_keep_a_persons_order_and_hold_up_nobody_else() -> None:
    """One who is slow to reach waits alone."""
    done: list[str] = []

    async def scenario() -> None:
        lanes = Lanes()

        async def job(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            done.append(name)

        for name, seconds in (("a1", 0.2), ("a2", 0.0), ("b1", 0.05), ("b2", 0.0)):
            lanes.put(name[0], lambda n=name, s=seconds: job(n, s))  # type: ignore[misc]
        assert lanes.waiting == 4
        assert await lanes.drain(5) == 0
        await lanes.close()

    asyncio.run(scenario())
    assert done == ["b1", "b2", "a1", "a2"]


def test_who_is_told_to_wait_keeps_no_other_from_working() -> None:
    """A platform that says "later" to everybody holds up no other platform."""
    done: list[int] = []

    async def scenario() -> None:
        lanes = Lanes()

        async def told(number: int) -> None:
            await lanes.rest(60 if number < AT_ONCE else 0)
            done.append(number)

        for number in range(AT_ONCE + 1):
            lanes.put(str(number), partial(told, number))
        assert await lanes.drain(0.5) == AT_ONCE
        await lanes.close()

    asyncio.run(scenario())
    assert done == [AT_ONCE]


@pytest.mark.parametrize("name", ["FUNDSTELLE_CHANNELS_TIMEOUT", "FUNDSTELLE_CHANNELS_WAITING"])
@pytest.mark.parametrize("value", ["bald", "0", "-1"])
def test_a_number_that_is_none_ends_the_start(two: Path, name: str, value: str) -> None:
    """When the application is made, so in a line, not in the middle of starting."""
    with pytest.raises(SettingsError, match=name):
        create_app(Settings(index=two, channels={name: value}))


def test_several_workers_need_redis_for_messengers(two: Path) -> None:
    """Else each would answer what another has answered; without messengers they need none."""
    values = {"FUNDSTELLE_WEBHOOK_SECRET": "s" * 40}
    with pytest.raises(SettingsError, match="FUNDSTELLE_REDIS"):
        wiring.check_several(Settings(index=two, channels=values))
    wiring.check_several(Settings(index=two))
    shared = Settings(index=two, channels=values, redis="redis://127.0.0.1:9/0", secret=SECRET)
    wiring.check_several(shared)


def test_a_setting_that_no_channel_has_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """A slip of the pen, such as TOKN; what all of them have is left alone."""
    wiring.configured({"FUNDSTELLE_TELEGRAM_TOKN": "1:a", "FUNDSTELLE_TELEGRAM_API": "http://x"})
    assert "channel telegram has no setting FUNDSTELLE_TELEGRAM_TOKN" in caplog.text
    assert "_API" not in caplog.text


def test_a_setting_that_nobody_reads_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """RATELIMIT would be no limit that anybody set. The proxy's, and what Kubernetes puts into
    every container, are not ours to judge.
    """
    theirs = ("DOMAIN", "SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP_ADDR",
              "REDIS_PORT", "REDIS_SERVICE_HOST", "CHANNELS_WAITING")  # fmt: skip
    given = {f"FUNDSTELLE_{name}": "1" for name in (*theirs, "RATELIMIT")}
    wiring.configured(read(given).channels)
    warnings = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert warnings == ["there is no setting FUNDSTELLE_RATELIMIT"]
