from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.collectors.feed import Feed
from bot.errors import Unreadable
from bot.model import Item, Parts, Status
from tests.collectors.pairs import as_json, capture, document, expected, fetched, online, source, tools
from tests.support.server import serve

COLLECTOR = Feed(tools())
SOURCE = source("feed", "https://status.example.com/feed")
HEAD = "<channel><title>Acme</title><link>https://status.example.com/</link>"


def parsed(body: bytes | str) -> list[Item]:
    return list(COLLECTOR.parse(SOURCE, capture(body)))


def rss(*items: str) -> str:
    return f'<rss version="2.0">{HEAD}{"".join(f"<item>{item}</item>" for item in items)}</channel></rss>'


def history(*updates: str, date: str = "Thu, 22 Jan 2026 20:00:00 GMT") -> list[Item]:
    """The items of one entry that holds these updates, each `Jan 22, 19:00 UTC|Resolved|words`, newest first."""
    parts = [update.split("|") for update in updates]
    html = "".join(f"<p><small>{when}</small><br><strong>{word}</strong> - {text}</p>" for when, word, text in parts)
    return parsed(
        rss(f"<guid>e1</guid><title>T</title><pubDate>{date}</pubDate><description>{escape(html)}</description>")
    )


@pytest.mark.parametrize("name", ["github.atom", "parse.rss", "aws.rss", "azure.rss", "xai.rss", "jsonfeed.json"])
def test_reads_what_stands_in_the_golden_files(name: str) -> None:
    found = COLLECTOR.parse(SOURCE, document(f"feed/{name}"))
    assert [as_json(item) for item in found] == expected(f"feed/{name}")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<!DOCTYPE html><html><body>Bad gateway</body></html>", "HTML where a feed should be"),
        ("<!-- cdn --><html><body>Bad gateway</body></html>", "HTML where a feed should be"),
        ("<error>no</error>", "not a feed"),
        ("service unavailable", "not a feed"),
        ('{"error": "Service Unavailable"}', "JSON that is no feed"),
        ('{"version": "1.1", "items": []}', "JSON that is no feed"),
        ("[]", "JSON that is no feed"),
        ('{"version": "https://jsonfeed.org/version/1.1"}', "no `items` in the answer"),
        ('{"version": "https://jsonfeed.org/version/1.1", "items": [1]}', "`items` of an unexpected type"),
        ('{"version": "https://jsonfeed', "broken JSON"),
        (f'<rss version="2.0">{HEAD}<it', "broken XML"),
        ("", "an empty answer"),
        (" \n", "an empty answer"),
    ],
)
def test_what_is_no_feed_is_unreadable(body: str, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parsed(body)
    assert caught.value.reason == reason


@pytest.mark.parametrize("status", [302, 404, 429, 503])
def test_a_failed_answer_is_unreadable_whatever_its_body(status: int) -> None:
    with pytest.raises(Unreadable):
        COLLECTOR.parse(SOURCE, capture(rss(), status=status))


@pytest.mark.parametrize(
    "body",
    [
        rss(),
        "\n  " + rss(),
        '<?xml version="1.0" encoding="bogus"?>' + rss(),
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>Acme</title></feed>',
        '{"version": "https://jsonfeed.org/version/1", "title": "Acme", "items": []}',
    ],
)
def test_an_empty_feed_is_no_error(body: str) -> None:
    assert parsed(body) == []
    assert parsed("\ufeff" + body.lstrip()) == []


def test_a_feed_served_as_html_is_still_a_feed() -> None:
    answer = replace(capture(rss()), headers={"content-type": "text/html; charset=utf-8"})
    assert COLLECTOR.parse(SOURCE, answer) == []


def test_a_body_that_names_a_file_is_not_opened(tmp_path: Path) -> None:
    file = tmp_path / "feed.xml"
    file.write_text(rss("<title>stolen</title>"))
    with pytest.raises(Unreadable, match="not a feed"):
        parsed(str(file))


def test_an_entry_without_id_is_known_by_its_link_or_else_by_its_title_and_date() -> None:
    date = "<pubDate>Thu, 22 Jan 2026 19:00:00 GMT</pubDate>"
    own, front, bare = (
        parsed(rss(f"<title>A</title>{link}{date}"))[0]
        for link in ("<link>https://status.example.com/i/1</link>", "<link>https://status.example.com</link>", "")
    )
    assert own.thread == "https://status.example.com/i/1"
    assert own.links == (own.thread,)
    assert front.links == ()
    assert front.thread == bare.thread
    assert bare.thread
    assert bare.thread != parsed(rss(f"<title>B</title>{date}"))[0].thread


def test_entries_of_one_thread_come_oldest_first_however_the_feed_orders_them() -> None:
    old, new = (
        f"<guid>i1</guid><title>{name}</title><pubDate>Thu, 22 Jan 2026 {hour}:00:00 GMT</pubDate>"
        for name, hour in (("old", 18), ("new", 19))
    )
    assert [item.text for item in parsed(rss(old, new))] == ["old", "new"]
    assert [item.text for item in parsed(rss(new, old))] == ["old", "new"]


@pytest.mark.parametrize("link", ["javascript:alert(1)", "http://[::1", "i/1", "//[x"])
def test_a_link_that_is_no_address_is_left_out(link: str) -> None:
    assert [(item.url, item.links) for item in parsed(rss(f"<guid>1</guid><title>A</title><link>{link}</link>"))] == [
        ("", ())
    ]


@pytest.mark.parametrize(
    ("title", "text", "status"),
    [
        ("[Resolved] Search is slow", "x", Status.RESOLVED),
        ("RESOLVED: Search is slow", "x", Status.RESOLVED),
        ("Search is slow", "In progress - we work", Status.IN_PROGRESS),
        ("Search is slow", "Status: Monitoring", Status.MONITORING),
        ("Resolved an old question", "x", None),
        ("Monitoring service is slow", "x", None),
        ("Search: resolved", "This is resolved.", None),
        ("Update - Search is slow", "x", None),
    ],
)
def test_a_status_is_taken_only_from_a_plain_word_at_the_beginning(
    title: str, text: str, status: Status | None
) -> None:
    assert parsed(rss(f"<guid>1</guid><title>{title}</title><description>{text}</description>"))[0].status is status


@pytest.mark.parametrize("date", ["", "<pubDate>Thu, 22 Jan 2026 19:00:00 QQQ</pubDate>", "<pubDate>soon</pubDate>"])
def test_an_unbelievable_date_is_no_date(date: str) -> None:
    assert parsed(rss(f"<guid>1</guid><title>A</title>{date}"))[0].at is None


def test_the_newer_of_an_entrys_dates_counts() -> None:
    dates = "<published>2026-01-22T18:00:00Z</published><updated>2026-01-22T19:00:00Z</updated>"
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><title>A</title>{dates}</entry></feed>'
    assert parsed(feed)[0].at == datetime(2026, 1, 22, 19, tzinfo=UTC)
    junk = feed.replace("2026-01-22T19:00:00Z", "0001-01-01T00:00:00Z")
    assert parsed(junk)[0].at == datetime(2026, 1, 22, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("when", "at"),
    [
        ("Jan 22, 19:00 UTC", datetime(2026, 1, 22, 19, tzinfo=UTC)),
        (
            "Jan <var data-var='date'>22</var>, <var data-var='time'>11:00</var> PST",
            datetime(2026, 1, 22, 19, tzinfo=UTC),
        ),
        ("Jan 22, 20:30 UTC", datetime(2026, 1, 22, 20, 30, tzinfo=UTC)),  # a little after the entry's own date
        ("Dec 31, 23:00 UTC", datetime(2025, 12, 31, 23, tzinfo=UTC)),
        ("Jan 24, 19:00 UTC", datetime(2025, 1, 24, 19, tzinfo=UTC)),
        ("Feb 29, 19:00 UTC", datetime(2024, 2, 29, 19, tzinfo=UTC)),
        ("May 13, 2017, 06:45 UTC", datetime(2017, 5, 13, 6, 45, tzinfo=UTC)),
        ("Jan 22, 19:00:30 GMT+0", datetime(2026, 1, 22, 19, 0, 30, tzinfo=UTC)),
        ("Jan 22, 16:00 -03", datetime(2026, 1, 22, 19, tzinfo=UTC)),
        ("Jan 22, 19:00 QQQ", None),
        ("Feb 30, 19:00 UTC", None),
        ("a while ago", None),
    ],
)
def test_the_time_of_an_update(when: str, at: datetime | None) -> None:
    assert [item.at for item in history(f"{when}|Resolved|x")] == [at]


def test_an_update_of_the_new_year_in_a_zone_that_is_ahead() -> None:
    found = history("Jan 1, 08:30 JST|Resolved|x", date="Wed, 31 Dec 2025 23:31:00 GMT")
    assert [item.at for item in found] == [datetime(2025, 12, 31, 23, 30, tzinfo=UTC)]


def test_a_historys_updates_keep_their_order_within_a_minute_and_without_dates() -> None:
    for when in ("Jan 22, 19:00 UTC", "at some time"):
        found = history(f"{when}|Resolved|c", f"{when}|Update|b", f"{when}|Investigating|a")
        assert [(item.text, item.status) for item in found] == [
            ("a", Status.INVESTIGATING),
            ("b", None),
            ("c", Status.RESOLVED),
        ]
        assert {item.thread for item in found} == {"e1"}


def test_an_entry_without_a_word_states_nothing() -> None:
    assert parsed(rss("<guid>1</guid>", "<guid>2</guid><title>A</title>"))[0].thread == "2"


def test_the_updates_of_a_maintenance() -> None:
    found = history("Jan 22, 19:00 UTC|Update|b", "Jan 22, 18:00 UTC|Scheduled|a")
    assert [(item.status, item.maintenance) for item in found] == [(Status.SCHEDULED, True), (None, True)]


def test_small_print_of_another_kind_is_no_history() -> None:
    assert [
        item.text for item in parsed(rss("<title>A</title><description>&lt;small&gt;x&lt;/small&gt;</description>"))
    ] == ["x"]


N = 3_000
UPDATE = "<p><small>Jan 1, 09:09 PST</small><br><strong>Resolved</strong> - x</p>"
BOMBS = {
    "entities": '<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9))
    + "]>"
    + rss("<description>&j;</description>"),
    "one long entity": f'<!DOCTYPE l [<!ENTITY a "{"a" * N}">]>' + rss(f"<description>{'&a;' * N}</description>"),
    "a file": '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + rss("<title>&a;</title>"),
    "depth": rss("<b>" * N + "</b>" * N),
    "open items": f'<rss version="2.0">{HEAD}' + "<item>" * N,
    "json": '{"version": "https://jsonfeed.org/version/1", "items": ' + "[" * N,
    **{
        f"html {start}": rss(f"<description>{escape(start * 10 * N)}</description>")
        for start in ("<a", "<p ", "<script>", "<!--", "<br ", "<li ", "<p><small>", " \n", "&")
    },
    "updates": rss(f"<description>{escape(UPDATE * N)}</description>"),
}


@pytest.mark.timeout(10)
@pytest.mark.parametrize("name", BOMBS)
def test_no_bomb_goes_off(name: str) -> None:
    try:
        found = parsed(BOMBS[name])
    except Unreadable:
        return
    assert sum(len(item.text) for item in found) <= len(BOMBS[name])


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_are_a_crash(body: bytes) -> None:
    for whole in (body, rss("<title>T</title>").encode().replace(b"T", body)):
        try:
            found = parsed(whole)
        except Unreadable:
            continue
        assert all(item.thread for item in found)


@given(st.recursive(st.none() | st.text(max_size=9) | st.integers(), lambda inner: st.lists(inner, max_size=2)))
def test_no_member_of_a_json_feed_is_a_crash(value: object) -> None:
    for name in ("id", "url", "content_html", "date_modified", "tags"):
        item = {"title": "T", name: value}
        feed = {"version": "https://jsonfeed.org/version/1", "home_page_url": value, "items": [item]}
        assert len(parsed(json.dumps(feed))) == 1


async def test_one_document_is_one_poll() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=rss("<guid>1</guid><title>A</title>"), content_type="application/rss+xml")

    async with serve(answer) as server, online() as real:
        collector, asked = Feed(real), source("feed", f"{server.url}/feed")
        pages = await fetched(collector, asked)
        assert [item.thread for page in pages for item in collector.parse(asked, page)] == ["1"]
    assert [page.partial for page in pages] == [False]


