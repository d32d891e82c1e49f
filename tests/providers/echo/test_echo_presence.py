"""Whether there is an echo is told from what a filter takes out."""

from __future__ import annotations

import numpy as np
import pytest

from providers.echo.echo_presence import DOUBTFUL_S, FAINT_DB, FOUND_DB, GONE_DB, GONE_S, EchoPresence

pytestmark = pytest.mark.unit

STEP_S = 0.01


def judged(presence: EchoPresence, seconds: float, softer_db: float, played: float = 0.1) -> bool:
    """After so long in which the filter makes what is heard softer by that much."""
    rng = np.random.default_rng(1)
    present = False
    for _ in range(round(seconds / STEP_S)):
        heard = rng.normal(0, 0.05, 160).astype(np.float32)
        present = presence.judge(
            heard, heard * np.float32(10 ** (-softer_db / 20)), np.full(160, played, dtype=np.float32)
        )
    return present


def test_until_it_knows_there_is_one() -> None:
    presence = EchoPresence(STEP_S)
    assert judged(presence, DOUBTFUL_S - 0.1, 0.0)
    assert not judged(presence, 0.2, 0.0)


def test_one_that_is_found_later_is_there_at_once() -> None:
    presence = EchoPresence(STEP_S)
    judged(presence, 2.0, 0.0)
    assert judged(presence, 0.5, 2 * FOUND_DB)


def test_a_faint_one_is_found_in_the_long_run() -> None:
    presence = EchoPresence(STEP_S)
    judged(presence, 5.0, 0.0)
    assert not judged(presence, 0.2, 2 * FAINT_DB)
    assert judged(presence, 3.0, 2 * FAINT_DB)


def test_what_two_voices_have_in_common_for_a_moment_is_none() -> None:
    presence = EchoPresence(STEP_S)
    judged(presence, 0.05, 6.0)
    assert not judged(presence, 2.0, 0.0)


def test_a_trace_alone_finds_nothing_but_keeps_what_was_found() -> None:
    presence, trace_db = EchoPresence(STEP_S), (GONE_DB + FAINT_DB) / 2
    judged(presence, 1.0, 0.0)
    assert not judged(presence, 5.0, trace_db)
    judged(presence, 1.0, 10.0)
    assert judged(presence, 4 * GONE_S, trace_db)


def test_a_customer_who_drowns_it_for_a_sentence_does_not_end_it_but_its_lasting_absence_does() -> None:
    presence = EchoPresence(STEP_S)
    judged(presence, 1.0, 10.0)
    assert judged(presence, GONE_S - 0.5, 0.0)
    assert not judged(presence, 2 * GONE_S, 0.0)


def test_silence_of_the_loudspeaker_tells_nothing() -> None:
    presence = EchoPresence(STEP_S)
    assert judged(presence, 3 * GONE_S, 0.0, played=0.0)
