"""Any PCM file gives the same sound; anything else a clear message."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.audio import LISTENING_RATE_HZ
from pipeline.errors import AudioFileError
from providers.audio.sound_file import SoundFile, read_wav
from tests.contracts.speaker import tone
from tests.providers.audio.sounds import ramp, written

pytestmark = pytest.mark.unit

TONE = tone(440, 1.0, LISTENING_RATE_HZ)


def wav_header(data_bytes: int, rate_hz: int = 16_000) -> bytes:
    form = struct.pack("<IHHIIHH", 16, 1, 1, rate_hz, rate_hz * 2, 2, 16)
    return b"RIFF" + struct.pack("<I", 36 + data_bytes) + b"WAVEfmt " + form + b"data" + struct.pack("<I", data_bytes)


@pytest.mark.parametrize(
    ("subtype", "rate_hz", "channels"),
    [
        ("PCM_16", 16_000, 1),
        ("PCM_U8", 16_000, 1),
        ("PCM_24", 16_000, 1),
        ("PCM_32", 16_000, 1),
        ("FLOAT", 16_000, 1),
        ("DOUBLE", 48_000, 2),
        ("PCM_16", 16_000, 2),
        ("PCM_16", 8_000, 1),
        ("PCM_16", 44_100, 2),
        ("PCM_24", 48_000, 6),
    ],
)
def test_every_kind_of_file_gives_the_same_sound(tmp_path: Path, subtype: str, rate_hz: int, channels: int) -> None:
    source = tone(440, 1.0, rate_hz).as_float()
    soundfile.write(tmp_path / "a.wav", np.tile(source[:, np.newaxis], channels), rate_hz, subtype=subtype)
    found = read_wav(tmp_path / "a.wav")
    assert found.rate_hz == LISTENING_RATE_HZ
    assert found.duration_s == pytest.approx(1.0, abs=1e-3)
    assert found.level_db == pytest.approx(TONE.level_db, abs=0.2)
    both = min(len(found.pcm), len(TONE.pcm))
    assert np.corrcoef(found.pcm[:both], TONE.pcm[:both])[0, 1] > 0.999


def test_a_file_of_our_own_kind_is_read_bit_for_bit(tmp_path: Path) -> None:
    sound = ramp(3.5)
    assert np.array_equal(read_wav(written(tmp_path / "a.wav", sound)).pcm, sound.pcm)


def test_blocks_join_without_seams(tmp_path: Path) -> None:
    long = tone(440, 3.3, 44_100)
    found = read_wav(written(tmp_path / "a.wav", long)).pcm.astype(float)
    expected = tone(440, 3.3, LISTENING_RATE_HZ).pcm.astype(float)
    assert np.abs(found - expected)[200:-200].max() < 30


def test_values_that_are_no_numbers_become_silence(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([0.5, np.nan, np.inf, -np.inf], np.float32), 16_000, subtype="FLOAT")
    assert read_wav(tmp_path / "a.wav").pcm.tolist() == [16384, 0, 32767, -32768]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.wav", b"", "is empty"),
        ("no_samples.wav", wav_header(0), "is empty"),
        ("text.wav", b"opening hours: nine to five\n" * 9, "cannot be read as sound"),
        ("half_header.wav", wav_header(100)[:20], "cannot be read as sound"),
        ("headerless.raw", bytes(100), "cannot be read as sound"),
        ("slow.wav", wav_header(100, rate_hz=3) + bytes(100), "claims 3 samples per second"),
    ],
)
def test_what_is_no_sound_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AudioFileError, match=words) as caught:
        read_wav(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="There is no file"):
        read_wav(tmp_path / "a.wav")
    with pytest.raises(AudioFileError, match="is a folder"):
        read_wav(tmp_path)


def test_a_file_that_breaks_off_gives_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav_header(32_000) + bytes(16_000))
    assert read_wav(tmp_path / "a.wav").duration_s == pytest.approx(0.5)


def test_an_hour_costs_no_memory_and_is_refused_where_it_is_too_long(tmp_path: Path) -> None:
    path = tmp_path / "hour.wav"
    data_bytes = 3600 * 16_000 * 2
    with path.open("wb") as file:
        file.write(wav_header(data_bytes))
        file.truncate(44 + data_bytes)  # a hole: takes no room on the disk
    sound = SoundFile(path)
    next(sound.blocks())  # imports
    tracemalloc.start()
    try:
        samples = sum(len(block) for block in sound.blocks())
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        sound.close()
    assert samples == 3599 * 16_000
    assert peak_bytes < 10_000_000, "an hour has 115 MB; what others do in this process meanwhile is counted too"
    with pytest.raises(AudioFileError, match="3600 seconds long, at most 30"):
        read_wav(path, max_s=30)
