from __future__ import annotations

from pathlib import Path

import pytest

from bot.config.zone import _own, zone_named
from bot.errors import UsageError


def test_a_zone_is_named_by_its_iana_name() -> None:
    assert zone_named("Europe/Berlin").key == "Europe/Berlin"
    assert zone_named(" UTC ").key == "UTC"


@pytest.mark.parametrize("name", ["Europe/Berlni", "CET+1", "", "../../etc/passwd", "/etc/localtime", "Europe"])
def test_an_unknown_zone_is_said_with_the_mend(name: str) -> None:
    with pytest.raises(UsageError, match=r"--tz: .* is no zone; write an IANA name"):
        zone_named(name)


def test_the_machines_own_zone_is_the_default() -> None:
    assert zone_named(None, {"TZ": "America/New_York"}).key == "America/New_York"
    assert zone_named(None, {"TZ": ":Asia/Tokyo"}).key == "Asia/Tokyo"
    assert zone_named(None, {"TZ": "nonsense"}).key  # what the system's files say, or UTC


def test_the_systems_files_are_looked_up(tmp_path: Path) -> None:
    link, name = tmp_path / "localtime", tmp_path / "timezone"
    link.symlink_to("/usr/share/zoneinfo/Europe/Paris")
    name.write_text("Asia/Kolkata\n")
    assert list(_own({}, link, name)) == ["", "Europe/Paris", "Asia/Kolkata"]
    assert list(_own({}, tmp_path / "none", tmp_path / "nothing"))[2] == ""
