"""A real browser that draws pages of our own and connects to nothing."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    "--no-sandbox",  # of the tests only, which may run as root in a container
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Drawn:
    """A page as it was drawn."""

    text: str  #: what can be read on it
    width: int  #: pixels that its content takes
    wrong: list[str]  #: what its scripts complain of


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        try:
            yield running
        finally:
            await running.close()


async def draw(chromium: Browser, page: str, width: int, picture: Path | None = None) -> Drawn:
    """Draw a page in a window so many pixels wide; `picture`: where to keep it as PNG."""
    errors: list[str] = []
    view = await chromium.new_page(viewport={"width": width, "height": 200}, device_scale_factor=2)
    view.on("pageerror", lambda error: errors.append(str(error)))
    await view.route("**/*", lambda route: route.abort())
    await view.set_content(page)
    text = await view.inner_text("body")
    wide: Any = await view.evaluate("document.documentElement.scrollWidth")
    wrong: Any = await view.evaluate("window.wrong || []")
    if picture is not None:
        await view.screenshot(path=picture, full_page=True)
    await view.close()
    return Drawn(text, int(wide), [*errors, *wrong])
