"""The same promises for every channel; a new one is a kit and a line in KITS."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bot.channels import reception
from bot.wording import wording
from tests.bot.channels.conftest import (
    ASKED_LONG,
    ASKED_SIGNS,
    PARTS,
    SIGNS,
    WORDS,
    House,
    house,
    read_response,
)
from tests.bot.channels.kits import SENDER, SignalKit, WebhookKit, changed
from tests.bot.channels.peers.server import Fault

NOTICE = "automatische Suche"


def nothing_is_parsed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on a look at a body's meaning fails the test."""

    def parse(self: Any, received: Any) -> Any:
        raise AssertionError("a refused body was parsed")

    channel = house.client.app.state.channels.on[house.kit.name]  # type: ignore[attr-defined]
    monkeypatch.setattr(type(channel), "parse", parse)


def test_an_answer_is_quoted_and_cited_and_begins_with_who_speaks(channel: House) -> None:
    """The first message says what this is and where imprint and privacy are; the second doesn't
    again.
    """
    first = "\n".join(channel.ask("Werden Radwege ausgebaut?", "1"))
    assert NOTICE in first
    assert "nicht gespeichert" in first
    assert "/p/zeichen/datenschutz" in first
    assert "/p/zeichen/impressum" in first
    assert "Wir bauen Radwege aus. Busse fahren öfter." in first
    assert "Unser Programm › Verkehr" in first
    second = "\n".join(channel.ask("Werden Radwege ausgebaut?", "2"))
    assert "Wir bauen Radwege aus." in second
    assert NOTICE not in second
    assert not channel.peer.refused


def test_every_sign_of_the_programme_arrives(channel: House) -> None:
    """What is markup on the platform is text in a quote: `*`, `_`, `<`, `&`, backticks, tildes."""
    said = "\n".join(channel.ask(ASKED_SIGNS))
    assert SIGNS in said
    assert "Freiheit & Gleichheit, S. 3" in said
    assert not channel.peer.refused


def test_a_long_quote_is_cut_at_sentences_and_cited_in_each_part(channel: House) -> None:
    """Quote and citation never part, no message is longer than the platform takes, no word is
    lost, doubled or out of order.
    """
    said = channel.ask(ASKED_LONG)
    quoting = [text for text in said if "Das Schwimmbad Nummer" in text]
    assert all("Bäder, S. 7" in text for text in quoting)
    assert not channel.peer.refused
    if channel.kit.name == "rocketchat":
        return  # shows one message only; programmes have no passage that long
    assert len(quoting) >= (2 if channel.kit.limit < 5000 else 1)
    together = "\n".join(quoting)
    places = [together.find(part) for part in PARTS]
    assert -1 not in places
    assert places == sorted(places)
    assert not channel.peer.refused


def test_the_same_delivery_is_answered_once(channel: House) -> None:
    """Platforms deliver again when in doubt."""
    delivery = channel.kit.message("Werden Radwege ausgebaut?", "7")
    responses = [channel.post(delivery) for _ in range(4)]
    outcomes = channel.settled(1)
    assert outcomes["answered"] == 1
    assert outcomes["duplicate"] == 3
    said = [text for r in responses for text in read_response(channel.kit, r)] + channel.said()
    assert "\n".join(said).count("Wir bauen Radwege aus.") == 1
    again = WebhookKit.name == channel.kit.name
    assert {r.status_code for r in responses[1:]} == {409 if again else 200}


def test_a_batch_is_answered_whole(channel: House) -> None:
    """No message after the first is forgotten, within one request or several."""
    texts = ["Radwege?", ASKED_SIGNS, "Fahren Busse öfter?", "hilfe", "Busse"]
    for delivery in channel.kit.batch(texts):
        assert channel.post(delivery).status_code == 200
    assert channel.settled(5)["answered"] == 5


@pytest.mark.parametrize("kind", ["sticker", "picture", "voice", "location", "empty", "edited"])
def test_what_is_no_text_gets_a_kind_sentence(channel: House, kind: str) -> None:
    """No error, no silence."""
    said = " ".join(channel.ask("Radwege?", kind, kind=kind))
    kit = channel.kit.name
    if kit in ("mattermost", "rocketchat") and not (kit == "rocketchat" and kind == "edited"):
        assert "/mehr" in said  # a command without words asks for help
    else:
        assert WORDS.kind_other in said or WORDS.kind_edited in said


