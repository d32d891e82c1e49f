"""Uploads: whatever browsers and telephones record is written down, and nothing is invented."""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import pytest
import soundfile
import soxr

from assistant.samples.decoding import decode
from assistant.settings import Settings, settings_model
from assistant.transcription import RecordingRefused, Transcription, question_of, srt, transcribe_recording, vtt
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.events import EventFeed
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.protocols import Transcriber
from pipeline.speech import NoSpeechReason, Transcript, Utterance
from providers.registry import Resources
from providers.stt import faster_whisper
from tests import sounds
from tests.assistant.samples.files import encoded, riff, s16
from tests.conftest import ROOT
from tests.fakes.models import ListedModels
from tests.fakes.stt import ScriptedTranscriber

pytestmark = pytest.mark.model

FIRST, SECOND = "What time do you close?", "Where can I find the milk?"
RESOURCES = Resources(ListedModels(ROOT / "models", {"whisper": ["whisper-kiosk-en"]}), ROOT)
SETTINGS = cast(Settings, settings_model()())
RATE_HZ = 24_000
"""Of what ``encoded`` takes."""


def quiet(length_s: float) -> np.ndarray:
    return sounds.white(length_s, -75.0)


@cache
def two_questions() -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Two questions with a pause of two seconds, 16 kHz, and where each of them is, in seconds."""
    parts = [quiet(0.8), sounds.piper(FIRST), quiet(2.0), sounds.piper(SECOND), quiet(1.2)]
    edges = np.cumsum([len(part) for part in parts]) / 16_000
    return np.concatenate(parts), [(edges[0], edges[1]), (edges[2], edges[3])]


def wav(samples: np.ndarray, rate_hz: int = 16_000) -> bytes:
    return riff(s16(np.clip(samples, -1, 1)), rate=rate_hz)


def coded(container: str, codec: str, rate: int = 48_000, layout: str = "mono") -> bytes:
    return encoded(soxr.resample(two_questions()[0], 16_000, RATE_HZ), container, codec, rate=rate, layout=layout)


def vorbis() -> bytes:
    output = io.BytesIO()
    soundfile.write(output, two_questions()[0], 16_000, format="OGG", subtype="VORBIS")
    return output.getvalue()


def one_side() -> bytes:
    sound = two_questions()[0]
    return riff(s16(np.column_stack([np.zeros_like(sound), sound]).ravel()), rate=16_000, channels=2)


RECORDINGS: dict[str, Callable[[], bytes]] = {
    "wav": lambda: wav(two_questions()[0]),
    "wav with one silent channel": one_side,
    "mp3": lambda: coded("mp3", "libmp3lame", 44_100),
    "m4a": lambda: coded("mp4", "aac", 44_100),
    "aac": lambda: coded("adts", "aac", 44_100),
    "flac": lambda: coded("flac", "flac"),
    "ogg vorbis": vorbis,
    "ogg opus": lambda: coded("ogg", "libopus", layout="stereo"),
    "webm opus": lambda: coded("webm", "libopus"),
}


def behind(transcriber: Transcriber) -> FallbackTranscriber:
    loop = asyncio.get_running_loop()
    return FallbackTranscriber([transcriber], CircuitBreaker(EventFeed(), loop.time), loop.time)


@asynccontextmanager
async def whisper() -> AsyncIterator[FallbackTranscriber]:
    async with faster_whisper.create(faster_whisper.Settings(), RESOURCES) as transcriber:
        yield behind(transcriber)


async def written(content: bytes, **limits: float) -> Transcription:
    async with whisper() as transcriber:
        return await transcribe_recording(io.BytesIO(content), transcriber, SETTINGS, **limits)


def about(found: Transcription) -> None:
    """Both questions, each in its place."""
    sound, places = two_questions()
    assert found.text == f"{FIRST} {SECOND}"
    assert found.duration_s == pytest.approx(len(sound) / 16_000, abs=0.1)
    for one, (start_s, end_s) in zip(found.heard, places, strict=True):
        assert one.start_s == pytest.approx(start_s, abs=0.25)
        assert one.end_s == pytest.approx(end_s, abs=0.35)


@pytest.mark.parametrize("kind", RECORDINGS)
async def test_what_is_said_and_when(kind: str) -> None:
    about(await written(RECORDINGS[kind]()))


async def test_as_programs_and_players_get_it() -> None:
    found = await written(RECORDINGS["wav"]())
    document = found.as_dict()
    assert document["language"] == "en"
    assert document["provider"] == "faster_whisper"
    assert document["compute_ms"] > 0
    assert [one["text"] for one in document["utterances"]] == [FIRST, SECOND]
    assert all(one["start_s"] < one["end_s"] for one in document["utterances"])
    assert srt(found).count(" --> ") == vtt(found).count(" --> ") == 2
    assert SECOND in srt(found)


@pytest.mark.parametrize(
    "sound",
    [np.zeros(80_000), sounds.white(5), sounds.white(5, -20), sounds.pink(5, -30), sounds.hum(5), sounds.music(8),
     sounds.clicks(5)],
    ids=["digital silence", "soft noise", "loud noise", "pink noise", "hum", "music", "clicks"],
)  # fmt: skip
async def test_nothing_is_invented_where_nobody_speaks(sound: np.ndarray) -> None:
    found = await written(wav(sound))
    assert found.text == ""
    assert found.as_dict()["language"] is None
    assert srt(found) == ""


async def test_every_kind_of_file_that_may_be_handed_over(tmp_path: Path) -> None:
    content = RECORDINGS["wav"]()
    (tmp_path / "a.wav").write_bytes(content)
    transcriber = behind(ScriptedTranscriber([FIRST, SECOND]))
    with (
        tempfile.SpooledTemporaryFile(max_size=len(content) + 1) as in_memory,
        tempfile.SpooledTemporaryFile(max_size=10) as on_disk,
        (tmp_path / "a.wav").open("rb") as named,
    ):
        for file in (in_memory, on_disk):
            file.write(content[:-3000])
            file.write(content[-3000:])  # stays in Python's buffer
        named.read(100)
        for file in (io.BytesIO(content), in_memory, on_disk, named):
            found = await transcribe_recording(cast(BinaryIO, file), transcriber, SETTINGS)
            assert len(found.heard) == 2, file
            assert found.duration_s == pytest.approx(len(two_questions()[0]) / 16_000, abs=0.001), file


REFUSED: dict[str, tuple[Callable[[], bytes], dict[str, float], str]] = {
    "longer": (lambda: wav(quiet(2.1)), {"longest_s": 2.0}, "too_long"),
    "larger": (lambda: wav(quiet(2.0)), {"most_bytes": 50_000}, "too_large"),
    "empty": (bytes, {}, "unknown"),
    "a text": (lambda: b"What time do you close?", {}, "unknown"),
    "torn": (lambda: riff(b""), {}, "no_sound"),
    "chance inside": (lambda: b"\x1aE\xdf\xa3\x87\x42\x82\x84webm" + bytes(1000), {}, "damaged"),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_refusals_say_why_and_what_to_do(kind: str) -> None:
    make, limits, reason = REFUSED[kind]
    for listen in (question_of(io.BytesIO(make()), SETTINGS, **limits), scripted(make(), **limits)):
        with pytest.raises(RecordingRefused) as refused:
            await listen
        assert (refused.value.code, refused.value.reason) == ("recording_refused", reason)
        assert refused.value.remedy
        assert "sample" not in f"{refused.value} {refused.value.remedy}"
        assert "10 to" not in refused.value.remedy


async def scripted(content: bytes, **limits: float) -> Transcription:
    return await transcribe_recording(io.BytesIO(content), behind(ScriptedTranscriber([FIRST])), SETTINGS, **limits)


async def test_as_long_as_it_may_be() -> None:
    assert (await scripted(wav(quiet(2.0)), longest_s=2.0)).duration_s == pytest.approx(2.0, abs=0.001)


async def test_ten_minutes_of_music_quality_in_bounded_memory(tmp_path: Path) -> None:
    second = np.random.default_rng(1).integers(-9000, 9000, (96_000, 2), np.int16)
    with (tmp_path / "long.flac").open("wb") as file:
        soundfile.write(file, np.tile(second, (601, 1)), 96_000, format="FLAC", subtype="PCM_16")
    with (tmp_path / "long.flac").open("rb") as file:
        found = await decode(file, longest_s=600.0, rate_hz=16_000, time_limit_s=90)
    assert found.audio.duration_s == 600.0
    assert found.longer
    assert found.peak_kb < 180_000


async def test_who_leaves_meanwhile_leaves_nothing_behind() -> None:
    hanging = ScriptedTranscriber([FIRST])
    hanging.hangs = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2):
            await transcribe_recording(io.BytesIO(RECORDINGS["wav"]()), behind(hanging), SETTINGS)
    assert len(hanging.heard) == 1


async def test_all_that_is_said_is_one_question() -> None:
    sound, places = two_questions()
    found = await question_of(io.BytesIO(wav(sound)), SETTINGS)
    assert isinstance(found, Utterance)
    assert found.speech_start_s == pytest.approx(places[0][0], abs=0.25)
    assert found.speech_end_s == pytest.approx(places[1][1], abs=0.35)
    assert found.audio.rate_hz == 16_000
    assert found.audio.start_s == pytest.approx(found.speech_start_s - 0.3, abs=0.001)
    assert found.audio.end_s == pytest.approx(found.speech_end_s + 0.3, abs=0.001)
    assert 1.5 < found.speech_s < found.audio.duration_s - 1.5


async def test_a_pause_to_think_ends_no_question() -> None:
    sound = np.concatenate(
        [quiet(0.8), sounds.piper("How much"), quiet(2.0), sounds.piper("is the bread?"), quiet(1.0)]
    )
    found = await question_of(io.BytesIO(wav(sound)), SETTINGS)
    assert isinstance(found, Utterance)
    async with whisper() as transcriber:
        result = await transcriber.transcribe(found)
    assert isinstance(result, Transcript)
    assert result.text == "How much is the bread?"


async def test_who_speaks_from_the_first_to_the_last_moment_loses_no_word() -> None:
    samples = sounds.piper(FIRST)
    loud = np.flatnonzero(np.abs(samples) > 0.02)
    found = await question_of(io.BytesIO(wav(samples[loud[0] : loud[-1]])), SETTINGS)
    assert isinstance(found, Utterance)
    async with whisper() as transcriber:
        result = await transcriber.transcribe(found)
    assert isinstance(result, Transcript)
    assert result.text == FIRST


async def test_one_short_word_is_a_question() -> None:
    sound = np.concatenate([quiet(0.5), sounds.piper("Bread?"), quiet(0.5)])
    assert isinstance(await question_of(io.BytesIO(wav(sound)), SETTINGS), Utterance)


@pytest.mark.parametrize(
    ("sound", "reasons"),
    [
        (np.zeros(32_000), {NoSpeechReason.NOT_SPEECH}),
        (sounds.white(2, -30), {NoSpeechReason.NOT_SPEECH}),
        (sounds.clicks(2), {NoSpeechReason.NOT_SPEECH, NoSpeechReason.TOO_SHORT}),
        (np.zeros(100), {NoSpeechReason.NOT_SPEECH}),
        (np.concatenate([quiet(1), sounds.piper(FIRST)[3000:5000], quiet(1)]), {NoSpeechReason.TOO_SHORT}),
    ],
    ids=["silence", "noise", "clicks", "a touch of the button", "the bit of a word"],
)
async def test_no_question(sound: np.ndarray, reasons: set[NoSpeechReason]) -> None:
    assert await question_of(io.BytesIO(wav(sound)), SETTINGS) in reasons


async def test_a_question_is_not_a_speech() -> None:
    with pytest.raises(RecordingRefused, match="longer than 30 seconds"):
        await question_of(io.BytesIO(wav(quiet(31))), SETTINGS)
