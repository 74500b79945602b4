"""`statusbot audit`: recordings that are told whole, and hearings in which something is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from bot.audit import Hearing, Listener, Miss, against, audit_words, listen, misses, read_labels
from bot.errors import Unreadable, UsageError
from bot.model import Act, Capture, Directory, Incident, Item, Mode, Notice, Status, Update
from bot.reading import Reading
from bot.store import open_store
from tests.core.recorded import RECORDINGS
from tests.store.build import T0, at, incident, report, update

LATER = report("2", minutes=30)
OPEN = incident("i1", update(report("1", minutes=10)))
MORE = incident("i1", *OPEN.updates, update(LATER))
OVER = replace(
    MORE, updates=(*OPEN.updates, update(LATER, status=Status.RESOLVED)), status=Status.RESOLVED, resolved_at=at(30)
)


def heard(now: Incident, *notices: Notice, history: Iterable[str] = ()) -> Hearing:
    """What was told of one incident; `history`: the reports that were none of the news when first read."""
    return Hearing([now], Directory(), list(notices), {("acme/page", ""): T0}, set(history))


def seen(minutes: float, now: Incident) -> Incident:
    """An incident whose reports were first seen so many minutes after T0."""
    told = (tuple(replace(it, first_seen_at=at(minutes)) for it in update.reports) for update in now.updates)
    return replace(now, updates=tuple(replace(it, reports=them) for it, them in zip(now.updates, told, strict=True)))


def notice(now: Incident, *updates: Update, act: Act = Act.REPLY) -> Notice:
    return Notice(now, updates or now.updates[-1:], act)


CREATE = notice(OPEN, act=Act.CREATE)


async def hearing_of(*paths: Path, mode: Mode = Mode.THREAD) -> Hearing:
    store = open_store("sqlite://")
    await store.upgrade()
    try:
        return await listen(paths, store, mode)
    finally:
        await store.close()


# --- recordings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "mode"), [*((name, Mode.THREAD) for name in sorted(RECORDINGS)), ("digitalocean-2022-01", Mode.POST)]
)
async def test_nothing_of_a_recording_goes_untold(name: str, mode: Mode) -> None:
    hearing = await hearing_of(RECORDINGS[name], mode=mode)
    assert hearing.notices
    assert [miss for miss in misses(hearing) if not miss.silent] == []


async def test_a_message_lost_on_its_way_is_missed() -> None:
    """Each call of the evening in turn is taken out of what was told: the audit sees it every time."""
    hearing = await hearing_of(RECORDINGS["digitalocean-2022-01"])
    calls = list(hearing.calls)
    for lost in calls:
        rest = replace(hearing, notices=[told for told in hearing.notices if told is not lost])
        assert [miss for miss in misses(rest) if not miss.silent], lost.key


async def test_a_recording_s_own_subscriptions_are_sent_nothing(tmp_path: Path) -> None:
    """Its destination would be refused for want of a token, were it asked; here it hears with the listener."""
    page = {"name": "f", "kind": "feed", "url": "https://a.example"}
    header = {"recording": "statusbot/1", "title": "t", "providers": [{"id": "acme", "sources": [page]}]}
    header["subscriptions"] = [{"to": "slack:C1"}]
    item = {"id": "1", "title": "Trouble", "content_text": "Down.", "date_published": "2026-01-22T19:37:00Z"}
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Acme", "items": [item]}
    capture = {"at": "2026-01-22T19:37:12Z", "source": "acme/f", "url": "https://a.example", "status": 200}
    lines = [header, {**capture, "headers": {"content-type": "application/json"}, "body": orjson.dumps(feed).decode()}]
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    hearing = await hearing_of(path)
    assert len(hearing.notices) == 2  # the audit's own, and what slack:C1 would have been sent
    assert misses(hearing) == []


# --- what is missing ---------------------------------------------------------------------------------------------


def kinds(hearing: Hearing) -> list[tuple[str, bool]]:
    return [(miss.kind, miss.silent) for miss in misses(hearing)]


def test_a_told_incident_has_no_misses() -> None:
    assert kinds(heard(OVER, CREATE, notice(OVER))) == []


def test_an_incident_that_was_told_to_nobody() -> None:
    (miss,) = misses(heard(OVER))
    assert (miss.kind, miss.silent) == ("incident", False)
    assert (miss.what, miss.why) == ('i1 "Trouble"', "no message was owed for any of it")


def test_history_at_the_first_sight_of_its_source_is_silent() -> None:
    (miss,) = misses(heard(OVER, history=["acme/page|1", "acme/page|2"]))
    assert (miss.kind, miss.silent) == ("incident", True)
    assert "it was history when acme/page was first read, at 2026-01-22 19:10 UTC" in miss.why


def test_an_afterword_to_history_is_as_silent_but_what_goes_on_is_not() -> None:
    assert kinds(heard(OVER, history=["acme/page|1"])) == [("incident", True)]
    assert kinds(heard(MORE, history=["acme/page|1"])) == [("incident", False)]


def test_an_update_that_was_told_to_nobody() -> None:
    (miss,) = misses(heard(MORE, CREATE))
    assert (miss.kind, miss.silent) == ("report", False)
    assert miss.what.startswith("acme/page|2 2026-01-22 19:30 UTC")


def test_an_edit_alone_is_not_telling() -> None:
    assert kinds(heard(MORE, CREATE, notice(MORE, act=Act.EDIT))) == [("report", False)]


def test_an_older_update_at_the_first_sight_of_its_source_is_silent() -> None:
    archive = report("a", "acme/feed", minutes=20, text="An older account")
    both = incident("i1", *OPEN.updates, update(archive))
    assert kinds(heard(both, CREATE, history=["acme/feed|a"])) == [("report", True)]


def test_history_is_what_was_not_open_when_its_source_was_first_read() -> None:
    hearing, capture = Hearing(), Capture(at(60), "acme/page", "https://a.example", 200)
    other = incident("i3", update(report("o", "acme/x")), status=Status.RESOLVED)
    hearing.look_back(capture, [seen(60, it) for it in (OVER, incident("i2", update(report("5"))), other)])
    assert hearing.history == {"acme/page|1", "acme/page|2"}


def test_what_was_seen_before_another_document_was_first_read_is_no_history_of_that() -> None:
    hearing = Hearing()
    hearing.look_back(Capture(at(60), "acme/page", "https://a.example/past", 200), [seen(30, OVER)])
    assert hearing.history == set()


def test_what_ends_an_incident_that_was_told_as_open_is_no_history() -> None:
    capture = Capture(at(60), "acme/page", "https://a.example", 200)
    told_open, told_whole = heard(OVER, CREATE), heard(OVER, CREATE, notice(OVER))
    told_open.look_back(capture, [seen(60, OVER)])
    told_whole.look_back(capture, [seen(60, OVER)])
    assert (told_open.history, told_whole.history) == (set(), {"acme/page|1", "acme/page|2"})


def test_what_another_source_had_said_already_is_told() -> None:
    echo = report("e", "acme/x", minutes=12)
    both = incident("i1", update(report("1", minutes=10), echo))
    assert kinds(heard(both, CREATE)) == []


def test_what_was_one_statement_with_a_told_one_until_that_was_edited_is_told() -> None:
    """The page's words are edited after a post has repeated them: now it stands alone, but its words were told."""
    repeated = update(report("e", "acme/x", minutes=12, text="words of 1"))
    apart = incident("i1", update(report("1", minutes=10, text="Quite another account")), repeated)
    assert kinds(heard(apart, CREATE)) == []
    other = update(report("e", "acme/x", minutes=12, text="A fix is being rolled out"))
    assert kinds(heard(replace(apart, updates=(apart.updates[0], other)), CREATE)) == [("report", False)]
    late = update(report("e", "acme/x", minutes=200, text="words of 1"))
    assert kinds(heard(replace(apart, updates=(apart.updates[0], late)), CREATE)) == [("report", False)]


