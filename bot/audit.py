"""`statusbot audit`: what of a recording would have gone untold, to a subscriber of everything, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import orjson

from bot.collect import bare
from bot.core.match import alike
from bot.core.route import open_now
from bot.core.same import ALIKE, SAME
from bot.core.summary import title_of
from bot.core.text import clip
from bot.errors import UsageError
from bot.markup import PLAIN, clean
from bot.model import (
    Act,
    Capture,
    Delivery,
    Destination,
    Directory,
    Incident,
    Message,
    Mode,
    Notice,
    Receipt,
    Report,
    Subscription,
    Update,
)
from bot.ports import Store
from bot.reading import Reading
from bot.replay import replay

LISTENER = Destination("audit")
FIRST_WORDS = 60  #: characters of a statement that are enough to know it again


class Listener:
    """A notifier that remembers what it is told; nothing leaves the program."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def render(self, notice: Notice) -> Message:
        """Remember the notice."""
        self.notices.append(notice)
        return Message({})

    async def send(self, _destination: Destination, _message: Message, delivery: Delivery) -> Receipt:
        """Say that it arrived."""
        return Receipt(str(delivery.id))

    async def find(self, _destination: Destination, _delivery: Delivery) -> Receipt | None:
        """Nothing is ever in doubt."""
        return None

    async def close(self) -> None:
        """There is nothing to give back."""


@dataclass(slots=True)
class Hearing:
    """A recording as a subscriber of everything lives through it."""

    incidents: list[Incident] = field(default_factory=list)  #: the timeline at the end, newest first
    directory: Directory = field(default_factory=Directory)
    notices: list[Notice] = field(default_factory=list)  #: what was told, in its order
    first_read: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """(source, a document's address) -> when it could be read first"""
    history: set[str] = field(default_factory=set)  #: ids of the reports that were history at that time
    named: set[str] = field(default_factory=set)  #: ids of the statements that were read, where they have their own
    counted: dict[tuple[str, str], int] = field(default_factory=dict)  #: (source, thread) -> most statements at once

    def read(self, reading: Reading) -> None:
        """Note what a capture says."""
        if reading.failure is not None:
            return
        source = reading.capture.source
        self.first_read.setdefault((source, bare(reading.capture.url)), reading.capture.at)
        threads: dict[str, int] = defaultdict(int)
        for item in reading.items:
            if item.native_id is not None:
                self.named.add(f"{source}|{item.native_id}")
            elif item.thread is not None:
                threads[item.thread] += 1
        for thread, count in threads.items():
            self.counted[source, thread] = max(count, self.counted.get((source, thread), 0))

    def look_back(self, capture: Capture, incidents: Iterable[Incident]) -> None:
        """At the first sight of a document, note what of it is history: its reports on incidents that are not open.

        Where the last that was told of one still calls it open, what ends it is no history: it is owed (rule 12).
        """
        over = (incident for incident in incidents if not open_now(incident, capture.at))
        past = (incident for incident in over if not any(n.incident.open for n in _touching(incident, self)[-1:]))
        reports = (report for incident in past for report in reports_of(incident))
        seen_now = (report for report in reports if report.first_seen_at == capture.at)
        self.history.update(report.id for report in seen_now if report.source == capture.source)

    @property
    def calls(self) -> Iterable[Notice]:
        """What was told with a message of its own; an edit calls nobody."""
        return (notice for notice in self.notices if notice.act is not Act.EDIT)


async def listen(paths: Sequence[Path], store: Store, mode: Mode = Mode.THREAD) -> Hearing:
    """Replay recordings to a subscriber of everything. Raises UsageError for a recording that is none."""
    listener = Listener()
    hearing = Hearing(notices=listener.notices)
    everything = Subscription(LISTENER, mode=mode)

    async def after(capture: Capture) -> None:
        if hearing.first_read.get((capture.source, bare(capture.url))) == capture.at:
            hearing.look_back(capture, await store.read(lambda ledger: ledger.timeline()))

    played = await replay(paths, store, {}, [everything], after, notifier=lambda _: listener, read=hearing.read)
    hearing.incidents, hearing.directory = played
    return hearing


# --- what went untold --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Miss:
    """One thing that nobody would have been told of."""

    kind: str  #: report, incident, end; with labels also split, merged
    what: str
    why: str
    silent: bool = False  #: it was over before the program first looked: history is learnt in silence (rule 11)


def misses(hearing: Hearing) -> list[Miss]:
    """Every report, incident and end that was not told, in the order of the timeline."""
    told = {report.id for notice in hearing.calls for update in notice.updates for report in update.reports}
    seen = {update.id for notice in hearing.calls for update in notice.updates}
    found = list(_lost(hearing))
    for incident in reversed(hearing.incidents):
        untold = [update for update in incident.updates if not _told(update, told, seen)]
        untold = [update for update in untold if not _said(update, incident, hearing)]
        if len(untold) == len(incident.updates):
            found.append(_untold_incident(incident, hearing))
            continue
        found += [miss for update in untold for miss in _untold_update(update, incident, hearing)]
        found += _untold_end(incident, hearing)
    return found


def _told(update: Update, told: set[str], seen: set[str]) -> bool:
    """Whether a message carried it: what several sources say alike is told once, by the first."""
    return update.id in seen or any(report.id in told for report in update.reports)


def _said(update: Update, incident: Incident, hearing: Hearing) -> bool:
    """Whether its words were told as another's: the two were one statement until the other was edited (rule 7)."""
    told = (other for notice in _touching(incident, hearing) if notice.act is not Act.EDIT for other in notice.updates)
    return any(abs(other.at - update.at) <= SAME and alike(other.text, update.text) >= ALIKE for other in told)


