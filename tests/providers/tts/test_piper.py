"""Piper with the small voice that comes with the project."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import subprocess
import sys
import threading
from contextlib import AbstractAsyncContextManager, aclosing
from pathlib import Path

import numpy as np
import pytest
import soxr

from pipeline.audio import AudioChunk, joined
from pipeline.errors import ModelDamaged, ModelMissing, ProviderError
from pipeline.protocols import Synthesizer
from pipeline.speakable import speakable
from pipeline.speech import Voice, VoiceSettings
from providers.registry import Resources
from providers.tts import piper
from providers.tts.piper import LAST_VOICE, PiperSynthesizer, Settings
from providers.tts.piper_voice import LoadedVoice, Manner, Stop
from tests.contracts.synthesizer import LONG, SHORT, SynthesizerContract, said
from tests.fakes.models import ListedModels

pytestmark = pytest.mark.model

MODELS = Path(__file__).resolve().parents[3] / "models"
VOICE = Voice(LAST_VOICE, "en")


def opened(folder: Path = MODELS, names: tuple[str, ...] = (LAST_VOICE,), **settings: object) -> PiperSynthesizer:
    models = ListedModels(folder, {"piper": list(names)})
    return piper.create(Settings.model_validate(settings), Resources(models))


class TestContract(SynthesizerContract):
    def opened(self) -> AbstractAsyncContextManager[Synthesizer]:
        return opened()


def median_pitch_hz(audio: AudioChunk) -> float:
    """Of the voiced frames, by autocorrelation between 60 and 300 Hz."""
    samples, rate = audio.as_float().astype(np.float64), audio.rate_hz
    size, pitches = round(0.04 * rate), []
    for start in range(0, len(samples) - size, size // 2):
        frame = samples[start : start + size] - samples[start : start + size].mean()
        correlation = np.correlate(frame, frame, "full")[size - 1 :]
        if correlation[0] < 0.02 * size * 0.1:
            continue
        low, high = rate // 300, rate // 60
        lag = low + int(correlation[low:high].argmax())
        if correlation[lag] > 0.5 * correlation[0]:
            pitches.append(rate / lag)
    return float(np.median(pitches))


async def test_speed_changes_the_duration_and_not_the_pitch() -> None:
    async with opened(sentence_pause_s=0.0) as synthesizer:
        slow, plain, fast = [
            joined(await said(synthesizer, LONG, Voice(LAST_VOICE, "en", VoiceSettings(speed))))
            for speed in (0.5, 1.0, 2.0)
        ]
    assert slow.duration_s / plain.duration_s == pytest.approx(2.0, rel=0.06)
    assert plain.duration_s / fast.duration_s == pytest.approx(2.0, rel=0.06)
    pitch = median_pitch_hz(plain)
    assert 70.0 < pitch < 160.0
    assert median_pitch_hz(slow) == pytest.approx(pitch, rel=0.07)
    assert median_pitch_hz(fast) == pytest.approx(pitch, rel=0.07)


async def test_settings_speed_and_volume() -> None:
    async with opened(sentence_pause_s=0.0) as plain, opened(speed=2.0, volume=0.45, sentence_pause_s=0.0) as changed:
        first, second = joined(await said(plain, SHORT, VOICE)), joined(await said(changed, SHORT, VOICE))
    assert first.duration_s / second.duration_s == pytest.approx(2.0, rel=0.08)
    assert np.abs(first.as_float()).max() == pytest.approx(0.9, abs=0.01)
    assert np.abs(second.as_float()).max() == pytest.approx(0.45, abs=0.01)


async def test_the_same_text_twice_is_the_same_sound() -> None:
    async with opened() as synthesizer:
        first, second = [joined(await said(synthesizer, SHORT, VOICE)) for _ in range(2)]
    assert np.array_equal(first.pcm, second.pcm)


async def test_sentences_are_parted_by_the_pause() -> None:
    async with opened(sentence_pause_s=0.0) as without, opened(sentence_pause_s=0.5) as with_pause:
        lengths = [joined(await said(voice, "Yes. No.", VOICE)).duration_s for voice in (without, with_pause)]
    assert lengths[1] - lengths[0] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    "question",
    ["What time do you close?", "Where can I find the olive oil?", "How much is the bread?", "Where are the tomatoes?"],
)
async def test_it_is_understood(question: str) -> None:
    """The kiosk's own small Whisper, which knows these words, hears what was said."""
    from faster_whisper import WhisperModel

    async with opened() as synthesizer:
        audio = joined(await said(synthesizer, speakable(question, "en"), VOICE))
    samples = soxr.resample(audio.as_float(), audio.rate_hz, 16_000)
    samples = np.concatenate([np.zeros(4000, np.float32), samples, np.zeros(8000, np.float32)])
    model = WhisperModel(str(MODELS / "whisper-kiosk-en"), device="cpu", compute_type="int8", cpu_threads=1)
    segments, _ = model.transcribe(samples, language="en", beam_size=1, without_timestamps=True)
    heard = "".join(segment.text for segment in segments)
    assert words(heard) == words(question)


