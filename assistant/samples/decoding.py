"""Has an untrusted sound file decoded by a process of its own, for decoders have defects (CVE-2026-37555 is one)."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from assistant.samples.container import recognised
from assistant.samples.decoder_program import RATE_HZ
from assistant.samples.errors import SampleError, SampleRefused
from pipeline.audio import AudioChunk

PROGRAM = Path(__file__).with_name("decoder_program.py")

LONGEST_S = 120.0
"""Audio seconds after which decoding stops: a sample has 30, the rest is for those who cut generously."""

TIME_LIMIT_S = 30.0
"""Seconds of the clock; a busy small box takes three for two minutes of sound."""

LINE_BYTES = 4096
"""What the process may say beside the sound."""

KINDS = "WAV, MP3, M4A, AAC, FLAC, OGG or WebM"

REMEDY = f"Export the recording again as WAV or MP3 ({KINDS} are known)."

REASONS = {
    "no_sound": ("holds no sound", REMEDY),
    "codec": ("is coded in a way that is not taken", REMEDY),
    "damaged": ("is damaged", REMEDY),
    "not_numbers": ("holds values that are no numbers: the program that wrote it has a defect", REMEDY),
    "memory": ("would take too much memory; it is damaged or made to do harm", REMEDY),
}
"""What each word of the program means."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A decoded file."""

    audio: AudioChunk
    """One channel, at the rate and at most as long as was asked for."""
    longer: bool
    """Whether the file goes on after that."""
    kind: str
    """Container and codec, such as ``mp4 aac``."""
    rate_hz: int
    """As it was recorded."""
    channels: int
    """As it was recorded."""
    clipped: float
    """Share of the file's own samples at the limit of its amplitude, 0 to 1."""
    damaged: bool
    """Whether parts of it could not be decoded."""
    peak_kb: int
    """Most memory that decoding took, kB."""


@contextmanager
def opened(path: Path, most_bytes: int) -> Iterator[BinaryIO]:
    """A regular file of at most that size. Raises ``SampleRefused``; neither waits for a pipe nor reads a device."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise SampleRefused(f"{path} cannot be read: {said}.", reason="unreadable") from error
    found = os.fstat(number)
    if not stat.S_ISREG(found.st_mode):
        os.close(number)
        raise SampleRefused(f"{path} is not a file.", reason="unreadable")
    with os.fdopen(number, "rb") as file:
        if found.st_size > most_bytes:
            raise SampleRefused(
                f"{path} has {found.st_size / 1e6:.0f} MB; at most {most_bytes / 1e6:.0f} are taken.",
                reason="too_large",
                remedy="Cut 10 to 30 seconds out of it, or export it as MP3.",
            )
        yield file


async def decode(
    file: BinaryIO, *, longest_s: float = LONGEST_S, time_limit_s: float = TIME_LIMIT_S, rate_hz: int = RATE_HZ
) -> Recording:
    """The sound of an open regular file, its first ``longest_s`` seconds, at ``rate_hz``.

    Ten minutes at 16 kHz are about the most for which the program's memory serves.

    Raises ``SampleRefused``, and ``SampleError`` where the program cannot run.
    """
    try:
        size = os.fstat(file.fileno()).st_size
        container = recognised(file, size)
    except OSError as error:
        raise SampleRefused(f"The file cannot be read: {error.strerror}.", reason="unreadable") from error
    if not size:
        raise SampleRefused("The file is empty.", reason="unknown", remedy=REMEDY)
    if container is None:
        raise SampleRefused(
            f"The file is none of {KINDS}, whatever its name says.",
            reason="unknown",
            remedy="Export the recording as WAV or MP3.",
        )
    most_bytes = round(longest_s * rate_hz) * 2 + LINE_BYTES
    arguments = [container.name, str(container.offset), str(size), str(longest_s), str(rate_hz)]
    return _recording((await _run(file, arguments, time_limit_s, most_bytes))[:most_bytes], rate_hz)


async def _run(file: BinaryIO, arguments: list[str], time_limit_s: float, most_bytes: int) -> bytes:
    """What the process says."""
    found = importlib.util.find_spec("av")
    if found is None or found.origin is None:
        raise SampleError("The package av, which decodes sound, is missing.", remedy="Install it: ./install.sh demo")
    packages = str(Path(found.origin).parent.parent)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", str(PROGRAM), packages, *arguments,
        stdin=file, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}, cwd="/", limit=1 << 20,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(time_limit_s):
            said = await _all(process.stdout, most_bytes)
            if len(said) <= most_bytes:
                # To kill one that is just ending would take its end away from asyncio, which then warns.
                await process.wait()
    except TimeoutError as error:
        raise SampleRefused(
            f"The file could not be decoded within {time_limit_s:g} seconds.", reason="damaged", remedy=REMEDY
        ) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return said


async def _all(stream: asyncio.StreamReader, most_bytes: int) -> bytes:
    """Everything up to the end, or a little more than may be."""
    parts, length = [], 0
    while length <= most_bytes and (part := await stream.read(1 << 18)):
        parts.append(part)
        length += len(part)
    return b"".join(parts)


def _recording(said: bytes, rate_hz: int) -> Recording:
    """Raises ``SampleRefused``."""
    line, _, sound = said.partition(b"\n")
    try:
        told: Any = json.loads(line)
    except ValueError:
        told = {"refused": "damaged"}  # the process died of the file: a defect, its time or its memory
    if told.get("bytes", len(sound)) != len(sound):
        told = {"refused": "damaged"}
    if "refused" in told:
        what, remedy = REASONS[told["refused"]]
        reason = told["refused"] if told["refused"] in {"no_sound", "codec"} else "damaged"
        raise SampleRefused(f"The file {what}.", reason=reason, remedy=remedy)
    pcm = np.frombuffer(sound, "<i2").astype(np.int16)
    return Recording(
        audio=AudioChunk(pcm, rate_hz),
        longer=told["longer"],
        kind=f"{told['container']} {told['codec']}",
        rate_hz=told["rate_hz"],
        channels=told["channels"],
        clipped=told["clipped"],
        damaged=told["damaged"],
        peak_kb=told["peak_kb"],
    )
