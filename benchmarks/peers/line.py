"""How a benchmark talks to an assistant in a process of its own, whoever made it; needs nothing but Python.

Standard input and output carry frames: one byte that says what it is, four bytes of length (little endian), the rest.

| to the assistant | |
|---|---|
| ``MICROPHONE`` | 512 samples (int16, 16 kHz), at the moment at which a microphone would have them |
| ``ANSWER`` | text to answer the next question with, for assistants that bring no agent |

| from the assistant | |
|---|---|
| ``READY`` | everything is loaded |
| ``LOUDSPEAKER`` | four bytes of rate, then samples (int16), at the moment at which a loudspeaker gets them |
| ``STOPPED`` | the loudspeaker fell silent before its time |
| ``END_OF_TURN`` | it has decided that the customer has finished |
| ``TRANSCRIPT`` | what it understood |
| ``TURN_END`` | its own account of the turn, JSON |
"""

from __future__ import annotations

import os
import struct
import sys
import threading
from typing import BinaryIO

MICROPHONE, ANSWER = b"M", b"A"
READY, LOUDSPEAKER, STOPPED, END_OF_TURN, TRANSCRIPT, TURN_END = b"R", b"S", b"X", b"E", b"T", b"J"

FRAME_SAMPLES = 512
RATE_HZ = 16_000
HEAD = struct.Struct("<cI")


class Line:
    """Frames over a pair of byte streams. Sending is safe from several threads."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._sending = threading.Lock()

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        """One frame, at once."""
        with self._sending:
            self._sink.write(HEAD.pack(kind, len(payload)) + payload)
            self._sink.flush()

    def play(self, pcm: bytes, rate_hz: int) -> None:
        """Hand samples to the loudspeaker."""
        self.send(LOUDSPEAKER, struct.pack("<I", rate_hz) + pcm)

    def receive(self) -> tuple[bytes, bytes] | None:
        """The next frame; None at the end."""
        head = self._source.read(HEAD.size)
        if len(head) < HEAD.size:
            return None
        kind, length = HEAD.unpack(head)
        payload = self._source.read(length)
        return (kind, payload) if len(payload) == length else None


def program_line() -> Line:
    """The assistant's end. What libraries print to standard output goes to the log, where it can spoil nothing."""
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return Line(sys.stdin.buffer, sink)
