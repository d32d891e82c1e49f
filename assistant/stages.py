"""One stage alone: speak a text, write down a sound file."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing
from pathlib import Path

from assistant.app import App
from assistant.parts import Ends
from assistant.transcription import Transcription, transcribe_stream
from pipeline.errors import SettingsError
from pipeline.protocols import VoiceDetector
from pipeline.sentences import sentences_of
from providers.audio.wav import FastPace, WavMicrophone


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
        speaker = await stack.enter_async_context(app.sound_devices(Ends(output=output, fast=True)).speaker)
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
        chunks = await stack.enter_async_context(aclosing(microphone.chunks()))
        return await transcribe_stream(chunks, transcriber, vad, app.settings)
