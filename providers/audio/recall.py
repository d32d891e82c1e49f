"""What was heard of an answer just now, so that a resumed one can go back to it."""

from __future__ import annotations

from collections import deque

from pipeline.audio import AudioChunk

KEPT_S = 2.0
"""Audio seconds that are kept."""


class Recall:
    """The last pieces, each as it was heard."""

    def __init__(self) -> None:
        self._pieces: deque[AudioChunk] = deque()
        self._kept_s = 0.0

    def heard(self, piece: AudioChunk) -> None:
        """One more."""
        self._pieces.append(piece)
        self._kept_s += piece.duration_s
        while self._kept_s - self._pieces[0].duration_s >= KEPT_S:
            self._kept_s -= self._pieces.popleft().duration_s

    def take_back(self, back_s: float) -> list[AudioChunk]:
        """The last ``back_s`` seconds, or as much as there is, no longer among what was heard."""
        taken: deque[AudioChunk] = deque()
        while self._pieces:
            piece = self._pieces.pop()
            part = piece.since(piece.end_s - back_s)
            if len(part.pcm):
                taken.appendleft(part)
                back_s -= part.duration_s
                self._kept_s -= part.duration_s
            if len(part.pcm) < len(piece.pcm):
                self._pieces.append(piece.until(part.start_s))
                break
        return list(taken)

    def forget(self) -> None:
        """Another answer begins."""
        self._pieces.clear()
        self._kept_s = 0.0
