"""A loudspeaker of the right loudness."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from pipeline.amplifier import Amplifier
from pipeline.audio import AudioChunk
from pipeline.loudness import Loudness
from pipeline.protocols import Capabilities, Speaker


class AmplifiedSpeaker:
    """A ``Speaker`` that hands everything on, as loud as ``Loudness`` says.

    A new loudness is heard from the next chunk on, which is up to half a second later than it was wanted.
    """

    def __init__(self, speaker: Speaker, loudness: Loudness, room_db: Callable[[], float | None]) -> None:
        """``room_db``: the room's noise, dB relative to full scale, None where not known."""
        self._speaker = speaker
        self._loudness = loudness
        self._room_db = room_db
        self._amplifier = Amplifier()

    @property
    def capabilities(self) -> Capabilities:
        """As the loudspeaker says."""
        return self._speaker.capabilities

    @property
    def played_s(self) -> float:
        """As the loudspeaker says."""
        return self._speaker.played_s

    async def __aenter__(self) -> Self:
        await self._speaker.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._speaker.__aexit__(kind, error, trace)

    async def start(self) -> None:
        """As the loudspeaker does; as loud as the room calls for now."""
        self._loudness.hear_room(self._room_db())
        self._amplifier = Amplifier(self._loudness.gain_db)
        await self._speaker.start()

    async def play(self, chunk: AudioChunk) -> None:
        """As the loudspeaker does."""
        await self._speaker.play(self._amplifier.amplified(chunk, self._loudness.gain_db))

    async def finish(self) -> None:
        """As the loudspeaker does."""
        await self._speaker.finish()

    def stop(self) -> None:
        """As the loudspeaker does."""
        self._speaker.stop()

    def pause(self) -> None:
        """As the loudspeaker does."""
        self._speaker.pause()

    def resume(self, back_s: float = 0.0) -> None:
        """As the loudspeaker does."""
        self._speaker.resume(back_s)
