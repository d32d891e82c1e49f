"""Wake words by microWakeWord's models (Apache-2.0), through the package ``pymicro-wakeword``, which brings them.

Cheaper than openWakeWord and free for commercial use, but it knows fewer words and takes only clear speech.
Models: https://github.com/kahrendt/microWakeWord.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk, Pcm
from pipeline.errors import ModelDamaged, ModelMissing, ProviderMissing
from pipeline.protocols import Capabilities
from pipeline.speech import WakeWordHit
from providers.registry import Resources
from providers.settings import ProviderSettings
from providers.wake_word.word_detector import WordDetector, follows, named

if TYPE_CHECKING:
    from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures

STEP_SAMPLES = 160
"""Samples in a step of the front end: 10 ms."""

BATCH_SAMPLES = 960
"""Samples that are collected before the worker is asked: 60 ms, two scores. Asking costs as much as a score."""

RISE_SCORE = 0.3
"""The score passes this value at a steady distance from the word's end, whatever the threshold."""

END_BEFORE_RISE_S = 0.04
"""Seconds from the word's end to that rise, in the mean over voices (0.00 to 0.14)."""

RISE_WITHIN_S = 0.5
"""Audio seconds before the hit in which the rise must lie."""


class Word(ProviderSettings):
    """One wake word; its name alone will do."""

    name: str
    """``hey_jarvis``, ``alexa``, ``hey_mycroft`` or ``okay_nabu``, or path of the ``.json`` file of another model."""

    threshold: float | None = Field(default=None, ge=0.05, le=0.99)
    """Score from which the word was heard, 0.05 to 0.99; without it the one published with the model. Low hears it
    more often where nobody said it, high less."""

    refractory_s: float = Field(default=2.0, ge=0, le=30)
    """Audio seconds after a hit in which the same word cannot be heard again, 0 to 30."""


class Settings(ProviderSettings):
    """Which words wake the assistant."""

    words: list[Annotated[Word, BeforeValidator(named)]] = Field(
        default=[Word(name="hey_jarvis")], min_length=1, max_length=8
    )
    """Wake words that are listened for at the same time, 1 to 8; each costs 0.2 % of a core while speech is heard."""


def create(settings: Settings, resources: Resources) -> MicroWakeWordDetector:
    """The detector, not yet entered."""
    return MicroWakeWordDetector(settings, resources)


@dataclass(frozen=True, slots=True)
class _Score:
    number: int
    """Of the word."""
    score: float
    at_s: float


@dataclass(slots=True)
class _Stream:
    """An uninterrupted stretch of sound."""

    end_s: float
    """Where it stands: audio seconds just after the last sample taken."""

    fresh: bool = True
    """The networks still remember another stream."""

    rest: Pcm = field(default_factory=lambda: np.empty(0, np.int16))
    """Less than a step, waiting for more. Belongs to the worker's thread."""

    waiting: deque[AudioChunk] = field(default_factory=deque)
    """On its way to the worker, whose thread takes from it at any time: the loop only adds."""

    waiting_samples: int = 0
    """Samples added since the worker last finished."""

    done: deque[_Score] = field(default_factory=deque)
    """On its way back. What a cancelled call leaves here or in ``waiting`` is for the next one."""


class MicroWakeWordDetector(WordDetector["_Models", _Stream]):
    """A ``WakeWordDetector``."""

    capabilities = Capabilities(name="microwakeword", streams=True, licence="Apache-2.0")

    context_s = 3.0
    """Audio seconds after which a score owes nothing to the stream's beginning: the front end's noise estimate is
    slower than the network's memory."""

    def __init__(self, settings: Settings, resources: Resources) -> None:
        super().__init__([Path(word.name).stem for word in settings.words])
        self._words = settings.words
        self._folder = resources.folder
        self._rise_s = [0.0] * len(self._names)
        self._last = [0.0] * len(self._names)

    def _loader(self) -> Callable[[], _Models]:
        return lambda: _Models(self._words, self._folder)

    async def detect(self, chunk: AudioChunk) -> WakeWordHit | None:
        """The hit that is decided in the next chunk (16 kHz, any length), if one is. Raises ``ProviderError``."""
        models, stream = self._opened(chunk), self._stream
        if stream is None or not follows(chunk, stream.end_s):
            stream = self._stream = _Stream(chunk.start_s)
            self._last = [0.0] * len(self._names)
        stream.waiting.append(chunk)
        stream.waiting_samples += len(chunk.pcm)
        stream.end_s = chunk.end_s
        if stream.waiting_samples >= BATCH_SAMPLES:
            await self._worker.run(lambda _: models.score(stream))
            stream.waiting_samples = 0
        hit: WakeWordHit | None = None
        while stream.done:
            found = self._decide(stream.done.popleft(), models)
            hit = found if hit is None or (found is not None and found.score > hit.score) else hit
        return hit

    def _decide(self, score: _Score, models: _Models) -> WakeWordHit | None:
        number = score.number
        if self._last[number] < RISE_SCORE <= score.score:
            self._rise_s[number] = score.at_s
        self._last[number] = score.score
        if score.score <= models.thresholds[number] or score.at_s < self._quiet_until_s[number]:
            return None
        self._quiet_until_s[number] = score.at_s + self._words[number].refractory_s
        word_end_s = max(self._rise_s[number], score.at_s - RISE_WITHIN_S) - END_BEFORE_RISE_S
        return WakeWordHit(self._names[number], score.score, score.at_s, word_end_s)


