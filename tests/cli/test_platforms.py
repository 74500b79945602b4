"""slack manifest."""

from __future__ import annotations

import json

from tests.cli.place import Place


def test_the_manifest_of_slacks_app_is_json(here: Place) -> None:
    said = here.say("slack", "manifest")
    assert (said.code, said.err) == (0, "")
    told = json.loads(said.out)
    assert told["settings"]["socket_mode_enabled"] is True
    assert "usergroups:read" not in told["oauth_config"]["scopes"]["bot"]


def test_the_manifest_follows_the_settings(here: Place) -> None:
    here.write("statusbot.toml", '[slack]\nmay_subscribe = ["S0123456789"]')
    said = here.say("slack", "manifest", env={"STATUSBOT_PUBLIC_URL": "https://status.example.com"})
    told = json.loads(said.out)
    assert told["settings"]["event_subscriptions"]["request_url"] == "https://status.example.com/slack/events"
    assert "usergroups:read" in told["oauth_config"]["scopes"]["bot"]
