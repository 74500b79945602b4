"""What reading X costs: counting the reads of a month, and going slower before they are spent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from bot.collectors.x.answer import objects

BUDGET = 10_000  #: reads a month where the source names none: $50 at $0.005 a post (docs.x.com, pricing)
MOST = 100  #: posts of one page, by the API's own limits
LEAST = 5
HEAD_START = 0.25  #: of the budget is free from the month's first minute, so that one bad day is not told late
WARN = 0.8  #: of the budget
SLOWEST = timedelta(hours=1)  #: nobody is left blind for longer while there is money


def pace(reads: int, budget: int, at: datetime, interval: timedelta) -> timedelta:
    """How long to wait for the next poll so that `budget` reads last for the UTC month of `at`.

    Never less than `interval`. A poll that finds nothing is free, so it slows down only while the reads so far, less
    the head start, are a larger share of the budget than the time so far is of the month. What going slower saves are
    the edits of a post: a late poll reads them as one.
    """
    start, end = month(at)
    share = (reads / budget - HEAD_START) / (1 - HEAD_START)
    due = start + (end - start) * min(max(share, 0.0), 1.0)
    return max(interval, min(due - at, SLOWEST))


def page_size(reads: int, budget: int, most: int = MOST) -> int:
    """How many posts may be asked for so that the budget is not exceeded; 0: none."""
    left = budget - reads
    return 0 if left < LEAST else min(most, left)


def warning(reads: int, budget: int) -> str:
    """What the operator should know of this month's spending; empty below 80 % of the budget."""
    if reads < budget * WARN:
        return ""
    return f"{reads:,} of {budget:,} reads of X spent this month ({reads / budget:.0%})"


def month(at: datetime) -> tuple[datetime, datetime]:
    """The first instants of the UTC month of `at` and of the next one: X bills by the UTC clock."""
    start = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return start, (start + timedelta(days=32)).replace(day=1)


def billed(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What an answer is billed for: each post and user in it, as (table, id); the same one may come twice."""
    data, includes = document.get("data"), document.get("includes")
    tables = includes if isinstance(includes, dict) else {}
    posts = chain(objects(data), objects(tables.get("tweets")), objects(tables.get("posts")))
    users = chain(objects([data]), objects(tables.get("users")))  # only an account's look-up gives a single object
    yield from (("post", str(post.get("id"))) for post in posts)
    yield from (("user", str(user.get("id"))) for user in users)
