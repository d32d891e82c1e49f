"""A whole conversation without any device: a synthetic customer speaks into the very same path as in the shop."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import soundfile

from assistant.app import App, Ends
from assistant.output import print_line
from pipeline.audio import AudioChunk, joined, silence
from pipeline.errors import ProviderError, SettingsError
from pipeline.events import EventRecord, Interrupted, NoSpeechHeard, ReplyText, Speaking, TranscriptReady, TurnEnd
from pipeline.events import WakeWord as WakeWordHeard
from pipeline.protocols import Synthesizer
from pipeline.speech import Voice

QUESTIONS = ("what time do you close", "where can I find the olive oil", "how much is the coffee")
"""What the customer of ``assistant demo`` says."""

PAUSE_S = 0.3
"""Between wake word and question."""

PATIENCE_S = 40.0
"""Silence after a question. Longer than any answer takes, since a wake word would interrupt it; it costs no time:
files pass as fast as the machine can."""


async def show(app: App, say: str | None, output: Path, *, tell: bool) -> None:
    """Hold a conversation of one question (``say``) or of three, and write the replies to ``output``.

    ``tell`` prints the conversation for people. Raises ``ProviderError`` when an answer is missing.
    """
    if say is not None and not say.strip():
        raise SettingsError("There is nothing to say.", remedy='Example: assistant demo --say "what time do you close"')
    questions = [say] if say is not None else list(QUESTIONS)
    answered: list[str] = []
    app.feed.subscribe(lambda record: _count_answers(record, answered))
    if tell:
        print_line("A conversation without devices; every stage is the real one. One moment, models are loading …")
        app.feed.subscribe(_tell)
    with tempfile.TemporaryDirectory() as folder:
        customer = Path(folder) / "customer.wav"
        await _record_customer(app, questions, customer)
        await app.run(Ends(input=customer, output=output, fast=True))
    if tell:
        print_line(f"\n{len(answered)} of {len(questions)} questions answered. Listen to the replies: {output}")
    if len(answered) < len(questions):
        raise ProviderError(
            f"{len(questions) - len(answered)} of {len(questions)} questions got no spoken answer.",
            remedy="Run `assistant check`, and look at the event lines (--events -).",
        )


async def _record_customer(app: App, questions: Sequence[str], path: Path) -> None:
    """Wake word and question after question, as sound."""
    chunks: list[AudioChunk] = []
    async with app.synthesizers(plainest=True) as (voice,):  # not the assistant's, so that two voices are heard
        rate_hz = 0
        for question in questions:
            for text, pause_s in ((app.wake_phrase(), PAUSE_S), (question, PATIENCE_S)):
                spoken = await _spoken(voice, text)
                rate_hz = spoken.rate_hz
                chunks += [spoken, silence(pause_s, rate_hz)]
    audio = joined([silence(1.0, rate_hz), *chunks])
    soundfile.write(path, audio.pcm, audio.rate_hz)


async def _spoken(voice: Synthesizer, text: str) -> AudioChunk:
    async with aclosing(voice.synthesize(text, Voice(voice.voice_for("en") or "", "en"))) as chunks:
        heard = [chunk async for chunk in chunks]
    if not heard:
        raise SettingsError(f"The customer cannot say {text!r}: it holds no words.")
    return joined(heard)


def _count_answers(record: EventRecord, answered: list[str]) -> None:
    event = record.event
    if isinstance(event, TurnEnd) and event.response_ms is not None:
        answered.append(str(record.turn))


def _tell(record: EventRecord) -> None:
    """The conversation for people."""
    match record.event:
        case WakeWordHeard(name=name, score=score):
            print_line(f"\n[{record.at_s:6.1f} s] wake word {name} ({score:.2f})")
        case TranscriptReady(text=text, compute_ms=compute_ms):
            print_line(f"  heard   : {text}  ({compute_ms:.0f} ms)")
        case NoSpeechHeard(reason=reason):
            print_line(f"  heard   : no words ({reason})")
        case ReplyText(text=text, final=True):
            print_line(f"  answered: {text}")
        case Speaking(provider=provider, voice=voice, first_audio_ms=first_ms):
            print_line(f"  voice   : {provider} {voice}, first audio after {first_ms:.0f} ms")
        case Interrupted(heard_text=text):
            print_line(f"  interrupted after: {text}")
        case TurnEnd(response_ms=float(response_ms), stages_ms=stages) if stages is not None:
            print_line(
                f"  time    : {response_ms:.0f} ms from the customer's last sound to the first of the answer "
                f"(end of turn {stages.end_of_turn:.0f}, speech to text {stages.stt:.0f}, "
                f"agent {stages.agent:.0f}, voice {stages.tts:.0f})"
            )
        case _:
            pass
