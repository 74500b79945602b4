"""statusbot.toml and .env to frozen Settings; the only reader of the environment.

Every mistake is one UsageError of one line that names the setting and the mend. What may be a secret (an address, a
token, a whole destination that is none) is not repeated in it.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from bot import collectors, notifiers
from bot.errors import UsageError
from bot.model import NOTHING, Destination, Impact, Mode, Provider, Source, Subscription

T = TypeVar("T")

DATABASE = "sqlite:///statusbot.db"
KEEP = timedelta(days=400)
WATCH = ("microsoft-365",)
LONGEST = timedelta(days=36_500)  #: so that no date computed from a duration leaves the calendar

#: The environment (CONTRACT.md, "Configuration"): every variable by its whole name, with its default.
VARIABLES: Mapping[str, str] = {
    "STATUSBOT_CONFIG": "",
    "STATUSBOT_DATABASE": "",
    "HTTPS_PROXY": "",
    "NO_PROXY": "",
    "SSL_CERT_FILE": "",
    "SLACK_BOT_TOKEN": "",
    "DISCORD_BOT_TOKEN": "",
    "X_BEARER_TOKEN": "",
    "MSGRAPH_TENANT_ID": "",
    "MSGRAPH_CLIENT_ID": "",
    "MSGRAPH_CLIENT_SECRET": "",
    "SLACK_API_URL": "https://slack.com/api/",
    "DISCORD_API_URL": "https://discord.com/api/v10",
    "X_API_URL": "https://api.x.com",
    "MSGRAPH_URL": "https://graph.microsoft.com",
    "MSLOGIN_URL": "https://login.microsoftonline.com",
}
#: … and those that end in a destination's name; all of them are secrets.
FAMILIES = ("TEAMS_WEBHOOK_", "SLACK_WEBHOOK_", "DISCORD_WEBHOOK_", "WEBHOOK_SECRET_", "WEBHOOK_")
SECRETS = ("SLACK_BOT_TOKEN", "DISCORD_BOT_TOKEN", "X_BEARER_TOKEN", "MSGRAPH_CLIENT_SECRET")
WITH_PASSWORD = ("STATUSBOT_DATABASE", "HTTPS_PROXY")  #: addresses that may hold one

#: Kinds that CONTRACT.md names and this version does not have.
LATER_SOURCES = frozenset(
    "azure aws google-workspace salesforce incident-io instatus betterstack statusio cachet uptime-kuma".split()
)
LATER_DESTINATIONS = frozenset({"apprise"})

IMPACTS = tuple(impact for impact in Impact if impact is not Impact.MAINTENANCE)  #: those that have a rank of their own
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d{1,9}) ?([smhdw])", re.ASCII)
_ID = re.compile(r"[a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?")
_NAME = re.compile(r"\w[\w.-]*")
_ACCOUNT = re.compile(r"@?(\w{1,15})", re.ASCII)
_TOKEN = re.compile(r"[!-~]+")
_LEAST = 6  #: characters of a secret's part; a shorter one would be found everywhere


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator configured; names of catalogue entries are not looked up yet."""

    database: str = field(repr=False)  #: an address as bot.store opens it; may hold a password
    watch: tuple[str, ...]  #: catalogue ids and status pages' addresses, as written
    providers: tuple[Provider, ...]  #: from [[provider]]
    subscriptions: tuple[Subscription, ...]
    operator: Destination | None
    keep: timedelta
    env: Mapping[str, str] = field(repr=False)  #: what is set of VARIABLES and FAMILIES, defaults filled in
    path: Path | None  #: the file that was read


