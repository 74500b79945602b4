"""bot.collectors.x.posts: golden pairs of real answers, and each rule of what a post says."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.collectors.x.posts import statements
from bot.errors import Unreadable
from bot.model import Capture, Item, Source
from tests.collectors.x.fake import post

HERE = Path(__file__).parent
AT = datetime(2026, 1, 22, 19, 40, tzinfo=UTC)
ACCOUNT = "265134900959913"
SOURCE = Source("microsoft-365/x", "microsoft-365", "x", "x", account="MSFT365Status")


def capture(document: object, account: str = ACCOUNT) -> Capture:
    url = f"https://api.x.com/2/users/{account}/tweets"
    return Capture(AT, SOURCE.id, url, 200, body=orjson.dumps(document))


def read(*posts: dict[str, Any], **members: Any) -> tuple[Item, ...]:
    return statements(SOURCE, capture({"data": list(posts), "meta": {"result_count": len(posts)}, **members}))


@pytest.mark.parametrize(("name", "account"), [("edited", "337119125"), ("plain", "783214"), ("outage", ACCOUNT)])
def test_golden(name: str, account: str) -> None:
    answer = json.loads((HERE / f"{name}.json").read_text())
    items = [asdict(item) for item in statements(SOURCE, capture(answer, account))]
    shown = [{key: value for key, value in item.items() if value} for item in items]
    assert orjson.loads(orjson.dumps(shown)) == json.loads((HERE / f"{name}.items.json").read_text())


def test_oldest_first_whatever_the_length_of_the_ids() -> None:
    assert [item.native_id for item in read(post(100), post(20), post(3))] == ["3", "20", "100"]


def test_nothing_new_is_readable() -> None:
    assert statements(SOURCE, capture({"meta": {"result_count": 0}})) == ()
    assert statements(SOURCE, capture({"data": [], "meta": {"result_count": 0}})) == ()


def test_posts_beside_errors_are_read() -> None:
    """docs: response-codes-and-errors, "Partial errors"."""
    error = {
        "resource_id": "456",
        "title": "Not Found Error",
        "type": "https://api.x.com/2/problems/resource-not-found",
    }
    assert [item.native_id for item in read(post(123), errors=[error])] == ["123"]


def url(short: str, long: str | None, **members: Any) -> dict[str, Any]:
    return {"start": 0, "end": 1, "url": short, "expanded_url": long, **members}


def words(text: str, *urls: dict[str, Any], **members: Any) -> Item:
    (item,) = read(post(7, text=text, entities={"urls": list(urls)}, **members))
    return item


def test_short_addresses_are_spelt_out_and_those_that_lead_away_are_links() -> None:
    item = words(
        "Down: https://t.co/ab https://t.co/abc https://t.co/zzz",
        url("https://t.co/ab", "https://stspg.io/14946fbbn6n7", unwound_url="https://www.githubstatus.com/incidents/14946fbbn6n7"),
        url("https://t.co/abc", "https://x.com/github/status/1"),
    )  # fmt: skip
    assert item.text == "Down: https://stspg.io/14946fbbn6n7 https://x.com/github/status/1 https://t.co/zzz"
    assert item.links == ("https://stspg.io/14946fbbn6n7", "https://www.githubstatus.com/incidents/14946fbbn6n7")


@pytest.mark.parametrize(
    "entity",
    [
        url("https://t.co/p", "https://x.com/a/status/7/photo/1", media_key="3_1"),
        url("https://t.co/p", "https://twitter.com/a/status/7/photo/1", display_url="pic.twitter.com/p"),
        url("https://t.co/p", "https://x.com/a/status/7/photo/1", display_url="pic.x.com/p"),
        url("https://t.co/p", "https://twitter.com/i/web/status/7"),
    ],
)
def test_the_post_s_own_pictures_and_its_own_address_are_left_out(entity: dict[str, Any]) -> None:
    item = words("See the map https://t.co/p", entity)
    assert (item.text, item.links) == ("See the map", ())


def test_an_address_without_what_is_behind_it_stays() -> None:
    assert words("a https://t.co/p", url("https://t.co/p", None)).text == "a https://t.co/p"


def test_another_s_address_that_ends_alike_stays() -> None:
    item = words("a https://t.co/p", url("https://t.co/p", "https://acme.example/status/7"))
    assert (item.text, item.links) == ("a https://acme.example/status/7", ("https://acme.example/status/7",))


def test_a_hostile_address_does_no_harm() -> None:
    item = words("a https://t.co/p", url("https://t.co/p", "http://[::1"))
    assert (item.text, item.links) == ("a http://[::1", ())


def test_what_x_escapes_is_resolved_once_and_not_in_addresses() -> None:
    item = words("A &lt;b&gt; &amp;amp; C https://t.co/p", url("https://t.co/p", "https://a.example/?x=1&copy=2"))
    assert item.text == "A <b> &amp; C https://a.example/?x=1&copy=2"


@pytest.mark.parametrize("name", ["note_tweet", "note_post"])
def test_a_long_post_is_whole(name: str) -> None:
    note = {
        "text": "The whole &amp; long text https://t.co/n",
        "entities": {"urls": [url("https://t.co/n", "https://a.example/")]},
    }
    (item,) = read(post(7, text="The whole… https://t.co/self") | {name: note})
    assert (item.text, item.links) == ("The whole & long text https://a.example/", ("https://a.example/",))


@pytest.mark.parametrize("name", ["edit_history_tweet_ids", "edit_history_post_ids"])
def test_an_edit_is_known_by_its_first_version(name: str) -> None:
    edited = {key: value for key, value in post(12).items() if not key.startswith("edit_history")}
    (item,) = read({**edited, name: ["9", "10", "12"]})
    assert (item.native_id, item.url) == ("9", "https://x.com/MSFT365Status/status/12")


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("1576994746135764992", "2022-10-03T17:57:01+00:00"),  # the time in the id
        ("1576994789110992896", "2022-10-03T17:57:11+00:00"),  # no edit at all
        ("1570000000000000000", "2022-10-03T17:57:11+00:00"),  # two weeks before: that cannot be
        ("9", "2022-10-03T17:57:11+00:00"),
        ("99999999999999999999", "2022-10-03T17:57:11+00:00"),
    ],
)
def test_an_edited_post_keeps_the_time_of_its_first_version(first: str, said: str) -> None:
    number = "1576994789110992896"
    (item,) = read({**post(int(number)), "created_at": "2022-10-03T17:57:11.000Z", "edit_history_tweet_ids": [first]})
    assert item.at is not None
    assert item.at.isoformat() == said


def test_of_two_versions_the_newer_counts_in_its_own_place() -> None:
    versions = ["10", "12"]
    items = read(
        post(12, text="new", edit_history_tweet_ids=versions), post(11), post(10, edit_history_tweet_ids=versions)
    )
    assert [(item.native_id, item.text) for item in items] == [("11", "Post 11"), ("10", "new")]


@pytest.mark.parametrize("name", ["referenced_tweets", "referenced_posts"])
@pytest.mark.parametrize(
    ("members", "kept"),
    [
        ({"kind": "quoted"}, True),
        ({"kind": "retweeted"}, False),
        ({"kind": "reposted"}, False),
        ({"kind": "quoted", "text": "RT @github: We are down"}, False),
        ({"kind": "replied_to"}, False),
        ({"kind": "replied_to", "in_reply_to_user_id": "1"}, False),
        ({"kind": "replied_to", "in_reply_to_user_id": ACCOUNT}, True),
        ({"in_reply_to_user_id": "1"}, False),
        ({"author_id": "1"}, False),
        ({"text": "RT @github is a good account"}, True),
    ],
)
def test_only_the_account_s_own_words(name: str, members: dict[str, str], kept: bool) -> None:
    kind = members.get("kind")
    rest = {key: value for key, value in members.items() if key != "kind"}
    references = {name: [{"type": kind, "id": "1"}]} if kind else {}
    assert bool(read(post(7, **rest) | references)) is kept


def test_the_link_names_the_account_as_far_as_it_is_known() -> None:
    users = {"users": [{"id": "1", "username": "stranger"}, {"id": ACCOUNT, "username": "M365Status"}]}
    assert read(post(7), includes=users)[0].url == "https://x.com/M365Status/status/7"
    assert read(post(7))[0].url == "https://x.com/MSFT365Status/status/7"
    numbered = Source(SOURCE.id, "microsoft-365", "x", "x", account=ACCOUNT)
    (item,) = statements(numbered, capture({"data": [post(7)], "meta": {}}))
    assert item.url == "https://x.com/i/status/7"


@pytest.mark.parametrize("at", [None, "", "yesterday", "0001-01-01T00:00:00.000Z", 5])
def test_a_date_that_cannot_be_believed_is_none(at: object) -> None:
    assert read(post(7) | {"created_at": at})[0].at is None


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"data": {"id": "1", "username": "a"}}, "`data` of an unexpected type"),
        ({"data": [{"text": "a"}]}, "no `id` in the answer"),
        ({"data": [{"id": 1, "text": "a"}]}, "`id` of an unexpected type"),
        ({"data": [{"id": "", "text": "a"}]}, "an empty `id` in the answer"),
        ({"data": ["a"]}, "no `text` in the answer"),
        ({"meta": {"result_count": 3}}, "no `data` in the answer"),
        ({"meta": {}}, "no `meta.result_count` in the answer"),
        ("text", "no `meta.result_count` in the answer"),
    ],
)
def test_an_answer_of_another_shape_is_unreadable(document: object, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        statements(SOURCE, capture(document))
    assert (caught.value.reason, caught.value.ours) == (reason, False)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = (
    *("author_id", "created_at", "edit_history_tweet_ids", "edit_history_post_ids", "in_reply_to_user_id"),
    *("note_tweet", "note_post", "referenced_tweets", "referenced_posts"),
)
URL = st.fixed_dictionaries({"url": JUNK, "expanded_url": JUNK})
MEMBERS = st.fixed_dictionaries(
    {"id": st.just("7") | JUNK, "text": st.just("https://t.co/p") | JUNK},
    optional={"entities": JUNK | st.fixed_dictionaries({"urls": st.lists(URL)})} | dict.fromkeys(NAMES, JUNK),
)


@given(
    JUNK | st.fixed_dictionaries({"data": st.lists(MEMBERS, max_size=2)}, optional={"includes": JUNK, "errors": JUNK})
)
def test_no_answer_does_harm(document: object) -> None:
    try:
        items = statements(SOURCE, capture(document))
    except Unreadable:
        return
    assert all(item.native_id for item in items)
