from __future__ import annotations

import gzip
import json
import lzma
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import UsageError
from bot.model import Capture
from bot.recording import capture_line, capture_of, digest_of, header_line, read_captures, read_header

HEADER = {"recording": "statusbot/1", "title": "t", "providers": [], "subscriptions": []}
CAPTURE = {"at": "2026-01-22T19:37:12Z", "source": "acme/page", "url": "https://a", "status": 200, "body": "words"}
PACK: dict[str, Callable[[bytes], bytes]] = {".jsonl": bytes, ".jsonl.gz": gzip.compress, ".jsonl.xz": lzma.compress}


def written(folder: Path, *lines: object, ending: str = ".jsonl") -> Path:
    """A recording of these lines; a str or bytes stands as it is."""
    raw = [
        line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode()
        for line in lines
    ]
    path = folder / f"r{ending}"
    path.write_bytes(PACK[ending](b"\n".join(raw) + b"\n"))
    return path


def read_whole(path: Path) -> list[Capture]:
    read_header(path)
    return list(read_captures(path))


def refused(path: Path) -> str:
    """The one line with which a recording is refused."""
    with pytest.raises(UsageError) as caught:
        read_whole(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message.removeprefix(f"recording {path}")


@pytest.mark.parametrize("ending", PACK)
def test_a_recording_is_read_plain_or_packed(tmp_path: Path, ending: str) -> None:
    path = written(tmp_path, HEADER, CAPTURE, "", {**CAPTURE, "at": "2026-01-22T20:37:12+01:00"}, ending=ending)
    assert read_header(path)["title"] == "t"
    first, second = read_captures(path)
    assert first == Capture(
        at=datetime(2026, 1, 22, 19, 37, 12, tzinfo=UTC),
        source="acme/page",
        url="https://a",
        status=200,
        body=b"words",
        digest=digest_of(b"words"),
    )
    assert second.at == first.at
    assert second.at.utcoffset() == timedelta(0)


def test_what_was_no_text_comes_in_base64(tmp_path: Path) -> None:
    line = {**CAPTURE, "body_base64": "/w=="}
    del line["body"]
    (capture,) = read_captures(written(tmp_path, HEADER, line))
    assert capture.body == b"\xff"


@pytest.mark.parametrize("error", ["timeout", "connect", "dns", "tls", "reset", "too_large"])
def test_a_fetch_that_got_no_answer_has_an_error_and_no_status(tmp_path: Path, error: str) -> None:
    line = {"at": CAPTURE["at"], "source": "acme/page", "url": "https://a", "error": error}
    (capture,) = read_captures(written(tmp_path, HEADER, line))
    assert (capture.status, capture.error, capture.body, capture.digest) == (None, error, b"", "")


def test_header_names_are_lower_case(tmp_path: Path) -> None:
    (capture,) = read_captures(written(tmp_path, HEADER, {**CAPTURE, "headers": {"ETag": '"1"'}}))
    assert capture.headers == {"etag": '"1"'}


HEADERS = st.dictionaries(st.sampled_from(["etag", "content-type"]), st.text(st.characters(exclude_categories=["Cs"])))
CAPTURES = st.builds(
    lambda at, status, body, headers: Capture(
        at, "acme/page", "https://a", status, headers, body, digest=digest_of(body)
    ),
    st.datetimes(
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=-7))]),
        min_value=datetime(1971, 1, 1),  # noqa: DTZ001
        max_value=datetime(2999, 12, 30),  # noqa: DTZ001
    ),
    st.integers(100, 599),
    st.binary() | st.text().map(lambda text: text.encode(errors="ignore")),
    HEADERS,
) | st.builds(
    lambda error: Capture(datetime(2026, 1, 22, tzinfo=UTC), "acme/page", "https://a", error=error),
    st.sampled_from(["timeout", "reset"]),
)


@given(CAPTURES)
def test_what_is_written_is_read_again_as_it_was(capture: Capture) -> None:
    line = capture_line(capture)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert capture_of(Path("r"), 2, json.loads(line)) == capture


def test_a_written_header_is_a_header(tmp_path: Path) -> None:
    header = header_line("t", [{"id": "acme", "name": "Acme", "sources": []}]).strip()
    path = written(tmp_path, header, CAPTURE)
    assert read_header(path)["providers"] == [{"id": "acme", "name": "Acme", "sources": []}]


