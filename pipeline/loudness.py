"""How loud answers are: what the shop set, what the customer asked for, and what the room's noise calls for."""

from __future__ import annotations

from dataclasses import dataclass

LOWEST_DB, HIGHEST_DB = -30.0, 12.0
"""Range of the shop's volume."""

STEP_DB = 4.0
"""What one "louder" or "softer" changes: clearly heard, and three of them are more than twice as loud."""

CUSTOMER_MOST_DB = 12.0
"""The most that a customer's wishes change, up or down: the next one must neither be shouted at nor hear nothing."""

MOST_DB = 12.0
"""The most that all of it together amplifies: a voice that fills the range gets hardly louder beyond
(docs/decisions/143)."""

FOLLOW_SHARE = 0.5
"""Decibels that an answer gains for each decibel of noise. People raise their voice by about as much (Lombard effect:
0.3 to 1, H. Lane and B. Tranel, J. Speech Hear. Res. 14, 1971); below 1 our own sound, taken for noise, dies away."""

LEAST_CHANGE_DB = 1.0
"""A smaller change is not heard as one."""


@dataclass(frozen=True, slots=True)
class LoudnessSettings:
    """What the shop decides."""

    volume_db: float = 0.0
    """Decibels, ``LOWEST_DB`` to ``HIGHEST_DB``; 0 leaves the voices as they are."""

    follow_noise: bool = True
    """Whether answers get louder in a noisy room."""

    quiet_room_db: float = -50.0
    """Level of the room's noise at the microphone (dB relative to full scale) above which they do, -90 to -20."""

    follow_most_db: float = 9.0
    """The most that noise adds, 0 to 12 dB."""


class Loudness:
    """The gain of the answers, in dB."""

    def __init__(self, settings: LoudnessSettings | None = None) -> None:
        self._settings = settings or LoudnessSettings()
        self._volume_db = self._settings.volume_db
        self._customer_db = 0.0
        self._noise_db = 0.0

    @property
    def gain_db(self) -> float:
        """Of what is said from now on; never above ``MOST_DB``."""
        return min(self._wanted_db(), MOST_DB)

    @property
    def volume_db(self) -> float:
        """The shop's part of it."""
        return self._volume_db

    @volume_db.setter
    def volume_db(self, volume_db: float) -> None:
        self._volume_db = min(max(volume_db, LOWEST_DB), HIGHEST_DB)

    def louder(self) -> bool:
        """A customer asks for it; False where it gets no louder."""
        return self._step(STEP_DB)

    def softer(self) -> bool:
        """A customer asks for it; False where it gets no softer."""
        return self._step(-STEP_DB)

    def reset(self) -> None:
        """The customer has gone."""
        self._customer_db = 0.0

    def hear_room(self, floor_db: float | None) -> None:
        """An answer begins in a room with this noise (dB relative to full scale), None where that is not known.

        Only then: a voice that changes while it speaks, or after the customer's own words, would sound restless.
        """
        if floor_db is None or not self._settings.follow_noise:
            return
        above_db = max(0.0, floor_db - self._settings.quiet_room_db)
        self._noise_db = min(above_db * FOLLOW_SHARE, self._settings.follow_most_db)

    def _wanted_db(self) -> float:
        return self._volume_db + self._customer_db + self._noise_db

    def _step(self, step_db: float) -> bool:
        before_db = self.gain_db
        customer_db = min(max(self._customer_db + step_db, -CUSTOMER_MOST_DB), CUSTOMER_MOST_DB)
        if step_db > 0:  # what would have no effect now must not have to be taken back by "softer" later
            customer_db = min(customer_db, max(self._customer_db, MOST_DB - self._volume_db - self._noise_db))
        old_db, self._customer_db = self._customer_db, customer_db
        if abs(self.gain_db - before_db) >= LEAST_CHANGE_DB:
            return True
        self._customer_db = old_db
        return False
