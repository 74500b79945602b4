"""The door for what Slack sends by HTTP: a wrong signature, an old timestamp or a repetition is 401, and a count.

What was let in is remembered as long as its signature would be believed, so that nobody who has seen a request can make
it happen again; by each process for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from bot.ports import Clock

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncApp

FORM, JSON = "application/x-www-form-urlencoded", "application/json"  #: all that Slack ever sends
BELIEVED = (
    600.0  #: seconds during which one signature can be valid: its stamp may differ from our clock by 300 both ways
)
SUGGESTION = "block_suggestion"  #: changes nothing, and is the same twice where somebody types the same in one second
STAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"


class Door:
    """Hands to Bolt what Slack has signed within the last five minutes, once. refused: how many others there were."""

    def __init__(self, app: AsyncApp, secret: str, clock: Clock) -> None:
        from slack_sdk.signature import SignatureVerifier  # noqa: PLC0415  # only where the app runs

        self._app = app
        self._clock = clock
        self._verifier = SignatureVerifier(secret, _Seconds(clock))  # type: ignore[arg-type]  # all it asks is now()
        self._taken: dict[str, float] = {}  #: signatures that were let in, oldest first, and when
        self.refused = 0

    async def enter(self, request: web.Request) -> web.StreamResponse:
        """One request to PATH."""
        from slack_bolt.adapter.aiohttp import to_aiohttp_response  # noqa: PLC0415  # as above
        from slack_bolt.request.async_request import AsyncBoltRequest  # noqa: PLC0415

        body = await request.read()
        if not self._signed(request, body):
            return self._refuse()
        if request.content_type not in (FORM, JSON):
            return web.Response(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        try:
            headers: dict[str, str | Sequence[str]] = {name: request.headers[name] for name in request.headers}
            made = AsyncBoltRequest(body=body.decode(), query=request.query_string, headers=headers)
        except (ValueError, TypeError, AttributeError, KeyError):  # signed, and not in any words that Bolt knows
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        if self._again(request.headers[SIGNATURE]) and made.body.get("type") != SUGGESTION:
            return self._refuse()
        return await to_aiohttp_response(await self._app.async_dispatch(made))

    def _refuse(self) -> web.Response:
        self.refused += 1
        return web.Response(status=HTTPStatus.UNAUTHORIZED)

    def _again(self, signature: str) -> bool:
        """Whether it was let in before; from now on it was."""
        now = self._clock.now().timestamp()
        while self._taken and now - next(iter(self._taken.values())) > BELIEVED:
            del self._taken[next(iter(self._taken))]
        known = signature in self._taken
        self._taken.setdefault(signature, now)
        return known

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
