"""What is exported: Piper's inputs to samples."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from piper_kiosk.dimensions import ENVELOPE, F0_HIGH_HZ, F0_LOW_HZ, NOISE, PITCH, VOICING
from piper_kiosk.network import Net, locate
from piper_kiosk.vocoder import Vocoder


class Voice(nn.Module):
    """Network and vocoder in one graph."""

    sharp: Tensor
    """What each band of the envelope is multiplied by, shape (64, 64); see `export.sharpening`."""

    def __init__(self, net: Net, gain: float) -> None:
        super().__init__()
        self.net, self.vocoder, self.gain = net, Vocoder(), gain
        self.register_buffer("sharp", torch.eye(ENVELOPE))

    def forward(self, ids: Tensor, lengths: Tensor, scales: Tensor) -> Tensor:
        """ids (1, n), lengths (1), scales (noise_scale, length_scale, noise_w) -> samples (1, 1, 1, t)."""
        net = self.net
        hidden, log_durations, mask = net.encode(ids, lengths)
        speed = torch.clamp(scales[1], 0.1, 10.0)
        durations = torch.clamp(torch.exp(log_durations) - 1, 0.0, 150.0) * net.dur_fix * net.lasts[ids] * mask * speed
        ends = torch.cumsum(durations, 1)
        t = self._times(durations, ends)
        index, place = locate(durations, ends, t, speed)
        y = net.decode(hidden, index, place, torch.ones_like(t))[0] * net.std + net.mean
        envelope = (y[:, :ENVELOPE] - net.mean[:ENVELOPE]) @ self.sharp + net.mean[:ENVELOPE]
        pitch = torch.clamp(y[:, PITCH], math.log(F0_LOW_HZ), math.log(F0_HIGH_HZ))
        voicing = torch.clamp((torch.sigmoid(y[:, VOICING]) - 0.35) / 0.3, 0, 1)
        noise_gain = 0.5 + 0.5 * torch.clamp(scales[0] / 0.667, 0.0, 1.5)
        samples = self.vocoder(envelope, pitch, voicing, y[:, NOISE:], noise_gain) * self.gain
        return torch.clamp(samples, -1.0, 1.0)[None, None, None]

    def _times(self, durations: Tensor, ends: Tensor) -> Tensor:
        """0, 1, 2 … for each frame of the utterance, shape (1, f), at least four."""
        edge = -torch.floor(-ends)  # frames before the end of each symbol
        frames = edge - F.pad(edge[:, :-1], (1, 0))
        frames = torch.ceil(frames)  # whole already; Piper finds a voice's alignments by its Ceil node
        n = torch.clamp(frames.sum(), min=4).long()
        return torch.cumsum(torch.ones_like(durations[:1, :1]).expand(1, n), 1) - 1
