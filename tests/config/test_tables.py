"""What each mistake in a table is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.written import PAGE, SECRET, SOURCE, refusal

SUBSCRIPTION = '[[subscription]]\nto = "console"\n'


@pytest.mark.parametrize(
    ("toml", "names", "mend"),
    [
        ('databse = "x"', 'unknown setting "databse"', 'did you mean "database"?'),
        ("zzz = 1", 'unknown setting "zzz"', "known: database, watch"),
        ("[web]\nprivate = true", 'unknown setting "web"', "known: "),
        ('"a\\nb" = 1', "unknown setting", "known: "),
        ('watch = "github"', "watch:", "write a list of texts"),
        ("watch = [1]", "watch:", "write a list of texts"),
        ('watch = [""]', "watch:", "write a list of texts"),
        ('database = ""', "database: is empty", ""),
        ("database = 5", "database:", "a text in quotes"),
        ("keep = 400", "keep:", "a text in quotes"),
        ('keep = "400"', 'keep: "400" is no duration', "such as 24h"),
        ('keep = "1.5h"', 'keep: "1.5h" is no duration', "such as 24h"),
        ('keep = "-1d"', 'keep: "-1d" is no duration', "such as 24h"),
        ('keep = "999999999d"', "keep:", "36500d at the most"),
        ('operator = "slack"', "operator: slack: needs a name", "write slack:<name>"),
        ('operator = "slack:C1"', "slack:C1 needs SLACK_BOT_TOKEN", "in the environment or in .env"),
        ("provider = 1", "provider:", "[[provider]]"),
        ("[provider]\nid = 'a'", "provider:", "[[provider]]"),
        ('[[provider]]\nid = "acme"', "provider 1, source: is missing", "one at least"),
        ('[[provider]]\nname = "acme"', "provider 1, id: is missing", "a text in quotes"),
        ('[[provider]]\nid = "Ac me"', 'provider 1, id: "Ac me"', "small letters"),
        (PAGE + PAGE, 'provider 2, id: "acme" stands twice', "an id of its own"),
        (PAGE + PAGE.split('id = "acme"\n')[1], 'source 2, name: "page" stands twice', "a name of its own"),
        (SOURCE, "provider 1, source 1, kind: is missing", ""),
        (SOURCE + 'kind = "statuspge"', 'kind: "statuspge" is no kind of source', 'did you mean "statuspage"?'),
        (SOURCE + 'kind = "instatus"', "kind: instatus is not in this version", "there are statuspage, feed"),
        (SOURCE + 'kind = "statuspage"', "source 1, url: is missing", ""),
        (SOURCE + 'kind = "feed"\nurl = "status.acme.example"', "url: no http or https address", "write it whole"),
        (SOURCE + 'kind = "feed"\nurl = "ftp://acme.example"', "url: no http or https address", "write it whole"),
        (SOURCE + 'kind = "feed"\nurl = "https://[::1"', "url: no http or https address", "write it whole"),
        (SOURCE + 'kind = "feed"\nurl = "https://a:99999/"', "url: no http or https address", "write it whole"),
        (SOURCE + 'kind = "feed"\nurl = "https://a.example/ b"', "url: no http or https address", "write it whole"),
        (SOURCE + 'kind = "x"', "source 1, account: is missing", ""),
        (SOURCE + 'kind = "x"\naccount = "https://x.com/a"', "account:", "write its handle"),
        (PAGE + 'interval = "0s"', "interval:", "1s at the least"),
        (PAGE + "interval = 60", "interval:", "a text in quotes"),
        (PAGE + 'private = "yes"', "private:", "true or false"),
        (PAGE + 'empty = "sick"', "empty:", '"fault"'),
        (PAGE + "budget = true", "budget:", "a whole number"),
        (PAGE + "budget = -1", "budget:", "0 or more"),
        (PAGE + 'intervall = "60s"', 'provider 1, source 1: unknown setting "intervall"', '"interval"?'),
        ("[[subscription]]", "subscription 1, to: is missing", ""),
        ('[[subscription]]\nto = "slakc:C1"', '"slakc" is no kind of destination', 'did you mean "slack"?'),
        ('[[subscription]]\nto = "apprise:a"', "apprise:a needs APPRISE_URL_A", "set it in the environment"),
        ('[[subscription]]\nto = "slack:"', "to: slack: needs a name", "write slack:<name>"),
        ('[[subscription]]\nto = "slack:#general"', "to: slack: needs a name", "by its id"),
        ('[[subscription]]\nto = "console:a"', "console takes no name", "write console alone"),
        ('[[subscription]]\nto = "teams:ops-eu"', "teams:ops-eu needs TEAMS_WEBHOOK_OPS_EU", "in .env"),
        ('[[subscription]]\nto = "webhook:a"', "webhook:a needs WEBHOOK_A", "in .env"),
        (SUBSCRIPTION + 'fallback = "discord:1"', "discord:1 needs DISCORD_BOT_TOKEN", "in .env"),
        (SUBSCRIPTION + 'min_impact = "miner"', 'min_impact: "miner" is no impact', 'did you mean "minor"?'),
        (SUBSCRIPTION + 'mode = "threads"', 'mode: "threads" is no mode', 'did you mean "thread"?'),
        (SUBSCRIPTION + 'mention = {bad = "<!here>"}', 'mention: "bad" is no impact', "known: none, minor"),
        (SUBSCRIPTION + "mention = {major = 1}", "mention, major:", "a text in quotes"),
        (SUBSCRIPTION + 'mention = "<!here>"', "mention:", "a table"),
        (SUBSCRIPTION + 'provider = ["a"]', 'subscription 1: unknown setting "provider"', '"providers"?'),
        ("a = [", "not valid TOML", ""),
        ("keep = \n", "not valid TOML", "line 1"),
        ("a = " + "[" * 5000, "not valid TOML", ""),
        ("a = " + "1" * 5000, "not valid TOML", ""),
    ],
)
def test_a_mistake_is_one_line_that_names_the_setting_and_the_mend(
    tmp_path: Path, toml: str, names: str, mend: str
) -> None:
    text = refusal(tmp_path, toml)
    assert str(tmp_path / "statusbot.toml") in text
    assert names in text
    assert mend in text


def test_an_address_with_a_password_is_not_repeated(tmp_path: Path) -> None:
    assert SECRET not in refusal(tmp_path, SOURCE + f'kind = "feed"\nurl = "htps://me:{SECRET}@a.example"')
