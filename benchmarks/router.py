"""What the router and the cache cost per sentence, over asking Piper directly, and how soon a cached one is played.

    python -m benchmarks.router [--quick]

Each pair says the same sentence with the bundled voice twice, directly and through ``FallbackVoice`` with the speech
cache (which finds nothing and stores it), in turn, the order changing; figures are medians of the pairs' differences.
The voice's random variation is switched off, so that both halves of a pair are the same work. What is left of the
machine's noise is several times larger than what is measured, so the same is measured once more with a voice that has
its sound ready. A hit goes through the whole spoken side of a turn to a loudspeaker that takes everything at once. The
last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from assistant.storage.audio_files import AudioFiles
from assistant.storage.database import Database
from benchmarks.plain_models import resources
from pipeline.audio import AudioChunk
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.delivery import Delivery
from pipeline.events import EventFeed
from pipeline.fallback import FallbackVoice
from pipeline.protocols import Capabilities
from pipeline.routing import SpeechRouter
from pipeline.speakable import speakable
from pipeline.speech import Personality, Voice, VoiceConfig
from pipeline.speech_cache import SpeechCache
from providers.tts.piper import LAST_VOICE, PiperSynthesizer, Settings

SENTENCE = "You will find the olive oil in aisle seven, next to the vinegar."
WHO = Personality("Robin", voice=VoiceConfig(provider="piper"))
VOICE = Voice(LAST_VOICE, "en")
AIMS = {"overhead_ms_p50": 2.0, "cache_hit_ms_p50": 5.0}


class NewEachTime(PiperSynthesizer):
    """Piper that claims to sound different each time, so that the cache never has what is asked for."""

    numbers = itertools.count()

    async def fingerprint(self, voice: Voice) -> str:
        return f"{await super().fingerprint(voice)} {next(self.numbers)}"


class Ready(NewEachTime):
    """The same, with the sound of its sentence in memory: what remains is the way around it."""

    sound: tuple[AudioChunk, ...] = ()

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
        if not self.sound:
            self.sound = tuple([chunk async for chunk in super().synthesize(text, voice)])
        for chunk in self.sound:
            yield chunk


class InstantSpeaker:
    """A loudspeaker that takes everything at once and notes when the first came."""

    capabilities = Capabilities("instant")
    played_s = 0.0
    dropped_s = 0.0

    def __init__(self) -> None:
        self.first_s: float | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def start(self) -> None:
        self.first_s = None

    async def play(self, chunk: AudioChunk) -> None:
        self.first_s = self.first_s or time.perf_counter()

    async def finish(self) -> None:
        return None

    def stop(self) -> None:
        return None

    def pause(self) -> None:
        return None

    def resume(self, back_s: float = 0.0) -> None:
        return None


@dataclass
class Figures:
    """Milliseconds, one of each per pair."""

    direct_first: list[float] = field(default_factory=list)
    direct_end: list[float] = field(default_factory=list)
    over_first: list[float] = field(default_factory=list)
    over_end: list[float] = field(default_factory=list)


@asynccontextmanager
async def routed(engine: PiperSynthesizer, folder: Path) -> AsyncIterator[tuple[FallbackVoice, SpeechCache]]:
    """The whole way in front of an engine, with a database and files on the disk."""
    async with (
        Database(folder / "assistant.db") as database,
        AudioFiles(database, folder / "speech", keep_s=86_400, max_bytes=200_000_000) as files,
        SpeechCache(files) as cache,
    ):
        router = SpeechRouter([engine])
        yield FallbackVoice(router, CircuitBreaker(EventFeed(), time.monotonic), time.monotonic, cache=cache), cache


async def timed(chunks: AsyncGenerator[object]) -> tuple[float, float]:
    """Milliseconds to the first chunk and to the end."""
    began, first = time.perf_counter(), 0.0
    async with aclosing(chunks):
        async for _ in chunks:
            first = first or time.perf_counter()
    return (first - began) * 1000, (time.perf_counter() - began) * 1000


async def compare(engine: PiperSynthesizer, pairs: int) -> Figures:
    """The same sentence directly and through the router, in turn."""
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        async with routed(engine, Path(folder)) as (voice, cache):
            for number in range(-3, pairs):  # the first ones warm up
                found: dict[str, tuple[float, float]] = {}
                for way in ("direct", "routed") if number % 2 else ("routed", "direct"):
                    if way == "direct":
                        found[way] = await timed(engine.synthesize(SENTENCE, VOICE))
                    else:
                        found[way] = await timed(voice.say(SENTENCE, "en", WHO))
                        await settled(cache)
                if number >= 0:
                    figures.direct_first.append(found["direct"][0])
                    figures.direct_end.append(found["direct"][1])
                    figures.over_first.append(found["routed"][0] - found["direct"][0])
                    figures.over_end.append(found["routed"][1] - found["direct"][1])
    return figures


async def settled(cache: SpeechCache) -> None:
    """Return when what was made lies on the disk: storing it must not slow down the next measurement."""
    for synthesis in [*cache._going_on.values()]:
        if synthesis.task is not None:
            await synthesis.task


async def hits(engine: PiperSynthesizer, count: int) -> list[float]:
    """Milliseconds from a sentence's text to its first chunk in the loudspeaker's queue, the sentence being cached."""
    found: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        async with routed(engine, Path(folder)) as (voice, cache):
            speaker = InstantSpeaker()
            for number in range(count + 1):
                delivery = Delivery(
                    voice=voice,
                    speaker=speaker,
                    speakable=speakable,
                    personality=WHO,
                    sorry=lambda _: None,
                    feed=EventFeed(),
                    clock=time.monotonic,
                )
                await speaker.start()
                began = time.perf_counter()
                await delivery.say(SENTENCE, "en")
                await settled(cache)
                assert speaker.first_s is not None
                if number:  # the first one fills the cache
                    found.append((speaker.first_s - began) * 1000)
    return found


async def measure(pairs: int) -> dict[str, float]:
    still = Settings(noise_scale=0.0, noise_w=0.0)
    result: dict[str, float] = {}

    def take(name: str, values: list[float], of: Callable[[list[float]], float] = statistics.median) -> None:
        result[name] = round(of(values), 3)

    async with PiperSynthesizer(still, resources()) as plain, NewEachTime(still, resources()) as piper:
        async with Ready(still, resources()) as ready:
            real, alone = await compare(piper, pairs), await compare(ready, pairs * 4)
        hit = await hits(plain, pairs * 4)
    take("overhead_ms_p50", real.over_end)
    take("overhead_first_chunk_ms_p50", real.over_first)
    take("piper_ms_p50", real.direct_end)
    take("piper_first_chunk_ms_p50", real.direct_first)
    take("overhead_of_a_ready_voice_ms_p50", alone.over_end)
    take("overhead_of_a_ready_voice_first_chunk_ms_p50", alone.over_first)
    take("overhead_of_a_ready_voice_ms_p95", alone.over_end, p95)
    take("cache_hit_ms_p50", hit)
    take("cache_hit_ms_p95", hit, p95)
    return result


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="100 pairs instead of 500")
    arguments = parser.parse_args()
    pairs = 100 if arguments.quick else 500
    result = asyncio.run(measure(pairs))
    print(f"one sentence, {pairs} pairs           to its first chunk    to its end")
    for label, first, end in (
        ("Piper directly", "piper_first_chunk_ms_p50", "piper_ms_p50"),
        ("router and cache over that", "overhead_first_chunk_ms_p50", "overhead_ms_p50"),
        (
            "the same, its sound ready",
            "overhead_of_a_ready_voice_first_chunk_ms_p50",
            "overhead_of_a_ready_voice_ms_p50",
        ),
    ):
        print(f"{label:30} {result[first]:14.2f} ms {result[end]:13.2f} ms")
    p50, p95_ms = result["cache_hit_ms_p50"], result["cache_hit_ms_p95"]
    print(f"{'a hit, to the loudspeaker':30} {p50:14.2f} ms (p95 {p95_ms:.2f} ms)")
    for name, aim in AIMS.items():
        print(f"{'met   ' if result[name] <= aim else 'MISSED'} {name} = {result[name]} (aim: at most {aim})")
    print(json.dumps({"benchmark": "router", "quick": arguments.quick, "pairs": pairs, **result}))


if __name__ == "__main__":
    main()
