"""Does the assistant hear itself, and does it hear who speaks over it?

    python -m benchmarks.echo [--quick]

First in a made shop (``benchmarks.echo_room``), faster than real time; then on a real sound system without a card: the
monitor of PulseAudio's loudspeaker is looped into its microphone. The assistant speaks without a pause. What is
counted: how much softer its echo becomes; stretches of at least half a second of speech (Silero and the segmenter) and
wake words in what is left, while nobody else speaks; and customers who speak over it, as loud as the echo or 6 dB
softer: how many are heard, and how many are written down without a mistake.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.echo_measures import ANSWERS, QUESTIONS, Heard, chunked, reduction_db, said, speech, wake_words
from benchmarks.echo_room import Room, through
from benchmarks.voice_to_voice_questions import PIPER, spoken
from pipeline.audio import LISTENING_RATE_HZ, AudioChunk, from_float
from pipeline.echo_cancelling import EchoCancelling
from providers.audio.played_sound import PlayedSound
from providers.audio.sounddevice_microphone import MicrophoneSettings, SounddeviceMicrophone
from providers.audio.sounddevice_speaker import SounddeviceSpeaker, SpeakerSettings
from providers.echo.webrtc import Settings, WebRtcEchoCanceller
from tests.sound_server import SoundServer, missing_parts

EVERY_S = 9.0
"""From one customer to the next."""
LEARNT_S = 3.0
"""What comes before does not count for the reduction."""

ROOMS = {
    "loop": Room(tail_s=0.0, bends=0.0, drift_ppm=0.0),
    "shop": Room(),
    "shop, linear loudspeaker": Room(bends=0.0),
    "shop, loud": Room(level_db=0.0),
    "shop, soft": Room(level_db=-20.0),
    "shop, delay told 30 ms too long": Room(delay_s=-0.03),
    "shop, delay 200 ms too short": Room(delay_s=0.2),
}


@dataclass
class Row:
    """One way of hearing the assistant."""

    where: str
    reduction_db: float = 0.0
    alone_s: float = 0.0
    self_triggers: int = 0
    """Stretches of speech and wake words while nobody speaks."""
    without: int = 0
    """The same without a canceller."""
    customers: int = 0
    heard: dict[int, int] = field(default_factory=dict)
    right: dict[int, int] = field(default_factory=dict)
    """Customers by level over the echo, dB."""

    def line(self) -> str:
        over = "   ".join(
            f"{self.heard[level]}/{self.customers} {self.right[level]}/{self.customers}".rjust(11)
            for level in self.heard
        )
        return (
            f"{self.where:<34}{self.reduction_db:>7.1f} dB{self.self_triggers:>6} in {self.alone_s:>3.0f} s"
            f" ({self.without:>3}){over:>30}"
        )


def answers(seconds: float) -> np.ndarray:
    """The assistant's voice without a longer pause than half a second; float64 in [-1, 1]."""
    parts, length, number = [], 0, 0
    while length < seconds * LISTENING_RATE_HZ:
        pause = np.zeros(round((0.5 if number % 2 else 0.25) * LISTENING_RATE_HZ))
        parts += [spoken(ANSWERS[number % len(ANSWERS)], PIPER) / 32768, pause]
        length, number = length + len(parts[-2]) + len(pause), number + 1
    return np.concatenate(parts)[: round(seconds * LISTENING_RATE_HZ)]


def customer(number: int, level: float) -> tuple[str, np.ndarray]:
    """What one says, and the sound (float64) of that root mean square."""
    text, voice = QUESTIONS[number % len(QUESTIONS)]
    sound = spoken(text, voice)
    return text, sound * level / np.sqrt(np.mean(np.square(sound)))


def loudness(sound: np.ndarray) -> float:
    """Root mean square of what is not silence."""
    return float(np.sqrt(np.mean(np.square(sound[np.abs(sound) > 1e-3]))))


def understood(found: list[Heard], spans: list[tuple[float, float, str]]) -> tuple[int, int]:
    """How many customers were heard, and how many without a mistake."""
    heard = right = 0
    for start_s, end_s, text in spans:
        texts = [one.text for one in found if one.start_s < end_s and one.end_s > start_s]
        heard += bool(texts)
        right += any(said(one) == said(text) for one in texts)
    return heard, right


async def triggers(pcm: np.ndarray) -> int:
    chunks = chunked(pcm)
    return len(await speech(chunks)) + await wake_words(chunks)


async def simulated(where: str, room: Room, alone_s: float, customers: int) -> Row:
    row = Row(where, alone_s=alone_s, customers=customers)
    played = answers(alone_s)
    async with WebRtcEchoCanceller(Settings()) as canceller:
        raw, clean = through(room, canceller, played)
    learnt = round(LEARNT_S * LISTENING_RATE_HZ)
    row.reduction_db = reduction_db(raw[learnt:], clean[learnt:])
    row.self_triggers, row.without = await triggers(clean), await triggers(raw)
    for level_db in (0, -6):
        played = answers(EVERY_S * (customers + 1))
        level = loudness(room.echo(played)) * 10 ** (level_db / 20)
        speaking, spans = np.zeros(len(played)), []
        for number in range(customers):
            text, sound = customer(number, level)
            at = round(EVERY_S * (number + 1) * LISTENING_RATE_HZ)
            speaking[at : at + len(sound)] += sound
            spans.append((at / LISTENING_RATE_HZ, (at + len(sound)) / LISTENING_RATE_HZ, text))
        async with WebRtcEchoCanceller(Settings()) as canceller:
            _, clean = through(room, canceller, played, speaking)
        row.heard[level_db], row.right[level_db] = understood(await speech(chunked(clean)), spans)
    return row


