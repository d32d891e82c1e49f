"""Figures for Prometheus: what they count, and that docs and dashboard name them rightly."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from assistant.http.readings import tell_metrics
from assistant.metrics import LAG_EVERY_S, MOST_NAMES, Ledgers, Metrics
from assistant.storage.audio_files import Stock
from pipeline.audio import AudioChunk
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.conversation import PUSH_TO_TALK
from pipeline.errors import ProviderError
from pipeline.events import (
    AnswerPaused,
    AnswerResumed,
    DeviceBack,
    DeviceLostEvent,
    Event,
    EventFeed,
    FollowUp,
    Interrupted,
    Listening,
    NoSpeechHeard,
    ProviderState,
    ReplyText,
    Speaking,
    SpeechEnd,
    SpeechStart,
    StagesMs,
    TranscriptReady,
    TurnEnd,
    WakeWord,
)
from pipeline.preparation import Account
from pipeline.speech import NoSpeechReason
from pipeline.usage import Outcome, Use
from providers.model_worker import ModelWorker
from tests.conftest import ROOT
from tests.fakes.agent import FakeAgent
from tests.pipeline.scene import ROBIN, WAKE_S, Scene

pytestmark = pytest.mark.unit

WAKE = WakeWord("a", 1.0)
ENDED = SpeechEnd(1.0)
HEARD = TranscriptReady("hello", "en", "whisper", 1.0)
REPLY = ReplyText("We open at nine.", final=False)
WHOLE = ReplyText("We open at nine.", final=True)
SORRY = Speaking("recording", "en", cached=True, text="Sorry", first_audio_ms=1.0)
ANSWERED = TurnEnd(800.0, StagesMs(500.0, 150.0, 50.0, 100.0))
SILENT = TurnEnd(None, None)


def told(metrics: Metrics) -> dict[str, float]:
    """Every figure by its name and labels."""
    found = {}
    for family in text_string_to_metric_families(metrics.expose().decode()):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def after(*events: Event) -> dict[str, float]:
    metrics, feed = Metrics(), EventFeed()
    feed.subscribe(metrics)
    for event in events:
        feed.publish(event)
    return told(metrics)


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ([WAKE, ENDED, HEARD, REPLY, WHOLE, ANSWERED], "answered"),
        ([WAKE, NoSpeechHeard("timeout"), SILENT], "no_speech"),
        ([WAKE, ENDED, NoSpeechHeard("doubtful"), ANSWERED], "no_speech"),  # it asked to say it again
        ([WAKE, SILENT], "no_speech"),  # somebody pressed stop, or said the wake word again
        ([WAKE, ENDED, HEARD, REPLY, Interrupted("We"), ANSWERED], "interrupted"),
        ([WAKE, ENDED, HEARD, WHOLE, ANSWERED], "failed"),  # the agent failed: an apology was spoken
        ([WAKE, ENDED, ANSWERED], "failed"),  # so did the recognisers
        ([WAKE, ENDED, HEARD, REPLY, SORRY, WHOLE, ANSWERED], "failed"),  # and so did all voices
        ([WAKE, ENDED, HEARD, REPLY, WHOLE, SILENT], "failed"),
    ],
)
def test_a_turn_is_counted_by_how_it_ended(events: list[Event], outcome: str) -> None:
    found = {name: value for name, value in after(*events).items() if name.startswith("assistant_turns_total")}
    assert found == {f"assistant_turns_total{{outcome={outcome}}}": 1.0}


def test_what_it_says_of_its_own_accord_is_no_turn() -> None:
    found = after(WAKE, ENDED, HEARD, REPLY, WHOLE, ANSWERED, Listening(), SILENT, Listening())
    assert {name for name in found if name.startswith("assistant_turns_total")} == {
        "assistant_turns_total{outcome=answered}"
    }
    assert found["assistant_turns_total{outcome=answered}"] == 1


def test_response_and_stages_are_in_seconds() -> None:
    found = after(WAKE, ENDED, HEARD, REPLY, WHOLE, ANSWERED)
    assert found["assistant_response_seconds_sum"] == pytest.approx(0.8)
    assert found["assistant_stage_seconds_sum{stage=end_of_turn}"] == pytest.approx(0.5)
    assert found["assistant_response_seconds_bucket{le=0.75}"] == 0
    assert found["assistant_response_seconds_bucket{le=1.0}"] == 1


CUT_OFF = [WAKE, ENDED, HEARD, REPLY, Interrupted("We"), ANSWERED]


@pytest.mark.parametrize(
    ("then", "false"),
    [
        ([WAKE, NoSpeechHeard("timeout"), SILENT], 1),
        ([WAKE, SILENT, WAKE, NoSpeechHeard("too_short"), SILENT], 1),
        ([WAKE, NoSpeechHeard("timeout"), SILENT, WAKE, NoSpeechHeard("timeout"), SILENT], 1),
        ([WAKE, ENDED, HEARD, REPLY, ANSWERED], 0),
        ([WAKE, ENDED, NoSpeechHeard("doubtful"), ANSWERED], 0),  # somebody spoke
        ([WakeWord(PUSH_TO_TALK, 1.0), NoSpeechHeard("timeout"), SILENT], 0),  # a button is pressed by somebody
        ([Listening(), WAKE, NoSpeechHeard("timeout"), SILENT], 0),  # somebody had it stop
    ],
)
def test_an_interruption_after_which_nobody_spoke_was_a_false_one(then: list[Event], false: int) -> None:
    found = after(*CUT_OFF, *then)
    assert found["assistant_interruptions_total"] == 1
    assert found["assistant_false_interruptions_total"] == false
    assert found["assistant_turns_total{outcome=interrupted}"] == 1


def test_an_answer_that_paused_for_no_words_was_interrupted_in_vain() -> None:
    found = after(WAKE, ENDED, HEARD, REPLY, AnswerPaused(), AnswerResumed(), ANSWERED)
    assert found["assistant_false_interruptions_total"] == 1
    assert found["assistant_interruptions_total"] == 0


def test_who_goes_on_without_a_wake_word_is_counted_too() -> None:
    found = after(WAKE, ENDED, HEARD, REPLY, ANSWERED, FollowUp(5.0), SpeechStart(), ENDED, HEARD, REPLY, ANSWERED)
    assert found["assistant_turns_total{outcome=answered}"] == 2


QUESTION = [(1.0, "silence"), (WAKE_S, "wake"), (0.4, "silence"), (1.0, "speak"), (1.0, "silence")]
NOBODY = [(1.0, "silence"), (WAKE_S, "wake"), (8.0, "silence")]
BARGE_IN = [*QUESTION, (WAKE_S, "wake"), (8.0, "silence")]
BROKEN = ProviderError("It fails as told.")


@pytest.mark.parametrize(
    ("customer", "scene", "outcomes"),
    [
        (QUESTION, {}, ["answered"]),
        (QUESTION, {"cues": [(0.3, lambda talk: talk.announce("Hello.", ROBIN))]}, ["answered"]),
        (QUESTION, {"agent": FakeAgent([])}, ["failed"]),
        (QUESTION, {"recogniser_fails": [BROKEN]}, ["failed"]),
        (QUESTION, {"lines": [NoSpeechReason.NOT_SPEECH]}, ["no_speech"]),
        (QUESTION, {"lines": [NoSpeechReason.DOUBTFUL]}, ["no_speech"]),
        (NOBODY, {}, ["no_speech"]),
        (NOBODY, {"cues": [(2.0, lambda talk: talk.stop_now())]}, ["no_speech"]),
        (BARGE_IN, {"agent": FakeAgent(["This answer is so long that nobody hears its end, ever."])},
         ["interrupted", "no_speech"]),
    ],
)  # fmt: skip
async def test_turns_of_a_conversation(
    customer: list[tuple[float, str]], scene: dict[str, Any], outcomes: list[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    metrics = Metrics()

    def feed() -> EventFeed:
        made = EventFeed()
        made.subscribe(metrics)
        return made

    monkeypatch.setattr("tests.pipeline.scene.EventFeed", feed)
    await Scene(customer, tmp_path, **scene).play()
    found = told(metrics)
    turns = {
        name.partition("=")[2].rstrip("}"): value
        for name, value in found.items()
        if name.startswith("assistant_turns_total")
    }
    assert turns == dict.fromkeys(outcomes, 1.0)
    assert found["assistant_false_interruptions_total"] == ("interrupted" in outcomes)


def test_losses_failures_and_words_are_counted_apart() -> None:
    found = after(DeviceLostEvent("usb"), ProviderState("piper", "failing", "x"), ProviderState("piper", "ok", ""))
    assert found["assistant_device_losses_total{device=usb}"] == 1
    assert found["assistant_provider_failures_total{provider=piper}"] == 1
    many = after(*(WakeWord(f"word{number}", 1.0) for number in range(MOST_NAMES + 5)))
    assert many["assistant_wake_words_total{word=other}"] == 5
    assert after(DeviceBack("usb", 2.5))["assistant_device_gap_seconds_total"] == 2.5
    odd = after(*(DeviceLostEvent(f"usb {number}") for number in range(MOST_NAMES + 5)))
    assert odd["assistant_device_losses_total{device=other}"] == 5


def test_time_without_sound_is_counted() -> None:
    metrics, clock = Metrics(), iter([0.0, 0.03, 5.03, 5.06])
    heard = metrics.gaps(lambda: next(clock))
    for _ in range(4):
        heard(AudioChunk(np.zeros(480, np.int16), 16_000))
    assert told(metrics)["assistant_device_gap_seconds_total"] == pytest.approx(5 - 0.03)


def test_work_by_providers_is_counted_and_timed() -> None:
    metrics = Metrics()
    ledgers = Ledgers([metrics, metrics])
    ledgers.record(Use("tts", "piper", Outcome.DONE, latency_ms=40.0, audio_s=2.0))
    ledgers.record(Use("tts", "piper", Outcome.CACHED, latency_ms=1.0, audio_s=2.0))
    found = told(metrics)
    assert found["assistant_provider_requests_total{outcome=done,provider=piper,stage=tts}"] == 2
    assert found["assistant_provider_seconds_count{provider=piper,stage=tts}"] == 2, (
        "what came from the cache is no work"
    )
    assert found["assistant_audio_seconds_total{provider=piper,stage=tts}"] == 8


def test_the_share_of_the_cache_counts_sentences_not_tries() -> None:
    metrics = Metrics()
    for outcome in (Outcome.FAILED, Outcome.DONE, Outcome.LEFT, Outcome.CACHED):
        metrics.record(Use("tts", "piper", outcome))
    metrics.record(Use("stt", "whisper", Outcome.DONE))
    found = told(metrics)
    assert (found["assistant_cache_hits_total"], found["assistant_cache_requests_total"]) == (1, 3)


def test_what_cannot_be_read_hides_nothing_else() -> None:
    metrics = Metrics()

    def broken() -> list[tuple[dict[str, str], float]]:
        raise RuntimeError("closing")

    metrics.read("broken", "x", broken)
    metrics.read("cache_bytes", "x", lambda: [({}, 5.0)])
    found = told(metrics)
    assert found["assistant_cache_bytes"] == 5
    assert found["assistant_build_info{version=0.1.0}"] == 1


async def test_a_late_loop_is_seen() -> None:
    metrics = Metrics()
    now = iter([0.0, LAG_EVERY_S + 0.2])
    done = asyncio.Event()

    def clock() -> float:
        try:
            return next(now)
        except StopIteration:
            done.set()
            return 10.0

    async def sleep(_: float) -> None:
        if done.is_set():
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        running = group.create_task(metrics.run(sleep, clock))
        await done.wait()
        running.cancel()
    found = told(metrics)
    assert found["assistant_event_loop_lag_seconds_bucket{le=0.1}"] == 0
    assert found["assistant_event_loop_lag_seconds_bucket{le=0.25}"] == 1


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\bassistant_[a-z_]+", text))


def of_a_daemon() -> Metrics:
    """With all figures that are read of running parts."""
    voice = SimpleNamespace(capabilities=SimpleNamespace(name="piper"), failure=None)
    recogniser = SimpleNamespace(capabilities=SimpleNamespace(name="whisper"), failure=ProviderError("gone"))
    health = CircuitBreaker(EventFeed(), lambda: 0.0)
    spent = {"provider": "google_tts", "voice_class": "neural2", "characters": 3, "limit": 10}
    parts = SimpleNamespace(
        engines=[voice],
        recognisers=[recogniser],
        voice=SimpleNamespace(health=health),
        transcriber=SimpleNamespace(health=health),
        microphone=SimpleNamespace(dropped_s=2.0, tap=lambda _: None),
        conversation=SimpleNamespace(account=Account(begun=5, used=3)),
    )
    service = SimpleNamespace(
        parts=parts,
        metrics=Metrics(),
        last_frame_s=lambda: 0.1,
        app=SimpleNamespace(clock=lambda: 0.0),
        stored=SimpleNamespace(stock=Stock(2, 3.0, 4), quota=[spent]),
    )
    tell_metrics(service)
    return service.metrics


def test_running_parts_are_read_when_somebody_asks() -> None:
    found = told(of_a_daemon())
    assert found["assistant_provider_up{provider=piper,stage=tts}"] == 1
    assert found["assistant_provider_up{provider=whisper,stage=stt}"] == 0
    assert found["assistant_last_audio_frame_age_seconds"] == 0.1
    assert found["assistant_dropped_audio_seconds_total"] == 2
    assert found["assistant_preparations_total{outcome=used}"] == 3
    assert found["assistant_preparations_total{outcome=vain}"] == 2
    assert (found["assistant_cache_entries"], found["assistant_cache_bytes"]) == (2, 4)
    labels = "{provider=google_tts,voice_class=neural2}"
    assert found[f"assistant_quota_characters{labels}"] == 3
    assert found[f"assistant_quota_limit_characters{labels}"] == 10


async def test_each_stage_has_a_heartbeat() -> None:
    worker = ModelWorker("stt-of-the-test")
    try:
        during = await worker.run(lambda _: told(of_a_daemon()))
        assert during["assistant_stage_busy_seconds{thread=stt-of-the-test}"] > 0
    finally:
        worker.close()
    assert "assistant_stage_busy_seconds{thread=stt-of-the-test}" not in told(of_a_daemon())


def families() -> list[Metric]:
    found = text_string_to_metric_families(of_a_daemon().expose().decode())
    return [one for one in found if one.name.startswith("assistant_")]


@pytest.mark.parametrize("file", ["docs/grafana-dashboard.json", "docs/metrics.md"])
def test_every_figure_that_is_named_exists(file: str) -> None:
    known: set[str] = set()
    for family in families():
        ends = {"counter": ["_total"], "histogram": ["", "_bucket", "_count", "_sum"]}.get(family.type, [""])
        known |= {f"{family.name}{end}" for end in ends}
    named = names_in((ROOT / file).read_text(encoding="utf-8"))
    assert named
    assert named - known == set()


def test_the_dashboard_is_whole() -> None:
    board = json.loads(Path(ROOT / "docs/grafana-dashboard.json").read_text(encoding="utf-8"))
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in board["panels"]:
        assert panel["targets"], panel["title"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


def test_the_table_names_all_there_are() -> None:
    table = names_in((ROOT / "docs/metrics.md").read_text(encoding="utf-8"))
    for family in families():
        assert f"{family.name}{'_total' if family.type == 'counter' else ''}" in table
