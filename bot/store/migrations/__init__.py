"""How the schema came to be what it is: Alembic's environment and, in versions/, one file per version.

To change the schema: change schema.py, add a version that does the same to a database of the one before (its `revision`
is the next number), and set schema.VERSION to it. tests/store/test_versions.py compares the two ways.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from bot.errors import UsageError
from bot.store.trouble import line


def migrate(connection: Connection, version: str | None, to: str = "head") -> None:
    """Run the versions that a database of `version` (None: an empty one) lacks, in the caller's transaction.

    to: the last one that is run.

    Raises UsageError for a version that this program does not know.
    """
    config = configuration()
    if version is not None:
        try:
            ScriptDirectory.from_config(config).get_revision(version)
        except CommandError:
            what = f"it was made by a newer statusbot (its version is {version}): install that one"
            raise UsageError(line(connection.engine.url, what)) from None
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def configuration() -> Config:
    """Alembic's configuration, without a file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
