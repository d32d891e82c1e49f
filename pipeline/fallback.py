"""Several engines behind one voice: the next one speaks where one fails, so that a customer always hears an answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.audio import AudioChunk
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.errors import AssistantError, ModelError, NotReady, ProviderError, ProviderTimeout, without_words
from pipeline.events import Attempt
from pipeline.proper_sound import proper
from pipeline.routing import Route, SpeechRouter
from pipeline.speakable.characters import takeable
from pipeline.speech import Personality, VoiceConfig, sample_mark
from pipeline.speech_cache import SpeechCache, sound_key
from pipeline.usage import NoLedger, Outcome, UsageLedger, Use

log = logging.getLogger(__name__)

LATE_SHARE = 0.25
"""Part of the time limit that is left to an engine whose turn comes when the limit has passed already."""

FINGERPRINT_TIMEOUT_S = 1.0
"""Seconds of the clock to wait for an engine to say what it sounds like; after that the sentence is not cached."""

RESTING_FINGERPRINT_TIMEOUT_S = 0.1
"""The same for an engine at rest: one that is stuck must not keep the others waiting at each sentence."""

LONGEST_S, LONGEST_PER_CHARACTER_S = 10.0, 0.5
"""Audio seconds that a sentence may last: so many, and so many for each character. A slow voice takes 0.3."""

PATIENCE_S = 120.0
"""Seconds of the clock to wait for each chunk of what is made beforehand, where nobody listens."""

RESTING = "resting"
"""Code in the trail: it failed a short while ago and is asked last."""

TOO_SLOW = "too_slow"
"""Code in the trail: it is slower than speech on this machine, so a listener would hear gaps; asked last."""


class NoVoice(ProviderError):
    """No engine could say a sentence."""

    code = "no_voice"

    def __init__(self, attempts: Sequence[Attempt], language: str) -> None:
        tried = ", ".join(f"{attempt.provider} ({attempt.error})" for attempt in attempts)
        super().__init__(
            f"No voice could speak: {tried or f'none speaks {language!r}'}.",
            remedy="Run `assistant check` to see what each voice needs.",
        )
        self.attempts = list(attempts)
        """All engines asked, in order."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """Who speaks a sentence, and who could not."""

    provider: str
    """The engine that speaks."""

    voice: str
    """Its name for the voice."""

    first_audio_ms: float
    """From the sentence's text to its first chunk, failed attempts included."""

    cached: bool = False
    """It had been spoken before."""

    attempts: list[Attempt] = field(default_factory=list)
    """All engines asked for this sentence, in order, after those that the router passed over; the last one speaks."""


@dataclass(frozen=True, slots=True)
class _Way:
    """A route for one sentence."""

    route: Route
    key: str | None = None
    """Name of the sentence's sound in the cache, None where it cannot be cached."""
    finished: Sequence[AudioChunk] | None = None
    """The sound, where it is there already."""


@dataclass(slots=True)
class _Sentence:
    """A sentence while it is being said. Times are seconds of the clock."""

    text: str
    personality: Personality
    began_s: float
    attempts: list[Attempt]
    """The trail so far."""
    waiting_since_s: float
    """Since when the customer has heard nothing of it: its beginning, or its last chunk."""
    time_limit_s: float
    """For each chunk."""
    broken: dict[str, bool] = field(default_factory=dict)
    """Engines that failed as a whole at this sentence, and whether by their silence."""

    def failed(self, provider: str, error: Exception) -> None:
        """What concerns one voice says nothing about the engine's others."""
        if not isinstance(error, ModelError):
            self.broken[provider] = isinstance(error, ProviderTimeout)


class Prepared(StrEnum):
    """What became of a sentence that was to be ready."""

    MADE = "made"
    """It was spoken into the cache."""
    THERE = "there"
    """It was there already."""
    SKIPPED = "skipped"
    """The voice that would speak it is in the cloud or fails just now, or nothing is kept."""
    FAILED = "failed"
    """The voice could not speak it."""


