"""Recognises sound files by their first bytes. The name says nothing: whoever wants to trick us writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

LOOK_BYTES = 4096
"""How much of the beginning is looked at, tags aside; zeros before the first MP3 frame may fill it."""

MOST_TAGS = 8
"""ID3 tags one after the other that are passed over. Programs write one; more than a few is a trick."""


@dataclass(frozen=True, slots=True)
class Container:
    """What a file is."""

    name: str
    """As FFmpeg calls it: ``wav``, ``flac``, ``ogg``, ``webm``, ``mp4``, ``mp3``, ``aac``."""
    offset: int
    """Bytes before the sound that the decoder never sees: ID3 tags, which may hold pictures of any size."""


def recognised(file: BinaryIO, size: int) -> Container | None:
    """What the file is, None for none of ours. Raises ``OSError``."""
    offset = 0
    for _ in range(MOST_TAGS):
        head = _at(file, offset)
        if head[:3] != b"ID3" or len(head) < 10:
            break
        offset += _tag_bytes(head)
    if offset >= size:
        return None
    if (name := _name(head)) is None:
        stripped = head.lstrip(b"\0")
        if 0 < len(stripped) < len(head) and (name := _mpeg(stripped)) is not None:
            offset += len(head) - len(stripped)
    return None if name is None else Container(name, offset)


def _at(file: BinaryIO, offset: int) -> bytes:
    file.seek(offset)
    return file.read(LOOK_BYTES)


def _tag_bytes(head: bytes) -> int:
    """Length of an ID3v2 tag: four bytes of 7 bits, and 10 for its head, 10 more for a foot (id3.org, 2.4, 3.1)."""
    length = 0
    for byte in head[6:10]:
        length = length << 7 | byte & 0x7F
    return length + (20 if head[5] & 0x10 else 10)


def _name(head: bytes) -> str | None:
    if head[:4] in {b"RIFF", b"RF64", b"BW64"} and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"fLaC":
        return "flac"
    if head[:5] == b"OggS\0":
        return "ogg"
    if head[:4] == b"\x1aE\xdf\xa3" and b"webm" in head[:64]:
        return "webm"
    if head[4:8] == b"ftyp":
        return "mp4"
    return _mpeg(head)


def _mpeg(head: bytes) -> str | None:
    """MP3 or ADTS by the header of a frame: both begin with eleven set bits, and differ in the layer's two bits."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    layer = head[1] >> 1 & 3
    if layer == 0 and head[1] & 0xF0 == 0xF0 and head[2] >> 2 & 15 < 13:
        return "aac"
    known_version, known_rate = head[1] >> 3 & 3 != 1, head[2] >> 2 & 3 != 3
    if layer == 1 and known_version and known_rate and head[2] >> 4 not in {0, 15}:
        return "mp3"
    return None
