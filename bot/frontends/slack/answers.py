"""What is done about a command, a button, the dialog and the Home tab: the desk is asked, a channel is joined."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.answer.asked import asked as understood
from bot.answer.reply import Asker, Choice, Form, Reply, Verb, Wish
from bot.frontends.slack import dialog, replies
from bot.frontends.slack.manifest import COMMAND
from bot.frontends.slack.request import Asked, word
from bot.frontends.slack.rights import Rights
from bot.frontends.slack.workspace import Reach, Refused, Workspace
from bot.model import Destination

if TYPE_CHECKING:
    from bot.answer.desk import Desk

KIND = "slack"  #: the kind of destination that a channel is
QUICK = 1.0  #: seconds for what stands between a person and a dialog, or a suggestion

LATE = "Slack waits 3 seconds for a dialog, and that took longer. Try again, or use words: /statusbot help"
UNSURE = "Slack does not answer statusbot just now; try again in a minute."
ELSEWHERE = "This statusbot serves another workspace. Ask whoever runs it to install one for yours."
OUTSIDE = "Joining this channel failed. Messages come all the same; with /invite @{name} none is ever told twice."
OBSTACLES = {
    Reach.PRIVATE: "Nothing is subscribed yet: this channel is private. First /invite @{name} here, then subscribe.",
    Reach.ARCHIVED: "This channel is archived: nothing can be told here.",
    Reach.DIRECT: "Only channels can subscribe: ask that in one.",
}


class Answers:
    """Each method returns what to say, or None where it has been shown already. They raise Refused, and the desk's."""

    def __init__(self, desk: Desk, workspace: Workspace, rights: Rights) -> None:
        self._desk = desk
        self._workspace = workspace
        self._rights = rights

    async def ours(self, who: Asked) -> bool:
        """Whether all of it comes from the workspace of the token. Raises Refused while Slack does not say."""
        return who.teams == {(await self._workspace.identity()).team}

    async def command(self, who: Asked, words: str) -> Reply | None:
        """`/statusbot <words>`"""
        meant = understood(words)
        if meant.command == "subscribe" and (meant.words or meant.options):
            return await self._subscribed(who, lambda asker: self._desk.ask(asker, words))
        asker = await self._asker(who)
        return await self._shown(who, asker, await self._desk.ask(asker, words))

    async def press(self, who: Asked, verb: Verb, value: str) -> Reply | None:
        """A button under a message."""
        asker = await self._asker(who)
        return await self._shown(who, asker, await self._desk.press(asker, verb, value))

    async def submit(self, who: Asked, wish: Wish) -> Reply | None:
        """The dialog, filled in."""
        return await self._subscribed(who, lambda asker: self._desk.subscribe(asker, wish))

    async def rechoose(self, view: Mapping[str, object]) -> None:
        """Other providers are chosen in the dialog: it asks for their components from now on."""
        wish = replace(dialog.wish_of(view), components=())
        shown = dialog.view(wish, dialog.Notes.read(word(view, "private_metadata")), self._name)
        id_, state = word(view, "id"), word(view, "hash")
        with suppress(Refused):  # the person was quicker, and the next choice comes along
            await self._workspace.call(lambda client: client.views_update(view_id=id_, hash=state, view=shown))

    async def home(self, who: Asked) -> None:
        """The Home tab, for the person who looks at it."""
        shown = replies.home(await self._desk.home(KIND))
        await self._workspace.call(lambda client: client.views_publish(user_id=who.user, view=shown))

    async def suggest(self, who: Asked, action: str, view: object, typed: str) -> list[Choice]:
        """Providers, or components of the chosen ones; nothing for strangers, nor while Slack does not say who asks."""
        with suppress(Refused, TimeoutError):
            async with asyncio.timeout(QUICK):
                if await self.ours(who):
                    if action == dialog.PROVIDERS:
                        return self._desk.providers(typed, dialog.CHOICES)
                    return await self._desk.components(dialog.wish_of(view).providers, typed, dialog.CHOICES)
        return []

    async def _asker(self, who: Asked) -> Asker:
        why_not = await self._rights.why_not(who.user)
        return Asker(Destination(KIND, who.channel), who.user, not why_not, why_not, before=f"{COMMAND} ")

    async def _subscribed(self, who: Asked, wanted: Callable[[Asker], Awaitable[Reply | Form]]) -> Reply | None:
        """Subscribe the channel, if it can be told at all, and join it where it is public."""
        asker = await self._asker(who)
        reach = await self._workspace.reach(who.channel, who.channel_name) if asker.may else Reach.UNKNOWN
        if reach in OBSTACLES:
            return await self._obstacle(reach)
        answer = await wanted(asker)
        joins = reach is Reach.PUBLIC and isinstance(answer, Reply) and answer.done
        if joins and isinstance(answer, Reply) and not await self._workspace.join(who.channel):
            hint = OUTSIDE.format(name=(await self._workspace.identity()).name)
            answer = replace(answer, more=f"{answer.more} {hint}".strip())
        return await self._shown(who, asker, answer)

    async def _shown(self, who: Asked, asker: Asker, answer: Reply | Form) -> Reply | None:
        """A reply as it is; in place of a form the dialog, for those who may."""
        if isinstance(answer, Reply):
            return answer
        if not asker.may:
            return Reply((asker.why_not,), done=False)
        return await self._opened(who, answer.wish)

    async def _opened(self, who: Asked, wish: Wish) -> Reply | None:
        """The dialog, unless it is known by now that it would be in vain."""
        with suppress(TimeoutError):
            async with asyncio.timeout(QUICK):
                reach = await self._workspace.reach(who.channel, who.channel_name)
                if reach in OBSTACLES:
                    return await self._obstacle(reach)
        view = dialog.view(wish, dialog.notes_of(who, wish), self._name)
        try:
            await self._workspace.call(lambda client: client.views_open(trigger_id=who.trigger, view=view))
        except Refused as refused:
            return Reply((LATE if "trigger" in refused.word else UNSURE,), done=False)
        return None

    async def _obstacle(self, reach: Reach) -> Reply:
        return Reply((OBSTACLES[reach].format(name=(await self._workspace.identity()).name),), done=False)

    def _name(self, provider: str) -> str:
        """What people call a provider."""
        found = (choice.words for choice in self._desk.providers(provider) if choice.value == provider)
        return next(found, provider)
