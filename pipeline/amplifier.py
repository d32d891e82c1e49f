"""Makes sound louder or softer without ever clipping it.

Amplified peaks are rounded off towards full scale, and where that would distort too much the gain is turned down around
them, block by block, one block ahead within a chunk. No sample gets quieter by it than it was before. Each alone is
worse (docs/decisions/143). The second is what common limiters do (D. Giannoulis et al., Digital dynamic range
compressor design, JAES 60, 2012).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import FULL_SCALE, AudioChunk, Pcm

ROUND_FROM = FULL_SCALE * 10 ** (-3 / 20)
"""Sample values from which peaks are rounded off."""

KNEE_DB, CEILING_DB = 2.0, 6.0
"""Peaks that would exceed full scale by so much are turned down from the one on, and never reach the other."""

BLOCK_S = 0.005
"""Audio seconds that share a peak: a period of a low voice."""

RELEASE_DB_PER_S = 100.0
"""How fast the gain comes back after a peak; faster would be heard as roughness."""

RAMP_DB_PER_S = 200.0
"""How fast a new gain is reached; at once would click."""

Db = NDArray[np.float64]
"""Decibels, float64, one for each block or for each edge between blocks."""


class Amplifier:
    """For one answer: its chunks follow each other without a step."""

    def __init__(self, gain_db: float = 0.0) -> None:
        self._gain_db = gain_db
        self._reduction_db = 0.0
        """By which the last sample's gain was turned down, at most 0."""

    def amplified(self, chunk: AudioChunk, gain_db: float) -> AudioChunk:
        """The chunk, so much louder. Without a gain it is the same one, untouched."""
        if gain_db == self._gain_db == self._reduction_db == 0.0 or not len(chunk.pcm):
            return chunk
        block = max(1, round(BLOCK_S * chunk.rate_hz))
        count = -(-len(chunk.pcm) // block)
        gains = self._ramp(gain_db, count)
        reductions = self._reductions(_peaks_db(chunk.pcm, block, count), np.maximum(gains[:-1], gains[1:]))
        self._gain_db, self._reduction_db = float(gains[-1]), float(reductions[-1])
        # A reduction never outweighs a gain: what was not amplified needs no room.
        edges = np.where(gains > 0, np.maximum(gains + reductions, 0.0), gains)
        places = np.minimum(np.arange(count + 1) * block, len(chunk.pcm))
        samples = chunk.pcm * np.interp(np.arange(len(chunk.pcm)), places, 10 ** (edges / 20))
        return AudioChunk(np.rint(_rounded(samples, chunk.pcm)).astype(np.int16), chunk.rate_hz, chunk.start_s)

    def _ramp(self, gain_db: float, count: int) -> Db:
        """The gain at each edge, from where it was to ``gain_db``."""
        change_db = gain_db - self._gain_db
        steps = np.minimum(np.arange(count + 1) * BLOCK_S * RAMP_DB_PER_S, abs(change_db))
        return np.asarray(self._gain_db + np.sign(change_db) * steps)

    def _reductions(self, peaks_db: Db, gains: Db) -> Db:
        """By how much the gain is turned down at each edge: enough for the blocks on both sides, and slowly back."""
        over_db = np.maximum(peaks_db + gains - KNEE_DB, 0.0)
        room_db = CEILING_DB - KNEE_DB
        blocks = np.where(gains > 0, room_db * (1 - np.exp(-over_db / room_db)) - over_db, 0.0)
        edges = np.minimum(np.append(blocks, blocks[-1]), np.insert(blocks, 0, min(self._reduction_db, blocks[0])))
        rise = np.arange(len(edges)) * BLOCK_S * RELEASE_DB_PER_S
        return np.asarray(np.minimum.accumulate(edges - rise) + rise)


def _rounded(samples: NDArray[np.float64], original: Pcm) -> NDArray[np.float64]:
    """Within full scale, and nowhere nearer to zero than the original where that was amplified."""
    places = np.flatnonzero(np.abs(samples) > ROUND_FROM)
    loud = samples[places]
    room = FULL_SCALE - 1 - ROUND_FROM
    soft = ROUND_FROM + room * np.tanh((np.abs(loud) - ROUND_FROM) / room)
    least = np.minimum(np.abs(loud), np.abs(original[places].astype(np.float64)))
    samples[places] = np.sign(loud) * np.maximum(soft, least)
    return samples


def _peaks_db(pcm: Pcm, block: int, count: int) -> Db:
    """Of each block, dB relative to full scale."""
    padded = np.zeros(count * block, np.float64)
    padded[: len(pcm)] = np.abs(pcm.astype(np.float64))
    peaks = padded.reshape(count, block).max(axis=1) / FULL_SCALE
    return np.asarray(20 * np.log10(np.maximum(peaks, 1 / FULL_SCALE)))
