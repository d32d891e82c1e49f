"""Documents of older versions in today's form. Nothing is judged here: what is wrong stays wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant.personalities.voice_document import VoiceDocument, VoiceSettingsDocument

FORMER_ENGINES = {
    "xtts": "xtts_v2",
    "coqui": "xtts_v2",
    "google": "google_tts",
    "google_cloud": "google_tts",
    "espeak": "espeak_ng",
    "pocket": "pocket_tts",
}
"""What engines were called before."""

FORMER_MODES = {"cloned": "custom", "clone": "custom", "preset": "default"}
"""What modes were called before."""

SECTIONS = ("settings", "fallback", "stats")


def upgrade_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """A personality: keys whose value is ``null`` mean the default, and its ``voice_config`` is upgraded."""
    new = {key: value for key, value in document.items() if value is not None}
    voice = new.get("voice_config")
    if isinstance(voice, Mapping):
        new["voice_config"] = upgrade_voice(voice)
    return new


def upgrade_voice(voice: Mapping[str, Any]) -> dict[str, Any]:
    """A ``voice_config``: former names of engines and modes, ``null``, and settings that stood beside ``settings``."""
    new = {key: value for key, value in voice.items() if value is not None}
    for section in SECTIONS:
        if isinstance(new.get(section), Mapping):
            new[section] = {key: value for key, value in new[section].items() if value is not None}
    flat = [key for key in new if key in VoiceSettingsDocument.model_fields and key not in VoiceDocument.model_fields]
    if flat and isinstance(new.get("settings", {}), Mapping):
        new["settings"] = {key: new.pop(key) for key in flat} | new.get("settings", {})
    _rename(new, "mode", FORMER_MODES)
    _rename(new, "provider", FORMER_ENGINES)
    fallback = new.get("fallback")
    if isinstance(fallback, str):  # it was the engine's name alone
        fallback = new["fallback"] = {"provider": fallback}
    if isinstance(fallback, dict):
        _rename(fallback, "provider", FORMER_ENGINES)
    return new


def _rename(document: dict[str, Any], key: str, former: Mapping[str, str]) -> None:
    value = document.get(key)
    if isinstance(value, str) and len(value) < 40:
        plain = value.strip().lower().replace("-", "_").replace(" ", "_")
        document[key] = former.get(plain, plain)
