"""Sound files of many kinds, right and wrong, made here."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import soxr

from tests.assistant.samples.speech import RATE_HZ, Sound

PCM, FLOAT, ALAW, MULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE


def riff(
    samples: bytes, *, tag: int = PCM, rate: int = 24_000, channels: int = 1, bits: int = 16, **wrong: Any
) -> bytes:
    """A WAV file. ``wrong`` replaces what the header says: riff, form, data (sizes), align, before, extension."""
    align = wrong.get("align", channels * bits // 8)
    fields = (tag, channels, rate, (rate * align) & 0xFFFFFFFF, align & 0xFFFF, bits)
    form = struct.pack("<HHIIHH", *fields) + wrong.get("extension", b"")
    head = b"fmt " + struct.pack("<I", wrong.get("form", len(form)) & 0xFFFFFFFF) + form
    data = b"data" + struct.pack("<I", wrong.get("data", len(samples)) & 0xFFFFFFFF) + samples
    body = b"WAVE" + wrong.get("before", b"") + head + data
    return wrong.get("mark", b"RIFF") + struct.pack("<I", wrong.get("riff", len(body)) & 0xFFFFFFFF) + body


def rf64(samples: bytes, claimed: int) -> bytes:
    """A WAV file of the large kind that claims so many bytes of sound."""
    sizes = b"ds64" + struct.pack("<IQQQI", 28, claimed + 72, claimed, claimed // 2, 0)
    return riff(samples, mark=b"RF64", riff=0xFFFFFFFF, data=0xFFFFFFFF, before=sizes)


def at_rate(sound: Sound, rate: int) -> Sound:
    resampled: Sound = soxr.resample(sound, RATE_HZ, rate) if rate != RATE_HZ else sound
    return resampled


def packed(sound: Sound, bits: int) -> bytes:
    """Whole numbers of 8 (unsigned), 16, 24 or 32 bits."""
    if bits == 8:
        return np.clip(np.round(sound * 127 + 128), 0, 255).astype(np.uint8).tobytes()
    whole = np.clip(np.round(sound * 2.0 ** (bits - 1)), -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1).astype("<i4")
    if bits == 16:
        return whole.astype("<i2").tobytes()
    return whole.tobytes() if bits == 32 else whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def s16(sound: Sound) -> bytes:
    return packed(sound, 16)


def encoded(
    sound: Sound, container: str, codec: str, *, rate: int = 24_000, layout: str = "mono", picture: bool = False
) -> bytes:
    """By FFmpeg; ``picture`` puts a video beside it."""
    output = io.BytesIO()
    with av.open(output, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout=layout)
        video = None
        if picture:
            video = file.add_stream("mpeg4", rate=5)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = np.round(at_rate(sound, rate) * 32767).astype(np.int16)
        if video is not None:
            for number in range(25):
                image = np.full((48, 64, 3), number * 10, np.uint8)
                file.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            file.mux(video.encode())
        if len(audio):
            channels = 2 if layout == "stereo" else 1
            frame = av.AudioFrame.from_ndarray(np.repeat(audio, channels)[None], format="s16", layout=layout)
            frame.sample_rate = rate
            resampler = av.AudioResampler(
                stream.codec_context.format, layout, rate, stream.codec_context.frame_size or 4096
            )
            for part in [*resampler.resample(frame), *resampler.resample(None)]:
                file.mux(stream.encode(part))
        file.mux(stream.encode())
    return output.getvalue()


def video_only(container: str = "mp4") -> bytes:
    output = io.BytesIO()
    with av.open(output, "w", format=container) as file:
        video = file.add_stream("mpeg4", rate=5)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for number in range(10):
            image = np.full((48, 64, 3), number * 10, np.uint8)
            file.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        file.mux(video.encode())
    return output.getvalue()


def id3(content: bytes) -> bytes:
    """An ID3v2 tag with a picture."""
    frame = b"APIC" + struct.pack(">I", len(content)) + b"\0\0" + content
    size = len(frame)
    seven = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + seven + frame


def with_flac_picture(flac: bytes, length: int) -> bytes:
    """A picture of that length after the stream's own block."""
    first = 4 + 4 + int.from_bytes(flac[5:8], "big")
    block = bytes([6]) + length.to_bytes(3, "big") + bytes(length)
    return flac[:first] + block + flac[first:]


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", len(body) + 8) + kind + body


def referring_elsewhere(m4a: bytes, url: bytes) -> bytes:
    """An MP4 whose sound is said to lie at an address: the entry of its data reference is replaced, sizes corrected."""
    old_at = m4a.index(b"dref") - 4
    old = m4a[old_at : old_at + int.from_bytes(m4a[old_at : old_at + 4], "big")]
    new = box(b"dref", bytes(4), struct.pack(">I", 1), box(b"url ", bytes(4), url + b"\0"))
    result = bytearray(m4a[:old_at] + new + m4a[old_at + len(old) :])
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        at = result.index(parent) - 4
        size = int.from_bytes(result[at : at + 4], "big") + len(new) - len(old)
        result[at : at + 4] = struct.pack(">I", size)
    return bytes(result)


def claiming_samples(m4a: bytes, count: int) -> bytes:
    """An MP4 whose table of sample sizes claims so many of one byte each."""
    result = bytearray(m4a)
    at = result.index(b"stsz") + 8
    result[at : at + 8] = struct.pack(">II", 1, count)
    return bytes(result)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
