"""Is a wake word heard that falls while the assistant speaks?

    python -m benchmarks.echo_wakes [--quick]

"Hey Jarvis", by a person (where the recording is there) and by made voices, every few seconds over an answer without a
pause, in the made shop of ``benchmarks.echo_room``: without an echo, as with a headset, and with echoes of -40, -20 and
-6 dB, as loud as the echo, 6 and 12 dB softer; without a canceller and with it. The first words fall while it does not
know the room yet. Beside them the stretches of speech that are found in two minutes in which nobody else speaks.
"""

from __future__ import annotations

import asyncio
import json
import sys

import numpy as np

from benchmarks.echo import answers, loudness, triggers
from benchmarks.echo_room import Room, through
from benchmarks.wakes import LATE_S, WORD, hits
from benchmarks.wakes_sounds import wake_words
from pipeline.audio import FULL_SCALE, LISTENING_RATE_HZ
from providers.echo.webrtc import Settings, WebRtcEchoCanceller

EVERY_S = 5.0
NO_ECHO_DB = -120.0
FAINT_DB = -39.0
"""Below this the words are as loud as in a quiet room, else by the echo."""
WORDS_DB = -40.0
"""Loudness of the words then."""
ECHOES = {NO_ECHO_DB: (0,), -40.0: (0,), -20.0: (0, -6, -12), -6.0: (0, -6, -12)}
"""Level of the echo over what is played, and of the words over the echo."""


async def heard(room: Room, played: np.ndarray, customer: np.ndarray | None, *, cancelled: bool) -> np.ndarray:
    """What the wake word network gets, int16."""
    if not cancelled:
        return through(room, None, played, customer)[1]
    async with WebRtcEchoCanceller(Settings()) as canceller:
        return through(room, canceller, played, customer)[1]


async def wakes(room: Room, word: np.ndarray, times: int, *, cancelled: bool) -> int:
    """How many of ``times`` wake words are heard."""
    played = answers(EVERY_S * (times + 1))
    customer, spans = np.zeros(len(played)), []
    for number in range(times):
        # 219 samples are no simple part of the network's step of 1280
        at = round(EVERY_S * (number + 0.4) * LISTENING_RATE_HZ) + number * 219
        customer[at : at + len(word)] += word
        spans.append((at / LISTENING_RATE_HZ, (at + len(word)) / LISTENING_RATE_HZ + LATE_S))
    pcm = await heard(room, played, customer, cancelled=cancelled)
    moments = [hit.at_s for hit in await hits(pcm / FULL_SCALE, [WORD])]
    return sum(any(start_s < moment <= end_s for moment in moments) for start_s, end_s in spans)


async def main(quick: bool) -> None:
    times, alone_s, voices = (3, 10.0, 2) if quick else (8, 120.0, None)
    said, result = dict(list(wake_words().items())[:voices]), {}
    for echo_db, levels_db in ECHOES.items():
        room = Room(level_db=echo_db)
        name = "no_echo" if echo_db == NO_ECHO_DB else f"echo_{echo_db:.0f}_db"
        echo = loudness(room.echo(answers(10.0))) if echo_db > FAINT_DB else 10 ** (WORDS_DB / 20)
        for level_db in levels_db:
            for cancelled in (False, True):
                counts: dict[str, int] = {}
                for voice, word in said.items():
                    louder = echo * 10 ** (level_db / 20) / loudness(word)
                    counts[voice] = await wakes(room, word * louder, times, cancelled=cancelled)
                share = sum(counts.values()) / (times * len(counts))
                result[f"{name}_word_{level_db}_db_{'with' if cancelled else 'without'}"] = round(share, 2)
                line = ", ".join(f"{voice} {count}" for voice, count in counts.items())
                how = "with   " if cancelled else "without"
                print(f"{name:<12}{level_db:>4} dB {how} {share:.2f} heard; of {times}: {line}", flush=True)
        alone = [
            await triggers(await heard(room, answers(alone_s), None, cancelled=cancelled))
            for cancelled in (False, True)
        ]
        result[f"{name}_self_triggers"] = alone[1]
        print(f"{name:<12} self-triggers in {alone_s:.0f} s: {alone[0]} without, {alone[1]} with", flush=True)
    print(json.dumps({"benchmark": "echo_wakes", "quick": quick, **result}))


if __name__ == "__main__":
    asyncio.run(main("--quick" in sys.argv))
