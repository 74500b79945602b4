"""A digest's window as a picture: a bar for each component over time, legible without colour, on any background.

How bad it was shows by the bar's height, its pattern and a letter; the colour only says it once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING
from unicodedata import normalize
from zoneinfo import ZoneInfo

from bot.core.digest import Account, Condition, Course, Digest
from bot.core.digest_words import SIGNS, alternative, count, headline, percent, worst
from bot.model import Picture

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

SHARP, SMALL = 2, 1  #: pixels for each of ours: for sharp displays, and where every byte counts
WIDTH, MARGIN, LABELS, NUMBERS = 760, 20, 200, 62
ROW, BAR, HEAD, AXIS, LEGEND = 26, 18, 62, 26, 30
ROWS = 40  #: bars at the most
EACH = 12  #: components of one provider at the most
LEAST = 3  #: a short trouble is still seen
TICKS = 8
STEPS = (1, 5, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 20_160, 43_200, 129_600)  #: minutes between ticks

DASHES = str.maketrans("–—‘’“”", "--''\"\"")  #: what the typeface lacks, and what is as good
PAPER, INK, FAINT, LINE = "#ffffff", "#1b1b1f", "#5d5d66", "#d5d5dc"


@dataclass(frozen=True, slots=True)
class Style:
    """How a condition looks. height: of the bar's. gap: between the lines of its pattern; 0: filled."""

    fill: str
    line: str
    height: float
    gap: int = 0
    letter: str = ""


