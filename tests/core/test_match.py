from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.match import (
    Vocabulary,
    alike,
    content_words,
    goes_on_as,
    id_keys,
    ids_in,
    link_key,
    opens_account,
    overlap,
    phase_of,
    squeezed,
    union,
)
from bot.model import Status
from tests.core.build import NAMES

# --- names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("More details under MO1221364, if accessible", ["MO1221364"]),
        ("see MO244568 or EX226792.", ["MO244568", "EX226792"]),
        ("the admin center post M0244568", ["MO244568"]),
        ("TM4O2718 in the admin center", ["TM402718"]),
        ("MO821132/MO821133", ["MO821132", "MO821133"]),
        ("(MO1020913)", ["MO1020913"]),
        ("MO244568, and again M0244568", ["MO244568"]),
        ("#MO244568", ["MO244568"]),
    ],
)
def test_incident_ids_are_found_typing_errors_mended(text: str, found: list[str]) -> None:
    assert ids_in(text) == found
    assert id_keys(text) == {f"id:{name}" for name in found}


@pytest.mark.parametrize(
    "text",
    [
        "KB5034441 is out",
        "message center post MC123456",
        "at 20260122 UTC, 00123456",
        "MO12213641234",
        "MO1234",
        "mo1221364",
        "https://t.co/aMO244568b",
        "call +1 555 0123456",
        "error AADSTS50058",
        "",
    ],
)
def test_what_only_looks_like_an_id_is_none(text: str) -> None:
    assert ids_in(text) == []


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("https://stspg.io/3h75kmj2jrqw", "url:stspg.io/3h75kmj2jrqw"),
        ("https://www.githubstatus.com/incidents/1g1gkh0qpyvs", "url:githubstatus.com/incidents/1g1gkh0qpyvs"),
        (
            "http://githubstatus.com/incidents/1g1gkh0qpyvs/?utm_source=x#top",
            "url:githubstatus.com/incidents/1g1gkh0qpyvs",
        ),
        ("https://status.cloud.google.com/incident/zall/20009", "url:status.cloud.google.com/incident/zall/20009"),
        ("https://status.slack.com/2020-12/0a1b2c", "link:status.slack.com/2020-12/0a1b2c"),
        (" https://example.com/blog ", "link:example.com/blog"),
        ("https://www.githubstatus.com", ""),
        ("https://www.githubstatus.com/", ""),
        ("https://stspg.io/", ""),
        ("no address", ""),
        ("", ""),
    ],
)
def test_an_address_becomes_a_key_by_its_shape(address: str, key: str) -> None:
    assert link_key(address) == key


@pytest.mark.parametrize("page", ["https://status.acme.example/incidents", "https://status.acme.example/incidents/"])
def test_a_list_of_incidents_stands_for_none_of_them(page: str) -> None:
    assert not link_key(page).startswith("url:")


@pytest.mark.parametrize("address", ["https://[broken", "http://[::1", "https://a.example:port/incidents/1", "//"])
def test_an_ill_formed_address_is_no_key_and_no_error(address: str) -> None:
    assert link_key(address) in ("", "url:a.example/incidents/1")


# --- the vocabulary ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("EXO and Teams are slow", ("Exchange Online", "Microsoft Teams")),
        ("OUTLOOK ON THE WEB fails", ("Exchange Online",)),
        ("SharePoint Online, SharePoint", ("SharePoint Online",)),
        ("all steams and teamsters", ()),
        ("mail flow is stable", ("Exchange Online",)),
        ("", ()),
    ],
)
def test_components_are_found_by_any_of_their_names(text: str, found: tuple[str, ...]) -> None:
    assert NAMES.components_in(text) == found


def test_the_longest_name_wins() -> None:
    names = Vocabulary({"Defender": (), "Defender for Cloud Apps": (), "Cloud": ()})
    assert names.components_in("defender for cloud apps is down") == ("Defender for Cloud Apps",)
    assert names.components_in("Defender, Cloud") == ("Defender", "Cloud")


def test_names_with_signs_of_patterns_are_just_names() -> None:
    names = Vocabulary({"C++ (beta)": (), "a.b": ("[x]",)})
    assert names.components_in("our C++ (beta) is down, aXb is not") == ("C++ (beta)",)
    assert names.components_in("[x]") == ("a.b",)


