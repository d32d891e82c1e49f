"""The synthetic speakers: which voices there are, how one is drawn, and how it says a sentence."""

import functools
import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from whisper_kiosk.dimensions import SAMPLE_RATE_HZ

Audio = npt.NDArray[np.float32]
"""Mono samples at 16 kHz, -1 to 1, shape (n,)."""

ACCENTS = {
    "en-us": 5,
    "en-gb": 2.5,
    "en-gb-x-rp": 1,
    "en-gb-scotland": 1,
    "en-gb-x-gbclan": 0.7,
    "en-gb-x-gbcwmd": 0.7,
    "en-029": 0.7,
    "en-us-nyc": 1,
}
"""espeak-ng's accents and how often each is drawn."""
VARIANTS = [
    "",
    "",
    "",
    *"m1 m2 m3 m4 m5 m7 m8 f1 f2 f3 f5".split() * 2,
    *(
        "adam Alex Alicia Andrea Andy Annie anika antonio aunty belinda benjamin boris caleb david ed edward2 Gene "
        "Hugo iven3 Jacky john klatt2 klatt4 Lee linda marcelo Marco max Mario michel Michael miguel norbert pablo "
        "paul pedro quincy rob robert sandro shelby steph travis victor zac"
    ).split(),
]
"""espeak-ng's speakers; one that stands here twice is drawn twice as often."""
HELD_ACCENTS = ["en-us", "en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland"]
HELD_VARIANTS = ["m6", "f4"]
"""Never heard in training, in any accent."""
FLITE_PITCH_HZ = {"rms": 105, "slt": 170, "awb": 120, "kal16": 105}
"""flite's voices and their usual pitch."""
HELD_ENGINE = "ked_diphone"
"""festival's ked: never heard in training."""
MORE = {"piper": 36, "flite": 34, "kal_diphone": 15, "cmu_us_slt_arctic_hts": 15}
"""Voices of the second stage and how often each is drawn."""


class SpeechError(Exception):
    """A speech program failed, is missing, or gave nothing audible."""


class Voice(NamedTuple):
    """One speaker: a speech program, a voice in it, and how that voice shall speak."""

    engine: str
    """espeak, flite, festival or piper."""
    name: str
    """The program's own name of the voice; for piper the path of the .onnx file."""
    pace: float
    """espeak: words a minute; the others: factor on durations, above 1 is slower."""
    tone: float
    """espeak: pitch, 0 to 99; flite: factor on its usual pitch; piper: noise_scale; festival: unused."""


def pick_voice(rng: Random) -> Voice:
    """Draw a training voice of the first stage: flite or espeak-ng."""
    flite = list(FLITE_PITCH_HZ)
    if rng.random() < 0.28:
        return Voice("flite", rng.choice(flite), round(rng.uniform(0.8, 1.25), 3), round(rng.uniform(0.85, 1.2), 3))
    accent = rng.choices(list(ACCENTS), list(ACCENTS.values()))[0]
    variant = rng.choice(VARIANTS)
    name = f"{accent}+{variant}" if variant else accent
    return Voice("espeak", name, rng.randint(115, 195), rng.randint(25, 75))


def pick_held_voice(rng: Random) -> Voice:
    """Draw a voice that is in no training data."""
    accent = rng.choice(HELD_ACCENTS)
    return Voice("espeak", f"{accent}+{rng.choice(HELD_VARIANTS)}", rng.randint(120, 185), rng.randint(30, 70))


def pick_more(rng: Random, piper: str | None) -> Voice:
    """Draw a voice of the second stage: a Piper voice (if one is given), festival's kal and slt-hts, a wider flite."""
    kinds = [kind for kind in MORE if piper or kind != "piper"]
    kind = rng.choices(kinds, [MORE[kind] for kind in kinds])[0]
    if kind == "piper" and piper:
        return Voice("piper", piper, round(rng.uniform(0.85, 1.2), 3), round(rng.uniform(0.4, 0.9), 3))
    if kind == "flite":
        name = rng.choice(list(FLITE_PITCH_HZ))
        return Voice("flite", name, round(rng.uniform(0.75, 1.4), 3), round(rng.uniform(0.75, 1.4), 3))
    return Voice("festival", kind, round(rng.uniform(0.8, 1.25), 3), 0)


