"""What the network learns from: phoneme ids, their durations, and the teacher's sound frame by frame (by WORLD)."""

import pickle
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt

from piper_kiosk.bands import Array, aperiodicity_filter, envelope_filter
from piper_kiosk.dimensions import F0_HIGH_HZ, F0_LOW_HZ, FRAME_RATE_HZ, HOP, SAMPLE_RATE_HZ
from piper_kiosk.options import Options
from piper_kiosk.phonemes import Unit, align, make_phonemizer, symbols_of, to_units
from piper_kiosk.teacher import Segment, load_readings, recording

LEAD_S, TAIL_S = 0.06, 0.12
"""Silence kept before and after a teacher's recording."""
WORST_ALIGNMENT = 0.10
"""Sentences whose units cost more than this on average are left out: teacher and Piper say different phones."""
FIRST_HALF = {"tʃ": 0.45, "dʒ": 0.45}
"""Share of a two-symbol unit's time that its first symbol gets; 0.55 for all others."""


@dataclass(frozen=True)
class Utterance:
    """One sentence as the network sees it."""

    line: int
    """Its line in text.txt, from 0."""
    ids: npt.NDArray[np.int16]
    """Piper's phoneme ids, shape (n,)."""
    durations: npt.NDArray[np.float32]
    """Frames of each id, shape (n,), not whole numbers."""
    envelope: npt.NDArray[np.float16]
    """Log power in 64 bands, shape (frames, 64)."""
    pitch: npt.NDArray[np.float32]
    """Log of the pitch in Hz, interpolated where voiceless, shape (frames,)."""
    voiced: npt.NDArray[np.bool_]
    aperiodicity: npt.NDArray[np.float16]
    """0 to 1, shape (frames, 6)."""

    def outputs(self) -> npt.NDArray[np.float32]:
        """What the network shall say, shape (frames, 72)."""
        voiced = self.voiced[:, None]
        return np.concatenate([self.envelope, self.pitch[:, None], voiced, self.aperiodicity], 1, dtype=np.float32)


@dataclass(frozen=True)
class Aligned:
    """One of the teacher's recordings whose phones were found among Piper's phonemes."""

    line: int
    wav: Path
    segments: list[Segment]
    ids: list[int]
    units: list[Unit]
    durations_s: list[float]
    """Of each unit."""

    def bounds_s(self, length_s: float) -> tuple[float, float]:
        """Start and end of the part of the recording to learn from."""
        start_s = max(0.0, self.segments[0].duration_s - LEAD_S)
        spoken_s = sum(segment.duration_s for segment in self.segments)
        return start_s, min(length_s, spoken_s - max(0.0, self.segments[-1].duration_s - TAIL_S))

    def id_durations_s(self, start_s: float, end_s: float) -> Array:
        """Duration of each id within the bounds."""
        units_s = list(self.durations_s)
        units_s[0] -= start_s
        units_s[-1] = max(0.0, end_s - start_s - sum(units_s[:-1]))
        durations = np.zeros(len(self.ids))
        for unit, unit_s in zip(self.units, units_s, strict=True):
            first, *second = (2 * position for position in unit.positions)  # ids are ^ _ s _ s _ … $
            share = FIRST_HALF.get(unit.text, 0.55) if second else 1
            durations[first] += unit_s * share
            if second:
                durations[second[0]] += unit_s * (1 - share)
        return durations


def analyse(aligned: Aligned) -> Utterance | None:
    """Analyse one recording with WORLD (Morise 2016); None where it has next to no voiced sound."""
    import pyworld
    import soundfile

    x, rate_hz = soundfile.read(str(aligned.wav))
    if rate_hz != SAMPLE_RATE_HZ:
        raise ValueError(f"{aligned.wav} has {rate_hz} Hz instead of {SAMPLE_RATE_HZ}")
    start_s, end_s = aligned.bounds_s(len(x) / SAMPLE_RATE_HZ)
    times_s = np.arange(int((end_s - start_s) * SAMPLE_RATE_HZ / HOP) + 1) * HOP / SAMPLE_RATE_HZ + start_s
    times_s = times_s[times_s <= len(x) / SAMPLE_RATE_HZ]
    f0, voiced = _pitch(x, times_s)
    spectrum = pyworld.cheaptrick(x, f0, times_s, SAMPLE_RATE_HZ, f0_floor=F0_LOW_HZ)
    bins = spectrum.shape[1]
    aperiodicity = pyworld.d4c(x, f0, times_s, SAMPLE_RATE_HZ, fft_size=(bins - 1) * 2)
    if voiced.sum() < 5:
        return None
    durations = aligned.id_durations_s(start_s, end_s)
    return Utterance(
        line=aligned.line,
        ids=np.array(aligned.ids, np.int16),
        durations=(durations * SAMPLE_RATE_HZ / HOP).astype(np.float32),
        envelope=np.log(spectrum @ envelope_filter(bins) + 1e-9).astype(np.float16),
        pitch=np.interp(times_s, times_s[voiced], np.log(f0[voiced])).astype(np.float32),
        voiced=voiced,
        aperiodicity=(aperiodicity @ aperiodicity_filter(bins)).astype(np.float16),
    )


def _pitch(x: Array, times_s: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """(pitch in Hz, whether voiced) at some times."""
    import pyworld

    coarse, _ = pyworld.dio(
        x, SAMPLE_RATE_HZ, f0_floor=F0_LOW_HZ, f0_ceil=F0_HIGH_HZ, frame_period=1000.0 * HOP / SAMPLE_RATE_HZ
    )
    grid_s = np.arange(len(coarse)) * HOP / SAMPLE_RATE_HZ
    voiced = np.interp(times_s, grid_s, (coarse > 0).astype(float)) > 0.5
    if (coarse > 0).any():
        smooth = np.interp(times_s, grid_s[coarse > 0], coarse[coarse > 0])
    else:
        smooth = np.full(len(times_s), 100.0)
    f0 = pyworld.stonemask(x, np.where(voiced, smooth, 0.0), times_s, SAMPLE_RATE_HZ)
    return f0, voiced & (f0 > 0)


def align_all(work: Path) -> list[Aligned]:
    """The teacher's recordings that Piper's phonemes fit."""
    from piper.phoneme_ids import phonemes_to_ids

    phonemize, fitting, costs = make_phonemizer(), [], []
    for reading in load_readings(work):
        symbols = symbols_of(reading.text, phonemize)
        units = to_units(symbols) if symbols else None
        if not symbols or not units:
            continue
        durations_s, cost = align(units, reading.segments)
        costs.append(cost)
        if cost <= WORST_ALIGNMENT:
            ids, wav = phonemes_to_ids(symbols[1:-1]), recording(work, reading.line)
            fitting.append(Aligned(reading.line, wav, reading.segments, ids, units, durations_s))
    print(f"{len(fitting)} of {len(costs)} kept; mean alignment cost {np.mean(costs):.3f}", flush=True)
    return fitting


def make_features(options: Options) -> None:
    """Step "features": align and analyse all of the teacher's recordings; writes features.pkl."""
    aligned = align_all(options.work)
    with get_context("fork").Pool(2) as pool:
        data = [utterance for utterance in pool.imap(analyse, aligned, 16) if utterance]
    with (options.work / "features.pkl").open("wb") as out:
        pickle.dump(data, out)
    print(len(data), "utterances,", sum(len(utterance.pitch) for utterance in data) / FRAME_RATE_HZ / 3600, "hours")
