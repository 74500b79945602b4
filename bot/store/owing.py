"""What is owed as it stands in the database, and the deliveries that it is."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import orjson

from bot.model import NOBODY, Act, Delivery, Receipt, State
from bot.store.columns import EPOCH, MICROSECOND
from bot.store.subscriptions import destination_of

ACTS, STATES = {act.value: act for act in Act}, {state.value: state for state in State}
HANGING = frozenset(act.value for act in (Act.REPLY, Act.EDIT))  #: acts that need a message to stand on
DIGEST, SENDING = Act.DIGEST.value, State.SENDING  # a member costs a look-up at each use


class Owing(NamedTuple):
    """A delivery's columns, none of them turned into our values: with many, that is what takes the time."""

    id: int
    destination: str
    incident_id: str
    update_id: str
    updates: str | None
    act: str
    revision: int
    state: str
    tries: int
    due: int
    lease: str | None
    created_at: int
    receipt: str | None
    reason: str
    opens: bool
    limited: bool
    aside: bool
    covered: bool
    root: str | None  #: the message that it stands on
    root_thread: str | None
    mention: str | None  #: whom its subscription calls
    subscribed: str | None
    replaced: bool = False  #: a newer edit of the same message waits behind it

    @property
    def homeless(self) -> bool:
        """Whether a reply or an edit has no message to stand on."""
        return self.act in HANGING and not self.root

    @property
    def aimless(self) -> bool:
        """Whether it would say where a message went on that never stood there."""
        return not self.update_id and self.homeless


def delivery_of(row: Owing, by: str | None = None) -> Delivery:
    """A delivery; `by`: as it is in the hand of who claims it now, an opening where it has nothing to stand on."""
    to = subscribed = destination_of(row.destination)
    if row.subscribed and row.subscribed != row.destination:
        subscribed = destination_of(row.subscribed)
    opens = row.opens or (by is not None and row.homeless)
    about = row.update_id if row.act != DIGEST else ""
    alone = (about,) if about else ()
    root = row.root if row.act in HANGING and not opens else None
    mention = row.mention if to.kind == subscribed.kind else None  # each platform calls in its own form
    return Delivery(
        id=row.id,
        key=key_of(row),
        destination=to,
        incident=row.incident_id,
        update=about,
        act=Act.CREATE if opens else ACTS[row.act],
        state=STATES[row.state] if by is None else SENDING,
        updates=alone if row.updates is None else tuple(orjson.loads(row.updates)),
        revision=row.revision,
        tries=row.tries if by is None else row.tries + 1,
        due=moment(row.due),
        created_at=moment(row.created_at),
        root=Receipt(root, row.root_thread or "") if root else None,
        receipt=Receipt(**orjson.loads(row.receipt)) if row.receipt else None,
        reason=row.reason,
        mention=orjson.loads(mention) if mention and mention != "{}" else NOBODY,
        instead=None if subscribed is to else subscribed,
        covered=bool(row.covered),
        lease=(row.lease or "") if by is None else by,
        limited=bool(row.limited),
        aside=bool(row.aside),
    )


@lru_cache(maxsize=16)
def moment(microseconds: int) -> datetime:
    """A point in time from its column; many deliveries share theirs."""
    return EPOCH + microseconds * MICROSECOND


def key_of(row: Owing) -> str:
    """By what a delivery is known everywhere: its message bears it, and nobody is told anything twice under it."""
    if row.act == DIGEST:
        return digest_key(row.update_id, row.destination)
    return f"{row.incident_id}|{row.update_id}|{row.revision}|{row.destination}|{row.act}"


def digest_key(window: str, destination: str) -> str:
    """The key of a window told at a destination."""
    return f"digest|{window}|{destination}"
