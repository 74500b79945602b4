"""What is drawn: the evening of 22 January 2026 as a channel was told it, taken from the replay of its recording."""

from __future__ import annotations

from collections.abc import Mapping

from bot.audit import listen
from bot.model import Act, Mode, Notice
from bot.store import open_store
from tests.core.recorded import MO1221364


async def scenes() -> Mapping[str, Notice]:
    """Messages worth a look, by name."""
    threaded, single = [await heard(mode) for mode in (Mode.THREAD, Mode.POST)]
    opening = next(notice for notice in threaded if notice.act is Act.CREATE)
    replies = [notice for notice in threaded if notice.act is Act.REPLY]
    edits = [notice for notice in threaded if notice.act is Act.EDIT]
    down = next(notice for notice in replies if notice.updates[-1].observed.startswith("down|"))
    return {
        "opening": opening,
        "update": next(notice for notice in replies if notice.updates[-1].reports),
        "page-down": down,
        "going-on": next(notice for notice in edits if len(notice.incident.updates) >= 8),
        "end": next(notice for notice in replies if not notice.incident.open),
        "over": edits[-1],
        "single": next(notice for notice in single if len(notice.incident.updates) >= 3 and notice.updates[-1].reports),
    }


async def heard(mode: Mode) -> list[Notice]:
    """Every message that a subscriber of everything got."""
    store = open_store("sqlite://")
    try:
        await store.upgrade()
        return list((await listen([MO1221364], store, mode)).notices)
    finally:
        await store.close()
