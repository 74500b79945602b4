from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bot.model import Notice
from tests.notifiers.notices import breaking
from tests.pictures.browser import CHROMIUM, browser, draw
from tests.pictures.messages import card_of, pages
from tests.pictures.pages import CARDS, PHONE, teams
from tests.pictures.scenes import scenes

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
    pytest.mark.asyncio(loop_scope="module"),
]
needs_cards = pytest.mark.skipif(not CARDS.exists(), reason="npm's adaptivecards is not installed: see ORIGIN.md")
NAMES = ("opening", "update", "page-down", "going-on", "end", "over", "single")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with browser() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def evening() -> Mapping[str, Notice]:
    return await scenes()


@pytest.mark.parametrize("name", NAMES)
async def test_a_scene_fits_a_telephone_and_says_what_was_said(
    chromium: Browser, evening: Mapping[str, Notice], name: str
) -> None:
    notice = evening[name]
    words = notice.updates[-1].text.split()[:3]
    for platform, page in pages(notice).items():
        drawn = await draw(chromium, page, PHONE)
        assert drawn.wrong == [], platform
        assert drawn.width <= PHONE, platform
        assert " ".join(words) in drawn.text, platform


@needs_cards
@pytest.mark.parametrize("name", breaking())
async def test_teams_draws_any_card(chromium: Browser, name: str) -> None:
    drawn = await draw(chromium, teams(card_of(breaking()[name])), PHONE)
    assert drawn.wrong == []
    assert drawn.width <= PHONE
    assert "\nid " in drawn.text


async def test_a_reader_s_own_zone_is_what_is_shown(chromium: Browser, evening: Mapping[str, Notice]) -> None:
    for platform, page in pages(evening["page-down"]).items():
        drawn = await draw(chromium, page, PHONE)
        assert "2:41 PM" in drawn.text, platform
        assert "UTC" not in drawn.text, platform
