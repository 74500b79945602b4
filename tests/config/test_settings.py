"""What the configuration becomes as a whole."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bot.config import load
from bot.config.environment import FAMILIES
from bot.model import Destination, Impact, Mode
from tests.config.written import ENV, SECRET, WHOLE, refusal, settings


def test_without_a_file_microsoft_365_is_told_on_the_console(tmp_path: Path) -> None:
    found = load(environ={}, cwd=tmp_path)
    assert found.watch == ("microsoft-365",)
    assert found.providers == ()
    assert [(str(s.to), s.mode, s.origin) for s in found.subscriptions] == [("console", Mode.POST, "file")]
    assert found.database == "sqlite:///statusbot.db"
    assert found.keep == timedelta(days=400)
    assert found.operator is None
    assert found.path is None


def test_every_setting_is_read(tmp_path: Path) -> None:
    found = settings(tmp_path, WHOLE, ENV)
    assert found.path == tmp_path / "statusbot.toml"
    assert found.watch == ("microsoft-365", "https://status.example.com")
    assert found.operator == Destination("slack", "C0987654321")
    (acme,) = found.providers
    page, x, graph = acme.sources
    assert (acme.id, acme.name) == ("acme", "Acme Cloud")
    assert (page.id, page.provider, page.url) == ("acme/page", "acme", "http://10.0.0.7:8080")
    assert (page.interval, page.trusted, page.private) == (timedelta(minutes=5), True, False)
    assert (x.account, x.budget, x.url, x.interval) == ("acmestatus", 900, "", timedelta(seconds=60))
    assert graph.private
    slack, teams = found.subscriptions
    assert slack.providers == ("microsoft-365",)
    assert slack.components == ("Exchange Online",)
    assert slack.regions == ("Europe",)
    assert (slack.min_impact, slack.mode, slack.maintenance) == (Impact.MINOR, Mode.EDIT, False)
    assert [(type(key), key, words) for key, words in slack.mention.items()] == [(str, "critical", "<!here>")]
    assert slack.fallback == Destination("discord", "1122334455")
    assert (teams.to, teams.min_impact, teams.maintenance) == (Destination("teams", "ops-eu"), Impact.NONE, True)


@pytest.mark.parametrize(
    ("to", "asked", "becomes"),
    [
        ("console", "thread", "post"),
        ("teams:ops", "edit", "post"),
        ("discord-webhook:ops", "thread", "post"),
        ("discord-webhook:ops", "edit", "edit"),
        ("slack:C1", "thread", "thread"),
    ],
)
def test_a_mode_that_a_destination_cannot_do_is_post(tmp_path: Path, to: str, asked: str, becomes: str) -> None:
    env = {f"{family}OPS": "https://hook.example/x" for family in FAMILIES} | {"SLACK_BOT_TOKEN": "t"}
    (found,) = settings(tmp_path, f'[[subscription]]\nto = "{to}"\nmode = "{asked}"', env).subscriptions
    assert found.mode == becomes


def test_a_file_with_a_provider_of_its_own_watches_that_and_no_other(tmp_path: Path) -> None:
    own = '[[provider]]\nid = "a"\n[[provider.source]]\nname = "page"\nkind = "statuspage"\nurl = "https://a.example"\n'
    assert settings(tmp_path, own).watch == ()
    assert settings(tmp_path, own).providers[0].name == "a"
    assert settings(tmp_path, f'watch = ["github"]\n{own}').watch == ("github",)
    assert settings(tmp_path, "").watch == ("microsoft-365",)
    assert settings(tmp_path, "watch = []").watch == ()


def test_a_file_without_subscriptions_tells_the_console_unless_it_says_none(tmp_path: Path) -> None:
    assert [str(found.to) for found in settings(tmp_path, "").subscriptions] == ["console"]
    assert settings(tmp_path, "subscription = []").subscriptions == ()


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    assert settings(tmp_path, '\ufeffkeep = "2w"').keep == timedelta(weeks=2)


def test_the_environments_database_wins(tmp_path: Path) -> None:
    assert settings(tmp_path, 'database = "sqlite:///a.db"').database == "sqlite:///a.db"
    found = settings(tmp_path, 'database = "sqlite:///a.db"', {"STATUSBOT_DATABASE": "sqlite:///b.db"})
    assert found.database == found.env["STATUSBOT_DATABASE"] == "sqlite:///b.db"


def test_settings_show_no_secret(tmp_path: Path) -> None:
    shown = repr(settings(tmp_path, WHOLE, ENV))
    assert "acme" in shown
    assert SECRET not in shown
    assert "pa55word" not in shown


def test_importing_it_imports_nothing_dear() -> None:
    heavy = "pydantic|pydantic_settings|aiohttp|sqlalchemy|discord|tweepy|dotenv|platformdirs|rapidfuzz"
    script = "import sys, bot.config, bot.catalog; bot.catalog.catalogue(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert not [name for name in loaded if re.fullmatch(heavy, name)]


def test_who_may_subscribe_in_slack_is_a_list_of_users_and_user_groups(tmp_path: Path) -> None:
    found = settings(tmp_path, '[slack]\nmay_subscribe = ["U0123456789", "S0123456789", "W0123456789"]')
    assert found.may_subscribe == ("U0123456789", "S0123456789", "W0123456789")
    assert settings(tmp_path, "[slack]").may_subscribe == settings(tmp_path, "").may_subscribe == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('may_subscribe = ["@ann"]', 'slack, may_subscribe: "@ann": write ids of users (U…) and user groups (S…)'),
        ('may_subscribe = ["C0123456789"]', 'slack, may_subscribe: "C0123456789"'),
        ('may_subscribe = "U0123456789"', "slack, may_subscribe: write a list of texts"),
        ('may_subscribed = ["U0123456789"]', 'slack: unknown setting "may_subscribed"; did you mean "may_subscribe"?'),
    ],
)
def test_who_may_subscribe_is_checked(tmp_path: Path, text: str, reason: str) -> None:
    assert reason in refusal(tmp_path, f"[slack]\n{text}")
