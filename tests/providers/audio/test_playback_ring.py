"""The loudspeaker's ring: bounded, in order, quiet when it is empty, and cut without a click."""

from __future__ import annotations

import numpy as np
import pytest

from providers.audio.playback_ring import PlaybackRing

pytestmark = pytest.mark.unit


def taken(ring: PlaybackRing, count: int) -> list[int]:
    block = np.full(count, 99, np.int16)
    ring.read_into(block)
    return block.tolist()


def counting(first: int, end: int) -> np.ndarray:
    return np.arange(first, end, dtype=np.int16)


def test_it_takes_only_what_it_has_room_for() -> None:
    ring = PlaybackRing(4)
    assert ring.write(counting(1, 4)) == 3
    assert ring.write(counting(4, 9)) == 1
    assert ring.stored == 4


def test_samples_keep_their_order_around_the_edge() -> None:
    ring = PlaybackRing(5)
    written = heard = 0
    out: list[int] = []
    while heard < 40:
        written += ring.write(counting(written, written + 3))
        out += taken(ring, 2)
        heard += 2
    assert out == list(range(40))
    assert ring.taken == 40


def test_silence_where_nothing_is_and_it_does_not_count() -> None:
    ring = PlaybackRing(4)
    ring.write(counting(1, 3))
    assert taken(ring, 4) == [1, 2, 0, 0]
    assert ring.taken == 2


def test_running_dry_counts_once_and_only_within_an_answer() -> None:
    ring = PlaybackRing(8)
    taken(ring, 2)
    assert ring.ran_dry == 0
    ring.write(counting(1, 3))
    for _ in range(3):
        taken(ring, 4)
    assert ring.ran_dry == 1
    ring.write(counting(1, 3))
    ring.complete()
    taken(ring, 4)
    assert ring.ran_dry == 1


def test_a_cut_fades_and_drops_the_rest() -> None:
    ring = PlaybackRing(100)
    ring.write(np.full(100, 1000, np.int16))
    taken(ring, 60)
    ring.cut(5)
    assert taken(ring, 8) == [1000, 750, 500, 250, 0, 0, 0, 0]
    ring.restart()
    assert (ring.taken, ring.stored) == (0, 0)