def test_ten_thousand_letters_are_too_long_a_question(channel: House) -> None:
    """Said in a sentence, on every channel."""
    letters = 3400 if channel.kit.name == "threema" else 10_000  # its phones send no more
    said = " ".join(channel.ask("Radwege? " * (letters // 9)))
    assert wording().too_long in said


def test_mehr_shows_other_passages_and_then_says_that_there_are_none(channel: House) -> None:
    """The hits of the last question, each once."""
    channel.ask("Radwege und Schwimmbad und Freiheit", "1")
    said = [" ".join(channel.ask("mehr", str(n))) for n in (2, 3)]
    assert "S. " in said[0] or "Verkehr" in said[0]
    assert WORDS.no_more in said[1]


def test_messages_out_of_order_are_each_answered(channel: House) -> None:
    """As they arrive, whenever they were written: "mehr" before its question gets a sentence, an
    older question after a newer one is answered, and "mehr" goes on with the last one answered.
    """
    now = time.time()
    assert WORDS.no_more in " ".join(channel.ask("mehr", "1", at=now))
    newer = " ".join(channel.ask("Radwege und Schwimmbad und Freiheit", "3", at=now))
    assert "S. " in newer
    older = channel.ask("Quantenphysik auf dem Mars?", "2", at=now - 60)
    assert wording().nothing in " ".join(older)
    assert WORDS.no_more in " ".join(channel.ask("mehr", "4", at=now))


def test_a_machine_that_answers_our_answers_is_left_alone(
    channel: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After as many messages as no person sends; but for channels that stand for many people."""
    monkeypatch.setattr(reception, "MOST", 2)
    paced = channel.kit.name not in ("webhook", "mattermost", "rocketchat")
    for number in range(3):
        channel.post(channel.kit.message("hilfe", str(number)))
    outcomes = channel.settled(2 if paced else 3)
    assert outcomes.get("too_many", 0) == (1 if paced else 0)
    assert outcomes["answered"] == (2 if paced else 3)


def test_answers_are_counted_under_the_channels_own_name(channel: House) -> None:
    """So that an operator sees which messenger people use."""
    channel.ask("Werden Radwege ausgebaut?")
    lines = channel.client.get("/metrics").text.splitlines()
    counted = [line for line in lines if line.startswith("fundstelle_answers_total{")]
    assert len(counted) == 1
    assert f'channel="{channel.kit.name}"' in counted[0]


def test_imprint_and_privacy_are_one_command_away(channel: House) -> None:
    """As words too, for messengers without commands."""
    assert "Die Partei\nWeg 1" in "\n".join(channel.ask("/impressum", "1"))
    assert "kein Sprachmodell" in "\n".join(channel.ask("Datenschutz", "2")).replace("K", "k")


def test_without_the_right_secret_nothing_is_looked_at(
    channel: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None, another, a longer one, one with strange signs: refused before parsing."""
    delivery = channel.kit.message("Radwege?")
    nothing_is_parsed(channel, monkeypatch)
    responses = forged(channel, delivery)
    assert {r.status_code for r in responses} <= {401, 403}
    assert not any(r.content for r in responses)
    assert channel.metrics() == {"refused": len(responses)}


def forged(channel: House, delivery: Any) -> list[Any]:
    """Every wrong way to say who one is."""
    kit = channel.kit
    if isinstance(kit, SignalKit):
        stranger = TestClient(channel.client.app, client=("203.0.113.9", 1))
        unnamed = TestClient(channel.client.app, client=("testclient", 1))
        proxied = [channel.post(delivery, None, **{name: "127.0.0.1"})
                   for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP")]  # fmt: skip
        return [channel.post(delivery, stranger), channel.post(delivery, unnamed), *proxied]
    if kit.name == "threema":
        bodies = [delivery.body.replace(b"mac=", b"mac=0"), delivery.body.partition(b"&mac=")[0],
                  delivery.body + b"&mac=" + b"0" * 64, b"", b"\xff" * 9]  # fmt: skip
        return [channel.post(changed(delivery, body)) for body in bodies]
    if kit.name == "rocketchat":
        bodies = [delivery.body.replace(b"geheim", b"heimge"), b"{}", b"", delivery.body * 2]
        return [channel.post(changed(delivery, body)) for body in bodies]
    secrets = {k: v for k, v in delivery.headers.items()
               if k.lower() not in ("content-type", "x-fundstelle-timestamp")}  # fmt: skip
    ((name, value),) = secrets.items()
    wrong = ["", value + "0", value[:-1], value[:-1] + "\xfc", value.swapcase(), "sha256="]
    responses = [channel.post(delivery, None, **{name: v}) for v in wrong]
    return responses


def test_a_changed_body_is_refused_before_parsing(
    channel: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Truncated, re-encoded, a bit turned: where the platform signs the body."""
    if not channel.kit.signed:
        pytest.skip("the platform signs no body; its secret, address or token stands for it")
    delivery = channel.kit.message("Radwege für Dörfer?")
    nothing_is_parsed(channel, monkeypatch)
    body = delivery.body
    bodies = [body[:-1], body[: len(body) // 2], b"", body + b" ", body.swapcase(), body * 2]
    if body.startswith(b"{"):
        text = json.loads(body)
        bodies += [
            json.dumps(text, ensure_ascii=False).encode(),
            json.dumps(text, indent=1).encode(),
        ]
    for other in bodies:
        assert channel.post(changed(delivery, other)).status_code in (401, 403)


def test_an_old_delivery_is_not_answered(channel: House) -> None:
    """A replay from before what is remembered: refused, or taken and left alone."""
    if channel.kit.name in ("mattermost", "rocketchat"):
        pytest.skip("these send no time; the same message is known by its id")
    response = channel.post(channel.kit.message("Radwege?", at=time.time() - 30 * 24 * 3600))
    assert response.status_code in (200, 401)
    assert channel.metrics() in ({"stale": 1}, {"refused": 1})


def test_authentic_nonsense_is_no_error_of_ours(channel: House) -> None:
    """Whoever has the secret may send anything; a 500 never comes of it."""
    kit = channel.kit
    for body in (b"", b"{", b"[]", b"null", b"5", b'{"update_id": {}}', b"[" * 5000, b"\xff\xfe",
                 b'{"envelope": []}', b'{"object": "page", "entry": 7}', b'{"text": 5}',
                 b'{"update_id": 1, "message": []}', b'{"update_id": 2, "message": {"chat": 5}}',
                 b'{"object":"whatsapp_business_account","entry":[{"changes":[7]}]}'):  # fmt: skip
        if hasattr(kit, "sign"):
            delivery = kit.sign(body)
        elif hasattr(kit, "signature"):
            delivery = kit.signature(body)
        else:
            delivery = changed(kit.message("x"), body)
        assert channel.post(delivery).status_code in (200, 400, 401, 403), body


def test_nobody_and_no_question_is_named(channel: House, caplog: pytest.LogCaptureFixture) -> None:
    """Not in a log at any level, not in a metric, not where sending fails."""
    caplog.set_level(logging.DEBUG)
    words = "Schwimmbadgeheimnis Freiheitsfrage"
    channel.peer.faults = [Fault(500)]
    channel.post(channel.kit.message(words + " Schwimmbad offen?", "nummer-eins"))
    channel.post(channel.kit.message(words, "nummer-zwei", kind="sticker"))
    channel.settled(2)
    ours = [r for r in caplog.records if not r.name.startswith(("httpx2", "hypothesis"))]
    logged = "\n".join(f"{r.name} {r.getMessage()} {r.args} {r.exc_text}" for r in ours)
    everything = logged + channel.client.get("/metrics").text
    for secret in ("geheimnis", "Freiheitsfrage", SENDER, "nummer-eins", "ECHOECHO", "4711:AA"):
        assert secret not in everything


def sent(channel: House) -> Any:
    """A message whose answer has to be sent, whatever rides in the response."""
    if channel.kit.in_response:
        pytest.skip("nothing is sent")
    return channel.kit.message(ASKED_LONG, "gesendet")


def test_told_to_wait_it_waits_and_answers_once(channel: House) -> None:
    """429 with retry_after in the body or Retry-After in the header, then 503."""
    delivery = sent(channel)
    channel.peer.faults = [
        Fault(429, {"ok": False, "parameters": {"retry_after": 0.3}}),
        Fault(429, headers={"Retry-After": "0"}),
        Fault(503, headers={"Retry-After": "0"}),
    ]
    began = time.monotonic()
    channel.post(delivery)
    assert channel.settled(1)["answered"] == 1
    assert time.monotonic() - began >= 0.3
    together = "\n".join(channel.said())
    assert all(together.count(part) == 1 for part in PARTS)


@pytest.mark.parametrize("fault", [Fault(hang=2.0, done=True), Fault(500, done=True), Fault(502)])
def test_what_may_have_arrived_is_not_sent_again(channel: House, fault: Fault) -> None:
    """Sent but timed out: counted as unsure, said without a name, never two answers; not when the
    platform delivers again either.
    """
    delivery = sent(channel)
    channel.peer.faults = [fault]
    channel.post(delivery)
    assert channel.settled(1)["unsure"] == 1
    channel.post(delivery)
    time.sleep(0.2)
    assert len(channel.said()) <= 1
    assert channel.metrics()["duplicate"] == 1


def test_who_blocks_us_is_counted(channel: House) -> None:
    """A refusal is final."""
    delivery = sent(channel)
    channel.peer.faults = [Fault(403, {"ok": False, "description": "bot was blocked"})]
    channel.post(delivery)
    assert channel.settled(1)["undeliverable"] == 1
    assert channel.peer.calls == 1


def test_a_channel_without_its_secrets_stays_off_and_says_so(
    kit: Any, difficult: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each missing one is named; the address is not there."""
    caplog.set_level(logging.INFO)
    for missing in {"SECRET", "TOKEN", "FROM"} & set(kit.environment("http://127.0.0.1:9")):
        variable = f"FUNDSTELLE_{kit.name.upper()}_{missing}"
        with house(kit, difficult, **{variable: ""}) as found:
            assert found.post(kit.message("Radwege?")).status_code == 404
        if len(kit.environment("")) - ("API" in kit.environment("")) > 1:
            assert f"channel {kit.name} stays off: no {variable}" in caplog.text
        assert kit.name in caplog.text.partition("channels off, not set up:")[2]
