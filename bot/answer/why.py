"""Why an incident reads as it does, and why each destination was told of it or was not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.answer.subscriptions import subscription_words
from bot.answer.timeline import heading, wrapped
from bot.core.carrier import carried_by
from bot.core.join import SET_APART
from bot.core.match import Vocabulary
from bot.core.place import FIRST
from bot.core.route import RECENT, as_it_stands
from bot.core.summary import beside, impact_words, title_of
from bot.core.text import clip
from bot.markup import PLAIN, clean
from bot.model import Act, Delivery, Destination, Directory, Incident, State, Subscription, Update, Verdict
from bot.ports import Ledger

KEPT_APART = "They are kept apart; `statusbot merge` makes them one."
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
    others: tuple[Incident, ...] = ()  #: that bear this name, too


def account(
    ledger: Ledger,
    name: str,
    vocabulary: Callable[[str], Vocabulary],
    to: Destination | None = None,
    at: datetime | None = None,
) -> Account | None:
    """What is known of an incident, by its id, an absorbed one's, or a reference; None where there is none.

    vocabulary: a provider's id -> its names. to: as far as it concerns this destination. at: now, by
    which mutes are over.
    """
    found = ledger.called(name)
    if not found:
        return None
    *others, incident = found
    owed = [entry for entry in ledger.deliveries_of(incident.id) if to is None or entry.destination == to]
    verdicts = ledger.explain(as_it_stands(incident, vocabulary(incident.provider)), to, at)
    return Account(incident, tuple(owed), tuple(verdicts), name, tuple(others))


def why_words(told: Account, directory: Directory, to: Destination | None = None) -> str:
    """Why each report stands on the incident, and what became of each message, in sentences."""
    incident = told.incident
    lines = [*heading(incident, directory), f"  id {incident.id}"]
    if told.called != incident.id and told.called.strip().casefold() not in map(str.casefold, incident.references):
        lines += wrapped(f"{told.called} turned out to be this one.", "  ")
    for other in told.others:
        lines += wrapped(f"{told.called} is also {other.id} {clip(clean(title_of(other)), FIRST_WORDS)}.", "  ")
    lines += ["", "What was said, and why it stands here:"]
    for update in incident.updates:
        lines += _origin(update, incident, directory)
        lines += [line for words in _messages(update, told) for line in wrapped(words, "    ")]
    lines += [line for words in beside(incident) for line in wrapped(f"{PLAIN.line(words)}. {KEPT_APART}", "  ")]
    lines += ["", "Who is told:"]
    lines += [line for verdict in told.verdicts for line in wrapped(f"{verdict_words(verdict, incident)}.", "  ")]
    lines += [line for words in _stand_ins(told) for line in wrapped(words, "  ")]
    if not told.verdicts and not any(owed.instead for owed in told.deliveries):
        lines.append(f"  {to} has no subscription." if to else "  Nobody is subscribed.")
    return "\n".join(lines)


def _origin(update: Update, incident: Incident, directory: Directory) -> list[str]:
    """Each statement that an update rests on, with the rule that joined it."""
    if not update.reports:
        return wrapped(f"{PLAIN.line((update.at,))} · observed by statusbot: {_first_words(update.text)}", "  ")
    lines = []
    for place, report in enumerate(update.reports):
        source = directory.labels.get(report.source, report.source)
        when = PLAIN.line((report.at,)) + ("" if report.dated else " (when first seen)")
        line = f"{when} · {source}: {_first_words(report.text or report.title)}"
        lines += wrapped(line, "  ")
        same = "the same statement as the one above; " if place else ""
        lines += wrapped(f"{same}{rule_words(incident.joined.get(report.id, ''))}.", "    ")
    return lines


def _stand_ins(told: Account) -> list[str]:
    """Which fallbacks were told in whose place, and why."""
    pairs = {(owed.destination, owed.instead): None for owed in told.deliveries if owed.instead}
    carried = carried_by(told.incident.provider)
    return [
        f"{to}: as the fallback of {first}, "
        + ("whose own platform is in trouble." if first.kind in carried else "where deliveries failed for good.")
        for to, first in pairs
        if first is not None
    ]


def rule_words(rule: str) -> str:
    """A rule of joining as a sentence's end: `joined because it names MO1221364`."""
    if rule in (FIRST, SET_APART):
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
        if not own and not all(owed.instead for owed in every):
            why = _unsent(update, told.incident, every[0], destination in subscribed)
            yield f"no message of its own to {destination}: {why}"


def delivery_words(delivery: Delivery) -> str:
    """`told to slack:C1 at 2026-01-22 19:37 UTC: a new message (1769110632.1)`."""
    what, to = ACTS[delivery.act], str(delivery.destination)
    to += f" (the fallback of {delivery.instead})" if delivery.instead else ""
    if delivery.state is State.SENT:
        when = f" at {PLAIN.line((delivery.due,))}" if delivery.due else ""
        name = f" ({delivery.receipt.message})" if delivery.receipt and delivery.receipt.message else ""
        return f"told to {to}{when}: {what}{name}."
    reason = f" ({delivery.reason})" if delivery.reason else ""
    return f"owed to {to}: {what}, {FATES[delivery.state]}{reason}."


def _unsent(update: Update, incident: Incident, opening: Delivery, subscribed: bool) -> str:
    """Why an update of an incident that was told has no message."""
    seen = min((report.first_seen_at for report in update.reports), default=update.at)
    if opening.created_at and seen <= opening.created_at:
        return f"it was known when that was first told, at {PLAIN.line((opening.created_at,))}."
    if not subscribed:
        return "that has no subscription any more."
    if SET_APART in incident.joined.values():
        return "it was told of the incident from which an operator set this one apart."
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
    if setting == "muted":
        return "it was muted there"
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
