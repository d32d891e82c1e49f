"""A shop for ``benchmarks.echo``: what the microphone hears of a loudspeaker, and the whole path of echo cancelling.

The loudspeaker bends loud sounds, the room answers for 0.2 s, microphone and loudspeaker have clocks of their own and
tell their delays wrongly. All of it passes faster than real time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr

from pipeline.audio import FRAME_S, LISTENING_RATE_HZ, AudioChunk, from_float
from pipeline.echo_cancelling import EchoCancelling
from pipeline.protocols import EchoCanceller
from providers.audio.played_sound import PlayedSound

SPEAKER_HZ = 48_000
BLOCK_S = 0.02
OUTPUT_S = 0.1
"""From the loudspeaker's callback to the air."""
INPUT_S = 0.06
"""From the air to the microphone's callback."""


@dataclass(frozen=True, slots=True)
class Room:
    """How the loudspeaker's sound comes to the microphone."""

    level_db: float = -6.0
    """Of the echo over what is played."""
    delay_s: float = 0.02
    """Of the straight path beyond what the devices tell: negative where they tell too much."""
    tail_s: float = 0.2
    """Length of the room's answer; 0 is no room at all."""
    bends: float = 0.3
    """How loud, of full scale, the loudspeaker still plays without bending; 0 plays everything as it is."""
    drift_ppm: float = 50.0
    """By how much the microphone's clock is faster."""
    wander_s: float = 0.004
    """How wrong single accounts of a delay are."""
    noise_db: float = -65.0
    """Of the room, over full scale."""

    def echo(self, played: np.ndarray) -> np.ndarray:
        """float64 from float64, both at 16 kHz in [-1, 1]."""
        rng = np.random.default_rng(5)
        sound = self.bends * np.tanh(played / self.bends) if self.bends else played
        if self.tail_s:
            at = np.arange(round(self.tail_s * LISTENING_RATE_HZ))
            answer = rng.normal(size=len(at)) * np.exp(-6.9 * at / len(at))
            answer[0] = 3.0  # the straight path
            answer /= np.sqrt(np.sum(answer**2))
            size = len(sound) + len(answer)
            sound = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(answer, size), size)[: len(sound)]
        late = round(self.delay_s * LISTENING_RATE_HZ)
        sound = np.concatenate([np.zeros(max(0, late)), sound, np.zeros(max(0, -late))])[max(0, -late) :][: len(played)]
        if self.drift_ppm:
            times = np.arange(len(sound)) * (1 - self.drift_ppm * 1e-6)
            sound = np.interp(times, np.arange(len(sound)), sound)
        return sound * 10 ** (self.level_db / 20)


def through(
    room: Room, canceller: EchoCanceller | None, played: np.ndarray, customer: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """What the microphone hears, and what is left of it; both int16 at 16 kHz, in step; the same without a canceller.

    ``played`` and ``customer``: float64 at 16 kHz, the latter as loud as it is at the microphone.
    """
    rng = np.random.default_rng(6)
    heard = room.echo(played) + rng.normal(0, 10 ** (room.noise_db / 20), len(played))
    heard[: len(played)] += 0.0 if customer is None else customer
    raw = from_float(heard, LISTENING_RATE_HZ).pcm
    if canceller is None:
        return raw, raw
    sound = PlayedSound()
    track, cancelling = sound.begin(), EchoCancelling(canceller, sound)
    given = from_float(soxr.resample(played, LISTENING_RATE_HZ, SPEAKER_HZ), SPEAKER_HZ).pcm
    size, step, done = round(BLOCK_S * SPEAKER_HZ), round(FRAME_S * LISTENING_RATE_HZ), 0
    out = []
    for at in range(0, len(raw) - step + 1, step):
        now_s = (at + step) / LISTENING_RATE_HZ + INPUT_S  # when the microphone's callback comes
        while done + size <= len(given) and done / SPEAKER_HZ - OUTPUT_S <= now_s:
            account_s = done / SPEAKER_HZ + rng.uniform(-1, 1) * room.wander_s
            track.report(given[done : done + size], SPEAKER_HZ, account_s)
            done += size
        chunk = AudioChunk(raw[at : at + step], LISTENING_RATE_HZ, at / LISTENING_RATE_HZ)
        out.append(cancelling.clean(chunk, chunk.start_s + rng.uniform(-1, 1) * room.wander_s).pcm)
    clean = np.concatenate(out)
    late = round(cancelling.late_s * LISTENING_RATE_HZ)
    return raw[: len(clean) - late], clean[late:]
