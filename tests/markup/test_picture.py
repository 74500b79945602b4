from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from bot.core.digest import Condition, Digest
from bot.markup.picture import LEAST, STYLES, cut, drawable, font, picture, rows, ticks
from tests.notifiers.digests import SINCE, UNTIL, account, broken, course, large, nothing, ordinary
from tests.notifiers.notices import BREAKING


def opened(digest: Digest, scale: int = 2) -> Image.Image:
    return Image.open(BytesIO(picture(digest, scale).png)).convert("RGB")


def test_conditions_differ_in_more_than_colour() -> None:
    looks = {(style.height, style.gap, style.letter) for style in STYLES.values()}
    assert len(looks) == len(Condition)


def test_the_worse_it_is_the_darker_it_is_in_grey() -> None:
    def grey(condition: Condition) -> float:
        """Of a bar that lasts for the whole window, without any colour."""
        part = opened(Digest(SINCE, UNTIL, "UTC", (account("A", whole=course("A", (0, 1440, condition))),))).convert(
            "L"
        )
        middle = list(part.crop((500, 130, 1300, 176)).tobytes())
        return sum(middle) / len(middle)

    trouble = [Condition.WELL, Condition.MINOR, Condition.MAJOR, Condition.CRITICAL]
    shades = [grey(condition) for condition in trouble]
    assert shades == sorted(shades, reverse=True)
    assert min(a - b for a, b in pairwise(shades)) > 10


def test_a_moment_of_trouble_is_seen() -> None:
    moment = account("A", whole=course("A", (700, 700.01, Condition.CRITICAL)))
    image = opened(Digest(SINCE, UNTIL, "UTC", (moment,)))
    row = [image.getpixel((x, 150)) for x in range(440, 1356)]
    assert sum(isinstance(pixel, tuple) and pixel[0] > 90 and pixel[1] < 60 for pixel in row) >= LEAST


def test_the_picture_grows_with_what_there_is_to_show_but_not_for_ever() -> None:
    assert len(list(rows(nothing()))) == 1
    assert [bar.name for bar in rows(ordinary())] == [
        "Microsoft 365",
        "Microsoft Teams",
        "Exchange Online",
        "SharePoint",
        "and 1 other without trouble",
        "GitHub",
    ]
    assert len(list(rows(large()))) <= 41
    assert rows(Digest(SINCE, UNTIL, "UTC")).__next__().name == "Nothing was watched in this window."


@pytest.mark.parametrize("words", BREAKING.values(), ids=BREAKING.keys())
def test_any_name_can_be_drawn_and_has_an_alternative(words: str) -> None:
    made = picture(broken(words))
    assert Image.open(BytesIO(made.png)).size[0] == 1520
    assert made.alt


def test_a_long_name_keeps_its_end_and_fits() -> None:
    shown = cut("A component with a long name, number 12", 24, 200)
    assert shown.startswith("A comp")
    assert shown.endswith("12")
    assert font(24).getlength(shown) <= 200


def test_signs_that_cannot_be_drawn_are_not_drawn_as_boxes() -> None:
    assert drawable("Ünïcödé – ok") == "Unicode - ok"
    assert drawable("日本") == "??"


def test_ticks_are_round_times_of_the_zone_also_where_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    day = Digest(datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC), "Europe/Berlin")
    named = [name for _, name in ticks(day, berlin)]
    assert named == ["Sun 25 Oct", "06:00", "12:00", "18:00", "Mon 26 Oct"]
    week = Digest(datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 11, 1, 23, tzinfo=UTC), "Europe/Berlin")
    days = [name for _, name in ticks(week, berlin)]
    assert days[0] == "Sun 25 Oct"
    assert all(at.astimezone(berlin).hour == 0 for at, _ in ticks(week, berlin))
