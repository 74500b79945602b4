"""Debian's real cron runs the digest twice in one minute; the destination gets one, and nobody gets mail.

Cron keeps minutes, so this takes up to one. It runs in a namespace of its own where that is allowed, so that it sees no
other jobs of this machine.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from tests.e2e.test_digest import RECORDING, WINDOW
from tests.e2e.world import World
from tests.support.server import serve

TABLE = Path("/etc/cron.d/statusbot-test")
ALONE = (
    "mount -t tmpfs none /etc/cron.d && mount -t tmpfs none /run && mount --bind /dev/null /etc/crontab"
    " && mount -t tmpfs none /var/spool/cron"
)
BOUND = 150  #: seconds: two of cron's minutes and a slow machine


def lacking() -> str:
    """Why cron cannot be run here; empty where it can."""
    if shutil.which("cron") is None:
        return "there is no cron on this machine"
    return "" if os.geteuid() == 0 else "only root may run a cron of its own"


@asynccontextmanager
async def cron(table: Path) -> AsyncIterator[None]:
    """Debian's cron with this table until the block ends."""
    process = await asyncio.create_subprocess_exec(*command(table))
    try:
        yield
    finally:
        if process.returncode is None:  # where the machine's own cron runs already, that one reads the table
            process.terminate()
        await process.wait()
        forget()


def command(table: Path) -> list[str]:
    """What starts it, in a namespace of its own where that is allowed."""
    start = f"install -m 644 {table} {TABLE} && exec cron -f"
    private = subprocess.run(["unshare", "--mount", "sh", "-c", ALONE], check=False, capture_output=True)
    return ["unshare", "--mount", "sh", "-c", f"{ALONE} && {start}"] if private.returncode == 0 else ["sh", "-c", start]


def forget() -> None:
    """Take the table away, where it was not in a namespace that is gone by itself."""
    TABLE.unlink(missing_ok=True)


@pytest.mark.skipif(bool(lacking()), reason=lacking() or "cron is here")
@pytest.mark.timeout(300)
async def test_cron_runs_it_twice_and_one_arrives(given: World) -> None:
    await given.printed("replay", str(RECORDING), "--database", "sqlite:///statusbot.db")
    came: list[object] = []
    codes: list[str] = []
    ended, said = asyncio.Event(), given.folder / "said"

    async def answer(request: web.Request) -> web.Response:
        if request.path.startswith("/ended/"):
            codes.append(request.path.removeprefix("/ended/"))
            if len(codes) == 2:
                ended.set()
        else:
            came.append((await request.json())["type"])
        return web.Response()

    async with serve(answer) as server:
        (given.folder / ".env").write_text(f"WEBHOOK_OPS={server.url}/hook\n")
        statusbot = f"{sys.executable} -m bot --config {given.folder}/statusbot.toml"
        line = f"* * * * * root cd {given.folder} && {statusbot} digest {' '.join(WINDOW)} --to webhook:ops"
        table = given.folder / "table"
        settings = [
            f"{name}={value}" for name, value in given.env.items() if value and name not in ("HOME", "WEBHOOK_OPS")
        ]
        report = f"{sys.executable} {given.folder}/report.py {server.url}/ended/$?"
        (given.folder / "report.py").write_text("import sys, urllib.request\nurllib.request.urlopen(sys.argv[1])\n")
        table.write_text("\n".join([*settings, 'MAILTO=""', *[f"{line} >> {said} 2>&1; {report}"] * 2, ""]))
        async with cron(table), asyncio.timeout(BOUND):
            await ended.wait()
    assert codes == ["0", "0"]
    assert came == ["digest"]
    assert (
        said.read_text().replace(
            "statusbot: another digest is under way on this database; this one has sent nothing\n", ""
        )
        == ""
    )
