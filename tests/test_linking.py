"""The few incidents that the index finds decide as the whole neighbourhood would."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.core.link import link
from bot.core.place import LATEST
from bot.linking import FEW, join
from bot.model import Incident, Report, Status
from bot.ports import Ledger
from bot.store import open_store
from tests.bench.history import NOW, PHASES, SERVICES, WORDS, account, page_update, post
from tests.core.recorded import facts


def crowd(count: int = 40) -> list[Report]:
    """Incidents of one provider, one in an hour, told by the page and in posts that bear no name; oldest first."""
    found = []
    for number in range(count):
        begin, service = NOW + timedelta(minutes=61 * number), SERVICES[number % len(SERVICES)]
        for place, (words, status) in enumerate(zip(account(number), PHASES, strict=True)):
            at = begin + timedelta(minutes=25 * place)
            found.append(page_update(f"t{number}", words, at, status, service))
            if place != 2:
                found.append(post(f"x{number}-{place}", words, at + timedelta(minutes=3)))
        if number % 3 == 0:
            words = f"The {service} service recovers slowly and some customers still wait."
            found.append(post(f"loose{number}", words, begin + timedelta(minutes=58)))
    return sorted(found, key=lambda report: report.at)


async def joined(reports: Sequence[Report | Sequence[Report]], likeness: bool = True) -> list[Incident]:
    """The timeline of reports that come one by one (a list: together)."""
    store = open_store("sqlite://")
    await store.upgrade()

    def work(ledger: Ledger, report: Report | Sequence[Report]) -> None:
        fresh = [report] if isinstance(report, Report) else report
        ledger.save(join(ledger, fresh, WORDS, likeness=likeness))

    for report in reports:
        await store.write(lambda ledger, report=report: work(ledger, report))  # type: ignore[misc]
    every: list[Incident] = await store.read(lambda ledger: ledger.timeline())
    await store.close()
    return every


def at_once(reports: Sequence[Report]) -> list[Incident]:
    return [change.incident for change in link([], reports, WORDS)]


async def test_in_a_crowd_the_index_finds_what_all_together_give() -> None:
    reports = crowd()
    every = at_once(reports)
    assert facts(await joined(reports)) == facts(every)
    assert len(every) >= 40
    assert any(len(update.reports) == 2 for incident in every for update in incident.updates)


async def test_what_comes_late_finds_its_place_in_a_crowd() -> None:
    reports = crowd(14)
    late = [report for report in reports if report.id.endswith("x3-1")]
    rest = [report for report in reports if report not in late]
    assert facts(await joined([*rest, *late])) == facts(at_once(reports))


async def test_what_was_in_doubt_is_not_decided_again_without_those_that_it_was_between() -> None:
    """A post of months ago that stays open is within reach of everything; what it was compared with is not."""
    words, over = (
        "We have identified an issue with sign-in to printing and scanning.",
        "This incident has been resolved.",
    )
    then = [
        page_update("a", words, NOW, Status.IDENTIFIED, "Mail"),
        page_update("b", words, NOW + timedelta(minutes=1), Status.IDENTIFIED, "Mail"),
        post("x1", words, NOW + timedelta(minutes=3)),
        post("x2", words, NOW + timedelta(minutes=9)),
        page_update("a", over, NOW + timedelta(hours=4), Status.RESOLVED, "Mail"),
        page_update("b", over, NOW + timedelta(hours=5), Status.RESOLVED, "Mail"),
    ]
    later = NOW + timedelta(days=90)
    batch = [page_update(f"c{n}", f"Queue {n} is slow.", later, Status.IDENTIFIED, "Mail") for n in range(FEW + 1)]
    before = {frozenset(incident.joined) for incident in await joined(then)}
    after = {frozenset(incident.joined) for incident in await joined([*then, batch])}
    assert len(before) == 4
    assert before <= after


async def test_a_report_among_the_newest_reads_no_neighbourhood() -> None:
    """What it asks of the ledger is bounded, however crowded its neighbourhood is."""
    asked: list[str] = []

    class Counting:
        def __init__(self, ledger: Ledger) -> None:
            self._ledger = ledger

        def __getattr__(self, name: str) -> object:
            asked.append(name)
            return getattr(self._ledger, name)

    store = open_store("sqlite://")
    await store.upgrade()
    reports = crowd(14)
    await store.write(lambda ledger: ledger.save(link([], reports, WORDS)))
    newest = post(
        "new", "The Mail service recovers slowly and some still wait.", reports[-1].at + timedelta(minutes=20)
    )
    await store.read(lambda ledger: join(Counting(ledger), [newest], WORDS, likeness=True))  # type: ignore[arg-type]
    await store.close()
    assert asked == ["near", "likely", "corrections"]


async def test_words_find_an_incident_that_others_have_outspoken() -> None:
    store = open_store("sqlite://")
    await store.upgrade()
    reports = crowd(14)
    await store.write(lambda ledger: ledger.save(link([], reports, WORDS)))
    begin, until = reports[0].at - timedelta(hours=1), reports[-1].at
    latest = await store.read(lambda ledger: ledger.likely("acme", [], begin, until))
    alike = await store.read(lambda ledger: ledger.likely("acme", ["c2", "chat"], begin, until))
    nobody = await store.read(lambda ledger: ledger.likely("other", ["c2", "chat"], begin, until))
    await store.close()
    assert any(reports[-1].id in incident.joined for incident in latest)
    assert len(latest) == LATEST
    assert any("cluster c2" in update.text for incident in alike for update in incident.updates)
    assert not any("cluster c2" in update.text for incident in latest for update in incident.updates)
    assert nobody == []
