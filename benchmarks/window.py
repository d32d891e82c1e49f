"""What an utterance costs when Whisper is shown its own length instead of 30 seconds; two threads instead of one.

    python -m benchmarks.window [--quick]

The bundled model reads questions in the bundled voice. Published shapes have random weights that write one sentence of
six tokens whatever they hear (``benchmarks.random_whisper``), so they cost what real ones cost for a question such as
these. Both windows take turns, and so do the numbers of threads; ratios are medians of the pairs' ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the program does, before NumPy reads it

import numpy as np

from benchmarks.plain_models import MODELS, resources
from benchmarks.random_whisper import SHAPES, write
from pipeline.audio import LISTENING_RATE_HZ, AudioChunk, joined
from pipeline.speech import Utterance, Voice
from providers.registry import create, settings_type
from providers.stt.doubt import joined_text
from providers.stt.faster_whisper_reader import WHOLE_FRAMES, WhisperReader
from providers.stt.faster_whisper_settings import Settings
from providers.stt.model_choice import STAND_IN
from providers.stt.window import window_of

QUESTIONS = (
    "What time do you close?",
    "Where can I find the milk?",
    "How much is the bread?",
    "Do you have any batteries?",
    "Are you open on Sunday?",
    "Where is the fitting room?",
    "How much are the flowers?",
    "Where can I find the dog food?",
    "Do you have gift cards?",
    "What time do you open on Monday?",
)
SAYS = QUESTIONS[0]
PAUSE_S = 0.2
"""What follows the last sound where transcription begins at the first short pause."""


async def spoken(texts: tuple[str, ...]) -> list[Utterance]:
    """The questions in the bundled voice, with what is kept around them."""
    voice = Voice("en_US-kiosk-low", "en")
    found = []
    async with create("tts", "piper", settings_type("tts", "piper")(), resources()) as piper:
        for text in texts:
            sound = joined([chunk async for chunk in piper.synthesize(text, voice)])
            pcm = np.pad(sound.pcm, (round(0.3 * LISTENING_RATE_HZ), round(PAUSE_S * LISTENING_RATE_HZ)))
            audio = AudioChunk(pcm, LISTENING_RATE_HZ)
            found.append(Utterance(audio, 0.3, audio.end_s - PAUSE_S, sound.duration_s, audio.end_s))
    return found


class Compared:
    """One model with one and with two threads, each with both windows."""

    def __init__(self, name: str, folder: Path) -> None:
        from faster_whisper import WhisperModel

        self.readers: dict[tuple[int, str], WhisperReader] = {}
        for threads in (1, 2):
            model = WhisperModel(
                str(folder), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
            )
            settings = Settings(language="en")
            self.readers[threads, "full"] = WhisperReader(model, settings, None)
            self.readers[threads, "adaptive"] = WhisperReader(model, settings, window_of(name))
        for reader in self.readers.values():
            reader.warm()

    def read(self, utterances: list[Utterance], rounds: int) -> tuple[dict[tuple[int, str], list[float]], int]:
        """Milliseconds of each reading, in the same order for each reader, and how many short ones differ in words."""
        taken: dict[tuple[int, str], list[float]] = {which: [] for which in self.readers}
        differ = 0
        for _ in range(rounds):
            for utterance in utterances:
                texts = {}
                for which, reader in self.readers.items():
                    began = time.perf_counter()
                    texts[which] = joined_text(reader.read(utterance, threading.Event()).pieces)
                    taken[which].append((time.perf_counter() - began) * 1000)
                differ += texts[1, "adaptive"] != texts[1, "full"]
        return taken, differ

    def encode_ms(self, frames: int, times: int = 5) -> float:
        """What encoding alone takes with one thread: so long an abandoned reading keeps the worker at most, unless it
        is writing already."""
        model = self.readers[1, "full"].model
        silence = np.zeros((model.feature_extractor.mel_filters.shape[0], frames), np.float32)
        return statistics.median(_milliseconds(lambda: model.encode(silence)) for _ in range(times))


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def compare(name: str, folder: Path, utterances: list[Utterance], rounds: int) -> dict[str, float]:
    """Figures of one model."""
    compared = Compared(name, folder)
    taken, differ = compared.read(utterances, rounds)
    frames = window_of(name).frames(len(utterances[0].audio.pcm) // 160) or WHOLE_FRAMES

    def ratio(one: tuple[int, str], other: tuple[int, str]) -> float:
        pairs = zip(taken[one], taken[other], strict=True)
        return round(statistics.median(mine / theirs for mine, theirs in pairs), 3)

    readings = len(utterances) * rounds
    found = {
        "adaptive_ms": round(statistics.median(taken[1, "adaptive"]), 1),
        "full_ms": round(statistics.median(taken[1, "full"]), 1),
        "ratio": ratio((1, "adaptive"), (1, "full")),
        "same_words_share": round(1 - differ / readings, 3),
        "repeated_share": round(compared.readers[1, "adaptive"].repeats / readings, 3),
        "encode_adaptive_ms": round(compared.encode_ms(frames), 1),
        "encode_full_ms": round(compared.encode_ms(WHOLE_FRAMES), 1),
        "two_threads_adaptive_ratio": ratio((2, "adaptive"), (1, "adaptive")),
        "two_threads_full_ratio": ratio((2, "full"), (1, "full")),
    }
    print(
        f"{name:17} {frames:5} frames {found['adaptive_ms']:7.1f} ms, 3000 frames {found['full_ms']:7.1f} ms, "
        f"ratio {found['ratio']:.3f}; two threads instead of one: {found['two_threads_adaptive_ratio']:.2f} and "
        f"{found['two_threads_full_ratio']:.2f}; same words {100 * found['same_words_share']:.0f} %, "
        f"repeated {100 * found['repeated_share']:.0f} %; encoding alone {found['encode_adaptive_ms']:.1f} and "
        f"{found['encode_full_ms']:.1f} ms",
        flush=True,
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="three questions, once; no small shape")
    quick = parser.parse_args().quick
    questions, rounds = (QUESTIONS[:3], 1) if quick else (QUESTIONS, 3)
    utterances = asyncio.run(spoken(questions))
    print(f"{len(questions)} questions of {statistics.median(u.audio.duration_s for u in utterances):.1f} s, int8, "
          f"load {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
    result = {STAND_IN: compare(STAND_IN, MODELS / STAND_IN, utterances, rounds)}
    with tempfile.TemporaryDirectory() as name:
        for shape in ("tiny", "base") if quick else SHAPES:
            folder = write(Path(name) / shape, SHAPES[shape], SAYS)
            result[f"whisper-{shape}.en"] = compare(f"whisper-{shape}.en", folder, utterances[:3], rounds)
    print(json.dumps({"benchmark": "window", "quick": quick, "models": result}))


if __name__ == "__main__":
    main()
