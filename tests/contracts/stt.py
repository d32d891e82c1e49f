"""What every ``Transcriber`` must do. A test class derives from the suite and says what its transcriber is."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import numpy as np
import pytest

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk, joined, silence
from pipeline.errors import ProviderError
from pipeline.protocols import Transcriber
from pipeline.speech import NoSpeech, NoSpeechReason, Transcript, Utterance


def spoken(audio: AudioChunk, speech_s: float | None = None) -> Utterance:
    """An utterance of which voice activity called everything, or ``speech_s`` of it, speech."""
    speech_s = audio.duration_s if speech_s is None else speech_s
    return Utterance(audio, audio.start_s, audio.end_s, speech_s, decided_s=audio.end_s)


def quiet(duration_s: float) -> AudioChunk:
    return silence(duration_s, LISTENING_RATE_HZ)


class TranscriberContract:
    """Derive from it and override the first two."""

    words: str
    """What it finds in ``question``."""

    def opened(self) -> AbstractAsyncContextManager[Transcriber]:
        raise NotImplementedError

    def question(self) -> Utterance:
        raise NotImplementedError

    async def asked(self, transcriber: Transcriber) -> Transcript:
        found = await transcriber.transcribe(self.question())
        assert isinstance(found, Transcript), found
        return found

    async def test_words(self) -> None:
        async with self.opened() as transcriber:
            found = await self.asked(transcriber)
            assert found.text == self.words
            assert found.language == "en"
            assert 0.0 < found.confidence <= 1.0
            assert found.provider == transcriber.capabilities.name
            assert found.compute_ms >= 0.0

    @pytest.mark.parametrize("samples", [0, 1, 100, 800])
    async def test_next_to_nothing_is_too_short(self, samples: int) -> None:
        async with self.opened() as transcriber:
            found = await transcriber.transcribe(spoken(AudioChunk(np.zeros(samples, np.int16), LISTENING_RATE_HZ)))
            assert isinstance(found, NoSpeech)
            assert found.reason is NoSpeechReason.TOO_SHORT
            assert found.provider == transcriber.capabilities.name

    async def test_a_pause_with_hardly_any_speech_is_not_speech(self) -> None:
        async with self.opened() as transcriber:
            found = await transcriber.transcribe(spoken(quiet(10), speech_s=0.5))
        assert isinstance(found, NoSpeech)
        assert found.reason is NoSpeechReason.NOT_SPEECH

    async def test_silence_has_no_words(self) -> None:
        async with self.opened() as transcriber:
            assert isinstance(await transcriber.transcribe(spoken(quiet(2))), NoSpeech)

    async def test_fifteen_seconds(self) -> None:
        question = self.question()
        audio = joined([question.audio, quiet(15 - question.audio.duration_s)])
        async with self.opened() as transcriber:
            found = await transcriber.transcribe(spoken(audio))
        assert isinstance(found, Transcript)
        assert found.text == self.words

    async def test_concurrent_calls(self) -> None:
        async with self.opened() as transcriber:
            found = await asyncio.gather(*(self.asked(transcriber) for _ in range(3)))
        assert [transcript.text for transcript in found] == [self.words] * 3

    async def test_cancellation_leaves_it_usable(self) -> None:
        async with self.opened() as transcriber:
            async with asyncio.TaskGroup() as tasks:
                waiting = [tasks.create_task(self.asked(transcriber), name=f"abandoned {n}") for n in range(3)]
                await asyncio.sleep(0)
                for task in waiting:
                    task.cancel()
            assert all(task.cancelled() for task in waiting)
            assert (await self.asked(transcriber)).text == self.words

    async def test_other_rates_are_refused(self) -> None:
        async with self.opened() as transcriber:
            with pytest.raises(ProviderError) as caught:
                await transcriber.transcribe(spoken(silence(1.0, 8000)))
            assert not caught.value.retryable

    async def test_it_can_be_opened_again(self) -> None:
        provider = self.opened()
        for _ in range(2):
            async with provider as transcriber:
                assert (await self.asked(transcriber)).text == self.words
