"""A program of its own that decodes one untrusted sound file: stdin is the file, stdout the sound.

    python -I -S decoder_program.py SITE_PACKAGES CONTAINER OFFSET SIZE MAX_S RATE_HZ

It writes one line of JSON and then the sound as signed 16-bit little-endian samples, one channel, at that rate. The
line holds ``refused`` (a word) or what is known of the file. Whatever a file makes of the decoder, this process can do
little: no file but those that are open (so no socket, no playlist, no other file), no network, no further process,
limited processor time, and 200 MB beside what it has before the file is touched. It imports nothing of the project.
"""

from __future__ import annotations

import io
import json
import os
import resource
import struct
import sys
from typing import Any

RATE_HZ = 24_000
"""Rate of a kept sample: what XTTS v2 and Pocket TTS take."""

MEMORY_BYTES = 200_000_000
"""What decoding may add to the address space."""

PROCESSOR_S = 20
"""Processor seconds; ten minutes of sound take two, at 192 kHz five."""

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 192_000
"""Rates outside are a damaged header or useless."""

MOST_CHANNELS = 8

CODECS = (
    "mp3float", "mp3", "aac", "alac", "flac", "vorbis", "opus", "libopus", "libvorbis", "pcm_u8", "pcm_s16le",
    "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_alaw", "pcm_mulaw",
)  # fmt: skip
"""FFmpeg's decoders that may be opened at all, also for looking at a file; those that people's devices write."""

SCALES = {"u8": 128.0, "s16": 32768.0, "s32": 2147483648.0, "flt": 1.0, "dbl": 1.0}
"""Full scale by FFmpeg's sample format, the planar ones without their ``p``."""

FINE = 8192
"""Steps of the amplitude from 0 to full scale in the histogram that tells clipping; it goes on to twice full scale."""

NEAR_PEAK = 0.99
"""Samples from this share of the highest amplitude on are at the limit (quality.py says what that means)."""

MOST_DAMAGED = 0.05
"""Share of packets that cannot be decoded from which the file counts as damaged."""


class Refused(Exception):
    """The file cannot serve; the word says why."""


class Source:
    """Standard input from the offset on, as a file that FFmpeg reads through Python."""

    def __init__(self, offset: int, size: int) -> None:
        self._offset, self._size, self._at = offset, size - offset, 0

    def read(self, size: int) -> bytes:
        """The next bytes, none at the end; a file that has grown meanwhile ends where it ended."""
        data = os.pread(0, max(0, min(size, self._size - self._at)), self._offset + self._at)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go somewhere in the file."""
        at = offset + (self._at if whence == 1 else self._size if whence == 2 else 0)
        if at < 0:
            raise OSError("before the beginning")
        self._at = at
        return at

    def tell(self) -> int:
        """Where in the file it is."""
        return self._at

    def seekable(self) -> bool:
        """It is."""
        return True


def main(arguments: list[str]) -> None:
    """Decode, then say what came of it."""
    packages, container, offset, size, max_s, rate_hz = arguments
    # Before the libraries, for their threads' sake: a process with several may not leave its namespaces.
    leave_the_network()
    sys.path.append(packages)
    import av
    import numpy as np

    rehearse(av, np)
    memory = give_up_rights()
    sound = b""
    try:
        told, sound = decoded(av, np, container, Source(int(offset), int(size)), float(max_s), int(rate_hz))
    except Refused as reason:
        told = {"refused": str(reason)}
    except MemoryError:
        told = {"refused": "memory"}
    except (av.error.FFmpegError, ValueError, OverflowError, OSError, EOFError) as error:
        told = {"refused": "memory" if getattr(error, "errno", 0) == 12 else "damaged"}
    line = json.dumps({**told, "peak_kb": peak_kb(memory)}).encode() + b"\n"
    for part in (line, sound):
        view = memoryview(part)
        while view:
            view = view[os.write(1, view) :]


def rehearse(av: Any, np: Any) -> None:
    """Decode a little sound of our own: PyAV imports parts of itself at their first use, which would be too late."""
    samples = bytes(4 * 800)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, 8000, 32000, 4, 16)
    wave = b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVE" + form + struct.pack("<4sI", b"data", len(samples))
    decoded(av, np, "wav", io.BytesIO(wave + samples), 1.0)


def leave_the_network() -> None:
    """Die with the parent, never gain rights, and have a network without any interface where the kernel allows it."""
    import ctypes

    libc = ctypes.CDLL(None)
    libc.prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    if libc.unshare(0x10000000 | 0x40000000):  # CLONE_NEWUSER, CLONE_NEWNET; some systems forbid it
        libc.unshare(0x40000000)


def give_up_rights() -> int:
    """From here on nothing can be opened, not even a socket, and memory and time are limited.

    Returns where the kernel tells how much memory was used.
    """
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - pathlib is not loaded here
        now = int(file.read().split()[0]) * resource.getpagesize()
    memory = os.open("/proc/self/status", os.O_RDONLY)
    limits = {
        resource.RLIMIT_AS: now + MEMORY_BYTES,
        resource.RLIMIT_CPU: PROCESSOR_S,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_NOFILE: memory + 1,
    }
    for limit, value in limits.items():
        hard = resource.getrlimit(limit)[1]
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (least, least))
    return memory


def decoded(
    av: Any, np: Any, container: str, source: Source | io.BytesIO, max_s: float, rate_hz: int = RATE_HZ
) -> tuple[dict[str, Any], bytes]:
    """What is known of the sound, and the sound. Raises ``Refused`` and what FFmpeg raises."""
    options = {"protocol_whitelist": "file,pipe", "format_whitelist": container_names(container)}
    options["codec_whitelist"] = ",".join(CODECS)
    with av.open(source, format=container, options=options, metadata_errors="ignore") as file:
        if not file.streams.audio:
            raise Refused("no_sound")
        stream = file.streams.audio[0]
        codec = stream.codec_context
        if codec is None or codec.name not in CODECS:
            raise Refused("codec")
        if not LOWEST_RATE_HZ <= codec.rate <= HIGHEST_RATE_HZ or not 1 <= codec.channels <= MOST_CHANNELS:
            raise Refused("damaged")
        codec.thread_count = 1
        sound, most = Sound(av, np, codec.channels, rate_hz), round(max_s * rate_hz)
        told = {"container": container, "codec": codec.name, "rate_hz": codec.rate, "channels": codec.channels}
        packets, broken = 0, 0
        for packet in file.demux(stream):
            packets += 1
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                broken += 1
                continue
            for frame in frames:
                sound.add(frame)
            if sound.length > most:
                break
        if broken > packets * MOST_DAMAGED + 1:
            raise Refused("damaged")
    mono = sound.mono(most)
    told |= {"longer": sound.length > most, "damaged": broken > 1, "bytes": len(mono)}
    told |= {"peak": sound.peak, "clipped": sound.clipped()}
    return told, mono


def container_names(container: str) -> str:
    """FFmpeg's own name of a container, which is the whole list of those that one demuxer reads."""
    return {"mp4": "mov,mp4,m4a,3gp,3g2,mj2", "webm": "matroska,webm"}.get(container, container)


