"""Who may change what a channel is told: anybody in it, or the people and user groups that the settings name."""

from __future__ import annotations

from collections.abc import Iterable

from bot.frontends.slack.workspace import Refused, Workspace

NOT_NAMED = "Only the people named under [slack] may_subscribe in statusbot.toml may change what is told here."
NOT_KNOWN = "Slack does not say now who is in the user groups of [slack] may_subscribe; try again in a minute."


class Rights:
    """The rule of `[slack] may_subscribe`: ids of users (U…, W…) and of user groups (S…); none: anybody."""

    def __init__(self, named: Iterable[str], workspace: Workspace) -> None:
        self._users = frozenset(named)
        self._groups = sorted(word for word in self._users if word.startswith("S"))
        self._workspace = workspace

    async def why_not(self, user: str) -> str:
        """What it takes, in a sentence; empty where the person may."""
        if not self._users or user in self._users:
            return ""
        unknown = False
        for group in self._groups:
            try:
                if user in await self._workspace.members(group):
                    return ""
            except Refused:
                unknown = True
        return NOT_KNOWN if unknown else NOT_NAMED
