"""A server that fails in every way and repeats all that it was told, and the secrets that nobody else may repeat."""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from aiohttp import web

from tests.support.faults import drop

SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-1111-2222-S3cretSlackBot",
    "SLACK_APP_TOKEN": "xapp-1-A1-S3cretSlackApp",
    "SLACK_SIGNING_SECRET": "8f742231b10e8888abcdS3cretSigning",
    "DISCORD_BOT_TOKEN": "MTk4NjIy.Cl2FMQ.S3cretDiscord/Bot+",
    "X_BEARER_TOKEN": "AAAAAAAA%2FS3cretX%3D",
    "MSGRAPH_CLIENT_SECRET": "abc8Q~S3cretGraph/+&client",
    "WEBHOOK_SECRET_OWN": "whsec_UzNjcmV0V2ViaG9va1NpZ25pbmc=",
}
PATHS = {  # the telling ends of the secret addresses
    "TEAMS_WEBHOOK_OPS": "/workflows/0123/S3cretTeamsFlow?api-version=1&sig=S3cretTeams%2FSignature-0123",
    "SLACK_WEBHOOK_OPS": "/services/T0/B0/S3cretSlackWebhook0123",
    "DISCORD_WEBHOOK_OPS": "/api/webhooks/42/S3cretDiscordWebhook-0123",
    "WEBHOOK_OWN": "/hook/S3cretOwnHook-0123456",
    "APPRISE_URL_OPS": "/notify/S3cretApprise-0123456",
}
PROXY = "S3cret/Proxy"  #: the password of the user bot
DATABASE = "S3cret@Database"
TURNS = 8  #: kinds of failure


@dataclass
class Rogue:
    """Each kind of failure in turn, for each first part of a path by itself; `asked` counts by it."""

    asked: Counter[str] = field(default_factory=Counter)
    heard: str = ""

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        name = request.path.split("/")[1]
        turn = self.asked[name] % TURNS
        self.asked[name] += 1
        said = f"{request.method} {request.url} {request.raw_path} {dict(request.headers)} {await request.text()}"
        self.heard += said
        return drop(request) if turn == TURNS - 1 else answer(turn, said, f"http://elsewhere.invalid{request.raw_path}")


def answer(turn: int, said: str, elsewhere: str) -> web.Response:
    """One of the failures that have words."""
    words = {"ok": False, "error": said, "error_description": said, "message": said, "title": said, "code": 0}
    made = (
        web.Response(status=503, text=said),
        web.Response(text=f'{{"ok": false, "error": {json.dumps(said)}', content_type="application/json"),
        web.json_response([said]),
        web.Response(status=307, headers={"Location": elsewhere}),
        web.json_response(words, status=429),
        web.json_response(words, status=401),
        web.json_response(words, status=404),
    )
    return made[turn]


def forms(secret: str) -> set[str]:
    """A secret as it may be written."""
    return {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}


def leaks(text: str) -> list[str]:
    """What of the secrets stands in a text, also in the form in which a proxy is told."""
    ends = [part for path in PATHS.values() for part in (path, path.rpartition("/")[2], path.rpartition("=")[2])]
    known = {form for secret in (*SECRETS.values(), PROXY, DATABASE, *ends) for form in forms(secret)}
    known |= {"S3cret", *(base64.b64encode(f"bot:{one}".encode()).decode() for one in (PROXY, DATABASE))}
    return sorted(form for form in known if form in text)
