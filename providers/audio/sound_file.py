"""Reading sound files of any PCM kind as what a microphone would have delivered, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk, Pcm
from pipeline.errors import AudioFileError
from providers.audio.resample import Resampler

BLOCK_S = 1.0
"""Audio seconds read at once: what a file of any length costs in memory."""

LOWEST_RATE_HZ = 4_000
HIGHEST_RATE_HZ = 384_000
"""Rates outside are a damaged header, and soxr would make something huge of them."""

REMEDY = "Give a WAV file (PCM or float, any rate, mono or stereo)."


class SoundFile:
    """An open sound file. Raises ``AudioFileError`` when it is opened or read and is not what it should be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _opened(path)
        self.duration_s: float = self._file.frames / self._file.samplerate
        """Length in audio seconds as the header tells it."""

    def blocks(self) -> Iterator[Pcm]:
        """The sound at ``LISTENING_RATE_HZ``, channels averaged, in blocks of about ``BLOCK_S``."""
        import soundfile

        resampler = Resampler(self._file.samplerate, LISTENING_RATE_HZ)
        block_frames = round(BLOCK_S * self._file.samplerate)
        try:
            while len(samples := self._file.read(block_frames, dtype="float32", always_2d=True)):
                yield resampler.push_float(np.nan_to_num(samples.mean(axis=1, dtype=np.float32), posinf=1, neginf=-1))
        except soundfile.LibsndfileError as error:
            raise AudioFileError(f"{self.path} is damaged: {error}.", remedy=REMEDY) from error
        yield resampler.flush()

    def close(self) -> None:
        """Close it; may be called again."""
        self._file.close()


def read_wav(path: Path, *, max_s: float | None = None) -> AudioChunk:
    """A whole sound file at ``LISTENING_RATE_HZ``.

    Raises ``AudioFileError`` for what is no sound, and for more than ``max_s`` seconds of it, before reading them.
    """
    sound = SoundFile(path)
    try:
        if max_s is not None and sound.duration_s > max_s:
            raise AudioFileError(
                f"{path} is {sound.duration_s:.0f} seconds long, at most {max_s:.0f} can be used here.",
                remedy="Cut it, or play it through 'assistant run --input'.",
            )
        return AudioChunk(np.concatenate(list(sound.blocks())), LISTENING_RATE_HZ)
    finally:
        sound.close()


def _opened(path: Path) -> Any:
    """A ``soundfile.SoundFile`` that holds at least one sample."""
    import soundfile

    if not path.exists():
        raise AudioFileError(f"There is no file {path}.", remedy="Check the path.")
    if path.is_dir():
        raise AudioFileError(f"{path} is a folder.", remedy=REMEDY)
    try:
        empty = path.stat().st_size == 0
        file = None if empty else soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, TypeError, OSError) as error:
        # TypeError: soundfile takes a name ending in .raw for headerless sound and asks for a rate.
        raise AudioFileError(f"{path} cannot be read as sound ({_reason(error)}).", remedy=REMEDY) from error
    if file is None or file.frames == 0:
        if file is not None:
            file.close()
        raise AudioFileError(f"{path} is empty: it holds no sound.", remedy=REMEDY)
    if not LOWEST_RATE_HZ <= file.samplerate <= HIGHEST_RATE_HZ:
        file.close()
        raise AudioFileError(f"{path} claims {file.samplerate} samples per second.", remedy=REMEDY)
    return file


def _reason(error: Exception) -> str:
    """libsndfile's own words without the path that soundfile puts before them."""
    return str(getattr(error, "error_string", error)).rstrip(". ")
