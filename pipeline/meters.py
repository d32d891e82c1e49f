"""What passes through microphone and loudspeaker, for those who watch: how loud, and how long ago."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from types import TracebackType
from typing import Self

from pipeline.audio import FRAME_S, SILENCE_DB, AudioChunk
from pipeline.protocols import Capabilities, Microphone, Speaker

KEPT_S = 1.0
"""Audio seconds of the microphone that are kept for whoever asks how loud it was."""

MOMENT_S = 0.1
"""Audio seconds of the loudspeaker that are measured: some voices hand over a whole sentence at once, and what is heard
just now is a word of it."""


class MeteredMicrophone:
    """A ``Microphone`` that passes everything on. While nobody asks, it costs two assignments a chunk."""

    def __init__(self, microphone: Microphone, clock: Callable[[], float]) -> None:
        """``clock`` gives seconds and never jumps."""
        self._microphone = microphone
        self._clock = clock
        self._recent: deque[AudioChunk] = deque(maxlen=round(KEPT_S / FRAME_S))
        self._taps: list[Callable[[AudioChunk], None]] = []
        self.last_chunk_at_s: float | None = None
        """Clock time of the last chunk, None before the first."""

    @property
    def capabilities(self) -> Capabilities:
        """As the microphone says."""
        return self._microphone.capabilities

    @property
    def dropped_s(self) -> float:
        """As the microphone says."""
        return self._microphone.dropped_s

    @property
    def age_s(self) -> float:
        """Seconds of the clock since the last chunk came, 0 before the first: how much of the next one has sounded."""
        return 0.0 if self.last_chunk_at_s is None else self._clock() - self.last_chunk_at_s

    @property
    def level_db(self) -> float:
        """Of the loudest chunk since this was last asked, at most one second back; ``SILENCE_DB`` where none came."""
        loudest_db = max((chunk.level_db for chunk in self._recent), default=SILENCE_DB)
        self._recent.clear()
        return loudest_db

    def tap(self, observer: Callable[[AudioChunk], None]) -> Callable[[], None]:
        """Hand every later chunk to ``observer``, which must be quick; call the result to end it."""
        self._taps.append(observer)
        return lambda: self._taps.remove(observer)

    async def __aenter__(self) -> Self:
        await self._microphone.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._microphone.__aexit__(kind, error, trace)

    async def chunks(self) -> AsyncGenerator[AudioChunk]:
        """As the microphone gives them."""
        async with aclosing(self._microphone.chunks()) as chunks:
            async for chunk in chunks:
                self.last_chunk_at_s = self._clock()
                self._recent.append(chunk)
                for observer in tuple(self._taps):
                    observer(chunk)
                yield chunk


class MeteredSpeaker:
    """A ``Speaker`` that passes everything on."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._ahead: deque[AudioChunk] = deque()
        """Chunks that were handed over and not yet heard; ``start_s`` counts from ``start``."""
        self._handed_s = 0.0
        self._paused = False

    @property
    def capabilities(self) -> Capabilities:
        """As the loudspeaker says."""
        return self._speaker.capabilities

    @property
    def played_s(self) -> float:
        """As the loudspeaker says."""
        return self._speaker.played_s

    @property
    def level_db(self) -> float:
        """Of what is being heard just now; ``SILENCE_DB`` where nothing is."""
        if self._paused:
            return SILENCE_DB
        now_s = self._speaker.played_s
        self._drop_heard(now_s)
        return self._ahead[0].since(now_s).until(now_s + MOMENT_S).level_db if self._ahead else SILENCE_DB

    async def __aenter__(self) -> Self:
        await self._speaker.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._speaker.__aexit__(kind, error, trace)

    async def start(self) -> None:
        """As the loudspeaker does."""
        self._forget()
        await self._speaker.start()

    async def play(self, chunk: AudioChunk) -> None:
        """As the loudspeaker does."""
        self._drop_heard(self._speaker.played_s)
        self._ahead.append(replace(chunk, start_s=self._handed_s))
        self._handed_s += chunk.duration_s
        await self._speaker.play(chunk)

    async def finish(self) -> None:
        """As the loudspeaker does."""
        await self._speaker.finish()
        self._forget()

    def stop(self) -> None:
        """As the loudspeaker does."""
        self._forget()
        self._speaker.stop()

    def pause(self) -> None:
        """As the loudspeaker does."""
        self._paused = True
        self._speaker.pause()

    def resume(self, back_s: float = 0.0) -> None:
        """As the loudspeaker does. What is heard again was measured before and is not measured anew."""
        self._paused = False
        self._speaker.resume(back_s)

    def _drop_heard(self, now_s: float) -> None:
        while self._ahead and self._ahead[0].end_s <= now_s:
            self._ahead.popleft()

    def _forget(self) -> None:
        self._ahead.clear()
        self._handed_s = 0.0
        self._paused = False
