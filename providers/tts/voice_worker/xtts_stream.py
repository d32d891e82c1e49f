"""Sound of one piece of text while XTTS's model makes it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import torch

from pipeline.speech import VoiceSettings
from providers.tts.voice_worker.babble import looped
from providers.tts.voice_worker.engine import Cancelled, Sound
from providers.tts.voice_worker.windowed import WindowedDecoder
from providers.tts.voice_worker.xtts_sampling import pace, sampling

Tensor = Any

CHUNKS = (8, 12, 16, 20)
"""Tokens of the chunks, the last for all that follow. The first one has 0.2 s of sound (three more tokens wait for what
follows them), so speech begins early; later ones are as long as upstream's, as less is computed twice."""


class XttsStream:
    """Chunks of sound, decoded after so many tokens each, until the model stops, loops or nobody waits."""

    def __init__(
        self,
        model: Any,
        speaker: tuple[Tensor, Tensor],
        tokens: list[int],
        settings: VoiceSettings,
        cancelled: Cancelled,
        most: int,
        chunks: tuple[int, ...] = CHUNKS,
    ) -> None:
        """``speaker``: conditioning latents and embedding on the model's device; ``most``: tokens of sound."""
        self._model = model
        self._latent, embedding = speaker
        self._tokens = tokens
        self._sampling = sampling(settings)
        self._cancelled = cancelled
        self._most = min(most, int(model.gpt.max_gen_mel_tokens))
        self._chunks = chunks
        self.decoder = WindowedDecoder(model.hifigan_decoder, embedding, pace(settings))
        self.codes: list[int] = []
        """Tokens of sound so far."""

    def __iter__(self) -> Iterator[Sound]:
        sizes = chain(self._chunks[:-1], repeat(self._chunks[-1]))
        size, waiting = next(sizes), []
        for latent in self._latents():
            waiting.append(latent)
            if len(waiting) < size:
                continue
            size = next(sizes)
            if len(sound := self.decoder.feed(torch.cat(waiting))):
                yield sound
            waiting = []
        rest = torch.cat(waiting) if waiting else self._latent[0, :0]
        if not self._cancelled() and len(sound := self.decoder.flush(rest)):
            yield sound

    def _latents(self) -> Iterator[Tensor]:
        """One per token, shape [1, channels]."""
        steps = self._steps()
        while len(self.codes) < self._most and not looped(self.codes):
            # Asked before each step: nothing is computed for nobody.
            if self._cancelled() or (step := next(steps, None)) is None:
                return
            code, latent = step
            self.codes.append(int(code))
            yield latent

    def _steps(self) -> Iterator[tuple[Tensor, Tensor]]:
        """As upstream's ``inference_stream`` asks the GPT: the same seed makes the same tokens."""
        gpt = self._model.gpt
        with torch.inference_mode():
            text = torch.tensor([self._tokens], dtype=torch.int32, device=self._latent.device)
            inputs = gpt.compute_embeddings(self._latent, text)
        steps: Iterator[tuple[Tensor, Tensor]] = gpt.get_generator(
            fake_inputs=inputs,
            num_beams=1,
            num_return_sequences=1,
            output_attentions=False,
            output_hidden_states=True,
            return_dict_in_generate=True,
            **self._sampling,
        )
        return steps