def say(voice: Voice, text: str) -> Audio:
    """Speak a written sentence: half of full scale at its peak, silence at both ends trimmed to 10 ms.

    Raises SpeechError when the program fails, takes longer than 30 s or gives nothing audible.
    """
    import soxr

    try:
        samples, rate_hz = _ENGINES[voice.engine](voice, _spelled(text))
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        raise SpeechError(f"{voice.engine} could not say {text!r}: {error}") from error
    if samples.ndim > 1:
        samples = samples.mean(1)
    if rate_hz != SAMPLE_RATE_HZ:
        samples = soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ)
    if not len(samples):
        raise SpeechError(f"{voice.engine} said nothing for {text!r}")
    loud = np.nonzero(np.abs(samples) > 0.004 * max(1e-6, np.abs(samples).max()))[0]
    if len(loud) == 0:
        raise SpeechError(f"{voice.engine} gave silence for {text!r}")
    samples = samples[max(0, loud[0] - 160) : loud[-1] + 160]
    loudest: Audio = (0.5 * samples / np.abs(samples).max()).astype(np.float32)
    return loudest


def phonemes(text: str) -> list[str]:
    """espeak-ng's en-us phonemes of a written sentence: targets of the auxiliary CTC loss."""
    command = ["espeak-ng", "-q", "-v", "en-us", "-x", "--sep=_", _spelled(text)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    out = re.sub(r"[',%;:|=]+", "", out.replace("_:", ""))
    return [symbol for symbol in out.replace("\n", " ").replace(" ", "_").split("_") if symbol]


def _spelled(text: str) -> str:
    return re.sub(r"\b([AP])M\b", r"\1 M", text)


def _run(command: list[str], wav: Path) -> tuple[Audio, int]:
    import soundfile

    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)
    samples, rate_hz = soundfile.read(wav, dtype="float32")
    return samples, rate_hz


def _say_espeak(voice: Voice, text: str) -> tuple[Audio, int]:
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "a.wav"
        command = ["espeak-ng", "-v", voice.name, "-s", str(voice.pace), "-p", str(voice.tone), "-w", str(wav), text]
        return _run(command, wav)


def _say_flite(voice: Voice, text: str) -> tuple[Audio, int]:
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "a.wav"
        pitch_hz = FLITE_PITCH_HZ[voice.name] * voice.tone
        settings = ["--setf", f"duration_stretch={voice.pace}", "--setf", f"int_f0_target_mean={pitch_hz:.0f}"]
        return _run(["flite", "-voice", voice.name, *settings, "-t", text, "-o", str(wav)], wav)


def _say_festival(voice: Voice, text: str) -> tuple[Audio, int]:
    with tempfile.TemporaryDirectory() as folder:
        wav, script = Path(folder) / "a.wav", Path(folder) / "a.txt"
        script.write_text(text)
        settings = ["-eval", f"(voice_{voice.name})", "-eval", f"(Parameter.set 'Duration_Stretch {voice.pace})"]
        return _run(["text2wave", *settings, str(script), "-o", str(wav)], wav)


def _say_piper(voice: Voice, text: str) -> tuple[Audio, int]:
    from piper import SynthesisConfig

    piper = _piper_voice(voice.name)
    parts = piper.synthesize(text, syn_config=SynthesisConfig(length_scale=voice.pace, noise_scale=voice.tone))
    return np.concatenate([part.audio_float_array for part in parts]).astype(np.float32), piper.config.sample_rate


@functools.cache
def _piper_voice(path: str) -> Any:
    from piper import PiperVoice

    return PiperVoice.load(path)


_ENGINES: dict[str, Callable[[Voice, str], tuple[Audio, int]]] = {
    "espeak": _say_espeak,
    "flite": _say_flite,
    "festival": _say_festival,
    "piper": _say_piper,
}