def _touching(incident: Incident, hearing: Hearing) -> list[Notice]:
    """What was told of an incident, whatever it was called at the time."""
    own = {report.id for report in reports_of(incident)}
    return [notice for notice in hearing.notices if any(report.id in own for report in reports_of(notice.incident))]


def _lost(hearing: Hearing) -> Iterator[Miss]:
    """What was read, but stands in no update."""
    reports = [report for incident in hearing.incidents for report in reports_of(incident)]
    for name in sorted(hearing.named - {report.id for report in reports}):
        yield Miss("report", name, "it was read, but stands in no update of the timeline")
    standing: dict[tuple[str, str], int] = defaultdict(int)
    for report in reports:
        standing[report.source, report.thread or ""] += 1
    for (source, thread), count in sorted(hearing.counted.items()):
        if (lacking := count - standing[source, thread]) > 0:
            yield Miss("report", f"{source}|{thread}", f"{lacking} of its {count} statements stand in no update")


def reports_of(incident: Incident) -> list[Report]:
    """Its reports, oldest update first."""
    return [report for update in incident.updates for report in update.reports]


def _untold_incident(incident: Incident, hearing: Hearing) -> Miss:
    """All of it, in one; an afterword to what was history is as silent as that."""
    first = min(reports_of(incident), key=lambda report: report.first_seen_at)
    what = f'{incident.id} "{clip(clean(title_of(incident)), FIRST_WORDS)}"'
    if first.id in hearing.history and not incident.open:
        when = PLAIN.line((first.first_seen_at,))
        why = f"it was history when {first.source} was first read, at {when}, and learnt in silence"
        return Miss("incident", what, why, silent=True)
    return Miss("incident", what, "no message was owed for any of it")


def _untold_update(update: Update, incident: Incident, hearing: Hearing) -> Iterator[Miss]:
    of = f'of "{clip(clean(title_of(incident)), FIRST_WORDS)}"'
    if not update.reports:
        yield Miss(
            "report", f"observed {PLAIN.line((update.at,))}: {_first_words(update)}, {of}", "no message was owed"
        )
    for report in update.reports:
        what = f"{report.id} {PLAIN.line((report.at,))}: {_first_words(update)}, {of}"
        if report.id in hearing.history:
            yield Miss("report", what, f"it was history when {report.source} was first read", silent=True)
        else:
            yield Miss("report", what, "no message was owed for it")


def _untold_end(incident: Incident, hearing: Hearing) -> Iterator[Miss]:
    """The end, where the last message that touches the incident still calls it open."""
    if incident.open:
        return
    touching = _touching(incident, hearing)
    what = f'{incident.id} "{clip(clean(title_of(incident)), FIRST_WORDS)}"'
    calls = [notice for notice in touching if notice.act is not Act.EDIT]
    if not touching or not touching[-1].incident.status.closed:
        yield Miss("end", what, "the last that was told of it calls it open")
    elif not any(notice.incident.status.closed for notice in calls):
        yield Miss("end", what, "it was told by an edit only, which calls nobody")


def _first_words(update: Update) -> str:
    return f'"{clip(" ".join(clean(update.text).split()), FIRST_WORDS)}"'


# --- what the labels know ----------------------------------------------------------------------------------------


def read_labels(paths: Iterable[Path]) -> dict[str, str]:
    """Which report belongs to which true incident: `{"reports": {"<source>|<native id>": incident}}` of each file.

    Raises UsageError for a file that is none.
    """
    truth: dict[str, str] = {}
    for path in paths:
        try:
            document = orjson.loads(path.read_bytes())
            truth.update({str(report): str(incident) for report, incident in document["reports"].items()})
        except OSError as error:
            raise UsageError(f"--labels {path}: cannot be read ({error.strerror})") from error
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise UsageError(f'--labels {path}: no labels: a JSON object with "reports" is wanted') from error
    return truth


def against(truth: Mapping[str, str], incidents: Iterable[Incident]) -> list[Miss]:
    """Labelled reports that stand on no timeline, and true incidents that are split or merged."""
    here = {report.id: incident for incident in incidents for report in reports_of(incident)}
    found = [Miss("report", name, "it is labelled, but stands on no timeline") for name in truth if name not in here]
    parts: dict[str, set[str]] = defaultdict(set)
    wholes: dict[str, set[str]] = defaultdict(set)
    for name, true in truth.items():
        if name in here:
            parts[true].add(here[name].id)
            wholes[here[name].id].add(true)
    found += [Miss("split", a, f"it stands as {_listed(ids)}") for a, ids in parts.items() if len(ids) > 1]
    found += [Miss("merged", a, f"it holds {_listed(trues)}") for a, trues in wholes.items() if len(trues) > 1]
    return found


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


# --- in words ----------------------------------------------------------------------------------------------------


def audit_words(hearing: Hearing, found: Sequence[Miss], *, everything: bool = False) -> str:
    """The list, and in one line at its end how much there was to tell; everything: what was rightly silent too."""
    listed = [miss for miss in found if everything or not miss.silent]
    lines = [f"{miss.kind}: {miss.what}\n    {miss.why}" for miss in listed]
    calls, ends = sum(1 for _ in hearing.calls), sum(not incident.open for incident in hearing.incidents)
    told = ", ".join(
        (
            _count(sum(len(reports_of(incident)) for incident in hearing.incidents), "report"),
            _count(len(hearing.incidents), "incident"),
            _count(ends, "end"),
        )
    )
    by = f"told by {_count(calls, 'message')} and {_count(len(hearing.notices) - calls, 'edit')}"
    silent = sum(miss.silent for miss in found)
    lines.append(f"{len(found) - silent or 'nothing'} untold: {told}, {by}; {silent} learnt in silence")
    return "\n".join(lines)


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"
