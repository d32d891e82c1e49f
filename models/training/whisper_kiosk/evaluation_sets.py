"""The test sets: held-out or core sentences, held-out or training voices, clean or noisy, and noise alone."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np

from whisper_kiosk.augmentation import augment
from whisper_kiosk.noise import non_speech
from whisper_kiosk.voices import HELD_ENGINE, Audio, Voice, pick_held_voice, pick_voice, say

SEED = 99
PIPER_SEED = 98
NOISES = 200


class Item(NamedTuple):
    """One recording of a test set."""

    audio: Audio
    text: str
    """What is said in written form; empty where nobody speaks."""
    voice: str


class Plan(NamedTuple):
    """How one test set is made."""

    name: str
    texts: list[str]
    pick: Callable[[Random], Voice]
    noisy: bool = False


TestSets = dict[str, list[Item]]


def _plain(rng: Random) -> Voice:
    return Voice("espeak", "en-us", 160, 50)


def _unseen_engine(rng: Random) -> Voice:
    return Voice("festival", HELD_ENGINE, round(rng.uniform(0.9, 1.2), 2), 0)


def _plans(fixed: list[str], held: list[str]) -> list[Plan]:
    plans = [
        Plan("held sentences, held voices, clean", held, pick_held_voice),
        Plan("held sentences, held voices, noisy", held, pick_held_voice, noisy=True),
        Plan("held sentences, training voices, clean", held, pick_voice),
        Plan("held sentences, training voices, noisy", held, pick_voice, noisy=True),
        Plan("core sentences, held voices, clean", fixed, pick_held_voice),
        Plan("core sentences, held voices, noisy", fixed, pick_held_voice, noisy=True),
        Plan("core sentences, plain espeak-ng en-us, clean", fixed, _plain),
    ]
    if shutil.which("text2wave"):
        plans.append(Plan("held sentences, unseen engine (festival ked), clean", held[:150], _unseen_engine))
    return plans


def _surrounded(speech: Audio) -> Audio:
    return np.concatenate([np.zeros(4800, np.float32), speech, np.zeros(6400, np.float32)])


def load_test_sets(work: Path) -> TestSets:
    """The test sets of a work folder; made at the first call, from a seed of their own."""
    path = work / "tests.npz"
    if not path.exists():
        _make(path, json.loads((work / "sentences.json").read_text()))
    stored = np.load(path)
    sets: TestSets = {}
    for i, (name, text, voice) in enumerate(json.loads(str(stored["meta"]))):
        sets.setdefault(name, []).append(Item(stored[f"x{i}"].astype(np.float32) / 32768, text, voice))
    return sets


def _make(path: Path, known: dict[str, list[str]]) -> None:
    rng, noise_rng = Random(SEED), np.random.default_rng(SEED)
    recordings: list[np.ndarray] = []
    meta: list[tuple[str, str, str]] = []

    def put(audio: Audio, name: str, text: str, voice: str) -> None:
        recordings.append((audio * 32767).astype(np.int16))
        meta.append((name, text, voice))

    for plan in _plans(known["fixed"], known["held"]):
        for text in plan.texts:
            voice = plan.pick(rng)
            speech = say(voice, text)
            audio = augment(noise_rng, speech, mild=True).audio if plan.noisy else _surrounded(speech)
            put(audio, plan.name, text, voice.name)
    for _ in range(NOISES):
        put(non_speech(noise_rng), "noise, no speech", "", "-")
    arrays = {f"x{i}": recording for i, recording in enumerate(recordings)}
    np.savez(path, meta=np.array(json.dumps(meta)), **arrays)


def piper_test_set(work: Path, piper: str) -> list[Item]:
    """The held-out sentences, spoken by a Piper voice."""
    rng = Random(PIPER_SEED)
    held = json.loads((work / "sentences.json").read_text())["held"]
    return [
        Item(_surrounded(say(Voice("piper", piper, round(rng.uniform(0.9, 1.15), 3), 0.667), text)), text, "piper")
        for text in held
    ]
