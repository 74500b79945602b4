"""Where an embedded database lies."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError


def file_of(address: str | URL) -> Path | None:
    """The file of a SQLite database, whatever options its address bears.

    None for a database in memory or on a server, and for what is no address: to say so is the business of who opens it.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        return None
    name = (url.database or "").removeprefix("file:")
    if url.get_backend_name() != "sqlite" or name in ("", ":memory:") or url.query.get("mode") == "memory":
        return None
    return Path(name)
