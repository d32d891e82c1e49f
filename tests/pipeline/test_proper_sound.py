"""What may reach the loudspeaker."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import numpy as np
import pytest

from pipeline.audio import AudioChunk
from pipeline.proper_sound import BadAudio, proper

pytestmark = pytest.mark.unit


class Source:
    """Hands over its chunks and knows whether it was closed."""

    def __init__(self, *chunks: AudioChunk) -> None:
        self.chunks = chunks
        self.closed = False

    async def __call__(self) -> AsyncGenerator[AudioChunk]:
        try:
            for chunk in self.chunks:
                yield chunk
        finally:
            self.closed = True


def tone(duration_s: float = 0.1, rate_hz: int = 16_000, level: float = 0.3) -> AudioChunk:
    at_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    return AudioChunk((level * 32767 * np.sin(2 * np.pi * 300 * at_s)).astype(np.int16), rate_hz)


def quiet(duration_s: float = 0.1) -> AudioChunk:
    return AudioChunk(np.zeros(round(duration_s * 16_000), np.int16), 16_000)


def odd(pcm: Any, rate_hz: Any = 16_000) -> AudioChunk:
    return AudioChunk(pcm, rate_hz)


async def passed(*chunks: AudioChunk, **options: float) -> list[AudioChunk]:
    source = Source(*chunks)
    try:
        return [chunk async for chunk in proper(source(), "piper", **options)]
    finally:
        assert source.closed or not chunks, "the engine is left in any case"


async def test_speech_passes_as_it_is() -> None:
    chunks = [tone(), quiet(), tone()]
    assert await passed(*chunks) == chunks


async def test_silence_at_the_start_is_dropped_but_not_within_a_chunk() -> None:
    begins = AudioChunk(np.concatenate([quiet().pcm, tone().pcm]), 16_000)
    heard = await passed(quiet(), quiet(2.5), begins, quiet())
    assert [chunk.duration_s for chunk in heard] == pytest.approx([0.2, 0.1])


@pytest.mark.parametrize("level", [0.0, 0.001])
async def test_what_cannot_be_heard_is_no_answer(level: float) -> None:
    with pytest.raises(BadAudio, match="made no sound"):
        await passed(tone(1.0, level=level), quiet(1.0))


async def test_nothing_is_no_answer() -> None:
    with pytest.raises(BadAudio, match="made no sound"):
        await passed()
    with pytest.raises(BadAudio, match="made no sound"):
        await passed(odd(np.zeros(0, np.int16)))


async def test_endless_silence_is_not_waited_for() -> None:
    with pytest.raises(BadAudio, match="silent for more than 3 s"):
        await passed(*[quiet()] * 1000)


async def test_nor_is_silence_that_follows_a_word() -> None:
    with pytest.raises(BadAudio, match="silent for more than 3 s"):
        await passed(tone(), *[quiet()] * 1000)
    assert len(await passed(tone(), quiet(2.9), tone(), quiet(2.9))) == 4, "pauses may be long"


async def test_who_babbles_on_is_stopped() -> None:
    heard = []
    with pytest.raises(BadAudio, match="spoke on for more than 2 s"):
        async for chunk in proper(Source(*[tone()] * 1000)(), "xtts_v2", longest_s=2.05):
            heard.append(chunk)
    assert len(heard) == 20


async def test_empty_chunks_are_left_out() -> None:
    empty = odd(np.zeros(0, np.int16))
    assert len(await passed(empty, tone(), empty, tone(), empty)) == 2


@pytest.mark.parametrize("rate_hz", [0, -16_000, 1, 7_999, 96_001, 10**9])
async def test_rates_that_speech_cannot_have(rate_hz: int) -> None:
    with pytest.raises(BadAudio, match=f"{rate_hz} Hz"):
        await passed(odd(tone().pcm, rate_hz))


async def test_a_rate_that_changes_within_a_sentence() -> None:
    with pytest.raises(BadAudio, match="24000 Hz"):
        await passed(tone(), tone(rate_hz=24_000))


@pytest.mark.parametrize(
    "pcm",
    [
        np.full(1600, 0.3, np.float32),
        np.full((1600, 2), 9000, np.int16),
        np.full((1, 1600), 9000, np.int16),
        np.full(1600, 9000, np.int32),
        np.array(9000, np.int16),
    ],
)
async def test_samples_of_another_kind(pcm: np.ndarray) -> None:
    with pytest.raises(BadAudio, match="cannot be played"):
        await passed(odd(pcm))


async def test_the_fault_may_come_late() -> None:
    heard = []
    with pytest.raises(BadAudio):
        async for chunk in proper(Source(tone(), odd(np.full(1600, 0.3, np.float32)))(), "piper"):
            heard.append(chunk)
    assert len(heard) == 1
