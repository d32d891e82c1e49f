"""The network: phoneme ids to durations, and each frame's envelope, pitch, voicing and aperiodicity.

Tensors: b utterances, n ids, f frames.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from piper_kiosk.dimensions import OUTPUTS, SYMBOLS

PLACE_FEATURES = 10
EDGE_FEATURES = 8


@dataclass(frozen=True)
class Shape:
    """Sizes of the network."""

    symbols: int = SYMBOLS
    enc: int = 192
    """Channels of the encoder."""
    enc_layers: int = 6
    dec: int = 256
    """Channels of the decoder."""
    dec_layers: int = 6


class Block(nn.Module):
    """A convolution with a scaled shortcut."""

    def __init__(self, channels: int, kernel: int, drop: float = 0.0) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, kernel, padding=kernel // 2)
        self.drop = nn.Dropout(drop)
        self.scale = nn.Parameter(torch.full((channels, 1), 0.3))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (b, channels, t), mask (b, 1, t) -> the shape of x."""
        out: Tensor = (x + self.scale * self.drop(F.relu(self.conv(x)))) * mask
        return out


class Net(nn.Module):
    """The trained part."""

    lasts: Tensor
    """0 for symbols that take no time, shape (symbols,)."""
    mean: Tensor
    std: Tensor
    dur_fix: Tensor
    """Factor that makes predicted durations as long as the teacher's in sum."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        enc, dec = shape.enc, shape.dec
        self.emb = nn.Embedding(shape.symbols, enc - EDGE_FEATURES)
        nn.init.normal_(self.emb.weight, 0, 0.3)
        self.inp = nn.Conv1d(enc, enc, 5, padding=2)
        self.enc = nn.ModuleList([Block(enc, 5, 0.1) for _ in range(shape.enc_layers)])
        self.dur = nn.Sequential(nn.Conv1d(enc, 128, 3, padding=1), nn.ReLU(), nn.Conv1d(128, 1, 1))
        self.up = nn.Linear(enc, dec)
        self.pos = nn.Linear(PLACE_FEATURES, dec)
        self.dec = nn.ModuleList([Block(dec, 5) for _ in range(shape.dec_layers)])
        self.out = nn.Conv1d(dec, OUTPUTS, 1)
        self.register_buffer("lasts", torch.ones(shape.symbols))
        self.register_buffer("mean", torch.zeros(OUTPUTS))
        self.register_buffer("std", torch.ones(OUTPUTS))
        self.register_buffer("dur_fix", torch.ones(()))

    def encode(self, ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """ids (b, n), lengths (b) -> hidden (b, e, n), log(1 + duration in frames) (b, n), mask (b, n)."""
        t = torch.cumsum(torch.ones_like(ids), 1) - 1
        mask = (t < lengths[:, None]).float()
        edges = torch.stack([*_nearness(t.float()), *_nearness((lengths[:, None] - 1 - t).float())], -1)
        m = mask[:, None]
        x = torch.cat([self.emb(ids), edges], -1).transpose(1, 2) * m
        x = F.relu(self.inp(x)) * m
        for block in self.enc:
            x = block(x, m)
        return x, self.dur(x)[:, 0], mask

    def decode(self, hidden: Tensor, index: Tensor, place: Tensor, mask: Tensor) -> Tensor:
        """hidden (b, e, n), the id of each frame (b, f), its place in it (b, f, 10) -> (b, f, 72), normalised."""
        up = self.up(hidden.transpose(1, 2))
        x = torch.gather(up, 1, index[:, :, None].expand(-1, -1, up.shape[-1]))
        x = (x + self.pos(place)).transpose(1, 2) * mask[:, None]
        for block in self.dec:
            x = block(x, mask[:, None])
        out: Tensor = self.out(x).transpose(1, 2)
        return out


def _nearness(distance: Tensor) -> list[Tensor]:
    decays = [torch.exp(-distance / reach) for reach in (4, 16, 64)]
    return [*decays, torch.clamp(distance, 0, 200) / 200]


def locate(durations: Tensor, ends: Tensor, t: Tensor, speed: Tensor | float = 1.0) -> tuple[Tensor, Tensor]:
    """Which id each frame time falls into (b, f), and where in it (b, f, 10).

    `durations` and `ends` (b, n) and `t` (b, f) are in frames; `speed` is the factor by which durations were stretched.
    """
    index = (ends[:, None, :] <= t[:, :, None]).long().sum(-1)
    index = torch.minimum(index, torch.full_like(index, durations.shape[1] - 1))
    length = torch.gather(durations, 1, index)
    start = (t - (torch.gather(ends, 1, index) - length)) / speed
    length = length / speed
    left = length - start
    share = torch.clamp(start / (length + 1e-3), 0, 1)
    place = [
        share,
        share * share,
        torch.sin(math.pi * share),
        torch.sin(2 * math.pi * share),
        torch.log1p(torch.relu(length)),
        torch.clamp(start, 0, 25) / 25,
        torch.clamp(left, 0, 25) / 25,
        torch.exp(-torch.relu(start) / 2),
        torch.exp(-torch.relu(left) / 2),
        1 / (1 + torch.relu(length)),
    ]
    return index, torch.stack(place, -1)