def load(config: Path | None = None, environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Settings:
    """The settings of this process.

    config: the file that `--config` names. environ: in place of the process's own environment.
    cwd: in place of the current folder. Raises UsageError.
    """
    real = os.environ if environ is None else environ  # noqa: TID251  # the one place that reads it
    here = cwd or Path()
    near = _dotenv(here / ".env")
    path, setting = _find(config, {**near, **real}, here)
    beside = _dotenv(path.parent / ".env") if path and path.parent != here else {}
    found = _environment({**near, **beside, **real})
    root = Table(_toml(path, setting), str(path)) if path else Table({}, "the defaults")
    return _settings(root, found, path)


def _settings(root: Table, found: dict[str, str], path: Path | None) -> Settings:
    root.only("database", "watch", "operator", "keep", "provider", "subscription")
    database = found.get("STATUSBOT_DATABASE") or root.text("database", DATABASE)
    env = MappingProxyType({**found, "STATUSBOT_DATABASE": database})
    settings = Settings(
        database=database,
        watch=root.names("watch", () if "provider" in root.values else WATCH),
        providers=_providers(root.tables("provider"), "source"),
        subscriptions=_all_subscriptions(root),
        operator=root.parsed("operator", parse_destination, None),
        keep=root.parsed("keep", parse_duration, KEEP),
        env=env,
        path=path,
    )
    _check_destinations(settings, root.where)
    return settings


def _all_subscriptions(root: Table) -> tuple[Subscription, ...]:
    """Those of the file; where it does not speak of any, everything is told on the console."""
    if "subscription" not in root.values:
        return (Subscription(Destination("console"), mode=Mode.POST, origin="file"),)
    return tuple(_subscription(table) for table in root.tables("subscription"))


def _check_destinations(settings: Settings, where: str) -> None:
    """Every destination that the file names can be reached with what the environment holds. Raises UsageError."""
    named: list[Destination | None] = [settings.operator]
    for subscription in settings.subscriptions:
        named += [subscription.to, subscription.fallback]
    for destination in named:
        if destination is not None:
            try:
                check_destination(destination, settings.env)
            except UsageError as error:
                raise UsageError(f"{where}: {error}") from None


# --- where settings come from ------------------------------------------------------------------------------------


def _find(config: Path | None, environ: Mapping[str, str], here: Path) -> tuple[Path | None, str]:
    """The file to read, and the setting that named it ('' where it was found by itself)."""
    if config is not None:
        return here / config, "--config"
    if named := environ.get("STATUSBOT_CONFIG", "").strip():
        return here / Path(named).expanduser(), "STATUSBOT_CONFIG"
    if _is_file(here / "statusbot.toml"):
        return here / "statusbot.toml", ""
    from platformdirs import user_config_path  # noqa: PLC0415  # costs 13 ms, and is rarely reached

    own = user_config_path("statusbot") / "statusbot.toml"
    return (own if _is_file(own) else None), ""


def _is_file(path: Path) -> bool:
    # Path.is_file() raises where a folder on the way may not be entered; `.env` is also a folder's name (a venv's).
    return os.path.isfile(path)


def _toml(path: Path, setting: str) -> dict[str, object]:
    try:
        return tomllib.loads(_text(path, setting))
    except ValueError as error:  # TOMLDecodeError; and ValueError itself for a number of thousands of digits
        raise UsageError(f"{path}: not valid TOML: {error}") from None
    except RecursionError:
        raise UsageError(f"{path}: not valid TOML: nested too deeply") from None


def _text(path: Path, setting: str = "") -> str:
    """A file's text; the byte-order mark that Windows' editors write is left out."""
    name = f"{setting} {path}".lstrip()
    try:
        data = path.read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}, line {line}: not UTF-8; save the file as UTF-8") from None


def _dotenv(path: Path) -> dict[str, str]:
    """The variables of a .env file; none where there is no such file."""
    if not _is_file(path):
        return {}
    from io import StringIO  # noqa: PLC0415

    from dotenv.parser import parse_stream  # noqa: PLC0415  # costs 40 ms, for those who have the file

    found: dict[str, str] = {}
    for binding in parse_stream(StringIO(_text(path))):
        if binding.error:
            line = binding.original.line
            raise UsageError(f"{path}, line {line}: write NAME=value, and close every quote")
        if binding.key is not None:
            found[binding.key] = binding.value or ""
    return found


