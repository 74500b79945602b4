"""Whatever stands in a document, a collector reads Items in it or says that it is unreadable: it never breaks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.collectors.google_cloud import GoogleCloud
from bot.collectors.m365_public import M365Public
from bot.collectors.msgraph import ISSUES, TOKEN, MsGraph
from bot.collectors.slack import Slack
from bot.errors import Unreadable
from bot.ports import Collector
from tests.collectors.pairs import FOLDER, capture, source, tools

LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
JUNK = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
CASES: list[tuple[Collector, str, str]] = [
    (Slack(tools()), "slack/current.json", "https://slack-status.com/api/v2.0.0/current"),
    (Slack(tools()), "slack/history.json", "https://slack-status.com/api/v2.0.0/history"),
    (GoogleCloud(tools()), "google_cloud/incidents.json", "https://status.cloud.google.com/incidents.json"),
    (M365Public(tools()), "m365_public/consumer.json", "https://status.cloud.microsoft/api/posts/m365Consumer"),
    (MsGraph(tools()), "msgraph/health-overviews.json", f"https://graph.microsoft.com{ISSUES}"),
]


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of each node of a document."""
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, inner in members for place in places(inner, (*path, key)))]


def put(node: Any, path: tuple[Any, ...], junk: Any) -> Any:
    """The document with `junk` at that path."""
    if not path:
        return junk
    copy = node.copy()
    copy[path[0]] = put(node[path[0]], path[1:], junk)
    return copy


def reads(collector: Collector, document: Any, url: str, status: int = 200) -> None:
    try:
        found = collector.parse(source("any"), capture(json.dumps(document), url, status))
    except Unreadable:
        return
    assert all(item.native_id or item.thread for item in found)
    assert all(item.at is None or item.at.tzinfo is not None for item in found)


@pytest.mark.parametrize(("collector", "name", "url"), CASES, ids=[name for _, name, _ in CASES])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_one_strange_member_breaks_nothing(collector: Collector, name: str, url: str, data: st.DataObject) -> None:
    document = json.loads((FOLDER / name).read_text())
    place = data.draw(st.sampled_from(places(document)))
    reads(collector, put(document, place, data.draw(JUNK)), url)


@settings(max_examples=40, deadline=None)
@given(document=JUNK | st.fixed_dictionaries({"error": JUNK, "error_codes": JUNK}), status=st.sampled_from([200, 401]))
def test_a_strange_login_server_breaks_nothing(document: Any, status: int) -> None:
    reads(MsGraph(tools()), document, f"https://login.microsoftonline.com{TOKEN}", status)
