"""Sound files in place of a microphone and a loudspeaker.

Both keep the same contracts as real devices, so a whole conversation can be run from a file. How fast it runs is
the ``pace`` they share; ``providers.audio.pace`` tells what that means.
"""

from __future__ import annotations

import asyncio
import wave
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from pipeline.audio import FRAME_S, LISTENING_RATE_HZ, AudioChunk, Pcm, silence
from pipeline.errors import AudioFileError
from pipeline.protocols import Capabilities
from providers.audio.frames import FrameCutter
from providers.audio.pace import FastPace, Pace, RealTimePace
from providers.audio.recall import Recall
from providers.audio.resample import Resampler
from providers.audio.sound_file import SoundFile, read_wav

__all__ = ["FastPace", "Pace", "RealTimePace", "WavMicrophone", "WavSpeaker", "read_wav"]

TAIL_SILENCE_S = 2.0
"""Silence after a file's end: enough that an utterance at the very end is closed by its pause."""

FALLBACK_RATE_HZ = 22_050
"""Rate of an output file into which nothing was spoken."""


class WavMicrophone:
    """Delivers a sound file, then ``tail_silence_s`` of silence, then ends. Nothing is ever dropped."""

    def __init__(self, path: Path, pace: Pace, tail_silence_s: float = TAIL_SILENCE_S) -> None:
        self._path = path
        self._pace = pace
        self._tail_silence_s = tail_silence_s
        self._file: SoundFile | None = None
        self._frames: Iterator[AudioChunk] = iter(())
        self._next: AudioChunk | None = None

    @property
    def capabilities(self) -> Capabilities:
        """It is a file."""
        return Capabilities("wav")

    @property
    def dropped_s(self) -> float:
        """A file waits for its reader."""
        return 0.0

    async def __aenter__(self) -> Self:
        """Open the file. Raises ``AudioFileError``."""
        self._file = SoundFile(self._path)
        self._frames = self._cut(self._file)
        self._next = None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._frames = iter(())
        self._next = None
        if self._file is not None:
            self._file.close()

    async def chunks(self) -> AsyncGenerator[AudioChunk]:
        """The file's sound at its pace. Raises ``AudioFileError`` where the file turns out to be damaged."""
        with self._pace.reading():
            while (chunk := self._peek()) is not None:
                await self._pace.recorded(chunk.end_s)
                self._next = None
                yield chunk

    def _peek(self) -> AudioChunk | None:
        """The next chunk, kept until it is delivered: a reader may be cancelled while it waits."""
        if self._next is None:
            self._next = next(self._frames, None)
        return self._next

    def _cut(self, file: SoundFile) -> Iterator[AudioChunk]:
        cutter = FrameCutter()
        for block in file.blocks():
            yield from cutter.push(block)
        yield from cutter.push(silence(self._tail_silence_s, LISTENING_RATE_HZ).pcm)
        yield from cutter.flush()