def _environment(everything: Mapping[str, str]) -> dict[str, str]:
    """What is ours of the environment, defaults filled in; what is empty counts as not set. Raises UsageError."""
    found = {name: default for name, default in VARIABLES.items() if default}
    for name, value in everything.items():
        if value.strip() and (name in VARIABLES or name.startswith(FAMILIES)):
            found[name] = value.strip()
    for name in ("HTTPS_PROXY", "NO_PROXY"):  # which most programs read in lower case as well
        if low := everything.get(name.lower(), "").strip():
            found.setdefault(name, low)
    for name in SECRETS:
        if name in found and not _TOKEN.fullmatch(found[name]):
            raise UsageError(f"{name}: holds a space or a character that no token has; copy the token alone")
    for name, default in VARIABLES.items():
        if default:
            _named(name, parse_address, found[name])
    return found


def _named(setting: str, parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except UsageError as error:
        raise UsageError(f"{setting}: {error}") from None


def secret_values(env: Mapping[str, str]) -> frozenset[str]:
    """What must never be shown: tokens, secret addresses and their telling parts, passwords inside addresses."""
    found: set[str] = set()
    for name, value in env.items():
        if name in SECRETS or name.startswith(FAMILIES):
            found |= {value, *_parts(value)}
        elif name in WITH_PASSWORD:
            found |= _passwords(value)
    return frozenset(part for part in found if len(part) >= _LEAST)


def _parts(value: str) -> set[str]:
    """Of an address: what a library may show without the rest, and what opens the door by itself."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return set()
    if not parts.netloc:
        return set()
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    last = parts.path.rstrip("/").rpartition("/")[2]
    words = {word for _, word in parse_qsl(parts.query) if len(word) >= 16}
    return {target, *words, *_passwords(value)} | ({last} if len(last) >= 16 else set())


def _passwords(value: str) -> set[str]:
    try:
        password = urlsplit(value).password or ""
    except ValueError:
        return {value}
    return {password, unquote(password)}


# --- one table of the file ---------------------------------------------------------------------------------------

_WORDS: Mapping[type, str] = {
    str: 'a text in quotes, such as "…"',
    bool: "true or false, without quotes",
    int: "a whole number, without quotes",
    list: 'a list of texts, such as ["…"]',
    dict: 'a table, such as {critical = "<!here>"}',
}


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the configuration or of a recording's header; every error names where it stands and the key."""

    values: Mapping[str, object]
    where: str
    own: bool = True  #: written by the operator: unknown keys are mistakes, addresses are trusted

    def error(self, key: str, why: str) -> UsageError:
        """What to raise for a key."""
        return UsageError(f"{self.where}, {key}: {why}")

    def only(self, *keys: str) -> None:
        """Refuse keys other than these. A recording's may come from a later version: they are passed over."""
        for key in self.values if self.own else ():
            if key not in keys:
                raise UsageError(f"{self.where}: unknown setting {_quoted(key)}{nearest(key, keys)}")

    def get(self, key: str, kind: type[T], default: T | None) -> T:
        """A value of one type. No default: it must be there. Raises UsageError."""
        value = self.values.get(key, default)
        if value is None:
            raise self.error(key, f"is missing; write {_WORDS[kind]}")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.error(key, f"write {_WORDS[kind]}")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty."""
        value = self.get(key, str, default).strip()
        if not value:
            raise self.error(key, "is empty")
        return value

    def parsed(self, key: str, parse: Callable[[str], T], default: T) -> T:
        """A text in a form of its own; the default where the key is absent."""
        return self.required(key, parse) if key in self.values else default

    def required(self, key: str, parse: Callable[[str], T]) -> T:
        """A text in a form of its own that must be there."""
        return _named(f"{self.where}, {key}", parse, self.text(key))

    def names(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of texts, without repeats."""
        entries = self.get(key, list, list(default))
        if not all(isinstance(entry, str) and entry.strip() for entry in entries):
            raise self.error(key, f"write {_WORDS[list]}")
        return tuple(dict.fromkeys(entry.strip() for entry in entries))

    def tables(self, key: str) -> list[Table]:
        """A list of tables, each named by its place."""
        entries = self.get(key, list, []) if isinstance(self.values.get(key, []), list) else [None]
        if not all(isinstance(entry, dict) for entry in entries):
            raise self.error(key, f"write each one under a line [[{key}]]")
        return [Table(entry, f"{self.where}, {key} {n}", self.own) for n, entry in enumerate(entries, 1)]


def _quoted(word: str) -> str:
    """A word in quotes, on one line and not too long."""
    shown = word if len(word) <= 40 else word[:39] + "…"
    return '"' + "".join(c if c.isprintable() else "�" for c in shown) + '"'


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of an error about an unknown word: the known one that looks most like it, else all of them."""
    words = list(known)
    found = get_close_matches(word.lower(), words, n=1)
    return f'; did you mean "{found[0]}"?' if found else f"; known: {', '.join(words)}"


# --- words with a form of their own ------------------------------------------------------------------------------


def parse_duration(text: str) -> timedelta:
    """`60s`, `5m`, `24h`, `400d`, `2w`. Raises UsageError."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{_quoted(text)} is no duration; write a number and s, m, h, d or w, such as 24h")
    length = timedelta(**{UNITS[match[2]]: 1}) * int(match[1]) if int(match[1]) <= 10**8 else LONGEST * 2
    if length > LONGEST:
        raise UsageError(f"{_quoted(text)} is too long; write {LONGEST.days}d at the most")
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
    if kind in LATER_DESTINATIONS:
        return f"{kind} is not in this version; there are {', '.join(notifiers.REGISTRY)}"
    # Anything else in this place may be a token or an address.
    shown = _quoted(kind) if re.fullmatch(r"[A-Za-z-]{1,20}", kind) else "this"
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


