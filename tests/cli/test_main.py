"""The program as a whole: its help, wrong use, wrong configuration, exit codes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pytest

from tests.cli.place import RECORDING, Place, Said, refused

COMMANDS = (
    *("run", "demo", "replay", "timeline", "status", "sources", "subscribe", "unsubscribe", "subscriptions"),
    *("merge", "split", "deliveries", "deliveries retry", "db", "db upgrade", "why", "audit", "doctor", "test"),
)
HEAVY = ("discord", "tweepy", "slack_sdk", "slack_bolt", "sqlalchemy", "aiohttp", "alembic", "feedparser", "pydantic")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(here: Place, command: str) -> None:
    said = here.say(*command.split(), "--help")
    assert (said.code, said.err) == (0, "")
    assert f"Example: statusbot {command.split()[0]}" in said.out
    assert "..." not in said.out.partition("Options:")[2]  # nothing is cut short


def test_the_first_help_names_every_command_in_whole_words(here: Place) -> None:
    said = here.say("--help")
    listed = said.out.partition("Commands:")[2]
    assert said.code == 0
    assert all(f"  {command.split()[0]} " in listed for command in COMMANDS)
    assert "..." not in listed
    assert "statusbot demo" in said.out
    assert here.say() == said


def test_help_imports_nothing_that_it_does_not_need() -> None:
    code = (
        "import sys\nfrom bot.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        f"assert not (found := sorted(set({HEAVY!r}) & set(sys.modules))), found"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


#: what is wrong -> (statusbot.toml, environment, words that the line must hold)
WRONG: Mapping[str, tuple[str, Mapping[str, str], tuple[str, ...]]] = {
    "unknown key": ("wacth = []", {}, ("statusbot.toml", '"wacth"', 'did you mean "watch"')),
    "wrong type": ("watch = 7", {}, ("watch", "list")),
    "broken TOML": ("watch = ]", {}, ("statusbot.toml", "not valid TOML", "line 1")),
    "bad token": ("", {"SLACK_BOT_TOKEN": "xoxb very secret"}, ("SLACK_BOT_TOKEN", "copy the token alone")),
    "missing token": ('[[subscription]]\nto = "slack:C1"', {}, ("slack:C1 needs SLACK_BOT_TOKEN", "set it")),
    "missing webhook": ('[[subscription]]\nto = "teams:ops"', {}, ("teams:ops needs TEAMS_WEBHOOK_OPS", ".env")),
    "webhook that is no address": (
        '[[subscription]]\nto = "teams:ops"',
        {"TEAMS_WEBHOOK_OPS": "hooks.example.com/very-secret-part"},
        ("TEAMS_WEBHOOK_OPS", "no http or https address"),
    ),
    "unknown provider": ('watch = ["microsfot-365"]', {}, ('"microsfot-365"', 'did you mean "microsoft-365"')),
    "unwatched provider": ('[[subscription]]\nto = "console"\nproviders = ["acme"]', {}, ('"acme"', "not watched")),
    "unknown kind": (
        '[[provider]]\nid = "a"\n[[provider.source]]\nname = "p"\nkind = "statuspgae"\nurl = "https://a.example"',
        {},
        ("kind", 'did you mean "statuspage"'),
    ),
    "missing folder": ('database = "sqlite:///no/such/folder/x.db"', {}, ("no/such/folder", "create it")),
    "no database's address": ('database = "mysql://u:very-secret@h/d"', {}, ("database", "sqlite:///statusbot.db")),
    "database that is not there": (
        "",
        {"STATUSBOT_DATABASE": "postgresql://u:very-secret@127.0.0.1:1/none"},
        ("database", "127.0.0.1"),
    ),
}


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("command", ["run", "status"])
def test_a_wrong_configuration_is_one_line_that_names_the_setting_and_the_mend(
    here: Place, what: str, command: str
) -> None:
    text, env, names = WRONG[what]
    here.write("statusbot.toml", text)
    line = refused(here.say(command, env=env))
    assert [name for name in names if name not in line] == []
    assert "very" not in line


def test_a_configuration_that_cannot_be_read_is_named_with_its_setting(here: Place) -> None:
    assert "--config nowhere.toml: cannot be read" in refused(here.say("--config", "nowhere.toml", "status"))
    by_env = here.say("status", env={"STATUSBOT_CONFIG": "."})
    assert "STATUSBOT_CONFIG .: cannot be read" in refused(by_env)


def test_a_file_that_is_no_database_is_refused(here: Place) -> None:
    here.write("statusbot.db", "not a database " * 100)
    assert "statusbot.db" in refused(here.say("status"))


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["timeline", "--sinc", "2h"], "--since"),
        (["timeline", "--since", "soon"], '--since: "soon" is no duration'),
        (["nonsense"], "nonsense"),
        (["replay"], "RECORDING"),
        (["demo", "--seconds", "-1"], "--seconds"),
        (["deliveries", "retry", "x"], "ID"),
        (["db"], "statusbot db --help"),
        (["replay", "--to", "slack:C1", RECORDING], "SLACK_BOT_TOKEN"),
        (["run", "--record", "no/such/file"], "--record no/such/file"),
    ],
)
def test_wrong_words_are_one_line_that_names_them(here: Place, words: list[str], names: str) -> None:
    assert names in refused(here.say(*words))


def test_the_version(here: Place) -> None:
    assert here.say("--version") == Said(0, "statusbot 0.1.0\n", "")
