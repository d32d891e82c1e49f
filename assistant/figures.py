"""What is counted while the daemon runs: for Prometheus at once, for the statistics in batches."""

from __future__ import annotations

from assistant.metrics import Ledgers, Metrics
from assistant.statistics import Statistics
from pipeline.events import EventFeed


class Figures:
    """Metrics that observe the feed, and one ledger for both."""

    def __init__(self, feed: EventFeed, statistics: Statistics | None) -> None:
        self.metrics = Metrics()
        self.ledger = Ledgers([self.metrics, *([statistics] if statistics is not None else [])])
        feed.subscribe(self.metrics)
