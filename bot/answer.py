"""A question -> an answer: what the timeline, the providers' states and the sources read like; knows no platform."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from textwrap import TextWrapper

from bot.core import health, lag
from bot.core.dissent import contradiction
from bot.core.document import REDIRECTED
from bot.core.join import FIRST
from bot.core.match import Vocabulary
from bot.core.route import RECENT, as_it_stands
from bot.core.shape import iso
from bot.core.summary import STATES, disagreement_words, duration, entry, impact_words, listing, title_of
from bot.core.text import clip
from bot.markup import PLAIN, clean
from bot.model import (
    Act,
    Belief,
    Delivery,
    Destination,
    Directory,
    Incident,
    Provider,
    Sighting,
    State,
    Subscription,
    Update,
    Verdict,
)
from bot.ports import Ledger

WIDTH = 80  #: columns of the timeline for a person


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One source as a reader should take it now."""

    source: str
    kind: str
    sighting: Sighting
    left_out: str = ""  #: why it is not asked


def sources(ledger: Ledger, providers: Iterable[Provider], left_out: Mapping[str, str]) -> list[SourceLine]:
    """Each source of the watched providers, with how far it can be believed."""
    lines = []
    for provider in providers:
        seen = ledger.sightings([source.id for source in provider.sources])
        incidents = ledger.timeline(provider=provider.id, open_only=True)
        for source in provider.sources:
            sighting = health.believed(seen.get(source.id, Sighting(source.id)), tuple(seen.values()), incidents)
            lines.append(SourceLine(source.id, source.kind, sighting, left_out.get(source.id, "")))
    return lines


def source_words(line: SourceLine, now: datetime) -> str:
    """`ok since …; last change …; next poll in 40 s`."""
    sighting = line.sighting
    if line.left_out:
        return line.left_out
    if _unasked(sighting):
        return "not asked yet"
    words = [sighting.belief.value if sighting.belief is not Belief.UNKNOWN else "not read yet"]
    if sighting.since:
        words[0] += f" since {PLAIN.line((sighting.since,))}"
    if sighting.reason:
        words[0] += f" ({sighting.reason})"
    if sighting.reason.startswith(REDIRECTED):
        words.append("if it has moved, name its new address in statusbot.toml")
    words.append(f"last change {PLAIN.line((sighting.changed_at,))}" if sighting.changed_at else "no change seen yet")
    if sighting.next_at:
        words.append(f"next poll {_ahead(sighting.next_at - now)}")
    return "; ".join(words)


def _ahead(wait: timedelta) -> str:
    seconds = round(wait.total_seconds())
    if seconds <= 0:
        return "due"
    return f"in {seconds} s" if seconds < 120 else f"in {duration(wait)}"


def status_line(provider: Provider, incidents: Sequence[Incident], lines: Sequence[SourceLine]) -> str:
    """One provider in one line. Never well on the word of a source that is not ok (rule of truth 2)."""
    active = [incident for incident in incidents if incident.open and not incident.maintenance]
    return f"{provider.name}: {_state(active, lines)} [{_beliefs(lines)}]"


def status_json(
    provider: Provider, incidents: Sequence[Incident], lines: Sequence[SourceLine], past: Sequence[Incident]
) -> dict[str, object]:
    """The same for a program, with each source's lag over `past` incidents."""
    active = [incident for incident in incidents if incident.open and not incident.maintenance]
    records = lag.records(past)
    return {
        "id": provider.id,
        "name": provider.name,
        "state": _state(active, lines),
        "open_incidents": [_open_json(incident) for incident in active],
        "sources": [_source_json(line, records.get(line.source)) for line in lines],
    }


def _open_json(incident: Incident) -> dict[str, object]:
    return {
        "id": incident.id,
        "name": title_of(incident),
        "references": list(incident.references),
        "status": incident.status.value,
        "impact": incident.impact.value if incident.impact else None,
        "started_at": iso(incident.started_at),
        "told_first": [
            {"source": told.source, "at": iso(told.at), "minutes_behind": _minutes(told.behind)}
            for told in lag.firsts(incident)
        ],
    }


