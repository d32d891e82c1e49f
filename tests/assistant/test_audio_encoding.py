"""Sound in the formats that callers ask for: it comes early, and it is the sound that went in."""

from __future__ import annotations

import gc
import io
import itertools
import re
import wave
from functools import cache
from pathlib import Path
from typing import get_args

import av
import numpy as np
import pytest
import soundfile
import soxr

from assistant.audio_encoding import Encoder, SoundFormat, encoder
from pipeline.audio import AudioChunk, from_float, silence
from tests import sounds

pytestmark = pytest.mark.model

FORMATS: tuple[SoundFormat, ...] = get_args(SoundFormat)
CODED: tuple[SoundFormat, ...] = ("flac", "mp3", "opus", "aac")
LOSSLESS = {"wav", "pcm", "flac"}
PIECE_S = 0.1


@cache
def speech(rate_hz: int) -> AudioChunk:
    """About four seconds in the bundled voice."""
    samples = sounds.piper("The olive oil is in aisle three, next to the vinegar. We close at eight o'clock tonight.")
    return from_float(soxr.resample(samples, 16_000, rate_hz) if rate_hz != 16_000 else samples, rate_hz)


def pieces(sound: AudioChunk, length_s: float = PIECE_S) -> list[AudioChunk]:
    size = round(length_s * sound.rate_hz)
    return [AudioChunk(sound.pcm[at : at + size], sound.rate_hz) for at in range(0, len(sound.pcm), size)]


def encoded(coder: Encoder, chunks: list[AudioChunk]) -> bytes:
    return b"".join(map(coder.push, chunks)) + coder.finish()


def decoded(content: bytes) -> AudioChunk:
    """By FFmpeg, up to where the content ends."""
    with av.open(io.BytesIO(content)) as file:
        rate_hz = file.streams.audio[0].rate
        resampler = av.AudioResampler("flt", "mono", rate_hz)
        frames = [one for frame in file.decode(audio=0) for one in resampler.resample(frame)]
        parts = [frame.to_ndarray()[0] for frame in [*frames, *resampler.resample(None)]]
    return from_float(np.concatenate([np.zeros(0, np.float32), *parts]), rate_hz)


def heard_in(form: str, content: bytes, rate_hz: int) -> AudioChunk:
    return AudioChunk(np.frombuffer(content, "<i2"), rate_hz) if form == "pcm" else decoded(content)


def likeness(found: AudioChunk, sent: AudioChunk) -> tuple[float, float]:
    """The highest correlation, and by how many seconds the found one is late there."""
    one, other = (soxr.resample(sound.as_float(), sound.rate_hz, 16_000) for sound in (found, sent))
    size = 1 << (len(one) + len(other)).bit_length()
    products = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)))
    at = int(np.argmax(products))
    lag = at if at < size // 2 else at - size
    return float(products[at] / np.sqrt(np.square(one).sum() * np.square(other).sum())), lag / 16_000


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 24_000, 48_000])
@pytest.mark.parametrize("form", FORMATS)
def test_it_is_the_sound_that_went_in(form: SoundFormat, rate_hz: int) -> None:
    sent = speech(rate_hz)
    found = heard_in(form, encoded(encoder(form, rate_hz), pieces(sent)), rate_hz)
    alike, late_s = likeness(found, sent)
    assert found.duration_s == pytest.approx(sent.duration_s, abs=0 if form in LOSSLESS else 0.1)
    assert found.level_db == pytest.approx(sent.level_db, abs=0.3)
    assert alike > (0.9999 if form in LOSSLESS else 0.98)
    assert 0 <= late_s < 0.06


@pytest.mark.parametrize("length", range(12_000, 13_200, 170))
@pytest.mark.parametrize("form", ["mp3", "opus", "aac"])
def test_no_length_makes_a_sound_longer_than_by_a_tenth_of_a_second(form: SoundFormat, length: int) -> None:
    sent = AudioChunk(speech(16_000).pcm[:length], 16_000)
    found = decoded(encoded(encoder(form, 16_000), [sent]))
    assert 0 <= found.duration_s - sent.duration_s <= 0.1


