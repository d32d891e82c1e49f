"""Names of Google's voices: which language one speaks, how its class is billed, and which one is taken unasked."""

from __future__ import annotations

import re

from pipeline.speech import primary_language

DEFAULT_VOICES = {
    "ar": "ar-XA-Standard-A",
    "ca": "ca-ES-Standard-A",
    "cs": "cs-CZ-Standard-A",
    "da": "da-DK-Standard-A",
    "de": "de-DE-Standard-A",
    "el": "el-GR-Standard-A",
    "en": "en-US-Standard-C",
    "es": "es-ES-Standard-A",
    "fi": "fi-FI-Standard-A",
    "fr": "fr-FR-Standard-A",
    "hi": "hi-IN-Standard-A",
    "hu": "hu-HU-Standard-A",
    "it": "it-IT-Standard-A",
    "ja": "ja-JP-Standard-A",
    "ko": "ko-KR-Standard-A",
    "nl": "nl-NL-Standard-A",
    "no": "nb-NO-Standard-A",
    "pl": "pl-PL-Standard-A",
    "pt": "pt-BR-Standard-A",
    "ro": "ro-RO-Standard-A",
    "ru": "ru-RU-Standard-A",
    "sv": "sv-SE-Standard-A",
    "tr": "tr-TR-Standard-A",
    "uk": "uk-UA-Standard-A",
    "zh": "cmn-CN-Standard-A",
}
"""A voice of the cheapest class by language (ISO 639-1); the service's list is at
cloud.google.com/text-to-speech/docs/list-voices-and-types."""

OTHER_CODES = {"nb": "no", "nn": "no", "cmn": "zh"}
"""ISO 639-1 codes of languages that Google names by another code."""

FREE_CHARACTERS = {
    "standard": 4_000_000,
    "wavenet": 1_000_000,
    "neural2": 1_000_000,
    "polyglot": 1_000_000,
    "chirp-hd": 1_000_000,
    "chirp3-hd": 1_000_000,
    "studio": 100_000,
}
"""What Google gives free of charge in a month, by class (cloud.google.com/text-to-speech/pricing; where that page has
said different things over the years, the smallest). Of classes that are not here, nothing is known to be free."""

OTHER = "other"
"""Class of a voice whose name tells none."""

_NAME = re.compile(r"(?P<locale>[a-z]{2,3}-[A-Za-z0-9]{2,4})-(?P<kind>[A-Za-z0-9]+(?:-HD)?)(?:-[A-Za-z0-9]+)*")


def language_of(name: str) -> str:
    """ISO 639-1 code of the language that a voice or a locale names: ``no`` of ``nb-NO-Standard-A``."""
    code = primary_language(name)
    return OTHER_CODES.get(code, code)


def is_voice(name: str) -> bool:
    """Whether it is a name as Google's voices have them: ``en-US-Neural2-A``, not ``en_US-ryan-medium``."""
    return _NAME.fullmatch(name) is not None


def locale_of(name: str) -> str:
    """Language and region of a voice's name: ``en-US``."""
    match = _NAME.fullmatch(name)
    return match["locale"] if match else ""


def class_of(name: str) -> str:
    """The class as it is billed, in lower case: ``standard`` of ``en-US-Standard-C``, ``chirp3-hd``, ``other``."""
    match = _NAME.fullmatch(name)
    return match["kind"].lower() if match and name.count("-") > 2 else OTHER
