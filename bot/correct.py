"""An operator's corrections: what they make of the timeline, and of what was told; one transaction each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.core import corrections
from bot.core.link import link
from bot.core.match import Vocabulary
from bot.core.route import corrected
from bot.errors import UsageError
from bot.linking import neighbourhood
from bot.model import NOTHING, Change, Corrections, Incident
from bot.ports import Ledger

PLAIN = Vocabulary()  #: of a provider that is watched no more


def merge(ledger: Ledger, one: str, other: str, vocabularies: Mapping[str, Vocabulary], at: datetime) -> Incident:
    """Make one incident of two, each an id or a reference; the one. Raises UsageError where they cannot be.

    vocabularies: by provider id. at: now.
    """
    first = _one_of(_held(ledger, one), one, but=ledger.called(other))
    second = _one_of(_called(ledger, other), other, but=[first])
    if first.id == second.id:
        raise UsageError(f"{one} and {other} are one incident already; see `statusbot timeline` for the ids")
    if first.provider != second.provider:
        raise UsageError(f"{one} is of {first.provider}, {other} of {second.provider}: two providers, two incidents")
    if not (corrections.reports_of(first) and corrections.reports_of(second)):
        raise UsageError("one of them rests on no report")
    now = corrections.merged(ledger.corrections(first.provider), first, second)
    vocabulary = vocabularies.get(first.provider, PLAIN)
    changes = _decide(ledger, [first, second], now, NOTHING, vocabulary)
    whole = next(
        (change for change in changes if {first.id, second.id} <= {change.incident.id, *change.absorbed}), None
    )
    if whole is None:
        raise UsageError(f"{one} and {other} are kept apart by earlier splits; undo these first")
    _write(ledger, first.provider, now, changes, vocabulary, at)
    return whole.incident


def split(ledger: Ledger, name: str, report: str, vocabularies: Mapping[str, Vocabulary], at: datetime) -> Incident:
    """Take a report, `<source>|<native id>`, out of an incident; its own. Raises UsageError where that cannot be."""
    found = _held(ledger, name)
    bearing = [incident for incident in found if report in corrections.reports_of(incident)]
    incident = _one_of(bearing or found, name)
    reports = corrections.reports_of(incident)
    if report not in reports:
        known = f"it has {', '.join(list(reports)[:3])}{' …' if len(reports) > 3 else ''}"
        raise UsageError(f"{name} has no report {report!r}; {known}")
    if len(reports) == 1:
        raise UsageError(f"{report} is the only report of {name}")
    vocabulary = vocabularies.get(incident.provider, PLAIN)
    near = neighbourhood(ledger, list(reports.values()))
    around = [it for other in near for it in corrections.reports_of(other).values()]
    now, former = corrections.split(ledger.corrections(incident.provider), incident, report, vocabulary, around)
    changes = _decide(ledger, [incident], now, _free(ledger, former, incident), vocabulary)
    _write(ledger, incident.provider, now, changes, vocabulary, at)
    return next(change.incident for change in changes if report in corrections.reports_of(change.incident))


def _held(ledger: Ledger, name: str) -> list[Incident]:
    """Those that bear a name, about whose providers no other process decides until this transaction is over."""
    for provider in sorted({incident.provider for incident in _called(ledger, name)}):
        ledger.neighbourhood(provider)
    return _called(ledger, name)


def _called(ledger: Ledger, name: str) -> list[Incident]:
    found = ledger.called(name)
    if not found:
        raise UsageError(f"there is no incident {name!r}; see `statusbot timeline`")
    return found


def _one_of(found: Sequence[Incident], name: str, but: Sequence[Incident] = ()) -> Incident:
    """The one of several that a name may mean, where another name stands for `but` one of them."""
    if len(found) > 1 and len(but) == 1:
        found = [incident for incident in found if incident.id != but[0].id]
    if len(found) > 1:
        raise UsageError(f"{name} may be {' or '.join(incident.id for incident in found)}; name one by its id")
    return found[0]


def _free(ledger: Ledger, former: Mapping[str, str], incident: Incident) -> Mapping[str, str]:
    """Those of the former names that still lead to this incident, so that nobody else bears them."""
    leads = {name: ledger.incident(name) for name in set(former.values())}
    return {report: name for report, name in former.items() if (it := leads[name]) and it.id == incident.id}


def _decide(
    ledger: Ledger,
    incidents: Sequence[Incident],
    now: Corrections,
    former: Mapping[str, str],
    vocabulary: Vocabulary,
) -> list[Change]:
    """What the corrections make of these incidents and of all that may be one with them."""
    reports = [report for incident in incidents for report in corrections.reports_of(incident).values()]
    return link(neighbourhood(ledger, reports), (), vocabulary, now, former)


def _write(
    ledger: Ledger, provider: str, now: Corrections, changes: Sequence[Change], vocabulary: Vocabulary, at: datetime
) -> None:
    """The corrections, the timeline as it now is, and what that is worth to those who were told otherwise."""
    ledger.correct(provider, now)
    for change in changes:
        ledger.move(change.absorbed, change.incident.id, at)
    ledger.save(changes)
    for change in changes:
        ledger.route(corrected(change, vocabulary, at), at)
