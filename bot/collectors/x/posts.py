"""From an answer of X's user posts endpoint to the account's own statements, in either of X's vocabularies."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from bot.collectors.x.answer import age, json_object, moment, objects, reset_of
from bot.core.dates import parse_iso
from bot.core.document import json_of, require
from bot.core.text import clip, tidy
from bot.errors import Unreadable
from bot.model import Capture, Item, Source

EDITABLE = timedelta(hours=1)  #: after which X lets nobody edit a post, with something to spare
OWN = "statusbot"  #: the `type` of a problem that this program states itself; its `title` is the reason
GONE = "no such account"
REFUSALS = {
    400: "X refuses the request (400)",
    401: "X refuses the token (401)",
    402: "credits spent (402)",
    403: "the app or its plan lacks access (403)",
    404: GONE,
}
_ROUTE = re.compile(r"/users/([0-9]+)/tweets")
_SHORT = re.compile(r"https?://t\.co/\w+")


def statements(source: Source, capture: Capture) -> tuple[Item, ...]:
    """The account's posts, oldest first, each in the newest version that the answer has. Raises Unreadable."""
    refuse(capture)
    document = json_of(capture)
    route = _ROUTE.search(capture.url)
    user_id = route[1] if route else capture.state.get("user_id", "")
    posts = sorted(posts_of(document), key=lambda post: age(post["id"]))
    name = _username(document, user_id) or _handle(source) or "i"
    found: dict[str, Item] = {}
    for post in posts:
        if not _foreign(post, user_id):
            native_id = min(_history(post), key=age)
            found.pop(native_id, None)  # a later version takes the later place
            found[native_id] = _item(post, native_id, name)
    return tuple(found.values())


def refuse(capture: Capture) -> None:
    """Raises Unreadable for an answer that blames our own side; other failures are document.body_of's to name."""
    if capture.error is not None or capture.status not in (*REFUSALS, 429):
        return
    problem = json_object(capture.body)
    if problem.get("type") == OWN:
        raise Unreadable(str(problem.get("title")), ours=True)
    if capture.status != 429:
        raise Unreadable(REFUSALS[capture.status], ours=True)
    until = reset_of(capture)
    raise Unreadable(f"rate limit, until {until:%H:%M} UTC" if until else "rate limit or monthly cap (429)", ours=True)


def posts_of(document: Any) -> list[dict[str, Any]]:
    """The posts of an answer, each with an id and a text. Raises Unreadable."""
    posts = document.get("data") if isinstance(document, dict) else None
    if posts is None:
        return _none(document)
    if not isinstance(posts, list):
        raise Unreadable("`data` of an unexpected type")
    for post in posts:
        require(post, "text", kind=str)
        if not require(post, "id", kind=str):
            raise Unreadable("an empty `id` in the answer")
    return posts


def _none(document: Any) -> list[dict[str, Any]]:
    """No posts, where the answer says that there are none. Raises Unreadable where it says anything else."""
    problems = list(objects(document.get("errors"))) if isinstance(document, dict) else []
    if problems and "meta" not in document:
        raise _denied(problems[0])
    if require(document, "meta", "result_count", kind=int) != 0:
        raise Unreadable("no `data` in the answer")
    return []


def _denied(problem: Mapping[str, Any]) -> Unreadable:
    """A 200 that carries nothing but problems: X's word for an account that is gone, suspended or protected."""
    kind, title, detail = (str(problem.get(name, "")) for name in ("type", "title", "detail"))
    if kind.endswith("/resource-not-found") or "suspended" in f"{title} {detail}".lower():
        return Unreadable(GONE, ours=True)
    ours = kind.endswith(("/not-authorized-for-resource", "/client-forbidden", "/usage-capped"))
    return Unreadable(f"X answers: {clip(tidy(title), 80) or 'an error without a name'}", ours=ours)


def _foreign(post: Mapping[str, Any], user_id: str) -> bool:
    """Whether a post is another account's, a reply to another account or a repost; a quote is the account's own."""
    author = post.get("author_id") or user_id
    if user_id and author != user_id:
        return True
    references = objects(post.get("referenced_tweets") or post.get("referenced_posts"))
    kinds = {str(reference.get("type")) for reference in references}
    if not kinds.isdisjoint({"retweeted", "reposted"}) or (kinds and post["text"].startswith("RT @")):
        return True
    answered = post.get("in_reply_to_user_id")
    return answered != author if answered else "replied_to" in kinds


def _item(post: Mapping[str, Any], native_id: str, name: str) -> Item:
    text, links = _words(post)
    at = _said_at(post, native_id)
    return Item(text=text, native_id=native_id, at=at, url=f"https://x.com/{name}/status/{post['id']}", links=links)


def _said_at(post: Mapping[str, Any], first: str) -> datetime | None:
    """When it was first said. An edit has a date of its own; by that, a word put right would reopen what is over."""
    at, begun = parse_iso(post.get("created_at")), moment(first)
    edited = at is not None and begun is not None and first != post["id"] and at - EDITABLE <= begun <= at
    return begun if edited else at


def _words(post: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """A post's whole text with its addresses spelt out, and those of them that lead away from X."""
    note = post.get("note_tweet") or post.get("note_post")
    long = note if isinstance(note, dict) and isinstance(note.get("text"), str) else {}
    entities = [*_urls(post), *_urls(long)]
    spelt = {str(entity.get("url")): _spelt(entity, _history(post)) for entity in entities}
    # X escapes & < > in the texts, but not in the addresses that are put in
    text = _SHORT.sub(lambda short: spelt.get(short[0], short[0]), html.unescape(long.get("text") or post["text"]))
    addresses = (entity.get(name) for entity in entities for name in ("expanded_url", "unwound_url"))
    away = (address for address in addresses if isinstance(address, str) and _leads_away(address))
    return tidy(text), tuple(dict.fromkeys(away))


def _spelt(entity: Mapping[str, Any], history: Sequence[str]) -> str:
    """What stands for a t.co address: the address behind it; nothing for the post's own pictures and for itself."""
    behind = str(entity.get("expanded_url") or entity.get("url"))
    own = behind.rpartition("/status/")[2] in history and not _leads_away(behind)
    picture = entity.get("media_key") or str(entity.get("display_url")).startswith(("pic.twitter.com/", "pic.x.com/"))
    return "" if own or picture else behind


def _leads_away(address: str) -> bool:
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return False
    return bool(host) and ".".join(host.split(".")[-2:]) not in ("x.com", "twitter.com", "t.co")


def _urls(holder: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    entities = holder.get("entities")
    return objects(entities.get("urls") if isinstance(entities, dict) else None)


def _history(post: Mapping[str, Any]) -> list[str]:
    """The ids of a post's versions, its own among them."""
    ids = post.get("edit_history_tweet_ids") or post.get("edit_history_post_ids")
    return (
        [post["id"], *(one for one in ids if one and isinstance(one, str))] if isinstance(ids, list) else [post["id"]]
    )


def _username(document: Any, user_id: str) -> str:
    """The account's handle, where the answer gives it."""
    includes = document.get("includes")
    users = objects(includes.get("users") if isinstance(includes, dict) else None)
    return next((str(user.get("username") or "") for user in users if user.get("id") == user_id), "")


def _handle(source: Source) -> str:
    return "" if source.account.isdigit() else source.account.strip().removeprefix("@")
