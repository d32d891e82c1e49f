"""Phrases spoken into the cache by parts that are open already."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from assistant import settings
from assistant.app import App
from assistant.jobs import Job, Jobs
from assistant.rendering import check, rendered
from assistant.samples.errors import SampleMissing
from assistant.storage.audio_files import AudioFiles
from assistant.storage.database import Database
from pipeline.errors import ProviderError, SettingsError
from pipeline.events import EventFeed
from pipeline.fallback import FallbackVoice
from pipeline.speech import Personality, VoiceConfig
from pipeline.speech_cache import SpeechCache
from tests.fakes.synthesizer import ScriptedSynthesizer
from tests.pipeline.scene import Clock, voice_of
from tests.pipeline.test_fallback import CLONED, clone

pytestmark = pytest.mark.unit

PHRASES = ["Good morning!", "We close at nine. Thank you."]
SENTENCES = ["Good morning!", "We close at nine.", "Thank you."]


def app_in(folder: Path, **document: Any) -> App:
    return App(settings.parse(document, "here"), folder)


@dataclass
class Booth:
    """A voice in use, with a real cache."""

    app: App
    engine: ScriptedSynthesizer
    voice: FallbackVoice
    cache: SpeechCache
    told: list[tuple[int, int, str]]

    def tell(self, done: int, total: int, doing: str) -> None:
        self.told.append((done, total, doing))

    async def stored(self) -> None:
        while self.cache._going_on:
            await asyncio.sleep(0.001)


@pytest.fixture
async def booth(tmp_path: Path) -> AsyncIterator[Booth]:
    engine = clone(real_time_factor=0.5)
    async with (
        Database(tmp_path / "assistant.db") as database,
        AudioFiles(database, tmp_path / "speech", keep_s=86_400, max_bytes=10**8) as files,
        SpeechCache(files) as cache,
    ):
        voice = voice_of([engine], EventFeed(), Clock(), cache=cache)
        yield Booth(app_in(tmp_path, cache={"keep_hours": 12}), engine, voice, cache, [])


async def test_each_sentence_is_made_once_and_how_far_it_is_is_told(booth: Booth) -> None:
    first = await rendered(booth.app, booth.voice, CLONED, PHRASES, booth.tell)
    assert first.as_dict() == {
        "provider": "clone", "real_time_factor": 0.5, "keep_hours": 12, "made": 3, "there": 0, "failed": 0,
    }  # fmt: skip
    assert booth.engine.said == SENTENCES
    assert [(done, total) for done, total, _ in booth.told] == [(0, 3), (0, 3), (1, 3), (2, 3), (3, 3)]
    assert "about 0.5 s for a second" in booth.told[1][2]
    await booth.stored()
    again = await rendered(booth.app, booth.voice, CLONED, [*PHRASES, "We open at eight."], booth.tell)
    assert (again.made, again.there) == (1, 3)
    assert booth.engine.said[3:] == ["We open at eight."]


async def test_a_sentence_that_cannot_be_spoken_is_counted_and_the_others_are_made(booth: Booth) -> None:
    booth.engine.fails_after, booth.engine.error = 0, ProviderError("It fails as told.")
    done = await rendered(booth.app, booth.voice, CLONED, PHRASES, booth.tell)
    assert (done.made, done.failed) == (0, 3)


async def test_customers_come_first(booth: Booth) -> None:
    idle = asyncio.Event()
    async with asyncio.timeout(10), Jobs() as jobs:

        async def work(job: Job) -> dict[str, Any]:
            def tell(done: int, total: int, doing: str) -> None:
                job.report(done / total, doing)
                if done == 1 and not doing:
                    idle.clear()  # a customer comes

            return (await rendered(booth.app, booth.voice, CLONED, PHRASES, tell, idle)).as_dict()

        job = jobs.start("render", "Robin", "shop", work)
        while "waits" not in job.said:
            await asyncio.sleep(0.001)
        assert (booth.engine.said, job.progress) == ([], 0)
        idle.set()
        while not (job.progress and "waits" in job.said):
            await asyncio.sleep(0.001)
        assert booth.engine.said == SENTENCES[:1]
        idle.set()
        while job.state == "running":
            await asyncio.sleep(0.001)
    assert job.result is not None
    assert job.result["made"] == 3


async def test_without_an_engine_for_the_recording_nothing_is_made(booth: Booth) -> None:
    other = ScriptedSynthesizer("other")
    voice = voice_of([other], EventFeed(), Clock(), cache=booth.cache)
    with pytest.raises(ProviderError, match="No engine can speak with the recording"):
        await rendered(booth.app, voice, CLONED, PHRASES, booth.tell)
    assert other.said == []


async def test_what_is_lacking_is_told_before_anything_begins(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as off:
        await check(app_in(tmp_path, cache={"enabled": False}), CLONED)
    assert "cache.enabled: true" in off.value.remedy
    with pytest.raises(SampleMissing):
        await check(app_in(tmp_path), Personality("Robin", voice=VoiceConfig(provider="piper")))
    with pytest.raises(ProviderError) as none:
        await check(app_in(tmp_path), replace(CLONED, language="en"))
    assert "./install.sh" in none.value.remedy
