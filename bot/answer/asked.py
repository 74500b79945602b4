"""What words typed in a chat ask for: a command with its arguments, typing errors forgiven; pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

#: command -> how it is used, and what it does; in the order of the help
COMMANDS: Mapping[str, tuple[str, str]] = {
    "subscribe": ('subscribe microsoft-365 "Exchange Online" --min major', "tell this channel about a provider"),
    "unsubscribe": ("unsubscribe microsoft-365", "tell it no more"),
    "subscriptions": ("subscriptions", "what this channel is told"),
    "status": ("status [provider]", "how each provider is doing, and how far that can be believed"),
    "timeline": ("timeline [incident]", "what is open, or one incident's updates"),
    "why": ("why MO1221364", "why an incident reads as it does, and whether this channel is told"),
    "mute": ("mute MO1221364 2h", "nothing new of an incident or a provider for a while"),
    "unmute": ("unmute MO1221364", "lift that"),
    "help": ("help", "this list"),
}
#: what else people type -> the command meant
ALIASES: Mapping[str, str] = {
    "list": "subscriptions",
    "incidents": "timeline",
    "follow": "subscribe",
    "sub": "subscribe",
}
#: options that take a value, and those that do not
VALUED = ("min", "mode", "region", "component", "mention")
PLAIN = ("no-maintenance",)
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "—": "--"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A line of words, taken apart."""

    command: str  #: one of COMMANDS, or what was typed in its place
    words: tuple[str, ...] = ()
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wrong: str = ""  #: what cannot be understood; else empty


def asked(line: str) -> Asked:
    """A typed line as a command, its words and its options; never raises."""
    words = _words(line)
    if not words:
        return Asked("help")
    command = words[0].casefold().lstrip("/")
    command = ALIASES.get(command, command)
    if command not in COMMANDS:
        return Asked(command, wrong=f'I do not know "{_shown(words[0])}"{nearest(command, COMMANDS) or "."}')
    return _options(command, words[1:])


def nearest(word: str, known: Iterable[str], like: float = 0.6) -> str:
    """`; did you mean "status"?`, or nothing. like: how much it must be alike, up to 1."""
    names = {name.casefold(): name for name in known}
    found = get_close_matches(word.casefold(), names, n=1, cutoff=like)
    return f'; did you mean "{names[found[0]]}"?' if found else ""


def _words(line: str) -> list[str]:
    """Words, quoted ones whole; telephones write other quotation marks and dashes. An open quotation is none."""
    plain = line.translate(_QUOTES)
    try:
        return shlex.split(plain)
    except ValueError:
        return plain.replace('"', " ").replace("'", " ").split()


def _options(command: str, words: Sequence[str]) -> Asked:
    plain: list[str] = []
    options: dict[str, tuple[str, ...]] = {}
    rest = iter(words)
    for word in rest:
        if not re.match(r"--\w", word):
            plain.append(word)
            continue
        name, given, value = word[2:].partition("=")
        name = name.casefold()
        if name in PLAIN:
            options[name] = ()
        elif name in VALUED:
            value = value if given else next(rest, "")
            if not value:
                return Asked(command, tuple(plain), options, wrong=f"--{name} needs a value.")
            options[name] = (*options.get(name, ()), value)
        else:
            wrong = f'I do not know "--{_shown(name)}"{nearest(name, (*VALUED, *PLAIN)) or "."}'
            return Asked(command, tuple(plain), options, wrong=wrong)
    return Asked(command, tuple(plain), options)


def _shown(word: str) -> str:
    """A typed word as it may be repeated: short, and printable."""
    return "".join(character for character in word if character.isprintable())[:40]