STYLES = {
    Condition.WELL: Style("#8fcea5", "#8fcea5", 0.22),
    Condition.UNKNOWN: Style("#ffffff", "#8a8a94", 0.7, letter="?"),
    Condition.MAINTENANCE: Style("#dbe9fb", "#2c64ad", 0.7, 6, letter="M"),
    Condition.UNSTATED: Style("#e4e4ea", "#55555f", 1.0, 9, letter="T"),
    Condition.MINOR: Style("#ffe9a8", "#8a6500", 0.55, 7),
    Condition.MAJOR: Style("#f6b26b", "#8f3f00", 0.8, 4),
    Condition.CRITICAL: Style("#a3122b", "#6d0018", 1.0),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of the picture: a name, and how it fared; without a course only words."""

    name: str
    course: Course | None = None
    heading: bool = False


def picture(digest: Digest, scale: int = SHARP) -> Picture:
    """The picture as a PNG, with its words. Takes some tenths of a second of CPU."""
    from PIL import Image, ImageDraw  # noqa: PLC0415  # only who delivers a digest needs it

    bars = list(rows(digest))
    height = HEAD + ROW * len(bars) + AXIS + LEGEND + MARGIN // 2
    image = Image.new("RGB", (WIDTH * scale, height * scale), PAPER)
    draw = ImageDraw.Draw(image)
    Sheet(image, draw, digest, scale).draw(bars)
    flat = image.quantize(colors=64 if scale > SMALL else 32)
    out = BytesIO()
    flat.save(out, "PNG", optimize=True)
    return Picture(out.getvalue(), alternative(digest))


def rows(digest: Digest) -> Iterator[Bar]:
    """Each watched provider with the components that had trouble; the others are counted."""
    watched = [account for account in digest.accounts if account.watched]
    left, busy = ROWS, sum(account.news for account in watched)
    each = min(EACH, (ROWS - len(watched)) // max(busy, 1) - 2)
    for number, account in enumerate(watched):
        made = list(of(account, each))
        if len(made) > left:
            yield Bar(f"and {count(len(watched) - number, 'other provider')}")
            return
        left -= len(made)
        yield from made
    if not watched:
        yield Bar("Nothing was watched in this window.")


def of(account: Account, each: int) -> Iterator[Bar]:
    """One provider, with `each` of its components at the most."""
    yield Bar(account.name, account.whole, heading=True)
    if each <= 0:
        return
    hit = worst(course for course in account.components if course.shares.trouble or course.shares.maintenance)
    for course in hit[:each]:
        yield Bar(course.name, course)
    if len(hit) > each:
        yield Bar(f"and {count(len(hit) - each, 'other')} with less trouble")
    quiet = len(account.components) - len(hit)
    if hit and quiet:
        yield Bar(f"and {count(quiet, 'other')} without trouble")


class Sheet:
    """The drawing of one picture; all places are in our own units, from the upper left."""

    def __init__(self, image: Image, draw: ImageDraw, digest: Digest, scale: int) -> None:
        self._image, self._draw, self._digest, self._scale = image, draw, digest, scale
        self._zone = ZoneInfo(digest.zone)
        self._left, self._right = MARGIN + LABELS, WIDTH - MARGIN - NUMBERS

    def draw(self, bars: Sequence[Bar]) -> None:
        """Everything."""
        bottom = HEAD + ROW * len(bars)
        self._text(MARGIN, 12, headline(self._digest), 17, INK, WIDTH - 2 * MARGIN)
        self._text(MARGIN, 36, span_words(self._digest, self._zone), 12, FAINT, WIDTH - 2 * MARGIN)
        if any(bar.course for bar in bars):
            self._axis(HEAD, bottom)
            self._text(self._right + 8, HEAD - 18, "well", 11, FAINT, NUMBERS)
        for number, bar in enumerate(bars):
            self._bar(HEAD + ROW * number, bar)
        shown = {condition for bar in bars if bar.course for _, _, condition in bar.course.stretches}
        self._legend(bottom + AXIS, [condition for condition in Condition if condition in shown])

    def _bar(self, top: float, bar: Bar) -> None:
        size, ink = (14, INK) if bar.heading else (12, INK if bar.course else FAINT)
        indent = 0 if bar.heading else 10
        room = LABELS - indent - 10 if bar.course else WIDTH - 2 * MARGIN
        self._text(MARGIN + indent, top + (ROW - size) / 2 + 1, bar.name, size, ink, room)
        if bar.course is None:
            return
        for begin, end, condition in ordered(bar.course):
            self._stretch(top + (ROW - BAR) / 2, self._x(begin), self._x(end), condition)
        shares = bar.course.shares
        known = shares.unknown < shares.whole
        words = percent(shares.well, shares.whole) if known else "?"
        self._text(self._right + 8, top + (ROW - 12) / 2 + 1, words, 12, INK, NUMBERS)

    def _stretch(self, top: float, left: float, right: float, condition: Condition) -> None:
        """One condition's part of a bar: it stands on the bar's foot, the higher the worse."""
        style = STYLES[condition]
        if condition is not Condition.WELL:
            right = max(right, left + LEAST)
        low = top + BAR
        high = low - BAR * style.height
        box = tuple(round(edge * self._scale) for edge in (left, high, right, low))
        if box[2] <= box[0]:
            return
        self._pattern(box, style)
        if style.letter and right - left > 16:
            self._letter(box, style)

    def _pattern(self, box: tuple[int, ...], style: Style) -> None:
        """A filled box with an outline, and slanting lines over it."""
        from PIL import Image, ImageDraw  # noqa: PLC0415  # as above

        wide, high = box[2] - box[0], box[3] - box[1]
        part = Image.new("RGB", (wide, high), style.fill)
        pen = ImageDraw.Draw(part)
        if style.gap:
            for start in range(-high, wide, style.gap * self._scale):
                pen.line((start, high, start + high, 0), fill=style.line, width=self._scale)
        if style.height > 0.3 and wide > 2 * self._scale:
            pen.rectangle(
                (0, 0, wide - 1, high - 1), outline=style.line, width=1 if style.letter == "?" else self._scale
            )
        self._image.paste(part, (box[0], box[1]))

    def _letter(self, box: tuple[int, ...], style: Style) -> None:
        """A letter in the middle, on a ground of its own."""
        middle, centre = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        half = 5 * self._scale
        self._draw.rectangle(
            (middle - half, box[1] + self._scale, middle + half, box[3] - 1 - self._scale), fill=style.fill
        )
        self._draw.text((middle, centre), style.letter, style.line, font(11 * self._scale), anchor="mm")

    def _axis(self, top: float, bottom: float) -> None:
        """Vertical lines at round times, named below."""
        last = -99.0
        for at, words in ticks(self._digest, self._zone):
            x = self._x(at)
            self._draw.line(
                [(x * self._scale, top * self._scale), (x * self._scale, (bottom + 4) * self._scale)], LINE, self._scale
            )
            wide = font(11 * self._scale).getlength(words) / self._scale
            if x - wide / 2 > last + 8 and x + wide / 2 < WIDTH - 4:
                self._text(x - wide / 2, bottom + 6, words, 11, FAINT, 200)
                last = x + wide / 2

    def _legend(self, top: float, shown: Sequence[Condition]) -> None:
        x = float(MARGIN)
        for condition in shown:
            self._stretch(top + 4, x, x + 24, condition)
            self._text(x + 30, top + 7, SIGNS[condition], 11, FAINT, 200)
            x += 30 + font(11 * self._scale).getlength(SIGNS[condition]) / self._scale + 16

    def _x(self, at: datetime) -> float:
        share = (at - self._digest.since) / (self._digest.until - self._digest.since)
        return self._left + share * (self._right - self._left)

    def _text(self, x: float, y: float, words: str, size: int, ink: str, room: float) -> None:
        self._draw.text(
            (x * self._scale, y * self._scale),
            cut(words, size * self._scale, room * self._scale),
            ink,
            font(size * self._scale),
        )


def ordered(course: Course) -> list[tuple[datetime, datetime, Condition]]:
    """The stretches, the worse after the others: a short trouble is drawn over its neighbours."""
    worse = list(Condition)
    return sorted(course.stretches, key=lambda stretch: worse.index(stretch[2]) if stretch[2].trouble else -1)


def span_words(digest: Digest, zone: tzinfo) -> str:
    """`Mon 23 Nov 2026 00:00 to Tue 24 Nov 08:00 CET`."""
    begin, end = digest.since.astimezone(zone), digest.until.astimezone(zone)
    return f"{begin:%a %d %b %Y %H:%M} to {end:%a %d %b %Y %H:%M %Z}"


def ticks(digest: Digest, zone: tzinfo) -> Iterator[tuple[datetime, str]]:
    """Round times of the zone within the window, TICKS of them at the most, and their names."""
    length = digest.until - digest.since
    step = next((minutes for minutes in STEPS if length <= timedelta(minutes=minutes) * TICKS), STEPS[-1])
    wall = digest.since.astimezone(zone).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    month = 0
    while (at := wall.replace(tzinfo=zone)) <= digest.until:
        if at >= digest.since:
            yield at, tick(wall, step, named=wall.month == month)
            month = wall.month
        wall += timedelta(minutes=step)


def tick(wall: datetime, step: int, *, named: bool) -> str:
    """`06:00`; at midnight the day, with its month where that is not `named` yet."""
    if step < 1440 and (wall.hour, wall.minute) != (0, 0):
        return f"{wall:%H:%M}"
    return f"{wall:%a %d}" if named and step >= 1440 else f"{wall:%a %d %b}"


@lru_cache(maxsize=16)
def font(size: int) -> FreeTypeFont:
    """Pillow's own typeface, so many pixels high: the same on every machine."""
    from PIL import ImageFont  # noqa: PLC0415  # as above

    return ImageFont.load_default(size)  # type: ignore[return-value]  # with a size it is a FreeTypeFont


@lru_cache(maxsize=4096)
def known(sign: str) -> bool:
    """Whether the typeface has a sign: what it lacks is drawn like what nobody has."""
    return sign.isascii() or bytes(font(12).getmask(sign)) != bytes(font(12).getmask("\uffff"))


def cut(words: str, size: int, room: float) -> str:
    """Words that fit into the room (in pixels), on one line; cut in the middle, for many differ by their end."""
    shown = drawable(" ".join(words.split())[:200])
    keep, whole = len(shown), shown
    while keep and font(size).getlength(shown) > room:
        keep -= 1
        tail = keep // 3
        shown = f"{whole[: keep - tail].rstrip()}…{whole[len(whole) - tail :].lstrip()}"
    return shown


def drawable(words: str) -> str:
    """The words in signs that the typeface has: letters without their accents where it lacks those, else `?`."""
    plain = (sign if known(sign) else normalize("NFKD", sign)[0] for sign in words.translate(DASHES))
    return "".join(sign if known(sign) else "?" for sign in plain)
