"""How much speaks for a statement going on with an event, when no thread and no key can tell (rule of truth 5).

Each signal adds or takes away; the sum is compared with a threshold, and with the next best event. The weights were set
by hand on recordings of several vendors; they are deliberately few.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from bot.core import match
from bot.core.match import Vocabulary
from bot.model import Report

HOUR = timedelta(hours=1)
ECHO = timedelta(minutes=30)  #: within this, the same words are the same statement
SURE = 0.97  #: the very words of another source; what is merely phrased alike does not come near
GOES_ON = timedelta(hours=6)  #: the half-life of an event's claim on what goes on with it
NUMBERED = timedelta(hours=12)  #: in which it loses a whole point on a thread that begins: an event gets one soon
OPENS = timedelta(minutes=45)  #: the same, on what reads as the beginning of an account
SLIGHT = 0.05  #: a signal's weight below which it is not worth a word


@dataclass(frozen=True, slots=True)
class Evidence:
    """How much speaks for one event, and each signal's part in that."""

    score: float
    parts: tuple[tuple[float, str], ...]  #: (weight, the signal in words)
    same_words: float = 0.0  #: how near another source's statement comes, where it is the same one
    said: tuple[datetime, ...] = ()  #: when it was made, each time that this source has not repeated yet

    @property
    def reason(self) -> str:
        """What decided: `their words agree (+1.2), both speak of Teams (+1.0), although the event was over (-0.1)`."""
        if self.same_words:
            return self.parts[0][1]
        spoke = [part for part in sorted(self.parts, reverse=True) if abs(part[0]) >= SLIGHT]
        return ", ".join(f"{'although ' if weight < 0 else ''}{words} ({weight:+.1f})" for weight, words in spoke)


NOT_BEGUN = Evidence(0.0, ((0.0, "it had not begun yet, and can only be repeated"),))
ANEW = Evidence(0.0, ((0.0, "it opens a new account"),))


@dataclass(frozen=True, slots=True)
class Topic:
    """What a statement is about, as far as it says."""

    components: frozenset[str]
    regions: frozenset[str]
    broad: bool  #: "multiple Microsoft 365 services"
    words: frozenset[str]
    opens: bool  #: reads as the beginning of an account


def topic(report: Report, vocabulary: Vocabulary) -> Topic:
    """The topic of a report: the components that its source lists, else those its words speak of."""
    closed = report.status.closed if report.status else None
    return _topic(report.title, report.text, report.components, report.regions, closed, vocabulary)


@lru_cache(maxsize=4096)
def _topic(
    title: str,
    said: str,
    components: tuple[str, ...],
    regions: tuple[str, ...],
    closed: bool | None,
    vocabulary: Vocabulary,
) -> Topic:
    text = f"{title}\n{said}"
    components = tuple(map(vocabulary.canonical, components)) or vocabulary.components_in(text)
    if closed is None:
        phase = match.phase_of(said)
        closed = phase is not None and phase.closed
    return Topic(
        frozenset(name for name in components if vocabulary.knows(name)),
        frozenset(regions or vocabulary.regions_in(text)),
        match.speaks_broadly(text),
        match.content_words(text),
        match.opens_account(text) and not closed,
    )


