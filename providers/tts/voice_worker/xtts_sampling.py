"""A voice's settings as XTTS's model takes them."""

from __future__ import annotations

from typing import Any

from pipeline.speech import VoiceSettings

SLOWEST, FASTEST = 0.5, 2.0
"""Pace that the stretched latents still sound like speech with."""


def pace(settings: VoiceSettings) -> float:
    """Times the voice's own."""
    return _within(settings.speed, SLOWEST, FASTEST)


def sampling(settings: VoiceSettings) -> dict[str, Any]:
    """Arguments of the GPT's ``generate``; what it would refuse is set to the nearest that it takes.

    ``length_penalty`` arrives there too, though a stream has no beams that it could weigh.
    """
    return {
        "do_sample": True,
        "temperature": _within(settings.temperature, 0.05, 2.0),
        "top_k": round(_within(settings.top_k, 1, 1000)),
        "top_p": _within(settings.top_p, 0.01, 1.0),
        "repetition_penalty": _within(settings.repetition_penalty, 1.0, 20.0),
        "length_penalty": _within(settings.length_penalty, 0.0, 10.0),
    }


def _within(value: float, least: float, most: float) -> float:
    return float(min(most, max(least, value)))
