"""What the desk's answers look like: incidents, states and subscriptions as Replies; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.answer.reply import Button, Reply, Row, Verb
from bot.answer.states import SourceLine, state_words
from bot.answer.why import Account, rule_words, verdict_words
from bot.core import lag
from bot.core.summary import (
    MARKS,
    STATES,
    Line,
    Tone,
    doubts,
    entry,
    impact_words,
    listing,
    said,
    span,
    title_of,
    tone,
)
from bot.core.text import clip
from bot.model import Belief, Directory, Incident, Mute, Provider, Subscription

MOST = 8  #: rows of one answer
NEWEST = 6  #: updates of one incident
WORDS = 280  #: characters of an update's words
TITLE = 120


@dataclass(frozen=True, slots=True)
class State:
    """One provider as it is now."""

    provider: Provider
    open: Sequence[Incident]  #: maintenances too
    lines: Sequence[SourceLine]

    @property
    def active(self) -> list[Incident]:
        """What is wrong now."""
        return [incident for incident in self.open if not incident.maintenance]

    @property
    def sure(self) -> bool:
        """Whether every source that is asked can be believed."""
        asked = [line for line in self.lines if not line.left_out]
        return bool(asked) and all(line.sighting.belief is Belief.OK for line in asked)


# --- subscriptions -----------------------------------------------------------------------------------------------


def subscribed(
    made: Subscription,
    open_now: Sequence[Incident],
    others: int,
    directory: Directory,
    unknown: Mapping[str, str] | None = None,
) -> Reply:
    """That it is done, what is open now, and what will come.

    others: how many more are open and not told now. unknown: names that nobody knows -> what may be meant.
    """
    rows = [Row((f"{names(made.providers, directory)}",), (terms(made),))]
    if unknown:
        meant = [f"{name}{near}" for name, near in unknown.items()]
        rows.append(Row(("Not a name that I know: ", listing(meant)), (("It counts as written.",),), mark="⚠️"))
    if open_now:
        count = f"{len(open_now)} open incident{'' if len(open_now) == 1 else 's'} now"
        rows.append(Row((f"{count}, told here in a moment:",), tuple((_titled(found),) for found in open_now[:MOST])))
    elif others:
        more = f"{others} open incident{'' if others == 1 else 's'} now"
        rows.append(Row((f"{more}, told here before, muted, or left out by what was chosen.",)))
    else:
        rows.append(Row(("Nothing is open now.",), (("The next trouble is told here when it begins.",),)))
    return Reply(("This channel is told about",), tuple(rows), private=False)


def terms(subscription: Subscription) -> Line:
    """The filter and the way of telling in a line."""
    how = {
        "thread": "one message per incident, updates in its thread",
        "edit": "one message per incident, kept current",
        "post": "each update a message",
    }[subscription.mode.value]
    facts = [how]
    if subscription.min_impact.rank:
        facts.append(f"from {subscription.min_impact.value} impact")
    if subscription.components:
        facts.append(f"only {listing(subscription.components)}")
    if subscription.regions:
        facts.append(f"in {listing(subscription.regions)}")
    if not subscription.maintenance:
        facts.append("no maintenances")
    if subscription.mention:
        facts.append(f"calls somebody from {' and '.join(subscription.mention)} impact")
    return (" · ".join(facts),)


def names(providers: Sequence[str], directory: Directory) -> str:
    """Providers by their names; none: every one."""
    return listing([directory.providers.get(name, name) for name in providers]) or "Every provider"


def unsubscribed(
    gone: Sequence[Subscription], left: Sequence[Subscription], named: Sequence[str], directory: Directory
) -> Reply:
    """What went, and what stays."""
    fixed = [entry for entry in left if entry.origin == "file"]
    if not gone:
        of = f" to {names(named, directory)}" if named else ""
        why = " What it is told stands in statusbot.toml, and is changed there." if fixed else ""
        return Reply((f"This channel has no subscription{of} that could be taken away here.{why}",), done=False)
    rows = tuple(_subscription_row(entry, directory) for entry in left[:MOST])
    what = listing([names(entry.providers, directory) for entry in gone])
    return Reply((f"Told no more here: {what}.", " It is still told:" if rows else ""), rows, private=False)


def subscriptions(
    own: Sequence[Subscription], muted: Sequence[tuple[Mute, Incident | None]], directory: Directory
) -> Reply:
    """What a channel is told, and what is muted there."""
    quiet = tuple(_muted_row(mute, incident, directory) for mute, incident in muted[:MOST])
    if not own:
        offer = (Button(Verb.SUBSCRIBE, "", "Subscribe"),)
        return Reply(("This channel has no subscription.",), quiet, buttons=offer)
    rows = tuple(_subscription_row(entry, directory) for entry in own[:MOST])
    return Reply(("This channel is told about",), rows + quiet, _more(len(own) - MOST))


def _subscription_row(entry: Subscription, directory: Directory, *, where: bool = False) -> Row:
    place: tuple[Line, ...] = ((str(entry.to),),) if where else ()
    origin: tuple[Line, ...] = (("from statusbot.toml, changed only there",),) if entry.origin == "file" else ()
    return Row((names(entry.providers, directory),), (terms(entry), *place, *origin))


def _muted_row(mute: Mute, incident: Incident | None, directory: Directory) -> Row:
    name = _titled(incident) if incident else directory.providers.get(mute.provider, mute.provider or mute.incident)
    until: Line = ("muted until ", mute.until) if mute.until else ("muted",)
    return Row((name,), (until,), mark="🔕")


def home(own: Sequence[Subscription], states: Sequence[State], directory: Directory) -> Reply:
    """Every subscription, and how each provider is doing."""
    told = [_subscription_row(entry, directory, where=True) for entry in own[: 2 * MOST]]
    reply = status(states, directory)
    header = Row(("Subscriptions",), () if told else (("None yet: /statusbot subscribe in a channel.",),))
    more = _more(len(own) - 2 * MOST)
    return Reply(("Providers",), (*reply.rows, header, *told), more or reply.more, reply.buttons)


# --- what is known -----------------------------------------------------------------------------------------------


def status(states: Sequence[State], directory: Directory, *, alone: bool = False) -> Reply:
    """How providers are doing, those in trouble first; nobody is called well on a doubtful word (rule of truth 2)."""
    if not states:
        return Reply(("Nothing is watched.",))
    if alone:
        return _alone(states[0], directory)
    ordered = sorted(states, key=lambda state: (not state.active, state.sure))
    rows = tuple(_state_row(state, directory) for state in ordered[:MOST])
    ill = sum(bool(state.active) for state in states)
    unsure = sum(not state.active and not state.sure for state in states)
    words = f"{ill} in trouble" if ill else "No trouble reported" if not unsure else "No trouble known"
    words += f", {unsure} unknown" if unsure else ""
    return Reply((f"{words}.",), rows, _more(len(states) - MOST))


def _alone(state: State, directory: Directory) -> Reply:
    """One provider: how it is doing, which sources cannot be believed, and what is open."""
    row = _state_row(state, directory)
    state_line, *unsure = row.body
    doubtful = (Row(("Not to be relied on",), tuple(unsure), "⚠️"),) if unsure else ()
    told = tuple(_incident_row(incident, directory) for incident in state.open[: MOST - 1])
    text = (f"{row.mark} {state.provider.name}: ", *state_line)
    return Reply(text, (*doubtful, *told), _more(len(state.open) - len(told)))


def _mark(state: State) -> str:
    if not state.active:
        return MARKS[Tone.OVER] if state.sure else "❔"
    return MARKS[tone(max(state.active, key=lambda entry: entry.impact.rank if entry.impact else 0), over=False)]


def _state_row(state: State, directory: Directory) -> Row:
    unsure = doubts([line.sighting for line in state.lines if not line.left_out], directory.labels)
    return Row((state.provider.name,), ((state_words(state.active, state.lines),), *list(unsure)[:3]), _mark(state))


def timeline(open_now: Sequence[Incident], lately: Sequence[Incident], directory: Directory) -> Reply:
    """What is open, then what lately was."""
    over = [incident for incident in lately if not incident.open]
    shown = [*open_now, *over][:MOST]
    rows = tuple(_incident_row(incident, directory) for incident in shown)
    count = f"{len(open_now)} open" if open_now else "Nothing is open"
    words = f"{count}, {len(over)} over in the last 7 days" if over else count
    buttons = tuple(Button(Verb.TIMELINE, found.id, clip(_titled(found), 60)) for found in shown[:3])
    return Reply((f"{words}.",), rows, _more(len(open_now) + len(over) - MOST), buttons)


def _incident_row(incident: Incident, directory: Directory) -> Row:
    state: Line = (f"{STATES[incident.status]} · {impact_words(incident)} · ", *span(incident))
    named: tuple[Line, ...] = ((listing(incident.components),),) if incident.components else ()
    provider = directory.providers.get(incident.provider, incident.provider)
    return Row(
        (f"{provider}: {_titled(incident)}",),
        (state, *named),
        MARKS[tone(incident, over=not incident.open)],
        incident.url,
    )


def incident(found: Incident, directory: Directory) -> Reply:
    """One incident with its newest updates, oldest first among them."""
    rows = [_incident_row(found, directory)]
    for update in found.updates[-NEWEST:]:
        told = entry(update, directory.labels)
        head: Line = (f"{told.state} · ", *told.said) if told.state else told.said
        rows.append(Row(head, ((clip(told.text, WORDS),),) if told.text else (), url=told.url))
    lagging = lag.words(found, directory.labels)
    earlier = len(found.updates) - NEWEST
    more = f"{earlier} earlier update{'' if earlier == 1 else 's'}" if earlier > 0 else ""
    buttons = (Button(Verb.WHY, found.id, "Why"), *((Button(Verb.MUTE, found.id, "Mute here"),) if found.open else ()))
    return Reply((lagging or "What was said:",), tuple(rows), more, buttons)


def why(told: Account, directory: Directory) -> Reply:
    """Which rule joined each statement, and whether this channel is told."""
    found = told.incident
    rows = [_incident_row(found, directory)]
    for update in found.updates[-NEWEST:]:
        rules = tuple((f"{rule_words(found.joined.get(report.id, ''))}.",) for report in update.reports)
        rows.append(Row(said(update, directory.labels), tuple(dict.fromkeys(rules))))
    verdicts = tuple((f"{verdict_words(verdict, found)}.",) for verdict in told.verdicts)
    rows.append(Row(("This channel",), verdicts or (("It has no subscription.",),)))
    earlier = len(found.updates) - NEWEST
    return Reply(("Why it stands so:",), tuple(rows), f"{earlier} earlier" if earlier > 0 else "")


# --- quiet -------------------------------------------------------------------------------------------------------


def muted(wish: Mute, incident: Incident | None, provider: Provider | None, *, heard: bool = True) -> Reply:
    """What is quiet now, until when, and what is still told. heard: whether the channel has any subscription."""
    name = _titled(incident) if incident else provider.name if provider else ""
    until: Line = (" until ", wish.until) if wish.until else (" until it is lifted",)
    still = "Standing messages stay current; their ends are told."
    if incident:
        still = "Its message stays current, and its end is told." if incident.open else "It is over as far as is known."
    if not heard:
        still = "This channel has no subscription, so nothing is told here as it is."
    back = (Button(Verb.UNMUTE, wish.incident or wish.provider, "Unmute"),)
    return Reply((f"🔕 Muted here: {name}", *until, f". {still}"), buttons=back, private=False)


def unmuted(incident: Incident | None, provider: Provider | None, *, lifted: bool) -> Reply:
    """That it is heard again."""
    name = _titled(incident) if incident else provider.name if provider else ""
    words = f"Told again here: {name}." if lifted else f"{name} was not muted here."
    return Reply((words,), done=lifted, private=not lifted)


def _titled(incident: Incident) -> str:
    references = f" [{', '.join(incident.references)}]" if incident.references else ""
    return f"{clip(title_of(incident), TITLE)}{references}"


def _more(left: int) -> str:
    return f"… and {left} more" if left > 0 else ""