def test_an_observation_that_was_told_to_nobody() -> None:
    seen = incident("i1", *OPEN.updates, update(name="seen", minutes=20, text="The page has not answered."))
    (miss,) = misses(heard(seen, CREATE))
    assert miss.what.startswith("observed 2026-01-22 19:20 UTC")
    assert kinds(heard(seen, CREATE, notice(seen))) == []


def test_an_end_that_was_told_to_nobody() -> None:
    """The closing words were told, but nobody was told since that they close it."""
    told_open = notice(MORE)
    (miss,) = misses(heard(OVER, CREATE, told_open))
    assert (miss.kind, miss.why) == ("end", "the last that was told of it calls it open")
    (miss,) = misses(heard(OVER, CREATE, told_open, notice(OVER, act=Act.EDIT)))
    assert (miss.kind, miss.why) == ("end", "it was told by an edit only, which calls nobody")
    assert kinds(heard(OVER, CREATE, told_open, notice(OVER))) == []


def test_what_was_read_but_stands_nowhere() -> None:
    hearing = heard(OPEN, CREATE)
    capture = Capture(at(1), "acme/page", "https://a.example", 200)
    items = (Item("a", "t", "1"), Item("b", "t", "lost"), Item("c", "feed"), Item("d", "feed"))
    hearing.read(Reading(capture, items))
    lost = [miss.what for miss in misses(hearing) if not miss.silent]
    assert lost == ["acme/page|lost", "acme/page|feed"]


