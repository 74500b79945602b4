"""Configurations as written, and what becomes of them: Settings, or a refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import Settings, load
from bot.errors import UsageError

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

SOURCE = '[[provider]]\nid = "acme"\n[[provider.source]]\nname = "page"\n'
PAGE = SOURCE + 'kind = "statuspage"\nurl = "https://a.example"\n'


def settings(folder: Path, toml: str, environ: dict[str, str] | None = None) -> Settings:
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
