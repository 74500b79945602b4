"""subscribe, unsubscribe, subscriptions."""

from __future__ import annotations

import pytest

from tests.cli.place import SECRET, Place, refused


def test_subscriptions_come_and_go(here: Place) -> None:
    here.write("statusbot.toml", '[[subscription]]\nto = "console"\nmin_impact = "major"\n')
    made = here.say("subscribe", "console", "microsoft-365", "--component", "Outlook", "--min-impact", "minor")
    assert (made.code, made.err) == (0, "")
    assert made.out.startswith("console <- microsoft-365 (post; from minor impact; components Exchange Online)")
    both = sorted(here.say("subscriptions").out.splitlines())
    assert [line.rpartition("[")[2] for line in both] == ["statusbot.toml]", "command]"]
    assert here.say("unsubscribe", "console").out.startswith("removed: console <- microsoft-365")
    assert "no such subscription" in refused(here.say("unsubscribe", "console"))
    assert len(here.say("subscriptions").out.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("slack:C1", "microsoft-365"), "SLACK_BOT_TOKEN"),
        (("teams:ops", "microsoft-365"), "TEAMS_WEBHOOK_OPS"),
        (("console", "acme"), '"acme", which is not watched; add it to `watch`'),
        (("pager:1", "microsoft-365"), '"pager" is no kind of destination'),
        ((SECRET, "microsoft-365"), "is no kind of destination"),
        (("console", "microsoft-365", "--min-impact", "bad"), '--min-impact: "bad" is no impact'),
        (("console", "microsoft-365", "--mode", "loud"), '--mode: "loud" is no mode'),
        (("console", "microsoft-365", "--mode", ""), '--mode: "" is no mode'),
        (("console", "microsoft-365", "--component", " "), "--component: is empty; write a name"),
        (("console", "microsoft-365", "--region", ""), "--region: is empty; write a name"),
        (("console",), "PROVIDER"),
    ],
)
def test_a_subscription_that_cannot_be_is_refused(here: Place, words: tuple[str, ...], names: str) -> None:
    line = refused(here.say("subscribe", *words))
    assert names in line
    assert "very-secret" not in line
