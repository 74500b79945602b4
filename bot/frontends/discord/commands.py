"""The commands as Discord knows them, with their suggestions; each only translates to the Desk and back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot.answer.reply import Choice, Wish
from bot.frontends.discord.asking import asker, lacking
from bot.frontends.discord.giving import Giving, Interaction
from bot.frontends.discord.picker import picker
from bot.frontends.discord.views import choices, words
from bot.model import Impact, Mode

if TYPE_CHECKING:
    from bot.answer.desk import Desk

SUGGESTING = timedelta(seconds=2)  #: Discord waits 3 s for suggestions, which cannot be promised
Suggestions = list[app_commands.Choice[str]]

IMPACTS = [
    app_commands.Choice(name="any", value=Impact.NONE.value),
    app_commands.Choice(name="minor or worse", value=Impact.MINOR.value),
    app_commands.Choice(name="major or worse", value=Impact.MAJOR.value),
    app_commands.Choice(name="critical", value=Impact.CRITICAL.value),
]
MODES = [
    app_commands.Choice(name="one message, updates in its thread", value=Mode.THREAD.value),
    app_commands.Choice(name="one message, kept current", value=Mode.EDIT.value),
    app_commands.Choice(name="a message for each update", value=Mode.POST.value),
]
ANYWHERE = app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
CHANGES = app_commands.default_permissions(manage_channels=True)  #: hidden from whom it would refuse
Command = app_commands.Command[Any, ..., Any]


def tree_of(client: discord.Client, desk: Desk, giving: Giving) -> app_commands.CommandTree[discord.Client]:
    """Every command, hung on the client."""
    tree = app_commands.CommandTree(client, allowed_installs=app_commands.AppInstallationType(guild=True, user=False))
    for command in (*questions(desk, giving), *changes(desk, giving), subscribing(desk, giving)):
        tree.add_command(command)
    tree.error(giving.fail)
    return tree


def questions(desk: Desk, giving: Giving) -> Sequence[Command]:
    """What changes nothing; most of it can also be asked in a direct message."""
    suggesting = Suggesting(desk)

    @app_commands.command(description="How the providers are, or one of them")
    @app_commands.describe(provider="Which one; all without it")
    @app_commands.autocomplete(provider=suggesting.providers)
    @ANYWHERE
    async def status(interaction: Interaction, provider: str = "") -> None:
        await giving.answer(interaction, desk.status(asker(interaction), provider))

    @app_commands.command(description="What happened lately, or how one incident went")
    @app_commands.describe(incident="Which one: pick it, or name it, such as MO1221364")
    @app_commands.autocomplete(incident=suggesting.incidents)
    @ANYWHERE
    async def timeline(interaction: Interaction, incident: str = "") -> None:
        await giving.answer(interaction, desk.timeline(asker(interaction), incident))

    @app_commands.command(description="Why an incident reads as it does, and whether this channel is told")
    @app_commands.describe(incident="Which one: pick it, or name it, such as MO1221364")
    @app_commands.autocomplete(incident=suggesting.incidents)
    @ANYWHERE
    async def why(interaction: Interaction, incident: str) -> None:
        await giving.answer(interaction, desk.why(asker(interaction), incident))

    @app_commands.command(description="What this channel is told")
    @app_commands.guild_only
    async def subscriptions(interaction: Interaction) -> None:
        await giving.answer(interaction, desk.subscriptions(asker(interaction)))

    return status, timeline, why, subscriptions


def changes(desk: Desk, giving: Giving) -> Sequence[Command]:
    """What changes what a channel is told, but for /subscribe."""
    suggesting = Suggesting(desk)

    @app_commands.command(description="Tell this channel no more of a provider")
    @app_commands.describe(provider="Which one; all without it")
    @app_commands.autocomplete(provider=suggesting.providers)
    @app_commands.guild_only
    @CHANGES
    async def unsubscribe(interaction: Interaction, provider: str = "") -> None:
        who = asker(interaction)
        await giving.answer(interaction, desk.unsubscribe(who, named(provider)), private=not who.may)

    @app_commands.command(description="Nothing new here of an incident or a provider, for a while")
    @app_commands.describe(
        what="An incident or a provider", length="How long, such as 2h; until it is lifted without it"
    )
    @app_commands.autocomplete(what=suggesting.both)
    @app_commands.guild_only
    @CHANGES
    async def mute(interaction: Interaction, what: str, length: str = "") -> None:
        who = asker(interaction)
        await giving.answer(interaction, desk.mute(who, what, length), private=not who.may)

    @app_commands.command(description="Hear here again of an incident or a provider")
    @app_commands.describe(what="An incident or a provider")
    @app_commands.autocomplete(what=suggesting.both)
    @app_commands.guild_only
    @CHANGES
    async def unmute(interaction: Interaction, what: str) -> None:
        who = asker(interaction)
        await giving.answer(interaction, desk.unmute(who, what), private=not who.may)

    return unsubscribe, mute, unmute


def named(word: str) -> tuple[str, ...]:
    """What was typed, where anything was."""
    return (word,) if word else ()


def subscribing(desk: Desk, giving: Giving) -> Command:
    """/subscribe, which asks by menus for what was not said."""
    suggesting = Suggesting(desk)

    @app_commands.command(description="Tell this channel when a provider has trouble")
    @app_commands.describe(
        provider="Which one; choose from a menu without it",
        component="One of its services; choose from a menu without it",
        impact="How bad it has to be",
        mode="How updates are told",
        mention="A role to call",
        mention_from="How bad it has to be for the role to be called; critical without it",
        maintenance="Whether maintenances are told too; they are without it",
    )
    @app_commands.choices(impact=IMPACTS, mode=MODES, mention_from=IMPACTS)
    @app_commands.autocomplete(provider=suggesting.providers, component=suggesting.components)
    @app_commands.guild_only
    @CHANGES
    async def subscribe(
        interaction: Interaction,
        provider: str = "",
        component: str = "",
        impact: str = Impact.NONE.value,
        mode: str = "",
        mention: discord.Role | None = None,
        mention_from: str = Impact.CRITICAL.value,
        maintenance: bool = True,
    ) -> None:
        wish = Wish(
            providers=named(provider),
            components=named(component),
            min_impact=Impact(impact),
            mode=Mode(mode) if mode else None,
            maintenance=maintenance,
            mention={mention_from: mention.mention} if mention else {},
        )
        await begin(interaction, desk, giving, wish, mention)

    return subscribe


async def begin(
    interaction: Interaction, desk: Desk, giving: Giving, wish: Wish, role: discord.Role | None = None
) -> None:
    """Subscribe, or ask for what was not said; who may not is told so first, and what the bot lacks next."""
    who = asker(interaction)
    if who.may and (lacks := lacking(interaction, role)):
        await giving.say(interaction, words(lacks, done=False))
    elif who.may and (asked := await picker(wish, desk)):
        await giving.say(interaction, asked)
    else:
        await giving.answer(interaction, desk.subscribe(who, wish), private=not who.may)


class Suggesting:
    """What is suggested while somebody types: too late is as good as nothing."""

    def __init__(self, desk: Desk, patience: timedelta = SUGGESTING) -> None:
        self._desk = desk
        self._patience = patience.total_seconds()

    async def providers(self, _: Interaction, current: str) -> Suggestions:
        """Providers by id."""
        return listed(self._desk.providers(current))

    async def components(self, interaction: Interaction, current: str) -> Suggestions:
        """Components of the provider that was chosen before."""
        provider = getattr(interaction.namespace, "provider", "")
        return listed(await self._in_time(self._desk.components((provider,) if provider else (), current)))

    async def incidents(self, _: Interaction, current: str) -> Suggestions:
        """Open incidents by id, then those that closed lately."""
        return listed(await self._in_time(self._desk.incidents(current)))

    async def both(self, _: Interaction, current: str) -> Suggestions:
        """Incidents, then providers."""
        found = await self._in_time(self._desk.incidents(current, 15))
        return listed([*found, *self._desk.providers(current)])

    async def _in_time(self, asked: Awaitable[list[Choice]]) -> list[Choice]:
        try:
            async with asyncio.timeout(self._patience):
                return await asked
        except TimeoutError:
            return []


def listed(found: Iterable[Choice]) -> Suggestions:
    """Suggestions within Discord's limits."""
    return [
        app_commands.Choice(name=text, value=value) for value, text in choices((one.value, one.words) for one in found)
    ]