def test_a_capture_that_cannot_be_read_is_no_first_sight() -> None:
    hearing = Hearing()
    hearing.read(Reading(Capture(T0, "acme/page", "", 503), failure=Unreadable("503")))
    hearing.read(Reading(Capture(at(5), "acme/page", "", 200)))
    hearing.read(Reading(Capture(at(9), "acme/page", "", 200)))
    assert hearing.first_read == {("acme/page", ""): at(5)}


# --- labels ------------------------------------------------------------------------------------------------------


def test_labels_know_what_is_lost_split_and_merged() -> None:
    here = [incident("i1", update(report("1")), update(report("2"))), incident("i2", update(report("3")))]
    truth = {"acme/page|1": "A", "acme/page|2": "B", "acme/page|3": "A", "acme/page|4": "A"}
    assert against(truth, here) == [
        Miss("report", "acme/page|4", "it is labelled, but stands on no timeline"),
        Miss("split", "A", "it stands as i1, i2"),
        Miss("merged", "i1", "it holds A, B"),
    ]
    assert against({"acme/page|1": "A", "acme/page|3": "B"}, here) == []


def test_labels_of_several_files_are_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(f'{{"reports": {{"{name}/page|1": "{name}"}}, "apart": []}}')
    assert read_labels([tmp_path / "a", tmp_path / "b"]) == {"a/page|1": "a", "b/page|1": "b"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"reports": 7}', '{"reports": ["a"]}'])
def test_labels_that_are_none_are_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(UsageError, match=r"labels\.json"):
        read_labels([tmp_path / "labels.json"])


# --- in words ----------------------------------------------------------------------------------------------------


def test_what_was_rightly_silent_is_listed_on_request_only() -> None:
    hearing, found = heard(OVER, CREATE), [Miss("end", "a", "b"), Miss("incident", "c", "d", silent=True)]
    last = "1 untold: 2 reports, 1 incident, 1 end, told by 1 message and 0 edits; 1 learnt in silence"
    assert audit_words(hearing, found).splitlines() == ["end: a", "    b", last]
    assert audit_words(hearing, found, everything=True).splitlines()[2:4] == ["incident: c", "    d"]
    assert audit_words(hearing, []).startswith("nothing untold")


async def test_the_listener_keeps_what_it_is_told() -> None:
    listener = Listener()
    listener.render(CREATE)
    assert listener.notices == [CREATE]
