"""A shop in which personalities speak with the voices of recordings; run as a shop would, process by process."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from tests.conftest import ROOT
from tests.program import Ran, assistant

RATE_HZ = 24_000

TONE_PYTHON = f"""#!/bin/bash
words=()
for word in "$@"; do
    case "$word" in
        xtts_v2) word=tests.fakes.tone_engine:create ;;
    esac
    words+=("$word")
done
exec {sys.executable} "${{words[@]}}"
"""
"""An interpreter in which XTTS is an engine without a model: it hums as high as the recording."""


TEXT = (
    "Good morning and welcome to our shop. The olive oil is in aisle seven, next to the vinegar, and the bread is at "
    "the entrance. We close at nine today. If you cannot find something, please ask one of my colleagues."
)

Sound = np.ndarray[Any, np.dtype[np.float32]]


@cache
def speech(pitch: float = 1.0) -> Sound:
    """About ten seconds of the bundled voice, float32 [samples]; with another ``pitch`` it is somebody else."""
    from piper import PiperVoice

    folder = ROOT / "models" / "en_US-kiosk-low"
    voice = PiperVoice.load(folder / "en_US-kiosk-low.onnx", folder / "en_US-kiosk-low.onnx.json")
    sound = np.concatenate([chunk.audio_float_array for chunk in voice.synthesize(TEXT)])
    return np.asarray(soxr.resample(sound, voice.config.sample_rate * pitch, RATE_HZ), np.float32)


def loudest_hz(sound: Sound, rate_hz: int) -> float:
    """The frequency with most energy."""
    spectrum = np.abs(np.fft.rfft(sound))
    return float(np.fft.rfftfreq(len(sound), 1 / rate_hz)[int(np.argmax(spectrum))])


class CloningShop:
    """A folder with settings, models and data of its own."""

    def __init__(self, folder: Path, tts: str) -> None:
        """``tts``: that section of the settings."""
        self.folder = folder
        for name in ("models", "shop"):
            (folder / name).symlink_to(ROOT / name)
        self.config = f"tts: {tts}"

    def run(self, *arguments: str | Path, more: str = "") -> Ran:
        return assistant(*arguments, config=f"{self.config}\n{more}", folder=self.folder)

    def done(self, *arguments: str | Path, more: str = "") -> Ran:
        """One that must succeed."""
        ran = self.run(*arguments, more=more)
        assert ran.code == 0, ran.err
        return ran

    def facts(self, *arguments: str | Path, more: str = "") -> Any:
        return json.loads(self.done(*arguments, "--json", more=more).out)

    def recording(self, name: str = "voice.wav", pitch: float = 1.0) -> Path:
        path = self.folder / name
        soundfile.write(path, speech(pitch), RATE_HZ)
        return path

    def files(self) -> set[str]:
        """All that lies in the data folder."""
        data = self.folder / "data"
        return {str(file.relative_to(data)) for file in data.rglob("*") if file.is_file()}

    def hum_of_the_voice(self) -> float:
        """What the engine without a model makes of the one sample there is, Hz."""
        (sample,) = (self.folder / "data" / "voices").rglob("*.wav")
        return loudest_hz(*soundfile.read(sample))

    def hum(self, file: str) -> float:
        """What is heard in a reply, Hz."""
        return loudest_hz(*soundfile.read(self.folder / file))


def tone_shop(folder: Path) -> CloningShop:
    """One whose XTTS needs no model."""
    python = folder / "python"
    python.write_text(TONE_PYTHON)
    python.chmod(0o755)
    (folder / "own-model").mkdir()
    (folder / "own-model" / "weights").write_text("none")
    return CloningShop(folder, "{use: [xtts_v2, piper, espeak_ng], xtts_v2: {python: ./python, model: ./own-model}}")


def small_shop(folder: Path, cloning_python: Path, engine: str) -> CloningShop:
    """One with an engine's own classes, small and with random weights."""
    maker, model = {
        "xtts_v2": ("tests.fakes.small_xtts", "small-xtts"),
        "pocket_tts": ("tests.fakes.small_pocket", "small-pocket-en"),
    }[engine]
    command = [cloning_python, "-m", maker, folder / model]
    command += ["--stop-after", "40"] if engine == "xtts_v2" else []
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT, timeout=100)
    which = f"model: ./{model}" if engine == "xtts_v2" else f"models: {{en: ./{model}}}"
    return CloningShop(folder, f"{{use: [{engine}, piper, espeak_ng], {engine}: {{device: cpu, {which}}}}}")
