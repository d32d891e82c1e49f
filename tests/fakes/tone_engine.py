"""A ``CloningEngine`` without a model: a hum as long as the text, as high as its sample. Run inside a worker program.

Its bad days are told by the environment variable ``TONE``: words separated by blanks, some with ``=`` and a value.

    slow_load=S fail_load oom_load       while it is loaded
    hang=N crash=N fail=N oom=N          at the N-th sound of a text that contains the word "stumble"
    step=S                               seconds before each sound
    eat=MB                               memory taken at each text
    say_aloud                            prints and logs what it is to say, as engines' packages do
    once=FILE                            all but slow_load and step only until that file is there; it then is
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.speech import VoiceSettings
from providers.tts.voice_worker.engine import Cancelled, EngineOptions, Sound, Speaker

RATE_HZ = 24_000
CHARACTER_S = 0.06
SOUND_S = 0.25


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
        time.sleep(float(self._day.get("slow_load", 0)))
        if self._bad("fail_load"):
            raise RuntimeError("the weights are not those of this model")
        if self._bad("oom_load"):
            raise MemoryError

    def speaker(self, sample: Sound, rate_hz: int) -> Speaker:
        """Its loudest frequency."""
        spectrum = np.abs(np.fft.rfft(sample))
        pitch = np.fft.rfftfreq(len(sample), 1 / rate_hz)[int(np.argmax(spectrum))]
        return {"layer/pitch": np.array([pitch], np.float32), "level": np.array(0.3, np.float32)}

    def stream(
        self, text: str, language: str, speaker: Speaker, settings: VoiceSettings, cancelled: Cancelled
    ) -> Iterator[Sound]:
        if "eat" in self._day and "stumble" in text and self._bad("eat"):
            self._eaten.append(b"x" * (int(self._day["eat"]) * 1_000_000))
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
            time.sleep(float(self._day.get("step", 0)))
            places = np.arange(at, min(total, at + round(SOUND_S * RATE_HZ)))
            yield (level * np.cos(2 * np.pi * pitch * places / RATE_HZ)).astype(np.float32)

    def unused(self, settings: VoiceSettings) -> list[str]:
        return ["emotion"] if settings.emotion != "neutral" else []

    def _stumble(self, number: int) -> None:
        for day in ("hang", "crash", "fail", "oom"):
            if day in self._day and number == int(self._day[day]) and self._bad(day):
                if day == "hang":
                    time.sleep(600)
                if day == "crash":
                    os._exit(7)
                if day == "fail":
                    raise RuntimeError("could not say: the customer's own words")
                raise MemoryError

    def _bad(self, day: str) -> bool:
        if day not in self._day:
            return False
        once = self._day.get("once")
        if once is None:
            return True
        was = Path(once).exists()
        Path(once).touch()
        return not was
