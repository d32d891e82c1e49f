"""One Piper voice in memory: an unmodified ``piper.PiperVoice`` on a session that can be stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.audio import AudioChunk, Pcm, from_float, silence, without_leading_silence
from pipeline.errors import ModelDamaged, ModelMissing, ProviderError, ProviderMissing
from pipeline.sentences import split
from providers import onnx

CHUNK_S = 0.1
"""Audio seconds in one chunk: how finely a reply can be stopped."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to speak one text."""

    speed: float
    """1 is the voice's own pace."""
    volume: float
    """Peak of the loudest sample, 0 to 1."""
    pause_s: float
    """Silence after each sentence in seconds; half of it after a clause."""
    noise_scale: float | None = None
    """Variation of the sound; None is the voice's own."""
    noise_w: float | None = None
    """Variation of the durations; None is the voice's own."""
    speaker: int | None = None
    """Number of the speaker in a voice with several; None is its first."""


class Stop:
    """Ends the network's run from another thread, between two of its operations."""

    def __init__(self) -> None:
        import onnxruntime

        self.options: Any = onnxruntime.RunOptions()
        self.options.log_severity_level = 4
        self._is_set = False

    def set(self) -> None:
        """End it. May be called at any time, from any thread."""
        self._is_set = True
        self.options.terminate = True

    def is_set(self) -> bool:
        """Whether it was called."""
        return self._is_set


class _StoppableSession:
    """What ``PiperVoice`` needs of an ONNX session, run with the options of whoever speaks."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.options: Any = None

    def run(self, outputs: list[str] | None, inputs: dict[str, Any]) -> Any:
        return self._session.run(outputs, inputs, self.options)


class LoadedVoice:
    """Speaks. Belongs to one thread; only ``Stop.set`` may come from another one."""

    def __init__(self, name: str, folder: Path, threads: int) -> None:
        """Load ``NAME.onnx`` and ``NAME.onnx.json``.

        Raises ``ModelMissing``, ``ModelDamaged`` or ``ProviderMissing``.
        """
        self.name = name
        model, settings = folder / f"{name}.onnx", folder / f"{name}.onnx.json"
        for file in (model, settings):
            if not file.is_file():
                raise ModelMissing(f"The voice {name} lacks its file {file.name}.", remedy=_remedy(name))
        try:
            from piper import PiperVoice
            from piper.config import PiperConfig
        except ImportError as error:
            raise ProviderMissing(
                "The package piper-tts is not installed.", remedy="Install it: .venv/bin/pip install piper-tts"
            ) from error
        try:
            config = PiperConfig.from_dict(json.loads(settings.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelDamaged(f"The voice {name} has a damaged {settings.name}.", remedy=_remedy(name)) from error
        self._session = _StoppableSession(_session(name, model, threads))
        self._voice: Any = PiperVoice(config=config, session=self._session)
        self._length_scale: float = config.length_scale
        self._speakers: int = config.num_speakers
        self.rate_hz: int = config.sample_rate

    def say(self, text: str, manner: Manner, stop: Stop) -> Iterator[AudioChunk]:
        """Sound of ``text`` in chunks of about ``CHUNK_S``; ends early once ``stop`` is set.

        Raises ``ProviderError`` where the network cannot speak it.
        """
        start_s = 0.0
        for part in split(text):
            pause_s = manner.pause_s / 2 if part[-1] in ",;:" else manner.pause_s
            for pcm in self._sentences(part, manner, stop):
                spoken = without_leading_silence(AudioChunk(pcm, self.rate_hz))
                whole = np.concatenate([spoken.pcm, silence(pause_s, self.rate_hz).pcm])
                for chunk in _cut(whole, self.rate_hz, start_s):
                    if stop.is_set():
                        return
                    yield chunk
                start_s += len(whole) / self.rate_hz

    def _sentences(self, text: str, manner: Manner, stop: Stop) -> Iterator[Pcm]:
        """int16 [samples] per sentence as Piper's phonemes divide it; none where there is nothing to say."""
        from piper import SynthesisConfig

        config = SynthesisConfig(
            speaker_id=self._speaker(manner),
            length_scale=self._length_scale / manner.speed,
            noise_scale=manner.noise_scale,
            noise_w_scale=manner.noise_w,
            volume=manner.volume,
        )
        failures: tuple[type[Exception], ...] = (LookupError, *onnx.failures())
        sounds = iter(self._voice.synthesize(text, config))
        while not stop.is_set():
            self._session.options = stop.options
            try:
                sound = next(sounds, None)
            except failures as error:
                if stop.is_set():
                    return
                # The library's own message may quote what is being said; it stays with the cause.
                raise ProviderError(f"The voice {self.name} failed at a sentence.", retryable=False) from error
            if sound is None:
                return
            samples = sound.audio_float_array
            if np.any(samples):
                yield from_float(samples, self.rate_hz).pcm

    def _speaker(self, manner: Manner) -> int | None:
        if manner.speaker is not None and manner.speaker >= max(1, self._speakers):
            raise ProviderError(
                f"The voice {self.name} has {self._speakers} speaker(s), there is no number {manner.speaker}.",
                remedy=f"Set tts.piper.speaker to a number from 0 to {self._speakers - 1}.",
                retryable=False,
            )
        return manner.speaker


def _session(name: str, model: Path, threads: int) -> Any:
    damaged = ModelDamaged(f"The voice {name} has a damaged {model.name}.", remedy=_remedy(name))
    session = onnx.opened(model, damaged, threads=threads)
    inputs = {given.name for given in session.get_inputs()}
    if not {"input", "input_lengths", "scales"} <= inputs:
        raise ModelDamaged(f"{model.name} is not a Piper voice.", remedy=_remedy(name))
    return session


def _cut(pcm: Pcm, rate_hz: int, start_s: float) -> Iterator[AudioChunk]:
    step = max(1, round(CHUNK_S * rate_hz))
    for start in range(0, len(pcm), step):
        yield AudioChunk(pcm[start : start + step], rate_hz, start_s + start / rate_hz)


def _remedy(name: str) -> str:
    return f"Fetch it again: assistant models pull {name}"
