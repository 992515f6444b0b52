from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import Settings, SettingsError, read


def test_everything_has_a_default() -> None:
    """An empty environment serves."""
    assert read({}) == Settings()


def test_values_are_read_from_their_variables() -> None:
    """FUNDSTELLE_ and the setting's name."""
    settings = read({"FUNDSTELLE_INDEX": "/srv/index", "FUNDSTELLE_MOST_LETTERS": "500"})
    assert settings.index == Path("/srv/index")
    assert settings.most_letters == 500


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FUNDSTELLE_BASE_URL", "frag.example.org"),
        ("FUNDSTELLE_RATE_LIMIT", "oft"),
        ("FUNDSTELLE_RATE_LIMIT", "0/minute"),
        ("FUNDSTELLE_PROGRAMME_RATE_LIMIT", "oft"),
        ("FUNDSTELLE_TRUSTED_PROXIES", "nonsense"),
        ("FUNDSTELLE_TRUSTED_PROXIES", "127.0.0.1,10.0.0.1/8"),
        ("FUNDSTELLE_TRUSTED_PROXIES", "127.0.0.1,*"),
        ("FUNDSTELLE_REDIS", "127.0.0.1:6379"),
        ("FUNDSTELLE_MOST_LETTERS", "viele"),
        ("FUNDSTELLE_MOST_BYTES", "0"),
        ("FUNDSTELLE_RELOAD_SECONDS", "bald"),
        ("FUNDSTELLE_RELOAD_SECONDS", "nan"),
        ("FUNDSTELLE_READ_SECONDS", "0"),
        ("FUNDSTELLE_DRAIN_SECONDS", "-1"),
        ("FUNDSTELLE_FEEDBACK", "/nirgends/feedback.jsonl"),
    ],
)
def test_a_bad_value_is_named_at_start(variable: str, value: str) -> None:
    """Not when the first citizen asks."""
    with pytest.raises(SettingsError, match=variable):
        read({variable: value})


def test_an_empty_variable_is_not_given() -> None:
    """As Compose makes of ${X:-}; but for the rate limit, which may be none."""
    names = [name for name in Settings.__dataclass_fields__ if name != "channels"]
    given = {f"FUNDSTELLE_{name.upper()}": "" for name in names}
    assert read(given) == Settings(rate_limit="")


@pytest.mark.parametrize("proxies", ["*", "127.0.0.1, ::1", "10.0.0.0/8,fd00::/8"])
def test_proxies_are_addresses_networks_or_all(proxies: str) -> None:
    """What the server library believes."""
    assert read({"FUNDSTELLE_TRUSTED_PROXIES": proxies}).trusted_proxies == proxies


def test_a_former_name_still_works() -> None:
    """Alone; beside today's only where both say the same."""
    former, today = "FUNDSTELLE_CHANNELS_SECRET", "FUNDSTELLE_SECRET"
    assert (
        read({former: "s" * 40}) == read({today: "s" * 40}) == read({former: "", today: "s" * 40})
    )
    with pytest.raises(SettingsError, match=f"{former}.*{today}") as refused:
        read({former: "s" * 40, today: "t" * 40})
    assert "ssss" not in str(refused.value)


def test_redis_needs_a_secret_that_nobody_guesses() -> None:
    """Neither is ever printed."""
    for secret in ("", "kurz"):
        with pytest.raises(SettingsError, match="FUNDSTELLE_SECRET"):
            read({"FUNDSTELLE_REDIS": "redis://:sesam@127.0.0.1", "FUNDSTELLE_SECRET": secret})
    settings = read({"FUNDSTELLE_REDIS": "redis://:sesam@a", "FUNDSTELLE_SECRET": "sesam" * 8})
    assert "sesam" not in repr(settings)
