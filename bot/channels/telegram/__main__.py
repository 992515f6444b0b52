"""`python -m bot.channels.telegram set-webhook`: tells Telegram where the server is, with which
secret, and which commands there are, in each language of ours that it knows. `info` shows what
Telegram knows; `delete-webhook` ends it.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from typing import Any

import httpx

from bot.channels.telegram import UPDATES, Telegram, make
from bot.settings import SettingsError, read
from bot.wording import CODES, DEFAULT, wording

NEEDED = ("TOKEN", "SECRET", "NAME")


def main() -> int:
    """0 where Telegram agreed, 1 where it didn't, 2 where a setting is missing."""
    parser = argparse.ArgumentParser(prog="python -m bot.channels.telegram", description=__doc__)
    parser.add_argument("action", choices=("set-webhook", "info", "delete-webhook"))
    options = parser.parse_args()
    try:
        settings = read(os.environ)
        channel = make({name: settings.channels[f"FUNDSTELLE_TELEGRAM_{name}"] for name in NEEDED}
                       | _api(settings.channels))  # fmt: skip
        if options.action == "set-webhook" and not settings.base_url.startswith("https://"):
            raise SettingsError("FUNDSTELLE_BASE_URL: an address with https:// is needed")
    except (KeyError, ValueError) as error:
        print(f"telegram: {error}", file=sys.stderr)
        return 2
    try:
        _act(channel, options.action, f"{settings.base_url}/channels/telegram")
    except (httpx.HTTPError, RuntimeError) as error:
        print(f"telegram: {type(error).__name__}: {_told(error)}", file=sys.stderr)
        return 1
    return 0


def _api(values: Any) -> dict[str, str]:
    api = values.get("FUNDSTELLE_TELEGRAM_API")
    return {"API": api} if api else {}


def _told(error: Exception) -> str:
    # httpx's messages hold the address, and that the token.
    return str(error) if isinstance(error, RuntimeError) else "no answer from the Bot API"


def _act(channel: Telegram, action: str, url: str) -> None:
    me = _call(channel, "getMe", {})
    if me["username"].casefold() != channel.handle.casefold():
        raise RuntimeError(f"the token is @{me['username']}'s, FUNDSTELLE_TELEGRAM_NAME is another")
    if action == "set-webhook":
        where = {"url": url, "secret_token": channel.secret}
        what = {"allowed_updates": list(UPDATES), "max_connections": 20}
        _call(channel, "setWebhook", where | what)
        _describe(channel)
        print(f"@{me['username']} now delivers to {url}")
    elif action == "delete-webhook":
        _call(channel, "deleteWebhook", {})
        print(f"@{me['username']} delivers nowhere")
    if action != "delete-webhook":
        info = _call(channel, "getWebhookInfo", {})
        print(f"waiting updates: {info.get('pending_update_count', 0)}; last error: "
              f"{info.get('last_error_message', 'none')}")  # fmt: skip
        if not me.get("supports_inline_queries"):
            print("inline mode is off: /setinline at @BotFather turns it on")


def _describe(channel: Telegram) -> None:
    """The commands, by the language of each person's Telegram; German for all others."""
    for code in CODES:
        words = vars(wording(code).channels.commands)
        commands = [{"command": name, "description": text} for name, text in words.items()]
        known = re.fullmatch("[a-z]{2}", code)  # ISO 639-1, so nothing for plain German
        if code == DEFAULT:
            _call(channel, "setMyCommands", {"commands": commands})
        if known:
            _call(channel, "setMyCommands", {"commands": commands, "language_code": code})


def _call(channel: Telegram, method: str, payload: dict[str, Any]) -> Any:
    url = f"{channel.api}/bot{channel.token}/{method}"
    answer = httpx.post(url, json=payload, timeout=15, trust_env=True).json()
    if not answer.get("ok"):
        raise RuntimeError(f"{method}: {answer.get('description', 'refused')}")
    return answer["result"]


if __name__ == "__main__":
    sys.exit(main())