def test_no_text_is_lost_that_comes_in_thousands_of_pieces() -> None:
    words = "a &amp;lt; b &lt;br&gt;\n" * 4000  # longer than the buffer, and cut by expat at each entity and line
    [item] = parsed(
        f"<rss version='2.0'><channel><item><guid>1</guid><description>{words}</description></item></channel></rss>"
    )
    assert item.text == "\n".join(["a < b"] * 4000)


ATOM = b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>%s</feed>'


def entry(number: int, words: str = "Slow mail") -> bytes:
    text = f"<entry><id>e{number}</id><title>{words}</title><updated>2026-01-22T19:{number:02}:00Z</updated></entry>"
    return text.encode()


def divided(body: bytes) -> Parts | None:
    return COLLECTOR.divide(replace(capture(""), body=body))


def test_a_feed_falls_into_its_entries_and_what_stands_around_them() -> None:
    parts = divided(ATOM % (entry(1) + b"\n  " + entry(2)))
    assert parts is not None
    assert parts.entries == (entry(1), entry(2))
    assert parts.head + parts.tail == ATOM % b""


@pytest.mark.parametrize(
    "body",
    [
        ATOM % b"",
        ATOM % (entry(1) + entry(1, "Other words")),  # several entries of one incident
        ATOM % (entry(1) + b"<link/>" + entry(2)),
        ATOM % (entry(1) + b"<!-- <entry> -->"),
        ATOM % b"<entry><id>e1</id><content><![CDATA[</entry>]]></content></entry>",
        ATOM % b"<entry><title>no id</title></entry>",
        (ATOM % entry(1)).decode().encode("utf-16"),
        b'{"version": "https://jsonfeed.org/version/1.1", "items": []}',
        b"",
    ],
)
def test_a_feed_that_cannot_be_divided_beyond_doubt_is_left_whole(body: bytes) -> None:
    assert divided(body) is None
