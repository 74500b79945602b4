"""The evidence: what a statement names, what two statements have in common, and what a statement says of the phase."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

from rapidfuzz import fuzz

from bot.model import Report, Status

REMEMBERED = 2500  #: texts of which it is kept what was found in them: more than a neighbourhood has; 4 kB each

# --- names -------------------------------------------------------------------------------------------------------

#: Microsoft's incident ids: a service's two letters and five to eight digits. Zero for O and O for zero are the usual
#: typing errors (`M0244568` on X, 15 March 2021, for MO244568).
_ID = re.compile(r"(?<![A-Za-z0-9])([A-Z0]{2})([0-9O]{5,8})(?![A-Za-z0-9])")
#: Prefixes of the same shape that are no incidents: knowledge base articles, message center posts, networks.
_NO_INCIDENT = frozenset({"KB", "MC", "AS", "OO"})
_BESIDE = re.compile(
    r"\b(?:see also|(?:un)?related to|similar to|previous(?:ly)?|earlier|separate(?:ly)?)\b", re.IGNORECASE
)
_NAME = r"(?:(?:the|a|an|our|new|incident|service|post|event|issue|communication|number|id)[\s:#]+){0,4}[(#]?"
_FURTHER = r"(?:further|future|all|ongoing|subsequent|additional|more|continued)"
#: Words with which a statement says under which other id its incident goes on; the id follows at once.
_GOES_ON_AS = re.compile(
    rf"\b(?:continu\w+ (?:to be (?:tracked|communicated|updated) )?(?:under|as|in|via|with)"
    rf"|(?:tracked|communicated|reported|updated|managed) (?:from (?:here|now) on )?(?:under|as|via|through)"
    rf"|(?:superseded|replaced) by|(?:moved|transitioned|transferred|consolidated|merged) (?:to|into|under|with)"
    rf"|{_FURTHER} (?:updates?|information|communications?|details)[^.;]{{0,40}}? (?:under|via|in|on|at|through))\s+"
    rf"{_NAME}(?P<id>[A-Z0]{{2}}[0-9O]{{5,8}})\b"
    rf"|\b(?:see|refer to|follow|check|visit)\s+{_NAME}(?P<seen>[A-Z0]{{2}}[0-9O]{{5,8}})\b[)]? for {_FURTHER}\b",
    re.IGNORECASE,
)
GOES = "goes:"  #: a key that says under which other id an incident goes on
#: Addresses that stand for one incident, whoever writes them.
_INCIDENT_ADDRESS = re.compile(r"^(?:stspg\.io/\w+|[^/]+/(?:.*/)?incidents?/[^/]+.*)$")


def ids_in(text: str) -> list[str]:
    """The incident ids that a text names, typing errors mended, in the order of their first mention."""
    return list(_ids_in(text))


@lru_cache(maxsize=REMEMBERED)
def _ids_in(text: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for letters, digits in _ID.findall(text):
        prefix = letters.replace("0", "O")
        if prefix in _NO_INCIDENT or letters.isdigit() or sum(map(str.isdigit, digits)) < len(digits) - 1:
            continue
        found[prefix + digits.replace("O", "0")] = None
    return tuple(found)


def id_keys(text: str) -> set[str]:
    """`id:MO1221364` for each id that a text names."""
    return {f"id:{name}" for name in ids_in(text)}


def mentions_beside(text: str) -> bool:
    """Whether a text speaks of another event beside its own ("see also …", "similar to …")."""
    return bool(_BESIDE.search(text))


def goes_on_as(text: str) -> str:
    """The one other id under which a text says that its incident goes on; empty where it names none, or several."""
    if not _ids_in(text) or _BESIDE.search(text):
        return ""
    said = {name for found in _GOES_ON_AS.finditer(text) for name in ids_in(found["id"] or found["seen"])}
    return said.pop() if len(said) == 1 else ""


def tied(keys: Iterable[str]) -> set[str]:
    """Keys with those that they are tied to: of an id, that an incident goes on as it; and the reverse."""
    found = set(keys)
    for key in tuple(found):
        if key.startswith(GOES):
            found.add(f"id:{key.removeprefix(GOES)}")
        elif key.startswith("id:"):
            found.add(f"{GOES}{key.removeprefix('id:')}")
    return found


def link_key(address: str) -> str:
    """An address as a key: `url:` where its shape stands for one incident, else `link:`; '' for a bare host.

    Scheme, `www.`, query, fragment and a slash at the end make no difference; a `link:` tells only
    where a thread claims it. An ill-formed address has no key.
    """
    try:
        parts = urlsplit(address.strip())
    except ValueError:  # "https://[…", as a post may have it
        return ""
    host, path = (parts.hostname or "").removeprefix("www."), parts.path.rstrip("/")
    if not host or not path:
        return ""
    place = f"{host}{path}"
    return f"url:{place}" if _INCIDENT_ADDRESS.match(place) else f"link:{place}"


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """A provider's names for its components and regions: canonical name -> the words that mean it.

    Two of them are never equal: so what was found by one can be remembered under it.
    """

    components: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def canonical(self, name: str) -> str:
        """The catalogue's name of a component that a source names in its own way; else the name itself."""
        return _lookup(tuple(self.components.items())).get(name.casefold().strip(), name.strip())

    def components_in(self, text: str) -> tuple[str, ...]:
        """The components that a text speaks of, in the catalogue's order."""
        return _found(tuple(self.components.items()), text)

    def regions_in(self, text: str) -> tuple[str, ...]:
        """The regions that a text speaks of."""
        return _found(tuple(self.regions.items()), text)

    def knows(self, component: str) -> bool:
        """Whether the catalogue has this component; without any catalogue every name counts as known."""
        return not self.components or self.canonical(component) in self.components


