"""Figures for Prometheus: counted as things happen, read when somebody scrapes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.events import (
    DeviceLostEvent,
    EventRecord,
    Interrupted,
    NoSpeechHeard,
    ProviderState,
    TranscriptReady,
    TurnEnd,
    WakeWord,
)
from pipeline.usage import Outcome, UsageLedger, Use

RESPONSE_S = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Borders of response times: people leave 0.2 s between turns, and lose patience after 2."""

STAGE_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0)

LAG_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)

LAG_EVERY_S = 0.5
"""Seconds between two looks at how late the loop is."""

MOST_WORDS = 20
"""Different wake words that are counted apart; more come from nobody."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure that is read when somebody asks."""

    name: str
    """Without the prefix ``assistant_``."""
    about: str
    read: Callable[[], Iterable[tuple[dict[str, str], float]]]
    """Labels and value of each series."""
    counter: bool = False
    """It only grows."""


class Metrics:
    """An observer of the event feed and a ``UsageLedger``."""

    MEDIA_TYPE = "text/plain; version=1.0.0; charset=utf-8"

    def __init__(self) -> None:
        disable_created_metrics()  # when each series began is of no use here
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        here: Any = {"registry": self.registry, "namespace": "assistant"}
        self._turns = Counter("turns", "Turns, by how they ended", ["outcome"], **here)
        self._response = Histogram(
            "response_seconds", "From the customer's last sound to the first of the answer", buckets=RESPONSE_S, **here
        )
        self._stages = Histogram("stage_seconds", "Where that time went", ["stage"], buckets=STAGE_S, **here)
        self._wake_words = Counter("wake_words", "Wake words heard", ["word"], **here)
        self._interruptions = Counter("interruptions", "Answers that were interrupted", **here)
        self._false_interruptions = Counter(
            "false_interruptions", "Interruptions after which nobody said anything", **here
        )
        self._losses = Counter("device_losses", "Sound devices that went", ["device"], **here)
        self._state = Counter("provider_failures", "Times that a provider began to fail", ["provider"], **here)
        self._first_audio = Histogram(
            "provider_seconds", "To the first sound of a voice, or the text of a recogniser, from the provider itself",
            ["stage", "provider"], buckets=STAGE_S, **here,
        )  # fmt: skip
        self._requests = Counter("provider_requests", "Work by providers", ["stage", "provider", "outcome"], **here)
        self._seconds = Counter("audio_seconds", "Audio seconds made or transcribed", ["stage", "provider"], **here)
        self._lag = Histogram("event_loop_lag_seconds", "How late the loop is", buckets=LAG_S, **here)
        self._words: set[str] = set()
        self._interrupted = False
        self._spoke = False
        self._failed = False
        self._readings: list[Reading] = []
        self.registry.register(_Readings(self._readings))
        self.read("build_info", "The program", lambda: [({"version": version("shop-assistant")}, 1.0)])

    def read(
        self,
        name: str,
        about: str,
        values: Callable[[], Iterable[tuple[dict[str, str], float]]],
        *,
        counter: bool = False,
    ) -> None:
        """Have a figure read whenever somebody scrapes; ``values`` must be quick."""
        self._readings.append(Reading(name, about, values, counter))

    def expose(self) -> bytes:
        """All, in Prometheus' text format."""
        return generate_latest(self.registry)

    async def run(
        self,
        sleep: Callable[[float], Any] = asyncio.sleep,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Measure for ever how late the loop is."""
        now = clock or asyncio.get_running_loop().time
        while True:
            before_s = now()
            await sleep(LAG_EVERY_S)
            self._lag.observe(max(0.0, now() - before_s - LAG_EVERY_S))

    def __call__(self, record: EventRecord) -> None:
        """The next event."""
        match record.event:
            case WakeWord(name=name):
                self._wake_words.labels(self._bounded(name)).inc()
                self._spoke = False
            case TranscriptReady():
                self._spoke, self._interrupted = True, False
            case NoSpeechHeard():
                if self._interrupted:
                    self._false_interruptions.inc()
                self._interrupted = False
            case Interrupted():
                self._interruptions.inc()
                self._interrupted = True
            case DeviceLostEvent(device=device):
                self._losses.labels(device).inc()
            case ProviderState(provider=provider, state="failing"):
                self._state.labels(provider).inc()
            case TurnEnd() as end:
                self._end(end)
            case _:
                pass

    def record(self, use: Use) -> None:
        """One piece of work by a provider."""
        self._requests.labels(use.stage, use.provider, str(use.outcome)).inc()
        self._seconds.labels(use.stage, use.provider).inc(use.audio_s)
        if use.latency_ms is not None and use.outcome in {Outcome.DONE, Outcome.LEFT}:
            self._first_audio.labels(use.stage, use.provider).observe(use.latency_ms / 1000)

    def _end(self, end: TurnEnd) -> None:
        if end.response_ms is not None and end.stages_ms is not None:
            self._response.observe(end.response_ms / 1000)
            for stage in ("end_of_turn", "stt", "agent", "tts"):
                self._stages.labels(stage).observe(getattr(end.stages_ms, stage) / 1000)
            outcome = "interrupted" if self._interrupted else "answered"
        elif self._interrupted:
            outcome = "interrupted"
        else:
            outcome = "failed" if self._spoke else "no_speech"
        self._turns.labels(outcome).inc()
        self._spoke = False

    def _bounded(self, word: str) -> str:
        if word not in self._words and len(self._words) >= MOST_WORDS:
            return "other"
        self._words.add(word)
        return word


class _Readings(Collector):
    """What is read when somebody scrapes."""

    def __init__(self, readings: list[Reading]) -> None:
        self._readings = readings

    def describe(self) -> Iterable[Metric]:
        """Nothing is read for the registry's sake."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Each figure; one that cannot be read is left out, and the others are told."""
        for reading in self._readings:
            try:
                series = list(reading.read())
            except Exception:  # noqa: BLE001, S112 - a part that is just closing must not hide all others
                continue
            names = sorted({name for labels, _ in series for name in labels})
            kind = CounterMetricFamily if reading.counter else GaugeMetricFamily
            family = kind(f"assistant_{reading.name}", reading.about, labels=names)
            for labels, value in series:
                family.add_metric([labels.get(name, "") for name in names], value)
            yield family


class Ledgers:
    """Several ledgers as one."""

    def __init__(self, ledgers: Iterable[UsageLedger]) -> None:
        self._ledgers = tuple(ledgers)

    def record(self, use: Use) -> None:
        """Tell all."""
        for ledger in self._ledgers:
            ledger.record(use)
