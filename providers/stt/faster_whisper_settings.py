"""What can be set about listening by Whisper."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from providers.settings import ProviderSettings
from providers.stt import hardware
from providers.stt.doubt import Thresholds


class Settings(ProviderSettings):
    """How to listen."""

    model: str = "auto"
    """``auto`` (the best present one that this machine can carry), a name such as ``base.en``, or a folder, relative to
    ``config.yaml``, written with a ``/``."""
    device: hardware.Device = "auto"
    """``cpu``, ``cuda``, or ``auto``: a GPU where one proves that it works."""
    compute_type: str = "auto"
    """Type of the weights as ctranslate2 names it; ``auto`` is ``int8`` on a CPU and ``float16`` on a GPU."""
    threads: int = Field(1, ge=1, le=64)
    """Processor threads. More than one pays only where cores are idle."""
    language: str = Field("auto", pattern="^(auto|[a-z]{2,3})$")
    """ISO 639-1 code of what is spoken; ``auto`` lets a model of many languages find out."""
    languages: tuple[str, ...] = ("en", "es")
    """What ``auto`` may find, ISO 639-1 codes. Short questions are easily taken for a related language, so list what
    your customers speak; empty allows all."""
    beam_size: int = Field(1, ge=1, le=10)
    """Readings followed at the same time. 1 is fastest; 5 makes a few errors less and takes about twice as long."""
    hotwords: str = Field("", max_length=300)
    """Words to expect, such as names of products; 300 characters at most."""
    initial_prompt: str = Field("", max_length=300)
    """Text that is taken to have been said before; sets style and spelling. 300 characters at most."""
    window: Literal["adaptive", "full"] = "adaptive"
    """How much a model looks at. ``full`` is the 30 seconds that published models were trained on; ``adaptive`` is the
    utterance and a margin, many times cheaper on a CPU, and the 30 seconds only where the result is in doubt."""
    time_limit_s: float = Field(20.0, ge=1, le=300)
    """Seconds after which an utterance counts as failed."""
    least_speech_s: float = Field(0.1, ge=0, le=2)
    """Utterances with less speech than that are not decoded. 0 decodes all."""
    no_speech_probability: float = Field(0.6, ge=0, le=1)
    """Above it words count as noise unless they are sure. 1 never doubts."""
    sure_log_probability: float = Field(-0.5, ge=-10, le=0)
    """Words whose mean log-probability is above it are sure."""
    log_probability: float = Field(-1.0, ge=-10, le=0)
    """Words whose mean log-probability is below it are not believed. -10 believes anything."""
    compression_ratio: float = Field(2.4, ge=1, le=10)
    """Text that compresses better is taken for a loop. 10 never doubts."""
    characters_per_s: float = Field(30.0, ge=5, le=1000)
    """More text than that per second of speech cannot have been said. 1000 never doubts."""
    speech_share: float = Field(0.1, ge=0, le=1)
    """Least share of an utterance that voice activity must have called speech. 0 never doubts."""

    @property
    def expected_languages(self) -> tuple[str, ...]:
        """What may be spoken; empty means anything."""
        return self.languages if self.language == "auto" else (self.language,)

    @property
    def thresholds(self) -> Thresholds:
        """From where on to doubt."""
        return Thresholds(
            no_speech_probability=self.no_speech_probability,
            sure_log_probability=self.sure_log_probability,
            log_probability=self.log_probability,
            compression_ratio=self.compression_ratio,
            characters_per_s=self.characters_per_s,
            speech_share=self.speech_share,
        )
