"""A loudspeaker of the right loudness."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.amplifier import Amplifier
from pipeline.audio import AudioChunk
from pipeline.loudness import Loudness
from pipeline.passing import PassingSpeaker
from pipeline.protocols import Speaker


class AmplifiedSpeaker(PassingSpeaker):
    """A ``Speaker`` that hands everything on, as loud as ``Loudness`` says.

    A new loudness is heard from the next chunk on, which is up to half a second later than it was wanted.
    """

    def __init__(self, speaker: Speaker, loudness: Loudness, room_db: Callable[[], float | None]) -> None:
        """``room_db``: the room's noise, dB relative to full scale, None where not known."""
        super().__init__(speaker)
        self._loudness = loudness
        self._room_db = room_db
        self._amplifier = Amplifier()

    async def start(self) -> None:
        """As the loudspeaker does; as loud as the room calls for now."""
        self._loudness.hear_room(self._room_db())
        self._amplifier = Amplifier(self._loudness.gain_db)
        await super().start()

    async def play(self, chunk: AudioChunk) -> None:
        """As the loudspeaker does."""
        await super().play(self._amplifier.amplified(chunk, self._loudness.gain_db))
