"""Whether a Teams card can be read on both of Teams' grounds, by Microsoft's own colours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.notifiers.notices import breaking
from tests.pictures.messages import card_of
from tests.pictures.pages import HERE


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", breaking())
def test_every_word_of_a_card_stands_out_from_its_ground(theme: str, name: str) -> None:
    config = json.loads((HERE / f"teams-{theme}.json").read_text(encoding="utf-8"))
    for ground, colour in inks(card_of(breaking()[name])):
        style = config["containerStyles"][ground]
        ink = style["foregroundColors"][colour]["default"]
        assert contrast(ink, style["backgroundColor"]) >= 4.5, (ground, colour)


def inks(part: Any, ground: str = "default") -> set[tuple[str, str]]:
    """(style of the container, colour) of every text."""
    if isinstance(part, list):
        return {ink for one in part for ink in inks(one, ground)}
    if not isinstance(part, dict):
        return set()
    ground = part.get("style", ground) if part.get("type") == "Container" else ground
    own = {(ground, part.get("color", "default").lower())} if part.get("type") == "TextBlock" else set()
    return own | {ink for one in part.values() for ink in inks(one, ground)}


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2 defines it."""
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """Of `#rrggbb` or `#aarrggbb`."""
    parts = (int(colour[-6:][at : at + 2], 16) / 255 for at in (0, 2, 4))
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
