"""How well a recording will serve as a sample: measures, a verdict on each, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from assistant.samples.decoding import Recording
from assistant.samples.trimming import Speech
from pipeline.audio import AudioChunk


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
    return Quality(())
