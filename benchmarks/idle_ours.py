"""Listens to a sound with this project's detectors and says what it cost; ``benchmarks.idle`` starts it.

    python -m benchmarks.idle_ours SOUND.npy [--paced] [--deaf]

The sound (int16, 16 kHz) comes as it does from a microphone: chunks of 32 ms cross over from another thread.
``--paced`` plays it in real time, ``--deaf`` throws the chunks away.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np

from benchmarks.plain_models import resources
from pipeline.audio import FRAME_S, FRAME_SAMPLES, LISTENING_RATE_HZ, AudioChunk
from pipeline.hearing import Hearing
from providers.registry import create, settings_type

AHEAD = 16
"""Chunks that the other thread may be ahead where nothing paces it."""


async def microphone(pcm: np.ndarray, *, paced: bool) -> AsyncIterator[AudioChunk]:
    """Chunks of a sound from a thread of its own."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[AudioChunk | None] = asyncio.Queue()
    room = threading.Semaphore(AHEAD)

    def speak() -> None:
        start = time.monotonic()
        for at in range(0, len(pcm) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            chunk = AudioChunk(pcm[at : at + FRAME_SAMPLES].copy(), LISTENING_RATE_HZ, at / LISTENING_RATE_HZ)
            if paced:
                time.sleep(max(0.0, start + at / LISTENING_RATE_HZ - time.monotonic()))
            room.acquire()
            loop.call_soon_threadsafe(queue.put_nowait, chunk)
        loop.call_soon_threadsafe(queue.put_nowait, None)

    threading.Thread(target=speak, name="microphone", daemon=True).start()
    while (chunk := await queue.get()) is not None:
        room.release()
        yield chunk


async def main(sound: Path, *, paced: bool, deaf: bool) -> dict[str, float]:
    pcm = np.load(sound)
    warm_up = round(3.0 / FRAME_S)
    chunks = hits = 0
    wake_settings = settings_type("wake_word", "openwakeword").model_validate({"words": ["hey_jarvis"]})
    vad_settings = settings_type("vad", "silero")()
    async with (
        create("wake_word", "openwakeword", wake_settings, resources()) as words,
        create("vad", "silero", vad_settings, resources()) as vad,
    ):
        hearing = Hearing(vad, words)
        async for chunk in microphone(pcm, paced=paced):
            if chunks == warm_up:
                start_s = time.process_time()
            chunks += 1
            if not deaf:
                hits += (await hearing.hear(chunk)).hit is not None
        cpu_s = time.process_time() - start_s
    return {"core_share": cpu_s / ((chunks - warm_up) * FRAME_S), "hits": hits}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(Path(sys.argv[1]), paced="--paced" in sys.argv, deaf="--deaf" in sys.argv))))
