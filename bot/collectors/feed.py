"""RSS, Atom and JSON Feed: one Item an entry, or one for each update where the feed is a Statuspage's history."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import pairwise
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.sax import SAXException
from xml.sax.expatreader import ExpatParser

import feedparser.api

from bot.core.dates import parse_feed_date
from bot.core.document import body_of, json_of, require
from bot.core.text import plain, tidy
from bot.errors import Unreadable
from bot.model import Capture, Cursor, Item, Parts, Source, Status
from bot.ports import Tools

#: A status as people read it: `In progress`. `Update`, Statuspage's word for no change of status, is none of them.
WORDS: Mapping[str, Status] = {status.value.replace("_", " "): status for status in Status}
PLANNED = frozenset({Status.SCHEDULED, Status.IN_PROGRESS, Status.VERIFYING, Status.COMPLETED})

#: How Statuspage, and those who imitate it, write one update into an entry. The limits keep hostile input cheap.
_UPDATE = re.compile(
    r"(?is)<p[^<>]{0,99}>\s{0,99}<small[^<>]{0,99}>(.{1,299}?)</small>\s{0,99}<br[^<>]{0,9}>\s{0,99}"
    r"<strong>([^<>]{1,99})</strong>(?:\s{0,99}[-–—])?"
)
_WHEN = re.compile(r"([A-Za-z]{3,9})\s+(\d\d?)(?:,\s*(\d{4}))?,\s+(\d\d?:\d\d(?::\d\d)?)\s*(\S{1,9})")
_TAG = re.compile(r"<[^<>]*>")
_OPENING = re.compile(rf"(?i)(?:status:\s*)?(?:\[({'|'.join(WORDS)})\]|({'|'.join(WORDS)})\s*(?:[-–—:]\s|\n|$))")
_ENTRY = re.compile(rb"<(entry|item)[\s>].*?</\1\s*>", re.DOTALL)
_ID = re.compile(rb"<(?:id|guid)(?:\s[^>]*)?>(.*?)</", re.DOTALL)
_HTML = re.compile(rb"(?i)<(?:!doctype html|html|head|body)\b")
DAY = timedelta(days=1)
_MARK_OR_SPACE = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"


class Feed:
    """Kind `feed`."""

    def __init__(self, tools: Tools) -> None:
        self._fetcher = tools.fetcher

    async def fetch(self, source: Source, cursor: Cursor) -> AsyncIterator[Capture]:
        """The one document of a feed."""
        yield await self._fetcher.get(source, source.url, cursor)

    def parse(self, source: Source, capture: Capture) -> Sequence[Item]:
        """The entries' statements, oldest first in each thread. Raises Unreadable for what is no feed."""
        start = body_of(capture).lstrip(_MARK_OR_SPACE)[:1]
        entries = _json_entries(capture) if start in (b"{", b"[") else _xml_entries(capture)
        items = [item for entry in reversed(entries) for item in _items(entry, capture.at)]
        if all(item.at for item in items):
            items.sort(key=lambda item: item.at or datetime.min.replace(tzinfo=UTC))
        return items

    def divide(self, capture: Capture) -> Parts | None:
        """The entries of an RSS or Atom document, so that only new and changed ones need be parsed.

        Beyond doubt only where every tag that opens an entry has one that closes it, with nothing but white space
        between the entries, and where each entry has an id that no other has: several entries of one id are one
        incident's. An encoding that is no superset of ASCII is left whole.
        """
        body = capture.body
        if capture.status != 200 or b"\x00" in body:
            return None
        found = list(_ENTRY.finditer(body))
        names = {match[1] for match in found}
        if len(names) != 1 or b"<![CDATA[" in body[: found[0].start()]:
            return None
        name = names.pop()
        opened = len(re.findall(rb"<" + name + rb"[\s>]", body))
        ids = {match[1].strip() for entry in found if (match := _ID.search(entry[0]))}
        if not opened == body.count(b"</" + name) == len(found) == len(ids):
            return None
        if any(body[one.end() : other.start()].strip() for one, other in pairwise(found)):
            return None
        return Parts(body[: found[0].start()], tuple(match[0] for match in found), body[found[-1].end() :])


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of any of the formats."""

    id: str
    title: str
    html: str
    link: str
    home: str  #: the feed's own page
    updated: object
    published: object
    categories: tuple[str, ...] = ()

    @property
    def own_link(self) -> str:
        """The link, where it stands for this entry: many feeds send every reader to the same front page."""
        parts = urlsplit(self.link)
        front = parts.path in ("", "/") and not parts.query and not parts.fragment
        return "" if front or self.link.rstrip("/") == self.home.rstrip("/") else self.link

    def digest(self) -> str:
        """A name for an entry that has neither id nor link."""
        words = f"{self.title}\n{self.published or self.updated or self.html}"
        return hashlib.sha256(words.encode(errors="replace")).hexdigest()[:16]


def _xml_entries(capture: Capture) -> list[_Entry]:
    parsed = _feedparser(capture)
    if not parsed.get("version"):
        raise Unreadable("HTML where a feed should be" if _HTML.search(capture.body[:1024]) else "not a feed")
    if not parsed.entries and isinstance(parsed.get("bozo_exception"), SAXException):
        raise Unreadable("broken XML")  # cut off before its first entry; an empty feed would mean "all well"
    home = _address(parsed.feed.get("link"), capture.url)
    return [_xml_entry(entry, home, capture.url) for entry in parsed.entries]


class _InWholeTexts(ExpatParser):
    """Python's own XML parser, told to hand on each text whole, not cut at every line's end and `&lt;`.

    (Feeds carry HTML with thousands of these: feedparser takes a third less time. Nothing else differs.)
    """

    def reset(self) -> None:
        super().reset()
        parser: Any = vars(self)["_parser"]  # pyexpat's own, which typeshed does not know of
        parser.buffer_text = True


create_parser = _InWholeTexts
#: feedparser asks each of these modules for its `create_parser`, as xml.sax.make_parser does
feedparser.api.PREFERRED_XML_PARSERS = [__name__]


def _feedparser(capture: Capture) -> Any:
    """What feedparser makes of the body, unsanitised: what is shown goes through `plain` instead.

    The bytes go in as a file: feedparser takes bare bytes for the name of one first, and would open it. Blank lines
    before the XML declaration are a common fault and harmless.
    """
    kind = capture.headers.get("content-type", "")
    headers = {"content-type": kind} if "charset" in kind.lower() else {}
    try:
        return feedparser.parse(
            BytesIO(capture.body.lstrip()), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except Exception as error:  # feedparser names no errors; what it stumbles over is no feed to us
        raise Unreadable("a feed that cannot be parsed") from error


def _xml_entry(entry: Any, home: str, url: str) -> _Entry:
    contents = [part.get("value") for part in entry.get("content") or []]
    return _Entry(
        id=_text(entry.get("id")),
        title=_plain(_text(entry.get("title"))),
        html=next((_text(value) for value in [*contents, entry.get("summary")] if _text(value)), ""),
        link=_address(entry.get("link"), url),
        home=home,
        updated=dict.get(entry, "updated"),  # entry.get would give `published` for it, with a warning
        published=dict.get(entry, "published"),
        categories=tuple(_text(tag.get("term")) for tag in entry.get("tags") or []),
    )


def _json_entries(capture: Capture) -> list[_Entry]:
    """The items of a JSON Feed (https://jsonfeed.org/version/1.1)."""
    document = json_of(capture)
    if not isinstance(document, dict) or "jsonfeed.org" not in _text(document.get("version")):
        raise Unreadable("JSON that is no feed")
    items = require(document, "items", kind=list)
    if not all(isinstance(item, dict) for item in items):
        raise Unreadable("`items` of an unexpected type")
    home = _address(document.get("home_page_url"), capture.url)
    return [_json_entry(item, home, capture.url) for item in items]


def _json_entry(item: Mapping[str, Any], home: str, url: str) -> _Entry:
    number, tags = item.get("id"), item.get("tags")
    return _Entry(
        id=str(number) if isinstance(number, int) else _text(number),
        title=_plain(_text(item.get("title"))),
        html=_text(item.get("content_html")) or _text(item.get("content_text")) or _text(item.get("summary")),
        link=_address(item.get("url"), url) or _address(item.get("external_url"), url),
        home=home,
        updated=item.get("date_modified"),
        published=item.get("date_published"),
        categories=tuple(_text(tag) for tag in tags) if isinstance(tags, list) else (),
    )


def _items(entry: _Entry, seen: datetime) -> list[Item]:
    """The statements of an entry, oldest first."""
    common = _common(entry)
    found = list(_UPDATE.finditer(entry.html)) if "<small" in entry.html else []
    if not found:
        whole = _whole(entry, common)
        return [whole] if whole.text else []  # an entry without a word states nothing
    ends = [match.start() for match in found[1:]] + [len(entry.html)]
    statuses = [WORDS.get(match[2].strip().lower()) for match in found]
    planned = "SCHEDULED EVENT" in entry.html[: found[0].start()] or not PLANNED.isdisjoint(statuses)
    latest = common.at or seen
    items = [
        replace(
            common,
            text=_plain(entry.html[match.end() : end]),
            at=_when(match[1], latest),
            status=status,
            maintenance=planned,
        )
        for match, end, status in zip(found, ends, statuses, strict=True)
    ]
    return items[::-1]


def _common(entry: _Entry) -> Item:
    """What all statements of an entry share."""
    link = entry.own_link
    return Item(
        text="",
        thread=entry.id or link or entry.digest(),
        at=parse_feed_date(entry.updated) or parse_feed_date(entry.published),
        title=entry.title,
        url=entry.link,
        links=(link,) if link else (),
    )


def _whole(entry: _Entry, common: Item) -> Item:
    """The entry as one statement."""
    text = _plain(entry.html) or entry.title
    status = _stated(entry, text)
    return replace(common, text=text, status=status, maintenance=status in PLANNED)


def _stated(entry: _Entry, text: str) -> Status | None:
    """The status, where the title, the text or a category says it as a plain word of its own."""
    for words in (entry.title, text):
        found = _OPENING.match(words)
        if found:
            return WORDS[(found[1] or found[2]).lower()]
    return next((WORDS[name.lower()] for name in entry.categories if name.lower() in WORDS), None)


def _when(markup: str, latest: datetime) -> datetime | None:
    """The time of an update, such as `Dec 31, 23:50 PST`: in the newest year in which it is not after `latest`.

    A day is allowed for clocks and for feeds that give the entry's date without its time.
    """
    found = _WHEN.search(_TAG.sub("", markup))
    if found is None:
        return None
    month, day, year, time, zone = found.groups()
    last = latest + DAY
    for at in _candidates(f"{day} {month}", f"{time} {zone}", year, (last + DAY).year):  # no zone is a day ahead
        if year or at <= last:
            return at
    return None


def _candidates(date: str, time: str, year: str | None, latest: int) -> Iterator[datetime]:
    """The moments meant by a date without a year, newest first; eight years hold every 29 February but that of 2100."""
    for number in [int(year)] if year else range(latest, latest - 9, -1):
        at = parse_feed_date(f"{date} {number} {time}")
        if at:
            yield at


def _plain(markup: str) -> str:
    return plain(markup) if "<" in markup or "&" in markup else tidy(markup)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _address(value: object, base: str) -> str:
    """An address of the web, made absolute; empty for every other scheme, a bare word and what is no address."""
    link = _text(value)
    try:
        if link.startswith("/"):
            link = urljoin(base, link)
        return link if urlsplit(link).scheme in ("https", "http") else ""
    except ValueError:  # "Invalid IPv6 URL"
        return ""
