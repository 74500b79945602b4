"""The door for what Slack sends by HTTP: a wrong signature or an old timestamp is 401, and leaves a count behind."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from bot.ports import Clock

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncApp

STAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"


class Door:
    """Hands to Bolt what Slack has signed within the last five minutes. refused: how many others there were."""

    def __init__(self, app: AsyncApp, secret: str, clock: Clock) -> None:
        from slack_sdk.signature import SignatureVerifier  # noqa: PLC0415  # only where the app runs

        self._app = app
        self._verifier = SignatureVerifier(secret, _Seconds(clock))  # type: ignore[arg-type]  # all it asks is now()
        self.refused = 0

    async def enter(self, request: web.Request) -> web.StreamResponse:
        """One request to PATH."""
        from slack_bolt.adapter.aiohttp import to_aiohttp_response  # noqa: PLC0415  # as above
        from slack_bolt.request.async_request import AsyncBoltRequest  # noqa: PLC0415

        body = await request.read()
        if not self._signed(request, body):
            self.refused += 1
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        try:
            headers: dict[str, str | Sequence[str]] = {name: request.headers[name] for name in request.headers}
            made = AsyncBoltRequest(body=body.decode(), query=request.query_string, headers=headers)
        except (ValueError, TypeError, AttributeError, KeyError):  # signed, and not in any words that Bolt knows
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        return await to_aiohttp_response(await self._app.async_dispatch(made))

    def _signed(self, request: web.Request, body: bytes) -> bool:
        """Whether Slack has signed it, just now. What the verifier cannot even read was not (FACTS.md, Slack)."""
        try:
            return self._verifier.is_valid(body, request.headers.get(STAMP), request.headers.get(SIGNATURE))
        except (ValueError, TypeError, OverflowError):
            return False


class _Seconds:
    """Our clock as slack-sdk's verifier asks it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()
