"""Every message of every recording is one that its platform accepts."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.audit import listen
from bot.markup import blocks
from bot.model import Mode
from bot.store import open_store
from tests.core.recorded import RECORDINGS
from tests.markup.test_blocks import check as slack_accepts
from tests.markup.test_embed import hold as discord_accepts
from tests.notifiers.test_teams import hold as teams_accepts


async def hold(path: Path, mode: Mode) -> int:
    """Hold each message that a subscriber of everything gets against the platforms' schemas; how many there were."""
    store = open_store("sqlite://")
    try:
        await store.upgrade()
        notices = (await listen([path], store, mode)).notices
    finally:
        await store.close()
    for notice in notices:
        slack_accepts(blocks.message(notice))
        slack_accepts(blocks.message(notice, buttons=True))
        discord_accepts(notice)
        teams_accepts(notice)
    return len(notices)


@pytest.mark.parametrize("mode", [Mode.THREAD, Mode.POST])
@pytest.mark.parametrize("name", RECORDINGS)
async def test_every_message_of_a_recording_is_accepted(name: str, mode: Mode) -> None:
    assert await hold(RECORDINGS[name], mode) > 5
