"""Stretches of time: united, cut to a window, and painted over each other so that every moment has one condition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

Span = tuple[datetime, datetime]  #: from, until
T = TypeVar("T")


def united(spans: Iterable[Span]) -> list[Span]:
    """The same time without overlaps, in order; empty spans are none."""
    made: list[Span] = []
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if made and begin <= made[-1][1]:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((begin, end))
    return made


def within(spans: Iterable[Span], since: datetime, until: datetime) -> list[Span]:
    """What of the spans lies in the window."""
    cut = ((max(begin, since), min(end, until)) for begin, end in spans)
    return [span for span in cut if span[0] < span[1]]


def painted(
    layers: Iterable[tuple[T, Sequence[Span]]], ground: T, since: datetime, until: datetime
) -> tuple[tuple[datetime, datetime, T], ...]:
    """The window in stretches of one colour each, without gaps: `ground`, and over it each layer in turn."""
    cut = [(colour, united(within(spans, since, until))) for colour, spans in layers]
    edges = sorted({since, until, *(edge for _, spans in cut for span in spans for edge in span)})
    made: list[tuple[datetime, datetime, T]] = []
    for begin, end in pairwise(edges):
        top = ground
        for colour, spans in cut:
            if any(first <= begin and end <= last for first, last in spans):
                top = colour
        if made and made[-1][2] == top:
            made[-1] = (made[-1][0], end, top)
        else:
            made.append((begin, end, top))
    return tuple(made)
