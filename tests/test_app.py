"""The composition root: what `run --record` writes first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bot.app import open_record
from bot.config import load, providers_from
from bot.model import Capture
from bot.recording import read_header
from bot.veil import Veil
from bot.watch import watching
from tests.core.build import at

ADDRESS = "https://ops:hunter22@status.acme.example/feed?key=0123456789abcdef"
FILE = f"""
[[provider]]
id = "acme"
name = "Acme Cloud"

  [[provider.source]]
  name = "feed"
  kind = "feed"
  url = "{ADDRESS}"
  empty = "fault"
  private = true

  [[provider.source]]
  name = "x"
  kind = "x"
  account = "acmestatus"
"""


def test_a_recording_s_header_says_all_that_reading_it_again_needs_and_no_secret(tmp_path: Path) -> None:
    (tmp_path / "statusbot.toml").write_text(FILE)
    settings = load(None, {}, tmp_path)
    path = tmp_path / "trouble.jsonl"
    open_record(path, watching(settings).providers, Veil(settings.secrets)).close()
    assert not [secret for secret in ("hunter22", "0123456789abcdef") if secret in path.read_text()]
    (acme,) = providers_from(read_header(path))
    feed, x = (replace(source, trusted=True) for source in settings.providers[0].sources)
    assert (acme.id, acme.name) == ("acme", "Acme Cloud")
    shown = "https://status.acme.example/feed?key=[secret]"
    assert [replace(source, trusted=True) for source in acme.sources] == [replace(feed, url=shown), x]


def test_a_recording_keeps_the_public_words_of_its_source_s_address(tmp_path: Path) -> None:
    address = "https://status.acme.example/history.rss?component=Payments+Europe+API"
    (tmp_path / "statusbot.toml").write_text(FILE.replace(ADDRESS, address))
    body = b"<title>Payments Europe API: errors</title>"
    shown = Veil(load(None, {}, tmp_path).secrets).capture(Capture(at(0), "acme/feed", address, 200, {}, body))
    assert (shown.url, shown.body) == (address, body)
