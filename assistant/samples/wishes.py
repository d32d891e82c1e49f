"""How a personality's ``voice_config`` changes when it gets the voice of a sample, and when it loses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant.personalities.errors import PersonalityInvalid
from assistant.personalities.rows import Stored

CLONES = ("xtts_v2", "pocket_tts")
"""Engines that speak with the voice of a sample, and have none without one."""


def sample_of(stored: Stored) -> str:
    """The address that stands there, also where it is not a good one; "" for none."""
    voice = stored.raw.get("voice_config")
    address = voice.get("voice_sample_url") if isinstance(voice, Mapping) else None
    return address if isinstance(address, str) else ""


def with_sample(raw: Mapping[str, Any], new: Mapping[str, Any], engine: str) -> dict[str, Any]:
    """With the voice of a sample; the voice that it had speaks where the sample's cannot.

    ``engine`` is taken where the personality names none that clones.
    """
    voice = raw.get("voice_config") or {}
    if not isinstance(voice, Mapping):
        raise PersonalityInvalid(
            "voice_config: what stands there cannot be read.",
            remedy="Begin anew with: assistant personality set ID voice_config=null",
        )
    changed = {**voice, **new}
    if (provider := voice.get("provider", "piper")) not in CLONES:
        fallback = voice.get("fallback") or {}
        same = isinstance(fallback, Mapping) and fallback.get("provider", "piper") == provider
        if voice.get("voice_id") and same and not fallback.get("voice_id"):
            changed["fallback"] = {"provider": provider, "voice_id": voice["voice_id"]}
        changed["provider"] = engine
        changed.pop("voice_id", None)
    return {**raw, "voice_config": changed}


def without_sample(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Without it; the engine that can do nothing but clone gives way to the fallback."""
    voice = raw.get("voice_config")
    changed = dict(voice) if isinstance(voice, Mapping) else {}
    changed |= {"mode": "default", "voice_sample_url": None, "voice_sample_duration": None, "uploaded_at": None}
    fallback = changed.get("fallback")
    if changed.get("provider") in CLONES:
        instead = dict(fallback) if isinstance(fallback, Mapping) else {}
        if instead.get("provider", "piper") not in CLONES:
            changed |= {"provider": instead.get("provider", "piper"), "voice_id": instead.get("voice_id", "")}
    return {**raw, "voice_config": changed}