class WavSpeaker:
    """Writes what a customer would have heard into a 16-bit mono WAV, one answer right after the other.

    A stopped answer ends in the file where it was stopped. The file appears under its name when the speaker is
    left, however that comes about; until then it grows as ``NAME.part``, which can be played at any time.
    """

    def __init__(self, path: Path | None, pace: Pace, rate_hz: int | None = None) -> None:
        """``path``: None hears and discards. ``rate_hz``: of the file, None takes the first chunk's."""
        self._file = _HeardFile(path, rate_hz) if path is not None else None
        self._pace = pace
        self._answer = 0
        self._under_way = False
        self._played_s = 0.0
        self._recall = Recall()
        self._again: deque[AudioChunk] = deque()
        """Pieces to be heard once more, before anything else."""
        self._going_on = asyncio.Event()
        """Not set in a pause."""
        self._going_on.set()

    @property
    def capabilities(self) -> Capabilities:
        """It is a file."""
        return Capabilities("wav")

    @property
    def played_s(self) -> float:
        """How much of the answer has been heard, in audio seconds since ``start``."""
        return self._played_s

    async def __aenter__(self) -> Self:
        """Begin the file. Raises ``AudioFileError`` where it cannot be written."""
        if self._file is not None:
            self._file.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the file its name."""
        self.stop()
        if self._file is not None:
            self._file.close()

    async def start(self) -> None:
        """A new answer; with ``FastPace`` the microphone stands still from here on."""
        self._begin_anew()
        self._under_way = True
        self._played_s = 0.0
        self._pace.answer_started()

    async def play(self, chunk: AudioChunk) -> None:
        """Return when the chunk has been heard, or the answer was stopped."""
        answer = self._answer
        for piece in _pieces(chunk):
            await self._catch_up(answer)
            if answer != self._answer:
                return
            await self._hear(piece)

    async def finish(self) -> None:
        """Return when a pause is over; what ``play`` took was heard when it returned."""
        answer = self._answer
        await self._catch_up(answer)
        if answer != self._answer:
            return
        self._begin_anew()
        if self._file is not None:
            self._file.end_answer()
        self._pace.answer_ended()

    def stop(self) -> None:
        """Silent at once; a ``play`` under way returns without the rest of its chunk."""
        self._begin_anew()
        if self._file is not None:
            self._file.cut_answer()
        self._pace.answer_ended()

    def pause(self) -> None:
        """Silent at once, without a trace in the file; with ``FastPace`` the microphone runs on."""
        if self._under_way and self._going_on.is_set():
            self._going_on.clear()
            self._pace.answer_paused()

    def resume(self, back_s: float = 0.0) -> None:
        """Go on where it paused or before; the file then holds that twice, as it is heard twice."""
        if self._going_on.is_set():
            return
        again = self._recall.take_back(back_s)
        self._played_s -= sum(piece.duration_s for piece in again)
        self._again.extendleft(reversed(again))
        self._going_on.set()
        self._pace.answer_resumed()

    def _begin_anew(self) -> None:
        """Nothing is under way; whoever waits in a pause is let go."""
        self._answer += 1
        self._under_way = False
        self._recall.forget()
        self._again.clear()
        self._going_on.set()

    async def _catch_up(self, answer: int) -> None:
        """Return when nothing of ``answer`` is to be heard before the next piece."""
        while answer == self._answer and (self._again or not self._going_on.is_set()):
            if self._going_on.is_set():
                await self._hear(self._again.popleft())
            else:
                await self._going_on.wait()

    async def _hear(self, piece: AudioChunk) -> None:
        if self._file is not None:
            self._file.write(piece)
        self._recall.heard(piece)
        self._played_s += piece.duration_s
        await self._pace.played(piece.duration_s)


class _HeardFile:
    """The WAV that a ``WavSpeaker`` writes."""

    def __init__(self, path: Path, rate_hz: int | None) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._rate_hz = rate_hz
        self._file: BinaryIO | None = None
        self._wave: wave.Wave_write | None = None
        self._resampler: Resampler | None = None

    def open(self) -> None:
        if self._path.exists() and not self._path.is_file():
            # Giving the finished file its name would replace a folder or a device such as /dev/null.
            raise AudioFileError(f"{self._path} cannot be written: it is no file.", remedy="Name a file in a folder.")
        try:
            self._file = self._part.open("wb")
        except OSError as error:
            raise AudioFileError(
                f"{self._path} cannot be written ({error.strerror or error}).",
                remedy="Name a file in a folder that exists and may be written.",
            ) from error
        self._wave = wave.open(self._file, "wb")  # noqa: SIM115 - closed in close()

    def write(self, chunk: AudioChunk) -> None:
        if self._resampler is not None and self._resampler.from_hz != chunk.rate_hz:
            self.end_answer()
        if self._resampler is None:
            self._resampler = Resampler(chunk.rate_hz, self._rate_hz or chunk.rate_hz)
            self._rate_hz = self._resampler.to_hz
        self._append(self._resampler.push(chunk.pcm))

    def end_answer(self) -> None:
        if self._resampler is not None:
            self._append(self._resampler.flush())
            self._resampler = None

    def cut_answer(self) -> None:
        self._resampler = None

    def close(self) -> None:
        if self._wave is None or self._file is None:
            return
        self._append(b"")
        self._wave.close()
        self._file.close()
        self._wave = self._file = None
        self._part.replace(self._path)

    def _append(self, pcm: Pcm | bytes) -> None:
        if self._wave is None:
            return
        if self._wave.getnframes() == 0:
            self._wave.setparams((1, 2, self._rate_hz or FALLBACK_RATE_HZ, 0, "NONE", ""))
        try:
            # Writes the lengths in the header every time, so that the file is sound wherever it breaks off.
            self._wave.writeframes(pcm if isinstance(pcm, bytes) else pcm.astype("<i2").tobytes())
        except OSError as error:
            broken, self._wave = self._wave, None
            with suppress(OSError):
                broken.close()
            raise AudioFileError(
                f"{self._path} cannot be written ({error.strerror or error}).", remedy="Is the disk full?"
            ) from error


def _pieces(chunk: AudioChunk) -> Iterator[AudioChunk]:
    """A chunk in steps of a microphone's chunk, so that an answer can be interrupted in the middle of a sentence."""
    step = max(1, round(FRAME_S * chunk.rate_hz))
    for first in range(0, len(chunk.pcm), step):
        yield AudioChunk(chunk.pcm[first : first + step], chunk.rate_hz, chunk.start_s + first / chunk.rate_hz)
