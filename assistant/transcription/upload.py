"""Uploaded recordings: decoded where they can do no harm, and never longer or larger than they may be."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from assistant.samples.arrival import opened_recording
from assistant.samples.decoding import decode
from assistant.samples.errors import SampleRefused
from assistant.settings import Settings
from assistant.transcription.result import Transcription
from assistant.transcription.stream import SPOKEN, likely_speech, transcribe_stream
from pipeline.audio import FRAME_S, FRAME_SAMPLES, LISTENING_RATE_HZ, AudioChunk
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.segmenter import SegmenterSettings
from pipeline.speech import NoSpeechReason, Utterance, UtteranceEnd
from providers.vad.silero import SileroVoiceDetector, packaged_model

LONGEST_S = 300.0
"""Audio seconds of an upload: five minutes."""

LONGEST_QUESTION_S = 30.0
"""Audio seconds of a spoken question; a recogniser hears no more at once."""

LEAST_RUN = 3
"""Frames of speech in a row (0.1 s) with which a question may begin or end: the click of a button is shorter."""


class RecordingRefused(SampleRefused):
    """An uploaded recording cannot be listened to; ``reason`` says why in the words of ``SampleRefused``."""

    code = "recording_refused"


async def transcribe_recording(
    file: BinaryIO,
    transcriber: FallbackTranscriber,
    settings: Settings,
    *,
    longest_s: float = LONGEST_S,
    most_bytes: int | None = None,
) -> Transcription:
    """What an upload says; without words where nobody speaks in it.

    ``longest_s`` in audio seconds may be up to 600, ``most_bytes`` is ``samples.max_upload_mb`` where it is left out.
    Raises ``RecordingRefused`` where it is no sound, too long or too large, ``SampleError`` where nothing can be
    decoded here, and ``ProviderError`` where nobody can listen.
    """
    audio = await _decoded(file, settings, longest_s, most_bytes)
    async with SileroVoiceDetector(packaged_model()) as vad, aclosing(_frames(audio)) as chunks:
        found = await transcribe_stream(chunks, transcriber, vad, settings)
    return replace(found, duration_s=audio.duration_s)


async def question_of(
    file: BinaryIO, settings: Settings, *, longest_s: float = LONGEST_QUESTION_S, most_bytes: int | None = None
) -> Utterance | NoSpeechReason:
    """All that is said in an upload as one utterance: where a button tells begin and end, a pause does not.

    Arguments and exceptions as for ``transcribe_recording``.
    """
    audio = await _decoded(file, settings, longest_s, most_bytes)
    async with (
        SileroVoiceDetector(packaged_model()) as vad,
        aclosing(likely_speech(_frames(audio), vad)) as pairs,
    ):
        spoken = np.array([probability >= SPOKEN async for _, probability in pairs], np.bool_)
    runs = [(first, last) for first, last in _runs(spoken) if last - first >= LEAST_RUN]
    speech_s = sum(last - first for first, last in runs) * FRAME_S
    if not runs or speech_s < settings.utterance.min_speech_s:
        return NoSpeechReason.TOO_SHORT if spoken.any() else NoSpeechReason.NOT_SPEECH
    start_s, end_s = runs[0][0] * FRAME_S, runs[-1][1] * FRAME_S
    margins = SegmenterSettings()
    cut = audio.since(start_s - margins.pre_roll_s).until(end_s + margins.tail_s)
    return Utterance(cut, start_s, end_s, speech_s, audio.duration_s, UtteranceEnd.STREAM_END)


async def _decoded(file: BinaryIO, settings: Settings, longest_s: float, most_bytes: int | None) -> AudioChunk:
    """At 16 kHz. Raises ``RecordingRefused`` and ``SampleError``."""
    most_bytes = most_bytes or settings.samples.max_upload_mb * 1_000_000
    try:
        with _on_disk(file, most_bytes) as opened:
            found = await decode(
                opened, longest_s=longest_s, time_limit_s=30.0 + longest_s / 10, rate_hz=LISTENING_RATE_HZ
            )
    except SampleRefused as error:
        remedy = "Send less of it, or send it as MP3." if error.reason == "too_large" else error.remedy
        raise RecordingRefused(str(error), reason=error.reason, remedy=remedy) from error
    if found.longer:
        raise RecordingRefused(
            f"The recording is longer than {longest_s:g} seconds.", reason="too_long", remedy="Send it in parts."
        )
    return found.audio


@contextmanager
def _on_disk(file: BinaryIO, most_bytes: int) -> Iterator[BinaryIO]:
    """The recording as a regular file; what a web server has in one is not copied. Raises ``SampleRefused``."""
    try:
        file.flush()
        found = os.fstat(file.fileno())
    except io.UnsupportedOperation:
        found = None
    if found is not None and stat.S_ISREG(found.st_mode) and found.st_size <= most_bytes:
        yield file
        return
    with opened_recording(file, most_bytes) as copy:
        yield copy


async def _frames(audio: AudioChunk) -> AsyncGenerator[AudioChunk]:
    """Chunks as the voice detector takes them; the last one is filled up with silence."""
    for number, at in enumerate(range(0, len(audio.pcm), FRAME_SAMPLES)):
        pcm = audio.pcm[at : at + FRAME_SAMPLES]
        yield AudioChunk(np.pad(pcm, (0, FRAME_SAMPLES - len(pcm))), LISTENING_RATE_HZ, number * FRAME_S)


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and one past the last frame of each stretch that is set."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]
