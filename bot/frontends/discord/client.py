"""discord.py's client with this program's commands: what it does from its login to the first press of a button."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import discord
from discord.gateway import DiscordWebSocket, ReconnectWebSocket
from discord.http import Route
from yarl import URL

from bot.answer.reply import Form, Verb
from bot.frontends.discord.asking import asker, lacking
from bot.frontends.discord.budget import Budget
from bot.frontends.discord.commands import tree_of
from bot.frontends.discord.giving import STRANGE, Giving, Interaction
from bot.frontends.discord.picker import ALL, STEPS, picker, step, unpack
from bot.frontends.discord.views import Page, words
from bot.markup.components import pressed
from bot.ports import Store, Tools
from bot.reach import Proxy

if TYPE_CHECKING:
    from bot.answer.desk import Desk

log = logging.getLogger("statusbot")

HOME = "https://discord.com/api/v10"
BREAKS, WITHIN = 5, timedelta(minutes=1)  #: of one connection, after which resuming it at once is no use
CHANGING = (Verb.MUTE, Verb.UNMUTE, Verb.UNSUBSCRIBE)  #: whose answers are for the whole channel


class Ended(Exception):  # it is told to the supervisor, and is no fault of ours
    """Discord does not keep up the session; its words are for the log."""


class Client(discord.Client):
    """One session of the gateway, from its login to its end; a broken connection of it is resumed.

    heard: called with the bot's name and the number of its servers each time that it is connected.
    """

    def __init__(self, desk: Desk, store: Store, tools: Tools, heard: Callable[[str, int], None]) -> None:
        super().__init__(
            intents=intents(),
            proxy=move(tools.env),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            guild_ready_timeout=1.0,
            max_ratelimit_timeout=60.0,
        )
        self._desk = desk
        self._store = store
        self._clock = tools.clock
        self._heard = heard
        self._giving = Giving(self._form)
        self._budget: Budget | None = None
        self._breaks: list[datetime] = []  # of the connection, as far as they count
        self.tree = tree_of(self, desk, self._giving)

    async def setup_hook(self) -> None:
        """After the login, before the gateway: where that is, what it allows, and which commands there are.

        The first identify is counted here: once discord.py has begun to beat, it cannot be called back at once.
        Raises Spent.
        """
        self._budget = Budget(self._store, self._clock, self.application_id or 0)
        _, url, limit = await self.http.get_bot_gateway()
        DiscordWebSocket.DEFAULT_GATEWAY = URL(url)
        self._budget.learn(limit["total"], limit["remaining"], timedelta(milliseconds=limit["reset_after"]))
        await self._tell_commands()
        await self._budget.take()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """The first was counted (`setup_hook`); no other may follow, whatever becomes of `dispatch`. Raises Ended."""
        if not initial:
            raise Ended("Discord has ended the session")

    async def _tell_commands(self) -> None:
        """Tell Discord the commands where they changed (it takes 200 creations a day)."""
        name, digest = f"discord.commands.{self.application_id}", definition(self.tree)
        if await self._store.read(lambda ledger: ledger.note(name)) == digest:
            return
        await self.tree.sync()
        await self._store.write(lambda ledger: ledger.save_note(name, digest))

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Hand on an event; after the end discord.py would stumble over one that it had put off (`ready`).

        Raises Ended where discord.py, which just then tells of a break, should not go on by itself.
        """
        cause = sys.exc_info()[1]
        if event == "disconnect" and isinstance(cause, ReconnectWebSocket):
            self._broken(resumable=cause.resume)
        if not self.is_closed():
            super().dispatch(event, *args, **kwargs)

    def _broken(self, *, resumable: bool) -> None:
        """The connection broke: it is resumed, unless that would be in vain. Raises Ended.

        discord.py would resume for ever without a pause, and begin another session every 5 s, however often that is
        refused. So each session has a client of its own, with a pause before it and with what is left of the budget.
        """
        now = self._clock.now()
        self._breaks = [*(at for at in self._breaks if now - at < WITHIN), now]
        if not resumable:
            raise Ended("Discord has ended the session")
        if len(self._breaks) >= BREAKS:
            raise Ended("the connection breaks again and again")

    async def on_ready(self) -> None:
        """A new session."""
        self._tell_heard()

    async def on_resumed(self) -> None:
        """The session from before."""
        self._tell_heard()

    def _tell_heard(self) -> None:
        """Tell the supervisor, unless the connection of which this event told is over already."""
        if not self.is_closed():
            self._heard(str(self.user), len(self.guilds))

    async def on_interaction(self, interaction: Interaction) -> None:
        """A press; commands go their own way, through the tree."""
        if interaction.type is not discord.InteractionType.component:
            return
        data: Mapping[str, Any] = interaction.data or {}
        verb, value = pressed(str(data.get("custom_id", ""))) or ("", "")
        if verb in STEPS:
            await self._step(interaction, verb, value, data.get("values") or ())
        elif verb in list(Verb):
            who = asker(interaction)
            work = self._desk.press(who, Verb(verb), value)
            await self._giving.answer(interaction, work, private=not who.may or verb not in CHANGING)
        else:
            await self._giving.say(interaction, words(STRANGE, done=False))

    async def _step(self, interaction: Interaction, verb: str, value: str, chosen: Any) -> None:
        """A step of the picker."""
        wish = unpack(value)
        if wish is None:
            await self._giving.say(interaction, words(STRANGE, done=False))
            return
        if verb != ALL:
            wish = step(verb, wish, map(str, chosen))
            if asked := await picker(wish, self._desk):
                await self._giving.go_on(interaction, asked)
                return
        who = asker(interaction)
        if who.may and (lacks := lacking(interaction)):
            await self._giving.go_on(interaction, words(lacks, done=False))
            return
        await self._giving.carry_out(interaction, self._desk.subscribe(who, wish))

    async def _form(self, form: Form) -> Page:
        """What stands for the dialog to subscribe; where there is nothing to ask, how to say it."""
        return await picker(form.wish, self._desk) or words("Say it with /subscribe.")

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """A fault of ours costs this event, not the connection."""
        log.exception("Discord's %s failed in our own code; it goes on", event_method)


def intents() -> discord.Intents:
    """Servers and their channels; nothing that Discord holds privileged."""
    wanted = discord.Intents.none()
    wanted.guilds = True
    return wanted


def move(env: Mapping[str, str]) -> str | None:
    """Point discord.py at the configured address; the proxy for it."""
    Route.BASE = env.get("DISCORD_API_URL", HOME).rstrip("/")
    proxy = Proxy(env.get("HTTPS_PROXY"), env.get("NO_PROXY", "")).of(URL(Route.BASE))
    return str(proxy) if proxy else None


def definition(tree: discord.app_commands.CommandTree[Any]) -> str:
    """The digest of the commands as Discord is told them."""
    told = sorted((command.to_dict(tree) for command in tree.get_commands()), key=lambda one: str(one["name"]))
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
