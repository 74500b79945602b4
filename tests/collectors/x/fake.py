"""X API v2 on loopback: it knows the parameters and fields of one version of X's OpenAPI document and no others."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
from aiohttp import web

HERE = Path(__file__).parent
SPECS = json.loads((HERE / "openapi.json").read_text())
TOKEN = "AAAAAAAAAAAAAAAAAAAAA-very-secret"
NAMES = {  # 2.164 -> 2.167
    "note_tweet": "note_post",
    "edit_history_tweet_ids": "edit_history_post_ids",
    "referenced_tweets": "referenced_posts",
}
DEFAULT = ("id", "text", "edit_history_tweet_ids")  # docs: x-api/fundamentals/edit-posts
RELATIONS = ("author_id", "in_reply_to_user_id", "referenced_tweets")

PROTECTED = "https://api.x.com/2/problems/not-authorized-for-resource"

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def problem(status: int, **members: Any) -> web.Response:
    return web.json_response({"type": "about:blank", "status": status, **members}, status=status)


def denied(**members: str) -> web.Response:
    """An answer of nothing but one problem."""
    return web.json_response({"errors": [members]})


def not_found(name: str) -> web.Response:
    """X answers 200 for an account that is not there."""
    error = {
        "value": name,
        "detail": f"Could not find user with username: [{name}].",
        "title": "Not Found Error",
        "resource_type": "user",
        "parameter": "username",
        "resource_id": name,
        "type": "https://api.twitter.com/2/problems/resource-not-found",
    }
    return denied(**error)


def invalid(parameter: str) -> web.Response:
    """The problem `invalid-request` as both OpenAPI documents have it."""
    error = {"parameters": {parameter: ["?"]}, "message": f"The query parameter [{parameter}] is not valid"}
    members = {
        "errors": [error],
        "title": "Invalid Request",
        "type": "https://api.twitter.com/2/problems/invalid-request",
    }
    return web.json_response(members, status=400)


def post(number: int, at: str = "2026-01-22T18:00:00.000Z", **members: Any) -> dict[str, Any]:
    """A post in the names of 2.164."""
    one = {"id": str(number), "author_id": "265134900959913", "created_at": at, "text": f"Post {number}"}
    return {**one, "edit_history_tweet_ids": [str(number)], **members}


@dataclass
class FakeX:
    """`asked` is what came, as (path, parameters); `first` is answered before anything else, in order."""

    version: str = "2.164"
    users: dict[str, str] = field(default_factory=lambda: {"msft365status": "265134900959913"})
    posts: list[dict[str, Any]] = field(default_factory=list)
    first: list[Answer | web.Response | None] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, dict(request.query)))
        answer = self.first.pop(0) if self.first else None
        if isinstance(answer, web.Response):
            return answer
        if answer is not None:
            return await answer(request)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return problem(401, title="Unauthorized", detail="Unauthorized")
        if request.path.startswith("/2/users/by/username/"):
            return self._user(request.path.rpartition("/")[2])
        return self._timeline(request)

    @property
    def polls(self) -> list[dict[str, str]]:
        """The parameters of the requests for posts."""
        return [query for path, query in self.asked if path.endswith("/tweets")]

    def _user(self, name: str) -> web.Response:
        user_id = self.users.get(name.lower())
        if user_id is None:
            return not_found(name)
        user = {"id": user_id, "username": name, "name": name}
        jsonschema.validate(user, SPECS[self.version]["user"])
        return web.json_response({"data": user})

    def _timeline(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        for name, value in query.items():
            if not self._allowed(name, value):
                return invalid(name)
        author = request.path.split("/")[3]
        chosen = [one for one in self.posts if one["author_id"] == author and self._wanted(one, query)]
        chosen.sort(key=lambda one: int(one["id"]), reverse=True)
        start, size = int(query.get("pagination_token", "0")), int(query.get("max_results", "10"))
        page = chosen[start : start + size]
        answer = self._answer(page, query, start + size if len(chosen) > start + size else None)
        jsonschema.validate(answer, SPECS[self.version]["answer"])
        return web.json_response(answer, headers=self.headers)

    def _allowed(self, name: str, value: str) -> bool:
        schema = SPECS[self.version]["parameters"].get(name)
        if schema is None:
            return False
        kinds: dict[str, Callable[[], Any]] = {"array": lambda: value.split(","), "integer": lambda: int(value)}
        read = kinds.get(schema["type"], lambda: value)()
        return bool(jsonschema.Draft202012Validator(schema).is_valid(read))

    def _wanted(self, one: Mapping[str, Any], query: Mapping[str, str]) -> bool:
        kinds = {reference["type"] for reference in one.get("referenced_tweets", ())}
        if kinds & {"retweeted" if "retweets" in query["exclude"] else "", "replied_to"}:
            return False
        if int(one["id"]) <= int(query.get("since_id", "0")):
            return False
        start = query.get("start_time")
        return start is None or datetime.fromisoformat(one["created_at"]) >= datetime.fromisoformat(start)

    def _answer(self, page: list[dict[str, Any]], query: Mapping[str, str], following: int | None) -> dict[str, Any]:
        if not page:
            return {"meta": {"result_count": 0}}
        meta = {"result_count": len(page), "newest_id": page[0]["id"], "oldest_id": page[-1]["id"]}
        answer: dict[str, Any] = {"data": [self._shown(one, query) for one in page], "meta": meta}
        if following is not None:
            meta["next_token"] = str(following)
        if "edit_history_post_ids" in query.get("expansions", ""):
            answer["includes"] = {"posts": answer["data"]}
        return answer

    def _shown(self, one: Mapping[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
        """A post with the fields asked for, in this version's names."""
        if self.version == "2.164":
            return {name: value for name, value in one.items() if name in {*DEFAULT, *query["tweet.fields"].split(",")}}
        named = {NAMES.get(name, name): value for name, value in one.items() if name not in RELATIONS}
        return {name: value for name, value in named.items() if self._asked_for(name, query)}

    def _asked_for(self, name: str, query: Mapping[str, str]) -> bool:
        return name in {"id", "text", "edit_history_post_ids", *query["post.fields"].split(",")}


def epoch(at: datetime) -> str:
    return str(int(at.astimezone(UTC).timestamp()))