def _source_json(line: SourceLine, record: lag.Record | None) -> dict[str, object]:
    sighting = line.sighting
    return {
        "id": line.source,
        "kind": line.kind,
        "belief": sighting.belief.value,
        "since": iso(sighting.since),
        "reason": line.left_out or sighting.reason,
        "ours": sighting.ours or bool(line.left_out),
        "changed_at": iso(sighting.changed_at),
        "lag": _lag_json(record) if record else None,
    }


def _lag_json(record: lag.Record) -> dict[str, object]:
    return {"incidents": record.incidents, "first": record.first, "median_minutes": _minutes(record.median)}


def _minutes(length: timedelta) -> float:
    return round(length / timedelta(minutes=1), 1)


def _state(active: Sequence[Incident], lines: Sequence[SourceLine]) -> str:
    if active:
        worst = max(active, key=lambda incident: (incident.impact.rank if incident.impact else 0, incident.started_at))
        count = f"{len(active)} open incident{'' if len(active) == 1 else 's'}"
        references = f" [{', '.join(worst.references)}]" if worst.references else ""
        state = f"{STATES[worst.status].lower()}, {impact_words(worst)}{_dissent(worst)}"
        return f"{count}: {title_of(worst)}{references} ({state})"
    asked = [line for line in lines if not line.left_out]
    well = [line for line in asked if line.sighting.belief is Belief.OK]
    if asked and len(well) == len(asked):
        return "no trouble reported"
    if all(_unasked(line.sighting) for line in asked):
        return "unknown: not asked yet; `statusbot run` asks" if asked else "unknown: no source can be asked"
    if not well:
        return "unknown: no source can be believed now"
    doubtful = [line for line in asked if line not in well]
    return f"unknown: no trouble from {_names(well)}, but {_names(doubtful)} cannot be believed now"


def _dissent(incident: Incident) -> str:
    found = contradiction(incident)
    if found is None or not found.standing:
        return ""
    closer, other = (source.partition("/")[2] for source in (found.closer, found.other))
    return f"; {closer} says that it is over since {PLAIN.line((found.closed_at,))}, {other} goes on"


def _names(lines: Iterable[SourceLine]) -> str:
    return " and ".join(line.source.partition("/")[2] for line in lines)


def _unasked(sighting: Sighting) -> bool:
    return sighting.belief is Belief.UNKNOWN and sighting.failures == 0


def _beliefs(lines: Sequence[SourceLine]) -> str:
    return ", ".join(
        f"{line.source.partition('/')[2]}: {'not asked' if line.left_out else _belief(line.sighting)}" for line in lines
    )


def _belief(sighting: Sighting) -> str:
    if sighting.belief is Belief.OK:
        return "ok"
    if _unasked(sighting):
        return "not asked yet"
    since = f" since {PLAIN.line((sighting.since,))}" if sighting.since else ""
    return f"{sighting.belief.value}{since}{f' ({sighting.reason})' if sighting.reason else ''}"


def timeline_words(incidents: Iterable[Incident], directory: Directory) -> str:
    """The timeline for a person, in lines of WIDTH columns: each incident with its updates, oldest first within it."""
    return "\n\n".join(incident_words(incident, directory) for incident in incidents)


def incident_words(incident: Incident, directory: Directory) -> str:
    """One incident and its updates, in lines."""
    lines = _heading(incident, directory)
    lines += _wrapped(listing(incident.components), "  ")
    if found := contradiction(incident):
        lines += _wrapped(PLAIN.line(disagreement_words(found, directory.labels)), "  ")
    lines.append(f"  id {incident.id}{f'  {incident.url}' if incident.url else ''}")
    if lagging := lag.words(incident, directory.labels):
        lines += _wrapped(lagging, "  ")
    for update in incident.updates:
        told = entry(update, directory.labels)
        lines += _wrapped(" · ".join(filter(None, (told.state, PLAIN.line(told.said)))), "  ")
        lines += _wrapped(told.text, "    ")
    return "\n".join(lines)


def incident_line(incident: Incident) -> str:
    """`3fa9c1d20b7e Users can't sign in [MO1221364], 3 updates`."""
    references = f" [{', '.join(incident.references)}]" if incident.references else ""
    count = len(incident.updates)
    return f"{incident.id} {clip(title_of(incident), 100)}{references}, {count} update{'' if count == 1 else 's'}"


