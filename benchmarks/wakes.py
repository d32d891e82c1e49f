"""How often the wake word is heard where nobody said it, and how often it is missed.

    python -m benchmarks.wakes [--quick]

First an hour each of speech, an office and music in which nobody says a wake word; then "hey jarvis" every few seconds
in the same, as loud as the background and louder, and in a quiet room at several levels: once by a person, once by made
voices. All of it faster than real time, through the gates as in the program (``pipeline.hearing``), at the default
threshold. Recordings are repeated, each time at another place of the network's grid of 80 ms; those without a wake word
once so and once more with another level and speed each time.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace

import numpy as np

from benchmarks.echo_measures import chunked
from benchmarks.plain_models import resources
from benchmarks.wakes_sounds import loops, loudness, wake_words
from pipeline.audio import LISTENING_RATE_HZ, Pcm, from_float
from pipeline.hearing import Hearing
from pipeline.speech import WakeWordHit
from providers.registry import create, settings_type

WORD = "hey_jarvis"
EVERY_S = 7.0
"""From one wake word to the next."""
LATE_S = 0.8
"""A hit may come so long after the word."""
PIECE_S = 512.0
"""What is made ready to be heard at a time; whole chunks."""
QUIET_DBFS = (-20, -30, -40, -50)
"""Loudness of a wake word in a quiet room (-70 dB)."""
OVER_DB = (20, 10, 5, 0)
"""Loudness of a wake word over its background."""


async def hits(sound: np.ndarray, words: list[str]) -> list[WakeWordHit]:
    """All wake words that are heard in a sound (float64, 16 kHz)."""
    settings = settings_type("wake_word", "openwakeword").model_validate({"words": words})
    found: list[WakeWordHit] = []
    piece = round(PIECE_S * LISTENING_RATE_HZ)
    async with (
        create("vad", "silero", settings_type("vad", "silero")(), resources()) as vad,
        create("wake_word", "openwakeword", settings, resources()) as detector,
    ):
        hearing = Hearing(vad, detector)
        for at in range(0, len(sound), piece):
            for chunk in chunked(pcm(sound[at : at + piece])):
                heard = await hearing.hear(replace(chunk, start_s=chunk.start_s + at / LISTENING_RATE_HZ))
                if heard.hit is not None:
                    found.append(heard.hit)
    return found


def pcm(sound: np.ndarray) -> Pcm:
    return from_float(np.clip(sound, -1, 1), LISTENING_RATE_HZ).pcm


async def false_wakes(name: str, seconds: float, *, varied: bool) -> dict[str, float]:
    """Wake words per hour where nobody says one: the default one, and the two other bundled ones."""
    found = await hits(loops(name, seconds, varied=varied), [WORD, "alexa", "hey_mycroft"])
    scores = [f"{hit.score:.2f}" for hit in found if hit.name == WORD]
    others, hours = len(found) - len(scores), seconds / 3600
    where = f"{name}, varied" if varied else name
    print(f"{where:<16}{seconds / 60:>5.0f} min{len(scores):>5} false wakes by {WORD} {scores}, {others} by two others")
    key = f"false_{name}_varied" if varied else f"false_{name}"
    return {f"{key}_per_hour": len(scores) / hours, f"{key}_others_per_hour": others / hours}


async def missed(name: str, voice: str, word: np.ndarray, level_db: int, times: int) -> int:
    """How many of ``times`` wake words are not heard."""
    sound = loops(name, EVERY_S * (times + 1), varied=False)
    level = 10 ** (level_db / 20) * (1.0 if name == "quiet" else loudness(sound))
    word = word * level / loudness(word)
    # a person in a loud shop does not overload the microphone
    ratio = min(1.0, 0.9 / float(np.abs(word).max()))
    sound, word = sound * ratio, word * ratio
    spans = []
    for number in range(times):
        # 997 samples are no whole step of 80 ms, nor a simple part of one
        at = round(EVERY_S * (number + 0.8) * LISTENING_RATE_HZ) + number * 997 % 1280
        sound[at : at + len(word)] += word
        spans.append((at / LISTENING_RATE_HZ, (at + len(word)) / LISTENING_RATE_HZ + LATE_S))
    moments = [hit.at_s for hit in await hits(sound, [WORD])]
    return sum(not any(start_s < moment <= end_s for moment in moments) for start_s, end_s in spans)


async def misses(name: str, levels: tuple[int, ...], times: int) -> dict[str, float]:
    result: dict[str, float] = {}
    said = wake_words()
    for level_db in levels:
        counts = {voice: await missed(name, voice, word, level_db, times) for voice, word in said.items()}
        result[f"missed_{name}_{level_db}_db"] = round(sum(counts.values()) / (times * len(counts)), 3)
        line = ", ".join(f"{voice} {count}" for voice, count in counts.items())
        print(f"{name:<8}{level_db:>4} dB   missed of {times}: {line}", flush=True)
        if "person" in counts:
            result[f"missed_person_{name}_{level_db}_db"] = round(counts["person"] / times, 3)
    return result


async def main(quick: bool) -> None:
    result: dict[str, float] = {}
    for name in ("speech", "office", "music"):
        for varied in (False, True):
            result |= await false_wakes(name, 150.0 if quick else 3600.0, varied=varied)
    times = 4 if quick else 32
    result |= await misses("quiet", QUIET_DBFS[:2] if quick else QUIET_DBFS, times)
    for name in ("office", "music", "speech"):
        result |= await misses(name, OVER_DB[1:2] if quick else OVER_DB, times)
    print(json.dumps({"benchmark": "wakes", "quick": quick, **result}))


if __name__ == "__main__":
    asyncio.run(main("--quick" in sys.argv))
