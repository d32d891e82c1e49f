"""The speech cache in front of a real Piper, on a real disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from assistant.storage.audio_files import AudioFiles
from assistant.storage.database import Database
from pipeline.audio import AudioChunk, joined
from pipeline.events import EventFeed
from pipeline.fallback import FallbackVoice, Rendering
from pipeline.speech import Personality, Voice, VoiceConfig
from pipeline.speech_cache import SpeechCache
from providers.registry import Resources
from providers.tts.piper import LAST_VOICE, PiperSynthesizer, Settings
from tests.fakes.models import ListedModels
from tests.pipeline.scene import voice_of

pytestmark = pytest.mark.model

TEXT = "The olive oil is in aisle seven."
ROBIN = Personality("Robin", voice=VoiceConfig(provider="piper"))


class CountingPiper(PiperSynthesizer):
    """The real one; counts how often it is asked."""

    said = 0

    def synthesize(self, text: str, voice: Voice):  # type: ignore[no-untyped-def]
        self.said += 1
        return super().synthesize(text, voice)


def piper(models: Path) -> CountingPiper:
    return CountingPiper(Settings(), Resources(ListedModels(models, {"piper": [LAST_VOICE]})))


@asynccontextmanager
async def opened(engine: PiperSynthesizer, folder: Path) -> AsyncIterator[FallbackVoice]:
    async with (
        Database(folder / "assistant.db") as database,
        AudioFiles(database, folder / "speech", keep_s=86_400, max_bytes=10**8) as files,
        engine,
        SpeechCache(files) as cache,
    ):
        yield voice_of([engine], EventFeed(), asyncio.get_running_loop().time, cache=cache)


async def say(voice: FallbackVoice, text: str = TEXT) -> tuple[AudioChunk, Rendering]:
    said = [item async for item in voice.say(text, "en", ROBIN)]
    rendering = said[0][1]
    assert rendering is not None
    return joined(chunk for chunk, _ in said), rendering


async def test_a_hundred_at_once_make_one_synthesis_and_hear_the_same(bundled_models: Path, tmp_path: Path) -> None:
    engine = piper(bundled_models)
    async with opened(engine, tmp_path) as voice:
        heard = await asyncio.gather(*(say(voice) for _ in range(100)))
    assert engine.said == 1
    first, _ = heard[0]
    assert first.duration_s > 1
    assert all(np.array_equal(audio.pcm, first.pcm) for audio, _ in heard)
    async with opened(piper(bundled_models), tmp_path) as voice:
        audio, rendering = await say(voice)
    assert rendering.cached
    assert np.array_equal(audio.pcm, first.pcm)


async def test_a_hundred_different_ones_are_a_hundred(bundled_models: Path, tmp_path: Path) -> None:
    engine = piper(bundled_models)
    async with opened(engine, tmp_path) as voice:
        await asyncio.gather(*(say(voice, f"Number {number % 10}.") for number in range(40)))
        await asyncio.gather(*(say(voice, f"Number {number % 10}.") for number in range(40)))
    assert engine.said == 10
