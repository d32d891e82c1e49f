"""What every ``Synthesizer`` must do. A test class derives from the suite and says what its synthesizer is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing
from itertools import pairwise

import numpy as np
import pytest

from pipeline.audio import AudioChunk, joined, leading_silence_s
from pipeline.errors import ProviderError
from pipeline.protocols import Synthesizer
from pipeline.speech import Voice, VoiceSettings

SHORT = "We close at nine."
LONG = "The olive oil is in aisle seven, next to the tomatoes and the vinegar, on the left."


async def said(synthesizer: Synthesizer, text: str, voice: Voice) -> list[AudioChunk]:
    return [chunk async for chunk in synthesizer.synthesize(text, voice)]


class SynthesizerContract:
    """Derive from it and override ``opened``; where it speaks only with samples, also ``voice`` and ``own_voices``."""

    own_voices = True
    """Whether it has voices of its own."""

    def opened(self) -> AbstractAsyncContextManager[Synthesizer]:
        raise NotImplementedError

    def voice(self, synthesizer: Synthesizer, speed: float = 1.0) -> Voice:
        name = synthesizer.voice_for("en")
        assert name is not None
        return Voice(name, "en", VoiceSettings(speed))

    async def test_chunks_are_small_and_follow_each_other(self) -> None:
        async with self.opened() as synthesizer:
            chunks = await said(synthesizer, LONG, self.voice(synthesizer))
        assert len({chunk.rate_hz for chunk in chunks}) == 1
        for chunk in chunks:
            assert chunk.pcm.dtype == np.int16
            assert chunk.pcm.ndim == 1
            assert 0 < chunk.duration_s <= 0.2
        for before, after in pairwise(chunks):
            assert after.start_s == pytest.approx(before.end_s, abs=0.001)

    async def test_it_is_audible_from_the_start_and_as_long_as_speech(self) -> None:
        async with self.opened() as synthesizer:
            voice = self.voice(synthesizer)
            short, long = [joined(await said(synthesizer, text, voice)) for text in (SHORT, LONG)]
        for audio, text in ((short, SHORT), (long, LONG)):
            assert audio.level_db > -35.0
            assert leading_silence_s(audio) <= 0.021
            assert 0.03 * len(text) < audio.duration_s < 0.15 * len(text) + 0.5
        assert long.duration_s > 2 * short.duration_s

    async def test_speed_changes_the_length(self) -> None:
        async with self.opened() as synthesizer:
            slow, fast = [
                joined(await said(synthesizer, LONG, self.voice(synthesizer, speed))).duration_s for speed in (0.7, 1.6)
            ]
        assert 1.6 < slow / fast < 2.8

    @pytest.mark.parametrize("text", ["", " ", ".", "...", "?!", "\n\n", "🙂", "—", "\x00", "\u200b"])
    async def test_nothing_to_say_gives_no_chunk(self, text: str) -> None:
        async with self.opened() as synthesizer:
            assert await said(synthesizer, text, self.voice(synthesizer)) == []

    @pytest.mark.parametrize(
        "text",
        [
            "日本語です",
            "Привет",
            "مرحبا",
            "naïve café",
            "a\x00b\x07c",
            "hi \ud800 there",
            "Oil 🙂 here",
            "<b>x</b> & y",
            "-v it",
        ],
    )
    async def test_odd_characters_do_not_hurt(self, text: str) -> None:
        async with self.opened() as synthesizer:
            voice = self.voice(synthesizer)
            await said(synthesizer, text, voice)
            assert await said(synthesizer, SHORT, voice)

    async def test_leaving_midway_leaves_it_usable(self) -> None:
        async with self.opened() as synthesizer:
            voice = self.voice(synthesizer)
            chunks = synthesizer.synthesize(LONG * 5, voice)
            assert isinstance(chunks, AsyncGenerator)
            async with aclosing(chunks):
                await anext(chunks)
            assert joined(await said(synthesizer, SHORT, voice)).level_db > -35.0

    async def test_cancelling_a_task_leaves_it_usable(self) -> None:
        async with self.opened() as synthesizer:
            voice = self.voice(synthesizer)
            heard = asyncio.Event()

            async def listen() -> None:
                async with aclosing(synthesizer.synthesize(LONG * 5, voice)) as chunks:
                    async for _ in chunks:
                        heard.set()

            async with asyncio.TaskGroup() as group:
                task = group.create_task(listen(), name="listener")
                await heard.wait()
                task.cancel()
            assert await said(synthesizer, SHORT, voice)

    async def test_two_at_once_do_not_mix(self) -> None:
        async with self.opened() as synthesizer:
            voice = self.voice(synthesizer)
            alone = [len(joined(await said(synthesizer, text, voice)).pcm) for text in (SHORT, LONG)]
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(said(synthesizer, text, voice), name=text) for text in (SHORT, LONG, SHORT)]
        together = [joined(task.result()) for task in tasks]
        # Neural voices vary from time to time.
        assert len(together[0].pcm) == pytest.approx(alone[0], rel=0.25)
        assert len(together[1].pcm) == pytest.approx(alone[1], rel=0.25)
        assert len(together[2].pcm) == pytest.approx(alone[0], rel=0.25)

    async def test_a_long_text_streams(self) -> None:
        text = "and the next thing on the list is on the shelf " * 42
        async with self.opened() as synthesizer:
            longest = total = 0.0
            async for chunk in synthesizer.synthesize(text, self.voice(synthesizer)):
                longest, total = max(longest, chunk.duration_s), total + chunk.duration_s
        assert longest <= 0.2
        assert total > 60.0

    async def test_a_language_it_does_not_speak(self) -> None:
        async with self.opened() as synthesizer:
            assert synthesizer.voice_for("qq") is None
            with pytest.raises(ProviderError) as caught:
                await said(synthesizer, SHORT, Voice("", "qq"))
        assert not caught.value.retryable

    async def test_regions_do_not_hide_a_language(self) -> None:
        async with self.opened() as synthesizer:
            assert synthesizer.voice_for("en-GB") == synthesizer.voice_for("en")
            assert (synthesizer.voice_for("en") is not None) is self.own_voices

    async def test_a_voice_that_is_wanted_is_taken_where_it_speaks_the_language(self) -> None:
        async with self.opened() as synthesizer:
            own = synthesizer.voice_for("en")
            if not self.own_voices:
                assert synthesizer.voice_for("en", "any") is None
                return
            assert own is not None
            assert synthesizer.voice_for("en", own) == own
            assert synthesizer.voice_for("en", "") == own
            other = synthesizer.voice_for("es")
            # Some voices speak several languages.
            assert synthesizer.voice_for("es", own) in ({other, own} if other is not None else {None})
            assert synthesizer.voice_for("qq", own) is None

    async def test_its_fingerprint_is_the_same_until_something_changes(self) -> None:
        async with self.opened() as synthesizer:
            voice = self.voice(synthesizer)
            first = await synthesizer.fingerprint(voice)
            assert first
            assert await said(synthesizer, SHORT, voice)
            assert await synthesizer.fingerprint(voice) == first
        async with self.opened() as again:
            assert await again.fingerprint(self.voice(again)) == first, "the same after a restart"

    async def test_asking_for_a_voice_needs_no_entering(self) -> None:
        """A router asks also those that could not be entered."""
        synthesizer = self.opened()
        synthesizer.voice_for("en")  # type: ignore[attr-defined]
        synthesizer.voice_for("es", "es-whatever")  # type: ignore[attr-defined]
        assert synthesizer.capabilities.name  # type: ignore[attr-defined]
