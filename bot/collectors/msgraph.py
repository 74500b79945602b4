"""Kind `msgraph`: Microsoft Graph's service communications, what a tenant's admin centre shows.

https://learn.microsoft.com/graph/api/serviceannouncement-list-issues, app-only, with ServiceHealth.Read.All.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from urllib.parse import quote, urlsplit

import orjson

from bot.core.dates import parse_iso
from bot.core.document import body_of, json_of, phrase, require
from bot.core.members import objects, oldest_first, text
from bot.core.text import plain
from bot.errors import Unreadable
from bot.http import FAILURES, digest, failure, retry_at
from bot.model import Capture, Cursor, Impact, Item, Source, Status
from bot.ports import Tools

ISSUES = "/v1.0/admin/serviceAnnouncement/issues"
QUERY = "$orderby=lastModifiedDateTime%20desc&$top=100"
TOKEN = "/oauth2/v2.0/token"  # noqa: S105 - an address's end
PAGES = 20  #: in one poll
EARLY = timedelta(minutes=5)  #: before it expires a token is not used any more
ALERT = "https://admin.microsoft.com/#/servicehealth/:/alerts/{}"

#: Graph's statuses, in lower case: their letter case varies.
STATUSES = {
    "investigating": Status.INVESTIGATING,
    "servicedegradation": Status.IDENTIFIED,
    "serviceinterruption": Status.IDENTIFIED,
    "restoringservice": Status.IDENTIFIED,
    "verifyingservice": Status.MONITORING,
    "extendedrecovery": Status.MONITORING,
    "investigationsuspended": Status.MONITORING,
    "servicerestored": Status.RESOLVED,
    "serviceoperational": Status.RESOLVED,
    "falsepositive": Status.RESOLVED,
    "resolved": Status.RESOLVED,
    "postincidentreviewpublished": Status.POSTMORTEM,
}
_STATUS_AT_END = re.compile(r"\bStatus: ?([A-Za-z]{8,40})\.?\s*\Z")
IMPACTS = {
    "servicedegradation": Impact.MINOR,
    "extendedrecovery": Impact.MINOR,
    "serviceinterruption": Impact.MAJOR,
}
#: AADSTS codes of the login server that name the setting at fault.
#: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
AT_FAULT = {
    90002: "the login server knows no tenant MSGRAPH_TENANT_ID",
    900023: "the login server knows no tenant MSGRAPH_TENANT_ID",
    700016: "the tenant knows no application MSGRAPH_CLIENT_ID",
    7000215: "MSGRAPH_CLIENT_SECRET is wrong (its value is wanted, not its id)",
    7000222: "MSGRAPH_CLIENT_SECRET has expired",
}


@dataclass(frozen=True, slots=True)
class Token:
    """What the login server gave; its repr shows nothing of it."""

    headers: Mapping[str, str]
    until: datetime

    def __repr__(self) -> str:
        return f"Token(until={self.until:%H:%M})"


Answer: TypeAlias = "Token | Capture"  #: a token, or what came in its place


class MsGraph:
    """Kind `msgraph`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._token: Token | None = None
        self._bare: set[str] = set()  # addresses that refuse QUERY

    async def fetch(self, source: Source, cursor: Cursor) -> AsyncIterator[Capture]:
        """The pages of the issues, newest change first, or the login server's refusal (its path ends in TOKEN)."""
        start = address(source.url, self._tools.env["MSGRAPH_URL"])
        source = replace(source, url=start, trusted=True)  # the operator's setting names the host
        page = await self._first(source, start, cursor)
        for _ in range(PAGES - 1):
            onward = following(page)
            if not onward:
                break
            yield replace(page, partial=True)
            page = await self._get(source, onward, cursor)
        yield page

    async def _first(self, source: Source, start: str, cursor: Cursor) -> Capture:
        """The first page; an address that does not take QUERY (400) is asked without it from then on."""
        if urlsplit(start).query or start in self._bare or not start.endswith("/issues"):
            return await self._get(source, start, cursor)
        page = await self._get(source, f"{start}?{QUERY}", cursor)
        if page.status != 400 or is_login(page):
            return page
        self._bare.add(start)
        return await self._get(source, start, cursor)

    async def _get(self, source: Source, url: str, cursor: Cursor) -> Capture:
        """One document; a token that is refused is replaced once."""
        known = self._token
        page = await self._get_once(source, url, cursor)
        if page.status == 401 and not is_login(page) and known is not None:
            self._token = None
            page = await self._get_once(source, url, cursor)
        return page

    async def _get_once(self, source: Source, url: str, cursor: Cursor) -> Capture:
        token = await self._token_or_refusal(source)
        if isinstance(token, Capture):
            return token
        return await self._tools.fetcher.get(source, url, cursor, headers=token.headers)

    async def _token_or_refusal(self, source: Source) -> Answer:
        now = self._tools.clock.now()
        if self._token is not None and now < self._token.until:
            return self._token
        answer = await self._log_in(source, now)
        self._token = answer if isinstance(answer, Token) else None
        return answer

    async def _log_in(self, source: Source, now: datetime) -> Answer:
        """Client credentials (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow)."""
        env = self._tools.env
        server = env["MSLOGIN_URL"].rstrip("/")
        shown = server + TOKEN  # without the tenant
        form = {
            "grant_type": "client_credentials",
            "client_id": env["MSGRAPH_CLIENT_ID"],
            "client_secret": env["MSGRAPH_CLIENT_SECRET"],
            "scope": env["MSGRAPH_URL"].rstrip("/") + "/.default",
        }
        try:
            url = f"{server}/{quote(env['MSGRAPH_TENANT_ID'], safe='')}{TOKEN}"
            async with self._tools.session().post(url, data=form, allow_redirects=False) as response:
                body, status, wait = await response.read(), response.status, response.headers.get("retry-after", "")
        except FAILURES as error:
            return Capture(now, source.id, shown, error=failure(error))
        kept = refusal(body)
        return granted(body, now) or Capture(
            now, source.id, shown, status=status, body=kept, digest=digest(kept), retry_at=retry_at(wait, now)
        )

    def parse(self, source: Source, capture: Capture) -> Sequence[Item]:
        """One Item a post of each issue, oldest first. Raises Unreadable, `ours` where a setting is at fault."""
        if is_login(capture):
            raise _refused(capture)
        if capture.status == 403:
            raise Unreadable("Microsoft Graph refuses: the application lacks ServiceHealth.Read.All", ours=True)
        if capture.status == 401:
            raise Unreadable("Microsoft Graph refuses the token of MSGRAPH_CLIENT_ID", ours=True)
        document = json_of(capture)
        return [item for issue in _issues(objects(require(document, "value", kind=list))) for item in _items(issue)]


