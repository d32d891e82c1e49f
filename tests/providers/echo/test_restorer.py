"""What a suppressor takes from a voice is given back, what it takes from an echo is not."""

from __future__ import annotations

import numpy as np
import pytest

from providers.echo.restorer import MOST, Restorer

pytestmark = pytest.mark.unit

STEP, LATE = 160, 128


def restored(through: float, seconds: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """The end of a sound of which a suppressor lets so much pass, and the sound, in step."""
    sound = np.random.default_rng(1).normal(0, 0.1, round(seconds * 16_000)).astype(np.float32)
    late = np.concatenate([np.zeros(LATE, np.float32), sound])[: len(sound)]
    restorer = Restorer(LATE)
    out = [restorer.restore(late[at : at + STEP] * through, sound[at : at + STEP]) for at in range(0, len(sound), STEP)]
    return np.concatenate(out)[-STEP:], late[-STEP:]


def test_a_dented_voice_is_mended() -> None:
    out, sound = restored(0.9)
    assert out == pytest.approx(sound * (0.9 + 0.1 * MOST), abs=1e-6)


@pytest.mark.parametrize("through", [0.0, 0.1, 0.45])
def test_what_is_held_back_stays_away(through: float) -> None:
    out, sound = restored(through)
    assert out == pytest.approx(sound * through, abs=1e-6)


def test_what_passes_whole_stays_as_it_is() -> None:
    out, sound = restored(1.0)
    assert out == pytest.approx(sound, abs=1e-6)


def test_it_comes_and_goes_without_a_step() -> None:
    """A suppressor that opens at once: the share grows over a whole step, sample by sample."""
    restorer, constant = Restorer(0), np.full(STEP, 0.5, np.float32)
    for _ in range(20):
        restorer.restore(constant * 0.0, constant)
    out = np.concatenate([restorer.restore(constant * 0.9, constant) for _ in range(20)])
    assert np.abs(np.diff(out)).max() < 0.05 * MOST / STEP * 2
