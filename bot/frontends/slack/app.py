"""The app: Bolt takes what Slack sends, by socket or by HTTP; it is acknowledged at once and answered later.

Slack waits 3 s for an acknowledgement, so none waits for the database or for Slack itself; the answer goes to the
request's response_url.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.answer.reply import Reply, Verb
from bot.errors import StatusbotError
from bot.frontends.slack import dialog, replies
from bot.frontends.slack.answers import ELSEWHERE, UNSURE, Answers
from bot.frontends.slack.door import Door
from bot.frontends.slack.manifest import COMMAND, PATH
from bot.frontends.slack.request import Asked, asked, word, words
from bot.frontends.slack.rights import Rights
from bot.frontends.slack.socket import Pace, Socket, quiet
from bot.frontends.slack.workspace import Refused, Workspace
from bot.markup.blocks import ACTION
from bot.ports import Tools

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncAck, AsyncApp
    from slack_bolt.authorization import AuthorizeResult

    from bot.answer.desk import Desk

log = logging.getLogger("statusbot.slack")

Body = Mapping[str, Any]
Work = Callable[[], Awaitable[Reply | None]]

ABREAST = 200  #: answers under way at once
PATIENCE = 60.0  #: seconds for one answer

BUSY = "Too much is being asked at once; try again in a minute."
SLOW = "No answer in time: the database is slow. It may still be done; ask again to see."
BROKEN = "That failed on our side; the log of statusbot tells whoever runs it why."


class SlackApp:
    """Slack's front end.

    may_subscribe: ids of the users and user groups who may change what channels are told; none: anybody in them.
    pace: of the socket. patience: seconds for one answer, after which its slowness is said.
    abreast: answers under way at once.
    """

    def __init__(
        self,
        desk: Desk,
        tools: Tools,
        may_subscribe: Sequence[str] = (),
        *,
        pace: Pace | None = None,
        patience: float = PATIENCE,
        abreast: int = ABREAST,
    ) -> None:
        self._workspace = Workspace(tools)
        self._answers = Answers(desk, self._workspace, Rights(may_subscribe, self._workspace))
        self._patience = patience
        self._abreast = abreast
        self._working: set[asyncio.Task[None]] = set()
        bolt = self._bolt()
        token, secret = tools.env.get("SLACK_APP_TOKEN", ""), tools.env.get("SLACK_SIGNING_SECRET", "")
        self._socket = Socket(bolt, self._workspace, token, pace or Pace()) if token else None
        self._door = Door(bolt, secret, tools.clock) if secret else None

    @property
    def refused(self) -> int:
        """Requests that Slack has not signed just now, or that came again, since the start."""
        return self._door.refused if self._door else 0

    @property
    def connected(self) -> bool | None:
        """Whether the socket stands; None where there is none to hold."""
        return self._socket.connected if self._socket else None

    def routes(self) -> Sequence[web.RouteDef]:
        """What the HTTP server must hand over: nothing without SLACK_SIGNING_SECRET."""
        return [web.post(PATH, self._door.enter)] if self._door else []

    async def run(self) -> None:
        """Hold the socket, where there is one to hold, until cancelled."""
        if self._socket is None:
            await asyncio.Event().wait()
        else:
            await self._socket.hold()

    async def close(self) -> None:
        """End the answers that are under way."""
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)

    def _bolt(self) -> AsyncApp:
        """Bolt with our listeners; whatever it would take from the process's environment is given."""
        from slack_bolt.async_app import AsyncApp  # noqa: PLC0415  # 0.25 s, only where the app runs

        bolt = AsyncApp(
            logger=quiet,
            name=quiet.name,  # Bolt takes it for a logger's name, and gives that its own level
            signing_secret="",
            client=self._workspace.client(),
            authorize=_authorised,
            request_verification_enabled=False,  # the door has done it; Bolt would log the whole request
            ssl_check_enabled=False,  # it would answer what nobody has signed
            ignoring_self_events_enabled=False,
            attaching_function_token_enabled=False,
        )
        bolt.command(COMMAND)(self._command)
        bolt.action(re.compile(""))(self._action)
        bolt.options(re.compile(""))(self._options)
        bolt.view(dialog.CALLBACK)(self._submission)
        bolt.event("app_home_opened")(self._home)
        return bolt

    async def _command(self, ack: AsyncAck, body: Body) -> None:
        """`/statusbot …`"""
        who, text = asked(body), words(word(body, "text"))
        if len(self._working) >= self._abreast:
            await ack(BUSY)
        else:
            await ack()
            self._begin(who, lambda: self._answers.command(who, text))

    async def _action(self, ack: AsyncAck, body: Body) -> None:
        """A button under a message, or the dialog's choice of providers; anything else is only acknowledged."""
        await ack()
        who = asked(body)
        action: object = next(iter(body.get("actions") or ()), None)
        name, value = word(action, "action_id"), word(action, "value")
        verb = name.removeprefix(ACTION).partition(":")[0]
        if name == dialog.PROVIDERS:
            self._begin(who, lambda: self._answers.rechoose(body.get("view") or {}))
        elif name.startswith(ACTION) and verb in list(Verb) and who.channel:
            self._begin(who, lambda: self._answers.press(who, Verb(verb), value))

    async def _submission(self, ack: AsyncAck, body: Body) -> None:
        """The dialog, filled in."""
        view = body.get("view")
        wish, notes, seen = dialog.wish_of(view), dialog.Notes.read(word(view, "private_metadata")), asked(body)
        if not wish.providers:
            await ack(response_action="errors", errors={"providers": "Choose one at least."})
        else:
            await ack()
            who = Asked(seen.user, notes.channel, notes.name, seen.teams, notes.answers)
            self._begin(who, lambda: self._answers.submit(who, wish))

    async def _options(self, ack: AsyncAck, body: Body) -> None:
        """What is suggested while somebody types in the dialog: known by heart, so it is the acknowledgement itself."""
        typed, action = word(body, "value"), word(body, "action_id")
        choices = await self._answers.suggest(asked(body), action, body.get("view"), typed)
        await ack(options=dialog.suggestions(choices))

    async def _home(self, body: Body) -> None:
        """Somebody looks at the Home tab (Bolt acknowledges events by itself)."""
        who = asked(body)
        if word(body, "event", "tab") == "home":
            self._begin(who, lambda: self._answers.home(who))

    def _begin(self, who: Asked, work: Work) -> None:
        """Start what takes longer than an acknowledgement may."""
        if len(self._working) >= self._abreast:
            log.warning("Slack asks more than can be answered at once")
            return
        task = asyncio.create_task(self._answered(who, work))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _answered(self, who: Asked, work: Work) -> None:
        """Do the work, and say what came of it; whatever goes wrong is said as well."""
        reply = await self._outcome(who, work)
        if reply is not None and not await self._workspace.answer(who, replies.message(reply)):
            log.debug("an answer could not be given in Slack")

    async def _outcome(self, who: Asked, work: Work) -> Reply | None:
        try:
            async with asyncio.timeout(self._patience):
                return await work() if await self._answers.ours(who) else _said(ELSEWHERE)
        except TimeoutError:
            return _said(SLOW)
        except Refused:
            return _said(UNSURE)
        except StatusbotError as error:
            log.error("a question in Slack has no answer: %s", error)
        except Exception:
            log.exception("answering Slack failed in our own code")
        return _said(BROKEN)


def _said(words: str) -> Reply:
    """A sentence of the front end's own."""
    return Reply((words,), done=False)


async def _authorised(team_id: str | None = None) -> AuthorizeResult:
    """For Bolt: no call to Slack before the acknowledgement. Whose request it is, `Answers.ours` looks at."""
    from slack_bolt.authorization import AuthorizeResult  # noqa: PLC0415  # as above

    return AuthorizeResult(enterprise_id=None, team_id=team_id, bot_token="none")  # noqa: S106  # Bolt sends nothing
