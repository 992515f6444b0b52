from __future__ import annotations

import json
import re
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bot.app import create_app
from bot.library import Served
from bot.settings import Settings
from tests.conftest import SLUG

QUESTION = "Werden die Kita-Gebühren abgeschafft?"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feedback.jsonl"


@pytest.fixture
def asking(index_root: Path, file: Path) -> TestClient:
    return TestClient(create_app(Settings(index=index_root, rate_limit="", feedback=str(file))))


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def given(served: Served, **more: object) -> dict[str, object]:
    passage = served.bundle.passages[3].id
    return {
        "programme": SLUG, "version": served.version, "passages": [passage], "helpful": True,
        **more,
    }  # fmt: skip


def test_it_is_off_unless_switched_on(client: TestClient, served: Served) -> None:
    """No question on the page, no word of it in the privacy notice, no endpoint."""
    assert client.post("/api/feedback", json=given(served)).status_code == 404
    html = client.post(f"/p/{SLUG}", data={"message": QUESTION}).text
    assert "War das hilfreich?" not in html
    assert "Frage mitsenden" not in client.get(f"/p/{SLUG}/datenschutz").text


def test_exactly_this_is_stored(asking: TestClient, served: Served, file: Path) -> None:
    """Day, programme, version, passages, yes or no; not even the hour, and no member of the
    payload that isn't one of these.
    """
    extra = given(served, sender="0231 123456", session="abc", time="12:00")
    assert asking.post("/api/feedback", json=extra).status_code == 204
    today = datetime.now(UTC).date().isoformat()
    assert lines(file) == [
        {
            "date": today, "programme": SLUG, "version": served.version,
            "passages": [served.bundle.passages[3].id], "helpful": True,
        }
    ]  # fmt: skip
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_question_only_where_it_was_ticked(asking: TestClient, file: Path) -> None:
    """By the plain form, which has it in a hidden field all the time."""
    html = asking.post(f"/p/{SLUG}", data={"message": QUESTION}).text
    form = html[
        html.index('<form class="feedback"') : html.index("</form>", html.index("feedback"))
    ]
    fields = dict(re.findall(r'name="(version|message)" value="([^"]*)"', form))
    fields["passages"] = re.findall(r'name="passages" value="([^"]*)"', form)  # type: ignore[assignment]
    assert fields["message"] == QUESTION
    answer = asking.post(f"/p/{SLUG}/rueckmeldung", data={**fields, "helpful": "false"})
    assert answer.status_code == 200
    assert "Danke" in answer.text
    ticked = {**fields, "helpful": "true", "with_question": "true"}
    asking.post(f"/p/{SLUG}/rueckmeldung", data=ticked)
    first, second = lines(file)
    assert "question" not in first
    assert (first["helpful"], second["helpful"]) == (False, True)
    assert second["question"] == QUESTION
    assert len(first["passages"]) == 3


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"passages": ["Meine Nummer ist 0231"]}, 404),
        ({"programme": "mars"}, 404),
        ({"helpful": "vielleicht"}, 422),
        ({"version": "x" * 100}, 422),
        ({"passages": ["a"] * 11}, 422),
        ({"question": "x" * 3000}, 413),
    ],
)
def test_no_other_text_gets_into_the_file(
    asking: TestClient, served: Served, file: Path, change: dict[str, object], status: int
) -> None:
    """Whatever isn't the programme's own id or a question is refused, and nothing is written."""
    assert asking.post("/api/feedback", json=given(served, **change)).status_code == status
    assert not file.exists()


def test_an_unknown_version_is_not_stored_as_sent(
    asking: TestClient, served: Served, file: Path
) -> None:
    """It could be any text."""
    asking.post("/api/feedback", json=given(served, version="Anna Beispiel"))
    assert lines(file)[0]["version"] == "other"


def test_it_counts_against_the_rate_limit(index_root: Path, file: Path, served: Served) -> None:
    """Else a script could fill the disk."""
    settings = Settings(index=index_root, rate_limit="2/minute", feedback=str(file))
    client = TestClient(create_app(settings))
    codes = [client.post("/api/feedback", json=given(served)).status_code for _ in range(3)]
    assert codes == [204, 204, 429]
    assert len(lines(file)) == 2
