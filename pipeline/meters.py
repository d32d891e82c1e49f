"""What passes through microphone and loudspeaker, for those who watch: how loud, and how long ago."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from pipeline.audio import FRAME_S, SILENCE_DB, AudioChunk
from pipeline.passing import PassingMicrophone, PassingSpeaker
from pipeline.protocols import Microphone, Speaker

KEPT_S = 1.0
"""Audio seconds of the microphone that are kept for whoever asks how loud it was."""

MOMENT_S = 0.1
"""Audio seconds of the loudspeaker that are measured: some voices hand over a whole sentence at once, and what is heard
just now is a word of it."""


class MeteredMicrophone(PassingMicrophone):
    """A ``Microphone`` that passes everything on. While nobody asks, it costs two assignments a chunk."""

    def __init__(self, microphone: Microphone, clock: Callable[[], float]) -> None:
        """``clock`` gives seconds and never jumps."""
        super().__init__(microphone)
        self._clock = clock
        self._recent: deque[AudioChunk] = deque(maxlen=round(KEPT_S / FRAME_S))
        self._taps: list[Callable[[AudioChunk], None]] = []
        self.last_chunk_at_s: float | None = None
        """Clock time of the last chunk, None before the first."""

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

    async def chunks(self) -> AsyncGenerator[AudioChunk]:
        """As the microphone gives them."""
        async with aclosing(super().chunks()) as chunks:
            async for chunk in chunks:
                self.last_chunk_at_s = self._clock()
                self._recent.append(chunk)
                for observer in tuple(self._taps):
                    observer(chunk)
                yield chunk


class MeteredSpeaker(PassingSpeaker):
    """A ``Speaker`` that passes everything on."""

    def __init__(self, speaker: Speaker) -> None:
        super().__init__(speaker)
        self._ahead: deque[AudioChunk] = deque()
        """Chunks that were handed over and not yet heard; ``start_s`` counts from ``start``."""
        self._handed_s = 0.0
        self._paused = False

    @property
    def level_db(self) -> float:
        """Of what is being heard just now; ``SILENCE_DB`` where nothing is."""
        if self._paused:
            return SILENCE_DB
        now_s = self.played_s
        self._drop_heard(now_s)
        return self._ahead[0].since(now_s).until(now_s + MOMENT_S).level_db if self._ahead else SILENCE_DB

    async def start(self) -> None:
        """As the loudspeaker does."""
        self._forget()
        await super().start()

    async def play(self, chunk: AudioChunk) -> None:
        """As the loudspeaker does."""
        self._drop_heard(self.played_s)
        self._ahead.append(replace(chunk, start_s=self._handed_s))
        self._handed_s += chunk.duration_s
        await super().play(chunk)

    async def finish(self) -> None:
        """As the loudspeaker does."""
        await super().finish()
        self._forget()

    def stop(self) -> None:
        """As the loudspeaker does."""
        self._forget()
        super().stop()

    def pause(self) -> None:
        """As the loudspeaker does."""
        self._paused = True
        super().pause()

    def resume(self, back_s: float = 0.0) -> None:
        """As the loudspeaker does. What is heard again was measured before and is not measured anew."""
        self._paused = False
        super().resume(back_s)

    def _drop_heard(self, now_s: float) -> None:
        while self._ahead and self._ahead[0].end_s <= now_s:
            self._ahead.popleft()

    def _forget(self) -> None:
        self._ahead.clear()
        self._handed_s = 0.0
        self._paused = False
