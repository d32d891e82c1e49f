"""How loud the room is when nobody speaks."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

from pipeline.audio import FRAME_S

WINDOW_S = 3.0
"""Audio seconds without speech that are remembered: the floor has followed a louder room after about this long."""

QUANTILE = 0.3
"""Share of the remembered chunks that is quieter than the floor. Low enough for words that nobody called speech,
high enough that a room's own ups and downs do not all stand out from it."""

FALL_S = 0.25
"""Audio seconds of less noise after which the floor has fallen."""


class NoiseFloor:
    """Rises slowly, falls quickly, and takes no notice of speech."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=round(FALL_S / FRAME_S))
        self._window: deque[float] = deque()
        self._sorted: list[float] = []
        self._floor_db = 0.0

    @property
    def known(self) -> bool:
        """Whether enough was heard for a judgement."""
        return len(self._window) >= round(FALL_S / FRAME_S)

    @property
    def level_db(self) -> float:
        """The floor as known now, dB relative to full scale; 0 where nothing was heard."""
        return self._floor_db

    def update(self, level_db: float, *, speech: bool) -> float:
        """The floor after one more chunk of ``FRAME_S`` with this level (dB relative to full scale).

        ``speech`` says that voice activity takes it for speech, so it tells nothing about the room unless it is
        quieter than the floor.
        """
        if speech and self._window and level_db >= self._floor_db:
            self._recent.clear()
            return self._floor_db
        self._recent.append(level_db)
        self._remember(level_db)
        quiet_db = self._sorted[int(QUANTILE * len(self._sorted))]
        if len(self._recent) == self._recent.maxlen:
            quiet_db = min(quiet_db, max(self._recent))
        self._floor_db = quiet_db
        return quiet_db

    def _remember(self, level_db: float) -> None:
        if len(self._window) >= round(WINDOW_S / FRAME_S):
            oldest = self._window.popleft()
            del self._sorted[bisect_left(self._sorted, oldest)]
        self._window.append(level_db)
        insort(self._sorted, level_db)
