"""Makes the recordings that say sorry when no voice can speak: ``python models/training/make_apologies.py [FOLDER]``.

The sentences are the defaults of ``conversation.apologies``. English is said by the bundled kiosk voice through Piper,
Spanish by eSpeak NG, both as the assistant itself would say them; then silence is cut off and the level set. Needs what
the assistant needs and nothing else. The same versions give the same files.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import aclosing
from pathlib import Path

import numpy as np
import soundfile
import soxr

from assistant.models.store import ModelStore
from assistant.settings import ConversationSection
from pipeline.audio import AudioChunk, joined, leading_silence_s
from pipeline.protocols import Synthesizer
from pipeline.speakable import speakable
from pipeline.speech import Voice
from providers.registry import Resources
from providers.tts import espeak, piper

PROJECT = Path(__file__).resolve().parents[2]
RATE_HZ = 16_000
LEVEL_DB = -20.0
"""Root mean square of the whole, dB relative to full scale: as loud as the voices are at other times."""
PEAK = 0.9
MARGIN_S = 0.05
"""Silence that is left at either end."""
STEP = 8
"""Samples are multiples of it: 13 bits, whose noise lies 60 dB below the voice, make the files a third smaller."""


async def said(engine: Synthesizer, text: str, language: str) -> AudioChunk:
    """A text in the engine's best voice for the language."""
    async with engine:
        voice = Voice(engine.voice_for(language) or "", language)
        async with aclosing(engine.synthesize(text, voice)) as chunks:
            return joined([chunk async for chunk in chunks])


def finished(sound: AudioChunk) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """int16, shape [samples], at ``RATE_HZ``: without silence around it, at ``LEVEL_DB``."""
    backwards = AudioChunk(sound.pcm[::-1], sound.rate_hz)
    first_s = leading_silence_s(sound) - MARGIN_S
    last_s = sound.duration_s - leading_silence_s(backwards) + MARGIN_S
    samples = soxr.resample(sound.until(last_s).since(first_s).as_float(), sound.rate_hz, RATE_HZ, "VHQ")
    gain = 10 ** (LEVEL_DB / 20) / np.sqrt(np.mean(samples**2))
    loudest = np.abs(samples).max() * gain
    samples = samples * gain * min(1.0, PEAK / loudest)
    return (np.round(samples * 32767 / STEP) * STEP).astype(np.int16)


async def main() -> None:
    """Write one file for each language."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=PROJECT / "assistant" / "clips")
    folder = parser.parse_args().folder
    resources = Resources(ModelStore(PROJECT / "models"), PROJECT)
    voice = piper.LAST_VOICE
    engines: dict[str, Synthesizer] = {
        "en": piper.create(piper.Settings(voice=voice), resources),
        "es": espeak.create(espeak.Settings(words_per_minute=150), resources),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for language, text in ConversationSection().apologies.items():
        samples = finished(await said(engines[language], speakable(text, language), language))
        path = folder / f"apology.{language}.flac"
        soundfile.write(path, samples, RATE_HZ, subtype="PCM_16", compression_level=1.0)
        print(f"{path.name}: {len(samples) / RATE_HZ:.2f} s, {path.stat().st_size} bytes: {text}")


if __name__ == "__main__":
    asyncio.run(main())
