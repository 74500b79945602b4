"""Who may change what a channel is told: anybody in it, or the people and user groups that the settings name."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from bot.frontends.slack.workspace import LATER, Refused, Workspace

log = logging.getLogger("statusbot.slack")

NOT_NAMED = "Only the people named under [slack] may_subscribe in statusbot.toml may change what is told here."
NOT_KNOWN = "Slack does not say now who is in the user groups of [slack] may_subscribe; try again in a minute."
NOT_TOLD = (
    "Slack does not tell statusbot who is in the user groups of [slack] may_subscribe. Whoever runs it can mend that."
)
GONE = "no_such_subteam"  #: of a group that is not there, or disabled: nobody is in it
WHY = {
    GONE: "there is no such user group, or it is disabled",
    "missing_scope": "the app lacks the scope usergroups:read; grant it, and install the app again",
}


class Rights:
    """The rule of `[slack] may_subscribe`: ids of users (U…, W…) and of user groups (S…); none: anybody."""

    def __init__(self, named: Iterable[str], workspace: Workspace) -> None:
        self._users = frozenset(named)
        self._groups = sorted(word for word in self._users if word.startswith("S"))
        self._workspace = workspace
        self._told: dict[str, str] = {}  #: group -> the trouble that was logged, while it lasts

    async def why_not(self, user: str) -> str:
        """What it takes, in a sentence; empty where the person may."""
        if not self._users or user in self._users:
            return ""
        troubles = set[str]()
        for group in self._groups:
            try:
                if user in await self._workspace.members(group):
                    return ""
                self._told.pop(group, None)
            except Refused as refused:
                troubles.add(refused.word)
                self._note(group, refused)
        troubles.discard(GONE)
        if not troubles:
            return NOT_NAMED
        return NOT_KNOWN if troubles & LATER else NOT_TOLD

    def _note(self, group: str, refused: Refused) -> None:
        """Tell whoever runs the program, once while it lasts."""
        if self._told.get(group) != refused.word:
            why = WHY.get(refused.word, str(refused))
            log.warning("[slack] may_subscribe: who is in %s cannot be told: %s", group, why)
        self._told[group] = refused.word