Names = tuple[tuple[str, tuple[str, ...]], ...]


@lru_cache(maxsize=256)
def _lookup(names: Names) -> Mapping[str, str]:
    return {word.casefold(): name for name, words in names for word in (name, *words)}


@lru_cache(maxsize=256)
def _pattern(names: Names) -> re.Pattern[str] | None:
    """The longest name first. One short word counts only as it is written: "Teams", not the engineering teams."""
    words = sorted({word for name, others in names for word in (name, *others)}, key=lambda word: (-len(word), word))
    ways = [re.escape(word) if _ordinary(word) else f"(?i:{re.escape(word)})" for word in words]
    return re.compile(rf"(?<!\w)(?:{'|'.join(ways)})(?!\w)") if ways else None


def _ordinary(word: str) -> bool:
    """Whether a name may be a word of everyday language too, but for its capital."""
    return word != word.lower() and (word.isalpha() or len(word) <= 6)


@lru_cache(maxsize=4096)
def _found(names: Names, text: str) -> tuple[str, ...]:
    pattern = _pattern(names)
    if pattern is None:
        return ()
    # The longest name wins: what is inside it is not found a second time ("Microsoft Teams" is no "Microsoft").
    hit = {_lookup(names)[match.casefold()] for match in pattern.findall(text)}
    return tuple(name for name, _ in names if name in hit)


# --- words -------------------------------------------------------------------------------------------------------

# A host begins where nothing of a host stands before it: else every letter of a long one is a beginning.
_ADDRESS = re.compile(r"https?://\S+|(?<![\w.-])[\w.-]+\.(?:com|io|microsoft)(?:/\S*)?")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_PLAIN = frozenset(
    """a about above access accessible additional additionally admin affected affecting after again all also an and any
    apologize appreciate are as at available be been before being below but by can caused center com could customer
    customers details detail did do does due during each experience experiencing for found from further had has have
    having here if impact impacted impacting in inconvenience information into investigate investigating is issue issues
    it its latest may microsoft more need no not of on once only or other our over page patience please portal possible
    post posted problem progress provide provided provides service services should so some soon such than thank that the
    their them then there these they this those time to under until up update updated updates us user users via visit
    was we we're we've were what when where which while who will with within work working would you your""".split()
)
#: What statements of every vendor say, whatever they are about: of 29 vendors each of these stands in those of ten.
_FORMAL = frozenset(
    """actively another aware back between cause caused causes causing closely confirm confirmed continue continued
    continues continuing currently engineer engineering engineers ensure expect expected experience experienced fix
    fixed fixes full fully hour hours identified identify identifying implement implemented implementing incident
    incidents minutes mitigate mitigated mitigating mitigation monitor monitored monitoring normal normally now out
    recover recovered recovering recovery remain remaining remains report reported reports resolution resolve resolved
    resolving restore restored restoring result results return returned root see seeing situation still team
    unable utc""".split()
)


