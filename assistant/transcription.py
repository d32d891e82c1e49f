"""Writes down recordings: sound files named on the command line, and uploads that nobody should trust."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np

from assistant.samples.arrival import opened_recording
from assistant.samples.decoding import Recording, decode
from assistant.samples.errors import SampleRefused
from assistant.samples.listening import listening_frames
from assistant.settings import Settings
from pipeline.audio import FRAME_S, LISTENING_RATE_HZ, AudioChunk
from pipeline.ears import cut_utterance
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.noise_floor import NoiseFloor
from pipeline.protocols import VoiceDetector
from pipeline.segmenter import NoUtterance, SegmenterSettings, SpeechEnded, UtteranceSegmenter
from pipeline.speech import NoSpeech, NoSpeechReason, Transcript, Utterance, UtteranceEnd, VoiceFrame
from providers.vad.silero import SileroVoiceDetector, packaged_model

LONGEST_S = 300.0
"""Audio seconds of an upload: five minutes."""

LONGEST_QUESTION_S = 30.0
"""Audio seconds of a spoken question; a recogniser hears no more at once."""

SPOKEN = 0.5
"""Probability from which a frame is speech."""

BESIDE_S = 0.25
"""Sound that is kept before the first and after the last speech of a question."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One utterance in a recording."""

    result: Transcript | NoSpeech
    start_s: float
    """Where its first word begins, seconds."""
    end_s: float
    """Where its last word ends, seconds."""

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        place = {"start_s": round(self.start_s, 3), "end_s": round(self.end_s, 3)}
        if isinstance(self.result, Transcript):
            return {"text": self.result.text, "confidence": round(self.result.confidence, 3), **place}
        return {"no_speech": str(self.result.reason), **place}


@dataclass(frozen=True, slots=True)
class Transcription:
    """What a recording says."""

    heard: tuple[Heard, ...]
    """One for each utterance found in it."""
    duration_s: float | None = None
    """Length of the recording, seconds, where it is known."""

    @property
    def text(self) -> str:
        """All words; "" where there were none."""
        return " ".join(one.result.text for one in self.heard if isinstance(one.result, Transcript))

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        first = next((one.result for one in self.heard if isinstance(one.result, Transcript)), None)
        return {
            "text": self.text,
            "language": first.language if first else None,
            "provider": self.heard[0].result.provider if self.heard else None,
            "compute_ms": round(sum(one.result.compute_ms for one in self.heard), 1),
            "utterances": [one.as_dict() for one in self.heard],
            **({} if self.duration_s is None else {"duration_s": round(self.duration_s, 3)}),
        }


async def transcribe_recording(
    file: BinaryIO, transcriber: FallbackTranscriber, settings: Settings, *, longest_s: float = LONGEST_S
) -> Transcription:
    """An upload. Raises ``SampleRefused`` where it is no sound or too long, and ``ProviderError``."""
    recording = await _decoded(file, settings, longest_s)
    async with (
        SileroVoiceDetector(packaged_model()) as vad,
        aclosing(_each(listening_frames(recording.audio))) as chunks,
    ):
        found = await transcribe_stream(chunks, transcriber, vad, settings)
    return replace(found, duration_s=recording.audio.duration_s)


async def question_of(file: BinaryIO, settings: Settings) -> Utterance | NoSpeechReason:
    """All that is said in an upload as one utterance: where a button tells begin and end, a pause does not.

    Raises ``SampleRefused``.
    """
    recording = await _decoded(file, settings, LONGEST_QUESTION_S)
    frames = listening_frames(recording.audio)
    async with SileroVoiceDetector(packaged_model()) as vad:
        spoken = [number for number, one in enumerate(await vad.speech_probabilities(frames)) if one >= SPOKEN]
    speech_s = len(spoken) * FRAME_S
    if not spoken:
        return NoSpeechReason.NOT_SPEECH
    if speech_s < settings.utterance.min_speech_s:
        return NoSpeechReason.TOO_SHORT
    start_s, end_s = spoken[0] * FRAME_S, (spoken[-1] + 1) * FRAME_S
    whole = AudioChunk(np.concatenate([frame.pcm for frame in frames]), LISTENING_RATE_HZ)
    audio = whole.since(max(0.0, start_s - BESIDE_S)).until(end_s + BESIDE_S)
    return Utterance(audio, start_s, end_s, speech_s, whole.end_s, UtteranceEnd.STREAM_END)


