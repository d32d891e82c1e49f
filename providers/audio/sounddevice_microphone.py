"""The microphone of this machine, through PortAudio.

Its audio callback runs on PortAudio's thread, copies the sound and crosses over to the event loop. Nothing else is done
there, everything else happens on the loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.audio import FRAME_S, LISTENING_RATE_HZ, AudioChunk, Pcm
from pipeline.echo_cancelling import EchoCancelling
from providers.audio.dead_silence import DeadSilence
from providers.audio.device_stream import DeviceSettings, DeviceStream, StreamedDevice
from providers.audio.devices import Direction
from providers.audio.frames import FrameCutter
from providers.audio.resample import Resampler
from providers.audio.sample_clock import SampleClock


class MicrophoneSettings(DeviceSettings):
    """The microphone."""

    channel: int = Field(default=1, ge=1, le=64)
    """Which of the device's channels to listen to, from 1. Array microphones offer their cleaned signal on one."""

    latency_s: float = Field(default=0.064, ge=0.0, le=1.0)
    """Seconds of sound the system may keep for us. Long loses less on a busy machine, but a sound server may then
    hand sound over in larger portions, so that it comes later; 0 is the least the device can do."""

    block_s: float = Field(default=FRAME_S, ge=0.005, le=0.1)
    """Seconds of sound per callback. Short reacts a little sooner, long costs less."""

    queue_s: float = Field(default=2.0, ge=0.1, le=30.0)
    """Seconds of sound kept when nobody fetches them; then the oldest are dropped and counted."""


class SounddeviceMicrophone(StreamedDevice):
    """A real microphone at any native rate."""

    def __init__(self, settings: MicrophoneSettings, echo: EchoCancelling | None = None, *, deaf: bool = False) -> None:
        """``echo`` takes out what the loudspeaker plays; it must be this microphone's own.

        ``deaf``: nothing but zeros came from this device before, so they count for nothing until there is a sound.
        """
        super().__init__(DeviceStream(Direction.INPUT, settings))
        self._settings = settings
        self._echo = echo
        self._clock = SampleClock()
        self._opened_s = 0.0
        """Where on our time line the device was opened."""
        self._recorded = 0
        """Samples at the device's rate since then."""
        self._queue: deque[AudioChunk] = deque()
        self._resampler = Resampler(LISTENING_RATE_HZ, LISTENING_RATE_HZ)
        self._cutter = FrameCutter()
        self._deaf = deaf
        self._silence = DeadSilence(LISTENING_RATE_HZ)
        self._dropped = 0
        self._overflows = 0

    @property
    def works(self) -> bool:
        """Whether sound has come from it since it was opened."""
        return self._stream.beats and not self._deaf

    @property
    def fell_silent(self) -> bool:
        """Whether it was lost because it gives nothing but zeros."""
        return self._deaf

    @property
    def dropped_s(self) -> float:
        """Audio seconds dropped because nobody fetched them in time."""
        return self._dropped * FRAME_S

    @property
    def overflows(self) -> int:
        """How often the system itself lost sound because this machine was too busy."""
        return self._overflows

    async def __aenter__(self) -> Self:
        """Open the device; may be entered again after a loss, ``start_s`` then goes on."""
        self._queue.clear()
        self._clock, self._opened_s, self._recorded = SampleClock(), self._cutter.taken_s, 0
        await self._stream.open(
            self._callback,
            channels=lambda _: self._settings.channel,
            block_s=self._settings.block_s,
            latency_s=self._settings.latency_s,
        )
        self._resampler = Resampler(self._stream.rate_hz, LISTENING_RATE_HZ)
        self._silence = DeadSilence(self._stream.rate_hz)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the device."""
        await self._stream.close()

    async def chunks(self) -> AsyncGenerator[AudioChunk]:
        """What the microphone hears; never ends. Raises ``DeviceLost``."""
        while True:
            while self._queue:
                yield self._queue.popleft()
            await self._stream.wait()

    def _callback(self, samples: NDArray[np.int16], frames: int, time: Any, status: Any) -> None:
        """On PortAudio's thread. ``samples``: int16, shape [frames, channels], valid only until this returns."""
        self._stream.beat()
        place, self._recorded = self._recorded, self._recorded + frames
        if self._echo is not None and not self._deaf:
            self._clock.report(self._opened_s + place / self._stream.rate_hz, self._stream.recorded_at_s(time))
        pcm = samples[:, self._settings.channel - 1].copy()
        self._stream.tell(self._arrived, pcm, bool(status.input_overflow), place)

    def _arrived(self, pcm: Pcm, overflow: bool, place: int) -> None:
        self._overflows += overflow
        if self._deaf:
            if not pcm.any():
                return
            self._opened_s = self._cutter.taken_s - place / self._stream.rate_hz
            self._deaf = False
        elif self._silence.fell(pcm):
            self._deaf = True
            self._stream.fail("gives nothing but digital silence: it is switched off, or pulled out")
        for chunk in self._cutter.push(self._resampler.push(pcm)):
            self._queue.append(chunk if self._echo is None else self._echo.clean(chunk, self._captured_at_s(chunk)))
        while len(self._queue) * FRAME_S > self._settings.queue_s:
            self._queue.popleft()
            self._dropped += 1

    def _captured_at_s(self, chunk: AudioChunk) -> float:
        return chunk.start_s + (self._clock.origin_s or 0.0)
