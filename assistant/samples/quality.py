"""How well a recording will serve as a sample: measures, a verdict on each, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from assistant.samples.decoding import Recording
from assistant.samples.echo import fading_s
from assistant.samples.speakers import unlikeness
from assistant.samples.trimming import Speech, levels
from pipeline.audio import SILENCE_DB, AudioChunk

FAINT_DB, LOW_DB = -42.0, -34.0
"""Level of the speech itself, dB relative to full scale: what is below comes with a sound card's own noise."""

CLIPPED, CLIPPED_BADLY = 0.0005, 0.004
"""Share of samples at the limit. Speech that is only loud has 0.0001, with a few moments cut off 0.001."""

NOISY_DB, QUIET_DB = 15.0, 25.0
"""Speech over background."""

QUIETEST_DB = 60.0
"""More is digital silence, or a gate, and means nothing."""

MUCH_PAUSE, SOME_PAUSE = 0.4, 0.6
"""Share of frames with speech; a person who reads aloud has 0.75 to 0.9."""

PERHAPS_TWO, PROBABLY_TWO = 0.6, 0.8
"""Of ``unlikeness``. One voice: 2 % of 136 recordings reach the first, 1 % the second; two voices: 86 and 70 % of 139
(five people, eleven synthetic voices, 12 s)."""

SOME_ECHO_S, MUCH_ECHO_S = 0.23, 0.28
"""Of ``fading_s``: rooms of about 0.3 and 0.4 s reverberation time, heard from as far as the echo is loud."""

ECHO_OVER_NOISE_DB = 20.0
"""With more noise than that, what fades is lost in it and the echo cannot be told."""

SILENT = 0.15
"""Probability of speech below which a frame is background."""

BESIDE = 6
"""Frames (0.2 s) beside speech that are left out: the echo is not the background."""

LEAST_QUIET = 8
"""Frames of background (0.26 s) that are needed to measure it; else the quietest ``QUIETEST_SHARE`` percent count."""

QUIETEST_SHARE = 5


class Verdict(StrEnum):
    """How good something is."""

    GOOD = "good"
    """Nothing to do."""
    FAIR = "fair"
    """It will do; better is possible."""
    POOR = "poor"
    """The voice will suffer: record again."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One measure of a recording."""

    name: str
    """``level``, ``clipping``, ``noise``, ``speech``, ``speakers``, ``echo``."""
    value: float
    """The measure itself, in ``unit``."""
    unit: str
    verdict: Verdict
    advice: str
    """One sentence for whoever recorded it."""


