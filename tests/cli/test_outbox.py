"""deliveries and deliveries retry."""

from __future__ import annotations

import json

import orjson

from tests.cli.place import Place, refused


def test_deliveries_are_listed_and_what_failed_is_sent_again(here: Place) -> None:
    """The destination's address answers nothing: the port is closed, so that the delivery stays pending."""
    recording = here.folder / "one.jsonl"
    provider = {"id": "acme", "sources": [{"name": "f", "kind": "feed", "url": "https://a.example"}]}
    item = {"id": "1", "title": "Trouble", "content_text": "Down.", "date_published": "2026-01-22T19:37:00Z"}
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Acme", "items": [item]}
    capture = {"at": "2026-01-22T19:37:12Z", "source": "acme/f", "url": "https://a.example", "status": 200}
    header = {"recording": "statusbot/1", "title": "t", "providers": [provider]}
    header["subscriptions"] = [{"to": "webhook:gone"}]
    lines = [header, {**capture, "headers": {"content-type": "application/json"}, "body": json.dumps(feed)}]
    recording.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    env = {"STATUSBOT_DATABASE": "sqlite:///own.db"}
    said = here.say("replay", "one.jsonl", "--database", "sqlite:///own.db", env=env)
    assert said.code == 1
    (owed,) = json.loads(here.say("deliveries", "--json", env=env).out)["deliveries"]
    assert owed["state"] == "held", "its address is not set: the destination is set aside"
    assert "WEBHOOK_GONE" in here.say("deliveries", "--failed", env=env).out
    again = here.say("deliveries", "retry", str(owed["id"]), env=env)
    assert (again.code, again.err) == (0, "")
    (owed,) = json.loads(here.say("deliveries", "--json", env=env).out)["deliveries"]
    assert owed["state"] == "pending"
    assert here.say("deliveries", "--failed", env=env).out == "nothing failed\n"


def test_a_delivery_that_did_not_fail_is_not_sent_again(here: Place) -> None:
    assert "see `statusbot deliveries --failed`" in refused(here.say("deliveries", "retry", "7"))
