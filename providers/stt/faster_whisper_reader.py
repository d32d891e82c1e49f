"""A loaded Whisper model and the two ways to read an utterance with it. Everything here runs on the worker's thread.

The library's own ``transcribe`` fills every utterance up to 30 seconds and encodes it once more to find its language.
Here the model's ``encode`` and ``generate`` are called directly, with what ``transcribe`` gives them for whole windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import LISTENING_RATE_HZ
from pipeline.speech import NoSpeechReason, Utterance
from providers.model_worker import Cancelled
from providers.stt.doubt import Decoded, doubt
from providers.stt.faster_whisper_settings import Settings
from providers.stt.window import Window

Features = NDArray[np.float32]
"""Log-mel spectrogram, shape (mels, frames of 10 ms)."""

WHOLE_FRAMES = 3000
"""The window that published models were trained on."""

PROMPT_MARKS = 5
"""Tokens of a prompt that are no words: earlier text, begin, language, task, no timestamps."""

SURE_OF_LANGUAGE = 0.8
"""Share of probability, among the languages allowed, below which a short window does not decide."""

LEAST_OF_WANTED = 0.2
"""Share of probability, among the languages allowed, from which a customer speaks the language that they asked for."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model made of an utterance."""

    language: str
    """ISO 639-1 code."""

    pieces: Sequence[Decoded]
    """What it wrote, window by window; none that are blank."""

    reason: NoSpeechReason | None
    """Why it is not to be believed; None where it is."""


