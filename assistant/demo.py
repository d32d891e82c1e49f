"""A whole conversation without any device: a synthetic customer speaks into the very same path as in the shop."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import soundfile

from assistant.app import App
from assistant.output import print_line
from assistant.parts import Ends
from assistant.running import run
from pipeline.audio import AudioChunk, joined, silence
from pipeline.errors import ProviderError, SettingsError
from pipeline.events import EventRecord, Interrupted, NoSpeechHeard, ReplyText, Speaking, TranscriptReady, TurnEnd
from pipeline.events import WakeWord as WakeWordHeard
from pipeline.protocols import Synthesizer, WakeWordDetector
from pipeline.speech import Voice
from providers.audio.wav import read_wav

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
    answers = _Answers(set(app.settings.conversation.apologies.values()))
    app.feed.subscribe(answers)
    if tell:
        print_line("A conversation without devices; every stage is the real one. One moment, models are loading …")
        app.feed.subscribe(_tell)
    with tempfile.TemporaryDirectory() as folder:
        customer = Path(folder) / "customer.wav"
        await _record_customer(app, questions, customer)
        await run(app, Ends(input=customer, output=output, fast=True))
    if tell:
        print_line(f"\n{answers.count} of {len(questions)} questions answered. Listen to the replies: {output}")
    if answers.count < len(questions):
        raise ProviderError(
            f"{len(questions) - answers.count} of {len(questions)} questions got no spoken answer.",
            remedy="Run `assistant check`, and look at the event lines (--events -).",
        )


async def _record_customer(app: App, questions: Sequence[str], path: Path) -> None:
    """Wake word and question after question, as sound."""
    async with AsyncExitStack() as stack:
        engines = [await stack.enter_async_context(engine) for engine in app.synthesizers()]
        voices = [engine for engine in engines if engine.failure is None]
        voice, wake_phrase = await _customer(app, voices, path)
        rate_hz = wake_phrase.rate_hz
        chunks = [silence(1.0, rate_hz)]
        for question in questions:
            spoken = await _spoken(voice, question)
            chunks += [wake_phrase, silence(PAUSE_S, rate_hz), spoken, silence(PATIENCE_S, rate_hz)]
    _write(path, chunks)


async def _customer(app: App, voices: Sequence[Synthesizer], scratch: Path) -> tuple[Synthesizer, AudioChunk]:
    """A voice whose wake word is understood, and that word; the assistant's own voice last, so that two are heard."""
    detector: WakeWordDetector
    async with app.provider("wake_word") as detector:
        for voice in reversed(voices):
            for phrase in (app.wake_phrase(), app.wake_phrase() + "!"):
                spoken = await _spoken(voice, phrase)
                # Networks look back: what they hear in their first seconds they score too low.
                _write(scratch, [silence(2.0, spoken.rate_hz), spoken, silence(1.0, spoken.rate_hz)])
                detector.reset()
                if await detector.detect(read_wav(scratch)) is not None:
                    return voice, spoken
    raise ProviderError(
        f"No voice here says {app.wake_phrase()!r} so that the wake word network hears it, so there can be no demo.",
        remedy="People may well be heard: try `assistant run`, or another wake word for the demo.",
    )


def _write(path: Path, chunks: Sequence[AudioChunk]) -> None:
    audio = joined(chunks)
    soundfile.write(path, audio.pcm, audio.rate_hz)


async def _spoken(voice: Synthesizer, text: str) -> AudioChunk:
    async with aclosing(voice.synthesize(text, Voice(voice.voice_for("en") or "", "en"))) as chunks:
        heard = [chunk async for chunk in chunks]
    if not heard:
        raise SettingsError(f"The customer cannot say {text!r}: it holds no words.")
    return joined(heard)


class _Answers:
    """Counts questions that were answered aloud; an apology is no answer."""

    def __init__(self, apologies: set[str]) -> None:
        self.count = 0
        self._apologies = tuple(apologies)
        self._answered = False

    def __call__(self, record: EventRecord) -> None:
        event = record.event
        if isinstance(event, ReplyText) and event.final:
            self._answered = not event.text.endswith(self._apologies)
        elif isinstance(event, TurnEnd):
            self.count += self._answered and event.response_ms is not None
            self._answered = False


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
