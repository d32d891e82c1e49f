"""Whisper on the bundled model: what is said is found, what is not speech stays without words."""

from __future__ import annotations

import shutil
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.audio import AudioChunk, from_float
from pipeline.errors import ModelDamaged, ProviderError, ProviderTimeout, SettingsError
from pipeline.protocols import Transcriber
from pipeline.speech import NoSpeech, NoSpeechReason, Transcript, Utterance
from providers.registry import Resources
from providers.stt.faster_whisper import FasterWhisperTranscriber, Settings, create
from providers.vad.silero import SileroVoiceDetector, packaged_model
from tests import sounds
from tests.conftest import ROOT
from tests.contracts.stt import TranscriberContract, quiet, spoken
from tests.contracts.vad import frames
from tests.fakes.models import ListedModels
from tests.providers.stt.tapped_model import TappedModel

pytestmark = pytest.mark.model

KIOSK = "whisper-kiosk-en"
RESOURCES = Resources(ListedModels(ROOT / "models", {"whisper": [KIOSK]}), ROOT)
QUESTIONS = [
    "What time do you close?",
    "Where can I find the milk?",
    "How much is the bread?",
    "Do you have any batteries?",
    "Are you open on Sunday?",
]


def opened(**settings: Any) -> FasterWhisperTranscriber:
    return create(Settings(**settings), RESOURCES)


WINDOW = 300
"""Frames that the bundled model gets for questions of up to three seconds."""


def tap(transcriber: FasterWhisperTranscriber) -> TappedModel:
    """Listen to what the transcriber does with its model."""
    reader = transcriber._reader
    assert reader is not None
    reader.model = TappedModel(reader.model)
    return reader.model


def asked(samples: np.ndarray) -> Utterance:
    """A question with what is usually kept before and after it."""
    audio = from_float(np.pad(samples, (4800, 4800)), 16000)
    return Utterance(audio, 0.3, audio.duration_s - 0.3, audio.duration_s - 0.6, audio.duration_s)


class TestContract(TranscriberContract):
    words = QUESTIONS[0]

    def opened(self) -> AbstractAsyncContextManager[Transcriber]:
        return opened()

    def question(self) -> Utterance:
        return asked(sounds.piper(self.words))


async def test_questions_in_the_bundled_voice() -> None:
    async with opened() as transcriber:
        found = [await transcriber.transcribe(asked(sounds.piper(question))) for question in QUESTIONS]
    assert [getattr(part, "text", part) for part in found] == QUESTIONS
    assert min(part.confidence for part in found if isinstance(part, Transcript)) > 0.9


@pytest.mark.parametrize("voice", ["en-us", "en-gb", "en-us+f3"])
async def test_questions_in_espeak_voices(tmp_path: Path, voice: str) -> None:
    async with opened() as transcriber:
        for question in QUESTIONS:
            samples = sounds.espeak(question, voice, tmp_path)
            if samples is None:
                pytest.skip("espeak-ng is not installed")
            found = await transcriber.transcribe(asked(samples))
            assert isinstance(found, Transcript)
            assert found.text == question


@pytest.mark.parametrize("level_db", [-60, -40, -20])
async def test_noise_and_music_have_no_words(level_db: int) -> None:
    """Voice activity is taken to have called all of it speech, so only the model and the doubts stand between."""
    made = {
        "white": sounds.white(3, level_db),
        "pink": sounds.pink(3, level_db),
        "hum": sounds.hum(3, level_db),
        "music": sounds.music(3, level_db),
        "clicks": sounds.clicks(3, level_db),
        "long": sounds.pink(15, level_db),
        "short": sounds.white(0.5, level_db),
    }
    async with opened() as transcriber:
        found = {name: await transcriber.transcribe(spoken(from_float(sound, 16000))) for name, sound in made.items()}
    assert {name: part for name, part in found.items() if not isinstance(part, NoSpeech)} == {}


async def test_a_real_office_has_no_words(recordings: Path) -> None:
    """Even the model alone, with voice activity silenced, is fooled by hardly any of it."""
    office = sounds.recorded(recordings / "noise_office.mp3")
    parts = [office[start : start + 64000] for start in range(0, len(office) - 64000, 64000)]
    async with opened() as transcriber:
        found = [await transcriber.transcribe(spoken(from_float(part, 16000))) for part in parts]
    assert sum(isinstance(part, Transcript) for part in found) <= 1
    async with SileroVoiceDetector(packaged_model()) as detector:
        probabilities = await detector.speech_probabilities(frames(from_float(office, 16000).pcm))
    assert max(probabilities) < 0.5


async def test_a_second_sentence_beyond_thirty_seconds_is_found() -> None:
    question = sounds.piper(QUESTIONS[1])
    audio = from_float(np.concatenate([np.pad(question, (4800, 31 * 16000)), np.pad(question, (4800, 4800))]), 16000)
    async with opened(speech_share=0) as transcriber:
        found = await transcriber.transcribe(spoken(audio))
    assert isinstance(found, Transcript)
    assert found.text == f"{QUESTIONS[1]} {QUESTIONS[1]}"