class _Models:
    """The loaded networks and their front end. Belongs to the worker's thread."""

    def __init__(self, words: list[Word], folder: Path) -> None:
        try:
            import pymicro_wakeword
        except ImportError as error:
            raise ProviderMissing(
                "The package pymicro-wakeword is missing.",
                remedy="Install it: .venv/bin/pip install -c constraints.txt -e '.[microwakeword]'",
            ) from error
        self._features: MicroWakeWordFeatures = pymicro_wakeword.MicroWakeWordFeatures()
        self._networks: list[MicroWakeWord] = [_network(pymicro_wakeword, word.name, folder) for word in words]
        self.thresholds: list[float] = [
            network.probability_cutoff if word.threshold is None else word.threshold
            for word, network in zip(words, self._networks, strict=True)
        ]

    def score(self, stream: _Stream) -> None:
        """Score what waits."""
        if stream.fresh:
            self._features.reset()
            for network in self._networks:
                network.reset()
            stream.fresh = False
        while stream.waiting:
            chunk = stream.waiting.popleft()
            pcm = np.concatenate([stream.rest, chunk.pcm])
            steps = len(pcm) // STEP_SAMPLES
            stream.rest = pcm[steps * STEP_SAMPLES :]
            for left, step in enumerate(pcm[: steps * STEP_SAMPLES].reshape(-1, STEP_SAMPLES), 1 - steps):
                self._step(step, chunk.end_s - (len(stream.rest) - left * STEP_SAMPLES) / LISTENING_RATE_HZ, stream)

    def _step(self, pcm: Pcm, at_s: float, stream: _Stream) -> None:
        for features in self._features.process_streaming(pcm.tobytes()):
            for number, network in enumerate(self._networks):
                score = network.process_streaming_prob(features)
                if score:  # it says 0 between its scores as well
                    stream.done.append(_Score(number, score, at_s))


def _network(package: Any, name: str, folder: Path) -> MicroWakeWord:
    try:
        if name.endswith(".json"):
            _check(package, folder / name)
            return package.MicroWakeWord.from_config(folder / name)
        return package.MicroWakeWord.from_builtin(package.Model(name))
    except FileNotFoundError as error:
        raise ModelMissing(f"The wake word's file {folder / name} is missing.", remedy="Look at its path.") from error
    except (json.JSONDecodeError, KeyError, RuntimeError, UnicodeDecodeError) as error:
        raise ModelDamaged(
            f"The wake word model {name} is damaged.", remedy="Install it again, or choose another word."
        ) from error
    except ValueError as error:
        known = ", ".join(model.value for model in package.Model)
        raise ModelMissing(f"microWakeWord has no word {name!r}.", remedy=f"It has: {known}.") from error


def _check(package: Any, description: Path) -> None:
    """Raise ``ValueError``s of reading, or ``RuntimeError`` where the network itself is damaged.

    The package hands what TensorFlow Lite could not read on to TensorFlow Lite, which then kills the process.
    """
    network = description.parent / json.loads(description.read_text(encoding="utf-8"))["model"]
    if not network.is_file():
        raise FileNotFoundError(network)
    library = package.MicroWakeWord.from_builtin(package.Model.ALEXA).lib
    model = library.TfLiteModelCreateFromFile(str(network.resolve()).encode())
    if not model:
        raise RuntimeError("TensorFlow Lite cannot read it")
    library.TfLiteModelDelete(model)