def _heading(incident: Incident, directory: Directory) -> list[str]:
    """Its name, and its state in a line."""
    provider = directory.providers.get(incident.provider, incident.provider)
    references = f" [{', '.join(incident.references)}]" if incident.references else ""
    lines = _wrapped(f"{provider}: {title_of(incident)}{references}", "")
    span = f"since {PLAIN.line((incident.started_at,))}"
    if incident.resolved_at:
        span += f", over after {duration(incident.resolved_at - incident.started_at)}"
    return lines + _wrapped(f"{STATES[incident.status]} · {impact_words(incident)} · {span}", "  ")


def _wrapped(text: str, indent: str) -> list[str]:
    """Words in lines; a longer one, such as an address, is left whole."""
    wrapper = TextWrapper(WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    wrapper.break_long_words = False
    return wrapper.wrap(text)


def subscription_words(subscription: Subscription) -> str:
    """`slack:C01 <- microsoft-365 (thread, from minor impact; components Exchange Online)`."""
    facts = [subscription.mode.value]
    if subscription.min_impact.rank:
        facts.append(f"from {subscription.min_impact.value} impact")
    for name, values in (("components", subscription.components), ("regions", subscription.regions)):
        if values:
            facts.append(f"{name} {', '.join(values)}")
    if not subscription.maintenance:
        facts.append("no maintenances")
    source = "statusbot.toml" if subscription.origin == "file" else "command"
    providers = ", ".join(subscription.providers) or "every provider"
    return f"{subscription.to} <- {providers} ({'; '.join(facts)}) [{source}]"


# --- why -----------------------------------------------------------------------------------------------------------

FIRST_WORDS = 60  #: characters of a statement that are enough to know it again
ACTS = {
    Act.CREATE: "a new message",
    Act.POST: "a message of its own",
    Act.REPLY: "a reply under its message",
    Act.EDIT: "its message brought up to date",
}
FATES = {
    State.PENDING: "not sent yet",
    State.SENDING: "being sent",
    State.DOUBTFUL: "in doubt whether it arrived",
    State.HELD: "set aside",
    State.DEAD: "given up",
}


@dataclass(frozen=True, slots=True)
class Account:
    """One incident with what was ever owed for it, and what the routing statement makes of each subscription."""

    incident: Incident
    deliveries: tuple[Delivery, ...] = ()  #: oldest first
    verdicts: tuple[Verdict, ...] = ()
    called: str = ""  #: the name by which it was asked for


def account(
    ledger: Ledger, name: str, vocabulary: Callable[[str], Vocabulary], to: Destination | None = None
) -> Account | None:
    """What is known of an incident, by its id, an absorbed one's, or a reference; None where there is none.

    vocabulary: a provider's id -> its names. to: as far as it concerns this destination.
    """
    incident = ledger.incident(name)
    if incident is None:
        return None
    owed = [entry for entry in ledger.deliveries_of(incident.id) if to is None or entry.destination == to]
    verdicts = ledger.explain(as_it_stands(incident, vocabulary(incident.provider)), to)
    return Account(incident, tuple(owed), tuple(verdicts), name)


def why_words(told: Account, directory: Directory, to: Destination | None = None) -> str:
    """Why each report stands on the incident, and what became of each message, in sentences."""
    incident = told.incident
    lines = [*_heading(incident, directory), f"  id {incident.id}"]
    if told.called != incident.id and told.called.strip().casefold() not in map(str.casefold, incident.references):
        lines += _wrapped(f"{told.called} turned out to be this one.", "  ")
    lines += ["", "What was said, and why it stands here:"]
    for update in incident.updates:
        lines += _origin(update, incident, directory)
        lines += [line for words in _messages(update, told) for line in _wrapped(words, "    ")]
    lines += ["", "Who is told:"]
    lines += [line for verdict in told.verdicts for line in _wrapped(f"{verdict_words(verdict, incident)}.", "  ")]
    if not told.verdicts:
        lines.append(f"  {to} has no subscription." if to else "  Nobody is subscribed.")
    return "\n".join(lines)


def _origin(update: Update, incident: Incident, directory: Directory) -> list[str]:
    """Each statement that an update rests on, with the rule that joined it."""
    if not update.reports:
        return _wrapped(f"{PLAIN.line((update.at,))} · observed by statusbot: {_first_words(update.text)}", "  ")
    lines = []
    for place, report in enumerate(update.reports):
        source = directory.labels.get(report.source, report.source)
        line = f"{PLAIN.line((report.at,))} · {source}: {_first_words(report.text or report.title)}"
        lines += _wrapped(line, "  ")
        same = "the same statement as the one above; " if place else ""
        lines += _wrapped(f"{same}{rule_words(incident.joined.get(report.id, ''))}.", "    ")
    return lines


def rule_words(rule: str) -> str:
    """A rule of joining as a sentence's end: `joined because it names MO1221364`."""
    if rule == FIRST:
        return f"opened it: {rule}"
    return f"joined because {rule}" if rule else "the rule that joined it was not kept"


def _first_words(text: str) -> str:
    return f'"{clip(" ".join(clean(text).split()), FIRST_WORDS)}"'


def _messages(update: Update, told: Account) -> Iterator[str]:
    """What became of an update at each destination that was told of its incident."""
    by_destination: dict[Destination, list[Delivery]] = {}
    for owed in told.deliveries:
        by_destination.setdefault(owed.destination, []).append(owed)
    subscribed = {verdict.subscription.to for verdict in told.verdicts}
    for destination, every in by_destination.items():
        own = [owed for owed in every if update.id in (owed.update, *owed.updates)]
        calls = [owed for owed in own if owed.act is not Act.EDIT]
        yield from map(delivery_words, calls or own[-1:])
        if not own:
            yield f"no message of its own to {destination}: {_unsent(update, every[0], destination in subscribed)}"


def delivery_words(delivery: Delivery) -> str:
    """`told to slack:C1 at 2026-01-22 19:37 UTC: a new message (1769110632.1)`."""
    what, to = ACTS[delivery.act], delivery.destination
    if delivery.state is State.SENT:
        when = f" at {PLAIN.line((delivery.due,))}" if delivery.due else ""
        name = f" ({delivery.receipt.message})" if delivery.receipt and delivery.receipt.message else ""
        return f"told to {to}{when}: {what}{name}."
    reason = f" ({delivery.reason})" if delivery.reason else ""
    return f"owed to {to}: {what}, {FATES[delivery.state]}{reason}."


def _unsent(update: Update, opening: Delivery, subscribed: bool) -> str:
    """Why an update of an incident that was told has no message."""
    seen = min((report.first_seen_at for report in update.reports), default=update.at)
    if opening.created_at and seen <= opening.created_at:
        return f"it was known when that was first told, at {PLAIN.line((opening.created_at,))}."
    if not subscribed:
        return "that has no subscription any more."
    return "it was history at the first sight of its source, or its words had been told as another's."


def verdict_words(verdict: Verdict, incident: Incident) -> str:
    """Why a subscription's destination is told of the incident, or is not."""
    to = verdict.subscription.to
    held = "; ".join(_held(name, verdict.subscription, incident) for name in verdict.held_by)
    whose = f"{subscription_words(verdict.subscription)}: "
    if verdict.told_at is not None:
        also = f", although this filter holds it back: {held}" if held else ""
        return f"{whose}told since {PLAIN.line((verdict.told_at,))}{also}"
    if held:
        return f"{whose}held back from {to}: {held}"
    later = "; what is said next will be told" if verdict.owed else ""
    return f"{whose}nothing holds it back from {to}, but {silence(incident)}{later}"


def _held(setting: str, subscription: Subscription, incident: Incident) -> str:
    """One setting that holds an incident back, beside what the incident says."""
    if setting == "min_impact":
        return f"below its min_impact {subscription.min_impact.value} ({impact_words(incident)})"
    if setting == "maintenance":
        return "maintenances are not wanted"
    if setting == "providers":
        return f"provider {incident.provider} is not subscribed to"
    wanted, named = getattr(subscription, setting), getattr(incident, setting)
    return f"{setting} {', '.join(wanted)}: the incident names {', '.join(named)} only"


def silence(incident: Incident) -> str:
    """Why an incident that no filter holds back was told to nobody."""
    seen = min((report.first_seen_at for update in incident.updates for report in update.reports), default=None)
    if seen and incident.resolved_at and incident.resolved_at <= seen:
        return f"it was over when its source was first read, at {PLAIN.line((seen,))}, and so was learnt in silence"
    if seen and seen - incident.updated_at > RECENT:
        return f"its last words were older than a day when first read, at {PLAIN.line((seen,))}: learnt in silence"
    return "nothing was news since the subscription was made"