@pytest.mark.parametrize("form", ["wav", "flac", "mp3", "opus"])
def test_libsndfile_reads_the_same(form: SoundFormat) -> None:
    sent = speech(24_000)
    content = encoded(encoder(form, 24_000, sent.duration_s), pieces(sent))
    samples, rate_hz = soundfile.read(io.BytesIO(content), dtype="float32")
    found = from_float(samples, rate_hz)
    assert found.duration_s == pytest.approx(sent.duration_s, abs=0 if form in LOSSLESS else 0.1)
    assert likeness(found, sent)[0] > 0.98


@pytest.mark.parametrize("form", CODED)
def test_what_went_in_can_be_heard_within_a_quarter_of_a_second(form: SoundFormat) -> None:
    coder, content, given_s, worst_s = encoder(form, 22_050), b"", 0.0, 0.0
    for piece in pieces(speech(22_050)):
        content += coder.push(piece)
        given_s += piece.duration_s
        if given_s > 0.25:
            worst_s = max(worst_s, given_s - decoded(content).duration_s)
    assert worst_s <= 0.25


@pytest.mark.parametrize("form", FORMATS)
def test_another_engine_goes_on_at_another_rate(form: SoundFormat) -> None:
    first, second, third = speech(22_050), speech(16_000), speech(48_000)
    chunks = [piece for sound in (first, second, third) for piece in pieces(sound)]
    found = heard_in(form, encoded(encoder(form, 22_050), chunks), 22_050)
    assert found.duration_s == pytest.approx(3 * first.duration_s, abs=0.1)
    whole = AudioChunk(np.tile(first.pcm, 3), 22_050)
    assert likeness(found, whole)[0] > 0.97


@pytest.mark.parametrize("form", FORMATS)
def test_equal_sound_gives_equal_bytes_however_it_comes(form: SoundFormat) -> None:
    sent = speech(24_000)
    once, again, finely = (encoded(encoder(form, 24_000), pieces(sent, step_s)) for step_s in (0.1, 0.1, 0.037))
    assert once == again
    assert heard_in(form, finely, 24_000).level_db == pytest.approx(heard_in(form, once, 24_000).level_db, abs=0.01)


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_at_all_is_a_sound_without_length(form: SoundFormat) -> None:
    content = encoder(form, 24_000).finish()
    match form:
        case "wav" | "flac":
            assert decoded(content).duration_s == 0
        case "opus":  # a head, which FFmpeg does not open without a sound
            assert content.startswith(b"OggS")
        case _:  # frames one after another: no frame, no byte
            assert content == b""


@pytest.mark.parametrize(
    ("form", "kind"),
    [("wav", "audio/wav"), ("pcm", "application/octet-stream"), ("flac", "audio/flac"), ("mp3", "audio/mpeg"),
     ("opus", "audio/ogg"), ("aac", "audio/aac")],
)  # fmt: skip
def test_its_kind_is_known_before_anything_is_encoded(form: SoundFormat, kind: str) -> None:
    assert encoder(form, 24_000).media_type == kind


def test_the_head_of_a_wav_that_is_being_made() -> None:
    content = encoder("wav", 22_050).push(speech(22_050))
    assert content[4:8] == content[40:44] == b"\xff\xff\xff\xff"


@pytest.mark.parametrize("off_s", [-0.3, 0.0, 0.3])
def test_a_length_that_was_told_is_kept(off_s: float) -> None:
    sent = speech(22_050)
    told_s = round((sent.duration_s + off_s) * 22_050) / 22_050
    content = encoded(encoder("wav", 22_050, told_s), pieces(sent))
    with wave.open(io.BytesIO(content)) as file:
        samples = file.getnframes()
    assert samples == round(told_s * 22_050)
    assert len(content) == 44 + samples * 2 == 8 + int.from_bytes(content[4:8], "little")
    flac = soundfile.info(io.BytesIO(encoded(encoder("flac", 22_050, told_s), pieces(sent))))
    assert flac.frames == samples


def resident_kb() -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found.group(1))


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("form", CODED)
def test_encoders_leave_nothing_behind(form: SoundFormat, whole: bool) -> None:
    def run(times: int) -> int:
        for _ in itertools.repeat(None, times):
            coder = encoder(form, 24_000)
            coder.push(silence(0.2, 24_000))
            if whole:
                coder.finish()
        gc.collect()
        return resident_kb()

    before_kb = run(40)
    assert run(120) - before_kb < 2_000
