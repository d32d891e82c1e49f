"""Sound in the formats that callers ask for, piece by piece, as early as each codec allows."""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal, Protocol

import numpy as np

from pipeline.audio import FULL_SCALE, AudioChunk, Pcm
from providers.audio.resample import Resampler

SoundFormat = Literal["wav", "pcm", "flac", "mp3", "opus", "aac"]
"""WAV, bare samples (s16le), FLAC, MP3, Ogg Opus, AAC (ADTS); all of one channel."""

UNKNOWN = 0xFFFFFFFF
"""Size in the head of a WAV whose length is not known yet; players take it for "until it ends"."""

PAGE_US = 40_000
"""Microseconds of sound in a page of Ogg. FFmpeg sends a page when the next one is full, so the usual second would be
two seconds of silence; pages of 40 ms take a tenth more bytes than those."""

MP3_GAIN = 1 / 0.95
"""LAME makes everything it encodes at a constant rate this much softer, to have room; a voice should not change."""


class Encoder(Protocol):
    """Takes chunks of one channel and gives one sound.

    Their rate may change on the way, where another engine goes on; what comes out stays at one. Nothing is loaded or
    opened before the first ``push``. One that is left half-way needs no closing. Synchronous, for one thread at a time.
    """

    media_type: str
    """For the header ``Content-Type``."""

    def push(self, chunk: AudioChunk) -> bytes:
        """What can be sent of it and of what came before; perhaps nothing yet."""
        ...

    def finish(self) -> bytes:
        """The rest. The encoder is of no use after that."""
        ...


def encoder(form: SoundFormat, rate_hz: int, total_s: float | None = None) -> Encoder:
    """For sound at ``rate_hz``. ``total_s`` is its length in audio seconds where it is known.

    Then the heads of WAV and FLAC tell it, and what is sent is exactly as long, cut off or filled up with silence.
    """
    if form == "pcm":
        return _Plain(_Sound(rate_hz, total_s), b"", "application/octet-stream")
    if form == "wav":
        sound = _Sound(rate_hz, total_s)
        return _Plain(sound, _wav_head(rate_hz, sound.total), "audio/wav")
    return _Coded(_CODECS[form], rate_hz, total_s)


class _Sound:
    """Brings all chunks to one rate and, where the length is known, to that length."""

    def __init__(self, rate_hz: int, total_s: float | None) -> None:
        self.rate_hz = rate_hz
        self.total = None if total_s is None else round(total_s * rate_hz)
        self.given = 0
        """Samples so far."""
        self._resampler = Resampler(rate_hz, rate_hz)

    def push(self, chunk: AudioChunk) -> Pcm:
        """The samples that can be told by now."""
        before = np.zeros(0, np.int16)
        if chunk.rate_hz != self._resampler.from_hz:  # another engine goes on
            before = self._resampler.flush()
            self._resampler = Resampler(chunk.rate_hz, self.rate_hz)
        pcm = self._resampler.push(chunk.pcm)
        return self._measured(np.concatenate([before, pcm]) if len(before) else pcm)

    def flush(self) -> Pcm:
        """The last ones."""
        pcm = self._measured(self._resampler.flush())
        missing = 0 if self.total is None else self.total - self.given
        return np.concatenate([pcm, self._measured(np.zeros(missing, np.int16))]) if missing else pcm

    def _measured(self, pcm: Pcm) -> Pcm:
        if self.total is not None:
            pcm = pcm[: self.total - self.given]
        self.given += len(pcm)
        return pcm


class _Plain:
    """Bare samples (s16le), with or without a head."""

    def __init__(self, sound: _Sound, head: bytes, media_type: str) -> None:
        self.media_type = media_type
        self._sound, self._head = sound, head

    def push(self, chunk: AudioChunk) -> bytes:
        return self._with_head(self._sound.push(chunk))

    def finish(self) -> bytes:
        return self._with_head(self._sound.flush())

    def _with_head(self, pcm: Pcm) -> bytes:
        head, self._head = self._head, b""
        return head + pcm.astype("<i2").tobytes()


