"""The registry of source kinds: a kind's name, where its code is, and what a reader may expect of it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import cast

from bot.ports import Collector, Tools


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of source."""

    path: str  #: `module:Class`, imported when the kind is first used
    about: str  #: one line for `statusbot sources --kinds`
    needs: tuple[str, ...] = ()  #: environment variables without which it cannot be asked
    by_account: bool = False  #: named by `account`, not by `url`
    hosted: bool = True  #: stands on the provider's own ground, so that its silence is news about the provider
    threads: bool = True  #: its statements name the incident they belong to; else only a key or likeness can tell
    private: bool = False  #: confidential by default
    lists_open: bool = False  #: its documents list all that is open, so that an entry that is missing has vanished
    billed: bool = False  #: each question costs money, so that only `run` asks
    label: str = "the status page"  #: what a reader calls it


REGISTRY: dict[str, Kind] = {
    "statuspage": Kind("bot.collectors.statuspage:Statuspage", "Atlassian Statuspage, API v2", lists_open=True),
    "feed": Kind("bot.collectors.feed:Feed", "RSS, Atom or JSON Feed", label="the status feed"),
    "x": Kind(
        "bot.collectors.x:X",
        "an account's posts on X, API v2",
        needs=("X_BEARER_TOKEN",),
        by_account=True,
        billed=True,
        hosted=False,
        threads=False,
        label="X",
    ),
    "m365-public": Kind("bot.collectors.m365_public:M365Public", "Microsoft 365's public status page", threads=False),
    "msgraph": Kind(
        "bot.collectors.msgraph:MsGraph",
        "Microsoft Graph, service communications",
        needs=("MSGRAPH_TENANT_ID", "MSGRAPH_CLIENT_ID", "MSGRAPH_CLIENT_SECRET"),
        private=True,
        lists_open=True,
        label="the admin center (Microsoft Graph)",
    ),
    "slack": Kind("bot.collectors.slack:Slack", "slack-status.com, API v2.0.0", lists_open=True),
    "google-cloud": Kind("bot.collectors.google_cloud:GoogleCloud", "Google Cloud's incidents.json", lists_open=True),
}


def load(kind: str, tools: Tools) -> Collector:
    """The collector of a kind. Raises KeyError for a kind that is not in the registry."""
    module, _, name = REGISTRY[kind].path.partition(":")
    return cast("Collector", getattr(import_module(module), name)(tools))
