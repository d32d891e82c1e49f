"""XTTS's vocoder over a stream, at a constant cost per chunk and with the samples of decoding everything at once.

Upstream's ``inference_stream`` decodes all latents again for every chunk, so its cost grows with the square of the
length, and fades chunks into each other because their ends were computed as if nothing followed.

What a sample depends on is bounded, so a window suffices:

1. The latents of the GPT (one per token, 46 ms) are interpolated linearly three times: in time where ``speed`` is not
   1, by 4 (1024 samples of a token over the hop of 256), and by 24 000 / 22 050. Where an output lies does not depend
   on the length, so ``LinearUpsampler`` makes each frame once and for all; it waits for one upper neighbour.
2. HiFi-GAN looks 13 frames of 256 samples to both sides (``reach`` follows its layers). A chunk is therefore decoded
   with 13 frames before it, which were decoded already and whose samples are thrown away, and ends 13 frames (139 ms,
   three tokens) before the last one known: what follows is still needed for these. At the real start and end there are
   none, as when decoding at once: the convolutions pad with zeros there too.

So the samples are the same by construction, but for the rounding of the convolution's own arithmetic (about 1e-6), and
no cross-fade is needed. A chunk of 20 tokens has 87 frames and costs 113.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from providers.tts.voice_worker.engine import Sound
from providers.tts.voice_worker.reach import reach
from providers.tts.voice_worker.upsampling import LinearUpsampler

Tensor = Any


class WindowedDecoder:
    """Latents in, samples out, for one stretch of speech."""

    def __init__(self, decoder: Any, embedding: Tensor, speed: float = 1.0) -> None:
        """``decoder``: the model's ``HifiDecoder``; ``embedding``: of the speaker, shape [1, size, 1]."""
        self._vocoder = decoder.waveform_decoder
        self._embedding = embedding
        scales = [1.0 / speed, decoder.ar_mel_length_compression / decoder.output_hop_length]
        if decoder.output_sample_rate != decoder.input_sample_rate:
            scales.append(decoder.output_sample_rate / decoder.input_sample_rate)
        self._upsamplers = [LinearUpsampler(scale) for scale in scales]
        self._before, self._after = reach(self._vocoder)
        self._frames: Tensor | None = None
        """Frames that are still needed, shape [channels, frames]."""
        self._first = 0
        """Index of the first of them."""
        self._said = 0
        """Frames whose samples were given out."""
        self.decoded = 0
        """Frames that went through the vocoder so far, those of the windows' edges counted each time."""

    def feed(self, latents: Tensor) -> Sound:
        """Samples that are certain after these latents (shape [tokens, channels]); may be none."""
        with torch.inference_mode():
            frames = latents.transpose(0, 1)
            for upsampler in self._upsamplers:
                frames = upsampler.feed(frames)
            self._take(frames)
            return self._decode(self._known - self._after)

    def flush(self, latents: Tensor) -> Sound:
        """All samples that are left, these latents (there may be none: shape [0, channels]) being the last ones."""
        with torch.inference_mode():
            frames = latents.transpose(0, 1)
            for upsampler in self._upsamplers:
                fed = upsampler.feed(frames) if frames.shape[1] else frames
                frames = torch.cat([fed, upsampler.flush(frames)], dim=1)
            self._take(frames)
            return self._decode(self._known)

    @property
    def _known(self) -> int:
        assert self._frames is not None
        return self._first + int(self._frames.shape[1])

    def _take(self, frames: Tensor) -> None:
        self._frames = frames if self._frames is None else torch.cat([self._frames, frames], dim=1)

    def _decode(self, until: int) -> Sound:
        """Samples of the frames that were not given out yet and come before ``until``."""
        assert self._frames is not None
        if until <= self._said:
            return np.zeros(0, np.float32)
        window = self._frames[:, max(0, self._said - self._before - self._first) :]
        begin = self._known - int(window.shape[1])
        samples = self._vocoder(window[None], g=self._embedding)[0, 0]
        self.decoded += int(window.shape[1])
        hop = int(samples.shape[0]) // int(window.shape[1])
        said = samples[(self._said - begin) * hop : (until - begin) * hop]
        self._frames, self._first, self._said = window, begin, until
        return np.asarray(said.float().cpu().numpy(), np.float32)
