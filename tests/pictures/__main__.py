"""`python -m tests.pictures FOLDER`: draw every scene as each platform shows it, to be looked at."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.pictures.browser import browser, draw
from tests.pictures.messages import pages
from tests.pictures.pages import DESK, PHONE
from tests.pictures.scenes import scenes


async def main(folder: Path) -> None:
    """Every scene on every platform, as wide as a telephone and as a desk."""
    async with browser() as chromium:
        for name, notice in (await scenes()).items():
            for platform, page in pages(notice).items():
                for width, where in ((PHONE, "phone"), (DESK, "desk")):
                    await draw(chromium, page, width, folder / f"{name}-{platform}-{where}.png")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(folder))
