"""This project's daemon with a line in place of sound devices; ``benchmarks.voice_to_voice`` starts it.

    python -m benchmarks.voice_to_voice_ours CONFIG

Everything else is as in a shop: the chunks come from another thread, the loudspeaker takes as long as it sounds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Self

import numpy as np

from assistant.app import App
from assistant.parts import Ends
from assistant.running import run
from assistant.settings import load
from assistant.sound_devices import SoundDevices
from benchmarks.peers.line import END_OF_TURN, MICROPHONE, READY, STOPPED, TRANSCRIPT, TURN_END, Line
from benchmarks.peers.line import program_line as open_line
from pipeline.audio import FRAME_S, LISTENING_RATE_HZ, AudioChunk
from pipeline.events import EventFeed, EventRecord
from pipeline.protocols import Capabilities, EchoCanceller
from providers.audio.wav import RealTimePace, WavSpeaker


class LineMicrophone:
    """What comes over the line."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._chunks: asyncio.Queue[AudioChunk | None] = asyncio.Queue()
        self._listening = False
        self.capabilities = Capabilities("line")
        self.dropped_s = 0.0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        if not self._listening:
            self._listening = True
            threading.Thread(target=self._listen, args=(loop,), name="line", daemon=True).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def chunks(self) -> AsyncGenerator[AudioChunk]:
        while (chunk := await self._chunks.get()) is not None:
            yield chunk
        self._chunks.put_nowait(None)  # for whoever asks again

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        count = 0
        while (frame := self._line.receive()) is not None:
            if frame[0] == MICROPHONE:
                pcm = np.frombuffer(frame[1], "<i2").astype(np.int16)
                chunk = AudioChunk(pcm, LISTENING_RATE_HZ, count * FRAME_S)
                count += 1
                loop.call_soon_threadsafe(self._chunks.put_nowait, chunk)
        loop.call_soon_threadsafe(self._chunks.put_nowait, None)


class LineSpeaker(WavSpeaker):
    """Tells over the line what it plays, when it gets it."""

    def __init__(self, line: Line) -> None:
        super().__init__(None, RealTimePace())
        self._line = line

    async def play(self, chunk: AudioChunk) -> None:
        self._line.play(chunk.pcm.astype("<i2").tobytes(), chunk.rate_hz)
        await super().play(chunk)

    def stop(self) -> None:
        self._line.send(STOPPED)
        super().stop()


class LineApp(App):
    """The program, on the line."""

    line: Line

    def sound_devices(self, ends: Ends, canceller: EchoCanceller | None = None) -> SoundDevices:
        folder = self.folder / self.settings.storage.folder
        return SoundDevices(
            self.settings.audio, folder, microphone=LineMicrophone(self.line), speaker=LineSpeaker(self.line)
        )


def tell(line: Line, record: EventRecord) -> None:
    """What the room wants to know of an event."""
    event = record.as_dict()
    kind = event["event"]
    if kind == "speech_end":
        line.send(END_OF_TURN)
    elif kind == "transcript":
        line.send(TRANSCRIPT, event["text"].encode())
    elif kind == "turn_end":
        line.send(TURN_END, json.dumps(event).encode())


async def main(config: Path) -> None:
    line = open_line()
    feed = EventFeed()
    feed.subscribe(lambda record: tell(line, record))
    settings, folder = load(config)
    app = LineApp(settings, folder, feed)
    app.line = line
    started = False

    def ready(record: EventRecord) -> None:
        nonlocal started
        if not started and record.event.kind == "listening":
            started = True
            line.send(READY)

    feed.subscribe(ready)
    await run(app, Ends())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
