"""What is remembered of an account from poll to poll: its id, where its posts were left, and what they cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.collectors.x.answer import age, number, reset_of
from bot.collectors.x.spending import BUDGET, LEAST, MOST, billed, pace, page_size, warning
from bot.http import retry_at
from bot.model import Capture, Source

FIRST = 10  #: posts of the very first poll, so that an account's history costs nothing
HISTORY = timedelta(hours=24)  #: how far the very first poll looks back
HOUR = timedelta(hours=1)
ID = re.compile(r"[0-9]{1,19}")  #: X's OpenAPI document, UserId


class Memory:
    """Cursor.state while one poll changes it; what is forgotten is empty, because the cursor only ever gains names.

    user_id, handle: the account's numeric id, and the handle that it was resolved for. since_id: the newest post of
    the last complete poll; start_time: in its place, while there was none. vocabulary: `tweet` or `post`.
    month, reads: what was spent in which UTC month. waits: refusals in a row that named no end. warning: for the
    operator.
    """

    def __init__(self, source: Source, state: Mapping[str, str], now: datetime) -> None:
        self.handle = source.account.strip().removeprefix("@")
        self.budget = source.budget or BUDGET
        self._interval = source.interval
        self._now = now
        self._known = state
        self._state = dict(state)
        self._counted: set[tuple[str, str]] = set()
        if self._state.get("month") != f"{now:%Y-%m}":
            self._state |= {"month": f"{now:%Y-%m}", "reads": "0"}
        if ID.fullmatch(self.handle):
            self.know(self.handle)

    @property
    def user_id(self) -> str:
        """The account's numeric id; empty where it is not known for the handle as it is configured now."""
        return self._state.get("user_id", "") if self._state.get("handle") == self.handle.lower() else ""

    @property
    def vocabulary(self) -> str:
        """How X was last asked: `tweet` or `post`."""
        return self._state.get("vocabulary") or "tweet"

    @property
    def reads(self) -> int:
        """Posts and users read this month."""
        return number(self._state.get("reads")) or 0

    @property
    def first(self) -> bool:
        """Whether the account has never been read."""
        return not (self._state.get("since_id") or self._state.get("start_time"))

    @property
    def spent(self) -> bool:
        """Whether the budget allows no further page."""
        return page_size(self.reads, self.budget) == 0

    def know(self, user_id: str) -> None:
        """The handle's account is this one; if it is another than before, its posts are unknown."""
        if self._state.get("user_id", user_id) != user_id:
            self._state |= {"since_id": "", "start_time": ""}
        self._state |= {"user_id": user_id, "handle": self.handle.lower()}

    def window(self) -> dict[str, Any]:
        """The parameters that say which posts are wanted."""
        most = page_size(self.reads, self.budget, FIRST if self.first else MOST)
        window = {"exclude": "replies,retweets", "max_results": max(most, LEAST)}
        since = self._state.get("since_id")
        return window | ({"since_id": since} if since else {"start_time": self._start()})

    def _start(self) -> str:
        return self._state.get("start_time") or f"{self._now - HISTORY:%Y-%m-%dT%H:%M:%SZ}"

    def learn(self, newest: str) -> None:
        """A poll is complete: go on from its newest id, or, while none was ever seen, from the same first minute."""
        newest = max(newest, self._state.get("since_id", ""), key=age)
        self._state |= {"since_id": newest, "start_time": "" if newest else self._start()}

    def switch(self) -> None:
        """Speak the other vocabulary from now on."""
        self._state["vocabulary"] = "tweet" if self.vocabulary == "post" else "post"

    def count(self, document: Mapping[str, Any]) -> None:
        """Add what an answer costs: each post and user once a poll (X bills the same one once a UTC day)."""
        new = set(billed(document)) - self._counted
        self._counted |= new
        self._state["reads"] = str(self.reads + len(new))

    def seal(self, capture: Capture) -> Capture:
        """The capture with when X may be asked again, and with all that is to be remembered unless nothing is new."""
        self._state["waits"] = str(self._waits + 1) if _endless(capture) else ""
        self._state["warning"] = warning(self.reads, self.budget)
        news = {} if self._state == self._known else dict(self._state)
        return replace(capture, state=news, retry_at=self._retry_at(capture))

    @property
    def _waits(self) -> int:
        return number(self._state.get("waits")) or 0

    def _retry_at(self, capture: Capture) -> datetime | None:
        at = capture.at
        times = [reset_of(capture), retry_at(capture.headers.get("retry-after", ""), at)]
        if capture.status == 402:
            times.append(at + HOUR)
        if _endless(capture):
            times.append(at + HOUR * 2 ** min(self._waits - 1, 2))  # 4 h at most: a cap may be lifted any time
        wait = pace(self.reads, self.budget, at, self._interval)
        if wait > self._interval:
            times.append(at + wait)
        return max((time for time in times if time is not None), default=None)


def _endless(capture: Capture) -> bool:
    """Whether X refuses for a time that it does not name, as for a monthly cap."""
    return capture.status == 429 and reset_of(capture) is None and "retry-after" not in capture.headers
