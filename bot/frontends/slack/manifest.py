"""The app's manifest: what Slack must know to make the app, with the scopes it needs and no others."""

from __future__ import annotations

from collections.abc import Collection, Mapping

COMMAND = "/statusbot"
PATH = "/slack/events"  #: of every request from Slack, where it comes by HTTP

#: Each scope of the bot token, and what would not work without it.
SCOPES: Mapping[str, str] = {
    "commands": "the command /statusbot",
    "chat:write": "to tell and to answer",
    "chat:write.public": "to tell public channels that it is not in",
    "channels:read": "to see whether a public channel can be told before promising it",
    "groups:read": "to see whether a private channel can be told",
    "channels:history": "to look whether a message arrived before sending it again, in public channels",
    "groups:history": "to look whether a message arrived before sending it again, in private channels",
    "channels:join": "to join the public channel that subscribes",
    "usergroups:read": "to know who is in the user groups of [slack] may_subscribe",
    "files:write": "to attach the digest's picture",
}
FOR_GROUPS = "usergroups:read"


def scopes(may_subscribe: Collection[str] = ()) -> dict[str, str]:
    """The scopes that these settings need; that for user groups only where one is named."""
    groups = any(word.startswith("S") for word in may_subscribe)
    return {scope: why for scope, why in SCOPES.items() if groups or scope != FOR_GROUPS}


def manifest(env: Mapping[str, str], may_subscribe: Collection[str] = ()) -> dict[str, object]:
    """The manifest as JSON: by HTTP where STATUSBOT_PUBLIC_URL is set and SLACK_APP_TOKEN is not, else by socket."""
    public = env.get("STATUSBOT_PUBLIC_URL", "").rstrip("/")
    address = f"{public}{PATH}" if public and not env.get("SLACK_APP_TOKEN") else ""
    request = {"request_url": address} if address else {}
    return {
        "display_information": {
            "name": "statusbot",
            "description": "One believable timeline of your providers' trouble",
            "background_color": "#1d3557",
        },
        "features": {
            "app_home": {"home_tab_enabled": True, "messages_tab_enabled": False},
            "bot_user": {"display_name": "statusbot", "always_online": True},
            "slash_commands": [
                {
                    "command": COMMAND,
                    **({"url": address} if address else {}),
                    "description": "Tell this channel about providers' trouble",
                    "usage_hint": "subscribe | status | timeline | mute | help",
                    "should_escape": True,
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": list(scopes(may_subscribe))}},
        "settings": {
            "event_subscriptions": {**request, "bot_events": ["app_home_opened"]},
            "interactivity": {
                "is_enabled": True,
                **request,
                **({"message_menu_options_url": address} if address else {}),
            },
            "org_deploy_enabled": False,
            "socket_mode_enabled": not address,
            "token_rotation_enabled": False,
        },
    }
