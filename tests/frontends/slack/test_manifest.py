"""What `statusbot slack manifest` prints: the scopes that are needed, and where Slack sends what."""

from __future__ import annotations

from typing import Any

import pytest

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
