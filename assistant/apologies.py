"""Recordings that say sorry when no voice can speak."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from pipeline.audio import AudioChunk, leading_silence_s
from pipeline.errors import AudioFileError
from pipeline.speech import primary_language
from providers.audio.sound_file import read_wav

log = logging.getLogger(__name__)

CLIPS = Path(__file__).with_name("clips")
"""The program's own: ``apology.LANGUAGE.flac``, made by ``models/training/make_apologies.py``."""

LONGEST_S = 30.0
"""Audio seconds that a recording may last: they stay in memory, and a customer waits for their end."""


def recorded_apologies(own: Mapping[str, Path], folder: Path) -> dict[str, AudioChunk]:
    """One for each language (ISO 639-1): the shop's own files (relative to ``folder``), else the program's.

    A file that cannot be used is warned of and left out: what is there for a bad day must not keep the daemon from
    starting on a good one.
    """
    files = [(clip.suffixes[0][1:], clip) for clip in sorted(CLIPS.glob("apology.*.flac"))]
    files += [(primary_language(language), folder / path) for language, path in own.items()]
    found: dict[str, AudioChunk] = {}
    for language, file in files:
        try:
            found[language] = _audible(file)
        except (AudioFileError, OSError) as error:
            instead = "the program's own is played" if language in found else "there is none for this language"
            log.warning("The recorded apology for %r cannot be used, %s: %s", language, instead, error)
    return found


def _audible(file: Path) -> AudioChunk:
    """A recording from its first sound on. Raises ``AudioFileError``."""
    sound = read_wav(file, max_s=LONGEST_S)
    quiet_s = leading_silence_s(sound)
    if quiet_s == sound.duration_s:
        raise AudioFileError(f"{file} is silent: nothing of it would be heard.", remedy="Record it louder.")
    return sound.since(quiet_s - 0.05)
