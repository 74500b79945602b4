"""A digest in words: goldens from a captured week, and nothing foreign acted upon."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.core.digest import Digest
from bot.core.window import window
from bot.digest import summary
from bot.markup.columns import width
from bot.markup.digest_html import html
from bot.markup.digest_text import markdown, text
from bot.model import Provider
from bot.replay import replay
from bot.store import open_store
from bot.watch import known
from tests.notifiers.digests import broken, large, nothing, ordinary
from tests.notifiers.notices import BREAKING

RECORDINGS = Path(__file__).parents[1] / "data" / "recordings"
GOLDEN = Path(__file__).parent / "data"
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
GIVEN = {"ordinary": ordinary(), "large": large(), "nothing": nothing()} | {n: broken(w) for n, w in BREAKING.items()}
every = pytest.mark.parametrize("digest", GIVEN.values(), ids=GIVEN.keys())


async def captured(name: str, since: str, until: str, zone: str) -> Digest:
    """The digest of a recording."""
    store = open_store("sqlite://")
    await store.upgrade()
    try:
        _, directory = await replay([RECORDINGS / f"{name}.jsonl.xz"], store, {})
        asked = window(since, until, ZoneInfo(zone), NOW)
        return await store.read(
            lambda ledger: summary(ledger, [], lambda one: known(Provider(one, one)), directory, asked, zone)
        )
    finally:
        await store.close()


@pytest.mark.parametrize(
    ("name", "since", "until", "zone"),
    [
        ("github-2023-06", "2023-06-28", "2023-07-01", "Europe/Berlin"),
        ("digitalocean-2022-01", "2022-01-02", "2022-01-06", "America/New_York"),
    ],
)
async def test_a_captured_week_reads_as_it_should(name: str, since: str, until: str, zone: str) -> None:
    made = await captured(name, since, until, zone)
    assert text(made) == (GOLDEN / f"digest-{name}.txt").read_text(encoding="utf-8")
    assert markdown(made) == (GOLDEN / f"digest-{name}.md").read_text(encoding="utf-8")


@every
def test_text_keeps_to_80_columns(digest: Digest) -> None:
    assert max(map(width, text(digest).splitlines())) <= 80
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text(digest))


class Tags(HTMLParser):
    """The tags of a document, and what they bear."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


@every
def test_html_needs_nothing_else_and_runs_nothing(digest: Digest) -> None:
    tags = Tags()
    tags.feed(html(digest))
    names = {tag for tag, _ in tags.seen}
    assert names <= set("html head meta title style body h1 h2 h3 p img ul li div a".split())
    (image,) = [bears for tag, bears in tags.seen if tag == "img"]
    assert str(image["src"]).startswith("data:image/png;base64,")
    assert image["alt"]
    links = [str(bears["href"]) for tag, bears in tags.seen if tag == "a"]
    assert all(link.startswith(("https://", "http://")) for link in links)


def test_markdown_acts_upon_nothing_foreign() -> None:
    made = markdown(broken(BREAKING["markdown"]))
    assert not re.search(r"(?<!\\)[*_~`|]", made)
    assert not re.search(r"(?<!\\)\]\(https", made)


def test_the_day_on_which_clocks_change_is_told_in_the_zone() -> None:
    asked = window("2026-10-25", "2026-10-26", ZoneInfo("Europe/Berlin"), NOW)
    made = text(Digest(asked.since, asked.until, "Europe/Berlin"))
    assert "Sun 25 Oct 2026 00:00 to Mon 26 Oct 2026 00:00 CET (1 d 1 h)" in made


def test_a_quiet_day_is_a_line_and_an_unwatched_provider_is_never_well() -> None:
    assert text(nothing()).splitlines()[-1] == "No trouble: GitHub"
    assert "Not watched in this window, so not known: Acme" in text(ordinary())
    unseen = Digest(ordinary().since, ordinary().until, "UTC", ordinary().accounts[2:])
    assert "nothing is known of this window" in text(unseen)
