"""Words with a form of their own, as an operator writes them, and what each mistake in them is called."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from difflib import get_close_matches
from typing import TypeVar
from urllib.parse import urlsplit

from bot import collectors, notifiers
from bot.core.dates import DURATION, LONGEST, duration_of
from bot.errors import UsageError
from bot.model import Destination, Impact, Mode

T = TypeVar("T")

#: Kinds that CONTRACT.md names and this version does not have.
LATER_SOURCES = frozenset(
    "azure aws google-workspace salesforce incident-io instatus betterstack statusio cachet uptime-kuma".split()
)

IMPACTS = tuple(impact for impact in Impact if impact is not Impact.MAINTENANCE)  #: those that have a rank of their own
_ID = re.compile(r"[a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?")
_NAME = re.compile(r"\w[\w.-]*")
_LISTEN = re.compile(r"(?:\[([0-9A-Fa-f:.%\w]+)\]|([\w.-]*)):(\d{1,5})", re.ASCII)
_ACCOUNT = re.compile(r"@?(\w{1,15})", re.ASCII)


def parse_named(setting: str, parse: Callable[[str], T], text: str) -> T:
    """What `parse` makes of a text. Raises its UsageError with the setting's name before it."""
    try:
        return parse(text)
    except UsageError as error:
        raise UsageError(f"{setting}: {error}") from None


def quoted(word: str) -> str:
    """A word in quotes, on one line and not too long."""
    shown = word if len(word) <= 40 else word[:39] + "…"
    return '"' + "".join(c if c.isprintable() else "�" for c in shown) + '"'


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of an error about an unknown word: the known one that looks most like it, else all of them."""
    words = list(known)
    found = get_close_matches(word.lower(), words, n=1)
    return f'; did you mean "{found[0]}"?' if found else f"; known: {', '.join(words)}"


def parse_duration(text: str) -> timedelta:
    """`60s`, `5m`, `24h`, `400d`, `2w`. Raises UsageError."""
    if DURATION.fullmatch(text.strip()) is None:
        raise UsageError(f"{quoted(text)} is no duration; write a number and s, m, h, d or w, such as 24h")
    length = duration_of(text)
    if length is None:
        raise UsageError(f"{quoted(text)} is too long; write {LONGEST.days}d at the most")
    return length


def parse_destination(text: str) -> Destination:
    """`console`, `slack:C0123456789`, `teams:ops`. Raises UsageError, which repeats nothing that may be a secret."""
    kind, _, name = text.strip().partition(":")
    known = notifiers.REGISTRY.get(kind)
    if known is None:
        raise UsageError(_no_destination(kind))
    if not known.named and text.strip() != kind:
        raise UsageError(f"{kind} takes no name; write {kind} alone")
    if known.named and not _NAME.fullmatch(name):
        address = "; an address belongs into the environment or .env" if "{NAME}" in "".join(known.needs) else ""
        raise UsageError(f"{kind}: needs a name of letters and digits; write {kind}:<name> ({known.about}){address}")
    return Destination(kind, name)


def _no_destination(kind: str) -> str:
    # Anything else in this place may be a token or an address.
    shown = quoted(kind) if re.fullmatch(r"[A-Za-z-]{1,20}", kind) else "this"
    return f"{shown} is no kind of destination{nearest(kind, notifiers.REGISTRY)}"


def parse_address(text: str) -> str:
    """A whole http or https address. Raises UsageError, without the address."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good or re.search(r"[\s\x00-\x1f]", text):
        raise UsageError("no http or https address; write it whole, such as https://status.example.com")
    return text


def parse_service(text: str) -> str:
    """An address as Apprise writes it. Raises UsageError, without the address."""
    if not re.fullmatch(r"[A-Za-z][\w+.-]*://\S+", text):
        raise UsageError("no address as Apprise writes it, such as mailto://user:password@example.com")
    return text


def parse_listen(text: str) -> tuple[str, int] | None:
    """`127.0.0.1:8080`, `[::1]:8080`, `:8080` (every address); None for an empty one. Raises UsageError."""
    if not text:
        return None
    match = _LISTEN.fullmatch(text)
    if match is None or not 0 < int(match[3]) < 65536:
        raise UsageError(f"{quoted(text)} is no place to listen; write 127.0.0.1:8080, or leave it empty for none")
    return match[1] or match[2], int(match[3])


def parse_impact(text: str) -> Impact:
    """`minor` as an Impact. Raises UsageError."""
    if text not in IMPACTS:
        raise UsageError(f"{quoted(text)} is no impact{nearest(text, IMPACTS)}")
    return Impact(text)


def parse_mode(text: str) -> Mode:
    """`thread` as a Mode. Raises UsageError."""
    if text not in list(Mode):
        raise UsageError(f"{quoted(text)} is no mode{nearest(text, Mode)}")
    return Mode(text)


def parse_id(text: str) -> str:
    """A provider's or source's id as it is: small letters, digits and -. Raises UsageError."""
    if not _ID.fullmatch(text):
        raise UsageError(f"{quoted(text)}: write small letters, digits and - only")
    return text


def parse_account(text: str) -> str:
    """`@acmestatus` as `acmestatus`. Raises UsageError."""
    match = _ACCOUNT.fullmatch(text)
    if match is None:
        raise UsageError(f"{quoted(text)} is no account; write its handle, such as acmestatus")
    return match[1]


def parse_kind(text: str) -> str:
    """A kind of source that is in this version. Raises UsageError."""
    if text in LATER_SOURCES:
        raise UsageError(f"{text} is not in this version; there are {', '.join(collectors.REGISTRY)}")
    if text not in collectors.REGISTRY:
        raise UsageError(f"{quoted(text)} is no kind of source{nearest(text, collectors.REGISTRY)}")
    return text


def parse_interval(text: str) -> timedelta:
    """A duration of 1 s at the least. Raises UsageError."""
    length = parse_duration(text)
    if length < timedelta(seconds=1):
        raise UsageError("write 1s at the least")
    return length


def parse_empty(text: str) -> str:
    """`health` or `fault`: what an empty document means. Raises UsageError."""
    if text not in ("health", "fault"):
        raise UsageError('write "health" or "fault": what it means that nothing stands there')
    return text
