"""A notice as each platform's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.markup import blocks, embed
from bot.model import Notice
from bot.notifiers.teams import Teams, with_key
from tests.notifiers.notices import KEY, tools
from tests.pictures.pages import CARDS, discord, slack, teams


def pages(notice: Notice) -> Mapping[str, str]:
    """By platform and colours; Teams' only where Microsoft's package is installed."""
    body = embed.with_key(embed.message(notice, buttons=True), KEY).body
    message: Any = blocks.message(notice, buttons=True).body["blocks"]
    drawn = {"slack": slack(message), "slack-dark": slack(message, dark=True), "discord": discord(body)}
    if CARDS.exists():
        card = card_of(notice)
        drawn |= {"teams": teams(card), "teams-dark": teams(card, dark=True)}
    return drawn


def card_of(notice: Notice) -> Any:
    """The Adaptive Card of a notice, as it is sent."""
    body: Any = with_key(Teams(tools()).render(notice).body, KEY)
    return body["attachments"][0]["content"]
