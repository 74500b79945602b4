"""The benchmark's history: as many earlier updates as are wanted, written by the database itself from a few templates.

The templates are incidents that `link` makes of a page's updates and the posts that repeat some of them; each copy has
its own ids, threads, keys and times. So the rows are those that the program would have written, without a million
journeys through it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.core.link import link
from bot.core.match import Vocabulary
from bot.core.normalise import as_report
from bot.model import Change, Item, Report, Source, Status
from bot.store import open_store
from bot.store.columns import MICROSECOND
from bot.store.schema import incidents, metadata

NOW = datetime(2026, 1, 22, 12, 0, tzinfo=UTC)
PROVIDER = "acme"
PAGE = Source(f"{PROVIDER}/page", PROVIDER, "page", "statuspage")
X = Source(f"{PROVIDER}/x", PROVIDER, "x", "x", account="acmestatus")
SERVICES = ("Mail", "Calendar", "Chat", "Storage", "Search", "Sign-in", "Billing", "Backups", "Networking", "Compute")
WORDS = Vocabulary(components={f"Acme {name}": (f"{name} service",) for name in SERVICES})
SYMPTOMS = ("delays", "timeouts", "failing requests", "missing results", "elevated latency")
UPDATES = 5  #: of one incident
PHASES = (Status.INVESTIGATING, Status.IDENTIFIED, Status.IDENTIFIED, Status.MONITORING, Status.RESOLVED)
PER_PROVIDER = 5000  #: updates of one provider in a spread history
APART = timedelta(hours=12)  #: its incidents
NAMES = ("id", "incident_id", "native_id", "thread", "key", "reference")  #: what every copy has for itself


def page_update(name: str, words: str, at: datetime, status: Status, service: str) -> Report:
    """An update on the status page, in the thread `name`."""
    item = Item(
        words,
        thread=name,
        native_id=f"{name}-{status}-{at:%d%H%M}",
        at=at,
        title=f"{service}: {words[:40]}",
        status=status,
        links=(f"https://status.acme.example/incidents/{name}",),
        components=(f"Acme {service}",),
    )
    return as_report(PAGE, item, item.native_id or "", 0, None, at)


def post(name: str, words: str, at: datetime) -> Report:
    """A post that says no more than its words."""
    return as_report(X, Item(words, native_id=name, at=at), name, 0, None, at)


def account(number: int) -> list[str]:
    """The words of one incident's updates."""
    service, symptom = SERVICES[number % len(SERVICES)], SYMPTOMS[number % len(SYMPTOMS)]
    cause = f"a configuration of cluster {chr(97 + number % 26)}{number} that was rolled out this morning"
    return [
        f"We're investigating {symptom} in the {service} service that some customers report since a few minutes.",
        f"We've identified {cause} as the cause of the {symptom} in the {service} service.",
        f"We are rolling back {cause}; {service} customers may still see {symptom} until this is done.",
        f"A fix was applied and we are monitoring the {service} service; {symptom} become fewer.",
        f"The {symptom} in the {service} service are resolved. {cause.capitalize()} had caused them.",
    ]


def templates(count: int = 50) -> list[Change]:
    """That many incidents that end at NOW, with a post for each update but the third."""
    found = []
    for number in range(count):
        words, service = account(number), SERVICES[number % len(SERVICES)]
        reports: list[Report] = []
        for place, (text, status) in enumerate(zip(words, PHASES, strict=True)):
            at = NOW - timedelta(minutes=40 * (UPDATES - 1 - place))
            reports.append(page_update(f"t{number}", text, at, status, service))
            if place != 2:
                reports.append(post(f"t{number}-{place}", text, at + timedelta(minutes=2)))
        (change,) = link([], reports, WORDS)
        found.append(change)
    return found


async def fill(file: Path, spread: int, dense: int = 0) -> None:
    """A database with `spread` updates over the years, of many providers, and `dense` ones of ours in the last 72 h."""
    store = open_store(f"sqlite:///{file}")
    await store.upgrade()
    made = templates()
    await store.write(lambda ledger: ledger.save(made))
    await store.close()
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA synchronous = OFF")
        copies = list(_spread(spread // UPDATES)) + list(_dense(dense // UPDATES))
        database.execute("CREATE TEMP TABLE copies (number INTEGER, template TEXT, provider TEXT, shift INTEGER)")
        ids = [change.incident.id for change in made]
        rows = [(n, ids[n % len(ids)], provider, back // MICROSECOND) for n, (provider, back) in enumerate(copies)]
        database.executemany("INSERT INTO copies VALUES (?, ?, ?, ?)", rows)
        _copy(database, ids)
        database.execute("ANALYZE")
    database.close()


def _spread(count: int) -> Iterator[tuple[str, timedelta]]:
    """Whose each copy is and how long ago: our own history first, then as long ones of others."""
    each = PER_PROVIDER // UPDATES
    for number in range(count):
        who, place = divmod(number, each)
        yield (PROVIDER if who == 0 else f"other{who}"), APART * (place + 1)


def _dense(count: int) -> Iterator[tuple[str, timedelta]]:
    """The same for incidents that crowd the last 70 hours."""
    return ((PROVIDER, timedelta(hours=70) * (number + 1) / count) for number in range(count))


def _copy(database: sqlite3.Connection, ids: Sequence[str]) -> None:
    """Every row that belongs to a template, once for each copy; then the templates themselves go."""
    tables = [table for table in metadata.sorted_tables if table is incidents or "incident_id" in table.c]
    for table in [*tables, metadata.tables["report_keys"]]:
        names = ", ".join(f'"{column.name}"' for column in table.c)
        values = ", ".join(_value(table.name, column.name, str(column.type)) for column in table.c)
        origin = "t.id" if table is incidents else "t.incident_id"
        rows = f'"{table.name}" t'
        if table.name == "report_keys":
            rows += " JOIN reports r ON r.source = t.source AND r.native_id = t.native_id"
            origin = "r.incident_id"
        database.execute(
            f'INSERT INTO "{table.name}" ({names}) SELECT {values} FROM {rows} JOIN copies c ON c.template = {origin}'
        )
    database.execute("PRAGMA foreign_keys = ON")
    database.executemany("DELETE FROM incidents WHERE id = ?", [(name,) for name in ids])


def _value(table: str, name: str, kind: str) -> str:
    """A column of a copy."""
    if name == "provider":
        return "c.provider"
    if name in NAMES and not (table == "updates" and name == "id"):
        return f"t.\"{name}\" || '-' || c.number"
    if kind == "BIGINT" and name != "position":
        return f't."{name}" - c.shift'
    return f't."{name}"'
