"""From a stream of sound to what is said in it, at constant memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from assistant.settings import Settings
from assistant.transcription.result import Heard, Transcription
from pipeline.audio import AudioChunk
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.noise_floor import NoiseFloor
from pipeline.protocols import VoiceDetector
from pipeline.segmenter import NoUtterance, SegmenterSettings, SpeechEnded
from pipeline.speech import Utterance, VoiceFrame
from pipeline.utterance_taker import UtteranceTaker

SPOKEN = 0.5
"""Probability from which a frame is speech."""

BATCH = 16
"""Frames that the voice detector gets at once (half a second): each costs a quarter of what it costs alone, more save
nothing, and the loop is free again after two milliseconds."""


async def transcribe_stream(
    chunks: AsyncGenerator[AudioChunk], transcriber: FallbackTranscriber, vad: VoiceDetector, settings: Settings
) -> Transcription:
    """A stream of ``FRAME_SAMPLES`` chunks at 16 kHz of any length, at constant memory.

    Utterance by utterance, so that somebody at the kiosk can be understood in between. Raises ``ProviderError``.
    """
    heard = list[Heard]()
    async with aclosing(_utterances(chunks, vad, settings)) as utterances:
        async for one in utterances:
            heard.append(Heard(await transcriber.transcribe(one), one.speech_start_s, one.speech_end_s))
    return Transcription(tuple(heard))


async def likely_speech(
    chunks: AsyncGenerator[AudioChunk], vad: VoiceDetector
) -> AsyncGenerator[tuple[AudioChunk, float]]:
    """Each chunk with its probability of speech, 0 to 1."""
    async with aclosing(chunks):
        batch = list[AudioChunk]()
        async for chunk in chunks:
            batch.append(chunk)
            if len(batch) == BATCH:
                for pair in zip(batch, await vad.speech_probabilities(batch), strict=True):
                    yield pair
                batch = []
        for pair in zip(batch, await vad.speech_probabilities(batch), strict=True):
            yield pair


async def _utterances(
    chunks: AsyncGenerator[AudioChunk], vad: VoiceDetector, settings: Settings
) -> AsyncGenerator[Utterance]:
    """All utterances of a stream; no wake word is needed and no silence is too long."""
    limits = SegmenterSettings(**settings.utterance.model_dump(), wake_tail_s=0.0)
    floor = NoiseFloor()
    taker = UtteranceTaker(limits)
    async with aclosing(likely_speech(chunks, vad)) as pairs:
        async for chunk, probability in pairs:
            level_db = chunk.level_db
            floor_db = floor.update(level_db, speech=probability > SPOKEN)
            frame = VoiceFrame(chunk.start_s, chunk.duration_s, probability, level_db, floor_db)
            step = await taker.push(chunk, frame)
            if isinstance(step, SpeechEnded):
                yield taker.cut(step)
            if isinstance(step, SpeechEnded | NoUtterance):
                taker = UtteranceTaker(limits)
    last = taker.flush()
    if isinstance(last, SpeechEnded):
        yield taker.cut(last)
