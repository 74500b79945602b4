"""What the configuration becomes, and what each mistake in it is called."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import collectors, config, notifiers
from bot.config import (
    FAMILIES,
    VARIABLES,
    check_destination,
    load,
    parse_destination,
    parse_duration,
    providers_from,
    secret_values,
    subscriptions_from,
)
from bot.errors import UsageError
from bot.model import Destination, Impact, Mode

T = TypeVar("T")

WHOLE = """
database = "postgresql://bot:pa55word@db.example/status"
watch = ["microsoft-365", "https://status.example.com", "microsoft-365"]
operator = "slack:C0987654321"
keep = "400d"

[[provider]]
id = "acme"
name = "Acme Cloud"

  [[provider.source]]
  name = "page"
  kind = "statuspage"
  url = "http://10.0.0.7:8080"
  interval = "5m"

  [[provider.source]]
  name = "x"
  kind = "x"
  account = "@acmestatus"
  budget = 900

  [[provider.source]]
  name = "graph"
  kind = "msgraph"

[[subscription]]
to = "slack:C0123456789"
providers = ["microsoft-365"]
components = ["Exchange Online"]
min_impact = "minor"
mode = "edit"
regions = ["Europe"]
maintenance = false
mention = {critical = "<!here>"}
fallback = "discord:1122334455"