@lru_cache(maxsize=REMEMBERED)
def content_words(text: str) -> frozenset[str]:
    """The words that carry a text's meaning: no addresses, no ids, no boilerplate of status pages; stems by cutting."""
    bare = _ID.sub(" ", _ADDRESS.sub(" ", text))
    words = (word.casefold().replace("’", "'") for word in _WORD.findall(bare))
    return frozenset(
        _stem(word)
        for word in words
        if len(word) > 2 and word not in _PLAIN and word not in _FORMAL and not word.isdigit()
    )


def words_of(report: Report) -> frozenset[str]:
    """The words that carry a report's meaning, its title's too."""
    return _words_of(report.title, report.text)


@lru_cache(maxsize=REMEMBERED)
def _words_of(title: str, text: str) -> frozenset[str]:
    return content_words(f"{title}\n{text}")


def _stem(word: str) -> str:
    for ending in ("ing", "ion", "ions", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word


def overlap(a: frozenset[str], b: frozenset[str]) -> float:
    """The share of the shorter text's meaning that the other text has too; 0 where too little is said to tell."""
    least = min(len(a), len(b))
    return len(a & b) / least if least >= 3 else 0.0


@lru_cache(maxsize=REMEMBERED)
def squeezed(text: str) -> str:
    """The bare words in order, as one string, for comparing what two sources say letter by letter."""
    return " ".join(_WORD.findall(_ADDRESS.sub(" ", text).casefold().replace("’", "'")))


def alike(a: str, b: str) -> float:
    """How much two texts are the same statement, 0 to 1; a text cut off with "…" is compared as far as it goes."""
    one, other = squeezed(a), squeezed(b)
    if not one or not other:
        return 0.0
    if one == other:
        return 1.0
    for text, cut, whole in ((a, one, other), (b, other, one)):
        if _ADDRESS.sub("", text).rstrip().endswith(("…", "...")) and len(cut) >= 20 and len(whole) > len(cut):
            return fuzz.ratio(cut, whole[: len(cut)]) / 100
    return fuzz.ratio(one, other) / 100


# --- phases ------------------------------------------------------------------------------------------------------

_PHASES: tuple[tuple[Status, re.Pattern[str]], ...] = tuple(
    (status, re.compile(pattern, re.IGNORECASE))
    for status, pattern in (
        (
            Status.RESOLVED,
            r"\b(?:is|are|was|has been|have been|now|fully) (?:now )?(?:fully )?(?:resolved|mitigated|remediated)\b"
            r"|\bhas been fully (?:restored|recovered)\b|\bwe(?:'ve| have) (?:confirmed|validated)[^.]{0,60}"
            r"\b(?:resolved|remediated|is no longer occurring)\b|^\W*(?:\[?resolved\]?)\b"
            r"|\b(?:has|have|['’]ve)(?: now| since)?(?: fully| successfully)? (?:resolved|fixed|remediated)"
            r" (?:the|this|all|these|an|any)\b|\bconfirm\w*(?: the)? full resolution\b"
            r"|\bconsider\w* (?:this|the) (?:issue|incident)(?: to be)?(?: fully)? resolved\b"
            r"|\b(?:services|systems|features|customers|users) have(?: now)? fully recovered\b"
            r"|\b(?:is|are|was|has been|have been)(?: now)?(?: fully)? fixed\b",
        ),
        (
            Status.MONITORING,
            r"\bmonitoring\b(?! (?:telemetry|data|systems?|tools?|alerts?|dashboards?)\b)"
            r"|(?:\bare|['’]re|\bkeep|\bcontinu\w+) (?:(?:closely|actively|still|also|now) )?monitoring\b"
            r"|\b(?:continue to|will) monitor\b"
            r"|\bmonitor (?:the|our|service|for|as)\b|\b(?:implemented|applied|deployed) (?:a|the) fix\b"
            r"|\bbeginning to recover\b|\bare (?:now )?recovering\b|\bmostly recovered\b|\bhave recovered\b"
            r"|\brestored (?:access|the affected)\b|\bsigns of recovery\b",
        ),
        (
            Status.IDENTIFIED,
            r"\b(?:we(?:'ve| have)|has|have|been) (?:identified|determined|isolated)\b|\bidentified (?:a|the|an)\b"
            r"|\broot cause\b|\b(?:rolled|rolling) back\b|\breroute?ing\b|\bmitigate\b",
        ),
        (Status.INVESTIGATING, r"\binvestigat|\blooking into\b|\baware of\b|\breceived reports\b|\breviewing\b"),
    )
)
#: A cause that is still looked for.
_SOUGHT = re.compile(
    r"(\b(?:(?:isolat|determin|investigat|analy[sz])(?:e|ing)"
    r"|(?:identify|find|understand|establish|pinpoint|confirm|review)(?:ing)?) )"
    r"(?:(?:the|a|any|its|our|potential|likely|underlying) ){0,3}root cause\b",
    re.IGNORECASE,
)
_ENDED = r"(?:resolved|fixed|mitigated|restored|remediated|recovered)"
_NOT_OVER = re.compile(
    r"(?:\b(?:not|nothing|none|hop(?:e|es|ing)|until|once|when|if|as soon as|before|partially|will be|to be|expect\w*)"
    rf"|n['’]t)\b[^.]{{0,60}}\b{_ENDED}\b"
    rf"|\b{_ENDED}\b[^.]{{0,40}}\bfor (?:most|many|some|the majority)\b"
    r"|\bstill (?:monitoring|working|seeing|investigating)\b"
    r"|\b(?:we['’]re|we are) (?:now |currently )?investigating\b(?! (?:the|its|what|why|how|root)\b)"
    r"|\b(?:are|is|will|we['’]ll|continu\w+(?: to)?|keep|closely|actively|now)(?: be)?(?: \w+ly)?(?: to)?"
    r" monitor(?:ing)?\b",
    re.IGNORECASE,
)
BEGINNING = 200  #: characters in which an account says that it is one
#: Words with which a provider opens the account of an event, rather than going on with one.
_OPENING = re.compile(
    r"\b(?:(?:we(?:'|’)?re|we are|currently|now)\s+(?:aware|investigating|looking)|investigating (?:an?|the|reports|"
    r"issues|potential)|aware of|received reports of|"
    r"an issue (?:impacting|affecting|causing|preventing|where|in which)|"
    r"users\b[^.]{0,50}\bmay (?:be|experience|have)|some users are)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=REMEMBERED)
def phase_of(text: str) -> Status | None:
    """The phase that a statement's words claim; None where they claim none."""
    bare = _SOUGHT.sub(r"\1", text)
    for status, pattern in _PHASES:
        if pattern.search(bare) and not (status is Status.RESOLVED and _NOT_OVER.search(text)):
            return status
    return None


@lru_cache(maxsize=REMEMBERED)
def opens_account(text: str) -> bool:
    """Whether a statement reads as the beginning of an account ("We're investigating …")."""
    return bool(_OPENING.search(text[:BEGINNING]))


_BROAD = re.compile(
    r"\b(?:multiple|several|various|many|numerous|a number of|one or more|some|across|other)\b[^.]{0,30}"
    r"\b(?:services|apps|features|products|workloads)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=REMEMBERED)
def speaks_broadly(text: str) -> bool:
    """Whether a statement is about many services at once ("multiple Microsoft 365 services")."""
    return bool(_BROAD.search(text))


def union(*names: Iterable[str]) -> tuple[str, ...]:
    """Names without repeats, letter case aside, in the order of their first mention."""
    seen: dict[str, str] = {}
    for group in names:
        for name in group:
            seen.setdefault(name.casefold(), name)
    return tuple(seen.values())
