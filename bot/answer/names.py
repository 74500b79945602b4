"""What people call the watched providers and their components, and the nearest where they call them otherwise; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.answer.asked import nearest
from bot.answer.reply import Choice
from bot.core.match import Vocabulary
from bot.core.text import clip
from bot.model import Provider

NAMED = 10  #: providers named in an answer
LONG = 6  #: words of a name that is typed without quotation marks
CLOSE = 0.8  #: how like a provider's name a word must be to be taken for that, and for no component
LABEL = 75  #: characters of what is suggested: what Slack's options take, of which a value cannot be cut


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the watched providers. learned: provider id -> the components that its incidents have named.

    Few providers have their components in the catalogue; what their own incidents call them is as good.
    """

    providers: Sequence[Provider]
    learned: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def knowing(self, learned: Mapping[str, Sequence[str]]) -> Names:
        """The same, with what incidents have named meanwhile."""
        return replace(self, learned={**self.learned, **learned})

    def provider(self, word: str) -> Provider | None:
        """The watched provider that a word names, by id, name or alias."""
        wanted = word.casefold().strip()
        known = ((found, (found.id, found.name, *found.aliases)) for found in self.providers)
        return next((found for found, names in known if wanted in map(str.casefold, names)), None)

    def near(self, word: str) -> str:
        """`; did you mean "acme"?`, or nothing."""
        return nearest(word, [name for found in self.providers for name in (found.id, found.name)])

    def not_watched(self, word: str) -> str:
        """That a word names no watched provider, with the nearest, or else with some of them."""
        watched = ", ".join(found.id for found in self.providers[:NAMED]) or "nothing"
        return f'"{clip(word, 40)}" is not watched here{self.near(word) or f" (watched: {watched})."}'

    def parted(self, words: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
        """A line's words as ids of providers, components, and what is neither, but nearly a provider's name.

        Names of several words are understood without quotation marks. A provider's alias that is a component of it as
        well (Exchange Online) means the component where the provider is named otherwise.
        """
        found = [(phrase, self.provider(phrase)) for phrase in self._phrases(words)]
        sure = {each.id for phrase, each in found if each and not self._part_of(phrase, each)}
        named = [each.id for phrase, each in found if each and not (each.id in sure and self._part_of(phrase, each))]
        others = [phrase for phrase, each in found if not each or (each.id in sure and self._part_of(phrase, each))]
        odd = [phrase for phrase in others if self._odd(phrase, named)]
        return list(dict.fromkeys(named)), [phrase for phrase in others if phrase not in odd], odd

    def _phrases(self, words: Sequence[str]) -> list[str]:
        """Words put together to the longest names that are known."""
        made, at = list[str](), 0
        while at < len(words):
            runs = range(min(LONG, len(words) - at), 1, -1)
            length = next((n for n in runs if self._name(" ".join(words[at : at + n]))), 1)
            made.append(" ".join(words[at : at + length]))
            at += length
        return made

    def _name(self, phrase: str) -> bool:
        """Whether it names a provider, or a component of any."""
        return self.provider(phrase) is not None or any(self._part_of(phrase, each) for each in self.providers)

    def _part_of(self, phrase: str, provider: Provider) -> bool:
        """Whether it is the name of a component that is known, rather than the provider's own."""
        own = {provider.id.casefold(), provider.name.casefold()}
        known = self.vocabulary(provider.id)
        return phrase.casefold() not in own and known.canonical(phrase) in known.components

    def _odd(self, phrase: str, providers: Sequence[str]) -> bool:
        """Whether it is nearly a provider's name, and not even nearly a component of these."""
        names = [name for each in self.providers for name in (each.id, each.name)]
        if not nearest(phrase, names, CLOSE):
            return False
        known = [each for each in self.providers if each.id in providers]
        return not any(self._part_of(phrase, each) for each in known) and not self.near_component(phrase, providers)

    def vocabulary(self, provider: str) -> Vocabulary:
        """A provider's components and regions, with what its incidents have named."""
        found = next((each for each in self.providers if each.id == provider), None)
        if found is None:
            return Vocabulary()
        known = Vocabulary(found.components)
        more = {name: () for name in self.learned.get(provider, ()) if known.canonical(name) not in found.components}
        return Vocabulary({**found.components, **more}, found.regions)

    def canonical(self, component: str, providers: Iterable[str]) -> str:
        """A component by its own name: `Outlook` is Exchange Online."""
        names = (self.vocabulary(provider).canonical(component) for provider in providers)
        return next((name for name in names if name != component), component)

    def unknown(self, components: Iterable[str], providers: Sequence[str]) -> list[str]:
        """Those that none of the providers has; one of which no component is known may have any."""
        return [name for name in components if not any(self.vocabulary(each).knows(name) for each in providers)]

    def near_component(self, component: str, providers: Iterable[str]) -> str:
        """`; did you mean "Exchange Online"?`, or nothing."""
        spelt = [
            name
            for each in providers
            for own, others in self.vocabulary(each).components.items()
            for name in (own, *others)
        ]
        return nearest(component, spelt)

    def suggested(self, words: str, limit: int) -> list[Choice]:
        """The providers that words may mean, best first."""
        names = {each.id: (each.id, each.name, *each.aliases) for each in self.providers}
        labels = {each.id: clip(each.name, LABEL) for each in self.providers}
        return [Choice(name, labels[name]) for name in fitting(words, names)[:limit]]

    def suggested_components(self, providers: Iterable[str], words: str, limit: int) -> list[Choice]:
        """The components of these providers that words may mean, best first."""
        ids = [found.id for word in providers if (found := self.provider(word))]
        names = {
            own: (own, *others)
            for each in ids
            for own, others in self.vocabulary(each).components.items()
            if len(own) <= LABEL
        }
        return [Choice(name, name) for name in fitting(words, names)[:limit]]


def fitting(words: str, names: Mapping[str, Iterable[str]]) -> list[str]:
    """The keys of what typed words may mean, best first."""
    wanted = words.casefold().strip()
    scored = sorted(((fit(wanted, called), key) for key, called in names.items()), key=lambda pair: -pair[0])
    return [key for score, key in scored if score]


def fit(wanted: str, names: Iterable[str]) -> float:
    """How well typed words fit one of the names: 0 is not at all."""
    if not wanted:
        return 1.0
    folded = [name.casefold() for name in names]
    if any(name.startswith(wanted) for name in folded):
        return 3.0
    if any(wanted in name for name in folded):
        return 2.0
    return 1.0 if nearest(wanted, folded) else 0.0
