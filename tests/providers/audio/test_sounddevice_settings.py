"""What can be told about sound devices without having one."""

from __future__ import annotations

import sys

import pytest
from pydantic import ValidationError

from pipeline.errors import ProviderMissing
from providers.audio import portaudio
from providers.audio.sounddevice_microphone import MicrophoneSettings, SounddeviceMicrophone
from providers.audio.sounddevice_speaker import SpeakerSettings

pytestmark = pytest.mark.unit


async def test_without_portaudio_the_package_to_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portaudio, "_library", portaudio._Library())
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(ProviderMissing, match="libportaudio2"):
        portaudio.list_devices()
    with pytest.raises(ProviderMissing, match="libportaudio2"):
        async with SounddeviceMicrophone(MicrophoneSettings()):
            pass


def test_a_buffer_that_would_crackle_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"latency_s must be at least four times block_s, so 0\.2 or more"):
        SpeakerSettings(block_s=0.05)
    assert SpeakerSettings(block_s=0.05, latency_s=0.2).latency_s == 0.2


@pytest.mark.parametrize("wrong", [{"channel": 0}, {"queue_s": 0}, {"rate_hz": 44}, {"devise": "USB"}])
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MicrophoneSettings.model_validate(wrong)
