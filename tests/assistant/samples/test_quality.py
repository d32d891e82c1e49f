"""What is said of a recording, on machine voices in good and bad rooms, and on real ones."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from assistant.samples.errors import SampleRefused
from assistant.samples.intake import Intake, Sample
from assistant.samples.quality import Verdict
from tests.assistant.samples.speech import RATE_HZ, Sound, in_room, noise, noisy, piper, silence, spoken, wav

pytestmark = pytest.mark.model

WOMAN, MAN = "en-us+f2", "en-us+m3"
HALF = 7 * RATE_HZ


async def taken(sound: Sound) -> Sample:
    async with Intake() as intake:
        with tempfile.TemporaryFile() as file:
            file.write(wav(sound))
            file.flush()
            file.seek(0)
            return await intake.take(file)


async def verdict(sound: Sound, name: str) -> Verdict:
    return next(one.verdict for one in (await taken(sound)).quality.findings if one.name == name)


async def test_a_good_recording_is_called_good() -> None:
    quality = (await taken(spoken(WOMAN))).quality
    assert [one.name for one in quality.findings] == ["level", "clipping", "noise", "speech", "speakers", "echo"]
    assert quality.verdict is Verdict.GOOD
    assert all(one.advice.endswith(".") for one in quality.findings)


@pytest.mark.parametrize(
    ("name", "sound", "expected"),
    [
        ("level", lambda: 0.1 * spoken(WOMAN), Verdict.FAIR),
        ("level", lambda: 0.03 * spoken(WOMAN), Verdict.POOR),
        ("clipping", lambda: np.clip(8 * spoken(WOMAN), -0.99, 0.99), Verdict.POOR),
        ("noise", lambda: noisy(spoken(WOMAN), 30), Verdict.GOOD),
        ("noise", lambda: noisy(spoken(WOMAN), 20), Verdict.FAIR),
        ("noise", lambda: noisy(spoken(WOMAN), 10), Verdict.POOR),
        ("echo", lambda: in_room(spoken(WOMAN), 0.3), Verdict.FAIR),
        ("echo", lambda: in_room(spoken(WOMAN), 0.6), Verdict.POOR),
        ("speakers", lambda: np.concatenate([spoken(WOMAN, 0)[:HALF], spoken(MAN, 1)[:HALF]]), Verdict.POOR),
        ("speakers", lambda: np.concatenate([spoken(MAN, 0)[:HALF], spoken("en-us+f4", 1)[:HALF]]), Verdict.POOR),
    ],
)
async def test_what_is_wrong_is_told(name: str, sound: object, expected: Verdict) -> None:
    assert callable(sound)
    assert await verdict(sound(), name) is expected


async def test_long_pauses_are_told() -> None:
    pieces = np.array_split(spoken(WOMAN)[: 2 * HALF // 2], 6)
    broken = np.concatenate([np.concatenate([piece, silence(2.0)]) for piece in pieces])
    assert await verdict(broken, "speech") is not Verdict.GOOD


@pytest.mark.parametrize("text", [0, 1])
@pytest.mark.parametrize("voice", [WOMAN, MAN, "en-gb", "en-us+f4", "en-us+m1", "en-us+m7"])
async def test_one_person_is_not_taken_for_two(voice: str, text: int) -> None:
    assert await verdict(spoken(voice, text), "speakers") is Verdict.GOOD


async def test_the_neural_voice_beside_a_man_is_two(bundled_models: Path) -> None:
    alone = piper(0, bundled_models)
    assert await verdict(alone, "speakers") is Verdict.GOOD
    assert await verdict(np.concatenate([alone[:HALF], spoken(MAN, 1)[:HALF]]), "speakers") is Verdict.POOR


@pytest.mark.parametrize("begin_s", [0, 11, 22, 33])
async def test_real_speech_of_one_person_is_never_called_poor(recordings: Path, begin_s: int) -> None:
    sound, rate_hz = soundfile.read(recordings / "speech_60s.wav")
    cut = soxr.resample(sound, rate_hz, RATE_HZ)[begin_s * RATE_HZ : (begin_s + 14) * RATE_HZ]
    assert (await taken(cut)).quality.verdict is not Verdict.POOR


@pytest.mark.parametrize("sound", [silence(10.0), noise(10.0)], ids=["silence", "noise"])
async def test_only_a_recording_without_speech_is_refused(sound: Sound) -> None:
    with pytest.raises(SampleRefused) as refused:
        await taken(sound)
    assert refused.value.reason == "no_speech"
