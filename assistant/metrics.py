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

from pipeline.audio import AudioChunk
from pipeline.conversation import PUSH_TO_TALK
from pipeline.delivery import RECORDING, TONE
from pipeline.events import (
    AnswerResumed,
    DeviceBack,
    DeviceLostEvent,
    Event,
    EventRecord,
    Interrupted,
    Listening,
    NoSpeechHeard,
    ProviderState,
    ReplyText,
    Speaking,
    SpeechEnd,
    TranscriptReady,
    TurnEnd,
    WakeWord,
)
from pipeline.turn import MISHEARD
from pipeline.usage import Outcome, UsageLedger, Use

RESPONSE_S = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Borders of response times: people leave 0.2 s between turns, and lose patience after 2."""

STAGE_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0)

LAG_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)

LAG_EVERY_S = 0.5
"""Seconds between two looks at how late the loop is."""

MOST_NAMES = 20
"""Different wake words, and sound devices, that are counted apart; more come from nobody."""

GAP_S = 1.0
"""Seconds without a chunk from the microphone that are a gap: no sound card hands over so late."""


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


@dataclass(slots=True)
class _Turn:
    """What has happened since the last turn ended."""

    called: bool = False
    """A wake word or a button began it; what the assistant says of its own accord is nobody's question."""
    spoken: bool = False
    """The customer said something."""
    unheard: bool = False
    """There were no words in it, or nobody said anything."""
    replied: bool = False
    """The agent had an answer."""
    voiceless: bool = False
    """A recording said sorry in place of a voice."""
    interrupted: bool = False

    def outcome(self, end: TurnEnd) -> str:
        """How it ended."""
        if self.interrupted:
            return "interrupted"
        if self.unheard or not self.spoken:
            return "no_speech"
        return "answered" if self.replied and not self.voiceless and end.response_ms is not None else "failed"


class Metrics:
    """An observer of the event feed and a ``UsageLedger``."""

    MEDIA_TYPE = "text/plain; version=1.0.0; charset=utf-8"

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # when each series began is of no use here
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
            "false_interruptions", "Interruptions and pauses of answers for which nobody had said anything", **here
        )
        self._losses = Counter("device_losses", "Sound devices that went", ["device"], **here)
        self._gaps = Counter(
            "device_gap_seconds",
            "Time in which a sound device was not there, or the microphone delivered nothing",
            **here,
        )
        self._provider_failures = Counter(
            "provider_failures", "Times that a provider began to fail", ["provider"], **here
        )
        self._provider_seconds = Histogram(
            "provider_seconds", "To the first sound of a voice, or the text of a recogniser, from the provider itself",
            ["stage", "provider"], buckets=STAGE_S, **here,
        )  # fmt: skip
        self._requests = Counter("provider_requests", "Work by providers", ["stage", "provider", "outcome"], **here)
        self._seconds = Counter("audio_seconds", "Audio seconds made or transcribed", ["stage", "provider"], **here)
        self._cache_requests = Counter("cache_requests", "Sentences that were spoken", **here)
        self._cache_hits = Counter("cache_hits", "Those of them that had been made before", **here)
        self._lag = Histogram("event_loop_lag_seconds", "How late the loop is", buckets=LAG_S, **here)
        self._words: set[str] = set()
        self._devices: set[str] = set()
        self._turn = _Turn()
        self._doubtful = False
        """A wake word interrupted it, and whether anybody is there has not been heard yet."""
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
        turn = self._turn
        match record.event:
            case Listening():  # somebody pressed a button to end it
                self._doubtful = False
            case WakeWord(name=name):
                self._wake_words.labels(_bounded(name, self._words)).inc()
                turn.called = True
                self._doubtful = self._doubtful and name != PUSH_TO_TALK
            case AnswerResumed():
                self._false_interruptions.inc()
            case SpeechEnd():  # nobody has to call us to follow up an answer or to break into one
                turn.called = turn.spoken = True
            case TranscriptReady():
                turn.spoken, self._doubtful = True, False
            case NoSpeechHeard(reason=reason):
                turn.unheard = True
                self._false_interruptions.inc(self._doubtful and reason not in MISHEARD)
                self._doubtful = False
            case ReplyText(final=False):
                turn.replied = True
            case Speaking(provider=provider):
                turn.voiceless = turn.voiceless or provider in {RECORDING, TONE}
            case Interrupted():
                self._interruptions.inc()
                turn.interrupted = self._doubtful = True
            case TurnEnd() as end:
                self._end(end)
            case event:
                self._note_trouble(event)

    def record(self, use: Use) -> None:
        """One piece of work by a provider."""
        self._requests.labels(use.stage, use.provider, str(use.outcome)).inc()
        self._seconds.labels(use.stage, use.provider).inc(use.audio_s)
        if use.stage == "tts" and use.outcome is not Outcome.FAILED:
            self._cache_requests.inc()
            self._cache_hits.inc(use.outcome is Outcome.CACHED)
        if use.latency_ms is not None and use.outcome in {Outcome.DONE, Outcome.LEFT}:
            self._provider_seconds.labels(use.stage, use.provider).observe(use.latency_ms / 1000)

    def gaps(self, clock: Callable[[], float]) -> Callable[[AudioChunk], None]:
        """An observer of the microphone's chunks (``MeteredMicrophone.tap``); ``clock`` gives seconds, never jumps."""
        last_s: float | None = None

        def heard(chunk: AudioChunk) -> None:
            nonlocal last_s
            now_s = clock()
            if last_s is not None and now_s - last_s > GAP_S:
                self._gaps.inc(max(0.0, now_s - last_s - chunk.duration_s))
            last_s = now_s

        return heard

    def _note_trouble(self, event: Event) -> None:
        if isinstance(event, DeviceLostEvent):
            self._losses.labels(_bounded(event.device, self._devices)).inc()
        elif isinstance(event, DeviceBack):
            self._gaps.inc(event.gap_s)
        elif isinstance(event, ProviderState) and event.state == "failing":
            self._provider_failures.labels(event.provider).inc()

    def _end(self, end: TurnEnd) -> None:
        turn, self._turn = self._turn, _Turn()
        if end.response_ms is not None and end.stages_ms is not None:
            self._response.observe(end.response_ms / 1000)
            for stage in ("end_of_turn", "stt", "agent", "tts"):
                self._stages.labels(stage).observe(getattr(end.stages_ms, stage) / 1000)
        if turn.called:
            self._turns.labels(turn.outcome(end)).inc()


def _bounded(name: str, known: set[str]) -> str:
    """The label of a name that comes from outside: each new one costs memory for ever."""
    if name not in known and len(known) >= MOST_NAMES:
        return "other"
    known.add(name)
    return name


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
