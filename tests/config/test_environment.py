"""The environment: its defaults, its secrets, what a destination needs of it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import MappingProxyType

import pytest

from bot import collectors, notifiers
from bot.config import check_destination, load, parse_listen, secret_values
from bot.config.environment import FAMILIES, VARIABLES
from bot.errors import UsageError
from bot.model import Destination
from tests.config.written import SECRET, refusal, settings


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


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({"X_BEARER_TOKEN": f"Bearer {SECRET}"}, "X_BEARER_TOKEN: holds a space"),
        ({"SLACK_BOT_TOKEN": f"{SECRET}…"}, "SLACK_BOT_TOKEN: holds a space or a character"),
        ({"SLACK_APP_TOKEN": f"{SECRET} x"}, "SLACK_APP_TOKEN: holds a space"),
        ({"SLACK_SIGNING_SECRET": f"{SECRET} x"}, "SLACK_SIGNING_SECRET: holds a space"),
        ({"STATUSBOT_PUBLIC_URL": f"status.example/{SECRET}"}, "STATUSBOT_PUBLIC_URL: no http or https address"),
        ({"X_API_URL": f"api.x.com/{SECRET}"}, "X_API_URL: no http or https address"),
        ({"STATUSBOT_HEARTBEAT_URL": f"ping.example/{SECRET}"}, "STATUSBOT_HEARTBEAT_URL: no http or https address"),
        ({"TEAMS_WEBHOOK_A": f"flow.example/{SECRET}"}, "TEAMS_WEBHOOK_A: no http or https address"),
    ],
)
def test_a_bad_variable_is_named_and_not_shown(tmp_path: Path, environ: dict[str, str], names: str) -> None:
    text = refusal(tmp_path, '[[subscription]]\nto = "teams:a"', {"TEAMS_WEBHOOK_A": "https://a.example", **environ})
    assert names in text
    assert SECRET not in text


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("[::1]:80", ("::1", 80)),
        (":9000", ("", 9000)),
        ("localhost:65535", ("localhost", 65535)),
        ("", None),
    ],
)
def test_where_to_listen(tmp_path: Path, words: str, place: tuple[str, int] | None) -> None:
    env = load(environ={"STATUSBOT_LISTEN": words}, cwd=tmp_path).env
    assert parse_listen(env["STATUSBOT_LISTEN"]) == place
    assert load(environ={}, cwd=tmp_path).env["STATUSBOT_LISTEN"] == "127.0.0.1:8080"


@pytest.mark.parametrize(
    "words", ["8080", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "a b:80", "http://a:80", "::1:80"]
)
def test_a_place_where_nobody_can_listen_is_named(tmp_path: Path, words: str) -> None:
    assert "STATUSBOT_LISTEN: " in refusal(tmp_path, "", {"STATUSBOT_LISTEN": words})


def test_secret_values_are_the_tokens_addresses_and_passwords_with_their_telling_parts(tmp_path: Path) -> None:
    env = {
        "X_BEARER_TOKEN": "bearer-token",
        "SLACK_APP_TOKEN": "xapp-token",
        "SLACK_SIGNING_SECRET": "signing-secret",
        "MSGRAPH_CLIENT_SECRET": "client-secret",
        "MSGRAPH_CLIENT_ID": "client-id-is-public",
        "TEAMS_WEBHOOK_OPS": f"https://flow.example/workflows/1/invoke?api-version=1&sig={SECRET}%3D",
        "SLACK_WEBHOOK_OPS": f"https://hooks.slack.com/services/T0/B0/{SECRET}",
        "WEBHOOK_OPS": f"https://me:{SECRET}@hook.example",
        "WEBHOOK_SECRET_OPS": "whsec_c2VjcmV0",
        "DISCORD_WEBHOOK_ODD": "https://[odd-address",
        "STATUSBOT_HEARTBEAT_URL": f"https://ping.example/{SECRET}",
        "HTTPS_PROXY": "http://user:pr%C3%B6xy-pass@proxy:3128",
    }
    found = secret_values(settings(tmp_path, 'database = "postgresql://bot:pa55word@db/status"', env).env)
    assert {
        "bearer-token",
        "client-secret",
        "xapp-token",
        "signing-secret",
        "whsec_c2VjcmV0",
        "https://[odd-address",
        "pa55word",
        SECRET,
    } <= found
    assert {env["TEAMS_WEBHOOK_OPS"], f"/services/T0/B0/{SECRET}", f"{SECRET}="} <= found
    assert {"pr%C3%B6xy-pass", "pröxy-pass"} <= found
    assert not {"client-id-is-public", "1", "", "/"} & found
    assert not any(part in "https://slack.com/api/chat.postMessage" for part in found)


@pytest.mark.parametrize(
    "query",
    [
        "component=Payments+Europe+API",
        "component=Payments%20Europe%20API%202",
        "component=PaymentsEuropeGateway",
        "service=payments-europe-gateway&region=north-america",
        "sort_key=published_at&country_code=united-kingdom&keyword=authentication&monkey=authenticated",
        "key=public&token=short",
    ],
)
def test_public_words_of_a_source_s_address_are_no_secrets(query: str) -> None:
    assert secret_values({}, [f"https://status.acme.example/history.rss?{query}"]) == frozenset()


@pytest.mark.parametrize(
    ("query", "secrets"),
    [
        ("t=0123456789abcdef", {"0123456789abcdef"}),
        ("t=deadbeefdeadbeef", {"deadbeefdeadbeef"}),
        ("t=1234567890123456", {"1234567890123456"}),
        ("t=gh0-zzzzzzzzzzzzzz", {"gh0-zzzzzzzzzzzzzz"}),
        ("component=Payments+Europe+API&x=gh0zzzzzzzzzzzzz", {"gh0zzzzzzzzzzzzz"}),
        ("key=hunterss", {"hunterss"}),
        ("API-Key=hunterss", {"hunterss"}),
        ("apikey=hunterss", {"hunterss"}),
        ("accessToken=hunterss", {"hunterss"}),
        ("access_token=hunterss", {"hunterss"}),
        ("X-Amz-Signature=hunterss", {"hunterss"}),
        ("sig=hunterss", {"hunterss"}),
        ("client%5Fsecret=hunterss", {"hunterss"}),
        ("auth=hunterss", {"hunterss"}),
        ("PassWord=correct+horse", {"correct+horse", "correct horse"}),
        ("code=hunterss", {"hunterss"}),
        ("token=ab+cd/ef==", {"ab+cd/ef==", "ab cd/ef=="}),
    ],
)
def test_what_looks_like_a_token_or_is_named_as_one_is_secret_as_written_and_meant(
    query: str, secrets: set[str]
) -> None:
    assert secret_values({}, [f"https://status.acme.example/history.rss?{query}"]) == secrets


def test_the_words_of_a_secret_address_stay_secret_whatever_they_look_like() -> None:
    found = secret_values({"WEBHOOK_OPS": "https://hook.example/in?door=opensesameopensesame&token=opensess"})
    assert {"opensesameopensesame", "opensess"} <= found


def test_a_destination_is_checked_against_the_environment() -> None:
    check_destination(Destination("console"), {})
    check_destination(Destination("slack", "C1"), {"SLACK_BOT_TOKEN": "t"})
    check_destination(Destination("teams", "ops.eu 1"), {"TEAMS_WEBHOOK_OPS_EU_1": "https://a.example"})
    with pytest.raises(UsageError, match="discord:1 needs DISCORD_BOT_TOKEN"):
        check_destination(Destination("discord", "1"), {"SLACK_BOT_TOKEN": "t"})


def test_an_extra_that_is_not_installed_is_named_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    env = {"APPRISE_URL_OPS": "json://127.0.0.1/very-secret"}
    check_destination(Destination("apprise", "ops"), env)
    monkeypatch.setattr("sys.meta_path", [])
    monkeypatch.delitem(sys.modules, "apprise", raising=False)
    with pytest.raises(UsageError, match=r"^apprise:ops needs a package more: pip install 'statusbot\[apprise\]'$"):
        check_destination(Destination("apprise", "ops"), env)


@pytest.mark.parametrize("words", ["user:very-secret@example.com", "very secret", "mailto://a very-secret"])
def test_an_address_that_is_none_of_apprise_s_is_named_and_not_shown(words: str) -> None:
    with pytest.raises(UsageError, match="APPRISE_URL_OPS: no address as Apprise writes it") as error:
        check_destination(Destination("apprise", "ops"), {"APPRISE_URL_OPS": words})
    assert "very" not in str(error.value)


def test_the_secret_of_an_apprise_address_may_stand_anywhere_in_it() -> None:
    found = secret_values({"APPRISE_URL_OPS": "tgram://123456789:abcdefghijklmnop/chat"})
    assert "abcdefghijklmnop" in found


def test_the_example_lists_every_variable_once_with_a_comment_and_its_default() -> None:
    lines = Path(__file__).parents[2].joinpath(".env.example").read_text(encoding="utf-8").splitlines()
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
