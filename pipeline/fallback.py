"""Several engines behind one voice: the next one speaks where one fails, so that a customer always hears an answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from pipeline.audio import AudioChunk
from pipeline.errors import AssistantError, ProviderError, ProviderTimeout
from pipeline.events import Attempt, EventFeed, ProviderState
from pipeline.protocols import Synthesizer
from pipeline.speech import Voice, VoiceSettings


@dataclass(frozen=True, slots=True)
class Rendering:
    """Who speaks a sentence, and who could not."""

    provider: str
    """The engine that speaks."""

    voice: str
    """Its name for the voice."""

    first_audio_ms: float
    """From the sentence's text to its first chunk, failed attempts included."""

    attempts: list[Attempt] = field(default_factory=list)
    """All engines asked for this sentence, in order; the last one speaks."""


class FallbackVoice:
    """Speaks sentences with the first engine that can.

    A sentence whose engine fails after some of it was handed over is said again whole by the next engine, never
    continued in another voice. An engine that failed is asked again for the next sentence: recovery by real traffic.
    """

    def __init__(
        self,
        synthesizers: Sequence[Synthesizer],
        feed: EventFeed,
        clock: Callable[[], float],
        *,
        first_chunk_timeout_s: float = 8.0,
        chunk_timeout_s: float = 8.0,
    ) -> None:
        self._synthesizers = synthesizers
        self._feed = feed
        self._clock = clock
        self._first_chunk_timeout_s = first_chunk_timeout_s
        self._chunk_timeout_s = chunk_timeout_s
        self._failing: set[str] = set()

    async def say(
        self, text: str, language: str, settings: VoiceSettings
    ) -> AsyncGenerator[tuple[AudioChunk, Rendering | None]]:
        """Sound for one sentence; the first chunk of each engine that speaks comes with its ``Rendering``.

        Nothing where the text has nothing to say. Raises ``ProviderError`` when no engine could say it.
        """
        began = self._clock()
        attempts: list[Attempt] = []
        for synthesizer in self._able(language):
            name = synthesizer.capabilities.name
            voice = Voice(synthesizer.voice_for(language) or "", language, settings)
            asked = self._clock()
            rendering: Rendering | None = None
            try:
                async with aclosing(self._chunks(synthesizer, text, voice)) as chunks:
                    async for chunk in chunks:
                        if rendering is not None:
                            yield chunk, None
                            continue
                        now = self._clock()
                        attempts.append(Attempt(name, None, (now - asked) * 1000))
                        rendering = Rendering(name, voice.name, (now - began) * 1000, list(attempts))
                        yield chunk, rendering
            except AssistantError as error:
                attempts.append(Attempt(name, error.code, (self._clock() - asked) * 1000))
                self._note(name, str(error))
                continue
            self._note(name, None)
            return
        tried = ", ".join(f"{attempt.provider} ({attempt.error})" for attempt in attempts if attempt.error)
        raise ProviderError(
            f"No voice could speak: {tried or f'none speaks {language!r}'}.",
            remedy="Run `assistant check` to see what each voice needs.",
        )

    def _able(self, language: str) -> list[Synthesizer]:
        """Engines with a voice for the language, in order; where none has one, an accent is better than silence."""
        return [one for one in self._synthesizers if one.voice_for(language)] or list(self._synthesizers)

    async def _chunks(self, synthesizer: Synthesizer, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
        limit_s = self._first_chunk_timeout_s
        async with aclosing(synthesizer.synthesize(text, voice)) as chunks:
            while True:
                try:
                    async with asyncio.timeout(limit_s):
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
                except TimeoutError as error:
                    name = synthesizer.capabilities.name
                    raise ProviderTimeout(f"The voice {name} gave no sound for {limit_s:g} s.") from error
                yield chunk
                limit_s = self._chunk_timeout_s

    def _note(self, provider: str, failure: str | None) -> None:
        """Tell observers when an engine's health changes."""
        if failure is not None and provider not in self._failing:
            self._failing.add(provider)
            self._feed.publish(ProviderState(provider, "failing", failure))
        elif failure is None and provider in self._failing:
            self._failing.remove(provider)
            self._feed.publish(ProviderState(provider, "ok", "speaks again"))
