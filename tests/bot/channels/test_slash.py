"""What only the chats of one's own have: the shape of their response."""

from __future__ import annotations

from pathlib import Path

from tests.bot.channels.conftest import house
from tests.bot.channels.kits import MattermostKit, RocketChatKit


def test_only_who_asked_sees_mattermosts_answer(difficult: Path) -> None:
    """And Mattermost reads none of Slack's marks in it, such as <!channel>."""
    kit = MattermostKit()
    with house(kit, difficult) as found:
        body = found.post(kit.message("Werden Radwege ausgebaut?")).json()
    assert body["response_type"] == "ephemeral"
    assert body["skip_slack_parsing"] is True


def test_a_key_sentence_with_signs_is_not_bold_in_rocket_chat(difficult: Path) -> None:
    """Since within bold a backslash is seen."""
    kit = RocketChatKit()
    with house(kit, difficult) as found:
        plain = found.post(kit.message("Werden Radwege ausgebaut?", "1")).json()["text"]
        signs = found.post(kit.message("Was ist mit Freiheit und Gleichheit?", "2")).json()["text"]
    assert "> *Wir bauen Radwege aus.*" in plain
    assert "> Wir wollen \\*Freiheit\\*" in signs
