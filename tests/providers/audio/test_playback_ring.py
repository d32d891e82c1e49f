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


def test_a_pause_fades_and_keeps_what_was_not_taken() -> None:
    ring = PlaybackRing(100)
    ring.write(np.full(100, 1000, np.int16))
    taken(ring, 60)
    ring.pause(5)
    assert taken(ring, 3) == [1000, 750, 500]
    assert taken(ring, 4) == [250, 0, 0, 0]
    assert (ring.taken, ring.stored, ring.ran_dry) == (60, 40, 0)
    ring.resume(back=0, rise_samples=5)
    assert taken(ring, 3) == [0, 250, 500]
    assert taken(ring, 4) == [750, 1000, 1000, 1000]
    assert (ring.taken, ring.stored) == (67, 33)


@pytest.mark.parametrize(("back", "first"), [(0, 20), (3, 17), (9, 11), (99, 9)])
def test_it_goes_back_to_what_is_still_kept(back: int, first: int) -> None:
    ring = PlaybackRing(6, keep=8)
    for number in range(0, 20, 4):
        ring.write(counting(number, number + 4))
        taken(ring, 4)
    ring.write(counting(20, 23))
    ring.pause(0)
    ring.resume(back, rise_samples=0)
    assert ring.taken == first
    assert ring.write(counting(23, 40)) == max(0, 6 - (23 - first)), "no more than before lies ahead"
    assert taken(ring, 23 - first) == list(range(first, 23))


def test_what_is_written_over_is_kept_no_more() -> None:
    ring = PlaybackRing(6, keep=2)
    ring.write(counting(0, 6))
    taken(ring, 6)
    ring.write(counting(6, 12))
    ring.pause(0)
    ring.resume(back=6, rise_samples=0)
    assert taken(ring, 8) == list(range(4, 12))


def test_nothing_of_an_answer_before_is_gone_back_to() -> None:
    for end in (PlaybackRing.restart, lambda ring: ring.cut(0)):
        ring = PlaybackRing(6, keep=8)
        ring.write(counting(0, 6))
        taken(ring, 4)
        ring.pause(0)
        end(ring)
        assert not ring.paused
        ring.write(counting(10, 12))
        ring.pause(0)
        ring.resume(back=6, rise_samples=0)
        assert taken(ring, 4) == [10, 11, 0, 0]


def test_a_pause_that_ends_at_once_is_heard_whole() -> None:
    ring = PlaybackRing(10)
    ring.write(np.full(10, 800, np.int16))
    ring.pause(3)
    ring.resume(back=0, rise_samples=3)
    assert taken(ring, 9) == [800, 400, 0, 0, 400, 800, 800, 800, 800]
