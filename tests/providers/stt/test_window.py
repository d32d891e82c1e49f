"""How long a window an utterance gets."""

from __future__ import annotations

import pytest

from providers.stt.window import ACFT_WINDOW, PLAIN_WINDOW, STAND_IN_WINDOW, sure_of, window_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("content", "stand_in", "plain"),
    [
        (1, 300, 500),
        (200, 300, 500),
        (300, 300, 600),
        (301, 350, 600),
        (640, 650, 900),
        (1000, 1000, 1300),
        (1001, None, 1300),
        (2244, None, 2500),
        (2245, None, None),
        (3000, None, None),
    ],
)
def test_the_utterance_and_its_margin(content: int, stand_in: int | None, plain: int | None) -> None:
    assert STAND_IN_WINDOW.frames(content) == stand_in
    assert PLAIN_WINDOW.frames(content) == plain


@pytest.mark.parametrize("window", [STAND_IN_WINDOW, ACFT_WINDOW, PLAIN_WINDOW])
def test_windows_are_even_and_hold_the_utterance(window) -> None:
    for content in range(1, 3000):
        frames = window.frames(content)
        assert frames is None or (frames % 2 == 0 and content + window.margin_frames <= frames < 3000)


def test_by_name() -> None:
    assert sure_of("whisper-kiosk-en", 0.99) is True
    assert sure_of("whisper-kiosk-en", 0.9) is False
    assert sure_of("whisper-base.en", 0.99) is None
    assert window_of("whisper-kiosk-en") is STAND_IN_WINDOW
    assert window_of("acft-whisper-tiny.en") is window_of("whisper-base-ACFT") is ACFT_WINDOW
    assert window_of("whisper-base.en") is window_of("our-own") is PLAIN_WINDOW