def test_a_component_is_called_by_the_catalogues_name() -> None:
    assert NAMES.canonical(" exo ") == "Exchange Online"
    assert NAMES.canonical("Viva Engage") == "Viva Engage"
    assert NAMES.knows("Outlook on the Web")
    assert not NAMES.knows("Viva Engage")
    assert Vocabulary().knows("Viva Engage")


def test_regions_are_found_likewise() -> None:
    assert NAMES.regions_in("users in North America and EMEA") == ("North America", "Europe")


# --- words -------------------------------------------------------------------------------------------------------

POST = "Our engineering team has implemented a fix to resolve the issue with Managed Databases and is monitoring."


@pytest.mark.parametrize(
    "other",
    [
        POST,
        POST.upper(),
        f"{POST} https://stspg.io/05r18fqfmlj7",
        POST.replace(" ", "\n"),
        POST[:60].rsplit(" ", 1)[0] + "…",
        POST[:60].rsplit(" ", 1)[0] + "… https://stspg.io/05r18fqfmlj7",
        POST[:60].rsplit(" ", 1)[0] + "...",
    ],
)
def test_the_same_statement_is_known_in_other_dress(other: str) -> None:
    assert alike(POST, other) == alike(other, POST) == 1.0


@pytest.mark.parametrize(
    "other",
    [
        "Our engineering team is investigating an issue with Managed Databases.",
        "Our engineering…",
        "All is well.",
        "…",
        "",
    ],
)
def test_another_statement_is_not(other: str) -> None:
    assert alike(POST, other) < 0.9


@given(st.text(), st.text())
def test_likeness_is_between_0_and_1_and_the_same_both_ways(a: str, b: str) -> None:
    assert 0.0 <= alike(a, b) <= 1.0
    assert alike(a, b) == pytest.approx(alike(b, a))


def test_meaning_is_more_than_boilerplate() -> None:
    words = content_words("We're investigating an issue with Teams meetings. See https://status.example.com MO1221364")
    assert {"team", "meeting"} <= words <= {"team", "meeting", "see"}
    assert (
        content_words("We are investigating this issue. Please visit the admin center for more details.") == frozenset()
    )


def test_too_little_said_is_no_agreement() -> None:
    assert overlap(frozenset({"mail"}), frozenset({"mail"})) == 0
    assert overlap(frozenset({"mail", "meet", "join"}), frozenset({"mail", "meet", "join", "chat"})) == 1


@pytest.mark.parametrize(
    "text",
    [
        "A fix has been implemented and we are monitoring the results.",
        "The issue has been identified and a fix is being implemented.",
        "We are continuing to investigate this issue.",
        "This incident has been resolved.",
    ],
)
def test_what_every_vendor_says_of_everything_tells_nothing(text: str) -> None:
    assert overlap(content_words(text), content_words(text)) == 0.0


# --- phases ------------------------------------------------------------------------------------------------------

