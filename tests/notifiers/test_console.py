"""The console's notifier: cards of 80 columns, in colour on a terminal only."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from typing import Any, cast
from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import Permanent, SendError, Temporary
from bot.markup.columns import width, wrap
from bot.model import Act, Delivery, Destination, Impact, Notice, Receipt, Status
from bot.notifiers.console import Console, write
from bot.ports import Tools
from tests.support.notices import DOWN, HOSTILE, INCIDENT, at, hostile, notice, notices, update

TOOLS = cast("Tools", None)
HERE = Destination("console")
DELIVERY = Delivery(1, "key-1", HERE, "i1", "u1", Act.POST)


def rendered(told: Notice) -> str:
    return Console(TOOLS, zone=UTC).render(told).text


def check(text: str) -> None:
    """80 columns, and nothing that steers a terminal; a link alone is never broken."""
    for line in text.split("\n"):
        assert width(line) <= 80 or line.startswith("   https://")
        assert not {category(sign) for sign in line} & {"Cc", "Cs"}
        assert line == line.rstrip()


def test_a_card() -> None:
    text = rendered(notice(act=Act.POST, sightings=(DOWN,)))
    check(text)
    assert text == (
        "── 🟠 Microsoft 365: Users can't sign in [MO1221364] ───────────────────────────\n"
        "   Investigating · major impact · since 22 Jan 2026 19:37 UTC\n"
        "   Exchange Online, Microsoft Teams\n"
        "   │ We're investigating a potential issue impacting multiple Microsoft 365\n"
        "   │ services, including Outlook and Microsoft Defender.\n"
        "   │ More details under MO1221364 in the admin center, if accessible:\n"
        "   │ https://status.cloud.microsoft/.\n"
        "   X · 19:37\n"
        "   ⚠ The status page has given no readable answer since 19:42 (429 Too Many\n"
        "     Requests)\n"
        "   https://x.com/i/status/0"
    )


def test_a_catch_up_tells_each_update_with_its_state_and_day() -> None:
    title = "A title that goes on and on until it must be continued on the line below, where it ends"
    told = (update(0, "First."), update(300, "Second.", status=Status.IDENTIFIED))
    incident = replace(INCIDENT, title=title, impact=Impact.CRITICAL)
    text = rendered(notice(*told, act=Act.POST, incident=incident, catch_up=True, late=timedelta(minutes=44)))
    check(text)
    assert text == (
        "── 🔴 Microsoft 365: A title that goes on and on until it must be continued ────\n"
        "      on the line below, where it ends [MO1221364]\n"
        "   Investigating · critical impact · since 22 Jan 2026 19:37 UTC\n"
        "   Exchange Online, Microsoft Teams\n"
        "   │ First.\n"
        "   Investigating · X · 19:37\n"
        "   │ Second.\n"
        "   Identified · X · 23 Jan 00:37\n"
        "   Catch-up: 2 updates · Told 44 min late\n"
        "   https://status.cloud.microsoft/"
    )


def test_what_is_over_says_how_long_it_was() -> None:
    incident = replace(INCIDENT, status=Status.RESOLVED, resolved_at=at(900))
    lines = rendered(notice(update(900, status=Status.RESOLVED), act=Act.POST, incident=incident)).split("\n")
    assert lines[0].startswith("── ✅ Microsoft 365")
    assert lines[1:3] == ["   Resolved · major impact", "   since 22 Jan 2026 19:37 UTC until 23 Jan 10:37 (15 h)"]


def test_times_are_in_the_zone_of_the_machine() -> None:
    text = Console(TOOLS, zone=timezone(timedelta(hours=-5), "EST")).render(notice(act=Act.POST)).text
    assert "since 22 Jan 2026 14:37 EST" in text
    assert "X · 14:37" in text


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_text_made_to_break_it_keeps_to_80_columns(words: str, count: int) -> None:
    check(rendered(hostile(words, Act.POST, count)))


@settings(deadline=None, max_examples=50)
@given(notices)
def test_any_text_keeps_to_80_columns(told: Notice) -> None:
    check(rendered(told))


@given(st.text(), st.integers(2, 30))
def test_wrapping_loses_no_word(text: str, columns: int) -> None:
    lines = wrap(text, columns)
    assert all(width(line) <= columns for line in lines)
    assert "".join("".join(lines).split()) == "".join("".join(wrap(text, 10_000)).split())


def test_wide_and_combining_signs_are_counted_as_a_terminal_shows_them() -> None:
    assert [width(text) for text in ("ab", "日本", "🔥", "e\u0301")] == [2, 4, 2, 1]


async def test_it_is_printed_plainly_where_nobody_is_looking(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(TOOLS, zone=UTC)
    message = console.render(notice(act=Act.POST))
    assert await console.send(HERE, message, DELIVERY) == Receipt("printed")
    assert capsys.readouterr().out == message.text + "\n\n"


class Screen(io.StringIO):
    """A terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_colour_and_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = Screen()
    message = Console(TOOLS, zone=UTC).render(notice(update(0, "[red]:fire:[/red] " + "word " * 40), act=Act.POST))
    write(screen, cast("Any", message.body["lines"]))
    shown = screen.getvalue()
    assert "\x1b[" in shown
    for line in message.text.split("\n"):
        assert line in shown


def test_an_encoding_that_lacks_a_sign_gets_a_question_mark() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    write(stream, [("── ✅ all well", "")])
    assert raw.getvalue() == b"?? ? all well\n\n"


@pytest.mark.parametrize(("error", "outcome"), [(BrokenPipeError(), Permanent), (OSError(28, "full"), Temporary)])
async def test_an_output_that_takes_nothing_is_an_outcome(
    monkeypatch: pytest.MonkeyPatch, error: OSError, outcome: type[SendError]
) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise error

    console = Console(TOOLS)
    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(outcome, match="standard output"):
        await console.send(HERE, console.render(notice()), DELIVERY)


def test_rendering_does_not_import_rich() -> None:
    code = (
        "import sys; from bot.notifiers.console import Console; from tests.support.notices import notice\n"
        "Console(None).render(notice()); sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
