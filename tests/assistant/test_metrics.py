"""Figures for Prometheus: what they count, and that docs and dashboard name them rightly."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from assistant.metrics import LAG_EVERY_S, MOST_WORDS, Ledgers, Metrics
from pipeline.events import (
    DeviceLostEvent,
    Event,
    EventFeed,
    Interrupted,
    NoSpeechHeard,
    ProviderState,
    StagesMs,
    TranscriptReady,
    TurnEnd,
    WakeWord,
)
from pipeline.usage import Outcome, Use
from tests.conftest import ROOT

pytestmark = pytest.mark.unit

HEARD = TranscriptReady("hello", "en", "whisper", 1.0)
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
        ([WakeWord("a", 1.0), HEARD, ANSWERED], "answered"),
        ([WakeWord("a", 1.0), NoSpeechHeard("timeout"), SILENT], "no_speech"),
        ([WakeWord("a", 1.0), HEARD, Interrupted("We"), ANSWERED], "interrupted"),
        ([WakeWord("a", 1.0), HEARD, SILENT], "failed"),
    ],
)
def test_a_turn_is_counted_by_how_it_ended(events: list[Event], outcome: str) -> None:
    found = {name: value for name, value in after(*events).items() if name.startswith("assistant_turns_total")}
    assert found == {f"assistant_turns_total{{outcome={outcome}}}": 1.0}


def test_response_and_stages_are_in_seconds() -> None:
    found = after(WakeWord("a", 1.0), HEARD, ANSWERED)
    assert found["assistant_response_seconds_sum"] == pytest.approx(0.8)
    assert found["assistant_stage_seconds_sum{stage=end_of_turn}"] == pytest.approx(0.5)
    assert found["assistant_response_seconds_bucket{le=0.75}"] == 0
    assert found["assistant_response_seconds_bucket{le=1.0}"] == 1


def test_an_interruption_after_which_nobody_spoke_was_a_false_one() -> None:
    cut_off = [WakeWord("a", 1.0), HEARD, Interrupted("We"), ANSWERED, WakeWord("a", 1.0)]
    false = after(*cut_off, NoSpeechHeard("timeout"), SILENT)
    assert false["assistant_interruptions_total"] == false["assistant_false_interruptions_total"] == 1
    assert after(*cut_off, HEARD, ANSWERED)["assistant_false_interruptions_total"] == 0


def test_losses_failures_and_words_are_counted_apart() -> None:
    found = after(DeviceLostEvent("usb"), ProviderState("piper", "failing", "x"), ProviderState("piper", "ok", ""))
    assert found["assistant_device_losses_total{device=usb}"] == 1
    assert found["assistant_provider_failures_total{provider=piper}"] == 1
    many = after(*(WakeWord(f"word{number}", 1.0) for number in range(MOST_WORDS + 5)))
    assert many["assistant_wake_words_total{word=other}"] == 5


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


READ_ELSEWHERE = {
    "assistant_provider_up", "assistant_last_audio_frame_age_seconds", "assistant_dropped_audio_seconds_total",
    "assistant_cache_bytes", "assistant_cache_entries", "assistant_quota_characters",
    "assistant_quota_limit_characters",
}  # fmt: skip
"""Those of the running parts; a test of the daemon looks at them."""


@pytest.mark.parametrize("file", ["docs/grafana-dashboard.json", "docs/metrics.md"])
def test_every_figure_that_is_named_exists(file: str) -> None:
    families = text_string_to_metric_families(Metrics().expose().decode())
    known = {"assistant_build_info"}
    for family in families:
        known |= {family.name, f"{family.name}_total", f"{family.name}_bucket", *(one.name for one in family.samples)}
    text = (ROOT / file).read_text(encoding="utf-8")
    assert names_in(text) - known - READ_ELSEWHERE == set()


def test_the_dashboard_is_whole() -> None:
    board = json.loads(Path(ROOT / "docs/grafana-dashboard.json").read_text(encoding="utf-8"))
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in board["panels"]:
        assert panel["targets"], panel["title"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


def test_the_table_names_all_there_are() -> None:
    table = names_in((ROOT / "docs/metrics.md").read_text(encoding="utf-8"))
    for family in text_string_to_metric_families(Metrics().expose().decode()):
        if family.name.startswith("assistant_"):
            assert {family.name, f"{family.name}_total"} & table, family.name
    assert table >= READ_ELSEWHERE
