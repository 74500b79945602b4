"""The real material of the core's properties: recordings read into reports, and a timeline reduced to its facts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import bot.demo
from bot import collectors
from bot.config import providers_from
from bot.core.match import Vocabulary
from bot.core.normalise import normalise
from bot.errors import Unreadable
from bot.model import Capture, Incident, Known, Report
from bot.recording import read_captures, read_header
from bot.watch import known
from tests.collectors.pairs import tools
from tests.core.build import remembered

MO1221364 = Path(bot.demo.__file__).parent / bot.demo.RECORDING
FOLDER = Path(__file__).parent.parent / "data" / "recordings"
LINK = re.compile(r"\s*https://\S+$")
RECORDINGS = {path.name.split(".")[0]: path for path in [MO1221364, *sorted(FOLDER.glob("*.xz"))]}


@dataclass(frozen=True)
class Material:
    """A recording's captures, the reports that they make in their own order, and its provider's names."""

    captures: tuple[Capture, ...]
    reports: tuple[Report, ...]
    vocabulary: Vocabulary


@cache
def material(name: str) -> Material:
    """One of RECORDINGS, read."""
    header = read_header(RECORDINGS[name])
    (provider,) = (known(entry) for entry in providers_from(header))
    sources = {source.id: source for source in provider.sources}
    memory: dict[str, dict[str, Known]] = {source: {} for source in sources}
    captures, reports = tuple(read_captures(RECORDINGS[name])), []
    for capture in captures:
        source = sources[capture.source]
        try:
            items = collectors.load(source.kind, tools()).parse(source, capture)
        except Unreadable:
            continue
        fresh = normalise(source, items, memory[source.id].values(), capture.at)
        memory[source.id].update((report.native_id, remembered(report)) for report in fresh)
        reports += fresh
    return Material(captures, tuple(reports), Vocabulary(provider.components, provider.regions))


def without_links(name: str) -> Material:
    """The same, with every post robbed of its link and its key: likeness alone can place it."""
    whole = material(name)
    robbed = (replace(r, keys=frozenset(), text=LINK.sub("", r.text)) if r.thread is None else r for r in whole.reports)
    return replace(whole, reports=tuple(robbed))


def facts(incidents: Iterable[Incident]) -> list[object]:
    """What a timeline says, ids, first-seen times and our own observations aside."""
    return sorted((_incident(incident) for incident in incidents), key=repr)


def _incident(incident: Incident) -> tuple[object, ...]:
    told = [update for update in incident.updates if not update.observed]
    lines = [(update.at, update.text, update.status, update.impact, _voices(update.reports)) for update in told]
    state = (incident.status, incident.impact, incident.started_at, incident.resolved_at)
    return (incident.title, state, incident.components, incident.regions, sorted(incident.sources), lines)


def _voices(reports: Sequence[Report]) -> list[tuple[object, ...]]:
    return [(report.source, report.at, report.text) for report in reports]
