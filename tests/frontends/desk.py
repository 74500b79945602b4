"""A Desk that says what a test tells it to, and remembers what it was asked: for what a front end does by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.answer.reply import Asker, Choice, Form, Reply, Verb, Wish


@dataclass
class Script:
    """`reply` is every answer; `open`: cleared, no answer comes until it is set."""

    reply: Reply | Form = field(default_factory=lambda: Reply(("All is well.",)))
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    fault: Exception | None = None
    names: list[Choice] = field(default_factory=lambda: [Choice("microsoft-365", "Microsoft 365")])
    parts: list[Choice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.open.set()

    async def _say(self, *asked: Any) -> Any:
        self.asked.append(asked)
        await self.open.wait()
        if self.fault is not None:
            raise self.fault
        return self.reply

    async def status(self, asker: Asker, provider: str = "") -> Any:
        return await self._say("status", asker, provider)

    async def timeline(self, asker: Asker, incident: str = "") -> Any:
        return await self._say("timeline", asker, incident)

    async def why(self, asker: Asker, incident: str) -> Any:
        return await self._say("why", asker, incident)

    async def subscribe(self, asker: Asker, wish: Wish) -> Any:
        return await self._say("subscribe", asker, wish)

    async def unsubscribe(self, asker: Asker, providers: Sequence[str] = ()) -> Any:
        return await self._say("unsubscribe", asker, tuple(providers))

    async def subscriptions(self, asker: Asker) -> Any:
        return await self._say("subscriptions", asker)

    async def mute(self, asker: Asker, what: str, length: str = "") -> Any:
        return await self._say("mute", asker, what, length)

    async def unmute(self, asker: Asker, what: str) -> Any:
        return await self._say("unmute", asker, what)

    async def press(self, asker: Asker, verb: Verb, value: str) -> Any:
        return await self._say("press", asker, verb, value)

    def providers(self, words: str = "", limit: int = 25) -> list[Choice]:
        return [one for one in self.names if words.lower() in one.words.lower()][:limit]

    async def components(self, providers: Sequence[str], words: str = "", limit: int = 25) -> list[Choice]:
        return [one for one in self.parts if words.lower() in one.words.lower()][:limit]

    async def incidents(self, words: str = "", limit: int = 25) -> list[Choice]:
        await self.open.wait()
        return [Choice("i1", "Microsoft 365: Users can't sign in [MO1221364]")][:limit]