def address(url: str, graph: str) -> str:
    """A source's document (the issues where it names none) at MSGRAPH_URL, to which alone the token goes."""
    base, parts = graph.rstrip("/"), urlsplit(url)
    if url.rstrip("/") == base or not parts.path.strip("/"):
        return base + ISSUES
    if url.startswith(f"{base}/"):
        return url
    return base + parts.path + (f"?{parts.query}" if parts.query else "")


def is_login(capture: Capture) -> bool:
    """Whether a capture is an answer of the login server."""
    return urlsplit(capture.url).path.endswith(TOKEN)


def granted(body: bytes, now: datetime) -> Token | None:
    """The token in the login server's answer; None where there is none."""
    answer = _object(body)
    token, seconds = text(answer.get("access_token")), answer.get("expires_in")
    if not token or not token.isascii() or not token.isprintable():
        return None
    lifetime = timedelta(seconds=min(seconds, 86_400) if isinstance(seconds, int) else 0)
    return Token({"Authorization": f"Bearer {token}"}, now + max(lifetime - EARLY, lifetime / 2))


def refusal(body: bytes) -> bytes:
    """What of a refusal may be kept: its error's name and codes. (Its description names tenant and application.)"""
    answer = _object(body)
    return orjson.dumps({"error": text(answer.get("error"))[:60], "error_codes": _codes(answer)})


def _codes(answer: Mapping[str, Any]) -> list[int]:
    codes = answer.get("error_codes")
    return [code for code in codes if isinstance(code, int)] if isinstance(codes, list) else []


