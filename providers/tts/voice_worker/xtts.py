"""XTTS v2 (coqui-tts, MPL-2.0; weights under the Coqui Public Model License): clones a voice in 17 languages."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

from pipeline.speech import VoiceSettings
from providers.tts.voice_worker.babble import BabbleGuard, longest_s
from providers.tts.voice_worker.card import proven_card
from providers.tts.voice_worker.engine import Cancelled, EngineOptions, Sound, Speaker
from providers.tts.voice_worker.text_pieces import pieces
from providers.tts.voice_worker.xtts_sampling import pace
from providers.tts.voice_worker.xtts_text import Reading, reading

log = logging.getLogger(__name__)

OUR_VERSION = "1"
"""Of this code, as far as it shapes the sound."""

PAUSE_S = 0.12
"""Between two pieces, on top of the silence that a piece ends with."""

NEEDED = {"zh": "pypinyin", "ja": "cutlet"}
"""Languages whose script the package reads with another package."""

MODEL_RATE_HZ = 22_050
"""Of the samples that the model listens to."""

LATENT, EMBEDDING = "gpt_cond_latent", "speaker_embedding"
"""What is kept of a sample, float32: shape [1, latents, channels] for the GPT, [1, size, 1] for the vocoder."""


def create(options: EngineOptions) -> XttsEngine:
    """The engine, nothing loaded."""
    return XttsEngine(options)


class XttsEngine:
    """A ``CloningEngine``."""

    name = "xtts_v2"

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._device = "cpu"
        self.model: Any = None
        """``TTS.tts.models.xtts.Xtts``, once it is loaded."""
        self._voices: dict[int, tuple[Speaker, tuple[Any, Any]]] = {}
        """The voice spoken with last, on the device, by the identity of what it was made of."""

    @property
    def version(self) -> str:
        """Of the packages and of this code."""
        return f"coqui-tts {version('coqui-tts')} torch {version('torch')} {OUR_VERSION}"

    @property
    def languages(self) -> tuple[str, ...]:
        """Those of the model's configuration whose script can be read here."""
        codes = dict.fromkeys(language.split("-")[0] for language in self.model.config.languages)
        return tuple(code for code in codes if code not in NEEDED or find_spec(NEEDED[code]))

    @property
    def rate_hz(self) -> int:
        """24 000 in the published model."""
        return int(self.model.args.output_sample_rate)

    @property
    def device(self) -> str:
        """``cpu``, or the name of the card."""
        return self._device

    def load(self) -> None:
        """Load the model and let it speak. Raises what the packages raise, and ``ProviderMissing`` without a card that
        was asked for.

        With ``auto``, a card that refuses (a half-installed driver, too little memory) is left for the processor.
        """
        # The model lies on the disk, so nothing may look for it elsewhere.
        os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
        import torch

        from providers.tts.voice_worker import xtts_model

        if self._options.threads:
            torch.set_num_threads(self._options.threads)
        card = proven_card(self._options.device)  # before anything is loaded that a card's failure would cost
        self.model = xtts_model.load(self._options.model)
        if card is not None:
            try:
                self._move("cuda", card)
            except RuntimeError:
                if self._options.device == "cuda":
                    raise
                log.warning("the card refuses the model, so the processor speaks", exc_info=True)
            else:
                return
        self._move("cpu", "cpu")

    def speaker(self, sample: Sound, rate_hz: int) -> Speaker:
        """The latents of upstream's ``get_conditioning_latents``, of lengths that the model's configuration says."""
        import torch
        import torchaudio

        config = self.model.config
        heard = torch.from_numpy(np.array(sample, np.float32))[None]
        heard = torchaudio.functional.resample(heard, rate_hz, MODEL_RATE_HZ).clip(-1, 1)
        heard = heard[:, : MODEL_RATE_HZ * config.max_ref_len]
        if config.sound_norm_refs:
            heard = heard / heard.abs().max().clamp(min=1e-5) * 0.75
        latent = self.model.get_gpt_cond_latents(
            heard, MODEL_RATE_HZ, length=config.gpt_cond_len, chunk_length=config.gpt_cond_chunk_len
        )
        embedding = self.model.get_speaker_embedding(heard, MODEL_RATE_HZ)
        return {LATENT: _array(latent), EMBEDDING: _array(embedding)}

    def stream(
        self, text: str, language: str, speaker: Speaker, settings: VoiceSettings, cancelled: Cancelled
    ) -> Iterator[Sound]:
        """Sound in chunks of 0.2 to 1 s, piece by piece; nothing for a text without anything to say."""
        code = language.lower().split("-")[0]
        if code not in self.languages:
            raise ValueError(f"this model does not speak {language!r}; it speaks {', '.join(self.languages)}")
        voice = self._voice(speaker)
        said = False
        for piece in self._pieces(text, code):
            if cancelled():
                return
            if said:
                yield np.zeros(round(PAUSE_S * self.rate_hz), np.float32)
            for sound in self._say(piece, code, voice, settings, cancelled):
                said = True
                yield sound

    def unused(self, settings: VoiceSettings) -> list[str]:
        """It knows no moods."""
        return ["emotion"] if settings.emotion != VoiceSettings().emotion else []

    def tokens_for(self, seconds: float) -> int:
        """Tokens of sound that speech of that length has at the voice's own pace."""
        per_s: float = self.model.args.input_sample_rate / self.model.args.gpt_code_stride_len
        return math.ceil(seconds * per_s)

    def voice(self, speaker: Speaker) -> tuple[Any, Any]:
        """Latents and embedding as the model wants them, on its device."""
        import torch

        latent, embedding = (
            torch.from_numpy(np.array(speaker[name])).to(self.model.device) for name in (LATENT, EMBEDDING)
        )
        return latent, embedding

    def _voice(self, speaker: Speaker) -> tuple[Any, Any]:
        """The same, kept until another speaks."""
        known = self._voices.get(id(speaker))
        if known is None or known[0] is not speaker:
            self._voices = {id(speaker): (speaker, self.voice(speaker))}
            known = self._voices[id(speaker)]
        return known[1]

    def _pieces(self, text: str, language: str) -> Iterator[Reading]:
        """Parts of the text within what the model was trained on (characters) and has places for (tokens)."""
        tokenizer, places = self.model.tokenizer, int(self.model.args.gpt_max_text_tokens)

        def fits(piece: str) -> bool:
            found = reading(tokenizer, piece, language)
            return found is None or len(found.tokens) < places

        for piece in pieces(text, tokenizer.char_limits.get(language, 250), fits):
            found = reading(tokenizer, piece, language)
            if found is None:
                log.warning("a piece of %d characters cannot be read and is left out", len(piece))
            elif len(found.tokens) < places:
                yield found

    def _say(
        self, piece: Reading, language: str, voice: tuple[Any, Any], settings: VoiceSettings, cancelled: Cancelled
    ) -> Iterator[Sound]:
        from providers.tts.voice_worker.xtts_stream import XttsStream

        # A token more than may be said: the guard ends the speech gently, not the model in the middle of a wave.
        most = self.tokens_for(longest_s(piece.read, language)) + 1
        guard = BabbleGuard(piece.read, language, self.rate_hz, pace(settings))
        for sound in XttsStream(self.model, voice, piece.tokens, settings, cancelled, most):
            if len(said := guard.feed(sound)):
                yield said
            if guard.ended:
                return
        if not cancelled() and len(said := guard.flush()):
            yield said

    def _move(self, place: str, name: str) -> None:
        """To the card or the processor, and speak there once."""
        self.model.to(place)
        self._device = name
        self._voices = {}
        hum: Sound = (0.1 * np.sin(np.arange(MODEL_RATE_HZ) / 20)).astype(np.float32)
        speaker = self.speaker(hum, MODEL_RATE_HZ)
        for _ in self.stream("Hello.", self.languages[0], speaker, VoiceSettings(), lambda: False):
            pass


def _array(tensor: Any) -> Any:
    return np.ascontiguousarray(tensor.detach().float().cpu().numpy())
