"""Speech of a model that does not always stop: bounded by its text, and cut where it babbles after the end.

XTTS sometimes goes on after the last word: a silence, then breath, murmur or a word that nobody wrote, most often with
short texts. What was given out cannot be taken back, so silences near the expected end are held back until it is known
what follows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]

LETTERS_PER_S = {
    "ar": 9.0, "cs": 11.5, "de": 12.5, "en": 12.0, "es": 13.0, "fr": 12.5, "hi": 7.0, "hu": 12.0, "it": 13.0,
    "ja": 13.5, "ko": 13.5, "nl": 12.5, "pl": 12.5, "pt": 12.5, "ru": 12.0, "tr": 13.0, "zh": 18.0,
}  # fmt: skip
"""Letters and digits of the text as the model reads it (numbers in words; Chinese, Japanese and Korean in Latin
letters) in a second of calm speech: estimated from the syllables per second of Coupé et al., "Different languages,
similar encoding efficiency", Science Advances 2019, and the letters of a syllable. Arabic and Hindi write few of their
vowels as letters."""

BREAK_S = 0.35
"""Expected pause at a mark inside the text."""

MARKS = frozenset(",;:.!?…—–،؛؟।、。，；：！？")

LONGEST_SHARE, LONGEST_EXTRA_S = 2.0, 1.0
"""Speech is stopped at so many times its expected length, and so much more."""

WATCHED_SHARE = 0.7
"""Before this share of the expected length, silences are pauses."""

PAUSE_S, PHRASE_PAUSE_S, LATE_PAUSE_S = 1.2, 0.6, 0.45
"""A longer silence ends the speech: one that begins when it is watched for, the same in a text without a mark inside,
and one that begins late; in between the limit falls evenly."""

LATE_SHARE, LATE_EXTRA_S = 1.5, 0.3
"""Late is after so many times the expected length, and so much more."""

TRAIL_S = 0.15
"""Silence that is left at the end."""

GAP_S, BLIP_S = 0.25, 0.2
"""After such a silence past the expected end, sound shorter than the second figure is no word."""

QUIET_DB, SILENCE_DB = -35.0, -60.0
"""A frame is silent so far below the loudest one so far, or below that of full scale."""

FRAME_S = 0.01
FADE_S = 0.02

LONGEST_PERIOD, LOOP_TOKENS, LOOP_TURNS = 12, 24, 3
"""Tokens of a loop, and how many tokens and turns of it prove it: 24 are more than a second."""


def expected_s(read: str, language: str) -> float:
    """Seconds of calm speech for a text, written as the model reads it; ``language`` is an ISO 639-1 code."""
    return sum(map(str.isalnum, read)) / LETTERS_PER_S.get(language, 12.0) + _breaks(read) * BREAK_S


def longest_s(read: str, language: str) -> float:
    """Seconds after which speech for that text is stopped."""
    return LONGEST_EXTRA_S + LONGEST_SHARE * expected_s(read, language)


def looped(codes: Sequence[int]) -> bool:
    """Whether a model's last tokens repeat themselves, as no speech does."""
    for period in range(1, LONGEST_PERIOD + 1):
        span = max(LOOP_TOKENS, LOOP_TURNS * period)
        tail = codes[-span:]
        if len(tail) == span and tail[period:] == tail[:-period]:
            return True
    return False


class BabbleGuard:
    """Lets speech through until it babbles."""

    def __init__(self, read: str, language: str, rate_hz: int, speed: float = 1.0) -> None:
        self._expected_s = expected_s(read, language) / speed
        self._pause_s = PAUSE_S if _breaks(read) else PHRASE_PAUSE_S
        self._left = round(longest_s(read, language) / speed * rate_hz)
        """Samples that may still be given out."""
        self._rate_hz = rate_hz
        self._frame = round(FRAME_S * rate_hz)
        self._rest = np.zeros(0, np.float32)
        """Less than a frame."""
        self._at_s = 0.0
        """Of the speech, up to the frame that is looked at."""
        self._loudest = 0.0
        self._silent_s = 0.0
        """Length of the silence that goes on, blips in it included."""
        self._blip_s = 0.0
        """Length of the sound in it that may yet be a word."""
        self._held: list[Sound] = []
        self._spoken = False
        """Whether there was any sound: a silence before it is no end."""
        self.ended = False
        """Whether nothing that follows is said."""

    def feed(self, sound: Sound) -> Sound:
        """What of it may be said now (float32, shape [samples])."""
        if self.ended:
            return np.zeros(0, np.float32)
        sound = np.concatenate([self._rest, sound])
        whole = len(sound) // self._frame * self._frame
        self._rest = sound[whole:]
        said: list[Sound] = []
        for start in range(0, whole, self._frame):
            said += self._look(sound[start : start + self._frame])
        return self._bounded(said)

    def flush(self) -> Sound:
        """The rest, now that the model has ended by itself: silence and blips that were held back are dropped."""
        rest, self._rest = self._rest, np.zeros(0, np.float32)
        if self.ended or self._held:
            self.ended = True
            return np.zeros(0, np.float32)
        self.ended = True
        return self._bounded([rest])

    def _look(self, frame: Sound) -> list[Sound]:
        """Take one frame; what may be said now."""
        if self.ended:
            return []
        level = float(np.sqrt(np.mean(np.square(frame))))
        self._loudest = max(self._loudest, level)
        quiet = level < max(self._loudest * 10 ** (QUIET_DB / 20), 10 ** (SILENCE_DB / 20))
        self._at_s += FRAME_S
        if not quiet:
            return self._heard(frame)
        if not self._spoken:
            return [frame]
        self._silent_s += FRAME_S + self._blip_s
        self._blip_s = 0.0
        if self._at_s < WATCHED_SHARE * self._expected_s or self._silent_s < TRAIL_S:
            return [frame]
        self._held.append(frame)
        if self._silent_s > self._patience_s(self._at_s - self._silent_s):
            self.ended = True
        return []

    def _heard(self, frame: Sound) -> list[Sound]:
        """A frame with sound, perhaps after a silence."""
        self._spoken = True
        self._blip_s += FRAME_S
        suspect = self._silent_s >= GAP_S and self._at_s - self._silent_s - self._blip_s > self._expected_s
        if self._held and suspect and self._blip_s < BLIP_S:
            self._held.append(frame)
            return []
        said, self._held = [*self._held, frame], []
        self._silent_s = self._blip_s = 0.0
        return said

    def _patience_s(self, began_s: float) -> float:
        """How long a silence may be that began then."""
        points = [WATCHED_SHARE * self._expected_s, LATE_SHARE * self._expected_s + LATE_EXTRA_S]
        return float(np.interp(began_s, points, [self._pause_s, LATE_PAUSE_S]))

    def _bounded(self, said: list[Sound]) -> Sound:
        sound = np.concatenate([np.zeros(0, np.float32), *said])
        if len(sound) < self._left:
            self._left -= len(sound)
            return sound
        self.ended = True
        sound, self._left = sound[: self._left].copy(), 0
        fade = min(len(sound), round(FADE_S * self._rate_hz))
        sound[len(sound) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
        return sound


def _breaks(read: str) -> int:
    """Marks inside a text."""
    return sum(character in MARKS for character in read.strip().rstrip("".join(MARKS)))
