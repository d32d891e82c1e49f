"""A ``CloningEngine`` without a model: a hum as long as the text, as high as its sample. Run inside a worker program.

Its bad days are told by the environment variable ``TONE``: words separated by blanks, some with ``=`` and a value.

    slow_load=S fail_load oom_load       while it is loaded
    quit_load eat_load=MB                the same; the memory is taken before the time
    fail_sample wait_sample=FILE         while it looks at a sample of more than 3 s; the latter until the file is there
    hang=N crash=N fail=N oom=N          at the N-th sound of a text that contains the word "stumble"
    quit=N nan=N torch_oom=N             the same
    step=S                               seconds before each sound
    eat=MB                               memory taken, and kept, at each text that contains the word "stumble"
    steps=FILE                           a byte is added to that file at each sound
    say_aloud                            prints and logs what it is to say, as engines' packages do
    once=FILE                            the bad ones only until that file is there; it then is
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.speech import VoiceSettings
from providers.tts.voice_worker.engine import Cancelled, EngineOptions, Sound, Speaker

RATE_HZ = 24_000
CHARACTER_S = 0.06
SOUND_S = 0.25


ERRORS: dict[str, BaseException] = {
    "fail": RuntimeError("could not say: the customer's own words"),
    "oom": MemoryError(),
    "torch_oom": RuntimeError(
        "[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: you tried"
    ),
    "quit": SystemExit("could not say: the customer's own words"),
}


def create(options: EngineOptions) -> ToneEngine:
    return ToneEngine(options)


class ToneEngine:
    name = "tone"
    version = "tone 1"
    languages = ("en", "es")
    rate_hz = RATE_HZ
    device = "cpu"

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        words = (word.partition("=") for word in os.environ.get("TONE", "").split())
        self._day = {name: value for name, _, value in words}
        self._eaten: list[bytes] = []

    def load(self) -> None:
        if self._options.model.name != "." and not self._options.model.is_dir():
            raise FileNotFoundError(f"no model in {self._options.model}")
        if self._bad("eat_load"):
            self._eaten.append(self._meal("eat_load"))
        time.sleep(float(self._day.get("slow_load", 0)))
        if self._bad("fail_load"):
            raise RuntimeError("the weights are not those of this model")
        if self._bad("oom_load"):
            raise MemoryError
        if self._bad("quit_load"):
            sys.exit("the licence was not agreed to")

    def speaker(self, sample: Sound, rate_hz: int) -> Speaker:
        """Its loudest frequency."""
        if len(sample) > 3 * rate_hz:
            if self._bad("fail_sample"):
                raise RuntimeError("a sample of zeros")
            while "wait_sample" in self._day and not Path(self._day["wait_sample"]).exists():
                time.sleep(0.01)
        spectrum = np.abs(np.fft.rfft(sample))
        pitch = np.fft.rfftfreq(len(sample), 1 / rate_hz)[int(np.argmax(spectrum))]
        return {"layer/pitch": np.array([pitch], np.float32), "level": np.array(0.3, np.float32)}

    def stream(
        self, text: str, language: str, speaker: Speaker, settings: VoiceSettings, cancelled: Cancelled
    ) -> Iterator[Sound]:
        if "stumble" in text and self._bad("eat"):
            self._eaten.append(self._meal("eat"))
        if "say_aloud" in self._day:
            print(" > Text:", text, flush=True)  # noqa: T201 - as coqui-tts does
            logging.getLogger("TTS.tts").warning("the text %s is long", text)
        letters = sum(character.isalnum() for character in text)
        total = round(letters * CHARACTER_S / settings.speed * RATE_HZ)
        pitch, level = float(speaker["layer/pitch"][0]), float(speaker["level"])
        for number, at in enumerate(range(0, total, round(SOUND_S * RATE_HZ))):
            if cancelled():
                return
            if "stumble" in text:
                self._stumble(number)
            if "steps" in self._day:
                with Path(self._day["steps"]).open("a", encoding="ascii") as file:
                    file.write(".")
            time.sleep(float(self._day.get("step", 0)))
            places = np.arange(at, min(total, at + round(SOUND_S * RATE_HZ)))
            nothing = np.nan if "stumble" in text and self._due("nan", number) else 1.0
            yield (nothing * level * np.cos(2 * np.pi * pitch * places / RATE_HZ)).astype(np.float32)

    def unused(self, settings: VoiceSettings) -> list[str]:
        return ["emotion"] if settings.emotion != "neutral" else []

    def _eat(self, day: str) -> None:
        self._eaten.append(b"x" * (int(self._day[day]) * 1_000_000))

    def _meal(self, day: str) -> bytes:
        return b"x" * (int(self._day[day]) * 1_000_000)

    def _stumble(self, number: int) -> None:
        for day, error in ERRORS.items():
            if self._due(day, number):
                raise error
        if self._due("hang", number):
            time.sleep(600)
        if self._due("crash", number):
            os._exit(7)

    def _due(self, day: str, number: int) -> bool:
        return day in self._day and number == int(self._day[day]) and self._bad(day)

    def _bad(self, day: str) -> bool:
        if day not in self._day:
            return False
        once = self._day.get("once")
        if once is None:
            return True
        was = Path(once).exists()
        Path(once).touch()
        return not was
