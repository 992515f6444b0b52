from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import SettingsError, read
from index.environment import from_files


def test_a_file_stands_for_its_variable(tmp_path: Path) -> None:
    """For every setting, with the end of the line taken off and nothing else; channels' too."""
    for written, meant in (("s3 \n", "s3 "), ("s3\r\n", "s3"), ("s3", "s3"), ("a\n\n", "a\n")):
        (tmp_path / "it").write_text(written, newline="")
        given = {"FUNDSTELLE_TELEGRAM_TOKEN_FILE": str(tmp_path / "it"), "PATH": "/bin"}
        assert from_files(given) == {"FUNDSTELLE_TELEGRAM_TOKEN": meant, "PATH": "/bin"}
    (tmp_path / "it").write_text("4/minute\n")
    settings = read({"FUNDSTELLE_RATE_LIMIT_FILE": str(tmp_path / "it")})
    assert settings.rate_limit == "4/minute"


def test_an_empty_variable_is_not_given(tmp_path: Path) -> None:
    """As compose files write `${NAME:-}`."""
    (tmp_path / "it").write_text("x")
    given = {"FUNDSTELLE_SECRET": "", "FUNDSTELLE_SECRET_FILE": str(tmp_path / "it")}
    assert from_files(given) == {"FUNDSTELLE_SECRET": "x"}
    assert (
        from_files({"FUNDSTELLE_SECRET": "y", "FUNDSTELLE_SECRET_FILE": ""})["FUNDSTELLE_SECRET"]
        == "y"
    )


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_what_cannot_be_read_is_named_without_a_value(
    tmp_path: Path, content: bytes | None
) -> None:
    """Both variables; not even the file's name, which may be the secret itself, by mistake."""
    path = tmp_path / "sesam"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"FUNDSTELLE_SECRET_FILE, for FUNDSTELLE_SECRET") as no:
        read({"FUNDSTELLE_SECRET_FILE": str(path)})
    assert "sesam" not in str(no.value)


def test_both_are_one_too_many(tmp_path: Path) -> None:
    """It can't be told which one is meant."""
    (tmp_path / "it").write_text("sesam")
    with pytest.raises(SettingsError, match=r"FUNDSTELLE_SECRET, FUNDSTELLE_SECRET_FILE") as no:
        read({"FUNDSTELLE_SECRET": "sesam", "FUNDSTELLE_SECRET_FILE": str(tmp_path / "it")})
    assert "sesam" not in str(no.value)


def test_a_setting_that_is_a_file_means_itself(tmp_path: Path) -> None:
    """Its name ends like that of a file with a value in it; it may come from one, too."""
    given = {"FUNDSTELLE_INSIGHTS": "on", "FUNDSTELLE_INSIGHTS_FILE": str(tmp_path / "counts")}
    assert read(given).insights_file == tmp_path / "counts"
    (tmp_path / "it").write_text(f"{tmp_path}/others\n")
    given = {"FUNDSTELLE_INSIGHTS": "on", "FUNDSTELLE_INSIGHTS_FILE_FILE": str(tmp_path / "it")}
    assert read(given).insights_file == tmp_path / "others"


def test_a_secret_in_the_place_of_a_number_is_not_shown(tmp_path: Path) -> None:
    """By mistake; the variable is enough to find it."""
    (tmp_path / "it").write_text("sesam")
    with pytest.raises(SettingsError, match="FUNDSTELLE_MOST_BYTES") as no:
        read({"FUNDSTELLE_MOST_BYTES_FILE": str(tmp_path / "it")})
    assert "sesam" not in str(no.value)