class Kiosk:
    """Loudspeaker and microphone of a sound system; the microphone twice, to hear what the canceller gets."""

    def __init__(self, canceller: WebRtcEchoCanceller) -> None:
        played = PlayedSound()
        self._speaker = SounddeviceSpeaker(SpeakerSettings(), played)
        self._clean = SounddeviceMicrophone(MicrophoneSettings(), EchoCancelling(canceller, played))
        self._raw = SounddeviceMicrophone(MicrophoneSettings())
        self._heard: dict[str, list[AudioChunk]] = {}

    async def speak(self, seconds: float, level: float, said_over: list[tuple[str, np.ndarray]], server: SoundServer):
        """Speak for so long. Gives what was heard, raw and clean, and when customers spoke."""
        self._heard, spans = {"raw": [], "clean": []}, []
        async with self._speaker, self._clean, self._raw, asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._listen("raw", self._raw), name="raw"),
                group.create_task(self._listen("clean", self._clean), name="clean"),
                group.create_task(self._customers(said_over, server, spans), name="customers"),
            ]
            await self._speaker.start()
            sound = answers(seconds) * level
            for at in range(0, len(sound), LISTENING_RATE_HZ):
                await self._speaker.play(from_float(sound[at : at + LISTENING_RATE_HZ], LISTENING_RATE_HZ))
            await self._speaker.finish()
            for task in tasks:
                task.cancel()
        raw, clean = (np.concatenate([chunk.pcm for chunk in heard]) for heard in self._heard.values())
        return raw, clean, spans

    async def _listen(self, name: str, microphone: SounddeviceMicrophone) -> None:
        async with aclosing(microphone.chunks()) as chunks:
            async for chunk in chunks:
                self._heard[name].append(chunk)

    async def _customers(self, said_over, server: SoundServer, spans: list[tuple[float, float, str]]) -> None:
        for text, sound in said_over:
            await asyncio.sleep(EVERY_S)
            start_s = len(self._heard["clean"]) * 512 / LISTENING_RATE_HZ
            spans.append((start_s, start_s + len(sound) / LISTENING_RATE_HZ + 1.0, text))
            server.say(from_float(sound, LISTENING_RATE_HZ))


async def on_devices(server: SoundServer, level_db: float, delay_ms: int, alone_s: float, customers: int) -> Row:
    row = Row(f"PulseAudio {level_db:.0f} dB, {delay_ms} ms", alone_s=alone_s, customers=customers)
    learnt = round(LEARNT_S * LISTENING_RATE_HZ)
    with server.echo(delay_ms=delay_ms, level_db=level_db):
        async with WebRtcEchoCanceller(Settings()) as canceller:
            raw, clean, _ = await Kiosk(canceller).speak(alone_s, 1.0, [], server)
        size = min(len(raw), len(clean))
        row.reduction_db = reduction_db(raw[learnt:size], clean[learnt:size])
        row.self_triggers, row.without = await triggers(clean), await triggers(raw)
        for over_db in (0, -6):
            level = loudness(answers(10.0)) * 10 ** ((level_db + over_db) / 20)
            said_over = [customer(number, level) for number in range(customers)]
            async with WebRtcEchoCanceller(Settings()) as canceller:
                _, clean, spans = await Kiosk(canceller).speak(EVERY_S * (customers + 1), 1.0, said_over, server)
            row.heard[over_db], row.right[over_db] = understood(await speech(chunked(clean)), spans)
    return row


async def main(quick: bool) -> None:
    print(f"{'':<34}{'echo softer':>10}{'self-triggers (without)':>24}{'heard, right at 0 dB':>25}{'-6 dB':>9}")
    rows: list[Row] = []
    for where, room in list(ROOMS.items())[: 2 if quick else None]:
        rows.append(await simulated(where, room, 20.0 if quick else 120.0, 3 if quick else 8))
        print(rows[-1].line(), flush=True)
    devices: list[Row] = []
    if missing := missing_parts():
        print(f"No sound system: install {' '.join(missing)}.")
    else:
        devices = await with_sound_system(quick)
    print(json.dumps(result(rows, devices)))


async def with_sound_system(quick: bool) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory(prefix="sound") as folder:
        server = SoundServer(Path(folder))
        server.start()
        os.environ.update(server.environment)
        try:
            for level_db, delay_ms in [(-6.0, 60)] if quick else [(0.0, 20), (-6.0, 60), (-20.0, 150)]:
                rows.append(await on_devices(server, level_db, delay_ms, 12.0 if quick else 120.0, 1 if quick else 8))
                print(rows[-1].line(), flush=True)
        finally:
            server.stop()
    return rows


def result(rows: list[Row], devices: list[Row]) -> dict[str, float]:
    every = rows + devices
    customers = sum(row.customers for row in every)
    numbers: dict[str, float] = {
        "reduction_db_least": round(min(row.reduction_db for row in every), 1),
        "self_triggers": sum(row.self_triggers for row in every),
        "self_triggers_without": sum(row.without for row in every),
        "alone_s": sum(row.alone_s for row in every),
    }
    if devices:
        numbers["device_reduction_db_least"] = round(min(row.reduction_db for row in devices), 1)
        numbers["device_self_triggers"] = sum(row.self_triggers for row in devices)
    for level_db, name in ((0, "0_db"), (-6, "minus_6_db")):
        numbers[f"heard_share_{name}"] = round(sum(row.heard[level_db] for row in every) / customers, 2)
        numbers[f"right_share_{name}"] = round(sum(row.right[level_db] for row in every) / customers, 2)
    return numbers


if __name__ == "__main__":
    asyncio.run(main("--quick" in sys.argv))