[[subscription]]
to = "teams:ops-eu"
"""
SECRET = "s3cret-value-0123456789"
ENV = {
    "SLACK_BOT_TOKEN": f"xoxb-{SECRET}",
    "DISCORD_BOT_TOKEN": SECRET,
    "TEAMS_WEBHOOK_OPS_EU": f"https://flow.example/invoke?sig={SECRET}",
}


@pytest.fixture(autouse=True)
def _no_configuration_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))


def settings(folder: Path, toml: str, environ: dict[str, str] | None = None) -> config.Settings:
    (folder / "statusbot.toml").write_text(toml, encoding="utf-8")
    return load(environ=environ or {}, cwd=folder)


def refusal(folder: Path, toml: str, environ: dict[str, str] | None = None) -> str:
    """The one line that says what is wrong."""
    with pytest.raises(UsageError) as caught:
        settings(folder, toml, environ)
    text = str(caught.value)
    assert text.isprintable(), "one line"
    assert caught.value.__cause__ is None
    return text


# --- what is right -----------------------------------------------------------------------------------------------


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


# --- where it is read from ---------------------------------------------------------------------------------------


def test_the_file_is_looked_for_in_the_contracts_order(tmp_path: Path) -> None:
    for place, days in (("here", 1), ("xdg/statusbot", 2), ("named", 3), ("set", 4)):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "statusbot.toml").write_text(f'keep = "{days}d"')
    (tmp_path / "empty").mkdir()
    by_environment = {"STATUSBOT_CONFIG": str(tmp_path / "set" / "statusbot.toml")}
    by_option = tmp_path / "named" / "statusbot.toml"
    assert load(by_option, by_environment, tmp_path / "here").keep.days == 3
    assert load(None, by_environment, tmp_path / "here").keep.days == 4
    assert load(None, {}, tmp_path / "here").keep.days == 1
    assert load(None, {}, tmp_path / "empty").keep.days == 2


def test_dotenv_is_read_here_and_beside_the_file_and_the_environment_wins(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (there / "statusbot.toml").write_text("")
    (tmp_path / ".env").write_text(
        "STATUSBOT_CONFIG=there/statusbot.toml\nWEBHOOK_A=here\nWEBHOOK_B=here\nWEBHOOK_C=here"
    )
    (there / ".env").write_text("WEBHOOK_B=beside\nWEBHOOK_C=beside\n")
    found = load(environ={"WEBHOOK_C": "real"}, cwd=tmp_path)
    assert found.path == there / "statusbot.toml"
    assert [found.env[f"WEBHOOK_{name}"] for name in "ABC"] == ["here", "beside", "real"]


def test_dotenv_knows_quotes_comments_empty_values_and_takes_dollars_to_the_letter(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "\ufeff# a comment\n\nexport X_BEARER_TOKEN='quoted'  # why\nSLACK_BOT_TOKEN=\nDISCORD_BOT_TOKEN\n"
        'WEBHOOK_SECRET_A="with ${HOME}"\r\nOTHER=1\nMSGRAPH_TENANT_ID=  spaced  \n',
        encoding="utf-8",
    )
    env = load(environ={}, cwd=tmp_path).env
    assert env["X_BEARER_TOKEN"] == "quoted"
    assert env["WEBHOOK_SECRET_A"] == "with ${HOME}"
    assert env["MSGRAPH_TENANT_ID"] == "spaced"
    assert not {"SLACK_BOT_TOKEN", "DISCORD_BOT_TOKEN", "OTHER"} & set(env)


def test_a_folder_named_dotenv_is_no_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert load(environ={}, cwd=tmp_path).watch == ("microsoft-365",)


def test_the_environment_has_its_defaults_and_what_is_empty_counts_as_not_set(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("X_BEARER_TOKEN=from-the-file")
    env = load(
        environ={"X_BEARER_TOKEN": "", "SLACK_API_URL": " ", "https_proxy": "http://proxy:3128"}, cwd=tmp_path
    ).env
    assert "X_BEARER_TOKEN" not in env
    assert env["SLACK_API_URL"] == "https://slack.com/api/"
    assert env["DISCORD_API_URL"] == "https://discord.com/api/v10"
    assert env["HTTPS_PROXY"] == "http://proxy:3128"
    assert isinstance(env, MappingProxyType)


def test_the_environments_database_wins(tmp_path: Path) -> None:
    assert settings(tmp_path, 'database = "sqlite:///a.db"').database == "sqlite:///a.db"
    found = settings(tmp_path, 'database = "sqlite:///a.db"', {"STATUSBOT_DATABASE": "sqlite:///b.db"})
    assert found.database == found.env["STATUSBOT_DATABASE"] == "sqlite:///b.db"


# --- what is wrong -----------------------------------------------------------------------------------------------

SUBSCRIPTION = '[[subscription]]\nto = "console"\n'
SOURCE = '[[provider]]\nid = "acme"\n[[provider.source]]\nname = "page"\n'
PAGE = SOURCE + 'kind = "statuspage"\nurl = "https://a.example"\n'


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
        ('[[subscription]]\nto = "apprise:a"', "apprise is not in this version", "there are console, slack"),
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


def test_a_file_that_cannot_be_read_is_named_with_what_named_it(tmp_path: Path) -> None:
    for config_, environ, setting in (
        (Path("gone.toml"), {}, "--config"),
        (None, {"STATUSBOT_CONFIG": "gone.toml"}, "STATUSBOT_CONFIG"),
    ):
        with pytest.raises(UsageError, match=rf"{setting} .*gone\.toml: cannot be read: No such file"):
            load(config_, environ, tmp_path)
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        load(tmp_path, {}, tmp_path)


def test_a_file_that_is_not_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "statusbot.toml").write_bytes(b'keep = "1d"\noperator = "caf\xe9"\n')
    with pytest.raises(UsageError, match="line 2: not UTF-8; save the file as UTF-8"):
        load(environ={}, cwd=tmp_path)


def test_a_dotenv_line_that_cannot_be_read_is_told_without_its_words(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f'A=1\nX_BEARER_TOKEN="{SECRET}\n')
    with pytest.raises(UsageError, match=r"\.env, line 2: write NAME=value") as caught:
        load(environ={}, cwd=tmp_path)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({"X_BEARER_TOKEN": f"Bearer {SECRET}"}, "X_BEARER_TOKEN: holds a space"),
        ({"SLACK_BOT_TOKEN": f"{SECRET}…"}, "SLACK_BOT_TOKEN: holds a space or a character"),
        ({"X_API_URL": f"api.x.com/{SECRET}"}, "X_API_URL: no http or https address"),
        ({"TEAMS_WEBHOOK_A": f"flow.example/{SECRET}"}, "TEAMS_WEBHOOK_A: no http or https address"),
    ],
)
def test_a_bad_variable_is_named_and_not_shown(tmp_path: Path, environ: dict[str, str], names: str) -> None:
    text = refusal(tmp_path, '[[subscription]]\nto = "teams:a"', {"TEAMS_WEBHOOK_A": "https://a.example", **environ})
    assert names in text
    assert SECRET not in text


# --- secrets -----------------------------------------------------------------------------------------------------


def test_settings_show_no_secret(tmp_path: Path) -> None:
    shown = repr(settings(tmp_path, WHOLE, ENV))
    assert "acme" in shown
    assert SECRET not in shown
    assert "pa55word" not in shown


@pytest.mark.parametrize(
    "pasted",
    [
        f"https://hooks.slack.com/services/T0/B0/{SECRET}",
        f"teams:https://flow.example/invoke?sig={SECRET}",
        f"slack: {SECRET}",
        f"xoxb-{SECRET}",
        f"discord:{SECRET}\n",
    ],
)
def test_a_secret_in_a_destinations_place_is_not_repeated(pasted: str) -> None:
    if pasted.endswith("\n"):
        assert parse_destination(pasted).name == SECRET  # a name like any other
        return
    with pytest.raises(UsageError) as caught:
        parse_destination(pasted)
    assert SECRET not in str(caught.value)


def test_an_address_with_a_password_is_not_repeated(tmp_path: Path) -> None:
    assert SECRET not in refusal(tmp_path, SOURCE + f'kind = "feed"\nurl = "htps://me:{SECRET}@a.example"')


def test_secret_values_are_the_tokens_addresses_and_passwords_with_their_telling_parts(tmp_path: Path) -> None:
    env = {
        "X_BEARER_TOKEN": "bearer-token",
        "MSGRAPH_CLIENT_SECRET": "client-secret",
        "MSGRAPH_CLIENT_ID": "client-id-is-public",
        "TEAMS_WEBHOOK_OPS": f"https://flow.example/workflows/1/invoke?api-version=1&sig={SECRET}%3D",
        "SLACK_WEBHOOK_OPS": f"https://hooks.slack.com/services/T0/B0/{SECRET}",
        "WEBHOOK_OPS": f"https://me:{SECRET}@hook.example",
        "WEBHOOK_SECRET_OPS": "whsec_c2VjcmV0",
        "DISCORD_WEBHOOK_ODD": "https://[odd-address",
        "HTTPS_PROXY": "http://user:pr%C3%B6xy-pass@proxy:3128",
    }
    found = secret_values(settings(tmp_path, 'database = "postgresql://bot:pa55word@db/status"', env).env)
    assert {"bearer-token", "client-secret", "whsec_c2VjcmV0", "https://[odd-address", "pa55word", SECRET} <= found
    assert {env["TEAMS_WEBHOOK_OPS"], f"/services/T0/B0/{SECRET}", f"{SECRET}="} <= found
    assert {"pr%C3%B6xy-pass", "pröxy-pass"} <= found
    assert not {"client-id-is-public", "1", "", "/"} & found
    assert not any(part in "https://slack.com/api/chat.postMessage" for part in found)


# --- the parts by themselves -------------------------------------------------------------------------------------


def or_plain_refusal(parse: Callable[[str], T], text: str) -> T | None:
    """What a text is read as; None where it is refused in one line."""
    line = ""
    try:
        return parse(text)
    except UsageError as error:
        line = str(error)
    assert line.isprintable()
    return None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60s", 60), ("5m", 300), ("24h", 86_400), ("400d", 34_560_000), ("2w", 1_209_600), (" 1 h ", 3600), ("0s", 0)],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@given(st.one_of(st.text(max_size=30), st.from_regex(r"\s?\d{1,12} ?[a-z]\s?", fullmatch=True)))
def test_any_text_is_a_duration_or_a_plain_refusal(text: str) -> None:
    length = or_plain_refusal(parse_duration, text)
    assert length is None or timedelta() <= length <= config.LONGEST


@given(
    st.one_of(
        st.text(max_size=30),
        st.sampled_from(list(notifiers.REGISTRY)).flatmap(lambda k: st.text().map(lambda n: f"{k}:{n}")),
    )
)
def test_any_text_is_a_destination_that_reads_back_or_a_plain_refusal(text: str) -> None:
    found = or_plain_refusal(parse_destination, text)
    assert found is None or parse_destination(str(found)) == found


def test_a_destination_is_checked_against_the_environment() -> None:
    check_destination(Destination("console"), {})
    check_destination(Destination("slack", "C1"), {"SLACK_BOT_TOKEN": "t"})
    check_destination(Destination("teams", "ops.eu 1"), {"TEAMS_WEBHOOK_OPS_EU_1": "https://a.example"})
    with pytest.raises(UsageError, match="discord:1 needs DISCORD_BOT_TOKEN"):
        check_destination(Destination("discord", "1"), {"SLACK_BOT_TOKEN": "t"})


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


# --- what others rely on -----------------------------------------------------------------------------------------


def test_the_example_lists_every_variable_once_with_a_comment_and_its_default() -> None:
    lines = Path(__file__).parents[1].joinpath(".env.example").read_text(encoding="utf-8").splitlines()
    listed = {}
    for above, line in zip(["", *lines], lines, strict=False):
        if line and not line.startswith("#"):
            name, _, listed_value = line.partition("=")
            assert above.startswith("# "), f"{name} has its comment"
            assert name not in listed
            listed[name] = listed_value
    assert listed == {**VARIABLES, **{f"{family}OPS": "" for family in FAMILIES}}


def test_every_variable_that_a_kind_needs_is_known() -> None:
    needs = {need for source in collectors.REGISTRY.values() for need in source.needs}
    needs |= {need for destination in notifiers.REGISTRY.values() for need in destination.needs}
    assert {need.removesuffix("{NAME}") for need in needs} <= {*VARIABLES, *FAMILIES}


def test_importing_it_imports_nothing_dear() -> None:
    heavy = "pydantic|pydantic_settings|aiohttp|sqlalchemy|discord|tweepy|dotenv|platformdirs|rapidfuzz"
    script = "import sys, bot.config, bot.catalog; bot.catalog.catalogue(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert not [name for name in loaded if re.fullmatch(heavy, name)]