#: Sentences of the recordings, each read and judged by a person.
PHASES = {
    # over
    "Engineers have confirmed the issue impacting Azure Active Directory has been mitigated.": Status.RESOLVED,
    "This incident has been resolved.": Status.RESOLVED,
    "The issue with Cloud Logging has been resolved for all affected projects as of 18:14 US/Pacific.": Status.RESOLVED,
    "Final status: After an extended period of monitoring our network telemetry, we've confirmed the issue is now "
    "resolved.": Status.RESOLVED,
    "We've confirmed that the issue is resolved through monitoring telemetry and customer validation.": Status.RESOLVED,
    "Our engineering team has resolved the issue with multiple services in NYC2 region, and all services should now "
    "be operating normally.": Status.RESOLVED,
    "At this time, we are considering this issue resolved. No further updates.": Status.RESOLVED,
    "All impacted services have now fully recovered.": Status.RESOLVED,
    "This issue has been fixed. We are investigating the root cause and will publish a report.": Status.RESOLVED,
    # watched, and not over yet
    "The degradation affecting Actions has been mitigated. We are monitoring to ensure stability.": Status.MONITORING,
    "We have resolved the issue around 18:22 UTC, we will continue to monitor and provide updates as we have "
    "them.": Status.MONITORING,
    "The issue has been resolved, and services are now operating normally for all affected customers. We will "
    "continue to monitor closely to confirm stability.": Status.MONITORING,
    "Our engineering team has implemented a fix to resolve the issue with Managed Databases and is monitoring the "
    "situation. We will post an update as soon as the issue is fully resolved.": Status.MONITORING,
    "We've restored access to the affected services and confirmed that mail flow is stable. A small number of "
    "remaining affected services are being restored.": Status.MONITORING,
    "The majority of services are now recovered for most users. We're closely monitoring some residual impact for a "
    "subset customers located within North America.": Status.MONITORING,
    "Our telemetry indicates that a majority of impacted services are recovering following our change. We'll keep "
    "monitoring until impact has been resolved for all services": Status.MONITORING,
    "The service is continuing to recover and we're forecasting that the issue will be resolved within the next 3 "
    "hours. We're monitoring progress and will update our timeline should this change.": Status.MONITORING,
    "The root cause has been mitigated and most services have fully recovered. We are still monitoring for full "
    "recovery.": Status.MONITORING,
    "Service availability has mostly recovered with only a few service features still requiring attention. We'll "
    "continue to monitor the service while the remaining actions are completed.": Status.MONITORING,
    "Systems have recovered and we are monitoring.": Status.MONITORING,
    "We are starting to see recovery and are continuing to monitor as we mitigate.": Status.MONITORING,
    "We've reverted the suspected code to alleviate impact. We're monitoring telemetry to confirm "
    "recovery.": Status.MONITORING,
    # understood
    "We've confirmed the root cause and prepare a fix.": Status.IDENTIFIED,
    "We have identified the root cause of the outage and are working toward mitigation": Status.IDENTIFIED,
    "We've identified the underlying cause of the problem and are taking steps to mitigate impact. We'll provide an "
    "updated ETA on resolution as soon as one is available.": Status.IDENTIFIED,
    "rerouting traffic to alternate infrastructure to improve the user experience while we continue to investigate "
    "the issue": Status.IDENTIFIED,
    "We've determined that a recent deployment contained a broken connection to an internal storage service, which "
    "has resulted in impact. We're working to direct traffic to a healthy service to mitigate "
    "impact.": Status.IDENTIFIED,
    # looked into
    "We're investigating a potential issue impacting multiple Microsoft 365 services, including Outlook, Microsoft "
    "Defender and Microsoft Purview.": Status.INVESTIGATING,
    "We've received reports of users being unable to access Microsoft Teams or leverage any "
    "features.": Status.INVESTIGATING,
    "We're aware of an issue with Windows 365 Cloud PCs caused by a recent update to CrowdStrike Falcon Sensor "
    "software.": Status.INVESTIGATING,
    "We've received reports that the issue is no longer occurring for some users and we're continuing our "
    "investigation to confirm full recovery.": Status.INVESTIGATING,
    "Current status: We're reviewing service monitoring telemetry to isolate the root cause and develop a remediation "
    "plan.": Status.INVESTIGATING,
    "Current status: We're retrieving additional service monitoring telemetry for review as we're investigating the "
    "root cause.": Status.INVESTIGATING,
    # nothing of the kind
    "Monitoring telemetry shows errors.": None,
    "users may be unable to access multiple Microsoft 365 services.": None,
    "residual imbalances across the environment": None,
    "Service health has improved across multiple Microsoft 365 services": None,
    "We're carefully rebalancing traffic across all affected infrastructure in the region.": None,
    "We're facing delays in our recovery efforts and are taking immediate action to address them.": None,
    "Description: We believe the issue with Google Compute Engine is partially resolved.": None,
    "This issue with Cloud Console has not yet been fully resolved.": None,
    "clearing local DNS caches or temporarily lowering DNS TTL values may help ensure a quicker remediation....": None,
    "": None,
}


@pytest.mark.parametrize(("text", "phase"), PHASES.items(), ids=[text[:40] for text in PHASES])
def test_a_statement_claims_the_phase_that_a_person_reads_in_it(text: str, phase: Status | None) -> None:
    assert phase_of(text) is phase