# --- what is no recording ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["{"], ", line 1: broken JSON"),
        ([""], ", line 1: broken JSON"),
        (["[]"], ", line 1: no JSON object"),
        ([CAPTURE], ', line 1: no header with "recording": "statusbot/1"'),
        ([{**HEADER, "recording": "statusbot/2"}], ', line 1: no header with "recording": "statusbot/1"'),
        ([HEADER, "{"], ", line 2: broken JSON"),
        ([HEADER, CAPTURE, "", "7"], ", line 4: no JSON object"),
        ([HEADER, b"\xff\xfe"], ", line 2: broken JSON"),
        ([HEADER, {**CAPTURE, "at": "2026-01-22T19:37:12"}], ", line 2: no capture (`at` without a time zone)"),
        ([HEADER, {**CAPTURE, "at": "yesterday"}], ", line 2: no capture (Invalid isoformat string: 'yesterday')"),
        ([HEADER, {**CAPTURE, "at": "0001-01-01T00:00:00+09:00"}], ", line 2: no capture (date value out of range)"),
        ([HEADER, {**CAPTURE, "at": 7}], ", line 2: no capture (fromisoformat: argument must be str)"),
        ([HEADER, {**CAPTURE, "at": "9999-12-31T23:59:59Z"}], ", line 2: no capture (`at` in a year that cannot be)"),
        ([HEADER, {**CAPTURE, "at": "0001-01-01T00:00:00Z"}], ", line 2: no capture (`at` in a year that cannot be)"),
        ([HEADER, {"source": "a"}], ", line 2: no capture (`at` is missing)"),
        ([HEADER, {"at": CAPTURE["at"], "source": "a"}], ", line 2: no capture (`status` is missing)"),
        ([HEADER, {**CAPTURE, "body": {"page": {}}}], ", line 2: no capture (`body` is no text"),
        ([HEADER, {**CAPTURE, "status": "many"}], ", line 2: no capture"),
        ([HEADER, {**CAPTURE, "status": None}], ", line 2: no capture"),
        ([HEADER, {**CAPTURE, "error": "tired"}], ", line 2: no capture (unknown error 'tired')"),
        ([HEADER, {**CAPTURE, "headers": ["etag"]}], ", line 2: no capture"),
        ([HEADER, {**CAPTURE, "body_base64": "?"}], ", line 2: no capture"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, lines: list[object], words: str) -> None:
    assert refused(written(tmp_path, *lines)).startswith(words)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.jsonl") == ": cannot be read (No such file or directory)"


def test_a_folder_is_none(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path)


@pytest.mark.parametrize("ending", [".jsonl.gz", ".jsonl.xz"])
def test_a_cut_off_file_is_said_to_be_one(tmp_path: Path, ending: str) -> None:
    path = written(tmp_path, HEADER, *[{**CAPTURE, "url": f"https://a/{n * 7919}"} for n in range(2000)], ending=ending)
    path.write_bytes(path.read_bytes()[:-40])
    assert "cannot be read" in refused(path)


@pytest.mark.parametrize("ending", [".jsonl.gz", ".jsonl.xz"])
def test_a_damaged_file_is_said_to_be_one(tmp_path: Path, ending: str) -> None:
    path = written(tmp_path, HEADER, *[{**CAPTURE, "url": f"https://a/{n * 7919}"} for n in range(2000)], ending=ending)
    packed = bytearray(path.read_bytes())
    packed[200:240] = b"\xff" * 40
    path.write_bytes(packed)
    assert "cannot be read" in refused(path)


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, CAPTURE)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_header(path)["title"] == "t"
    assert len([*read_captures(path)]) == 1


@pytest.mark.parametrize("ending", [".jsonl.gz", ".jsonl.xz"])
def test_a_file_that_is_not_what_its_name_says(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"r{ending}"
    path.write_bytes(b"no packed file at all")
    assert "cannot be read" in refused(path)


@pytest.mark.parametrize("ending", PACK)
def test_an_empty_file_is_none(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"r{ending}"
    path.write_bytes(b"")
    assert refused(path)


@given(
    st.dictionaries(
        st.sampled_from([*CAPTURE, "error", "headers", "body_base64"]),
        st.none() | st.integers() | st.text() | st.lists(st.none()),
    )
)
def test_no_line_is_too_odd_to_be_refused(line: dict[str, object]) -> None:
    with suppress(UsageError):
        assert isinstance(capture_of(Path("r"), 2, {**CAPTURE, **line}), Capture)
