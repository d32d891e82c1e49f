"""The composition root: settings become parts, parts become a conversation. Start-up is a list; closing mirrors it."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.lexicon import load_lexicon
from assistant.models.store import ModelStore
from assistant.settings import Settings
from pipeline import earcons
from pipeline.conversation import Conversation, ConversationSettings
from pipeline.ears import Ears
from pipeline.errors import ModelError, ProviderError
from pipeline.events import EventFeed
from pipeline.fallback import FallbackVoice
from pipeline.hearing import Hearing, HearingSettings
from pipeline.protocols import Agent, Microphone, Speaker, Synthesizer, Transcriber, VoiceDetector, WakeWordDetector
from pipeline.segmenter import SegmenterSettings
from pipeline.speakable import speakable
from pipeline.speech import Personality, VoiceSettings, primary_language
from pipeline.turn import TurnParts
from providers import registry
from providers.audio.sounddevice import SounddeviceMicrophone, SounddeviceSpeaker
from providers.audio.wav import FastPace, Pace, RealTimePace, WavMicrophone, WavSpeaker
from providers.registry import Resources

log = logging.getLogger(__name__)


SHOP_LEXICON = Path("shop/lexicon.yaml")
"""The pronunciations in use where no others are set."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Where sound comes from and goes to."""

    input: Path | None = None
    """A sound file in place of the microphone."""
    output: Path | None = None
    """A WAV file in place of the loudspeaker."""
    fast: bool = False
    """Files pass as fast as the machine can."""


class App:
    """Settings and the folder they came from, and the parts made of them."""

    def __init__(self, settings: Settings, folder: Path, feed: EventFeed | None = None) -> None:
        self.settings = settings
        self.folder = folder
        self.feed = feed or EventFeed()
        self.clock = time.monotonic
        mirror = settings.models.mirror
        self.models = ModelStore(folder / settings.models.folder, folder / mirror if mirror else None)
        self.resources = Resources(self.models, folder)

    async def run(self, ends: Ends) -> None:
        """Converse until the input file ends or the task is cancelled."""
        async with AsyncExitStack() as stack:
            conversation = await self._open(stack, ends)
            log.info("Listening.")
            await conversation.run()

    async def _open(self, stack: AsyncExitStack, ends: Ends) -> Conversation:
        """All parts, opened in the order in which they are needed; a damaged model is found before a device is held."""
        settings = self.settings
        vad: VoiceDetector = await stack.enter_async_context(self.provider("vad"))
        wake_words: WakeWordDetector = await stack.enter_async_context(self.provider("wake_word"))
        transcriber: Transcriber = await stack.enter_async_context(self.provider("stt"))
        agent: Agent = await stack.enter_async_context(self.provider("agent"))
        synthesizers = await stack.enter_async_context(self.synthesizers())
        microphone, speaker = self.devices(ends)
        await stack.enter_async_context(speaker)
        await stack.enter_async_context(microphone)
        ears = Ears(
            microphone,
            Hearing(vad, wake_words, HearingSettings()),
            SegmenterSettings(**settings.utterance.model_dump()),
            self.feed,
        )
        parts = TurnParts(
            transcriber,
            agent,
            self.voice(synthesizers),
            speaker,
            self.speakable(),
            settings.conversation.apologies,
            settings.conversation.repeat_requests,
            earcons.error() if settings.audio.error_tone else None,
        )
        return Conversation(
            ears=ears,
            parts=parts,
            feed=self.feed,
            clock=self.clock,
            personality=self.personality(),
            voice_settings=self.voice_settings(),
            settings=ConversationSettings(
                settings.conversation.history_turns,
                settings.conversation.history_idle_s,
                earcons.listening() if settings.audio.listening_tone else None,
            ),
        )

    def provider(self, stage: str) -> Any:
        """The first provider in use for a stage, not yet entered."""
        name, settings = getattr(self.settings, stage).chosen()[0]
        return registry.create(stage, name, settings, self.resources)

    @asynccontextmanager
    async def synthesizers(self) -> AsyncIterator[Sequence[Synthesizer]]:
        """The voices in use that can be opened, best first; raises what the first one lacks when none can."""
        opened: list[Synthesizer] = []
        failures: list[Exception] = []
        async with AsyncExitStack() as stack:
            for name, settings in self.settings.tts.chosen():
                try:
                    voice = registry.create("tts", name, settings, self.resources)
                    opened.append(await stack.enter_async_context(voice))
                except (ProviderError, ModelError) as error:
                    log.warning("The voice %s cannot be used: %s", name, error)
                    failures.append(error)
            if not opened:
                raise failures[0]
            yield opened

    def voice(self, synthesizers: Sequence[Synthesizer]) -> FallbackVoice:
        """Several engines as one voice."""
        limit_s = self.settings.conversation.voice_timeout_s
        return FallbackVoice(synthesizers, self.feed, self.clock, chunk_timeout_s=limit_s)

    def speakable(self) -> Callable[[str, str], str]:
        """Makes a sentence speakable, with the shop's pronunciations."""
        path = self.folder / (self.settings.lexicon or SHOP_LEXICON)
        lexicon = load_lexicon(path) if self.settings.lexicon or path.exists() else {}
        return lambda text, language: speakable(text, language, lexicon.get(primary_language(language), {}))

    def personality(self) -> Personality:
        """Who speaks."""
        section = self.settings.personality
        return Personality(section.name, section.language, section.prompt)

    def voice_settings(self) -> VoiceSettings:
        """How it speaks."""
        return VoiceSettings(self.settings.personality.speed)

    def wake_phrase(self) -> str:
        """What a customer says to wake it: the first wake word's name, as words."""
        _, settings = self.settings.wake_word.chosen()[0]
        words: Any = settings.model_dump()["words"]  # every wake word provider has them
        return str(words[0]["name"]).replace("_", " ")

    def devices(self, ends: Ends) -> tuple[Microphone, Speaker]:
        """Microphone and loudspeaker, or the files in their place; not yet entered."""
        pace: Pace = FastPace() if ends.fast else RealTimePace()
        audio = self.settings.audio
        return (
            WavMicrophone(ends.input, pace) if ends.input else SounddeviceMicrophone(audio.microphone),
            WavSpeaker(ends.output, pace) if ends.output else SounddeviceSpeaker(audio.speaker),
        )
