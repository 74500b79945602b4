"""An answer given in time: within 3 seconds Discord wants a word, or the promise of one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import discord
from discord import app_commands

from bot.answer.reply import Form, Reply
from bot.frontends.discord.views import Page, page, words
from bot.markup.components import LINK, MENU, Component

log = logging.getLogger("statusbot")

Interaction = discord.Interaction[discord.Client]

QUICK = timedelta(seconds=1.5)  #: how long an answer may take before Discord is told to wait for it (it waits for 3 s)
PATIENCE = timedelta(minutes=2)  #: … before the person is told that it takes too long
SLOW = "That takes longer than it should; I have given up waiting. Look with /subscriptions whether it was done."
OLD = "That is of another version of me. Reload Discord, and take the command from its list."
STRANGE = "This button is of another version of me. Type / and take a command from the list."
FAULT = "Something went wrong on my side; my log says what."


class Giving:
    """Answers interactions. form: what stands for a dialog that is wanted instead of an answer."""

    def __init__(self, form: Callable[[Form], Awaitable[Page]], *, patience: timedelta = PATIENCE) -> None:
        self._form = form
        self._patience = patience.total_seconds()

    async def answer(self, interaction: Interaction, work: Awaitable[Reply | Form], *, private: bool = True) -> None:
        """Say what comes of `work`. private: who sees the answer where it has to be promised before it is known."""
        asked = asyncio.ensure_future(self.outcome(work))
        try:
            done, _ = await asyncio.wait([asked], timeout=QUICK.total_seconds())
            if not done:
                await interaction.response.defer(ephemeral=private, thinking=True)
            shown = await asked
            if done:
                await interaction.response.send_message(ephemeral=shown.private, **parts(shown))
            else:
                await interaction.edit_original_response(**parts(shown))
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            lost(error)
        finally:
            asked.cancel()

    async def carry_out(self, interaction: Interaction, work: Awaitable[Reply | Form]) -> None:
        """The last step of a picker: it goes away, and the answer is for whom it is meant."""
        asked = asyncio.ensure_future(self.outcome(work))
        try:
            await interaction.response.edit_message(**parts(words("One moment …")))
            shown = await asked
            await interaction.followup.send(ephemeral=shown.private, **parts(shown))
            await interaction.delete_original_response()
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            lost(error)

    async def fail(self, interaction: Interaction, error: app_commands.AppCommandError) -> None:
        """A command that never came as far as an answer: one of another version, or a fault of ours."""
        old = isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch)
        if not old:
            log.error("a question from Discord could not be answered", exc_info=error)
        if not interaction.response.is_done() and interaction.type is discord.InteractionType.application_command:
            await self.say(interaction, words(OLD if old else FAULT, done=False))

    async def say(self, interaction: Interaction, shown: Page) -> None:
        """A page, only for who asked."""
        try:
            await interaction.response.send_message(ephemeral=True, **parts(shown))
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            lost(error)

    async def go_on(self, interaction: Interaction, shown: Page) -> None:
        """A picker's next page, in the place of the one that was used."""
        try:
            await interaction.response.edit_message(**parts(shown))
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            lost(error)

    async def outcome(self, work: Awaitable[Reply | Form]) -> Page:
        """What comes of it, whatever comes of it."""
        try:
            async with asyncio.timeout(self._patience):
                reply = await work
        except TimeoutError:
            return words(SLOW, done=False)
        except Exception:
            log.exception("a question from Discord could not be answered")
            return words(FAULT, done=False)
        return await self._form(reply) if isinstance(reply, Form) else page(reply)


def lost(error: Exception) -> None:
    """An answer that did not arrive; nothing of the error's own words, which may hold the interaction's token."""
    code = getattr(error, "code", 0)
    why = "too late for it" if code == 10062 else f"{type(error).__name__}{f' {code}' if code else ''}"
    log.warning("an answer did not reach Discord: %s", why)


class Still(discord.ui.View):
    """Buttons and menus that discord.py does not keep: a press is understood by its id alone (client.py)."""

    def is_finished(self) -> bool:
        """Always, so that nothing waits for it."""
        return True


def parts(shown: Page) -> dict[str, Any]:
    """A page as discord.py takes it; nobody is ever mentioned by an answer."""
    view = Still(timeout=None)
    for number, row in enumerate(shown.components):
        for one in row["components"]:  # type: ignore[attr-defined]
            view.add_item(item(one, number))
    return {
        "embed": discord.Embed.from_dict(shown.embed),
        "view": view,
        "allowed_mentions": discord.AllowedMentions.none(),
    }


def item(one: Component, row: int) -> discord.ui.Item[Any]:
    """A button or a menu as discord.py has it."""
    given: dict[str, Any] = {key: value for key, value in one.items() if key not in ("type", "style", "options")}
    if one["type"] == MENU:
        options = [discord.SelectOption(**option) for option in one["options"]]  # type: ignore[attr-defined]
        return discord.ui.Select(**given, options=options, row=row)
    style = discord.ButtonStyle.link if one["style"] == LINK else discord.ButtonStyle.secondary
    return discord.ui.Button(**given, style=style, row=row)