def parse_impact(text: str) -> Impact:
    """`minor` as an Impact. Raises UsageError."""
    if text not in IMPACTS:
        raise UsageError(f"{_quoted(text)} is no impact{nearest(text, IMPACTS)}")
    return Impact(text)


def parse_mode(text: str) -> Mode:
    """`thread` as a Mode. Raises UsageError."""
    if text not in list(Mode):
        raise UsageError(f"{_quoted(text)} is no mode{nearest(text, Mode)}")
    return Mode(text)


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise UsageError(f"{_quoted(text)}: write small letters, digits and - only")
    return text


def _account(text: str) -> str:
    match = _ACCOUNT.fullmatch(text)
    if match is None:
        raise UsageError(f"{_quoted(text)} is no account; write its handle, such as acmestatus")
    return match[1]


def _kind(text: str) -> str:
    if text in LATER_SOURCES:
        raise UsageError(f"{text} is not in this version; there are {', '.join(collectors.REGISTRY)}")
    if text not in collectors.REGISTRY:
        raise UsageError(f"{_quoted(text)} is no kind of source{nearest(text, collectors.REGISTRY)}")
    return text


def _interval(text: str) -> timedelta:
    length = parse_duration(text)
    if length < timedelta(seconds=1):
        raise UsageError("write 1s at the least")
    return length


def _empty(text: str) -> str:
    if text not in ("health", "fault"):
        raise UsageError('write "health" or "fault": what it means that nothing stands there')
    return text


# --- providers and their sources ---------------------------------------------------------------------------------


def providers_from(header: Mapping[str, object]) -> tuple[Provider, ...]:
    """The providers that a recording's header names; none of their addresses is trusted. Raises UsageError."""
    return _providers(Table(header, "the recording's header", own=False).tables("providers"), "sources")


