"""A Teams workflow on loopback: it takes every card that is posted to its secret address, and keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

PATH = "/workflows/0123456789abcdef/triggers/manual/paths/invoke"
SECRET = "sig=very-secret-signature"


@dataclass
class Flow:
    """`cards` as they came, oldest first, each with the `Idempotency-Key` that it came under in `keys`."""

    cards: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.path != PATH or SECRET not in request.query_string:
            return web.Response(status=404)
        (attachment,) = (await request.json())["attachments"]
        self.cards.append(attachment["content"])
        self.keys.append(request.headers.get("Idempotency-Key", ""))
        return web.Response(status=202)
