"""The registry of destination kinds: a kind's name, where its code is, and what it can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from typing import cast

from bot.model import Destination, Mode
from bot.ports import Notifier, Tools


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of destination."""

    path: str  #: `module:Class`, imported when the kind is first used
    about: str
    modes: frozenset[Mode] = frozenset({Mode.POST})
    needs: tuple[str, ...] = ()  #: environment variables; `{NAME}` stands for the destination's own name
    named: bool = True  #: written `kind:name`
    extra: str = ""  #: the package of its own that it stands on, and the name of the extra that brings it


EVERY = frozenset(Mode)
MOVABLE = ("SLACK_API_URL", "DISCORD_API_URL")  #: where a platform is, which may be mended as well

REGISTRY: dict[str, Kind] = {
    "console": Kind("bot.notifiers.console:Console", "this terminal", named=False),
    "slack": Kind("bot.notifiers.slack:Slack", "a Slack channel, by its id", EVERY, ("SLACK_BOT_TOKEN",)),
    "discord": Kind("bot.notifiers.discord:Discord", "a Discord channel, by its id", EVERY, ("DISCORD_BOT_TOKEN",)),
    "teams": Kind("bot.notifiers.teams:Teams", "a Teams Workflows webhook", needs=("TEAMS_WEBHOOK_{NAME}",)),
    "slack-webhook": Kind(
        "bot.notifiers.slack_webhook:SlackWebhook", "a Slack incoming webhook", needs=("SLACK_WEBHOOK_{NAME}",)
    ),
    "discord-webhook": Kind(
        "bot.notifiers.discord_webhook:DiscordWebhook",
        "a Discord webhook",
        frozenset({Mode.POST, Mode.EDIT}),
        ("DISCORD_WEBHOOK_{NAME}",),
    ),
    "webhook": Kind("bot.notifiers.webhook:Webhook", "signed JSON to an address of yours", needs=("WEBHOOK_{NAME}",)),
    "apprise": Kind(
        "bot.notifiers.apprise:Apprise",
        "e-mail, Telegram, ntfy and a hundred others, by an address of Apprise",
        needs=("APPRISE_URL_{NAME}",),
        extra="apprise",
    ),
}


def mode_for(kind: str, wanted: Mode = Mode.THREAD) -> Mode:
    """The mode wanted, or `post` where a kind can neither edit nor thread (CONTRACT.md, "Modes")."""
    return wanted if wanted in REGISTRY[kind].modes else Mode.POST


def digest(to: Destination, env: Mapping[str, str]) -> str:
    """What tells one state of a destination's settings from the next, and none of them itself."""
    from bot.post import variable  # noqa: PLC0415  # which brings aiohttp, and most commands need no more than REGISTRY

    kind = REGISTRY.get(to.kind)
    names = [need.replace("{NAME}", variable("", to.name)) for need in (kind.needs if kind else ())]
    values = "\0".join(f"{name}={env.get(name, '').strip()}" for name in (*names, *MOVABLE))
    return sha256(f"{to}\0{values}".encode("utf-8", "replace")).hexdigest()


def load(kind: str, tools: Tools) -> Notifier:
    """The notifier of a kind. Raises KeyError for a kind that is not in the registry."""
    module, _, name = REGISTRY[kind].path.partition(":")
    return cast("Notifier", getattr(import_module(module), name)(tools))