def following(page: Capture) -> str:
    """The address of the next page, on the same host only: the token goes there; empty where there is none."""
    onward = text(_object(page.body).get("@odata.nextLink"))
    here, there = urlsplit(page.url), urlsplit(onward)
    return onward if (here.scheme, here.netloc) == (there.scheme, there.netloc) else ""


def _object(body: bytes) -> Mapping[str, Any]:
    """The JSON object in these bytes; an empty one where there is none."""
    try:
        document = orjson.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _refused(capture: Capture) -> Unreadable:
    """Why the login server gave no token."""
    if capture.status not in (400, 401, 403):
        return Unreadable(f"the login server: {_trouble(capture)}")
    answer = _object(capture.body)
    named = next((AT_FAULT[code] for code in _codes(answer) if code in AT_FAULT), None)
    error = text(answer.get("error")) or phrase(capture.status)
    return Unreadable(
        named or f"the login server refuses MSGRAPH_CLIENT_ID or MSGRAPH_CLIENT_SECRET: {error}", ours=True
    )


def _trouble(capture: Capture) -> str:
    try:
        body_of(capture)
    except Unreadable as error:
        return error.reason
    return "no token in its answer"


def _issues(members: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The issues of a document of issues, or of healthOverviews, which carry theirs only where they were asked for."""
    issues: list[Mapping[str, Any]] = []
    for member in members:
        require(member, "status", kind=str)
        issues += [member] if member.keys() & {"title", "posts"} else objects(member.get("issues"))
    return issues


def _items(issue: Mapping[str, Any]) -> list[Item]:
    """The issue's posts; status and impact are the whole issue's, so that only the newest tells them."""
    common = _common(issue)
    posts = [_post(common, post) for post in objects(issue.get("posts"))]
    *older, newest = oldest_first(posts, newest_first=False) or [common]
    said = _said(newest.text)
    stated_at = _stated_at(issue, newest) if said is None else None
    return [*older, replace(newest, status=said or _status(issue), stated_at=stated_at, impact=_impact(issue))]


def _said(words: str) -> Status | None:
    """The status that a post itself names at its end, as MO1221364's of 23 January 2026 does.

    The issue's field, `serviceDegradation`, had not followed yet: taken for news, it would reopen what is over.
    """
    named = _STATUS_AT_END.search(words)
    return STATUSES.get(named[1].lower()) if named else None


def _stated_at(issue: Mapping[str, Any], newest: Item) -> datetime | None:
    """When the issue last changed, where no post says so: Microsoft ends issues without a word.

    Where that does not tell, either, an issue that is over has ended when it says.
    """
    changes = [parse_iso(issue.get("lastModifiedDateTime"))]
    if (status := _status(issue)) is not None and status.closed:
        changes.append(parse_iso(issue.get("endDateTime")))
    return next((at for at in changes if at is not None and newest.at is not None and at > newest.at), None)


def _post(common: Item, post: Mapping[str, Any]) -> Item:
    description = post.get("description")
    words = text(description.get("content")) if isinstance(description, dict) else ""
    return replace(common, text=plain(words) or common.title, at=parse_iso(post.get("createdDateTime")))


def _common(issue: Mapping[str, Any]) -> Item:
    """What all posts of one issue share; by itself, the statement of an issue without a post."""
    thread = require(issue, "id", kind=str)
    title = plain(text(issue.get("title")))
    impact = plain(text(issue.get("impactDescription")))
    service = text(issue.get("service"))
    return Item(
        text="\n".join(filter(None, (title, impact))),
        thread=thread,
        at=parse_iso(issue.get("startDateTime")),
        title=title,
        url=ALERT.format(quote(thread, safe="")),
        references=(thread,),
        components=(service,) if service else (),
    )


def _status(issue: Mapping[str, Any]) -> Status | None:
    """Its status; `isResolved` outweighs a status that still speaks of trouble."""
    status = STATUSES.get(text(issue.get("status")).lower())
    closed = status is not None and status.closed
    return Status.RESOLVED if issue.get("isResolved") is True and not closed else status


def _impact(issue: Mapping[str, Any]) -> Impact | None:
    """How bad it is by its status; an advisory is never worse than minor."""
    if text(issue.get("classification")).lower() == "advisory":
        return Impact.MINOR
    return IMPACTS.get(text(issue.get("status")).lower())