class FallbackVoice:
    """Speaks sentences with the first engine of the router's order that can.

    A sentence whose engine fails after some of it was handed over is said again whole by the next engine, never
    continued in another voice. An engine that failed rests, longer each time, and is asked last meanwhile; then the
    next sentence tries it again: recovery by real traffic. What was spoken before comes from the cache, even while its
    engine rests. Whoever hangs uses up the time limit; each later engine gets what is left, at least ``LATE_SHARE``.
    """

    def __init__(
        self,
        router: SpeechRouter,
        health: CircuitBreaker,
        clock: Callable[[], float],
        *,
        cache: SpeechCache | None = None,
        usage: UsageLedger | None = None,
        time_limit_s: float = 4.0,
    ) -> None:
        self.router = router
        """Decides who is asked."""
        self.health = health
        """Knows who failed."""
        self._clock = clock
        self._cache = cache
        self._usage = usage or NoLedger()
        self._time_limit_s = time_limit_s

    async def say(
        self, text: str, language: str, personality: Personality
    ) -> AsyncGenerator[tuple[AudioChunk, Rendering | None]]:
        """Sound for one sentence; the first chunk of each engine that speaks comes with its ``Rendering``.

        Nothing where the text has nothing to say. Raises ``NoVoice`` when no engine could say it.
        """
        if not takeable(text):
            return
        began_s = self._clock()
        routing = self.router.routes(personality.voice, language)
        sentence = _Sentence(text, personality, began_s, list(routing.passed_over), began_s, self._time_limit_s)
        async with aclosing(self._ways(routing.routes, sentence)) as ways:
            async for way in ways:
                try:
                    async with aclosing(self._speak(way, sentence)) as chunks:
                        async for item in chunks:
                            yield item
                except Exception as error:  # noqa: BLE001 - a defect in one engine must not silence the others
                    sentence.failed(way.route.provider, error)
                else:
                    return
        raise NoVoice(sentence.attempts, language)

    async def prepare(self, text: str, language: str, personality: Personality) -> Prepared:
        """Speak a sentence into the cache where it is not there, so that ``say`` has it at once. Never raises.

        Only the engine that would speak does it, however slow it is, and only where it is in the house and does not
        fail just now: nothing is paid for what perhaps nobody asks. Neither its health nor the account learns of it,
        for no customer waited; leaving (cancelling) it stops the engine.
        """
        routes = self._beforehand(personality.voice, language) if takeable(text) else []
        if self._cache is None or not routes:
            return Prepared.SKIPPED
        for route in routes:
            key = await self._key(route, text)
            if key is None:
                continue  # it is not installed, or its licence forbids it
            if self.health.failing(route.provider, route.part):
                return Prepared.SKIPPED
            return Prepared.THERE if await self._cache.has(key) else await self._made(route, key, text, personality)
        return Prepared.SKIPPED if self.health.failing(routes[0].provider, routes[0].part) else Prepared.FAILED

    async def _made(self, route: Route, key: str, text: str, personality: Personality) -> Prepared:
        try:
            await route.synthesizer.ready(route.voice)
            now_s = self._clock()
            alone = _Sentence(text, personality, now_s, [], now_s, PATIENCE_S)
            async with aclosing(self._limited(_Way(route, key), alone)) as chunks:
                async for _ in chunks:
                    pass
        except Exception as error:  # noqa: BLE001 - a defect in an engine shows when a customer waits for it
            log.info("The voice %s could not speak beforehand: %s", route.provider, without_words(error))
            return Prepared.FAILED
        return Prepared.MADE

    async def ready(self, language: str, personality: Personality) -> Route | None:
        """Have the local engine that would speak started and its voice loaded; the way in which it will, None where
        none is in the house. Never raises.

        May take minutes; others speak meanwhile.
        """
        for route in self._beforehand(personality.voice, language):
            try:
                await route.synthesizer.ready(route.voice)
            except Exception as error:  # noqa: BLE001 - a defect in an engine shows when a customer waits for it
                log.warning("The voice %s is not ready: %s", route.provider, without_words(error))
            else:
                return route
        return None

    def _beforehand(self, voice: VoiceConfig, language: str) -> Sequence[Route]:
        """Who would speak, best first: of those that clone the quick ones before the slow, then the first other one.

        None where the cloud would.
        """
        found: list[Route] = []
        for route in self.router.routes(voice, language).routes:
            if route.synthesizer.capabilities.cloud:
                break
            found.append(route)
            if not route.voice.sample:
                break
        return sorted(found, key=lambda route: (not route.voice.sample, self.too_slow(route)))

    async def _ways(self, routes: Sequence[Route], sentence: _Sentence) -> AsyncGenerator[_Way]:
        """The router's order. What was finished before is taken at once, engines at rest come last, and after them
        other voices of engines that failed: those would probably fail in the same way."""
        rested: list[_Way] = []
        others: list[_Way] = []
        for route in routes:
            resting = self.health.resting(route.provider, route.part)
            way = await self._way(route, sentence.text, resting=resting)
            if way.finished is not None:
                yield way
            elif route.provider in sentence.broken:
                others.append(way)
            elif resting or self.too_slow(route):
                sentence.attempts.append(Attempt(route.provider, RESTING if resting else TOO_SLOW, 0.0))
                rested.append(way)
            else:
                yield way
        for way in rested:
            if way.route.provider in sentence.broken:
                others.append(way)
            else:
                yield way
        for way in others:
            if not sentence.broken[way.route.provider]:  # one that hangs would only be waited for again
                yield way

    @staticmethod
    def too_slow(route: Route) -> bool:
        """Whether a listener would hear gaps. Only engines that clone are that slow; to ask the others costs time."""
        if not route.voice.sample:
            return False
        factor = route.synthesizer.capabilities.real_time_factor
        return factor is not None and factor > 1.0

    async def _way(self, route: Route, text: str, *, resting: bool) -> _Way:
        """With the sentence's sound from the cache, where it is there."""
        key = await self._key(route, text, RESTING_FINGERPRINT_TIMEOUT_S if resting else FINGERPRINT_TIMEOUT_S)
        if self._cache is None or key is None:
            return _Way(route)
        return _Way(route, key, await self._cache.find(key))

    async def _key(self, route: Route, text: str, timeout_s: float = FINGERPRINT_TIMEOUT_S) -> str | None:
        """Name of the sentence's sound, None where nothing is kept or the engine does not say what it sounds like."""
        if self._cache is None:
            return None
        try:
            async with asyncio.timeout(timeout_s):
                fingerprint = await route.synthesizer.fingerprint(route.voice)
        except Exception:  # noqa: BLE001 - whatever is wrong shows when it is to speak
            return None
        return sound_key(text, route.voice, route.provider, fingerprint)

    async def _speak(self, way: _Way, sentence: _Sentence) -> AsyncGenerator[tuple[AudioChunk, Rendering | None]]:
        """One engine's try; its outcome goes into the trail, the account and the engine's health."""
        provider, voice, attempts = way.route.provider, way.route.voice.name, sentence.attempts
        asked_s = self._clock()
        rendering: Rendering | None = None
        audio_s, code = 0.0, ""
        outcome: Outcome | None = Outcome.LEFT
        try:
            async with aclosing(self._limited(way, sentence)) as chunks:
                async for chunk in chunks:
                    audio_s += chunk.duration_s
                    if rendering is not None:
                        yield chunk, None
                        continue
                    now_s = self._clock()
                    attempts.append(Attempt(provider, None, (now_s - asked_s) * 1000))
                    first_ms = (now_s - sentence.began_s) * 1000
                    rendering = Rendering(provider, voice, first_ms, way.finished is not None, list(attempts))
                    yield chunk, rendering
            outcome = Outcome.DONE if way.finished is None else Outcome.CACHED
        except NotReady as error:
            outcome = None
            attempts.append(Attempt(provider, error.code, (self._clock() - asked_s) * 1000))
            raise
        except Exception as error:
            outcome, code = Outcome.FAILED, error.code if isinstance(error, AssistantError) else "defect"
            attempts.append(Attempt(provider, code, (self._clock() - asked_s) * 1000))
            self.health.failed(provider, error, way.route.part)
            raise
        finally:
            latency_ms = rendering.attempts[-1].ms if rendering is not None else None
            if outcome is not None:
                who, length = sentence.personality, len(sentence.text)
                self._usage.record(Use("tts", provider, outcome, who, voice, latency_ms, audio_s, length, code))
        if outcome is Outcome.DONE:
            self.health.worked(provider, way.route.part)

    async def _limited(self, way: _Way, sentence: _Sentence) -> AsyncGenerator[AudioChunk]:
        """Chunks of one engine, each within its time limit. Raises ``ProviderTimeout``."""
        if way.finished is not None:
            for chunk in way.finished:
                yield chunk
            return
        waited_s = self._clock() - sentence.waiting_since_s
        longest_s = sentence.time_limit_s
        limit_s = max(longest_s - waited_s, longest_s * LATE_SHARE)
        async with aclosing(self._sound(way, sentence.text)) as chunks:
            while True:
                try:
                    async with asyncio.timeout(limit_s):
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
                except TimeoutError as error:
                    raise ProviderTimeout(
                        f"The voice {way.route.provider} gave no sound for {limit_s:.1f} s."
                    ) from error
                yield chunk
                sentence.waiting_since_s = self._clock()
                limit_s = longest_s

    def _sound(self, way: _Way, text: str) -> AsyncGenerator[AudioChunk]:
        """A sentence's sound: shared with all who ask for it now, or made for this one."""
        route = way.route
        longest_s = LONGEST_S + LONGEST_PER_CHARACTER_S * len(text)

        def made() -> AsyncGenerator[AudioChunk]:
            return proper(route.synthesizer.synthesize(text, route.voice), route.provider, longest_s=longest_s)

        if self._cache is None or way.key is None:
            return made()
        return self._cache.shared(way.key, route.provider, made, sample_mark(route.voice.sample))