def _providers(tables: Iterable[Table], sources: str) -> tuple[Provider, ...]:
    found: dict[str, Provider] = {}
    for table in tables:
        table.only("id", "name", sources)
        provider = table.required("id", _id)
        if provider in found:
            raise table.error("id", f"{_quoted(provider)} stands twice; give each provider an id of its own")
        found[provider] = _provider(table, provider, sources)
    return tuple(found.values())


def _provider(table: Table, provider: str, sources: str) -> Provider:
    found: dict[str, Source] = {}
    for entry in table.tables(sources):
        source = _source(entry, provider)
        if source.id in found:
            raise entry.error("name", f"{_quoted(source.name)} stands twice; give each source a name of its own")
        found[source.id] = source
    if not found:
        raise table.error(sources, f"is missing; give {provider} one at least")
    return Provider(provider, table.text("name", provider), tuple(found.values()))


def _source(table: Table, provider: str) -> Source:
    table.only("name", "kind", "url", "account", "interval", "private", "empty", "budget")
    name, kind = table.required("name", _id), table.required("kind", _kind)
    known = collectors.REGISTRY[kind]
    # A kind with variables of its own has its address among them (MSGRAPH_URL); for it `url` only narrows it.
    needs_url = not known.by_account and not known.needs
    budget = table.get("budget", int, 0)
    if budget < 0:
        raise table.error("budget", "write 0 or more posts a month")
    return Source(
        id=f"{provider}/{name}",
        provider=provider,
        name=name,
        kind=kind,
        url=table.required("url", parse_address) if needs_url else table.parsed("url", parse_address, ""),
        account=table.required("account", _account) if known.by_account else "",
        interval=table.parsed("interval", _interval, timedelta(seconds=60)),
        private=table.get("private", bool, known.private),
        trusted=table.own,
        empty=table.parsed("empty", _empty, "health"),
        budget=budget,
    )


# --- subscriptions and their destinations ------------------------------------------------------------------------


def subscriptions_from(header: Mapping[str, object]) -> tuple[Subscription, ...]:
    """The subscriptions that a recording's header names. Raises UsageError."""
    table = Table(header, "the recording's header", own=False)
    return tuple(_subscription(entry) for entry in table.tables("subscriptions"))


def _subscription(table: Table) -> Subscription:
    table.only(
        *("to", "providers", "components", "min_impact", "mode", "regions", "maintenance", "mention", "fallback")
    )
    to = table.required("to", parse_destination)
    mode = table.parsed("mode", parse_mode, Mode.THREAD)
    return Subscription(
        to=to,
        providers=table.names("providers"),
        components=table.names("components"),
        min_impact=table.parsed("min_impact", parse_impact, Impact.NONE),
        mode=mode if mode in notifiers.REGISTRY[to.kind].modes else Mode.POST,
        regions=table.names("regions"),
        maintenance=table.get("maintenance", bool, True),
        mention=_mention(table),
        fallback=table.parsed("fallback", parse_destination, None),
        origin="file",
    )


def _mention(table: Table) -> Mapping[str, str]:
    words = Table(table.get("mention", dict, dict(NOTHING)), f"{table.where}, mention", table.own)
    return {_named(words.where, parse_impact, key).value: words.text(key) for key in words.values}


def check_destination(destination: Destination, env: Mapping[str, str]) -> None:
    """Whether the environment holds what a destination needs. Raises UsageError, which names the variable."""
    for need in notifiers.REGISTRY[destination.kind].needs:
        variable = need.replace("{NAME}", re.sub(r"[^A-Z0-9]", "_", destination.name.upper()))
        if not env.get(variable):
            raise UsageError(f"{destination} needs {variable}; set it in the environment or in .env")
        if variable != need:  # named after the destination: its address
            _named(variable, parse_address, env[variable])