@dataclass(frozen=True, slots=True)
class Quality:
    """All of them."""

    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst one."""
        order = list(Verdict)
        return max((finding.verdict for finding in self.findings), key=order.index, default=Verdict.GOOD)


def judged(recording: Recording, sample: AudioChunk, speech: Speech) -> Quality:
    """How good a recording is; ``sample`` is what remains after trimming, ``speech`` that of the whole recording."""
    inside = speech.part(sample.start_s, sample.end_s)
    whole_db, sample_db = levels(recording.audio, len(speech.frames)), levels(sample, len(inside.frames))
    spoken = inside.spoken
    level_db = _mean_db(sample_db[spoken]) if spoken.any() else SILENCE_DB
    over_noise_db = level_db - _noise_db(whole_db, speech)
    found = [
        _level(level_db),
        _clipping(recording.clipped),
        _noise(over_noise_db),
        _share(float(spoken.mean()) if len(spoken) else 0.0),
        _speakers(unlikeness(sample, inside)),
        _echo(fading_s(sample.as_float()), over_noise_db),
    ]
    if recording.damaged:
        advice = "Parts of the file cannot be decoded and are missing: export or copy it again."
        found.append(Finding("file", 1.0, "", Verdict.POOR, advice))
    return Quality(tuple(found))


def _level(level_db: float) -> Finding:
    verdict = _rising(level_db, FAINT_DB, LOW_DB)
    advice = "The recording is loud enough."
    if verdict is not Verdict.GOOD:
        advice = f"The voice is {'very ' if verdict is Verdict.POOR else ''}quiet: go nearer to the microphone."
    return Finding("level", round(level_db, 1), "dB", verdict, advice)


def _clipping(share: float) -> Finding:
    verdict = _falling(share, CLIPPED, CLIPPED_BADLY)
    advice = {
        Verdict.GOOD: "Nothing is distorted.",
        Verdict.FAIR: "The loudest moments may be cut off: turn the microphone down a little.",
        Verdict.POOR: "The recording is distorted by being too loud: turn the microphone down and record again.",
    }[verdict]
    return Finding("clipping", round(100 * share, 3), "%", verdict, advice)


def _noise(ratio_db: float) -> Finding:
    ratio_db = min(ratio_db, QUIETEST_DB)
    verdict = _rising(ratio_db, NOISY_DB, QUIET_DB)
    advice = {
        Verdict.GOOD: "The background is quiet.",
        Verdict.FAIR: "Some noise can be heard behind the voice: choose a quieter room or go nearer to the microphone.",
        Verdict.POOR: "The noise behind the voice would be cloned with it: record again in a quiet room.",
    }[verdict]
    return Finding("noise", round(ratio_db, 1), "dB", verdict, advice)


def _share(share: float) -> Finding:
    verdict = _rising(share, MUCH_PAUSE, SOME_PAUSE)
    advice = {
        Verdict.GOOD: "The person speaks most of the time.",
        Verdict.FAIR: "There are long pauses: speak on without them, or cut them out.",
        Verdict.POOR: "Most of it is no speech (pauses, music or noise): record somebody who speaks on.",
    }[verdict]
    return Finding("speech", round(100 * share, 0), "%", verdict, advice)


def _speakers(apart: float) -> Finding:
    verdict = _falling(apart, PERHAPS_TWO, PROBABLY_TWO)
    advice = {
        Verdict.GOOD: "It sounds like one person.",
        Verdict.FAIR: "The voice changes in the course of it: make sure that only one person speaks, and in one tone.",
        Verdict.POOR: "Probably more than one person speaks: cut out everybody but one.",
    }[verdict]
    return Finding("speakers", round(apart, 2), "", verdict, advice)


def _echo(fading: float | None, over_noise_db: float) -> Finding:
    if fading is None or over_noise_db < ECHO_OVER_NOISE_DB:
        return Finding("echo", 0.0, "s", Verdict.GOOD, "Whether the room echoes cannot be told from this recording.")
    verdict = _falling(fading, SOME_ECHO_S, MUCH_ECHO_S)
    if verdict is Verdict.POOR and over_noise_db < QUIET_DB:
        verdict = Verdict.FAIR  # the noise may have its share in it
    advice = {
        Verdict.GOOD: "The room does not echo.",
        Verdict.FAIR: "The room can be heard: curtains, a carpet or a wardrobe full of clothes swallow it.",
        Verdict.POOR: "The room echoes, and its echo would be cloned: record near the microphone in a furnished room.",
    }[verdict]
    return Finding("echo", round(fading, 2), "s", verdict, advice)


def _rising(value: float, poor_below: float, fair_below: float) -> Verdict:
    """Of a measure that should be high."""
    return Verdict.POOR if value < poor_below else Verdict.FAIR if value < fair_below else Verdict.GOOD


def _falling(value: float, fair_from: float, poor_from: float) -> Verdict:
    """Of a measure that should be low."""
    return Verdict.POOR if value >= poor_from else Verdict.FAIR if value >= fair_from else Verdict.GOOD


def _noise_db(levels_db: NDArray[np.float64], speech: Speech) -> float:
    """The background, heard where nobody has spoken for a moment; else, the quietest moments."""
    near = np.convolve(speech.frames >= SILENT, np.ones(2 * BESIDE + 1), "same") > 0
    quiet = levels_db[~near]
    return _mean_db(quiet) if len(quiet) >= LEAST_QUIET else float(np.percentile(levels_db, QUIETEST_SHARE))


def _mean_db(levels_db: NDArray[np.float64]) -> float:
    return float(10 * np.log10(np.mean(10 ** (levels_db / 10))))