async def test_doubts_are_settings() -> None:
    question = asked(sounds.piper(QUESTIONS[0]))
    async with opened(log_probability=0) as transcriber:
        found = await transcriber.transcribe(question)
        assert isinstance(found, NoSpeech)
        assert found.reason is NoSpeechReason.DOUBTFUL
    async with opened(characters_per_s=5) as transcriber:
        assert isinstance(await transcriber.transcribe(question), NoSpeech)


async def test_hints_are_taken() -> None:
    async with opened(hotwords="milk, bread", initial_prompt="In the shop.", beam_size=3) as transcriber:
        assert isinstance(await transcriber.transcribe(asked(sounds.piper(QUESTIONS[1]))), Transcript)


async def test_the_stand_in_says_what_it_is() -> None:
    transcriber = opened()
    assert transcriber.capabilities.caution is None
    async with transcriber:
        caution = transcriber.capabilities.caution
        assert caution is not None
        assert "293 words" in caution.message
        assert "assistant models pull whisper-base.en" in caution.remedy
        assert transcriber.capabilities.languages == {"en"}
        assert transcriber.capabilities.licence == f"licence of {KIOSK}"


async def test_what_was_said_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with opened() as transcriber:
        await transcriber.transcribe(asked(sounds.piper(QUESTIONS[0])))
    assert "close" not in caplog.text.casefold()


async def test_compute_time_comes_from_the_clock() -> None:
    times = iter([10.0, 10.25])
    async with FasterWhisperTranscriber(Settings(), RESOURCES, lambda: next(times)) as transcriber:
        found = await transcriber.transcribe(asked(sounds.piper(QUESTIONS[0])))
    assert found.compute_ms == pytest.approx(250)


async def test_the_time_limit_stops_the_model_at_the_next_step() -> None:
    audio = from_float(np.pad(sounds.piper(QUESTIONS[0]), (0, 65 * 16000)), 16000)
    async with opened() as transcriber:
        tapped = tap(transcriber)
        tapped.encoding.clear()
        transcriber.settings = Settings.model_construct(**(dict(transcriber.settings) | {"time_limit_s": 0.01}))
        with pytest.raises(ProviderTimeout, match=r"0\.01 s"):
            await transcriber.transcribe(spoken(audio))
        tapped.encoding.set()
        transcriber.settings = Settings()
        assert isinstance(await transcriber.transcribe(asked(sounds.piper(QUESTIONS[0]))), Transcript)
    assert tapped.encoded == [3000, WINDOW]
    assert tapped.generated == 1


async def test_a_failing_model_is_a_provider_error() -> None:
    async with opened() as transcriber:
        tap(transcriber).failure = RuntimeError("CUDA out of memory")
        with pytest.raises(ProviderError, match="out of memory") as caught:
            await transcriber.transcribe(spoken(quiet(2)))
        assert caught.value.retryable


async def test_closed_transcriber_says_so() -> None:
    with pytest.raises(ProviderError, match="not open"):
        await opened().transcribe(spoken(quiet(2)))


async def test_english_only_model_refuses_another_language() -> None:
    with pytest.raises(SettingsError, match="English only"):
        async with opened(language="es"):
            pass


@pytest.mark.parametrize("keep", [0, 10, 1000, 2_000_000, -1])
async def test_truncated_model(tmp_path: Path, keep: int, bundled_models: Path) -> None:
    folder = Path(shutil.copytree(bundled_models / KIOSK, tmp_path / KIOSK))
    (folder / "model.bin").write_bytes((folder / "model.bin").read_bytes()[:keep])
    with pytest.raises(ModelDamaged, match=f"models pull {KIOSK}"):
        async with opened(model=str(folder)):
            pass


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("vocabulary.json", "[]"),
        ("vocabulary.json", '["a", "b"]'),
        ("config.json", "[]"),
        ("tokenizer.json", "{}"),
        ("tokenizer.json", '{"model": {"type": "BPE"}}'),
        ("preprocessor_config.json", "broken"),
    ],
)
async def test_a_file_with_wrong_content(tmp_path: Path, name: str, content: str, bundled_models: Path) -> None:
    folder = Path(shutil.copytree(bundled_models / KIOSK, tmp_path / KIOSK))
    (folder / name).write_text(content)
    with pytest.raises(ModelDamaged, match=f"models pull {KIOSK}"):
        async with opened(model=str(folder)):
            pass


async def test_nothing_is_ever_fetched(tmp_path: Path, bundled_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: Any) -> None:
        raise AssertionError("a connection was made")

    folder = Path(shutil.copytree(bundled_models / KIOSK, tmp_path / KIOSK))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    async with opened(model=str(folder)) as transcriber:
        await transcriber.transcribe(asked(sounds.piper(QUESTIONS[0])))
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelDamaged, match=r"tokenizer\.json"):
        async with opened(model=str(folder)):
            pass


@pytest.mark.parametrize(
    "wrong", [{"beam_size": 0}, {"threads": 0}, {"language": "English"}, {"no_speech_probability": 2}, {"modell": "x"}]
)
def test_settings_have_ranges(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)


async def test_a_single_sample_does_not_break_the_model() -> None:
    one = AudioChunk(np.zeros(1, np.int16), 16000)
    async with opened(least_speech_s=0) as transcriber:
        assert isinstance(await transcriber.transcribe(spoken(one)), NoSpeech)
