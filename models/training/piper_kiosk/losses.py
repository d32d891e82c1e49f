"""How far the network is from the teacher."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from piper_kiosk.corpus import Batch
from piper_kiosk.dimensions import APERIODICITY, ENVELOPE, NOISE, PITCH, VOICING
from piper_kiosk.network import Net, locate


class Losses(NamedTuple):
    """Means over the frames or ids of a batch."""

    envelope: Tensor
    delta: Tensor
    """Of the change of the envelope from frame to frame."""
    pitch: Tensor
    voicing: Tensor
    aperiodicity: Tensor
    duration: Tensor

    def total(self) -> Tensor:
        """What the training makes smaller."""
        spectral = self.envelope + self.delta
        return spectral + 0.5 * self.pitch + 0.5 * self.voicing + 0.5 * self.aperiodicity + self.duration


def losses(net: Net, batch: Batch) -> Losses:
    """The losses of one batch, with the teacher's own durations."""
    hidden, log_durations, id_mask = net.encode(batch.ids, batch.lengths)
    y, durations = batch.outputs, batch.durations
    t = torch.arange(y.shape[1]).float()[None].expand(len(batch.ids), -1)
    index, place = locate(durations, torch.cumsum(durations, 1), t)
    said = net.decode(hidden, index, place, batch.mask).float()
    wanted = (y - net.mean) / net.std
    weight, frames = batch.mask[:, :, None], batch.mask.sum()
    voiced = y[:, :, VOICING:NOISE] * weight
    error = said - wanted
    delta = said[:, 1:, :ENVELOPE] - said[:, :-1, :ENVELOPE] - wanted[:, 1:, :ENVELOPE] + wanted[:, :-1, :ENVELOPE]
    voicing = F.binary_cross_entropy_with_logits(said[..., VOICING:NOISE], y[..., VOICING:NOISE], reduction="none")
    id_weight = id_mask * net.lasts[batch.ids]
    return Losses(
        envelope=(error[..., :ENVELOPE].abs() * weight).sum() / frames / ENVELOPE,
        delta=(delta.abs() * weight[:, 1:]).sum() / frames / ENVELOPE,
        pitch=(error[..., PITCH:VOICING].abs() * (weight * 0.1 + 0.9 * voiced)).sum() / frames,
        voicing=(voicing * weight).sum() / frames,
        aperiodicity=(error[..., NOISE:].abs() * voiced).sum() / frames / APERIODICITY,
        duration=(((log_durations.float() - torch.log1p(durations)) ** 2) * id_weight).sum() / id_weight.sum(),
    )
