"""The desk at which a chat's questions are answered, whatever the platform: a command in, a Reply out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from bot.answer import shown
from bot.answer.asked import COMMANDS, Asked, asked, nearest
from bot.answer.names import LONGEST, MANY, Names, fit
from bot.answer.reply import Asker, Choice, Form, Reply, Row, Verb, Wish
from bot.answer.states import sources
from bot.answer.welcome import going_on, greet, hear_again
from bot.answer.why import account
from bot.core.dates import length_of
from bot.core.match import Vocabulary
from bot.core.summary import title_of
from bot.core.text import clip
from bot.errors import StatusbotError
from bot.model import Directory, Impact, Incident, Mode, Mute, Provider, Subscription
from bot.ports import Clock, Ledger, Store

LATELY = timedelta(days=7)
REMEMBERED = timedelta(days=30)  #: incidents that a typing error may mean
LEARNING = 0.5  #: seconds for a look at what incidents have named: Slack and Discord wait 3 for what is suggested
#: whom a subscription may call: Slack's and Discord's own forms, and nothing else
_CALL = re.compile(
    r"<!(?:here|channel|everyone)>|<!subteam\^S\w+(?:\|[^<>]*)?>|<@[UW]\w+>|<@&\d+>|<@!?\d+>|@here|@everyone"
)
IMPACTS = ("none", "minor", "major", "critical")
TOO_MUCH = "That is more than can be understood at once."
PARTLY = Reply(
    ("A provider is taken off as a whole. Subscribe again with the components that are wanted.",), done=False
)
TROUBLE = Reply(("That cannot be answered now: the database does not answer. Try again in a minute.",), done=False)


class Desk:
    """Answers what is asked in a chat; knows no chat platform. Never raises for what a person typed: that is a Reply.

    providers: those that are watched. left_out: sources that are not asked, with the reason. mode_for: the best mode
    of a kind of destination, or the one wanted where it can do that. wake: called when something was queued.
    """

    def __init__(
        self,
        store: Store,
        providers: Sequence[Provider],
        directory: Directory,
        left_out: Mapping[str, str],
        clock: Clock,
        mode_for: Callable[[str, Mode], Mode],
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._providers = tuple(providers)
        self._directory = directory
        self._left_out = left_out
        self._clock = clock
        self._mode_for = mode_for
        self._wake = wake
        self._by_id = {provider.id: provider for provider in providers}
        self._names = Names(self._providers)

    # what is typed, and what is pressed

    async def ask(self, asker: Asker, words: str) -> Reply | Form:
        """The answer to a line of words; the dialog, where somebody wants to subscribe and says to nothing yet."""
        wanted = asked(words)
        if wanted.command not in COMMANDS:
            return replace(self.help(asker), text=(wanted.wrong,), done=False)
        if wanted.wrong:
            return self._no(asker, wanted.wrong, wanted.command)
        if wanted.command == "subscribe":
            return await self._subscribe_by_words(asker, wanted)
        return await self._one_of(asker, wanted)

    async def press(self, asker: Asker, verb: Verb, value: str) -> Reply | Form:
        """The answer to a button."""
        if verb is Verb.SUBSCRIBE:
            return self._refused(asker) or Form(Wish((value,) if value in self._by_id else ()))
        if verb is Verb.UNSUBSCRIBE:
            return await self.unsubscribe(asker, (value,) if value else ())
        answers = {Verb.TIMELINE: self.timeline, Verb.WHY: self.why, Verb.UNMUTE: self.unmute}
        return await answers[verb](asker, value) if verb in answers else await self.mute(asker, value)

    async def _one_of(self, asker: Asker, wanted: Asked) -> Reply:
        name = " ".join(wanted.words)
        match wanted.command:
            case "unsubscribe":
                return await self.unsubscribe(asker, wanted.words)
            case "subscriptions":
                return await self.subscriptions(asker)
            case "status":
                return await self.status(asker, name)
            case "timeline":
                return await self.timeline(asker, name)
            case "why":
                return await self.why(asker, name)
            case "mute":
                return await self._mute_by_words(asker, wanted.words)
            case "unmute":
                return await self.unmute(asker, name)
            case _:
                return self.help(asker)

    def help(self, asker: Asker | None = None) -> Reply:
        """Every command, with an example, as it is typed where somebody asks."""
        before = asker.before if asker else ""
        rows = tuple(Row((f"{before}{usage}",), ((about,),)) for usage, about in COMMANDS.values())
        return Reply(("What you can ask:",), rows)

    # subscriptions

    async def subscribe(self, asker: Asker, wish: Wish) -> Reply:
        """Tell the channel about providers, beginning with what is open now."""
        if refused := self._refused(asker):
            return refused
        if not wish.providers:
            return self._no(asker, "Which provider?", "subscribe")
        named = [self._names.provider(word) for word in wish.providers]
        for word, found in zip(wish.providers, named, strict=True):
            if found is None:
                return self._not_watched(word)
        if any(len(name) > LONGEST for name in (*wish.components, *wish.regions)):
            return self._no(asker, "No component has so long a name.", "subscribe")
        wish = replace(wish, providers=tuple(found.id for found in named if found))
        await self._learn(wish.providers)
        if any(not _CALL.fullmatch(word) for words in wish.mention.values() for word in words.split()):
            return self._no(asker, "Only people, groups and the channel itself can be called.", "subscribe")
        return await self._safely(lambda ledger: self._subscribe(ledger, asker, wish))

    def _subscribe(self, ledger: Ledger, asker: Asker, wish: Wish) -> Reply:
        wanted = self._subscription(asker, wish)
        made = ledger.subscribe(wanted)
        told = greet(ledger, made, self._providers, self._clock.now())
        others = len(going_on(ledger, made, self._providers, self._clock.now())) - len(told)
        self._wake()
        unknown = self._names.unknown(made.components, wish.providers)
        near = {name: self._names.near_component(name, wish.providers) for name in unknown}
        return shown.subscribed(made, told, others, self._directory, near)

    def _subscription(self, asker: Asker, wish: Wish) -> Subscription:
        components = tuple(dict.fromkeys(self._names.canonical(name, wish.providers) for name in wish.components))
        mode = self._mode_for(asker.to.kind, wish.mode or Mode.THREAD)
        return Subscription(
            to=asker.to,
            providers=tuple(dict.fromkeys(wish.providers)),
            components=components,
            min_impact=wish.min_impact,
            mode=mode,
            regions=wish.regions,
            maintenance=wish.maintenance,
            mention=wish.mention,
        )

    async def _subscribe_by_words(self, asker: Asker, wanted: Asked) -> Reply | Form:
        if not wanted.words and not wanted.options:
            return self._refused(asker) or Form(Wish())
        await self._learn(self._by_id)
        wish = self._wish(asker, wanted)
        return wish if isinstance(wish, Reply) else await self.subscribe(asker, wish)

    def _wish(self, asker: Asker, wanted: Asked) -> Wish | Reply:
        """What a line asks for: words that mean a provider, and after them its components."""
        if len(wanted.words) > MANY:
            return self._no(asker, TOO_MUCH, "subscribe")
        providers, others, odd = self._names.parted(wanted.words)
        if odd or (others and not providers):
            return self._not_watched((odd or others)[0])
        impact, mode = (wanted.options.get(name, ("",))[-1].casefold() for name in ("min", "mode"))
        if impact and impact not in IMPACTS:
            return self._no(asker, _none_of(impact, "impact", IMPACTS), "subscribe")
        if mode and mode not in list(Mode):
            return self._no(asker, _none_of(mode, "mode", list(Mode)), "subscribe")
        mention = dict(pair.partition("=")[::2] for pair in wanted.options.get("mention", ()))
        if any(least not in IMPACTS for least in mention):
            return self._no(asker, "--mention is written like this: --mention critical=@here.", "subscribe")
        return Wish(
            providers=tuple(providers),
            components=(*others, *wanted.options.get("component", ())),
            regions=wanted.options.get("region", ()),
            min_impact=Impact(impact or Impact.NONE),
            mode=Mode(mode) if mode else None,
            maintenance="no-maintenance" not in wanted.options,
            mention=mention,
        )

    async def unsubscribe(self, asker: Asker, providers: Sequence[str] = ()) -> Reply:
        """Tell the channel no more about providers; of all, where none is named."""
        if refused := self._refused(asker):
            return refused
        if len(providers) > MANY:
            return self._no(asker, TOO_MUCH, "unsubscribe")
        named, parts, odd = self._names.parted(providers)

        def work(ledger: Ledger) -> Reply:
            own = {name for entry in ledger.subscriptions() if entry.to == asker.to for name in entry.providers}
            if strange := [word for word in (*parts, *odd) if word not in own]:
                return PARTLY if named and strange[0] in parts else self._not_watched(strange[0])
            gone = ledger.unsubscribe(asker.to, [*named, *parts, *odd])
            left = [entry for entry in ledger.subscriptions() if entry.to == asker.to]
            return shown.unsubscribed(gone, left, named, self._directory)

        return await self._safely(work)

    async def subscriptions(self, asker: Asker) -> Reply:
        """What the channel is told, and what is muted there."""

        def work(ledger: Ledger) -> Reply:
            own = [entry for entry in ledger.subscriptions() if entry.to == asker.to]
            muted = [(mute, ledger.incident(mute.incident)) for mute in ledger.mutes(asker.to)]
            return shown.subscriptions(own, muted, self._directory)

        return await self._safely(work, writing=False)

    async def home(self, kind: str) -> Reply:
        """Every subscription of one kind of destination, and how each provider is doing."""

        def work(ledger: Ledger) -> Reply:
            own = [entry for entry in ledger.subscriptions() if entry.to.kind == kind]
            return shown.home(own, self._states(ledger, self._providers), self._directory)

        return await self._safely(work, writing=False)

    # what is known

    async def status(self, asker: Asker, provider: str = "") -> Reply:
        """How a provider is doing, or each of them."""
        found = self._names.provider(provider) if provider else None
        if provider and found is None:
            return self._not_watched(provider)
        wanted = (found,) if found else self._providers
        return await self._safely(
            lambda ledger: shown.status(self._states(ledger, wanted), self._directory, alone=found is not None),
            writing=False,
        )

    def _states(self, ledger: Ledger, providers: Sequence[Provider]) -> list[shown.State]:
        lines = sources(ledger, providers, self._left_out, self._clock.now())
        incidents = ledger.timeline(open_only=True)
        return [
            shown.State(
                provider,
                [incident for incident in incidents if incident.provider == provider.id],
                [line for line in lines if line.source.partition("/")[0] == provider.id],
            )
            for provider in providers
        ]

    async def timeline(self, asker: Asker, incident: str = "") -> Reply:
        """What is open and what lately was, or one incident's updates."""
        if not incident:
            return await self._safely(
                lambda ledger: shown.timeline(
                    ledger.timeline(open_only=True),
                    ledger.timeline(since=self._clock.now() - LATELY),
                    self._directory,
                ),
                writing=False,
            )

        def work(ledger: Ledger) -> Reply:
            found, provider = self._meant(ledger, incident)
            if provider is not None:
                mine = ledger.timeline(provider=provider.id, since=self._clock.now() - LATELY)
                return shown.timeline([entry for entry in mine if entry.open], mine, self._directory)
            return shown.incident(found, self._directory) if found else self._no_incident(ledger, asker, incident)

        return await self._safely(work, writing=False)

    async def why(self, asker: Asker, incident: str) -> Reply:
        """Why an incident reads as it does, and whether this channel is told."""
        if not incident:
            return self._no(asker, "Which incident?", "why")

        def work(ledger: Ledger) -> Reply:
            told = account(ledger, incident, self._vocabulary, asker.to, self._clock.now())
            return shown.why(told, self._directory) if told else self._no_incident(ledger, asker, incident)

        return await self._safely(work, writing=False)

    # quiet

    async def mute(self, asker: Asker, what: str, length: str = "") -> Reply:
        """Nothing new of an incident or a provider in this channel, for so long; no length: until it is lifted."""
        if refused := self._refused(asker):
            return refused
        wait = length_of(length) if length else None
        if length and wait is None:
            return self._no(asker, f'"{clip(length, 20)}" is no length of time: write 30m, 2h or 1d.', "mute")
        if not what:
            return self._no(asker, "Mute what?", "mute")
        until = self._clock.now() + wait if wait else None
        return await self._safely(lambda ledger: self._mute(ledger, asker, what, until))

    def _mute(self, ledger: Ledger, asker: Asker, what: str, until: datetime | None) -> Reply:
        incident, provider = self._meant(ledger, what)
        if incident is None and provider is None:
            return self._no_incident(ledger, asker, what)
        wish = _muted(asker, incident, provider, until)
        ledger.mute(wish)
        heard = any(entry.to == asker.to for entry in ledger.subscriptions())
        return shown.muted(wish, incident, provider, heard=heard)

    async def _mute_by_words(self, asker: Asker, words: Sequence[str]) -> Reply:
        """The last word is a length where it can be one, or the last two (2 hours), after "for" or without."""
        for count in (2, 1):
            what, length = words[:-count], " ".join(words[-count:])
            if what and length_of(length):
                return await self.mute(asker, " ".join(what).removesuffix(" for"), length)
        return await self.mute(asker, " ".join(words))

    async def unmute(self, asker: Asker, what: str) -> Reply:
        """Let a channel hear again; it is told what began meanwhile and is still open."""
        if refused := self._refused(asker):
            return refused
        if not what:
            return self._no(asker, "Unmute what?", "unmute")
        return await self._safely(lambda ledger: self._unmute(ledger, asker, what))

    def _unmute(self, ledger: Ledger, asker: Asker, what: str) -> Reply:
        incident, provider = self._meant(ledger, what)
        if incident is None and provider is None:
            return self._no_incident(ledger, asker, what)
        lifted = ledger.unmute(_muted(asker, incident, provider, None))
        if lifted:
            hear_again(ledger, _muted(asker, incident, provider, None), self._providers, self._clock.now())
            self._wake()
        return shown.unmuted(incident, provider, lifted=lifted)

    def _meant(self, ledger: Ledger, what: str) -> tuple[Incident | None, Provider | None]:
        incident = ledger.incident(what)
        return incident, None if incident else self._names.provider(what)

    # while somebody types

    def providers(self, words: str = "", limit: int = 25) -> list[Choice]:
        """The watched providers that words may mean, best first."""
        return self._names.suggested(words, limit)

    async def components(self, providers: Sequence[str], words: str = "", limit: int = 25) -> list[Choice]:
        """The components of these providers that words may mean, best first."""
        await self._learn(found.id for word in providers if (found := self._names.provider(word)))
        return self._names.suggested_components(providers, words, limit)

    async def incidents(self, words: str = "", limit: int = 25) -> list[Choice]:
        """The open incidents that words may mean, then those that are over since lately."""
        since = self._clock.now() - LATELY
        try:
            every = await self._store.read(lambda ledger: ledger.timeline(since=since))
        except StatusbotError:
            return []
        wanted = words.casefold().strip()
        found = [entry for entry in every if fit(wanted, (entry.id, title_of(entry), *entry.references))]
        found.sort(key=lambda entry: not entry.open)
        return [Choice(entry.id, _choice(entry)) for entry in found[:limit]]

    # what all of them share

    async def _safely(self, work: Callable[[Ledger], Reply], *, writing: bool = True) -> Reply:
        try:
            return await (self._store.write(work) if writing else self._store.read(work))
        except StatusbotError:
            return TROUBLE

    def _refused(self, asker: Asker) -> Reply | None:
        words = asker.why_not or "You may not change what this channel is told."
        return None if asker.may else Reply((words,), done=False)

    def _no(self, asker: Asker, words: str, command: str) -> Reply:
        """That something cannot be done, with the way to ask for it."""
        like = f" Like this: {asker.before}{COMMANDS[command][0]}"
        return Reply((words, "" if asker.asked_each else like), done=False)

    def _not_watched(self, word: str) -> Reply:
        return Reply((self._names.not_watched(word),), done=False)

    def _no_incident(self, ledger: Ledger, asker: Asker, word: str) -> Reply:
        """That a word names no incident, with the nearest name of one, or of a provider."""
        known = ledger.timeline(since=self._clock.now() - REMEMBERED)
        names = [name for entry in known for name in (*entry.references, entry.id)]
        meant = nearest(word, names) or self._names.near(word) or f"; {asker.before}timeline lists them."
        return Reply((f'"{clip(word, 40)}" is no incident that I know{meant}',), done=False)

    async def _learn(self, providers: Iterable[str]) -> None:
        """Look what incidents call the components; where the database is slow, what is known by heart must do."""
        wanted = list(providers)
        with suppress(StatusbotError, TimeoutError):
            async with asyncio.timeout(LEARNING):
                found = await self._store.read(lambda ledger: {each: ledger.components(each) for each in wanted})
            self._names = self._names.knowing(found)

    def _vocabulary(self, provider: str) -> Vocabulary:
        found = self._by_id.get(provider)
        return Vocabulary(found.components, found.regions) if found else Vocabulary()


def _muted(asker: Asker, incident: Incident | None, provider: Provider | None, until: datetime | None) -> Mute:
    return Mute(asker.to, incident.id if incident else "", provider.id if provider else "", until)


def _none_of(word: str, what: str, known: Sequence[str]) -> str:
    """`"majr" is no impact; did you mean "major"?`"""
    every = ", ".join(known)
    return f'"{clip(word, 20)}" is no {what}{nearest(word, known) or f": write one of {every}."}'


def _choice(incident: Incident) -> str:
    references = f" [{', '.join(incident.references)}]" if incident.references else ""
    over = "" if incident.open else " (over)"
    return f"{clip(title_of(incident), 70 - min(30, len(references)))}{references[:28]}{over}"