def words(text: str) -> list[str]:
    return "".join(character for character in text.lower() if character.isalpha() or character == " ").split()


async def test_leaving_stops_the_network() -> None:
    """A sentence of a minute is given up at once, not synthesised to its end behind the next request's back."""
    steps: list[int] = []

    class Counting(LoadedVoice):
        def say(self, text: str, manner: Manner, stop: Stop):
            for chunk in super().say(text, manner, stop):
                steps.append(len(text))
                yield chunk

    async with opened() as synthesizer:
        synthesizer._loaded[LAST_VOICE].__class__ = Counting
        async with aclosing(synthesizer.synthesize("again and " * 200, VOICE)) as chunks:
            async for _ in chunks:
                break
        assert await said(synthesizer, "Yes.", VOICE)
    assert sum(length > 1000 for length in steps) <= 2


def test_a_set_stop_ends_the_run() -> None:
    voice = LoadedVoice(LAST_VOICE, MODELS / LAST_VOICE, 1)
    manner, stop = Manner(speed=1.0, volume=1.0, pause_s=0.0), Stop()
    stop.options.terminate = True
    with pytest.raises(ProviderError):  # the network itself gave up
        list(voice.say(LONG, manner, stop))
    stop.set()
    assert list(voice.say(LONG, manner, stop)) == []
    assert list(voice.say("Yes.", manner, Stop()))


async def test_a_slow_voice_that_nobody_waits_for_stops() -> None:
    """How long to wait is decided by whoever can do something else instead."""
    begun, released = threading.Event(), threading.Event()
    stopped: list[bool] = []

    class Slow(LoadedVoice):
        def say(self, text: str, manner: Manner, stop: Stop):
            begun.set()
            released.wait(30)
            stopped.append(stop.is_set())
            yield from super().say(text, manner, stop)

    async with opened() as synthesizer:
        synthesizer._loaded[LAST_VOICE].__class__ = Slow
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(said(synthesizer, SHORT, VOICE), name="waiting")
            while not begun.is_set():
                await asyncio.sleep(0)
            waiting.cancel()
        released.set()
        assert await said(synthesizer, SHORT, VOICE)
    assert stopped == [True, False]


async def test_nothing_runs_on_the_loop() -> None:
    threads: set[str] = set()

    class Watched(LoadedVoice):
        def say(self, text: str, manner: Manner, stop: Stop):
            for chunk in super().say(text, manner, stop):
                threads.add(threading.current_thread().name)
                yield chunk

    async with opened() as synthesizer:
        synthesizer._loaded[LAST_VOICE].__class__ = Watched
        await asyncio.gather(said(synthesizer, SHORT, VOICE), said(synthesizer, LONG, VOICE))
    assert threads == {"tts-piper"}


def copied(folder: Path, name: str = LAST_VOICE) -> Path:
    voice = folder / name
    voice.mkdir(parents=True)
    for ending in (".onnx", ".onnx.json"):
        shutil.copy(MODELS / LAST_VOICE / (LAST_VOICE + ending), voice / (name + ending))
    return voice


@pytest.mark.parametrize("keep", [0, 100, 1_000_000, -1000])
async def test_truncated_network(tmp_path: Path, keep: int) -> None:
    model = copied(tmp_path) / f"{LAST_VOICE}.onnx"
    model.write_bytes(model.read_bytes()[:keep])
    with pytest.raises(ModelDamaged, match="models pull en_US-kiosk-low"):
        async with opened(tmp_path):
            pass


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"audio": {}}', "\x00\x01"])
async def test_broken_settings(tmp_path: Path, content: str) -> None:
    (copied(tmp_path) / f"{LAST_VOICE}.onnx.json").write_text(content)
    with pytest.raises(ModelDamaged, match=r"onnx\.json"):
        async with opened(tmp_path):
            pass


async def test_another_network(tmp_path: Path) -> None:
    import faster_whisper

    other = Path(faster_whisper.__file__).parent / "assets" / "silero_vad_v6.onnx"
    shutil.copy(other, copied(tmp_path) / f"{LAST_VOICE}.onnx")
    with pytest.raises(ModelDamaged, match="not a Piper voice"):
        async with opened(tmp_path):
            pass


