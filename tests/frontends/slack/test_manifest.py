"""What `statusbot slack manifest` prints: the scopes that are needed, and where Slack sends what."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.frontends.slack import manifest as manifest_module
from bot.frontends.slack.manifest import SCOPES, manifest, scopes

PUBLIC = "https://statusbot.example.com"


def made(**env: str) -> Any:
    return manifest(env)


def addresses(node: object) -> list[str]:
    """Every address within."""
    if isinstance(node, dict):
        return [found for child in node.values() for found in addresses(child)]
    if isinstance(node, list):
        return [found for child in node for found in addresses(child)]
    return [node] if isinstance(node, str) and node.startswith("http") else []


@pytest.mark.parametrize("env", [{}, {"SLACK_APP_TOKEN": "xapp-1", "STATUSBOT_PUBLIC_URL": PUBLIC}])
def test_by_socket_it_names_no_address(env: dict[str, str]) -> None:
    told = made(**env)
    assert told["settings"]["socket_mode_enabled"] is True
    assert addresses(told) == []


@pytest.mark.parametrize("public", [PUBLIC, f"{PUBLIC}/"])
def test_by_http_all_of_it_goes_to_one_address(public: str) -> None:
    told = made(STATUSBOT_PUBLIC_URL=public)
    assert told["settings"]["socket_mode_enabled"] is False
    assert addresses(told) == [f"{PUBLIC}/slack/events"] * 4
    assert told["features"]["slash_commands"][0]["url"] == f"{PUBLIC}/slack/events"
    assert told["settings"]["interactivity"]["message_menu_options_url"] == f"{PUBLIC}/slack/events"


def test_every_scope_has_its_reason_and_user_groups_are_read_only_where_one_is_named() -> None:
    assert all(why.strip() for why in SCOPES.values())
    assert set(SCOPES) - set(scopes(["U123"])) == {"usergroups:read"}
    assert scopes(["U123", "S123"]) == SCOPES
    bot = manifest({}, ["S123"])["oauth_config"]
    assert bot == {"scopes": {"bot": list(SCOPES)}}


def test_no_secret_stands_in_it() -> None:
    assert "secret" not in str(made(SLACK_SIGNING_SECRET="a-secret", SLACK_BOT_TOKEN="xoxb-secret"))


#: What each method of the Web API takes of the bot token (Slack's documentation of each); `|`: by the kind of channel.
NEEDS = {
    "apps_connections_open": "",  # the app-level token's connections:write
    "auth_test": "",
    "chat_postEphemeral": "chat:write",
    "chat_postMessage": "chat:write|chat:write.public",
    "chat_update": "chat:write",
    "conversations_history": "channels:history|groups:history",
    "conversations_info": "channels:read|groups:read",
    "conversations_join": "channels:join",
    "conversations_replies": "channels:history|groups:history",
    "files_upload_v2": "files:write",
    "usergroups_users_list": "usergroups:read",
    "views_open": "",
    "views_publish": "",
    "views_update": "",
}


def test_the_scopes_are_those_that_the_programs_own_calls_need() -> None:
    bot = Path(manifest_module.__file__).parents[2]
    sources = [*bot.glob("frontends/slack/*.py"), *bot.glob("notifiers/slack.py")]
    words = {word for path in sources for word in re.findall(r"\bclient\.(\w+)\(", path.read_text(encoding="utf-8"))}
    calls = {word for word in words if hasattr(AsyncWebClient, word)}
    assert calls == set(NEEDS)
    needed = {scope for call in calls for scope in NEEDS[call].split("|") if scope}
    assert needed | {"commands"} == set(SCOPES)
