"""Subscribing step by step: the provider, then its components, from menus that carry what was said so far.

Nothing is remembered between two steps but what the menu's own id says, so that any process can go on, also after a
restart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.answer.reply import Choice, Wish
from bot.frontends.discord.views import Page, words
from bot.markup.components import CHOICES, Component, button, menu
from bot.model import Impact, Mode

if TYPE_CHECKING:
    from bot.answer.desk import Desk

PROVIDER, COMPONENTS, ALL = "provider", "components", "all"  #: what is pressed in a picker, besides the Desk's verbs
STEPS = (PROVIDER, COMPONENTS, ALL)


def pack(wish: Wish) -> str:
    """What was wished so far, as it stands in a menu's id; components are what the menu asks for."""
    provider = wish.providers[0] if wish.providers else ""
    least, call = next(iter(wish.mention.items()), ("", ""))
    role = "e" if call == "@everyone" else "".join(char for char in call if char.isdigit())
    parts = (provider, wish.min_impact.value, wish.mode or "", "" if wish.maintenance else "n", role, least)
    return "|".join(parts)


def unpack(text: str) -> Wish | None:
    """The wish that a menu's id carries; None where it is not of this version's form."""
    parts = text.split("|")
    if len(parts) != 6:
        return None
    provider, least, mode, maintenance, role, from_ = parts
    call = "@everyone" if role == "e" else f"<@&{role}>"
    well = role in ("", "e") or (role.isascii() and role.isdigit())
    if not well or least not in list(Impact) or mode not in ("", *Mode) or (role and from_ not in list(Impact)):
        return None
    return Wish(
        providers=(provider,) if provider else (),
        min_impact=Impact(least),
        mode=Mode(mode) if mode else None,
        maintenance=not maintenance,
        mention={from_: call} if role else {},
    )


async def picker(wish: Wish, desk: Desk) -> Page | None:
    """What to ask next; None where nothing is left to ask."""
    if not wish.providers:
        offered = desk.providers(limit=CHOICES)
        listed = menu(PROVIDER, pack(wish), "Choose a provider", _pairs(offered))
        return _ask("Which provider?", offered, "provider", listed)
    offered = await desk.components(wish.providers, limit=CHOICES)
    if wish.components or len(offered) < 2 or "|" in wish.providers[0]:
        return None
    listed = menu(COMPONENTS, pack(wish), "Choose components", _pairs(offered), most=CHOICES)
    everything = button(ALL, pack(wish), "Everything")
    return _ask("Which components? Or everything of it.", offered, "component", listed, everything)


def _ask(text: str, offered: Sequence[Choice], what: str, *pressed: Component | None) -> Page | None:
    """None also where an id cannot carry the wish: then it is carried out as it is."""
    more = f" Others than these: /subscribe with the {what}'s name." if len(offered) == CHOICES else ""
    return words(text + more, *pressed) if all(pressed) else None


def step(verb: str, wish: Wish, chosen: Iterable[str]) -> Wish:
    """The wish with what was chosen."""
    values = tuple(chosen)
    return replace(wish, providers=values) if verb == PROVIDER else replace(wish, components=values)


def _pairs(found: Iterable[Choice]) -> list[tuple[str, str]]:
    return [(one.value, one.words) for one in found]
