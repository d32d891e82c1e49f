"""Speech of made-up sound, with and without babble."""

from __future__ import annotations

import numpy as np
import pytest

from providers.tts.voice_worker.babble import LETTERS_PER_S, BabbleGuard, Sound, expected_s, longest_s, looped

pytestmark = pytest.mark.unit

RATE_HZ = 24_000
TEXT = "the olive oil is in aisle seven next to the vinegar"  # 41 letters: 3.4 s


def tone(duration_s: float, level: float = 0.1) -> Sound:
    """As loud as speech, with its ups and downs."""
    at = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    return (level * np.sin(2 * np.pi * 180 * at) * (1 + 0.5 * np.sin(2 * np.pi * 4 * at))).astype(np.float32)


def hush(duration_s: float) -> Sound:
    """A pause is seldom digital silence."""
    return np.random.default_rng(1).normal(0, 1e-4, round(duration_s * RATE_HZ)).astype(np.float32)


def heard_s(*parts: Sound, text: str = TEXT, language: str = "en", speed: float = 1.0, chunk: int = 4321) -> float:
    """Seconds that get through, fed in chunks until the guard ends it."""
    guard = BabbleGuard(text, language, RATE_HZ, speed)
    sound = np.concatenate(parts)
    said = []
    for start in range(0, len(sound), chunk):
        said.append(guard.feed(sound[start : start + chunk]))
        if guard.ended:
            break
    said.append(guard.flush())
    assert guard.ended
    return len(np.concatenate(said)) / RATE_HZ


def test_calm_speech_has_the_length_of_its_letters() -> None:
    assert expected_s(TEXT, "en") == pytest.approx(41 / 12)
    assert expected_s("yes, of course.", "en") == pytest.approx(11 / 12 + 0.35), "a mark inside is a pause"
    assert expected_s("ni3hao3", "zh") < 0.5
    assert longest_s("", "en") == 1.0
    assert expected_s(TEXT, "xx") == expected_s(TEXT, "en")


def test_every_language_is_known() -> None:
    assert len(LETTERS_PER_S) == 17


@pytest.mark.parametrize("duration_s", [0.05, 2.0, 3.4, 6.0])
def test_speech_without_a_pause_is_left_as_it_is(duration_s: float) -> None:
    assert heard_s(tone(duration_s)) == pytest.approx(duration_s, abs=0.001)


def test_pauses_of_speech_are_left_as_they_are() -> None:
    parts = [tone(1.0), hush(0.8), tone(1.5), hush(0.3), tone(1.2), hush(0.1)]
    assert heard_s(*parts) == pytest.approx(4.9, abs=0.02)


def test_sound_passes_unchanged() -> None:
    guard = BabbleGuard(TEXT, "en", RATE_HZ)
    sound = np.concatenate([tone(2.5), hush(0.3), tone(0.6)])
    said = [guard.feed(part) for part in np.array_split(sound, 7)]
    assert np.array_equal(np.concatenate([*said, guard.flush()]), sound)


def test_sound_is_handed_on_at_once() -> None:
    guard = BabbleGuard(TEXT, "en", RATE_HZ)
    assert len(guard.feed(tone(0.5))) == RATE_HZ // 2


@pytest.mark.parametrize("chunk", [100, 4321, 22_320, 1_000_000])
def test_what_comes_after_a_long_silence_at_the_end_is_cut(chunk: int) -> None:
    assert heard_s(tone(3.4), hush(0.8), tone(1.0), chunk=chunk) == pytest.approx(3.4 + 0.15, abs=0.03)


def test_a_long_pause_at_a_mark_is_none_of_that() -> None:
    text = "the olive oil is in aisle seven, next to the vinegar"
    parts = [tone(3.0), hush(0.8), tone(1.0)]
    assert heard_s(*parts, text=text) == pytest.approx(4.8, abs=0.02)


def test_a_short_word_may_not_babble_long() -> None:
    assert heard_s(tone(0.4), hush(0.7), tone(3.0), text="yes") == pytest.approx(0.55, abs=0.03)
    assert heard_s(tone(9.0), text="yes") == pytest.approx(1.5, abs=0.001)


def test_a_breath_before_the_end_is_cut() -> None:
    assert heard_s(tone(3.5), hush(0.35), tone(0.12)) == pytest.approx(3.65, abs=0.03)
    assert heard_s(tone(3.5), hush(0.35), tone(0.12), hush(0.05)) == pytest.approx(3.65, abs=0.03)


def test_a_last_word_after_a_pause_is_said() -> None:
    assert heard_s(tone(3.5), hush(0.35), tone(0.3)) == pytest.approx(4.15, abs=0.02)


def test_a_short_word_within_the_expected_length_is_said() -> None:
    assert heard_s(tone(2.6), hush(0.35), tone(0.12)) == pytest.approx(3.07, abs=0.02)


def test_silence_at_the_end_is_shortened() -> None:
    assert heard_s(tone(3.4), hush(0.4)) == pytest.approx(3.55, abs=0.03)


def test_murmur_counts_as_silence() -> None:
    assert heard_s(tone(3.4), tone(2.0, level=0.001)) == pytest.approx(3.55, abs=0.03)


def test_the_text_bounds_the_length_and_the_end_fades() -> None:
    guard = BabbleGuard(TEXT, "en", RATE_HZ)
    said = guard.feed(tone(30.0))
    assert guard.ended
    assert len(said) == round(longest_s(TEXT, "en") * RATE_HZ)
    assert abs(said[-1]) < 1e-6
    assert np.abs(said[-2400:-480]).max() > 0.05, "it fades in 20 ms, not earlier"
    assert len(guard.feed(tone(1.0))) == 0


def test_slow_speech_may_last_longer() -> None:
    assert heard_s(tone(60.0), speed=0.5) == pytest.approx(2 * longest_s(TEXT, "en"), abs=0.001)
    assert heard_s(tone(60.0), speed=2.0) == pytest.approx(longest_s(TEXT, "en") / 2, abs=0.001)


def test_silence_before_the_first_word_is_no_end() -> None:
    assert heard_s(hush(0.9), tone(0.4), text="yes") == pytest.approx(1.3, abs=0.01)


def test_silence_alone_ends() -> None:
    assert heard_s(hush(30.0)) == pytest.approx(longest_s(TEXT, "en"), abs=0.001)


def test_tokens_that_turn_in_circles_are_noticed() -> None:
    assert looped([7] * 24)
    assert looped([1, 2, 3] + [4, 5, 6, 7] * 6)
    assert looped([*range(12)] * 3)
    assert not looped([7] * 23)
    assert not looped([*range(200)])
    assert not looped([*range(100), *[5] * 20, 6])
    assert not looped([])
