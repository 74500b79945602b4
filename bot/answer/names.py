"""What people call the watched providers and their components, and the nearest where they call them otherwise; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.answer.asked import nearest
from bot.answer.reply import Choice
from bot.core.match import Vocabulary
from bot.core.text import clip
from bot.model import Provider

NAMED = 10  #: providers named in an answer
LONG = 6  #: words of a name that is typed without quotation marks
CLOSE = 0.8  #: how like a provider's name a word must be to be taken for that, and for no component
MANY = 40  #: words of a line that are looked at; people type fewer
LONGEST = 200  #: characters of a name
LABEL = 75  #: characters of what is suggested: what Slack's options take, of which a value cannot be cut


class Names:
    """The names of the watched providers. learned: provider id -> the components that its incidents have named.

    Few providers have their components in the catalogue; what their own incidents call them is as good.
    """

    def __init__(self, providers: Sequence[Provider], learned: Mapping[str, Sequence[str]] | None = None) -> None:
        self.providers = tuple(providers)
        self._learned = learned or {}
        self._vocabularies = {each.id: self._known(each) for each in self.providers}
        self._parts = {name: spellings(known.components) for name, known in self._vocabularies.items()}
        self._named: dict[str, Provider] = {}
        for each in self.providers:
            for name in (each.id, each.name, *each.aliases):
                self._named.setdefault(name.casefold(), each)
        self._every = set(self._named).union(*self._parts.values())

    def _known(self, provider: Provider) -> Vocabulary:
        known = Vocabulary(provider.components)
        named = self._learned.get(provider.id, ())
        more = {name: () for name in named if known.canonical(name) not in provider.components}
        return Vocabulary({**provider.components, **more}, provider.regions)

    def knowing(self, learned: Mapping[str, Sequence[str]]) -> Names:
        """The same, with what incidents have named meanwhile."""
        whole = {**self._learned, **learned}
        return self if whole == self._learned else Names(self.providers, whole)

    def provider(self, word: str) -> Provider | None:
        """The watched provider that a word names, by id, name or alias."""
        return self._named.get(word.casefold().strip())

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
            length = next((n for n in runs if self._one_name(words[at : at + n], made)), 1)
            made.append(" ".join(words[at : at + length]))
            at += length
        return made

    def _one_name(self, words: Sequence[str], before: Sequence[str]) -> bool:
        """Whether words are one name; the first of them alone may name the provider, and the rest its component.

        `github actions` is GitHub and its Actions, though GitHub Actions is an alias of GitHub.
        """
        run = " ".join(words)
        if run.casefold() not in self._every:
            return False
        alone, whole = self.provider(words[0]), self.provider(run)
        if alone is None or self._part_of(words[0], alone) or (whole is not None and whole.id != alone.id):
            return True
        return any(named.id == alone.id for phrase in before if (named := self.provider(phrase)))

    def _part_of(self, phrase: str, provider: Provider) -> bool:
        """Whether it is the name of a component that is known, rather than the provider's own."""
        own = {provider.id.casefold(), provider.name.casefold()}
        return phrase.casefold() not in own and phrase.casefold() in self._parts[provider.id]

    def _odd(self, phrase: str, providers: Sequence[str]) -> bool:
        """Whether it is nearly a provider's name, and not even nearly a component of these."""
        names = [name for each in self.providers for name in (each.id, each.name)]
        if not nearest(phrase, names, CLOSE):
            return False
        known = [each for each in self.providers if each.id in providers]
        return not any(self._part_of(phrase, each) for each in known) and not self.near_component(phrase, providers)

    def vocabulary(self, provider: str) -> Vocabulary:
        """A provider's components and regions, with what its incidents have named."""
        return self._vocabularies.get(provider, Vocabulary())

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


def spellings(components: Mapping[str, Iterable[str]]) -> set[str]:
    """Every way to write one of them, case-folded."""
    return {name.casefold() for own, others in components.items() for name in (own, *others)}


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
