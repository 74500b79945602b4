"""Whatever a platform answers, and however the error is shown: no secret stands in it."""

from __future__ import annotations

import traceback

import aiohttp
import pytest

from bot import notifiers
from bot.errors import SendError
from bot.model import Act
from bot.ports import Finds
from tests.notifiers.notices import delivery, notice, outcome, tools, update
from tests.support.rogue import PATHS, SECRETS, TURNS, Rogue, leaks
from tests.support.server import serve

PLACES = {
    "slack": "C1",
    "discord": "42",
    "teams": "ops",
    "slack-webhook": "ops",
    "discord-webhook": "ops",
    "webhook": "own",
}


@pytest.mark.parametrize("kind", PLACES)
async def test_no_error_shows_a_secret(kind: str) -> None:
    rogue, raised = Rogue(), 0
    async with serve(rogue) as server, aiohttp.ClientSession() as session:
        env = {"SLACK_API_URL": f"{server.url}/slack/api/", "DISCORD_API_URL": f"{server.url}/discord/api/v10"}
        env |= {**SECRETS, **{name: f"{server.url}/{name}{path}" for name, path in PATHS.items()}}
        notifier = notifiers.load(kind, tools(lambda: session, **env))
        owed = delivery(kind, PLACES[kind], Act.POST)
        message = notifier.render(notice(update(0), act=Act.POST))
        for _ in range(TURNS):
            found = [notifier.find(owed.destination, owed)] if isinstance(notifier, Finds) else []
            for doing in (notifier.send(owed.destination, message, owed), *found):
                came = await outcome(doing)
                if isinstance(came, SendError):
                    raised += 1
                    assert leaks(f"{came} {came!r} {''.join(traceback.format_exception(came))}") == []
        await notifier.close()
    assert leaks(rogue.heard)  # the secrets were there to be repeated
    assert raised >= TURNS / 2
