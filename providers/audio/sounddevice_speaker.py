"""The loudspeaker of this machine, through PortAudio.

Its audio callback runs on PortAudio's thread and takes from a bounded ring. Nothing else is done there, everything else
happens on the event loop.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from pipeline.audio import AudioChunk, Pcm
from providers.audio.device_stream import DeviceSettings, DeviceStream, StreamedDevice
from providers.audio.devices import Direction
from providers.audio.playback_ring import PlaybackRing
from providers.audio.played_sound import PlayedSound, PlayedTrack
from providers.audio.recall import KEPT_S
from providers.audio.resample import Resampler


class SpeakerSettings(DeviceSettings):
    """The loudspeaker."""

    channels: int | None = Field(default=None, ge=1, le=64)
    """Channels that all get the same sound; ``null`` takes two where the device has them."""

    latency_s: float = Field(default=0.06, ge=0.02, le=1.0)
    """Seconds of sound in the device's own buffer, which are still heard after a stop; at least four blocks. Too
    short crackles on a busy machine."""

    block_s: float = Field(default=0.015, ge=0.005, le=0.1)
    """Seconds of sound per callback; a stop takes effect with the next one. Long costs less."""

    ahead_s: float = Field(default=0.5, ge=0.05, le=5.0)
    """Seconds of sound taken over before they are heard. Long endures a slow voice, short costs memory only."""

    fade_s: float = Field(default=0.005, ge=0.0, le=0.05)
    """Seconds in which a stopped answer fades out; 0 may click."""

    @model_validator(mode="after")
    def _blocks_fit(self) -> Self:
        # Measured: through ALSA's pulse plugin (1.2.7) three blocks underrun for ever, four are steady.
        if self.latency_s < 4 * self.block_s:
            raise ValueError(f"latency_s must be at least four times block_s, so {4 * self.block_s:g} or more")
        return self


class SounddeviceSpeaker(StreamedDevice):
    """A real loudspeaker. It stays open between answers, so that they begin at once and without a pop."""

    def __init__(self, settings: SpeakerSettings, played: PlayedSound | None = None) -> None:
        """``played`` is told what is given out, and when it is heard."""
        super().__init__(DeviceStream(Direction.OUTPUT, settings))
        self._settings = settings
        self._played = played
        self._track: PlayedTrack | None = None
        self._ring = PlaybackRing(1)
        self._resampler: Resampler | None = None
        self._answer = 0
        self._under_way = False
        self._somebody_waits = False

    @property
    def works(self) -> bool:
        """Whether it has taken sound since it was opened."""
        return self._stream.beats

    @property
    def played_s(self) -> float:
        """How much of the answer the device has taken, in audio seconds since ``start``."""
        return self._ring.taken / self._stream.rate_hz if self._stream.rate_hz else 0.0

    @property
    def gaps(self) -> int:
        """How often an answer faltered because its sound came too late."""
        return self._ring.ran_dry

    async def __aenter__(self) -> Self:
        """Open the device; may be entered again after a loss."""
        # The callback may come before the rate is known, so it needs a ring from the beginning.
        self._ring = PlaybackRing(1)
        self._track = None if self._played is None else self._played.begin()
        await self._stream.open(
            self._callback,
            channels=lambda most: self._settings.channels or min(2, most),
            block_s=self._settings.block_s,
            latency_s=self._settings.latency_s,
        )
        self._ring = PlaybackRing(self._samples(self._settings.ahead_s), keep=self._samples(KEPT_S))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the device; what was not heard yet is discarded."""
        self._answer += 1
        await self._stream.close()

    async def start(self) -> None:
        """A new answer; what was left of the one before is discarded."""
        self._answer += 1
        self._under_way = True
        self._resampler = None
        self._ring.restart()

    async def play(self, chunk: AudioChunk) -> None:
        """Return when the chunk lies ready, or the answer was stopped. Raises ``DeviceLost``."""
        if self._stream.lost:
            raise self._stream.loss()
        answer = self._answer
        if self._resampler is None or self._resampler.from_hz != chunk.rate_hz:
            await self._flush(answer)
            self._resampler = Resampler(chunk.rate_hz, self._stream.rate_hz)
        await self._fill(self._resampler.push(chunk.pcm), answer)

    async def finish(self) -> None:
        """Return when the last sample has been heard, or the answer was stopped. Raises ``DeviceLost``."""
        answer = self._answer
        await self._flush(answer)
        self._ring.complete()
        while answer == self._answer and self._under_way:
            while self._unheard and answer == self._answer:
                await self._callback_took_some()
            if self._ring.taken and answer == self._answer:
                await asyncio.sleep(self._stream.latency_s)
            if answer == self._answer and not self._unheard:  # it may have been paused meanwhile
                self._under_way = False

    def stop(self) -> None:
        """Fade out with the next callback."""
        self._answer += 1
        self._under_way = False
        self._resampler = None
        self._ring.cut(self._samples(self._settings.fade_s))
        self._stream.notify()

    def pause(self) -> None:
        """Fade out with the next callback, and wait."""
        if self._under_way:
            self._ring.pause(self._samples(self._settings.fade_s))

    def resume(self, back_s: float = 0.0) -> None:
        """Go on with the next callback, at most ``KEPT_S`` before the pause."""
        self._ring.resume(self._samples(back_s), self._samples(self._settings.fade_s))
        self._stream.notify()

    @property
    def _unheard(self) -> bool:
        return self._ring.paused or self._ring.stored > 0

    def _samples(self, duration_s: float) -> int:
        return round(duration_s * self._stream.rate_hz)

    async def _flush(self, answer: int) -> None:
        resampler, self._resampler = self._resampler, None
        if resampler is not None:
            await self._fill(resampler.flush(), answer)

    async def _fill(self, pcm: Pcm, answer: int) -> None:
        while len(pcm) and answer == self._answer:
            pcm = pcm[self._ring.write(pcm) :]
            if len(pcm):
                await self._callback_took_some()

    async def _callback_took_some(self) -> None:
        self._somebody_waits = True
        await self._stream.wait()

    def _callback(self, samples: NDArray[np.int16], frames: int, time: Any, _status: Any) -> None:
        """On PortAudio's thread. ``samples``: int16, shape [frames, channels], to be filled."""
        self._stream.beat()
        block = np.empty(frames, np.int16)
        self._ring.read_into(block)
        samples[:] = block[:, np.newaxis]
        if self._track is not None:
            self._track.report(block, self._stream.rate_hz, self._stream.heard_at_s(time))
        if self._somebody_waits:
            # Only then: waking the loop for every block of silence would cost more than all the rest.
            self._somebody_waits = False
            self._stream.tell(_nothing)


def _nothing() -> None:
    """The news is that the ring has room."""
