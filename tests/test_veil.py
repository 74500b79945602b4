from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote, quote_plus

from hypothesis import given
from hypothesis import strategies as st

from bot.model import Capture
from bot.veil import Veil, spellings

AT = datetime(2026, 1, 22, 19, 37, tzinfo=UTC)
SECRETS = st.sets(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6), min_size=1, max_size=3)


@given(SECRETS, st.text(), st.text())
def test_no_spelling_of_a_secret_is_left(secrets: set[str], before: str, after: str) -> None:
    veil = Veil(secrets)
    for secret in secrets:
        for form in (secret, quote(secret, safe=""), quote_plus(secret)):
            assert form not in veil.text(before + form + after).replace("[secret]", "")


def test_the_longer_of_two_secrets_goes_first() -> None:
    assert Veil(["secret", "secret-of-all"]).text("a secret-of-all and a secret") == "a [secret] and a [secret]"


def test_what_is_no_secret_stays() -> None:
    assert Veil(["hunter22"]).text("nothing to see") == "nothing to see"
    assert Veil().text("nothing to hide") == "nothing to hide"


def test_a_capture_repeats_no_secret_anywhere() -> None:
    capture = Capture(
        AT,
        "m/x",
        "https://x.example/?t=hunter22",
        401,
        {"www-authenticate": "hunter22"},
        b"no hunter22 \xff",
        None,
        "d",
    )
    veiled = Veil(["hunter22"]).capture(capture)
    assert (veiled.url, veiled.headers["www-authenticate"]) == ("https://x.example/?t=[secret]", "[secret]")
    assert veiled.body == b"no [secret] \xff"


def test_a_secret_is_known_in_json_and_in_an_address() -> None:
    assert {'a\\"b', "a%22b"} <= spellings('a"b')


def test_an_address_shows_neither_its_user_nor_a_secret() -> None:
    veil = Veil(["hunter22", "0123456789abcdef"])
    assert veil.address("https://ops:hunter22@status.example.com/a@b?key=0123456789abcdef&page=2") == (
        "https://status.example.com/a@b?key=[secret]&page=2"
    )