def srt(transcription: Transcription) -> str:
    """As subtitles in the form of SubRip."""
    cues = [
        f"{number}\n{_time(one.start_s, ',')} --> {_time(one.end_s, ',')}\n{one.result.text}\n"
        for number, one in enumerate((one for one in transcription.heard if isinstance(one.result, Transcript)), 1)
        if isinstance(one.result, Transcript)
    ]
    return "\n".join(cues)


def vtt(transcription: Transcription) -> str:
    """As subtitles in the form WebVTT."""
    cues = [
        f"{_time(one.start_s, '.')} --> {_time(one.end_s, '.')}\n{one.result.text}\n"
        for one in transcription.heard
        if isinstance(one.result, Transcript)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _time(at_s: float, mark: str) -> str:
    milliseconds = round(at_s * 1000)
    seconds, minutes = milliseconds // 1000 % 60, milliseconds // 60_000 % 60
    return f"{milliseconds // 3_600_000:02}:{minutes:02}:{seconds:02}{mark}{milliseconds % 1000:03}"


async def _decoded(file: BinaryIO, settings: Settings, longest_s: float) -> Recording:
    with opened_recording(file, settings.samples.max_upload_mb * 1_000_000) as opened:
        recording = await decode(opened, longest_s=longest_s)
    if recording.longer:
        raise SampleRefused(
            f"The recording is longer than {longest_s:g} s.",
            reason="too_long",
            remedy="Cut it, and send it in parts; `assistant transcribe` takes files of any length.",
        )
    return recording


async def _each(chunks: list[AudioChunk]) -> AsyncGenerator[AudioChunk]:
    for chunk in chunks:
        yield chunk


async def transcribe_stream(
    chunks: AsyncGenerator[AudioChunk], transcriber: FallbackTranscriber, vad: VoiceDetector, settings: Settings
) -> Transcription:
    """A stream of ``FRAME_SAMPLES`` chunks at 16 kHz of any length, at constant memory.

    Utterance by utterance, so that somebody at the kiosk can be understood in between. Raises ``ProviderError``.
    """
    async with aclosing(_utterances(chunks, vad, settings)) as utterances:
        return Transcription(
            tuple(
                [
                    Heard(await transcriber.transcribe(one), one.speech_start_s, one.speech_end_s)
                    async for one in utterances
                ]
            )
        )


async def _utterances(
    chunks: AsyncGenerator[AudioChunk], vad: VoiceDetector, settings: Settings
) -> AsyncGenerator[Utterance]:
    """All utterances of a stream; no wake word is needed and no silence is too long."""
    limits = SegmenterSettings(**settings.utterance.model_dump(), wake_tail_s=0.0)
    floor = NoiseFloor()
    segmenter, audio = UtteranceSegmenter(limits), list[AudioChunk]()
    async with aclosing(chunks):
        async for chunk in chunks:
            audio.append(chunk)
            probability, level_db = await vad.speech_probability(chunk), chunk.level_db
            floor_db = floor.update(level_db, speech=probability > SPOKEN)
            step = segmenter.push(VoiceFrame(chunk.start_s, chunk.duration_s, probability, level_db, floor_db))
            if isinstance(step, SpeechEnded):
                yield cut_utterance(audio, step, limits)
            if isinstance(step, SpeechEnded | NoUtterance):
                segmenter, audio = UtteranceSegmenter(limits), []
    last = segmenter.flush()
    if isinstance(last, SpeechEnded):
        yield cut_utterance(audio, last, limits)
