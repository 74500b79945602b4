"""X: one account's own posts by API v2, where every post that is read is paid for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.collectors.x.answer import age, document_of, next_token, objects
from bot.collectors.x.api import Api
from bot.collectors.x.memory import ID, Memory
from bot.collectors.x.posts import statements
from bot.collectors.x.spending import pace, warning
from bot.errors import Unreadable
from bot.model import Capture, Cursor, Item, Source
from bot.ports import Tools

__all__ = ["X", "pace", "warning"]

PATIENCE = 20.0  #: seconds within which an answer must be complete; tweepy has no limit of its own
PAGES = 5  #: of one poll; what is older than these is given up


class X:
    """ports.Collector of an account's own posts: no replies, no reposts."""

    def __init__(self, tools: Tools, *, patience: float = PATIENCE) -> None:
        """patience: the seconds within which each answer must be complete."""
        self._tools = tools
        self._patience = patience

    async def fetch(self, source: Source, cursor: Cursor) -> AsyncIterator[Capture]:
        """The posts since the last poll, a page each, newest page first; a failure ends it."""
        api = Api(self._tools, source, self._patience)
        memory = Memory(source, cursor.state, self._tools.clock.now())
        failure = api.unable() or _spent(api, memory) or await _resolve(api, memory) or _spent(api, memory)
        if failure is not None:
            yield memory.seal(failure)
            return
        async for capture in _poll(api, memory, source):
            yield capture

    def parse(self, source: Source, capture: Capture) -> Sequence[Item]:
        """The account's posts, oldest first, each in the newest version at hand. Raises Unreadable."""
        return statements(source, capture)


def _spent(api: Api, memory: Memory) -> Capture | None:
    if not memory.spent:
        return None
    return api.own(402, f"monthly read budget of {memory.budget} spent (statusbot's own limit)")


async def _resolve(api: Api, memory: Memory) -> Capture | None:
    """Make sure of the account's numeric id; None, or the failure where there is none to be had."""
    if memory.user_id:
        return None
    capture = await api.user(memory.handle)
    document = document_of(capture)
    memory.count(document)
    data = document.get("data")
    user_id = data.get("id") if isinstance(data, dict) else None
    if not isinstance(user_id, str) or not ID.fullmatch(user_id):
        return capture
    memory.know(user_id)
    return None


async def _poll(api: Api, memory: Memory, source: Source) -> AsyncIterator[Capture]:
    """The pages of one poll. Its newest id is remembered with the last page only, so that a failure misses nothing."""
    newest, token, once = "", "", memory.first
    for page in range(1, PAGES + 1):
        capture = await _page(api, memory, token)
        document = document_of(capture)
        readable = _readable(source, capture)
        newest = max(newest, *_ids(document), key=age)
        token = next_token(document)
        more = readable and bool(token) and not once and page < PAGES
        if readable and not more:
            memory.learn(newest)
        yield memory.seal(replace(capture, partial=more))
        spent = _spent(api, memory) if more else None
        if spent is not None:
            yield memory.seal(spent)
        if not more or spent is not None:
            return


async def _page(api: Api, memory: Memory, token: str) -> Capture:
    """One page in the vocabulary remembered; where X does not speak it, in the other one from now on."""
    window = memory.window() | ({"pagination_token": token} if token else {})
    capture = await _counted(api, memory, window)
    if _misunderstood(capture):
        memory.switch()
        capture = await _counted(api, memory, window)
    return capture


async def _counted(api: Api, memory: Memory, window: Mapping[str, Any]) -> Capture:
    capture = await api.posts(memory.user_id, memory.vocabulary, window)
    memory.count(document_of(capture))
    return capture


def _misunderstood(capture: Capture) -> bool:
    """Whether the vocabulary was refused, or its fields were passed over."""
    posts = objects(document_of(capture).get("data"))
    return capture.status == 400 or any("created_at" not in post for post in posts)


def _readable(source: Source, capture: Capture) -> bool:
    try:
        statements(source, capture)
    except Unreadable:
        return False
    return True


def _ids(document: Mapping[str, Any]) -> list[str]:
    return ["", *(str(post.get("id")) for post in objects(document.get("data")))]
