"""Pocket TTS (Kyutai; package pocket-tts, MIT; weights CC BY 4.0): clones a voice, faster than speech on a CPU.

A model speaks one language; it is told by the end of its folder's name: ``pocket-tts-es`` speaks Spanish.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import threading
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.speech import VoiceSettings
from providers.tts.voice_worker.engine import Cancelled, EngineOptions, Sound, Speaker
from providers.tts.voice_worker.tempo import Tempo

CONFIGS = {
    "de": "german",
    "en": "english_2026-10",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "pt": "portuguese",
}
"""The package's own description of each language's model; the catalogue has the weights that belong to it."""

OUR_VERSION = "1"
"""Of this file, as far as it shapes the sound."""

FASTEST, SLOWEST = 2.0, 0.5
"""Beyond that a stretched voice sounds broken."""

LIVELIEST = 1.2
"""Highest temperature: above it the model babbles."""


def create(options: EngineOptions) -> PocketEngine:
    """The engine, nothing loaded."""
    return PocketEngine(options)


class PocketEngine:
    """A ``CloningEngine``."""

    name = "pocket_tts"

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._language = options.model.name.rpartition("-")[2]
        self._model: Any = None
        self._default_temperature = 0.3
        self._voices: dict[int, tuple[Speaker, dict[str, dict[str, Any]]]] = {}
        """The voice spoken with last, in the model's own form, by the identity of what it was made of."""

    @property
    def version(self) -> str:
        """Of the packages and of this code."""
        return f"pocket-tts {version('pocket-tts')} torch {version('torch')} {OUR_VERSION}"

    @property
    def languages(self) -> tuple[str, ...]:
        """The one of its model."""
        return (self._language,)

    @property
    def rate_hz(self) -> int:
        """24 000 in all published models."""
        return int(self._model.sample_rate)

    @property
    def device(self) -> str:
        """Always the processor: its authors measured that a card does not help."""
        return "cpu"

    def load(self) -> None:
        """Load the model. Raises what the package raises; ``ValueError`` for a model that cannot clone."""
        import torch
        from pocket_tts import TTSModel

        # It would log what is said.
        logging.getLogger("pocket_tts").setLevel(logging.ERROR)
        torch.set_num_threads(self._options.threads or 1)
        with self._config() as path:
            self._model = TTSModel.load_model(config=path)
        self._default_temperature = self._model.temp
        if not self._model.has_voice_cloning:
            raise ValueError("this model cannot clone voices")
        hum: Sound = (0.1 * np.sin(np.arange(self.rate_hz) / 20)).astype(np.float32)
        for _ in self.stream("Hello.", self._language, self.speaker(hum, self.rate_hz), VoiceSettings(), lambda: False):
            pass

    def speaker(self, sample: Sound, rate_hz: int) -> Speaker:
        """The model's state after it has heard the sample."""
        import torch
        from pocket_tts.data.audio_utils import convert_audio

        heard = convert_audio(torch.from_numpy(sample.copy())[None], rate_hz, self.rate_hz, 1)
        state = self._model.get_state_for_audio_prompt(heard)
        return {f"{module}/{key}": value.numpy() for module, values in state.items() for key, value in values.items()}

    def stream(
        self, text: str, language: str, speaker: Speaker, settings: VoiceSettings, cancelled: Cancelled
    ) -> Iterator[Sound]:
        """Sound in chunks of 80 ms or more. The package splits long texts and bounds the length of each part."""
        if language != self._language:
            raise ValueError(f"this model speaks {self._language!r}, not {language!r}")
        self._model.temp = self._temperature(settings)
        stop = threading.Event()
        tempo = Tempo(min(FASTEST, max(SLOWEST, settings.speed)), self.rate_hz)
        chunks = self._model.generate_audio_stream(self._state(speaker), text, stop=stop)
        try:
            for chunk in chunks:
                if cancelled():
                    stop.set()  # the package's threads end by themselves; what they still hand over is not said
                elif len(sound := tempo.feed(np.asarray(chunk, np.float32))):
                    yield sound
            if not stop.is_set() and len(rest := tempo.flush()):
                yield rest
        finally:
            stop.set()
            for _ in chunks:  # they use the model, so nothing else may before they have ended
                pass

    def unused(self, settings: VoiceSettings) -> list[str]:
        """All but speed and temperature."""
        default = VoiceSettings()
        names = ("length_penalty", "repetition_penalty", "top_k", "top_p", "emotion")
        return [name for name in names if getattr(settings, name) != getattr(default, name)]

    def _temperature(self, settings: VoiceSettings) -> float:
        """Its own one, unless the personality has another than the default, which is made for XTTS."""
        if settings.temperature == VoiceSettings().temperature:
            return self._default_temperature
        return min(LIVELIEST, settings.temperature)

    def _state(self, speaker: Speaker) -> dict[str, dict[str, Any]]:
        """As the model wants it; the one used last is kept, for its arrays have some 20 MB."""
        known = self._voices.get(id(speaker))
        if known is None or known[0] is not speaker:
            self._voices = {id(speaker): (speaker, nested(speaker))}
            known = self._voices[id(speaker)]
        return known[1]

    @contextlib.contextmanager
    def _config(self) -> Iterator[str]:
        """Path of the model's description with the paths of its files on this machine, so that nothing is fetched."""
        import yaml
        from pocket_tts.utils.config import CONFIGS_DIR

        folder = self._options.model
        own = folder / "config.yaml"
        path = own if own.exists() else CONFIGS_DIR / f"{CONFIGS[self._language]}.yaml"
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        document["weights_path"] = str(folder / "model.safetensors")
        document.pop("weights_path_without_voice_cloning", None)
        document["flow_lm"]["lookup_table"]["tokenizer_path"] = str(_tokenizer(folder))
        with tempfile.TemporaryDirectory(prefix="pocket-tts-") as scratch:
            written = Path(scratch) / "config.yaml"
            written.write_text(yaml.safe_dump(document), encoding="utf-8")
            yield str(written)


def nested(speaker: Mapping[str, NDArray[np.generic]]) -> dict[str, dict[str, Any]]:
    """Tensors by module and key, from arrays by ``module/key``."""
    import torch

    found: dict[str, dict[str, Any]] = {}
    for name, array in speaker.items():
        module, _, key = name.rpartition("/")
        found.setdefault(module, {})[key] = torch.from_numpy(np.array(array))
    return found


def _tokenizer(folder: Path) -> Path:
    json = folder / "tokenizer.json"
    return json if json.exists() else folder / "tokenizer.model"
