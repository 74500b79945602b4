"""db upgrade: the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bot.cli.common import opened, settings_of, waited_for

if TYPE_CHECKING:
    from bot.ports import Store

commands = typer.Typer()
db_app = typer.Typer(help="The database.")
commands.add_typer(db_app, name="db", epilog="Example: statusbot db upgrade")


@db_app.callback()
def database() -> None:
    """The database."""


@db_app.command(short_help="Bring the schema to this version.", epilog="Example: statusbot db upgrade")
def upgrade(context: typer.Context) -> None:
    """Bring the database's schema to this version; `run` does so by itself on SQLite."""

    async def work(store: Store) -> None:
        await store.upgrade()
        typer.echo("the database is up to date")

    settings = settings_of(context)
    waited_for(opened(settings.database, work))
