"""Kind `m365-public`: status.cloud.microsoft, which says whether the admin centre can be reached.

The addresses are those of the page's own script; Microsoft documents none of them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from bot.core.dates import parse_iso
from bot.core.document import body_of, json_of, looks_like_html, require
from bot.core.members import objects, text, unique
from bot.core.text import plain
from bot.errors import Unreadable
from bot.model import Capture, Cursor, Impact, Item, Source, Status
from bot.ports import Tools

PAGE = "https://status.cloud.microsoft"
#: Status words, as _word writes them. "Unknown" and words never seen yet say neither phase nor impact.
HEALTHY = ("available", "operational")
STATUSES = {
    "servicerestored": Status.RESOLVED,
    "investigating": Status.INVESTIGATING,
    "investigation": Status.INVESTIGATING,
}
IMPACTS = {"servicedegradation": Impact.MINOR, "serviceinterruption": Impact.MAJOR}
#: Titles that name the page instead of what is wrong.
GENERIC = ("microsoft 365 service health", "microsoft admin center", "power platform admin center")
STANDING = "This site is updated when"  #: how the text begins that stands there while nothing is said
_REFERENCE = re.compile(r"\b(?!KB)[A-Z]{2}\d{5,8}\b")  # KB5012345 is an article, no incident


class M365Public:
    """Kind `m365-public`."""

    def __init__(self, tools: Tools) -> None:
        self._fetcher = tools.fetcher

    async def fetch(self, source: Source, cursor: Cursor) -> AsyncIterator[Capture]:
        """The one document."""
        yield await self._fetcher.get(source, address(source.url), cursor)

    def parse(self, source: Source, capture: Capture) -> Sequence[Item]:
        """One Item a post that speaks of trouble or of its end. Raises Unreadable for anything but posts.

        A healthy post is no statement, although its words contain "service issues". Nor is one whose Status is
        Unknown and which says nothing else; where all are such, the page cannot be believed.
        """
        posts = _posts(capture)
        spoken = [post for post in posts if not _healthy(post)]
        items = [_item(post) for post in spoken if not _mute(post)]
        if not items and len(spoken) == len(posts):
            raise Unreadable("it calls its own status unknown")
        return items


def address(url: str) -> str:
    """The address itself where it names a document, else (`https://status.cloud.microsoft`) the admin centre's post."""
    parts = urlsplit(url)
    return url if parts.path.startswith("/api/") else f"{parts.scheme}://{parts.netloc}/api/posts/mac"


def _posts(capture: Capture) -> Sequence[Mapping[str, Any]]:
    """The posts of whichever form; each has shown an Id, a Status and a Message."""
    body = body_of(capture).removeprefix(b"\xef\xbb\xbf")
    document = _rss(body) if body.lstrip().startswith((b"<?xml", b"<rss")) else json_of(capture)
    posts = objects(document if isinstance(document, list) else [document])
    if not posts:
        raise Unreadable("no post where one always stands")
    for post in posts:
        for name in ("Id", "Status"):
            require(post, name, kind=str)
        require(post, "Message", kind=(str, type(None)))
    return posts


def _rss(body: bytes) -> list[dict[str, Any]]:
    """The feed's items as posts. pubDate follows the clock of the request, so that they have no date."""
    import feedparser  # noqa: PLC0415 - the usual form, JSON, does without it

    try:  # as a file: bare bytes would first be tried as the name of one
        feed = feedparser.parse(BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    except Exception as error:  # feedparser names no errors
        raise Unreadable("a feed that cannot be parsed") from error
    if not feed.get("version") or not feed.entries:
        raise Unreadable("HTML where a feed should be" if looks_like_html(body) else "a feed without an item")
    return [
        {
            "Id": entry.get("id"),
            "Title": entry.get("title"),
            "Message": entry.get("summary"),
            "Status": entry.get("status"),
        }
        for entry in feed.entries
    ]


def _word(post: Mapping[str, Any]) -> str:
    """Its Status, whether written `Service restored` or `ServiceRestored`."""
    return "".join(text(post["Status"]).lower().split())


def _healthy(post: Mapping[str, Any]) -> bool:
    return _word(post) in HEALTHY


def _mute(post: Mapping[str, Any]) -> bool:
    """Whether it says nothing but that it does not know."""
    words = plain(text(post["Message"]))
    return _word(post) in ("", "unknown") and (not words or _anonymous(post) or words.startswith(STANDING))


def _anonymous(post: Mapping[str, Any]) -> bool:
    """Whether its Id is the one of zeroes that stands there while there is no post."""
    return set(post["Id"]) <= set("0-")


def _native_id(post: Mapping[str, Any]) -> str:
    """Its Id; where that is nobody's, its service and day tell it from others (its minute may follow the clock)."""
    if not _anonymous(post):
        return text(post["Id"])
    day = text(post.get("AuthoredDateTime"))[:10]
    return "@".join(filter(None, (post["Id"] or "0", text(post.get("ServiceDisplayName")), day)))


def _item(post: Mapping[str, Any]) -> Item:
    """The statement of a post. LastUpdatedTime and InternalDateTime are clocks of the request, not its date."""
    words = plain(text(post["Message"])) or text(post["Status"])
    title = plain(text(post.get("Title")))
    return Item(
        text=words,
        native_id=_native_id(post),
        at=parse_iso(post.get("AuthoredDateTime")),
        title="" if title.lower() in GENERIC else title,
        status=STATUSES.get(_word(post)),
        impact=IMPACTS.get(_word(post)),
        url=PAGE,
        references=unique(_REFERENCE.findall(words)),
        components=unique([text(post.get("ServiceDisplayName"))]),  # of /api/posts/m365Consumer only
    )
