"""Cuts off what lies before and after the speech of a recording, and sees to it that the right length is left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.samples.errors import SampleRefused
from pipeline.audio import FRAME_S, AudioChunk

SHORTEST_S, LONGEST_S = 6.0, 30.0
"""What engines that clone can use: XTTS v2 takes its voice from up to 30 s, and below 6 s the likeness suffers."""

SPEECH = 0.5
"""Probability from which a frame is speech; Silero's own threshold."""

LEAST_RUN = 4
"""Frames of speech in a row (0.13 s) with which speech may begin or end: a click or a chair is shorter."""

REACH_S = 0.35
"""How far beyond what the detector calls speech a sound may belong to it: a soft onset, a final s."""

MARGIN_S = 0.08
"""What is kept before and after, so that nothing is bitten off."""

ABOVE_NOISE_DB = 6.0
"""What is this much louder than the recording's quiet frames belongs to speech beside it."""

LEAST_SPEECH_S = 0.5
"""Less speech than this in the whole recording is none."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Where in a recording somebody speaks."""

    frames: NDArray[np.float32]
    """Probability of speech for each ``FRAME_S``, float32, shape [frames]."""

    @property
    def spoken(self) -> NDArray[np.bool_]:
        """Which frames are speech, bool, shape [frames]."""
        spoken: NDArray[np.bool_] = self.frames >= SPEECH
        return spoken

    @property
    def spoken_s(self) -> float:
        """Seconds of speech."""
        return float(self.spoken.sum()) * FRAME_S

    def part(self, start_s: float, end_s: float) -> Speech:
        """Of a stretch of it."""
        return Speech(self.frames[round(start_s / FRAME_S) : round(end_s / FRAME_S)])


def trimmed(audio: AudioChunk, speech: Speech) -> AudioChunk:
    """From the first speech to the last one. Raises ``SampleRefused`` where nobody speaks."""
    runs = [(first, last) for first, last in _runs(speech.spoken) if last - first >= LEAST_RUN]
    if sum(last - first for first, last in runs) * FRAME_S < LEAST_SPEECH_S:
        raise SampleRefused(
            "Nobody can be heard speaking in the recording.",
            reason="no_speech",
            remedy="Record 10 to 20 seconds of clear speech, near the microphone.",
        )
    levels_db = levels(audio, len(speech.frames))
    floor_db = float(np.percentile(levels_db, 10))
    loud = levels_db > floor_db + ABOVE_NOISE_DB
    first, last = runs[0][0], runs[-1][1]
    reach = round(REACH_S / FRAME_S)
    while first > max(0, runs[0][0] - reach) and loud[first - 1]:
        first -= 1
    while last < min(len(loud), runs[-1][1] + reach) and loud[last]:
        last += 1
    start_s = max(0.0, first * FRAME_S - MARGIN_S)
    return audio.since(start_s).until(last * FRAME_S + MARGIN_S)


def check_length(audio: AudioChunk, *, longer: bool) -> None:
    """Raises ``SampleRefused`` with the measured length. ``longer``: the recording goes on after what was decoded."""
    length_s = audio.duration_s
    limits = f"{SHORTEST_S:g} to {LONGEST_S:g} are needed"
    if longer and length_s > LONGEST_S:
        raise SampleRefused(
            f"The recording has more than {length_s:.0f} s of speech with pauses; {limits}.",
            reason="too_long",
            remedy="Cut the best 10 to 20 seconds out of it.",
        )
    told = f"The recording has {_rounded(length_s)} s of speech with pauses after trimming; {limits}."
    if length_s < SHORTEST_S:
        raise SampleRefused(told, reason="too_short", remedy="Record more: a few sentences, 10 to 20 seconds.")
    if length_s > LONGEST_S:
        raise SampleRefused(told, reason="too_long", remedy="Cut the best 10 to 20 seconds out of it.")


def _rounded(length_s: float) -> str:
    """To a tenth of a second, but never to a length that would be taken."""
    tenths = int(length_s * 10) if length_s < SHORTEST_S else -int(-length_s * 10 // 1)
    return f"{tenths / 10:.1f}"


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and one past the last frame of each stretch that is set."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def levels(audio: AudioChunk, frames: int) -> NDArray[np.float64]:
    """Level of each frame in dB relative to full scale, shape [frames]; quieter than -90 counts as -90."""
    length = round(FRAME_S * audio.rate_hz)
    padded = np.zeros(frames * length)
    samples = audio.as_float()[: len(padded)]
    padded[: len(samples)] = samples
    power = np.square(padded.reshape(frames, length)).mean(axis=1)
    levels_db: NDArray[np.float64] = 10 * np.log10(np.maximum(power, 1e-9))
    return levels_db
