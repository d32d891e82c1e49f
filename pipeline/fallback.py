"""Several engines behind one voice: the next one speaks where one fails, so that a customer always hears an answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from pipeline.audio import AudioChunk
from pipeline.errors import AssistantError, ProviderError, ProviderTimeout, without_words
from pipeline.events import Attempt, EventFeed, ProviderState
from pipeline.protocols import Synthesizer
from pipeline.speech import Voice, VoiceSettings

log = logging.getLogger(__name__)

FIRST_REST_S = 5.0
"""Seconds of the clock for which an engine rests after its first failure."""

LONGEST_REST_S = 300.0
"""Seconds of the clock after which a failing engine is tried again at the latest."""


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
    continued in another voice. An engine that failed rests, longer each time, and is asked last meanwhile; then the
    next sentence tries it again: recovery by real traffic.
    """

    def __init__(
        self,
        synthesizers: Sequence[Synthesizer],
        feed: EventFeed,
        clock: Callable[[], float],
        *,
        chunk_timeout_s: float = 8.0,
    ) -> None:
        self._synthesizers = synthesizers
        self._feed = feed
        self._clock = clock
        self._chunk_timeout_s = chunk_timeout_s
        self._failures: dict[str, int] = {}
        self._rests_until_s: dict[str, float] = {}

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
                if rendering is None:
                    raise ProviderError(f"The voice {name} made no sound of a text.")  # noqa: TRY301 - as if it had
            except Exception as error:  # noqa: BLE001 - a defect in one engine must not silence the others
                code = error.code if isinstance(error, AssistantError) else "defect"
                attempts.append(Attempt(name, code, (self._clock() - asked) * 1000))
                self._rest(name, error)
            else:
                self._recovered(name)
                return
        tried = ", ".join(f"{attempt.provider} ({attempt.error})" for attempt in attempts if attempt.error)
        raise ProviderError(
            f"No voice could speak: {tried or f'none speaks {language!r}'}.",
            remedy="Run `assistant check` to see what each voice needs.",
        )

    def _able(self, language: str) -> list[Synthesizer]:
        """Engines with a voice for the language, in order, those at rest last.

        Where none has a voice for it, an accent is better than silence.
        """
        able = [one for one in self._synthesizers if one.voice_for(language)] or list(self._synthesizers)
        now_s = self._clock()
        return sorted(able, key=lambda one: self._rests_until_s.get(one.capabilities.name, now_s) > now_s)

    async def _chunks(self, synthesizer: Synthesizer, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
        limit_s = self._chunk_timeout_s
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

    def _rest(self, provider: str, error: Exception) -> None:
        """A failing engine rests twice as long each time."""
        failures = self._failures[provider] = self._failures.get(provider, 0) + 1
        rest_s = min(LONGEST_REST_S, FIRST_REST_S * 2 ** (failures - 1))
        self._rests_until_s[provider] = self._clock() + rest_s
        reason = without_words(error)
        log.warning("The voice %s failed and rests for %.0f s: %s", provider, rest_s, reason)
        if failures == 1:
            self._feed.publish(ProviderState(provider, "failing", reason))

    def _recovered(self, provider: str) -> None:
        if self._failures.pop(provider, 0):
            del self._rests_until_s[provider]
            self._feed.publish(ProviderState(provider, "ok", "speaks again"))