class WhisperReader:
    """Reads one utterance after another."""

    def __init__(self, model: Any, settings: Settings, window: Window | None) -> None:
        """``model`` is a ``faster_whisper.WhisperModel``; without a ``window`` each utterance gets the whole one."""
        from faster_whisper.transcribe import get_suppressed_tokens

        self.model = model
        self.settings = settings
        self.window = window
        self.repeats = 0
        """Utterances that were read once more, in the whole window."""
        self._suppressed = get_suppressed_tokens(self._tokenizer("en"), [-1])
        # What is read at a time may be less than the window that it is padded to: 10 s in the bundled model.
        self._most_frames: int = model.feature_extractor.nb_max_frames

    def warm(self) -> None:
        """Read silence in the longest and the shortest window, so that memory is there and the first customer does not
        wait."""
        second = self._features(np.zeros(LISTENING_RATE_HZ, np.float32))
        for frames in (WHOLE_FRAMES, self.window.least_frames if self.window else None):
            if frames is not None:
                list(self._written(self._encoded(second, frames), "en", 36, begins=True))

    def read(self, utterance: Utterance, cancelled: Cancelled) -> Reading:
        """The words and whether to believe them. What is left undone once ``cancelled`` is set has no words."""
        audio = utterance.audio.as_float()
        features = self._features(audio)
        # About twice what the fastest speakers need: where the model loops, it is stopped early.
        most_tokens = min(200, 24 + 12 * len(audio) // LISTENING_RATE_HZ)
        frames = self.window.frames(features.shape[1]) if self.window else None
        if frames is not None:
            reading = self._short(utterance, features, frames, most_tokens, cancelled)
            if reading is not None or cancelled.is_set():
                return reading or self._undone()
            self.repeats += 1
        return self._whole(utterance, features, most_tokens, cancelled)

    def _short(
        self, utterance: Utterance, features: Features, frames: int, most_tokens: int, cancelled: Cancelled
    ) -> Reading | None:
        """A reading in a window of ``frames``; None where it leaves a doubt."""
        if self.window is None:
            return None
        memory = self._encoded(features, frames)
        if cancelled.is_set():
            return None
        language, certain = self._language(memory, utterance.language)
        if not certain:
            return None
        pieces = list(self._written(memory, language, most_tokens, begins=True))
        thresholds = self.settings.thresholds
        sure = max(thresholds.log_probability, self.window.sure_log_probability)
        reason = doubt(pieces, utterance, replace(thresholds, log_probability=sure))
        known_noise = {NoSpeechReason.EMPTY, NoSpeechReason.NOT_SPEECH} if self.window.practised else set()
        return Reading(language, pieces, reason) if reason is None or reason in known_noise else None

    def _whole(self, utterance: Utterance, features: Features, most_tokens: int, cancelled: Cancelled) -> Reading:
        """A reading in whole windows, as many as it takes."""
        pieces: list[Decoded] = []
        language = ""
        for start in range(0, features.shape[1], self._most_frames):
            memory = self._encoded(features[:, start : start + self._most_frames], WHOLE_FRAMES)
            if cancelled.is_set():
                return self._undone()
            language = language or self._language(memory, utterance.language)[0]
            pieces += self._written(memory, language, most_tokens, begins=start == 0)
            if cancelled.is_set():
                return self._undone()
        return Reading(language, pieces, doubt(pieces, utterance, self.settings.thresholds))

    @staticmethod
    def _undone() -> Reading:
        return Reading("en", (), NoSpeechReason.EMPTY)

    def _features(self, audio: NDArray[np.float32]) -> Features:
        # The last frame reaches beyond the sound.
        features: Features = self.model.feature_extractor(audio)[:, :-1]
        return features

    def _encoded(self, features: Features, frames: int) -> Any:
        return self.model.encode(np.pad(features, ((0, 0), (0, frames - features.shape[1]))))

    def _language(self, memory: Any, wanted: str) -> tuple[str, bool]:
        """What is spoken, as set or the likeliest of those allowed, and whether that is sure.

        ``wanted`` is the language that the customer asked for: little must speak for it.
        """
        if not self.model.model.is_multilingual:
            return "en", True
        expected = self.settings.expected_languages
        if len(expected) == 1:
            return expected[0], True
        probabilities = [
            (token[2:-2], probability) for token, probability in self.model.model.detect_language(memory)[0]
        ]
        likely = {name: probability for name, probability in probabilities if not expected or name in expected}
        allowed = list(likely.values())
        if likely.get(wanted, 0.0) >= LEAST_OF_WANTED * sum(allowed) > 0:
            return wanted, True
        sure = bool(allowed) and max(allowed) >= SURE_OF_LANGUAGE * sum(allowed)
        return likeliest(probabilities, expected), sure

    def _written(self, memory: Any, language: str, most_tokens: int, begins: bool) -> Iterator[Decoded]:
        """What the model writes for a window; nothing where that is blank. ``begins``: it is the utterance's first.

        Blanks are allowed, since suppressing them forbids an empty result; without sampling the time is bounded and the
        text the same every time.
        """
        from faster_whisper.transcribe import get_compression_ratio

        tokenizer, settings = self._tokenizer(language), self.settings
        prompt = self._prompt(tokenizer, settings.initial_prompt if begins else "", most_tokens)
        result = self.model.model.generate(
            memory,
            [prompt],
            beam_size=settings.beam_size,
            max_length=len(prompt) + most_tokens,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=False,
            suppress_tokens=self._suppressed,
        )[0]
        tokens = result.sequences_ids[0]
        text = tokenizer.decode(tokens)
        if text.strip():
            # The score is a mean over the tokens; the end is one more, of which it says nothing.
            log_probability = result.scores[0] * len(tokens) / (len(tokens) + 1)
            ratio = get_compression_ratio(text.strip())
            yield Decoded(text, log_probability, result.no_speech_prob, ratio, len(tokens))

    def _prompt(self, tokenizer: Any, said_before: str, most_tokens: int) -> list[int]:
        """What stands before the words: hints, as much of them as leaves room for the words, and the task."""
        hotwords = self.settings.hotwords
        hinted = min(len(tokenizer.encode(f" {hotwords}")), self.model.max_length // 2) if hotwords else 0
        room = self.model.max_length - most_tokens - hinted - PROMPT_MARKS
        before = tokenizer.encode(f" {said_before.strip()}")[-room:] if said_before else []
        prompt: list[int] = self.model.get_prompt(tokenizer, before, without_timestamps=True, hotwords=hotwords or None)
        return prompt

    def _tokenizer(self, language: str) -> Any:
        from faster_whisper.tokenizer import Tokenizer

        multilingual = self.model.model.is_multilingual
        return Tokenizer(self.model.hf_tokenizer, multilingual, task="transcribe", language=language)


def likeliest(probabilities: list[tuple[str, float]], allowed: tuple[str, ...]) -> str:
    """The allowed language of highest probability; the first allowed where the model knows none of them."""
    known = [(probability, name) for name, probability in probabilities if not allowed or name in allowed]
    return max(known)[1] if known else allowed[0]
