"""Whose recordings a document may name: who agreed to be cloned agreed to it for one personality of one shop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant.personalities.errors import PersonalityInvalid
from assistant.samples.address import own_address


def check_recording(document: Mapping[str, Any], store: str, tenant: str, personality: str = "") -> None:
    """Raises ``PersonalityInvalid`` where a document names a recording that was taken in for somebody else.

    ``store`` is the name of the folder of all recordings, ``personality`` the id of the one that the document is for,
    "" for a new one.
    """
    voice = document.get("voice_config")
    address = voice.get("voice_sample_url") if isinstance(voice, Mapping) else None
    own = own_address(address, store) if isinstance(address, str) else None
    if own is not None and (own.tenant, own.personality) != (tenant, personality):
        raise PersonalityInvalid(
            "voice_config.voice_sample_url: was taken in for another personality.",
            remedy="Upload the recording for this one.",
        )
