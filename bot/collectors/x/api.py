"""The two requests made to X: tweepy for routes and parameters, ours for address, token, limits and outcome."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson

from bot.collectors.x.posts import OWN
from bot.http import FAILURES, LIMIT, TooLarge, clean, digest, failure
from bot.model import Capture, Source
from bot.ports import Tools

KEPT = ("content-type", "location", "retry-after", "x-rate-limit-remaining", "x-rate-limit-reset")
TWEET_FIELDS = (
    "author_id,conversation_id,created_at,edit_history_tweet_ids,entities,in_reply_to_user_id,lang,"
    "note_tweet,referenced_tweets"
)
#: In X's OpenAPI document 2.167 relations are no fields: the history of edits is asked for by expansion, and of
#: replies and reposts there is only `exclude`.
POST_PARAMS = {
    "post.fields": "conversation_id,created_at,entities,lang,note_post",
    "expansions": "edit_history_post_ids",
}
_TOKEN = re.compile(r"[\x21-\x7e]+")
_USERINFO = re.compile(r"//[^/@]*@")


class Api:
    """Asks X on behalf of one source; each outcome is a Capture, and nothing but CancelledError is raised."""

    def __init__(self, tools: Tools, source: Source, patience: float) -> None:
        """patience: the seconds within which an answer must be complete."""
        self._tools = tools
        self._source = source
        self._patience = patience
        self._base = (tools.env.get("X_API_URL") or "https://api.x.com").rstrip("/")
        self._token = tools.env.get("X_BEARER_TOKEN", "").strip()

    async def user(self, handle: str) -> Capture:
        """The account of a handle."""
        capture: Capture = await self._client().get_user(username=quote(handle, safe=""))
        return capture

    async def posts(self, user_id: str, vocabulary: str, window: Mapping[str, Any]) -> Capture:
        """A page of an account's posts, asked for in the vocabulary `tweet` (all that tweepy speaks) or `post`."""
        client = self._client()
        if vocabulary == "post":
            params = {**window, **POST_PARAMS}
            capture: Capture = await client.request("GET", f"/2/users/{user_id}/tweets", params=params)
        else:
            capture = await client.get_users_tweets(user_id, **window, tweet_fields=TWEET_FIELDS)
        return capture

    def unable(self) -> Capture | None:
        """The failure of a token that cannot be one; None where it may be."""
        return None if _TOKEN.fullmatch(self._token) else self.own(401, "X_BEARER_TOKEN is not set, or is no token")

    def own(self, status: int, title: str) -> Capture:
        """A failure that this program states itself, without asking."""
        body = orjson.dumps({"title": title, "type": OWN})
        return Capture(self._tools.clock.now(), self._source.id, self._shown("/2/users"), status, body=body)

    def _client(self) -> Any:
        """tweepy's client with our `request`: its own logs the token and raises aiohttp's errors on an HTML answer."""
        from tweepy.asynchronous import AsyncClient  # noqa: PLC0415 - costs 0.5 s, and a replay does without

        client = AsyncClient(return_type=aiohttp.ClientResponse)  # that is: hand on what `request` returns
        client.request = self._request
        return client

    async def _request(self, method: str, route: str, params: Mapping[str, Any], **_: object) -> Capture:
        """In place of tweepy's `request`, with its parameters; no answer makes it ask again."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._exchange(method, route, params)
        except FAILURES as error:
            return Capture(self._tools.clock.now(), self._source.id, self._shown(route), error=failure(error))

    async def _exchange(self, method: str, route: str, params: Mapping[str, Any]) -> Capture:
        url, headers = self._base + route, {"Authorization": f"Bearer {self._token}"}
        session = self._tools.session()
        async with session.request(method, url, params=params, headers=headers, allow_redirects=False) as answer:
            body = await _bounded(answer)
        return Capture(
            at=self._tools.clock.now(),
            source=self._source.id,
            url=self._shown(route),
            status=answer.status,
            headers={name: clean(answer.headers[name]) for name in KEPT if name in answer.headers},
            body=body,
            digest=digest(body),
        )

    def _shown(self, route: str) -> str:
        """The address as it may be recorded."""
        return _USERINFO.sub("//", self._base + route)


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    while chunk := await answer.content.readany():
        body += chunk
        if len(body) > LIMIT:
            raise TooLarge
    return bytes(body)
