"""How much of its 30 seconds a Whisper model is shown. Encoding all of it is most of what an utterance costs."""

from __future__ import annotations

from dataclasses import dataclass

from providers.stt.model_choice import STAND_IN

STEP_FRAMES = 50
"""Windows are multiples of it, so that few sizes ever occur. A frame is 10 ms; a model takes an even number."""


@dataclass(frozen=True, slots=True)
class Window:
    """What to encode of an utterance that is shorter than the whole window."""

    margin_frames: int
    """Empty frames that follow the utterance."""

    least_frames: int
    """Shortest window, however short the utterance is."""

    most_frames: int
    """What needs a longer one gets the whole window."""

    sure_log_probability: float
    """Words whose mean log-probability is below it are looked for in the whole window."""

    practised: bool
    """Whether the model was trained on windows such as these: then what it calls noise is noise."""

    def frames(self, content_frames: int) -> int | None:
        """Length of the window for an utterance of ``content_frames``; None is the whole window."""
        wanted = max(self.least_frames, content_frames + self.margin_frames)
        stepped = -(-wanted // STEP_FRAMES) * STEP_FRAMES
        return stepped if stepped <= self.most_frames else None


STAND_IN_WINDOW = Window(
    margin_frames=0, least_frames=300, most_frames=1000, sure_log_probability=-0.05, practised=True
)
"""As ``whisper-kiosk-en`` was trained: utterances alone, of 10 seconds at most; lone words need 3 seconds of room. In
quiet it is surer than that of 19 sentences in 20; what it hears wrong in short windows only, it is less sure of."""

ACFT_WINDOW = Window(margin_frames=128, least_frames=350, most_frames=2900, sure_log_probability=-0.5, practised=True)
"""For models that were fine-tuned for it by FUTO's method, whose names say ``acft``: its author adds 64 positions (128
frames), and had no training example below 3.2 seconds (futo-org/whisper-acft#6, ggml-org/whisper.cpp#1951)."""

PLAIN_WINDOW = Window(margin_frames=256, least_frames=500, most_frames=2500, sure_log_probability=-0.5, practised=False)
"""For models that know the whole window only: 128 positions (256 frames) more than the utterance kept the words of
base.en on Common Voice (ggml-org/whisper.cpp#1855). The least is for caution: the shortest windows loop most."""

STAND_IN_SURE = 0.97
"""Confidence from which ``whisper-kiosk-en`` heard what it writes. Below it may have completed what breaks off, for it
knows whole sentences only ("where is the" becomes "where is the honey?")."""


def sure_of(model: str, confidence: float) -> bool | None:
    """Whether a model of this name heard all that it writes; None for those that seldom invent an end."""
    return confidence >= STAND_IN_SURE if model == STAND_IN else None


def window_of(model: str) -> Window:
    """The window for a model of this name."""
    if model == STAND_IN:
        return STAND_IN_WINDOW
    return ACFT_WINDOW if "acft" in model.casefold() else PLAIN_WINDOW
