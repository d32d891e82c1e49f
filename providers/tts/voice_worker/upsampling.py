"""Frames made denser by linear interpolation, over a stream, with the values of interpolating at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

Tensor = Any


class LinearUpsampler:
    """What ``torch.nn.functional.interpolate(mode="linear", scale_factor=scale)`` makes of all frames together.

    Output ``j`` lies at input position ``(j + 0.5) / scale - 0.5``, wherever the input ends: so all outputs whose two
    neighbours are known are final, and no more than two input frames need to be kept. The positions are computed in
    float32, as torch does, so that even rounding is the same.

    One quirk is left out: where all outputs are as many as all inputs, torch copies them whatever the scale (2.11,
    ATen/native/UpSampleLinear1d). That concerns two tokens of sound, or a speed just below 1 in a short text, and
    cannot be known before the end.
    """

    def __init__(self, scale: float) -> None:
        """``scale``: outputs per input, 0.5 or more. At 1 frames pass as they are."""
        self._scale = scale
        self._step = np.float32(1.0 / scale)
        self._kept: Tensor | None = None
        """Input frames that are still needed, shape [channels, frames]."""
        self._first = 0
        """Index of the first kept frame."""
        self._made = 0
        """Outputs given so far."""

    def feed(self, frames: Tensor) -> Tensor:
        """Outputs that are certain after these frames; both of shape [channels, frames]."""
        if self._scale == 1.0:
            return frames
        self._kept = frames if self._kept is None else torch.cat([self._kept, frames], dim=1)
        low, weight = self._positions()
        # Before the end is known, an output needs its upper neighbour.
        certain = int(np.count_nonzero(low + 1 < self._seen))
        return self._outputs(low[:certain], weight[:certain])

    def flush(self, like: Tensor) -> Tensor:
        """The last outputs, now that no frame follows; ``like`` tells shape and kind where there are none."""
        if self._scale == 1.0 or self._kept is None:
            return like[:, :0]
        return self._outputs(*self._positions())

    @property
    def _seen(self) -> int:
        assert self._kept is not None
        return self._first + int(self._kept.shape[1])

    def _positions(self) -> tuple[Any, Any]:
        """Lower neighbour and weight of the upper one, of all outputs that the frames seen can have."""
        wanted = np.arange(self._made, int(self._seen * self._scale), dtype=np.float32)
        at = np.maximum(self._step * (wanted + np.float32(0.5)) - np.float32(0.5), np.float32(0))
        low = np.minimum(at.astype(np.int64), self._seen - 1)
        return low, np.clip(at - low.astype(np.float32), 0, 1).astype(np.float32)

    def _outputs(self, low: Any, weight: Any) -> Tensor:
        assert self._kept is not None
        below = torch.from_numpy(low - self._first).to(self._kept.device)
        above = torch.clamp(below + 1, max=self._kept.shape[1] - 1)
        share = torch.from_numpy(weight).to(self._kept.device, self._kept.dtype)
        outputs = self._kept[:, below] * (1 - share) + self._kept[:, above] * share
        self._made += len(low)
        if len(low):
            # The next output lies further on than the last one, but may share its lower neighbour.
            drop = int(low[-1]) - self._first
            self._kept, self._first = self._kept[:, drop:], self._first + drop
        return outputs
