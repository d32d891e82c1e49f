"""What a recording says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.speech import NoSpeech, Transcript


@dataclass(frozen=True, slots=True)
class Heard:
    """One utterance in a recording."""

    result: Transcript | NoSpeech
    start_s: float
    """Where its first word begins, seconds."""
    end_s: float
    """Where its last word ends, seconds."""

    @property
    def text(self) -> str:
        """Its words; "" where there were none."""
        return self.result.text if isinstance(self.result, Transcript) else ""

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        place = {"start_s": round(self.start_s, 3), "end_s": round(self.end_s, 3)}
        if isinstance(self.result, Transcript):
            return {"text": self.result.text, "confidence": round(self.result.confidence, 3), **place}
        return {"no_speech": str(self.result.reason), **place}


@dataclass(frozen=True, slots=True)
class Transcription:
    """What a recording says."""

    heard: tuple[Heard, ...]
    """One for each utterance found in it."""
    duration_s: float | None = None
    """Length of the recording, seconds, where it is known."""

    @property
    def text(self) -> str:
        """All words; "" where there were none."""
        return " ".join(one.text for one in self.heard if one.text)

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        first = next((one.result for one in self.heard if isinstance(one.result, Transcript)), None)
        return {
            "text": self.text,
            "language": first.language if first else None,
            "provider": self.heard[0].result.provider if self.heard else None,
            "compute_ms": round(sum(one.result.compute_ms for one in self.heard), 1),
            "utterances": [one.as_dict() for one in self.heard],
            **({} if self.duration_s is None else {"duration_s": round(self.duration_s, 3)}),
        }
