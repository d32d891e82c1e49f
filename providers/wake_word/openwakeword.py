"""Wake words by openWakeWord's models, with a streaming front end of our own on ONNX Runtime.

The package ``openwakeword`` cannot be installed on Python 3.12 and later and computes most of each step anew; its
scores and ours are the same. Models: https://github.com/dscripka/openWakeWord (CC BY-NC-SA 4.0).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk, Pcm
from pipeline.errors import ModelMissing
from pipeline.protocols import Capabilities
from pipeline.speech import WakeWordHit
from providers.registry import Resources
from providers.settings import ProviderSettings
from providers.wake_word.speech_features import STEP_SAMPLES
from providers.wake_word.word_detector import WordDetector, follows, named
from providers.wake_word.word_end import LOOK_BACK_STEPS, word_end_s
from providers.wake_word.word_models import Scorer, WordModels

FEATURES = "openwakeword-features"
"""Catalogue name of the two networks that all words share."""

STEP_S = STEP_SAMPLES / LISTENING_RATE_HZ
"""Audio seconds from one score to the next."""

STEADY_STEPS = 6
"""Scores that ``steady_share`` looks at: half a second."""

KEPT_STEPS = LOOK_BACK_STEPS + 6
"""Steps whose sound and scores are kept to find the end of a word."""

EMBEDDING_S = 0.88
"""Audio seconds until an embedding sees nothing but sound: 76 mel frames and their overlap, in whole steps."""


class Word(ProviderSettings):
    """One wake word; its name alone will do."""

    name: str
    """Name in the model catalogue, such as ``hey_jarvis``, or path of an ``.onnx`` file trained for openWakeWord."""

    threshold: float = Field(default=0.5, ge=0.05, le=0.99)
    """Score from which the word was heard, 0.05 to 0.99. Low hears it more often where nobody said it, high less."""

    steady_share: float = Field(default=0.25, ge=0.2, le=1.0)
    """Share of the threshold, 0.2 to 1, that also counts as heard where the mean of half a second reaches it: people
    are scored lower than the synthetic voices the models were trained with, but for as long. 1 turns this off."""

    patience: int = Field(default=1, ge=1, le=10)
    """Scores in a row that must reach the threshold, 1 to 10, 80 ms apart. More avoids false hits and answers later."""

    refractory_s: float = Field(default=2.0, ge=0, le=30)
    """Audio seconds after a hit in which the same word cannot be heard again, 0 to 30."""


class Settings(ProviderSettings):
    """Which words wake the assistant."""

    words: list[Annotated[Word, BeforeValidator(named)]] = Field(
        default=[Word(name="hey_jarvis")], min_length=1, max_length=8
    )
    """Wake words that are listened for at the same time, 1 to 8; each costs 0.03 ms of one
    core per 80 ms."""


def create(settings: Settings, resources: Resources) -> OpenWakeWordDetector:
    """The detector, not yet entered."""
    return OpenWakeWordDetector(settings, resources)


@dataclass(frozen=True, slots=True)
class _Step:
    """What 80 ms of sound gave."""

    end_s: float
    """Audio seconds just after it."""

    scores: NDArray[np.float32]
    """0 to 1, shape [words]."""

    pcm: Pcm
    """Its sound, int16, shape [1280]."""


@dataclass(slots=True)
class _Stream:
    """An uninterrupted stretch of sound."""

    end_s: float
    """Where it stands: audio seconds just after the last sample taken."""

    skip: int
    """Samples still to leave out, so that steps begin at multiples of 80 ms of audio time: a network that begins in
    the middle of a stream then gives the scores of one that heard it all."""

    scorer: Scorer
    """Belongs to the worker's thread."""

    rest: Pcm = field(default_factory=lambda: np.empty(0, np.int16))
    """Less than a step, waiting for more."""

    waiting: deque[tuple[float, Pcm]] = field(default_factory=deque)
    """Whole steps on their way to the worker: audio seconds of their end, and their sound."""

    done: deque[_Step] = field(default_factory=deque)
    """On their way back. What a cancelled call leaves here or in ``waiting`` is for the next one."""

    recent: deque[_Step] = field(default_factory=lambda: deque(maxlen=KEPT_STEPS))
    """The last ones, to find the end of a word."""

    def take(self, chunk: AudioChunk) -> None:
        """Cut the next chunk into whole steps."""
        left_out = min(self.skip, len(chunk.pcm))
        self.skip -= left_out
        self.end_s = chunk.end_s
        pcm = np.concatenate([self.rest, chunk.pcm[left_out:]])
        whole = len(pcm) // STEP_SAMPLES * STEP_SAMPLES
        self.rest = pcm[whole:]
        if whole:
            self.waiting.append((chunk.end_s - len(self.rest) / LISTENING_RATE_HZ, pcm[:whole]))

    def score(self) -> None:
        """Score what waits, on the worker's thread."""
        while self.waiting:
            end_s, pcm = self.waiting.popleft()
            scores = self.scorer.feed(pcm)
            for number, (step, found) in enumerate(zip(pcm.reshape(-1, STEP_SAMPLES), scores, strict=True), 1):
                self.done.append(_Step(end_s - (len(scores) - number) * STEP_S, found, step))


