"""What ``benchmarks.echo`` counts in a microphone's sound: what the assistant would take for a customer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.plain_models import resources
from pipeline.audio import FRAME_SAMPLES, LISTENING_RATE_HZ, AudioChunk
from pipeline.hearing import Hearing
from pipeline.segmenter import SegmenterSettings, SpeechEnded
from pipeline.speech import Transcript
from pipeline.utterance_taker import UtteranceTaker
from providers.registry import create, settings_type

INTERRUPTS_S = 0.5
"""Speech that is shorter interrupts nobody."""

ANSWERS = (
    "We are open from eight in the morning until nine in the evening, and on Sunday from ten until six.",
    "The olive oil is in aisle four, next to the tomato sauce, on the second shelf from the top.",
    "The coffee costs four dollars and ninety nine cents, and today there are two for the price of one.",
    "You can park behind the store, and the first two hours are free when you show your receipt.",
    "Fresh bread comes every day at seven, and the bakery closes half an hour before the store does.",
)
"""What the assistant says, over and over."""

QUESTIONS = (
    ("What time do you close on Sunday?", "en-us"), ("Where is the olive oil?", "en-us+f4"),
    ("How much is the coffee?", "en+m3"), ("Where can I park?", "en-us+m6"),
    ("Where are the tomatoes?", "en-us"), ("Do you sell flowers?", "en-us+f4"),
    ("Where is the bakery?", "en+m3"), ("Do you have batteries?", "en-us+m6"),
)  # fmt: skip
"""What customers say meanwhile, and in which of eSpeak NG's voices."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Speech that was found."""

    start_s: float
    end_s: float
    speech_s: float
    text: str


def chunked(pcm: np.ndarray) -> list[AudioChunk]:
    """int16 samples at 16 kHz as chunks; what is left over is dropped."""
    return [
        AudioChunk(pcm[at : at + FRAME_SAMPLES], LISTENING_RATE_HZ, at / LISTENING_RATE_HZ)
        for at in range(0, len(pcm) - FRAME_SAMPLES + 1, FRAME_SAMPLES)
    ]


def reduction_db(raw: np.ndarray, clean: np.ndarray) -> float:
    """How much softer ``clean`` is than ``raw`` where that is not silent; both int16 of one length, in step."""
    loud = np.abs(raw.astype(np.float64)) > 0
    power = [float(np.mean(np.square(sound.astype(np.float64)[loud]))) for sound in (raw, clean)]
    return 10 * float(np.log10(power[0] / max(power[1], 1e-6)))


async def wake_words(chunks: list[AudioChunk]) -> int:
    """How often a wake word is heard, of the bundled three."""
    settings = settings_type("wake_word", "openwakeword")
    words = settings.model_validate({"words": ["hey_jarvis", "alexa", "hey_mycroft"]})
    hits = 0
    async with (
        create("vad", "silero", settings_type("vad", "silero")(), resources()) as vad,
        create("wake_word", "openwakeword", words, resources()) as detector,
    ):
        hearing = Hearing(vad, detector)
        for chunk in chunks:
            hits += (await hearing.hear(chunk)).hit is not None
    return hits


async def speech(chunks: list[AudioChunk], end_silence_s: float = 0.5) -> list[Heard]:
    """The stretches of at least ``INTERRUPTS_S`` of speech, and the words in them."""
    settings = SegmenterSettings(end_silence_s=end_silence_s, no_speech_timeout_s=1e6)
    whisper = settings_type("stt", "faster_whisper").model_validate({"model": "whisper-kiosk-en"})
    found: list[Heard] = []
    async with (
        create("vad", "silero", settings_type("vad", "silero")(), resources()) as vad,
        create("wake_word", "openwakeword", settings_type("wake_word", "openwakeword")(), resources()) as detector,
        create("stt", "faster_whisper", whisper, resources()) as transcriber,
    ):
        hearing, taker = Hearing(vad, detector), UtteranceTaker(settings)
        for number, chunk in enumerate(chunks):
            step = await taker.push(chunk, (await hearing.hear(chunk, attentive=True)).frame)
            if number == len(chunks) - 1 and not isinstance(step, SpeechEnded):
                step = taker.flush()
            if not isinstance(step, SpeechEnded):
                continue
            if step.speech_s >= INTERRUPTS_S:
                heard = await transcriber.transcribe(taker.cut(step))
                text = heard.text if isinstance(heard, Transcript) else ""
                found.append(Heard(step.start_s, step.end_s, step.speech_s, text))
            taker = UtteranceTaker(settings)
    return found


def said(text: str) -> str:
    """What two transcripts of the same words have in common."""
    return " ".join(text.lower().replace("?", "").replace(".", "").replace(",", "").split())
