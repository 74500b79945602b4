"""How a benchmark ends: its table, what it aims at, and the exit code."""

from __future__ import annotations

from collections.abc import Iterable


def conclude(table: Iterable[str], aims: Iterable[tuple[str, bool]]) -> int:
    """Print the table and the aims, each with whether it is met; 1 where one is missed."""
    for line in table:
        print(line)
    met = list(aims)
    for words, good in met:
        print(f"{'met   ' if good else 'MISSED'} {words}")
    return 0 if all(good for _, good in met) else 1
