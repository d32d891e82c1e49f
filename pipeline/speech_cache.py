"""Spoken sentences that were said before, and those that are being made just now."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import unicodedata
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import asdict
from types import TracebackType
from typing import Protocol, Self

from pipeline.audio import AudioChunk, joined
from pipeline.errors import ProviderError, without_words
from pipeline.speech import Voice

log = logging.getLogger(__name__)

FIND_TIMEOUT_S = 0.25
"""Seconds of the clock to wait for the store: a customer does not wait for a slow disk."""

CHUNK_S = 0.1
"""Audio seconds in one chunk of a finished sentence: how finely it can be stopped."""

MAKING = 1
"""Number of our own way to make sound of what engines hand over. Raise it when that changes: all is made anew then."""


class AudioStore(Protocol):
    """Where finished audio lies. No method raises: what cannot be had or kept is only slower."""

    async def get(self, key: str) -> AudioChunk | None:
        """A finished sentence, None where it is absent, too old or damaged."""
        ...

    async def has(self, key: str) -> bool:
        """Whether ``get`` would find it, as well as can be told without reading it."""
        ...

    async def put(self, key: str, audio: AudioChunk, provider: str, sample: str = "") -> None:
        """Keep a finished sentence; ``sample`` is the ``sample_mark`` of the voice that speaks it."""
        ...


def sound_key(text: str, voice: Voice, provider: str, fingerprint: str) -> str:
    """Name of a sentence's sound: a hash of the normalised text and of everything that shapes the sound.

    ``fingerprint`` is what ``Synthesizer.fingerprint`` says of the engine. Texts that differ in white space or in how
    their accents are encoded are the same; capitals and marks are not, for voices stress them. 64 hexadecimal digits.
    """
    said = " ".join(unicodedata.normalize("NFC", text).split())
    parts = [MAKING, said, provider, fingerprint, asdict(voice)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class _Synthesis:
    """One synthesis that several may listen to, each from its first chunk."""

    def __init__(self) -> None:
        self.chunks: list[AudioChunk] = []
        self.listeners = 0
        self.ended = False
        self.error: Exception | None = None
        self.done = False
        """Made and stored, or given up: a new asker need not share it."""
        self.news = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def tell(self) -> None:
        """Wake all who listen."""
        self.news.set()
        self.news = asyncio.Event()

    def end(self, error: Exception | None = None) -> None:
        """There will be no more chunks."""
        self.ended, self.error = True, error
        self.tell()


class SpeechCache:
    """Finds finished sentences and makes each missing one once, however many ask for it at the same time.

    An async context manager: a synthesis is a task of its own, which goes on while anybody listens.
    """

    def __init__(self, store: AudioStore) -> None:
        self._store = store
        self._going_on: dict[str, _Synthesis] = {}
        self._looking: Counter[str] = Counter()
        """How many are looking into the store for a key."""
        self._closed = False
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what is being stored; a synthesis that is going on is cancelled."""
        self._closed = True
        for synthesis in self._going_on.values():
            if synthesis.task is not None and not synthesis.ended:
                synthesis.task.cancel()
        # The group is not told of the error: it would wrap it, and no task of it is to blame.
        await self._group.__aexit__(None, None, None)

    async def find(self, key: str) -> list[AudioChunk] | None:
        """A finished sentence in chunks, None where there is none or the store does not answer in time.

        Whoever then calls ``shared`` before anything else happens on the loop shares also a synthesis that was stored
        while they were looking.
        """
        self._looking[key] += 1
        try:
            async with asyncio.timeout(FIND_TIMEOUT_S):
                audio = await self._store.get(key)
        except TimeoutError:
            log.warning("The speech cache did not answer within %g s; the sentence is made anew.", FIND_TIMEOUT_S)
            return None
        except Exception as error:  # noqa: BLE001 - a defect in the store must not silence the voices
            log.error("The speech cache failed: %s", without_words(error))
            return None
        finally:
            self._looking[key] -= 1
            if not self._looking[key]:
                del self._looking[key]
                synthesis = self._going_on.get(key)
                if synthesis is not None and synthesis.done:
                    asyncio.get_running_loop().call_soon(self._forget, key, synthesis)
        return None if audio is None else _cut(audio)

    async def has(self, key: str) -> bool:
        """Whether a sentence is finished, or is just being made."""
        return key in self._going_on or await self._store.has(key)

    async def shared(
        self, key: str, provider: str, synthesize: Callable[[], AsyncGenerator[AudioChunk]], sample: str = ""
    ) -> AsyncGenerator[AudioChunk]:
        """What ``synthesize`` yields, made once for all who ask at the same time, and kept when it came to its end.

        ``sample`` is the ``sample_mark`` of the voice that speaks. Raises what ``synthesize`` raises. When the last
        listener leaves before the end, the synthesis is cancelled.
        """
        if self._closed:
            raise ProviderError("The speech cache is closed.")
        synthesis = self._going_on.get(key)
        if synthesis is None:
            synthesis = self._going_on[key] = _Synthesis()
            making = self._make(key, provider, synthesize, synthesis, sample)
            synthesis.task = self._group.create_task(making, name="synthesis")
        synthesis.listeners += 1
        heard = 0
        try:
            while True:
                while heard < len(synthesis.chunks):
                    heard += 1
                    yield synthesis.chunks[heard - 1]
                if synthesis.error is not None:
                    raise synthesis.error
                if synthesis.ended:
                    return
                await synthesis.news.wait()
        finally:
            synthesis.listeners -= 1
            if not (synthesis.listeners or synthesis.ended):
                self._forget(key, synthesis)
                if synthesis.task is not None:
                    synthesis.task.cancel()

    async def _make(
        self,
        key: str,
        provider: str,
        synthesize: Callable[[], AsyncGenerator[AudioChunk]],
        synthesis: _Synthesis,
        sample: str,
    ) -> None:
        """The task of one synthesis; all that it raises belongs to those who listen."""
        try:
            async with aclosing(synthesize()) as chunks:
                async for chunk in chunks:
                    synthesis.chunks.append(chunk)
                    synthesis.tell()
        except Exception as error:  # noqa: BLE001 - those who listen raise it
            self._forget(key, synthesis)
            synthesis.end(error)
            return
        except BaseException:
            self._forget(key, synthesis)
            synthesis.end(ProviderError("The voice was stopped."))
            raise
        synthesis.end()
        try:
            if synthesis.chunks:
                await self._store.put(key, joined(synthesis.chunks), provider, sample)
        except Exception as error:  # noqa: BLE001 - a defect in the store must not end the program
            log.error("The speech cache failed: %s", without_words(error))
        finally:
            synthesis.done = True
            if not self._looking[key]:  # only now: who asked meanwhile shares what was being stored
                self._forget(key, synthesis)

    def _forget(self, key: str, synthesis: _Synthesis) -> None:
        if self._going_on.get(key) is synthesis:
            del self._going_on[key]


def _cut(audio: AudioChunk) -> list[AudioChunk]:
    """A finished sentence in chunks."""
    step = max(1, round(CHUNK_S * audio.rate_hz))
    starts = range(0, len(audio.pcm), step)
    return [AudioChunk(audio.pcm[at : at + step], audio.rate_hz, at / audio.rate_hz) for at in starts]
