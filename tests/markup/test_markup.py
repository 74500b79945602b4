"""What each platform's escaping does to foreign words, and how each writes a time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.markup import DISCORD, PLAIN, SLACK, TEAMS, Markup, clean, discord_ago, utc

AT = datetime(2026, 1, 22, 19, 37, 12, tzinfo=UTC)
ELSEWHERE = AT.astimezone(timezone(timedelta(hours=-7)))
ALL = pytest.mark.parametrize("markup", [SLACK, DISCORD, TEAMS, PLAIN])


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        (SLACK, "<!date^1769110632^{date_short_pretty} {time}|2026-01-22 19:37 UTC>"),
        (DISCORD, "<t:1769110632:f>"),
        (TEAMS, "{{DATE(2026-01-22T19:37:12Z, SHORT)}} {{TIME(2026-01-22T19:37:12Z)}}"),
        (PLAIN, "2026-01-22 19:37 UTC"),
    ],
)
def test_a_time_is_written_in_the_platforms_own_way_from_any_zone(markup: Markup, shown: str) -> None:
    assert markup.time(AT) == markup.time(ELSEWHERE) == shown


def test_discord_counts_the_time_gone_by() -> None:
    assert discord_ago(ELSEWHERE) == "<t:1769110632:R>"


def test_microseconds_never_reach_teams() -> None:
    assert TEAMS.time(AT.replace(microsecond=123456)) == TEAMS.time(AT)


@ALL
def test_a_line_joins_escaped_words_and_times(markup: Markup) -> None:
    assert markup.line(("since <b>", AT, " & on")) == markup.text("since <b>") + markup.time(AT) + markup.text(" & on")


@ALL
def test_ordinary_words_stay_as_they_are(markup: Markup) -> None:
    words = "Users can't sign in, 5% of requests fail: https://status.example.com/x-1?a=b (more soon)."
    assert markup.text(words) == words


def test_slack_escapes_its_three_signs_only() -> None:
    assert SLACK.text("a < b & *c* <!here>") == "a &lt; b &amp; *c* &lt;!here&gt;"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("*a* _b_ ~~c~~ `d` ||e||", r"\*a\* \_b\_ \~\~c\~\~ \`d\` \|\|e\|\|"),
        ("# a\n> b\n- c\n  + d\n1. e\n-# f", "\\# a\n\\> b\n\\- c\n  \\+ d\n1\\. e\n\\-# f"),
        ("-5 degrees, 3.5 h, a > b", "-5 degrees, 3.5 h, a > b"),
        ("<@1> <#2> <@&3> <t:1:R>", "\\<@\u200b1> \\<#2> \\<@\u200b&3> \\<t:1:R>"),
        ("@everyone", "@\u200beveryone"),
        ("[here](https://evil.example/a_b)", r"\[here\](https://evil.example/a_b)"),
        ("https://medium.example/@everyone/a_b", "https://medium.example/%40everyone/a_b"),
        ("\\*", "\\\\\\*"),
    ],
)
def test_discord_shows_markdown_instead_of_obeying_it(words: str, shown: str) -> None:
    assert DISCORD.text(words) == shown


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("*a* _b_ [c](d) <at>e</at> &lt;", r"\*a\* \_b\_ \[c\](d) \<at>e\</at> \&lt;"),
        ("a\nb", "a\n\nb"),
        ("# a\n1) b", "\\# a\n\n1\\) b"),
        ("{{DATE(2020-01-01T00:00:00Z)}} {{{x", "{\u200b{DATE(2020-01-01T00:00:00Z)}} {\u200b{\u200b{x"),
    ],
)
def test_teams_shows_markdown_and_date_functions_instead_of_obeying_them(words: str, shown: str) -> None:
    assert TEAMS.text(words) == shown


@ALL
def test_what_steers_a_terminal_or_turns_the_direction_is_dropped(markup: Markup) -> None:
    assert markup.text("a\x1b[31m\x9bb\u202ec\ud800d") == markup.text("a[31mbcd")


def test_line_breaks_and_right_to_left_words_stay() -> None:
    assert clean("שלום\n\tעולם") == "שלום\n\tעולם"


def test_utc_is_named() -> None:
    assert utc(ELSEWHERE) == "2026-01-22 19:37 UTC"


@given(st.text())
def test_nothing_foreign_opens_a_slack_mention(words: str) -> None:
    shown = SLACK.text(words)
    assert "<" not in shown
    assert ">" not in shown
    assert shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == clean(words)


@given(st.text(alphabet="*_~`|[]<>@\\#-1. \nab:/{}") | st.text())
def test_every_sign_of_markdown_is_escaped_for_discord(words: str) -> None:
    for line in DISCORD.text(words).split("\n"):
        bare = re.sub(r"\\[^0-9A-Za-z\s]", "", re.sub(r"https?://\S+", "", line))
        assert not re.search(r"[*_~`|\[\]<]|@(?!\u200b)", bare)


@given(st.text(alphabet="*_[]<&{}\\#-1. \nab"))
def test_no_foreign_word_calls_a_function_of_teams(words: str) -> None:
    shown = TEAMS.text(words)
    assert "{{" not in shown
    assert not re.search(r"[*_\[<&]", re.sub(r"\\[^0-9A-Za-z\s]", "", shown))
