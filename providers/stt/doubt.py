"""Whether to believe what a Whisper model wrote. On noise, music and silence these models invent words.

Everything here is a measure; there is no list of known inventions. The thresholds on compression and log-probability
are those of the Whisper paper (Radford et al. 2022, section 4.5), the others are explained where they stand.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.speech import NoSpeechReason, Utterance


@dataclass(frozen=True, slots=True)
class Decoded:
    """One stretch of text as the model wrote it."""

    text: str
    """May be empty."""

    log_probability: float
    """Mean natural logarithm of its tokens' probabilities, the end included; 0 is certain."""

    no_speech_probability: float
    """0 to 1: what the model says of there being no speech in the window."""

    compression_ratio: float
    """Length of the text over its length compressed; repetition compresses well."""

    tokens: int
    """How many tokens it has."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on to doubt."""

    no_speech_probability: float = 0.6
    """0 to 1; above it the text counts as noise unless its words are sure. 1 never doubts."""

    sure_log_probability: float = -0.5
    """Below 0; words above it stand against a no-speech probability, which is often wrong for short utterances."""

    log_probability: float = -1.0
    """Below 0; words below it are not believed. Very low values believe anything."""

    compression_ratio: float = 2.4
    """Above 1; text that compresses better is a loop."""

    characters_per_s: float = 30.0
    """More text than that per second of sound cannot have been said: fast speech has about 25."""

    speech_share: float = 0.1
    """0 to 1: least share of the utterance that voice activity must have called speech."""


def without_speech(utterance: Utterance, least_speech_s: float, thresholds: Thresholds) -> NoSpeechReason | None:
    """Why an utterance need not be decoded at all, by what voice activity says of it."""
    duration_s = utterance.audio.duration_s
    if duration_s == 0 or utterance.speech_s < least_speech_s:
        return NoSpeechReason.TOO_SHORT
    if utterance.speech_s < thresholds.speech_share * duration_s:
        return NoSpeechReason.NOT_SPEECH
    return None


def doubt(pieces: Sequence[Decoded], utterance: Utterance, thresholds: Thresholds) -> NoSpeechReason | None:
    """Why a text is not to be believed; None where it is."""
    written = [piece for piece in pieces if _words(piece.text)]
    text = joined_text(written)
    if not written:
        return NoSpeechReason.EMPTY
    if repeats(text) or max(piece.compression_ratio for piece in written) > thresholds.compression_ratio:
        return NoSpeechReason.REPETITION
    log_probability = mean_log_probability(written)
    no_speech = max(piece.no_speech_probability for piece in written)
    if no_speech > thresholds.no_speech_probability and log_probability < thresholds.sure_log_probability:
        return NoSpeechReason.NOT_SPEECH
    if log_probability < thresholds.log_probability:
        return NoSpeechReason.DOUBTFUL
    # Voice activity clips soft beginnings and ends, hence the half second given on top.
    span_s = utterance.speech_end_s - utterance.speech_start_s + 0.5
    if len(text) > thresholds.characters_per_s * span_s:
        return NoSpeechReason.DOUBTFUL
    return None


def joined_text(pieces: Sequence[Decoded]) -> str:
    """The text of all pieces."""
    return " ".join(text for piece in pieces if (text := piece.text.strip()))


def mean_log_probability(pieces: Sequence[Decoded]) -> float:
    """Mean over all tokens of all pieces; minus infinity without any."""
    weights = [piece.tokens + 1 for piece in pieces]
    if not weights:
        return -math.inf
    return sum(weight * piece.log_probability for weight, piece in zip(weights, pieces, strict=True)) / sum(weights)


def repeats(text: str, most: int = 3) -> bool:
    """Whether a phrase stands more than ``most`` times in a row (two times ``most`` for a single word).

    People repeat words and digits ("nine nine nine nine"); they do not say the same phrase four times over.
    """
    words = _words(text)
    for length in range(1, len(words) // (most + 1) + 1):
        allowed = most if length > 1 else 2 * most
        needed = length * allowed  # equal pairs of words, one phrase apart, in a row
        run = 0
        for earlier, later in zip(words, words[length:], strict=False):
            run = run + 1 if earlier == later else 0
            if run >= needed:
                return True
    return False


def _words(text: str) -> list[str]:
    return re.findall(r"\w+(?:'\w+)?", text.casefold())