class OpenWakeWordDetector(WordDetector[WordModels, _Stream]):
    """A ``WakeWordDetector``; one word costs about 0.4 ms of one core per 80 ms."""

    def __init__(self, settings: Settings, resources: Resources) -> None:
        super().__init__(
            [Path(word.name).stem if _is_path(word.name) else word.name for word in settings.words],
        )
        self._words = settings.words
        self._resources = resources

    @property
    def capabilities(self) -> Capabilities:
        """Streams; the licence is that of the first word's model."""
        licence = self._resources.models.licence(self._words[0].name)
        return Capabilities(name="openwakeword", streams=True, licence=licence)

    @property
    def context_s(self) -> float:
        """Audio seconds after which a score owes nothing to the stream's beginning."""
        frames = self._models.most_frames if self._models else 16
        return EMBEDDING_S + frames * STEP_S

    def _loader(self) -> Callable[[], WordModels]:
        features = self._resources.models.path(FEATURES)
        words = [_file(word.name, self._resources) for word in self._words]
        return lambda: WordModels(features, words)

    async def detect(self, chunk: AudioChunk) -> WakeWordHit | None:
        """The hit that is decided in the next chunk (16 kHz, any length), if one is. Raises ``ProviderError``."""
        stream = await self._advance(chunk)
        hit: WakeWordHit | None = None
        while stream.done:
            stream.recent.append(stream.done.popleft())
            hit = self._decide(list(stream.recent)) or hit
        return hit

    async def scores(self, chunk: AudioChunk) -> NDArray[np.float32]:
        """Instead of ``detect``: the raw scores that the next chunk completes, float32, shape [steps, words]."""
        stream = await self._advance(chunk)
        found = [stream.done.popleft().scores for _ in range(len(stream.done))]
        return np.array(found, np.float32).reshape(-1, len(self._names))

    async def _advance(self, chunk: AudioChunk) -> _Stream:
        """Take a chunk; the steps that it completes lie in the stream's ``done`` afterwards."""
        models, stream = self._opened(chunk), self._stream
        if stream is None or not follows(chunk, stream.end_s):
            skip = -round(chunk.start_s * LISTENING_RATE_HZ) % STEP_SAMPLES
            stream = self._stream = _Stream(chunk.start_s, skip, models.scorer())
        stream.take(chunk)
        if stream.waiting:  # a chunk that completes no step costs no change of thread
            await self._worker.run(lambda _: stream.score())
        return stream

    def _decide(self, recent: list[_Step]) -> WakeWordHit | None:
        """The best hit among the words at the last of these steps."""
        best: WakeWordHit | None = None
        now_s = recent[-1].end_s
        for number, (word, name) in enumerate(zip(self._words, self._names, strict=True)):
            scores = [float(step.scores[number]) for step in recent]
            run = scores[-word.patience :]
            sure = len(run) == word.patience and min(run) >= word.threshold
            run = run if sure else scores[-STEADY_STEPS:]
            steady = sum(run) / STEADY_STEPS >= word.threshold * word.steady_share
            if now_s < self._quiet_until_s[number] or not (sure or steady):
                continue
            self._quiet_until_s[number] = now_s + word.refractory_s
            if best is None or max(run) > best.score:
                sound = AudioChunk(np.concatenate([step.pcm for step in recent]), LISTENING_RATE_HZ)
                start_s = now_s - sound.duration_s
                best = WakeWordHit(name, max(run), now_s, start_s + word_end_s(name, scores, STEP_S, sound))
        return best


def _is_path(name: str) -> bool:
    return name.endswith(".onnx")


def _file(name: str, resources: Resources) -> Path:
    """The network of a word. Raises ``ModelMissing``."""
    if _is_path(name):
        return resources.folder / name
    folder = resources.models.path(name)
    found = sorted(folder.glob("*.onnx"))
    if not found:
        raise ModelMissing(f"No wake word model lies in {folder}.", remedy=f"Fetch it: assistant models pull {name}")
    return found[0]
