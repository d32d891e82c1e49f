"""Sound in the formats that callers ask for, piece by piece, as early as each codec allows."""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from pipeline.audio import AudioChunk, Pcm
from providers.audio.resample import Resampler

UNKNOWN = 0xFFFFFFFF
"""Size in the head of a WAV whose length is not known yet; players take it for "until it ends"."""

OPUS_HZ = 48_000
"""The only rate of Ogg Opus that every player takes."""

PAGE_US = 100_000
"""Microseconds of sound in a page of Ogg: a page is sent when it is full, and the usual second would be silence."""


class Encoder(Protocol):
    """Takes chunks of one channel. The rate may change on the way: what comes out stays at one."""

    media_type: str

    def push(self, chunk: AudioChunk) -> bytes:
        """What can be sent of it and of what came before; perhaps nothing yet."""
        ...

    def finish(self) -> bytes:
        """The rest. The encoder is of no use after that."""
        ...


def encoder(form: str, rate_hz: int, total_s: float | None = None) -> Encoder:
    """For ``wav``, ``pcm``, ``flac``, ``mp3``, ``opus`` or ``aac``.

    ``rate_hz`` is that of the sound, ``total_s`` its length in audio seconds where it is known: a WAV's head tells it.
    """
    if form == "pcm":
        return _Plain(rate_hz, b"", "application/octet-stream")
    if form == "wav":
        size = UNKNOWN if total_s is None else round(total_s * rate_hz) * 2
        return _Plain(rate_hz, _wav_head(rate_hz, size), "audio/wav")
    return _Coded(form, rate_hz)


class _OneRate:
    """Brings all chunks to one rate."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._resampler = Resampler(rate_hz, rate_hz)

    def push(self, chunk: AudioChunk) -> Pcm:
        before = np.zeros(0, np.int16)
        if chunk.rate_hz != self._resampler.from_hz:  # another engine goes on
            before = self._resampler.flush()
            self._resampler = Resampler(chunk.rate_hz, self.rate_hz)
        pcm = self._resampler.push(chunk.pcm)
        return np.concatenate([before, pcm]) if len(before) else pcm

    def flush(self) -> Pcm:
        return self._resampler.flush()


class _Plain:
    """Bare samples (s16le), with or without a head."""

    def __init__(self, rate_hz: int, head: bytes, media_type: str) -> None:
        self.media_type = media_type
        self._head = head
        self._sound = _OneRate(rate_hz)

    def push(self, chunk: AudioChunk) -> bytes:
        return self._with_head(self._sound.push(chunk))

    def finish(self) -> bytes:
        return self._with_head(self._sound.flush())

    def _with_head(self, pcm: Pcm) -> bytes:
        head, self._head = self._head, b""
        return head + pcm.astype("<i2").tobytes()


def _wav_head(rate_hz: int, size: int) -> bytes:
    """Of a WAV with one channel of 16 bit (Microsoft, Multimedia Programming Interface 1.0, 1991)."""
    whole = UNKNOWN if size == UNKNOWN else size + 36
    return struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", whole, b"WAVE", b"fmt ", 16, 1, 1, rate_hz, rate_hz * 2, 2, 16,
                       b"data", size)  # fmt: skip


class _Form:
    """How FFmpeg calls a format's parts."""

    def __init__(
        self, container: str, codec: str, media_type: str, rate_hz: Callable[[int], int], layout: str,
        options: dict[str, str] | None = None, bit_rate: int = 0,
    ) -> None:  # fmt: skip
        self.container, self.codec, self.media_type = container, codec, media_type
        self.rate_hz, self.layout, self.options, self.bit_rate = rate_hz, layout, options or {}, bit_rate


def _nearest(*rates: int) -> Callable[[int], int]:
    """The lowest rate that loses nothing, of those that a codec takes."""
    return lambda wanted: min((one for one in rates if one >= wanted), default=max(rates))


_MPEG = _nearest(16_000, 22_050, 24_000, 32_000, 44_100, 48_000)

_FORMS = {
    "flac": _Form("flac", "flac", "audio/flac", lambda rate_hz: rate_hz, "s16"),
    "mp3": _Form("mp3", "libmp3lame", "audio/mpeg", _MPEG, "s16p", {"write_xing": "0", "id3v2_version": "0"}, 64_000),
    "opus": _Form("ogg", "libopus", "audio/ogg", lambda _: OPUS_HZ, "s16", {"page_duration": str(PAGE_US)}, 48_000),
    "aac": _Form("adts", "aac", "audio/aac", _MPEG, "fltp", {}, 64_000),
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
    """Through FFmpeg's codecs (package av)."""

    def __init__(self, form: str, rate_hz: int) -> None:
        import av

        known = _FORMS[form]
        self.media_type = known.media_type
        self._sink = _Sink()
        # Packets are written as they come; else FFmpeg gathers 32 kB first.
        self._container = av.open(self._sink, "w", known.container, options={**known.options, "flush_packets": "1"})
        self._stream: Any = self._container.add_stream(known.codec, rate=known.rate_hz(rate_hz))
        self._stream.layout = "mono"
        self._stream.format = known.layout
        if known.bit_rate:
            self._stream.bit_rate = known.bit_rate
        self._fifo = av.AudioFifo()
        self._sound = _OneRate(self._stream.rate)
        self._resampler = av.AudioResampler(known.layout, "mono", self._stream.rate)
        self._frame_type = av.AudioFrame
        self._sent = 0

    def push(self, chunk: AudioChunk) -> bytes:
        self._encode(self._sound.push(chunk))
        return self._sink.take()

    def finish(self) -> bytes:
        self._encode(self._sound.flush())
        self._write(self._fifo.read(0, partial=True))
        self._mux(self._stream.encode(None))
        self._container.close()
        return self._sink.take()

    def _encode(self, pcm: Pcm) -> None:
        if not len(pcm):
            return
        frame = self._frame_type.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = self._stream.rate
        for converted in self._resampler.resample(frame):
            converted.pts = None  # the FIFO counts
            self._fifo.write(converted)
        size = self._stream.codec_context.frame_size or len(pcm)
        while (portion := self._fifo.read(size)) is not None:
            self._write(portion)

    def _write(self, frame: Any) -> None:
        if frame is None:
            return
        frame.pts, self._sent = self._sent, self._sent + frame.samples
        self._mux(self._stream.encode(frame))

    def _mux(self, packets: Any) -> None:
        for packet in packets:
            self._container.mux(packet)

    def __del__(self) -> None:
        """An encoder that was left half-way holds native memory until its container is closed."""
        with contextlib.suppress(Exception):  # it is thrown away
            self._container.close()
