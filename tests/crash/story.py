"""What the providers say while the program dies: incidents with their updates, each with a word of its own."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.collectors.x.fake import FakeX, post
from tests.support.statuspage import Json, StatusPage, stamp

SHOWN = 50  #: incidents on a Statuspage at the most
OPEN = 3  #: incidents at once
UPDATES = 5  #: of one incident, before it ends
PACE = 1.2  #: seconds from one act to the next, on average
AHEAD = 4  #: acts at the most while nobody asks the page
SUBJECTS = ("Sign-in", "Mail delivery", "Calendars", "File sharing", "Search", "Meetings", "Chat", "Printing")
NEXT = {"investigating": "identified", "identified": "monitoring", "monitoring": "monitoring"}


@dataclass
class Thread:
    """One incident: the words of its updates in the order of telling, and the newest of an edit, if that came last."""

    words: list[str] = field(default_factory=list)
    edited: str = ""
    incident: Json | None = None  #: as it stands on the page; None while only X has told it
    from_x: bool = False  #: X told it first, so the order of telling may be the other one

    @property
    def newest(self) -> str:
        """The word that the standing message ends with."""
        return self.edited or self.words[-1]


@dataclass
class Story:
    """The acts are drawn from `dice`; `threads` is what everybody is owed."""

    page: StatusPage
    x: FakeX
    dice: random.Random
    threads: list[Thread] = field(default_factory=list)
    _words: Iterator[str] = field(default_factory=lambda: (f"zq{number:05}w" for number in range(100_000)))

    async def tell(self) -> None:
        """One act after the other, until cancelled; never far ahead of who reads, or the page would forget unread."""
        acts, polls = 0, self.page.polls
        while True:
            if self.page.polls > polls:
                acts, polls = 0, self.page.polls
            if acts < AHEAD:
                self.act()
                acts += 1
            await asyncio.sleep(self.dice.expovariate(1 / PACE))

    def act(self) -> None:
        """Something is said."""
        begun = self._open()
        if begun and begun[-1].incident is None:
            self._adopt(begun[-1])
        elif not begun or (len(begun) < OPEN and self.dice.random() < 0.3):
            self._begin(alone=not begun)
        else:
            self._go_on(self.dice.choice(begun))
        del self.page.incidents[SHOWN:]

    def end(self) -> None:
        """Nothing stays half told."""
        for thread in self._open():
            if thread.incident is None:
                self._adopt(thread)

    def _open(self) -> list[Thread]:
        return [one for one in self.threads if one.incident is None or one.incident["status"] != "resolved"]

    def _begin(self, *, alone: bool) -> None:
        """On the page; or first on X, where no other open incident could be meant."""
        thread = Thread([next(self._words)], from_x=alone and self.dice.random() < 0.4)
        self.threads.append(thread)
        if not thread.from_x:
            thread.incident = self.page.begin(*self._opening(thread.words[0]))
            return
        link = f"https://stspg.io/inc{next(self.page.ids)}"  # as the page will name it
        text = f"We're investigating an issue with {self.dice.choice(SUBJECTS)} ({thread.words[0]})"
        urls = [{"url": "https://t.co/a1", "expanded_url": link, "start": 0, "end": 0}]
        number = 1_000 + len(self.x.posts)
        self.x.posts.append(post(number, stamp(), text=f"{text} https://t.co/a1", entities={"urls": urls}, link=link))

    def _adopt(self, thread: Thread) -> None:
        """The page tells what X told."""
        thread.words.append(next(self._words))
        thread.incident = self.page.begin(*self._opening(thread.words[-1]))
        thread.incident["shortlink"] = self.x.posts[-1]["link"]

    def _go_on(self, thread: Thread) -> None:
        """An update, the end, or a correction of the newest words."""
        assert thread.incident is not None
        status, dice = thread.incident["status"], self.dice.random()
        if dice < 0.12 and not thread.edited:
            thread.edited = next(self._words)
            thread.incident["incident_updates"][0]["body"] += f" Corrected: {thread.edited}."
            thread.incident["incident_updates"][0]["updated_at"] = thread.incident["updated_at"] = stamp()
            return
        over = len(thread.words) >= UPDATES or dice > 0.85
        thread.words.append(next(self._words))
        thread.edited = ""
        text = f"Engineers report: {thread.words[-1]}."
        self.page.add(thread.incident, "resolved" if over else NEXT[status], text)

    def _opening(self, word: str) -> tuple[str, str]:
        subject = self.dice.choice(SUBJECTS)
        return f"{subject} fails", f"Users see errors in {subject}: {word}."
