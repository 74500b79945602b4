"""What was counted, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from bot.model import State


@dataclass(frozen=True, slots=True)
class Counts:
    """What there is to tell."""

    deliveries: Mapping[tuple[str, State], int] = field(default_factory=dict)  #: by kind and state, as they stand now
    polls: Mapping[tuple[str, str], int] = field(default_factory=dict)  #: by source and outcome, since the start
    requests: Mapping[tuple[str, int], int] = field(default_factory=dict)  #: by path and status, since the start
    troubles: int = 0  #: of our own that stand
    alive: bool = True
    ready: bool = True


def text(counts: Counts) -> bytes:
    """The counts as Prometheus reads them."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(counts))
    return generate_latest(registry)


class _Once:
    """A collector of what was counted already."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """The families."""
        it = self._counts
        deliveries = GaugeMetricFamily(
            "statusbot_deliveries", "Deliveries in the outbox, as they stand.", labels=("kind", "state")
        )
        for (kind, state), number in sorted(it.deliveries.items()):
            deliveries.add_metric((kind, state.value), number)
        polls = CounterMetricFamily("statusbot_polls", "Polls since the start.", labels=("source", "outcome"))
        for (source, outcome), number in sorted(it.polls.items()):
            polls.add_metric((source, outcome), number)
        requests = CounterMetricFamily(
            "statusbot_http_requests", "Requests answered since the start.", labels=("path", "status")
        )
        for (path, status), number in sorted(it.requests.items()):
            requests.add_metric((path, str(status)), number)
        yield from (deliveries, polls, requests)
        yield GaugeMetricFamily("statusbot_troubles", "Troubles of our own that stand.", value=it.troubles)
        yield GaugeMetricFamily("statusbot_alive", "1 while every loop goes round.", value=it.alive)
        yield GaugeMetricFamily("statusbot_ready", "1 while it does its work.", value=it.ready)
