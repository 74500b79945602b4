"""The environment's variables: which there are, which of them are secret, what a destination needs of them."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from urllib.parse import parse_qsl, unquote, unquote_plus, urlsplit

from bot import notifiers
from bot.config.parse import parse_address, parse_listen, parse_named, parse_service
from bot.errors import UsageError
from bot.model import Destination

#: The environment (CONTRACT.md, "Configuration"): every variable by its whole name, with its default.
VARIABLES: Mapping[str, str] = {
    "STATUSBOT_CONFIG": "",
    "STATUSBOT_DATABASE": "",
    "STATUSBOT_LISTEN": "127.0.0.1:8080",
    "STATUSBOT_HEARTBEAT_URL": "",
    "STATUSBOT_PUBLIC_URL": "",
    "HTTPS_PROXY": "",
    "NO_PROXY": "",
    "SSL_CERT_FILE": "",
    "SLACK_BOT_TOKEN": "",
    "SLACK_APP_TOKEN": "",
    "SLACK_SIGNING_SECRET": "",
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
FAMILIES = ("APPRISE_URL_", "TEAMS_WEBHOOK_", "SLACK_WEBHOOK_", "DISCORD_WEBHOOK_", "WEBHOOK_SECRET_", "WEBHOOK_")
SECRETS = (
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
    "DISCORD_BOT_TOKEN",
    "X_BEARER_TOKEN",
    "MSGRAPH_CLIENT_SECRET",
)
HEARTBEAT = "STATUSBOT_HEARTBEAT_URL"  #: whoever knows it can send one: a secret as well
WITH_PASSWORD = ("STATUSBOT_DATABASE", "HTTPS_PROXY")  #: addresses that may hold one

_TOKEN = re.compile(r"[!-~]+")
#: The end of a parameter's name, in small letters and figures only, by which it says that it holds a secret; what ends
#: in "key" or "code" does so by certain words only, for there are `sort_key` and `country_code`.
_TELLING = re.compile(
    r".*(token|secret|signature|sig|auth|authori[sz]ation|password|passwd|passphrase|pwd|credentials?|bearer|jwt)"
    r"|.*(api|access|secret|auth|private|shared|subscription|client|user|account|app|feed|rss|license|function)s?key"
    r"|.*(access|auth|pass|secret)code"
    r"|key|code|pass|hmac|sas|sid|session|sessionid"
)
_HEX = re.compile(r"[0-9A-Fa-f]+")
_LONG = 16  #: characters of a word that may be a token although nothing says so
_NAMED = 8  #: characters of a word that counts as a secret because its parameter's name says so
_LEAST = 6  #: characters of a secret's part; a shorter one would be found everywhere


def environment_of(everything: Mapping[str, str]) -> dict[str, str]:
    """What is ours of the environment, defaults filled in; what is empty counts as not set. Raises UsageError."""
    found = {name: default for name, default in VARIABLES.items() if default}
    for name, value in everything.items():
        if value.strip() and (name in VARIABLES or name.startswith(FAMILIES)):
            found[name] = value.strip()
    if everything.get("STATUSBOT_LISTEN", "-").strip() == "":
        found["STATUSBOT_LISTEN"] = ""  # for no server at all
    for name in ("HTTPS_PROXY", "NO_PROXY"):  # which most programs read in lower case as well
        if low := everything.get(name.lower(), "").strip():
            found.setdefault(name, low)
    for name in SECRETS:
        if name in found and not _TOKEN.fullmatch(found[name]):
            raise UsageError(f"{name}: holds a space or a character that no token has; copy the token alone")
    for name in VARIABLES:
        if name.endswith("_URL") and name in found:
            parse_named(name, parse_address, found[name])
    parse_named("STATUSBOT_LISTEN", parse_listen, found["STATUSBOT_LISTEN"])
    return found


def secret_values(env: Mapping[str, str], addresses: Iterable[str] = ()) -> frozenset[str]:
    """What must never be shown: tokens, secret addresses and their telling parts, passwords inside addresses.

    addresses: of sources; public ones, as a rule, but a private page's may carry a password or a token.
    """
    found: set[str] = set()
    for name, value in env.items():
        if name in SECRETS or name == HEARTBEAT or name.startswith(FAMILIES):
            found |= {value, *_parts(value)}
        if name.startswith("APPRISE_URL_"):  # some services have their token in the host's place
            found |= {part for part in re.split(r"[/@:?&=]", value) if len(part) >= 16}
        elif name in WITH_PASSWORD:
            found |= _passwords(value)
    for address in addresses:
        found |= _passwords(address) | _tokens(address)
    return frozenset(part for part in found if len(part) >= _LEAST)


def _parts(value: str) -> set[str]:
    """Of a secret address: what a library may show without the rest, and what opens the door by itself."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return set()
    if not parts.netloc:
        return set()
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    last = parts.path.rstrip("/").rpartition("/")[2]
    long = {word for word in (last, *(meant for _, meant in parse_qsl(parts.query))) if len(word) >= _LONG}
    return {target, *long, *_tokens(value), *_passwords(value)}


def _tokens(address: str) -> set[str]:
    """What of an address's query is a secret by its name or its looks, as it is written and meant.

    The rest is public words (a component, a region): covered, they would be missing where the page says them.
    """
    try:
        query = urlsplit(address).query
    except ValueError:
        return set()
    found: set[str] = set()
    for name, _, written in (pair.partition("=") for pair in query.split("&")):
        meant = unquote_plus(written)
        if (_telling(unquote_plus(name)) and len(meant) >= _NAMED) or _token_like(meant):
            found |= {written, meant}
    return found


def _telling(name: str) -> bool:
    """Whether a parameter's name says that its value is secret: `api_key`, `X-Amz-Signature`, `accessToken`."""
    return _TELLING.fullmatch("".join(filter(str.isalnum, name)).lower()) is not None


def _token_like(word: str) -> bool:
    """Whether a value looks like a token: long, without a blank, of letters and digits or a hexadecimal number."""
    if len(word) < _LONG or any(map(str.isspace, word)):
        return False
    mixed = any(map(str.isdigit, word)) and any(map(str.isalpha, word))
    return mixed or _HEX.fullmatch(word) is not None


def _passwords(value: str) -> set[str]:
    """The password of an address as it is written and meant, and as a proxy is told of it; all, where it is unclear."""
    try:
        parts = urlsplit(value)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
    except ValueError:
        return {value}
    if not password:
        return set()
    return {parts.password or "", password, b64encode(f"{user}:{password}".encode("utf-8", "replace")).decode()}


def check_destination(destination: Destination, env: Mapping[str, str]) -> None:
    """Whether the environment holds what a destination needs. Raises UsageError, which names the variable."""
    kind = notifiers.REGISTRY[destination.kind]
    if kind.extra and find_spec(kind.extra) is None:
        raise UsageError(f"{destination} needs a package more: pip install 'statusbot[{kind.extra}]'")
    for need in kind.needs:
        variable = need.replace("{NAME}", re.sub(r"[^A-Z0-9]", "_", destination.name.upper()))
        if not env.get(variable):
            raise UsageError(f"{destination} needs {variable}; set it in the environment or in .env")
        if variable != need:  # named after the destination: its address
            parse_named(variable, parse_service if kind.extra else parse_address, env[variable])