def named(report: Report, vocabulary: Vocabulary) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The components and regions of a report: those its source lists, else those its words speak of.

    Where it lists none that the catalogue knows ("Microsoft 365 suite"), both.
    """
    return _named(report.title, report.text, report.components, report.regions, vocabulary)


@lru_cache(maxsize=4096)
def _named(
    title: str, said: str, components: tuple[str, ...], regions: tuple[str, ...], vocabulary: Vocabulary
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    text = f"{title}\n{said}"
    listed = tuple(map(vocabulary.canonical, components))
    in_words = () if any(map(vocabulary.knows, listed)) else vocabulary.components_in(text)
    return (*listed, *in_words), regions or vocabulary.regions_in(text)


def evidence(report: Report, context: Sequence[Report], vocabulary: Vocabulary) -> Evidence:
    """What speaks for `report` belonging to the event of which `context` is known, the newest last."""
    same, said = _echo(report, context)
    if said:
        return Evidence(10.0 + same, ((10.0 + same, "another source says the same"),), same, said)
    if context[0].at > report.at:
        return NOT_BEGUN
    mine = topic(report, vocabulary)
    ended = report.at - context[0].at > OPENS and over(context)
    if ended and mine.opens:
        return ANEW
    theirs = [topic(other, vocabulary) for other in context]
    parts = tuple(_parts(report, context, mine, theirs, ended=ended))
    return Evidence(sum(weight for weight, _ in parts), parts)


def _echo(report: Report, context: Sequence[Report]) -> tuple[float, tuple[datetime, ...]]:
    """How near another source comes to the very words at nearly the same time, and when it said them.

    What this source has already repeated it does not repeat again: each time of its own takes one of theirs.
    """
    if len(match.squeezed(report.text)) < 20:
        return 0.0, ()
    said: dict[str, list[tuple[datetime, float]]] = {}
    for other in context:
        if abs(other.at - report.at) <= ECHO and other.id != report.id:
            likeness = match.alike(report.text, other.text)
            if likeness >= 0.9:
                said.setdefault(other.source, []).append((other.at, likeness))
    own = len(said.pop(report.source, ()))
    left = [entry for times in said.values() for entry in times[own:]]
    return max((likeness for _, likeness in left), default=0.0), tuple(sorted(at for at, _ in left))


def _parts(
    report: Report, context: Sequence[Report], mine: Topic, theirs: Sequence[Topic], *, ended: bool
) -> Iterator[tuple[float, str]]:
    """(weight, reason) of each signal."""
    gap = max((report.at - _spoken(context)) / HOUR, 0.0)
    if mine.opens:
        yield 1.3 * 0.5 ** (gap / (OPENS / HOUR)) - 0.6 - min(gap / 6, 2.5), "it was said shortly after"
    else:
        yield 1.5 * 0.5 ** (gap / (GOES_ON / HOUR)), "it goes on from what was said before"
    if report.thread is not None:
        yield -min(gap / (NUMBERED / HOUR), 1.5), "a thread begins"
    if ended:
        yield (-0.6 if over(context, report.source) else -0.1), "the event was over"
    if report.maintenance is not context[0].maintenance:
        yield -1.5, "the one is a maintenance"
    if mine.components:
        yield _agreement(mine.components, frozenset[str]().union(*[t.components for t in theirs]), 1.0, -0.8)
    if mine.regions:
        yield _agreement(mine.regions, frozenset[str]().union(*[t.regions for t in theirs]), 0.4, -0.4)
    if mine.broad and any(topic.broad for topic in theirs):
        yield 0.5, "both speak of several services"
    words = max([match.overlap(mine.words, topic.words) for topic in theirs])
    if words >= 0.3:
        yield 1.5 * words, "their words agree"


def _spoken(context: Sequence[Report]) -> datetime:
    """When an event spoke last; of one that is over, when that was said: an afterword renews nothing."""
    last = context[-1]
    for other in reversed(context):
        phase = other.status or (match.phase_of(other.text) if other.thread is None else None)
        if phase is not None and not phase.closed:
            break
        if phase is not None:
            last = other
    return last.at


def _agreement(mine: frozenset[str], theirs: frozenset[str], shared: float, apart: float) -> tuple[float, str]:
    """For where something is shared, against where both speak and nothing is, nothing where the others are silent."""
    if not theirs:
        return 0.0, ""
    both = mine & theirs
    shared *= 0.5 + 0.5 * len(both) / len(mine | theirs)
    return (shared, f"both speak of {', '.join(sorted(both))}") if both else (apart, "they speak of other things")


def over(context: Sequence[Report], source: str = "") -> bool:
    """Whether the last that was said of the phase (by one source) is that it is over."""
    now = context[-1].at
    for other in reversed(context):
        if (source and other.source != source) or (other.stated_at is not None and other.stated_at > now):
            continue
        phase = other.status or (match.phase_of(other.text) if other.thread is None else None)
        if phase is not None:
            return phase.closed
    return False
