"""What is wrong with a database, in one line that names the setting and the mend and tells no password; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

SETTING = "`database` (or STATUSBOT_DATABASE)"
UPGRADE = "its tables are not those of this version: run `statusbot db upgrade`"

#: the beginning of SQLite's error names -> what is wrong, and the mend
SQLITE: Mapping[str, str] = {
    "SQLITE_BUSY": "another program keeps it locked: wait until that has ended, or name another file",
    "SQLITE_LOCKED": "another program keeps it locked: wait until that has ended, or name another file",
    "SQLITE_READONLY": "it may only be read: give this user the right to write the file and its folder",
    "SQLITE_PERM": "it may only be read: give this user the right to write the file and its folder",
    "SQLITE_NOTADB": "this file is no SQLite database: name another file",
    "SQLITE_CORRUPT": "the file is damaged: restore a backup, or name another file",
    "SQLITE_CANTOPEN": "the file cannot be opened: name one in a folder that exists and may be written",
    "SQLITE_FULL": "the disk is full: make room",
    "SQLITE_IOERR": "the disk does not read or write as it should: check it, or name another file",
    "SQLITE_ERROR": UPGRADE,
}

#: PostgreSQL's error classes (its manual, appendix A) -> the same
POSTGRESQL: Mapping[str, str] = {
    "28": "user or password are refused: check them",
    "3D": "there is no such database: create it with createdb, or name another",
    "42501": "this user lacks the right to do this: grant it",
    "42P01": UPGRADE,
    "42703": UPGRADE,
    "25006": "it may only be read: name the primary server",
    "53": "the server has no room left: see to its disk, memory and connections",
    "57": "the server is shutting down or starting up: wait",
}
#: the same without a code, as libpq words a refusal while connecting
SPOKEN: Mapping[str, str] = {
    r"password authentication failed|no password supplied|role .* does not exist|no pg_hba.conf entry": "28",
    r"database .* does not exist": "3D",
    r"too many (clients|connections)|remaining connection slots": "53",
    r"starting up|shutting down": "57",
}
PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "57", "53")
UNREACHABLE = "the server does not answer: check host and port, and that it runs"


def address(url: URL) -> str:
    """The address as it may be shown: without a password, and without options, which may hide one as well."""
    return url.set(query={}).render_as_string(hide_password=True)


def line(url: URL, what: str) -> str:
    """One line about a database: the setting, the address, what is wrong with the mend."""
    return f"{SETTING}: {address(url)}: {what}"


def code_of(error: DBAPIError) -> str:
    """The driver's code: SQLite's error name, PostgreSQL's SQLSTATE; empty where it has none."""
    name = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)
    if name:
        return str(name)
    words = str(error.orig)
    return next((code for pattern, code in SPOKEN.items() if re.search(pattern, words)), "")


def explain(error: DBAPIError) -> str | None:
    """What is wrong, and the mend; None for what is no trouble of the database but a fault of ours."""
    code = code_of(error)
    if code == "SQLITE_ERROR" and not re.search(r"no such (table|column)|has no column", str(error.orig)):
        return None
    for start, what in {**SQLITE, **POSTGRESQL}.items():
        if code.startswith(start):
            return what
    lost = error.connection_invalidated or type(error.orig).__name__ == "OperationalError"
    return UNREACHABLE if lost and not code.startswith("SQLITE") else None


def passes(error: DBAPIError) -> bool:
    """Whether it may be over by itself: a lock, a server that restarts."""
    return code_of(error).startswith(PASSING) or explain(error) == UNREACHABLE