async def test_missing_voices(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="models pull en_US-ryan-medium"):
        async with opened(names=()):
            pass
    with pytest.raises(ModelMissing, match="en_US-amy-medium"):
        async with opened(voice="en_US-amy-medium"):
            pass
    with pytest.raises(ModelMissing, match="es_MX-ald-medium"):
        async with opened(voices={"es": "es_MX-ald-medium"}):
            pass
    (copied(tmp_path) / f"{LAST_VOICE}.onnx.json").unlink()
    with pytest.raises(ModelMissing, match=r"onnx\.json"):
        async with opened(tmp_path):
            pass


def test_the_best_voice_of_a_language_is_chosen() -> None:
    names = (LAST_VOICE, "en_US-amy-medium", "es_MX-ald-medium", "en_US-ryan-medium", "es_ES-davefx-medium")
    everything = opened(names=names)
    assert everything.voice_for("en") == "en_US-ryan-medium"
    assert everything.voice_for("es") == "es_MX-ald-medium"
    assert everything.voice_for("fr") is None
    assert everything.capabilities.languages == {"en", "es"}
    assert opened(names=names[:2]).voice_for("en") == "en_US-amy-medium"
    assert opened(names=names[:1]).voice_for("en") == LAST_VOICE
    told = opened(names=names, voice="en_US-amy-medium", voices={"es": "es_ES-davefx-medium"})
    assert told.voice_for("en") == "en_US-amy-medium"
    assert told.voice_for("es") == "es_ES-davefx-medium"
    assert told.capabilities.licence == "licence of en_US-amy-medium"


async def test_a_voice_does_not_speak_another_language() -> None:
    async with opened() as synthesizer:
        with pytest.raises(ProviderError, match="speaks 'en'") as caught:
            await said(synthesizer, "Hola.", Voice(LAST_VOICE, "es"))
    assert not caught.value.retryable


def test_the_bundled_voice_says_that_there_are_better_ones() -> None:
    caution = opened().capabilities.caution
    assert caution is not None
    assert "models pull en_US-joe-medium" in caution.remedy
    assert opened(names=(LAST_VOICE, "en_US-joe-medium")).capabilities.caution is None


async def test_what_is_said_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with opened() as synthesizer:
            await said(synthesizer, "A secret sentence.", VOICE)
    assert "secret" not in caplog.text


async def test_voices_are_loaded_on_demand_and_make_room(tmp_path: Path) -> None:
    names = [f"en_US-copy{number}-low" for number in range(3)]
    for name in names:
        copied(tmp_path, name)
    async with opened(tmp_path, tuple(names), max_loaded=2) as synthesizer:
        assert list(synthesizer._loaded) == names[:1]
        for name in (names[1], names[0], names[2]):
            assert await said(synthesizer, "Yes.", Voice(name, "en"))
        assert list(synthesizer._loaded) == [names[0], names[2]]


async def test_a_speaker_that_is_not_there() -> None:
    async with opened(speaker=0) as synthesizer:
        assert await said(synthesizer, SHORT, VOICE)
    async with opened(speaker=3) as synthesizer:
        with pytest.raises(ProviderError, match="no number 3"):
            await said(synthesizer, SHORT, VOICE)


async def test_closed_it_says_so() -> None:
    synthesizer = opened()
    with pytest.raises(ProviderError, match="not open"):
        await said(synthesizer, SHORT, VOICE)
    async with synthesizer:
        assert await said(synthesizer, SHORT, VOICE)
    async with synthesizer:
        assert await said(synthesizer, SHORT, VOICE)


def test_a_voice_of_its_own_pace(tmp_path: Path) -> None:
    """A voice's own length scale is what speed 1 means."""
    folder = copied(tmp_path)
    document = json.loads((folder / f"{LAST_VOICE}.onnx.json").read_text())
    document["inference"]["length_scale"] = 2.0
    (folder / f"{LAST_VOICE}.onnx.json").write_text(json.dumps(document))
    manner = Manner(speed=1.0, volume=1.0, pause_s=0.0)
    own, plain = [
        joined(LoadedVoice(LAST_VOICE, place, 1).say(SHORT, manner, Stop())).duration_s
        for place in (folder, MODELS / LAST_VOICE)
    ]
    assert own / plain == pytest.approx(2.0, rel=0.08)


def test_looking_at_the_settings_loads_no_library() -> None:
    program = "import sys; from providers.tts import piper; sys.exit(bool({'piper', 'onnxruntime'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
