"""The whole of the configuration as frozen Settings; the only reader of the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from bot.config.environment import check_destination, environment_of, secret_values
from bot.config.files import find, read_dotenv, read_toml
from bot.config.objects import read_providers, read_subscription
from bot.config.parse import parse_destination, parse_duration, quoted
from bot.config.tables import Table
from bot.errors import UsageError
from bot.model import Destination, Mode, Provider, Subscription

DATABASE = "sqlite:///statusbot.db"
KEEP = timedelta(days=400)
WATCH = ("microsoft-365",)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator configured; names of catalogue entries are not looked up yet."""

    database: str = field(repr=False)  #: an address as bot.store opens it; may hold a password
    watch: tuple[str, ...]  #: catalogue ids and status pages' addresses, as written
    providers: tuple[Provider, ...]  #: from [[provider]]
    subscriptions: tuple[Subscription, ...]
    operator: Destination | None
    keep: timedelta
    may_subscribe: tuple[str, ...]  #: ids of Slack's users and user groups who may; none: anybody in the channel
    env: Mapping[str, str] = field(repr=False)  #: what is set of VARIABLES and FAMILIES, defaults filled in
    path: Path | None  #: the file that was read

    @property
    def secrets(self) -> frozenset[str]:
        """What must never be shown."""
        urls = [source.url for provider in self.providers for source in provider.sources]
        return secret_values(self.env, [*urls, *(word for word in self.watch if "://" in word)])


def load(config: Path | None = None, environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Settings:
    """The settings of this process.

    config: the file that `--config` names. environ: in place of the process's own environment.
    cwd: in place of the current folder. Raises UsageError.
    """
    real = os.environ if environ is None else environ  # noqa: TID251  # the one place that reads it
    here = cwd or Path()
    near = read_dotenv(here / ".env")
    path, setting = find(config, {**near, **real}, here)
    beside = read_dotenv(path.parent / ".env") if path and path.parent != here else {}
    found = environment_of({**near, **beside, **real})
    root = Table(read_toml(path, setting), str(path)) if path else Table({}, "the defaults")
    return _settings(root, found, path)


def _settings(root: Table, found: dict[str, str], path: Path | None) -> Settings:
    root.only("database", "watch", "operator", "keep", "provider", "slack", "subscription")
    database = found.get("STATUSBOT_DATABASE") or root.text("database", DATABASE)
    env = MappingProxyType({**found, "STATUSBOT_DATABASE": database})
    settings = Settings(
        database=database,
        watch=root.names("watch", () if "provider" in root.values else WATCH),
        providers=read_providers(root.tables("provider"), "source"),
        subscriptions=_all_subscriptions(root),
        operator=root.parsed("operator", parse_destination, None),
        keep=root.parsed("keep", parse_duration, KEEP),
        may_subscribe=_may_subscribe(root),
        env=env,
        path=path,
    )
    _check_destinations(settings, root.where)
    return settings


def _all_subscriptions(root: Table) -> tuple[Subscription, ...]:
    """Those of the file; where it does not speak of any, everything is told on the console."""
    if "subscription" not in root.values:
        return (Subscription(Destination("console"), mode=Mode.POST, origin="file"),)
    return tuple(read_subscription(table) for table in root.tables("subscription"))


def _may_subscribe(root: Table) -> tuple[str, ...]:
    table = Table(root.get("slack", dict, {}), f"{root.where}, slack")
    table.only("may_subscribe")
    ids = table.names("may_subscribe")
    for word in ids:
        if not re.fullmatch(r"[USW][A-Z0-9]{2,20}", word):
            raise table.error("may_subscribe", f"{quoted(word)}: write ids of users (U…) and user groups (S…)")
    return ids


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
