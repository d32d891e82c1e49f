"""Silero's voice detector on the model that comes with faster-whisper."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from pipeline.errors import ModelDamaged, ModelMissing, ProviderError
from pipeline.protocols import VoiceDetector
from providers.registry import Resources
from providers.vad.silero import Settings, SileroVoiceDetector, create, packaged_model
from tests.contracts.vad import VoiceDetectorContract, frames

pytestmark = pytest.mark.model


class TestContract(VoiceDetectorContract):
    def opened(self) -> AbstractAsyncContextManager[VoiceDetector]:
        return SileroVoiceDetector(packaged_model())


async def test_streaming_equals_the_library_that_brings_the_model(recordings: Path) -> None:
    """Faster-whisper feeds a whole recording at once; its last frame is left out, since it zeroes the end of it."""
    from faster_whisper.vad import get_vad_model

    samples, _ = soundfile.read(recordings / "speech_60s.wav", dtype="int16", frames=20 * 16000)
    chunks = frames(samples)
    async with SileroVoiceDetector(packaged_model()) as detector:
        ours = [await detector.speech_probability(chunk) for chunk in chunks]
    theirs = get_vad_model()(samples[: len(chunks) * 512].astype(np.float32) / 32768.0)
    assert np.abs(np.array(ours) - theirs)[:-1].max() < 1e-3
    assert max(ours) > 0.95


async def test_what_a_cancelled_call_was_about_is_heard_once(recordings: Path) -> None:
    samples, _ = soundfile.read(recordings / "what_time_is_it.wav", dtype="int16")
    chunks = frames(samples)[:30]
    async with SileroVoiceDetector(packaged_model()) as detector:
        expected = await detector.speech_probabilities(chunks)
        detector.reset()
        found: list[float] = []
        while len(found) < len(chunks):
            done = len(found)
            for asked in range(1, 4):  # ever more, as a caller does who makes up for what was left undone
                abandoned = detector.speech_probabilities(chunks[done : done + asked])
                answered_but_cancelled(abandoned, detector)
            found += await detector.speech_probabilities(chunks[done : done + 5])
    assert found == pytest.approx(expected, abs=1e-4)


def answered_but_cancelled(call: Coroutine[Any, Any, list[float]], detector: SileroVoiceDetector) -> None:
    """The model has run, but the caller goes before the loop has told it so."""
    call.send(None)
    answered = threading.Event()
    detector._worker._calls.put(answered.set)
    assert answered.wait(10)
    call.close()


async def test_it_tells_speech_from_noise(recordings: Path) -> None:
    samples, _ = soundfile.read(recordings / "what_time_is_it.wav", dtype="int16")
    noise = np.random.default_rng(1).normal(0, 1000, 32000).astype(np.int16)
    async with SileroVoiceDetector(packaged_model()) as detector:
        assert max(await detector.speech_probabilities(frames(samples))) > 0.9
        detector.reset()
        assert max(await detector.speech_probabilities(frames(noise))) < 0.5


async def test_create_needs_nothing_of_the_program(tmp_path: Path) -> None:
    class Models:
        def path(self, name: str) -> Path:
            raise AssertionError(name)

        def present(self, kind: str) -> list[str]:
            raise AssertionError(kind)

        def permit(self, name: str) -> None: ...

        def licence(self, name: str) -> str:
            raise AssertionError(name)

    async with create(Settings(), Resources(Models(), tmp_path)) as detector:
        assert detector.capabilities.name == "silero"


async def test_missing_model(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="pip install"):
        async with SileroVoiceDetector(tmp_path / "silero_vad_v6.onnx"):
            pass


@pytest.mark.parametrize("keep", [0, 100, 100_000, -1000])
async def test_truncated_model(tmp_path: Path, keep: int) -> None:
    model = tmp_path / "silero_vad_v6.onnx"
    model.write_bytes(packaged_model().read_bytes()[:keep])
    with pytest.raises(ModelDamaged, match="pip install"):
        async with SileroVoiceDetector(model):
            pass


async def test_another_model(bundled_models: Path) -> None:
    with pytest.raises(ModelDamaged):
        async with SileroVoiceDetector(bundled_models / "en_US-kiosk-low" / "en_US-kiosk-low.onnx"):
            pass


async def test_closed_detector_says_so() -> None:
    detector = SileroVoiceDetector(packaged_model())
    with pytest.raises(ProviderError, match="not open"):
        await detector.speech_probability(frames(np.zeros(512, np.int16))[0])


def test_looking_at_it_loads_no_library() -> None:
    program = (
        "import sys; from providers.vad import silero; silero.packaged_model();"
        "sys.exit(bool({'faster_whisper', 'onnxruntime', 'ctranslate2'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
