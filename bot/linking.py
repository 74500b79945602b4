"""What fresh reports are linked with: as little of the timeline as can decide where they belong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.core.join import in_question
from bot.core.link import link
from bot.core.match import Vocabulary, tied
from bot.core.place import EARLY, REACH, telling_words
from bot.model import Change, Incident, Report
from bot.ports import Ledger

FEW = 4  #: reports whose place the index is asked for, one by one; for more the whole neighbourhood is read
LIVELY = 40  #: incidents that have spoken since the fresh reports; with more of them these come late


def join(ledger: Ledger, fresh: Sequence[Report], vocabulary: Vocabulary, *, likeness: bool) -> list[Change]:
    """What fresh reports of one source change. likeness: the provider has statements that nothing else can place."""
    began = min(report.at for report in fresh)
    since = began - EARLY
    close = _close(ledger, fresh, since) if likeness and len(fresh) <= FEW else None
    corrections = ledger.corrections(fresh[0].provider)
    if close is not None:
        return link(close, fresh, vocabulary, corrections, since=since)
    known = neighbourhood(ledger, fresh, likeness=likeness)
    if not likeness:
        known = _with(ledger, known, in_question(known, fresh, since) or ())
    return link(known, fresh, vocabulary, corrections, since=began - REACH)  # whose neighbours are not all known


def neighbourhood(ledger: Ledger, reports: Sequence[Report], *, likeness: bool = True) -> list[Incident]:
    """Every incident that these reports may be one with."""
    times = [report.at for report in reports]
    return ledger.neighbourhood(
        reports[0].provider,
        threads={(report.source, report.thread) for report in reports if report.thread is not None},
        keys=tied(key for report in reports for key in report.keys),
        native_ids={(report.source, report.native_id) for report in reports},
        window=(min(times) - REACH, max(times) + REACH) if likeness else None,
    )


def _close(ledger: Ledger, fresh: Sequence[Report], since: datetime) -> list[Incident] | None:
    """The few incidents that matter where nothing said before `since` is in question; None where more may be.

    That is so where the reports are among the last that were said, and bring no two known incidents together.
    """
    provider = fresh[0].provider
    near = ledger.near(
        provider,
        fresh[0].source,
        threads={report.thread for report in fresh if report.thread is not None},
        keys=tied(key for report in fresh for key in report.keys),
        native_ids={report.native_id for report in fresh},
        since=since,
    )
    if len(near.bound) > 1 or len(near.spoken) > LIVELY:
        return None
    known = {incident.id: incident for incident in (*near.bound, *near.spoken)}
    questions = in_question(known.values(), fresh, since)
    if questions is None or len(questions) > FEW:
        return None
    known = {incident.id: incident for incident in _with(ledger, list(known.values()), questions)}
    again = [it.id for incident in known.values() if incident.started_at >= since for it in incident.related]
    beside = (ledger.incident(name) for name in again if name not in known)
    return [*known.values(), *(incident for incident in beside if incident and incident.id not in known)]


def _with(ledger: Ledger, known: Sequence[Incident], questions: Sequence[Report]) -> list[Incident]:
    """The known incidents, and those that the index finds for a few reports."""
    found = {incident.id: incident for incident in known}
    for report in questions[:FEW]:
        likely = ledger.likely(report.provider, telling_words(report), report.at - REACH, report.at + EARLY)
        found.update((incident.id, incident) for incident in likely)
    return list(found.values())
