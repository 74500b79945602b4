"""Providers and subscriptions of a recording's header."""

from __future__ import annotations

import pytest

from bot.config import providers_from, subscriptions_from
from bot.errors import UsageError
from bot.model import Impact, Mode

HEADER = {
    "recording": "statusbot/1",
    "title": "…",
    "providers": [
        {
            "id": "acme",
            "name": "Acme",
            "since": "a key of a later version",
            "sources": [
                {"name": "page", "kind": "statuspage", "url": "http://127.0.0.1"},
                {"name": "graph", "kind": "msgraph", "url": "https://graph.microsoft.com/v1.0/x"},
            ],
        }
    ],
    "subscriptions": [{"to": "teams:ops", "mode": "thread", "min_impact": "major"}],
}


def test_a_recordings_header_is_read_and_its_addresses_are_not_trusted() -> None:
    (acme,) = providers_from(HEADER)
    page, graph = acme.sources
    assert (page.id, page.kind, page.trusted, page.private) == ("acme/page", "statuspage", False, False)
    assert (graph.private, graph.trusted) == (True, False)
    (found,) = subscriptions_from(HEADER)
    assert (str(found.to), found.mode, found.min_impact) == ("teams:ops", Mode.POST, Impact.MAJOR)
    assert not providers_from({})
    assert not subscriptions_from({})


def test_a_recordings_bad_header_is_a_plain_refusal() -> None:
    with pytest.raises(UsageError, match="the recording's header, providers: write each one"):
        providers_from({"providers": "acme"})
    with pytest.raises(UsageError, match="the recording's header, subscriptions 1, to: is missing"):
        subscriptions_from({"subscriptions": [{}]})
