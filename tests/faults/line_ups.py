"""Every provider first in line, in the middle and last, as the router orders them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipeline.routing import Cloud
from pipeline.speech import Personality, VoiceChoice, VoiceConfig, VoiceMode
from tests.fakes.synthesizer import ScriptedSynthesizer

ENGINE_S = 0.3
"""What a healthy engine takes to its first sound."""

FLAGS: dict[str, dict[str, bool]] = {
    "piper": {},
    "xtts_v2": {"clones": True},
    "pocket_tts": {"clones": True},
    "acme": {},
    "google_tts": {"needs_network": True},
    "espeak_ng": {"last_resort": True},
}
"""The providers there are, and one that somebody else wrote."""


def stand_in(name: str, languages: tuple[str, ...] = ("en", "es")) -> ScriptedSynthesizer:
    """An engine that is what the router takes the real one for."""
    engine = ScriptedSynthesizer(name, languages)
    engine.flags = FLAGS[name]
    engine.first_chunk_s = ENGINE_S
    return engine


@dataclass(frozen=True)
class LineUp:
    """Three engines and a personality who has them asked in this order."""

    names: tuple[str, str, str]
    voice: VoiceConfig
    cloud: Cloud = Cloud.EMERGENCY

    @property
    def personality(self) -> Personality:
        return Personality("Robin", voice=self.voice)

    def engines(self) -> list[ScriptedSynthesizer]:
        return [stand_in(name) for name in self.names]


_OWN_CLONE = VoiceConfig("xtts_v2", VoiceMode.CUSTOM, sample="samples/1f2e.wav")
_PIPER, _CLOUD = VoiceConfig("piper"), VoiceConfig("google_tts")

LINE_UPS = {
    ("piper", 0): LineUp(("piper", "google_tts", "espeak_ng"), _PIPER),
    ("piper", 1): LineUp(("xtts_v2", "piper", "espeak_ng"), _OWN_CLONE),
    ("piper", 2): LineUp(("google_tts", "acme", "piper"), _CLOUD, Cloud.ALLOWED),
    ("xtts_v2", 0): LineUp(("xtts_v2", "piper", "espeak_ng"), _OWN_CLONE),
    ("xtts_v2", 1): LineUp(("piper", "xtts_v2", "espeak_ng"), _PIPER),
    ("xtts_v2", 2): LineUp(("piper", "acme", "xtts_v2"), _PIPER),
    ("pocket_tts", 0): LineUp(("pocket_tts", "piper", "espeak_ng"), replace(_OWN_CLONE, provider="pocket_tts")),
    ("pocket_tts", 1): LineUp(("xtts_v2", "pocket_tts", "piper"), _OWN_CLONE),
    ("pocket_tts", 2): LineUp(("piper", "acme", "pocket_tts"), _PIPER),
    ("acme", 0): LineUp(("acme", "piper", "espeak_ng"), VoiceConfig("acme")),
    ("acme", 1): LineUp(("piper", "acme", "google_tts"), _PIPER),
    ("acme", 2): LineUp(("google_tts", "piper", "acme"), _CLOUD, Cloud.ALLOWED),
    ("google_tts", 0): LineUp(("google_tts", "piper", "espeak_ng"), _CLOUD, Cloud.ALLOWED),
    ("google_tts", 1): LineUp(("piper", "google_tts", "espeak_ng"), _PIPER),
    ("google_tts", 2): LineUp(("piper", "acme", "google_tts"), _PIPER),
    ("espeak_ng", 0): LineUp(("espeak_ng", "piper", "google_tts"), VoiceConfig("espeak_ng")),
    ("espeak_ng", 1): LineUp(
        ("piper", "espeak_ng", "google_tts"), VoiceConfig("piper", fallback=VoiceChoice("espeak_ng"))
    ),
    ("espeak_ng", 2): LineUp(("piper", "google_tts", "espeak_ng"), _PIPER),
}
"""By provider and its place, 0 to 2."""
