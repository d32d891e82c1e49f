"""One stage alone: speak a text, write down a sound file."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.app import App, Ends
from pipeline.audio import AudioChunk
from pipeline.ears import cut_utterance
from pipeline.errors import SettingsError
from pipeline.noise_floor import NoiseFloor
from pipeline.protocols import Microphone, VoiceDetector
from pipeline.segmenter import NoUtterance, SegmenterSettings, SpeechEnded, UtteranceSegmenter
from pipeline.sentences import sentences_of
from pipeline.speech import NoSpeech, Transcript, Utterance, VoiceFrame
from providers.audio.wav import FastPace, WavMicrophone


@dataclass(frozen=True, slots=True)
class Transcription:
    """What a sound file says."""

    heard: tuple[Transcript | NoSpeech, ...]
    """One for each utterance found in it."""

    @property
    def text(self) -> str:
        """All words; "" where there were none."""
        return " ".join(one.text for one in self.heard if isinstance(one, Transcript))

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        first = next((one for one in self.heard if isinstance(one, Transcript)), None)
        return {
            "text": self.text,
            "language": first.language if first else None,
            "provider": self.heard[0].provider if self.heard else None,
            "compute_ms": round(sum(one.compute_ms for one in self.heard), 1),
            "utterances": [
                {"text": one.text, "confidence": round(one.confidence, 3)}
                if isinstance(one, Transcript)
                else {"no_speech": one.reason}
                for one in self.heard
            ],
        }


async def say(app: App, text: str, personality: str | None, output: Path | None) -> None:
    """Speak ``text`` aloud or into a file, sentence by sentence."""
    speakable = app.speakable()
    async with AsyncExitStack() as stack:
        memory = await stack.enter_async_context(app.memory())
        who = memory.cast.named(personality) if personality is not None else memory.cast.active
        if not speakable(text, who.language):
            raise SettingsError("There is nothing to say: the text holds no words.")
        voice = await stack.enter_async_context(app.voice(memory))
        await voice.ready(who.language, who)  # here nobody waits for an answer
        _, speaker = app.devices(Ends(output=output, fast=True))
        await stack.enter_async_context(speaker)
        await speaker.start()
        for sentence in sentences_of(text):
            async with aclosing(voice.say(speakable(sentence, who.language), who.language, who)) as chunks:
                async for chunk, _ in chunks:
                    await speaker.play(chunk)
        await speaker.finish()


async def transcribe(app: App, file: Path) -> Transcription:
    """The words of a sound file of any length, utterance by utterance, at constant memory."""
    async with AsyncExitStack() as stack:
        microphone = await stack.enter_async_context(WavMicrophone(file, FastPace()))
        vad: VoiceDetector = await stack.enter_async_context(app.provider("vad"))
        memory = await stack.enter_async_context(app.memory())
        transcriber = await stack.enter_async_context(app.transcriber(memory))
        found = await stack.enter_async_context(aclosing(_utterances(app, microphone, vad)))
        return Transcription(tuple([await transcriber.transcribe(utterance) async for utterance in found]))


async def _utterances(app: App, microphone: Microphone, vad: VoiceDetector) -> AsyncGenerator[Utterance]:
    """All utterances of a stream; no wake word is needed and no silence is too long."""
    settings = SegmenterSettings(**app.settings.utterance.model_dump(), wake_tail_s=0.0)
    floor = NoiseFloor()
    segmenter, audio = UtteranceSegmenter(settings), list[AudioChunk]()
    async with aclosing(microphone.chunks()) as chunks:
        async for chunk in chunks:
            audio.append(chunk)
            probability, level_db = await vad.speech_probability(chunk), chunk.level_db
            floor_db = floor.update(level_db, speech=probability > 0.5)
            step = segmenter.push(VoiceFrame(chunk.start_s, chunk.duration_s, probability, level_db, floor_db))
            if isinstance(step, SpeechEnded):
                yield cut_utterance(audio, step, settings)
            if isinstance(step, SpeechEnded | NoUtterance):
                segmenter, audio = UtteranceSegmenter(settings), []
    last = segmenter.flush()
    if isinstance(last, SpeechEnded):
        yield cut_utterance(audio, last, settings)
