"""The commands, as a person or a script meets them: what is printed where, and the exit code."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import orjson
import pytest

from bot.cli import main

ROOT = Path(__file__).parents[1]
RECORDING = str(files("bot.demo") / "microsoft-365-2026-01-22.jsonl.xz")
SECRET = "https://hooks.example.com/very-secret-part"
COMMANDS = (
    *("run", "demo", "replay", "timeline", "status", "sources", "subscribe", "unsubscribe", "subscriptions"),
    *("merge", "split", "deliveries", "deliveries retry", "db", "db upgrade", "why", "audit"),
)
HEAVY = ("discord", "tweepy", "slack_sdk", "slack_bolt", "sqlalchemy", "aiohttp", "alembic", "feedparser", "pydantic")


@dataclass(frozen=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Place:
    """A folder of its own, in which commands are given with an environment of their own, in this process."""

    folder: Path
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    def say(self, *words: str, env: Mapping[str, str] | None = None) -> Said:
        self.capture.readouterr()
        with self.patch.context() as patch:
            patch.chdir(self.folder)
            patch.setattr("os.environ", {"HOME": str(self.folder), "COLUMNS": "80", **(env or {})})
            patch.setattr(sys, "argv", ["statusbot", *words])
            with pytest.raises(SystemExit) as end:
                main()
        out, err = self.capture.readouterr()
        assert isinstance(end.value.code, int)
        assert "Traceback" not in err
        return Said(end.value.code, out, err)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)


def process(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """The program in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "bot", *words],
        cwd=folder,
        env={"HOME": str(folder), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(tmp_path, monkeypatch, capsys)


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose database holds the evening of 22 January 2026."""
    folder = tmp_path_factory.mktemp("played")
    program = process(folder, "replay", "--json", "--database", "sqlite:///statusbot.db", RECORDING)
    out, err = program.communicate(timeout=60)
    assert (program.returncode, err) == (0, b"")
    assert len(json.loads(out)["incidents"]) == 1
    return folder


@pytest.fixture
def played(evening: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(evening, monkeypatch, capsys)


def refused(said: Said) -> str:
    """The one line of a command that was refused, with nothing else said anywhere."""
    assert (said.code, said.out) == (2, "")
    (line,) = said.err.splitlines()
    assert line.startswith("statusbot: ")
    return line


# --- help --------------------------------------------------------------------------------------------------------


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


# --- recordings --------------------------------------------------------------------------------------------------


def test_replay_prints_the_timeline_as_json_and_leaves_nothing_behind(here: Place) -> None:
    said = here.say("replay", "--json", RECORDING)
    (incident,) = json.loads(said.out)["incidents"]
    assert (said.code, said.err) == (0, "")
    assert incident["references"] == ["MO1221364"]
    assert incident["provider"] == {"id": "microsoft-365", "name": "Microsoft 365"}
    assert list(here.folder.iterdir()) == []


def test_replay_to_a_destination_delivers(here: Place) -> None:
    said = here.say("replay", "--to", "console", RECORDING)
    assert said.code == 0
    assert said.out.count("[MO1221364]") > 10


BAD_RECORDINGS = {
    "is not there": None,
    "is empty": "",
    "is no recording": "hello\n",
    "has another header": '{"recording": "statusbot/9"}\n',
    "is cut short": '{"recording": "statusbot/1", "title": "t", "providers": []}\n{"at": "2026-01-22T19:3',
    "has a capture of nobody": '{"recording": "statusbot/1", "title": "t", "providers": []}\n'
    '{"at": "2026-01-22T19:37:12Z", "source": "a/b", "url": "", "status": 200, "headers": {}, "body": ""}\n',
}


@pytest.mark.parametrize("what", BAD_RECORDINGS)
def test_a_recording_that_is_none_is_refused_by_its_name(here: Place, what: str) -> None:
    text = BAD_RECORDINGS[what]
    if text is not None:
        here.write("bad.jsonl", text)
    assert "bad.jsonl" in refused(here.say("replay", "bad.jsonl"))


def test_the_demo_tells_the_evening(here: Place) -> None:
    said = here.say("demo", "--seconds", "0")
    story = (
        "We're investigating a potential issue impacting multiple Microsoft 365",  # the first post on X
        "The status page has not answered since 19:41 UTC (429 Too Many Requests)",
        "A portion of dependent service infrastructure in the North America region",  # the page's other words
        "The status page answers again, after 40 min.",
        "We've restored access to the affected services",
        "What a reader of the status page alone would have known",
        "19:37 UTC  X tells of it",
        "20:20 UTC  the page's first word, 43 min after X",
        "the page could not be read for 7 h 12 min",
    )
    places = [said.out.find(words) for words in story]
    assert said.code == 0
    assert -1 not in places
    assert places == sorted(places)
    assert max(map(len, said.out.splitlines())) <= 80
    assert list(here.folder.iterdir()) == []


@pytest.mark.parametrize("words", [("demo", "--seconds", "0"), ("replay", "--json", RECORDING), ("--help",)])
def test_a_reader_that_goes_away_ends_the_program_quietly(here: Place, words: tuple[str, ...]) -> None:
    program = process(here.folder, *words)
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.close()
    err = program.stderr.read()
    assert program.wait(60) == 1
    assert b"Traceback" not in err
    assert b"Exception" not in err
    assert err.count(b"nobody reads standard output") <= 1  # not once for every card of the demo
    program.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_an_output_that_is_full_is_told_in_the_systems_words(here: Place) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "bot", "status"]
        done = subprocess.run(
            command, cwd=here.folder, env={"PYTHONPATH": str(ROOT)}, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode != 0
    assert "statusbot: the system refused: No space left on device" in done.stderr.decode().splitlines()


# --- what is known -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["timeline", "status", "sources", "subscriptions", "deliveries"])
def test_asking_where_there_is_no_database_says_so_and_makes_none(here: Place, command: str) -> None:
    said = here.say(command)
    assert said.code == 0
    assert said.out.strip()
    assert "there is no database statusbot.db yet" in said.err
    assert list(here.folder.iterdir()) == []


def test_without_a_database_nothing_is_known_to_be_well(here: Place) -> None:
    assert here.say("status").out.startswith("Microsoft 365: unknown: not asked yet")


def test_the_status_as_json_has_each_source_with_its_belief_and_its_lag(played: Place) -> None:
    (provider,) = json.loads(played.say("status", "--json").out)["providers"]
    assert provider["id"] == "microsoft-365"
    assert {source["id"].partition("/")[2] for source in provider["sources"]} >= {"page", "x"}
    assert all({"belief", "since", "reason", "ours", "lag"} <= source.keys() for source in provider["sources"])


def test_the_timeline_of_a_folder(played: Place) -> None:
    said = played.say("timeline")
    assert (said.code, said.err) == (0, "")
    assert "MO1221364" in said.out
    assert "Identified · X (@MSFT365Status) · 2026-01-22 20:14 UTC" in said.out
    assert [line for line in said.out.splitlines() if len(line) > 80 and "://" not in line] == []
    assert len(json.loads(played.say("timeline", "--json").out)["incidents"]) == 1


@pytest.mark.parametrize("filters", [["--open"], ["--since", "24h"], ["--provider", "microsoft-365", "--open"]])
def test_the_timeline_is_filtered(played: Place, filters: list[str]) -> None:
    assert json.loads(played.say("timeline", "--json", *filters).out)["incidents"] == []
    assert played.say("timeline", *filters).out == "nothing stands there\n"


def test_a_provider_that_nobody_watches_is_refused_with_the_nearest(played: Place) -> None:
    line = refused(played.say("timeline", "--provider", "microsfot-365"))
    assert 'did you mean "microsoft-365"?' in line


def test_sources_tells_how_far_each_can_be_believed(played: Place) -> None:
    said = played.say("sources")
    assert (said.code, said.err) == (0, "")
    page, x, graph = said.out.splitlines()
    assert "last change" in page
    assert "not asked: X_BEARER_TOKEN not set" in x
    assert "not asked: MSGRAPH_TENANT_ID" in graph


def test_the_kinds_of_sources_are_listed(here: Place) -> None:
    said = here.say("sources", "--kinds")
    assert [line.split()[0] for line in said.out.splitlines()][:3] == ["statuspage", "feed", "x"]


def test_why_tells_the_evening_in_sentences(played: Place) -> None:
    said = played.say("why", "MO1221364")
    assert (said.code, said.err) == (0, "")
    flat = " ".join(said.out.split())
    assert "opened it: the first that was heard of it." in flat
    assert "joined because it names MO1221364." in flat
    assert "joined because microsoft-365/graph itself files it there." in flat
    assert flat.endswith("Who is told: Nobody is subscribed.")
    assert [line for line in said.out.splitlines() if len(line) > 80] == []
    assert played.say("why", "mo1221364", "console").out.endswith("console has no subscription.\n")


def test_why_of_what_is_not_known_is_refused(played: Place) -> None:
    assert 'INCIDENT: "MO1" is none that is known' in refused(played.say("why", "MO1"))
    assert '"pager" is no kind of destination' in refused(played.say("why", "MO1221364", "pager:1"))


def test_audit_of_the_evening_misses_nothing_and_leaves_nothing_behind(here: Place) -> None:
    said = here.say("audit", RECORDING)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("nothing untold: 14 reports, 1 incident, 1 end, told by ")
    assert list(here.folder.iterdir()) == []


def test_audit_with_labels_that_know_better_fails(here: Place) -> None:
    here.write("labels.json", '{"reports": {"microsoft-365/x|1": "MO1221364"}}')
    said = here.say("audit", RECORDING, "--labels", "labels.json")
    assert said.code == 1
    assert said.out.startswith("report: microsoft-365/x|1\n    it is labelled, but stands on no timeline\n1 untold")
    here.write("labels.json", "[]")
    assert "--labels labels.json: no labels" in refused(here.say("audit", RECORDING, "--labels", "labels.json"))
    assert "--labels none.json: cannot be read" in refused(here.say("audit", RECORDING, "--labels", "none.json"))


# --- subscriptions -----------------------------------------------------------------------------------------------


def test_subscriptions_come_and_go(here: Place) -> None:
    here.write("statusbot.toml", '[[subscription]]\nto = "console"\nmin_impact = "major"\n')
    made = here.say("subscribe", "console", "microsoft-365", "--component", "Outlook", "--min-impact", "minor")
    assert (made.code, made.err) == (0, "")
    assert made.out.startswith("console <- microsoft-365 (post; from minor impact; components Exchange Online)")
    both = sorted(here.say("subscriptions").out.splitlines())
    assert [line.rpartition("[")[2] for line in both] == ["statusbot.toml]", "command]"]
    assert here.say("unsubscribe", "console").out.startswith("removed: console <- microsoft-365")
    assert "no such subscription" in refused(here.say("unsubscribe", "console"))
    assert len(here.say("subscriptions").out.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("slack:C1", "microsoft-365"), "SLACK_BOT_TOKEN"),
        (("teams:ops", "microsoft-365"), "TEAMS_WEBHOOK_OPS"),
        (("console", "acme"), '"acme", which is not watched; add it to `watch`'),
        (("pager:1", "microsoft-365"), '"pager" is no kind of destination'),
        ((SECRET, "microsoft-365"), "is no kind of destination"),
        (("console", "microsoft-365", "--min-impact", "bad"), '"bad" is no impact'),
        (("console", "microsoft-365", "--mode", "loud"), '"loud" is no mode'),
        (("console",), "PROVIDER"),
    ],
)
def test_a_subscription_that_cannot_be_is_refused(here: Place, words: tuple[str, ...], names: str) -> None:
    line = refused(here.say("subscribe", *words))
    assert names in line
    assert "very-secret" not in line


# --- the outbox --------------------------------------------------------------------------------------------------


def test_a_split_lasts_and_is_undone_by_a_merge(here: Place, evening: Path) -> None:
    shutil.copy(evening / "statusbot.db", here.folder)
    (whole,) = json.loads(here.say("timeline", "--json").out)["incidents"]
    told = whole["incident_updates"][0]["reports"][0]
    report = f"{told['source']}|{told['native_id']}"
    apart = here.say("split", "MO1221364", report)
    assert (apart.code, apart.err) == (0, "")
    name = apart.out.split()[2]
    found = json.loads(here.say("timeline", "--json").out)["incidents"]
    assert sorted(entry["id"] for entry in found) == sorted([name, whole["id"]])
    assert here.say("replay", "--database", "sqlite:///statusbot.db", RECORDING).code == 0
    assert len(json.loads(here.say("timeline", "--json").out)["incidents"]) == 2
    one = here.say("merge", whole["id"], name)
    assert (one.code, one.err) == (0, "")
    assert one.out.startswith(f"now one: {whole['id']} ")
    (again,) = json.loads(here.say("timeline", "--json").out)["incidents"]
    assert len(again["incident_updates"]) == len(whole["incident_updates"])


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["merge", "MO1221364", "MO9"], "there is no incident 'MO9'"),
        (["merge", "MO1221364", "MO1221364"], "one incident already"),
        (["merge", "MO1221364"], "B"),
        (["split", "MO9", "microsoft-365/x|1"], "there is no incident 'MO9'"),
        (["split", "MO1221364", "microsoft-365/x|1"], "no report 'microsoft-365/x|1'"),
    ],
)
def test_a_correction_that_cannot_be_is_one_line(played: Place, words: list[str], names: str) -> None:
    assert names in refused(played.say(*words))


def test_deliveries_are_listed_and_what_failed_is_sent_again(here: Place) -> None:
    """The destination's address answers nothing: the port is closed, so that the delivery stays pending."""
    recording = here.folder / "one.jsonl"
    provider = {"id": "acme", "sources": [{"name": "f", "kind": "feed", "url": "https://a.example"}]}
    item = {"id": "1", "title": "Trouble", "content_text": "Down.", "date_published": "2026-01-22T19:37:00Z"}
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Acme", "items": [item]}
    capture = {"at": "2026-01-22T19:37:12Z", "source": "acme/f", "url": "https://a.example", "status": 200}
    header = {"recording": "statusbot/1", "title": "t", "providers": [provider]}
    header["subscriptions"] = [{"to": "webhook:gone"}]
    lines = [header, {**capture, "headers": {"content-type": "application/json"}, "body": json.dumps(feed)}]
    recording.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    env = {"STATUSBOT_DATABASE": "sqlite:///own.db"}
    said = here.say("replay", "one.jsonl", "--database", "sqlite:///own.db", env=env)
    assert said.code == 1
    (owed,) = json.loads(here.say("deliveries", "--json", env=env).out)["deliveries"]
    assert owed["state"] == "dead"
    assert "WEBHOOK_GONE" in here.say("deliveries", "--failed", env=env).out
    again = here.say("deliveries", "retry", str(owed["id"]), env=env)
    assert (again.code, again.err) == (0, "")
    (owed,) = json.loads(here.say("deliveries", "--json", env=env).out)["deliveries"]
    assert owed["state"] == "pending"
    assert here.say("deliveries", "--failed", env=env).out == "nothing failed\n"


def test_a_delivery_that_did_not_fail_is_not_sent_again(here: Place) -> None:
    assert "see `statusbot deliveries --failed`" in refused(here.say("deliveries", "retry", "7"))


def test_the_database_is_made_by_upgrade(here: Place) -> None:
    said = here.say("db", "upgrade")
    assert (said.code, said.out, said.err) == (0, "the database is up to date\n", "")
    assert (here.folder / "statusbot.db").exists()
    assert here.say("timeline") == Said(0, "nothing stands there\n", "")


# --- wrong use and wrong configuration ---------------------------------------------------------------------------

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
