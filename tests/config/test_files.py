"""Where the configuration is found, and files that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import load
from bot.errors import UsageError
from tests.config.written import SECRET


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


@pytest.mark.parametrize("what", ["a folder", "a link to nowhere"])
def test_what_stands_in_the_file_s_place_and_is_none_is_told(tmp_path: Path, what: str) -> None:
    place = tmp_path / "statusbot.toml"
    place.mkdir() if what == "a folder" else place.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"statusbot\.toml: cannot be read: \w+"):
        load(None, {}, tmp_path)


def test_a_folder_named_dotenv_is_no_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert load(environ={}, cwd=tmp_path).watch == ("microsoft-365",)


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