def _wav_head(rate_hz: int, samples: int | None) -> bytes:
    """Of a WAV with one channel of 16 bit (Microsoft, Multimedia Programming Interface 1.0, 1991)."""
    size = UNKNOWN if samples is None else samples * 2
    whole = UNKNOWN if samples is None else size + 36
    return struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", whole, b"WAVE", b"fmt ", 16, 1, 1, rate_hz, rate_hz * 2, 2, 16,
                       b"data", size)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Codec:
    """How FFmpeg calls a format's parts."""

    container: str
    name: str
    media_type: str
    rate_hz: Callable[[int], int]
    """The rate to encode at, for the rate of the sound."""
    bit_rate: int = 0
    """Bits per second; 0 where the codec has nothing to choose."""
    gain: float | None = None
    """What the sound is multiplied by; None for codecs that take whole numbers."""
    options: dict[str, str] = field(default_factory=dict)
    """Of the container."""


def _nearest(*rates: int) -> Callable[[int], int]:
    """The lowest rate that loses nothing, of those that a codec takes."""
    return lambda wanted: min((one for one in rates if one >= wanted), default=max(rates))


_MPEG = _nearest(22_050, 24_000, 32_000, 44_100, 48_000)
"""Lower ones would do, but these codecs put a frame or two of silence before the sound: at 16 kHz more than 0.1 s."""

_MP3_OPTIONS = {"write_xing": "0", "id3v2_version": "0"}
"""The head (Xing) that FFmpeg writes tells the length, for which it would have to go back."""

_CODECS = {
    "flac": _Codec("flac", "flac", "audio/flac", lambda rate_hz: rate_hz),
    "mp3": _Codec("mp3", "libmp3lame", "audio/mpeg", _MPEG, 64_000, MP3_GAIN, _MP3_OPTIONS),
    # 48 kHz is the only rate of Opus that every player takes.
    "opus": _Codec("ogg", "libopus", "audio/ogg", lambda _: 48_000, 48_000, None, {"page_duration": str(PAGE_US)}),
    "aac": _Codec("adts", "aac", "audio/aac", _MPEG, 64_000, 1.0),
}


class _Sink(io.RawIOBase):
    """Where FFmpeg writes to; it cannot go back."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """What was written since the last time."""
        content = b"".join(self._parts)
        self._parts.clear()
        return content


class _Coded:
    """Through FFmpeg's codecs (package av). Equal sound gives equal bytes."""

    def __init__(self, codec: _Codec, rate_hz: int, total_s: float | None) -> None:
        self.media_type = codec.media_type
        self._codec = codec
        self._sound = _Sound(codec.rate_hz(rate_hz), total_s)
        self._sink = _Sink()
        self._container: Any = None
        self._stream: Any = None

    def push(self, chunk: AudioChunk) -> bytes:
        head = self._opened()
        self._encode(self._sound.push(chunk))
        return head + self._sink.take()

    def finish(self) -> bytes:
        head = self._opened()
        self._encode(self._sound.flush())
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return head + self._sink.take()

    def _opened(self) -> bytes:
        """Opens the codec the first time, and returns the head of the file."""
        if self._container is not None:
            return b""
        import av

        codec = self._codec
        options = codec.options | {"fflags": "+bitexact"}  # else every Ogg gets a number by chance
        self._container = av.open(self._sink, "w", codec.container, options=options)
        self._stream = self._container.add_stream(codec.name, rate=self._sound.rate_hz, layout="mono")
        self._stream.format = "s16" if codec.gain is None else "fltp"
        if codec.bit_rate:
            self._stream.bit_rate = codec.bit_rate
        self._container.start_encoding()
        head = self._sink.take()
        return _flac_head(head, self._sound.total) if codec.container == "flac" else head

    def _encode(self, pcm: Pcm) -> None:
        if not len(pcm):
            return
        import av

        samples = pcm if self._codec.gain is None else pcm * np.float32(self._codec.gain / FULL_SCALE)
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], self._stream.format.name, "mono")
        frame.sample_rate, frame.time_base = self._sound.rate_hz, Fraction(1, self._sound.rate_hz)
        frame.pts = self._sound.given - len(pcm)
        self._container.mux(self._stream.encode(frame))

    def __del__(self) -> None:
        """One that was left half-way holds native memory until its container is closed."""
        with contextlib.suppress(Exception):  # nobody can do anything about it
            self._container.close()


def _flac_head(head: bytes, samples: int | None) -> bytes:
    """With the number of samples, 0 where it is not known: 36 bits from byte 21 on (RFC 9639, 8.2)."""
    if samples is None:
        return head
    before = head[21] & 0xF0
    return head[:21] + bytes([before | samples >> 32 & 0xF]) + struct.pack(">I", samples & 0xFFFFFFFF) + head[26:]
