"""What can be wrong with a voice sample.

AssistantError
└── SampleError             the store, the network, the decoder's program
    ├── SampleRefused       the recording cannot serve; ``reason`` says why in one word
    ├── SampleMissing       there is none, or its address is none of ours
    └── ConsentMissing      nobody said who agreed, and when
"""

from __future__ import annotations

from pipeline.errors import AssistantError


class SampleError(AssistantError):
    """A sample cannot be taken in, read or removed. The personality is as it was."""

    code = "sample"


class SampleRefused(SampleError):
    """This recording cannot be a sample."""

    code = "sample_refused"

    def __init__(self, message: str, *, reason: str, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.reason = reason
        """``unreadable``, ``too_large``, ``unknown``, ``codec``, ``damaged``, ``no_sound``, ``no_speech``,
        ``too_short``, ``too_long``: for programs and translations."""


class SampleMissing(SampleError):
    """There is no sample at that address."""

    code = "sample_missing"


class ConsentMissing(SampleError):
    """Nobody said who agreed to be cloned, and when."""

    code = "consent_missing"
