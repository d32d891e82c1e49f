"""Loads all that a listening assistant holds, uses it once, and says how much memory is resident.

    python -m benchmarks.idle_memory WHISPER

``WHISPER`` is a folder that ``benchmarks.random_whisper`` wrote.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np

from benchmarks.plain_models import resources
from pipeline.audio import FRAME_SAMPLES, LISTENING_RATE_HZ, AudioChunk, joined
from pipeline.hearing import Hearing
from pipeline.speech import Utterance, Voice
from providers.registry import create, settings_type

STAGES = (
    ("vad", "silero", {}),
    ("wake_word", "openwakeword", {"words": ["hey_jarvis"]}),
    ("tts", "piper", {}),
    ("stt", "faster_whisper", {"language": "en", "time_limit_s": 120}),
)


def resident_mb(kind: str = "VmRSS") -> float:
    """Of this process, from the kernel: ``VmRSS`` now, ``VmHWM`` at its highest."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(kind):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {kind}")


async def main(whisper: str) -> dict[str, float]:
    async with AsyncExitStack() as stack:
        parts = {}
        after = {}
        for stage, name, values in STAGES:
            model = {"model": whisper} if stage == "stt" else {}
            settings = settings_type(stage, name).model_validate({**values, **model})
            parts[stage] = await stack.enter_async_context(create(stage, name, settings, resources()))
            after[stage] = round(resident_mb())
        voice = Voice("en_US-kiosk-low", "en")
        spoken = joined([chunk async for chunk in parts["tts"].synthesize("Where is the milk?", voice)])
        hearing = Hearing(parts["vad"], parts["wake_word"])
        for at in range(0, len(spoken.pcm) - FRAME_SAMPLES, FRAME_SAMPLES):
            chunk = AudioChunk(spoken.pcm[at : at + FRAME_SAMPLES], LISTENING_RATE_HZ, at / LISTENING_RATE_HZ)
            await hearing.hear(chunk)
        pcm = np.concatenate([spoken.pcm, np.zeros(8000, np.int16)])
        audio = AudioChunk(pcm, LISTENING_RATE_HZ)
        end_s = spoken.duration_s
        utterance = Utterance(
            audio=audio, speech_start_s=0.0, speech_end_s=end_s, speech_s=end_s, decided_s=audio.end_s
        )
        await parts["stt"].transcribe(utterance)
        gc.collect()
        return {"rss_mb": round(resident_mb()), "peak_mb": round(resident_mb("VmHWM")), "after_loading_mb": after}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1]))))
