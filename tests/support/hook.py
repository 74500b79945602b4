"""An operator's own receiver on loopback: it checks the signature by Standard Webhooks 1.0.0, and keeps what came."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

PATH = "/hook/0123456789"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Hook:
    """`bodies` as they came, oldest first, each with the `webhook-id` that it came under in `keys`."""

    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        key, at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        mac = hmac.new(base64.b64decode(SECRET[6:]), f"{key}.{at}.".encode() + await request.read(), hashlib.sha256)
        wanted = f"v1,{base64.b64encode(mac.digest()).decode()}"
        if request.path != PATH or request.headers.get("webhook-signature") != wanted:
            return web.Response(status=401)
        self.bodies.append(await request.json())
        self.keys.append(key)
        return web.Response(status=204)