class Sound:
    """What was decoded so far, at the wanted rate."""

    def __init__(self, av: Any, np: Any, channels: int, rate_hz: int) -> None:
        self._np = np
        self._resampler = av.AudioResampler("fltp", "mono" if channels == 1 else "stereo", rate_hz)
        self._rate_hz = rate_hz
        self._parts: list[Any] = []
        """float32, shape [channels, samples], of a second or so."""
        self._pieces: list[Any] = []
        """What the next part will be made of; thousands of small arrays would take as much again."""
        self._amplitudes = np.zeros(2 * FINE + 1, np.int64)
        self.length = 0
        """Samples of each channel."""
        self.peak = 0.0
        """Highest amplitude as the file holds it, 1 is full scale; a file of floats may go beyond."""

    def add(self, frame: Any) -> None:
        """Take in one frame of the file. Raises ``Refused`` for what is no number."""
        np = self._np
        raw = frame.to_ndarray()
        scale = SCALES[frame.format.name.removesuffix("p")]
        amplitude = np.abs(raw.astype(np.float32) / scale - (1.0 if raw.dtype == np.uint8 else 0.0))
        if not np.isfinite(amplitude).all():
            raise Refused("not_numbers")
        self.peak = max(self.peak, float(amplitude.max(initial=0.0)))
        steps = np.minimum(amplitude.ravel() * FINE, 2 * FINE).astype(np.int64)
        self._amplitudes += np.bincount(steps, minlength=2 * FINE + 1)
        self._take(self._resampler.resample(frame))

    def _take(self, frames: Any) -> None:
        for frame in frames:
            part = frame.to_ndarray()
            self._pieces.append(part)
            self.length += part.shape[1]
        if sum(part.shape[1] for part in self._pieces) >= self._rate_hz:
            self._gather()

    def _gather(self) -> None:
        if self._pieces:
            self._parts.append(self._np.concatenate(self._pieces, axis=1))
            self._pieces.clear()

    def clipped(self) -> float:
        """Share of samples at the limit: near the highest amplitude there is, or near full scale."""
        total = int(self._amplitudes.sum())
        if not total:
            return 0.0
        least = min(int(min(self.peak, 2.0) * NEAR_PEAK * FINE), round(NEAR_PEAK * FINE))
        return float(self._amplitudes[least:].sum() / total)

    def mono(self, most: int) -> bytes:
        """One channel: the mean of two, or the louder one where they would cancel or one is silent."""
        np = self._np
        self._take(self._resampler.resample(None))
        if not self.length:
            raise Refused("no_sound")
        self._gather()
        # Part by part, each in the place of the last: all at once would be more memory than may be had.
        parts, left = self._parts, most
        for number, part in enumerate(parts):
            parts[number], left = part[:, :left], max(0, left - part.shape[1])
        energies = sum(np.square(part, dtype=np.float64).sum(axis=1) for part in parts)
        mean = sum(np.square(part.mean(axis=0, dtype=np.float32), dtype=np.float64).sum() for part in parts)
        louder = int(energies.argmax()) if mean < 0.3 * energies.max() else None
        peak = 1.0
        for number, part in enumerate(parts):
            parts[number] = part.mean(axis=0, dtype=np.float32) if louder is None else part[louder].copy()
            peak = max(peak, float(np.abs(parts[number]).max(initial=0.0)))
        for number, part in enumerate(parts):
            parts[number] = np.round(part / peak * 32767).astype("<i2").tobytes()
        return b"".join(parts)


def peak_kb(memory: int) -> int:
    """Most memory this process ever had, kB. (``ru_maxrss`` would begin with that of the parent.)"""
    for line in os.pread(memory, 8192, 0).splitlines():
        if line.startswith(b"VmHWM:"):
            return int(line.split()[1])
    return 0


if __name__ == "__main__":
    main(sys.argv[1:])
