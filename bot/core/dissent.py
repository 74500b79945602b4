"""Where sources contradict each other about the end: one says that it is over, another that it goes on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core import match
from bot.model import Incident, Status, Update

ECHO = timedelta(minutes=15)  #: a post so soon after the end may tell late what was said before it
REPEATED = 0.6  #: so much alike is what was said before
SAME = 0.85  #: the same of what says that trouble remains: two such statements have many words in common
_REMAINS = re.compile(
    r"\bstill (?:seeing|see|investigating|working|experienc\w*|affected|impacted|failing|fails?|down|unable|ongoing)\b"
    r"|\bcontinu\w+ to (?:see|experience|investigate|work|fail|impact|affect|restore|mitigate)\b"
    r"|(?<!no )\b(?:remaining|residual|persist\w*|ongoing) (?:\w+ ){0,3}"
    r"(?:affected|impact\w*|issues?|problems?|errors?|failures?|users?)\b"
    r"|\bnot (?:yet )?(?:been )?(?:fully )?(?:resolved|restored|mitigated|fixed)\b"
    r"|\b(?:issue|problem|impact|outage) (?:has |is )?(?:returned|recurred|reoccurred|persists|continues|back)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!?\n]+")
#: Words with which a sentence begins to ask who may still see trouble, rather than saying that there is any.
_ASKS = re.compile(r"\b(?:if|should you|in case|whether|anyone|those (?:who|still))\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two sources that do not agree whether an incident is over."""

    closer: str  #: the source that says so
    closed_at: datetime
    other: str  #: the one that goes on
    since: datetime  #: with what it said first after that
    standing: bool  #: neither has come round yet


def states(updates: Iterable[Update]) -> list[tuple[datetime, Update]]:
    """The updates that count for the incident's state, in the order in which their state was stated.

    Where a source with a field for it has said that it is over, words alone reopen it only where they go on: neither
    what repeats an earlier statement nor what is told late or thanks. What says no more than that trouble remains
    ("We're still seeing errors") counts only there, as investigating. Of a maintenance only fields count.
    """
    spoken = [(update.stated_at or update.at, update) for update in updates if update.reports]
    if any(report.maintenance for _, update in spoken for report in update.reports):
        spoken = [entry for entry in spoken if formal(entry[1])]
    spoken.sort(key=lambda entry: entry[0])
    counted: list[tuple[datetime, Update]] = []
    ended: datetime | None = None  # by a source's field
    for at, update in spoken:
        if update.status is None:
            if ended is None or not remains(update.text):
                continue
            update = replace(update, status=Status.INVESTIGATING)
        if ended is not None and not formal(update) and not _goes_on(update, at - ended, counted):
            continue
        counted.append((at, update))
        closed = update.status is not None and update.status.closed
        ended = (ended or at) if closed and (formal(update) or ended) else None
    return counted


def formal(update: Update) -> bool:
    """Whether a source's own field states its status, rather than words."""
    return any(report.status is not None for report in update.reports)


def remains(words: str) -> bool:
    """Whether a statement says that trouble remains; not where it only asks who may still see any."""
    found = ((said, _REMAINS.search(said)) for said in _SENTENCE.split(words))
    return any(trouble and not _ASKS.search(said, 0, trouble.end()) for said, trouble in found)


def _goes_on(update: Update, after: timedelta, earlier: Iterable[tuple[datetime, Update]]) -> bool:
    still = remains(update.text)
    if any(match.alike(update.text, before.text) >= (SAME if still else REPEATED) for _, before in earlier):
        return False
    return still or (after > ECHO and update.status in (Status.INVESTIGATING, Status.IDENTIFIED))


def contradiction(incident: Incident) -> Contradiction | None:
    """The last contradiction about the incident's end, whether or not it still stands; None where all agreed."""
    found, closed_at = None, None
    closer = ""
    for at, update in states(incident.updates):
        source = _speaker(update)
        if update.status is not None and update.status.closed:
            if formal(update) and not closer:
                closer, closed_at = source, at
        elif source == closer:
            closer, found = "", None  # it came round, or it is a new round
        elif closed_at is not None and closer and (found is None or found.closer != closer):
            found = Contradiction(closer, closed_at, source, at, standing=incident.open)
    return found


def _speaker(update: Update) -> str:
    """The source whose word the update's status is."""
    return next((report.source for report in update.reports if report.status is not None), update.reports[0].source)
