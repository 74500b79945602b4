"""`python -m tests.crash --kills 200`: the long run, on SQLite or on PostgreSQL with three processes."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from random import SystemRandom

from tests.crash.play import Result, play
from tests.support import postgresql


def main() -> int:
    """0 where every promise was kept, else 1 and what was not."""
    words = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    words.add_argument("--kills", type=int, default=200)
    words.add_argument("--seed", type=int, default=SystemRandom().randrange(1_000_000))
    words.add_argument("--postgresql", action="store_true", help="three processes on one PostgreSQL")
    given = words.parse_args()
    print(f"seed {given.seed}", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if given.postgresql:
            server = stack.enter_context(postgresql.server(folder / "server"))
            database = postgresql.database(server, "crash")
            work = play(folder, given.seed, given.kills, lambda _: database, processes=3)
        else:
            work = play(folder, given.seed, given.kills, sqlite)
        return told(asyncio.run(work))


def sqlite(folder: Path) -> str:
    """The address of a file in the folder."""
    return f"sqlite:///{folder}/statusbot.db"


def told(result: Result) -> int:
    """Print it; the exit code."""
    print(json.dumps(result.figures, indent=1))
    for fault in result.faults:
        print(f"FAULT {fault}")
    return 1 if result.faults else 0


if __name__ == "__main__":
    sys.exit(main())
