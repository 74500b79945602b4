"""What X's answers have in common: their JSON, whatever it is, and what they say of the rate limit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from bot.core.document import body_of
from bot.errors import Unreadable
from bot.model import Capture

EPOCH = 1_288_834_974_657  #: the millisecond at which X's ids begin; 22 bits of each say no time
DAY = 86_400  #: seconds; no window is believed to be longer


def document_of(capture: Capture) -> dict[str, Any]:
    """The JSON object of an answer with 200; an empty one for every other outcome."""
    try:
        return json_object(body_of(capture))
    except Unreadable:
        return {}


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object that these bytes are; an empty one where they are not."""
    try:
        document = orjson.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def objects(rows: object) -> Iterator[dict[str, Any]]:
    """The JSON objects of a JSON array; none where it is no array."""
    return (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else iter(())


def next_token(document: dict[str, Any]) -> str:
    """What the next page is asked for with; empty: there is none."""
    meta = document.get("meta")
    return str(meta.get("next_token") or "") if isinstance(meta, dict) else ""


def age(snowflake: str) -> tuple[int, str]:
    """Sorts ids by age: numbers in time's order, longer ones in later years."""
    return len(snowflake), snowflake


def moment(snowflake: str) -> datetime | None:
    """When an id was given out, to the second, as X dates posts; None for what is no id of X's."""
    if not (snowflake.isascii() and snowflake.isdigit() and len(snowflake) <= 19):
        return None
    return datetime.fromtimestamp(((int(snowflake) >> 22) + EPOCH) // 1000, UTC)


def reset_of(capture: Capture) -> datetime | None:
    """When a spent rate limit begins anew (UTC, at most a day on); None where none is named or it is not spent.

    A 429 with requests remaining is a monthly cap (xdevplatform/xdk#25): the end of its window mends nothing.
    """
    remaining = number(capture.headers.get("x-rate-limit-remaining"))
    reset = number(capture.headers.get("x-rate-limit-reset"))
    spent = remaining == 0 or (capture.status == 429 and remaining is None)
    if reset is None or not spent or json_object(capture.body).get("title") == "UsageCapExceeded":
        return None
    seconds = min(max(reset - int(capture.at.timestamp()), 0), DAY)
    return (capture.at + timedelta(seconds=seconds)).astimezone(UTC)


def number(text: str | None) -> int | None:
    """A header's or a memory's whole number; None for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
