"""The voice of whoever is active is started before a customer asks."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from assistant.readiness import LOOK_EVERY_S, keep_ready
from pipeline.events import EventFeed
from pipeline.protocols import Synthesizer
from pipeline.speech import Personality, Voice, VoiceConfig
from tests.fakes.synthesizer import ScriptedSynthesizer
from tests.pipeline.scene import voice_of
from tests.virtual_time import in_virtual_time, now_s

pytestmark = pytest.mark.unit


class Starting(ScriptedSynthesizer):
    def __init__(self, name: str) -> None:
        super().__init__(name, ("en", "es"))
        self.started: list[tuple[str, str]] = []

    async def ready(self, voice: Voice) -> None:
        self.started.append((voice.language, voice.name))


@in_virtual_time
async def test_at_the_start_and_whenever_somebody_else_or_another_voice_speaks() -> None:
    first, second = Starting("first"), Starting("second")
    engines: list[Synthesizer] = [first, second]
    robin = Personality("Robin", voice=VoiceConfig("first"))
    active = [robin]
    async with asyncio.TaskGroup() as group:
        voice = voice_of(engines, EventFeed(), now_s)
        keeping = group.create_task(keep_ready(voice, lambda: active[0]), name="ready")
        await asyncio.sleep(10 * LOOK_EVERY_S)
        assert first.started == [("en", "first-en")], "once, however often it is looked at"
        active[0] = replace(robin, voice=VoiceConfig("second"))
        await asyncio.sleep(2 * LOOK_EVERY_S)
        assert second.started == [("en", "second-en")]
        active[0] = replace(robin, language="es")
        await asyncio.sleep(2 * LOOK_EVERY_S)
        assert first.started[1:] == [("es", "first-es")]
        keeping.cancel()