@pytest.mark.parametrize(
    "text",
    [
        "We expect the issue to be resolved by 19:00 UTC.",
        "We will update you once the issue is resolved.",
        "The issue isn't resolved.",
        "The issue isn't fully resolved.",
        "The issue isn’t fully resolved.",
        "The issue has not been mitigated.",
        "If the issue is not resolved, restart.",
        "The issue is partially mitigated.",
        "We'll post again when the issue has been resolved.",
        "The issue is resolved for most users; we're still working on the rest.",
        "We have resolved the issue for most customers.",
        "We'll post again once this is fixed.",
        "Nothing has been fixed yet; we keep working.",
        "Until the cable is fixed calls may drop.",
        "Not all users have fully recovered.",
        "We hope that this is fixed by noon.",
        "An earlier incident was fixed, this one is new: we are investigating.",
    ],
)
def test_nothing_is_over_that_will_be_or_may_be(text: str) -> None:
    assert phase_of(text) is not Status.RESOLVED


@pytest.mark.parametrize(
    ("text", "opens"),
    [
        ("We're investigating an issue where users may be unable to access Microsoft Teams.", True),
        ("We've received reports of users being unable to access Microsoft Teams", True),
        ("We are currently investigating this issue.", True),
        ("We have identified an issue preventing people from watching streams.", True),
        ("Our telemetry indicates that Microsoft Teams functionality is beginning to recover.", False),
        ("This incident has been resolved.", False),
    ],
)
def test_a_new_account_begins_with_certain_words(text: str, opens: bool) -> None:
    assert opens_account(text) is opens


# --- any text ----------------------------------------------------------------------------------------------------


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    assert all(name[:2].isalpha() for name in ids_in(text))
    assert isinstance(link_key(text), str)
    assert phase_of(text) is None or isinstance(phase_of(text), Status)
    assert content_words(text) is not None
    assert squeezed(text) is not None
    assert opens_account(text) in (True, False)
    assert NAMES.components_in(text) is not None


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a ",
        "we ",
        "not ",
        "is ",
        "until resolved ",
        "https://",
        "a.",
        "M0",
        "we have confirmed ",
        "' ",
        "\n",
        "_",
        "has been ",
    ],
)
def test_a_long_text_takes_no_longer_than_its_length(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    begin = process_time()
    for ask in (ids_in, phase_of, content_words, squeezed, opens_account, link_key, NAMES.components_in):
        ask(text)
    assert process_time() - begin < 3, "a pattern goes back over what it has read"


def test_names_are_kept_once_letter_case_aside() -> None:
    assert union(["Mail", "Chat"], ["mail", "Files"]) == ("Mail", "Chat", "Files")


def test_a_single_word_with_a_capital_counts_only_as_it_is_written() -> None:
    vocabulary = Vocabulary({"Microsoft Teams": ("Teams",), "Microsoft To Do": ("To Do",), "Exchange Online": ()})
    assert vocabulary.components_in("Engineering teams have nothing to do with it") == ()
    assert vocabulary.components_in("members in the Teams … and To Do") == ("Microsoft Teams", "Microsoft To Do")
    assert vocabulary.components_in("EXCHANGE ONLINE") == ("Exchange Online",)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("This incident continues under MO1234567.", "MO1234567"),
        ("Please see EX123456 for further updates.", "EX123456"),
        ("Impact is now being tracked under the new incident TM765432 in the admin center.", "TM765432"),
        ("Further updates will be provided via MO1234567", "MO1234567"),
        ("This post was superseded by M01234567.", "MO1234567"),
        ("The investigation was consolidated into incident MO1234567", "MO1234567"),
        ("This is similar to MO1234567.", ""),
        ("Unrelated to EX123456, see EX123456 for further updates.", ""),
        ("Details are in the admin center under MO1234567 and EX123456.", ""),
        ("See TM111111 for further updates on calls; see EX222222 for further updates on mail.", ""),
        ("We continue to work on the issue.", ""),
    ],
)
def test_the_id_under_which_an_incident_goes_on(text: str, name: str) -> None:
    assert goes_on_as(text) == name
