"""db upgrade."""

from __future__ import annotations

from tests.cli.place import Place, Said


def test_the_database_is_made_by_upgrade(here: Place) -> None:
    said = here.say("db", "upgrade")
    assert (said.code, said.out, said.err) == (0, "the database is up to date\n", "")
    assert (here.folder / "statusbot.db").exists()
    assert here.say("timeline") == Said(0, "nothing stands there\n", "")
