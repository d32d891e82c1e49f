"""The utterances to train on, those to validate on, and their batches."""

import pickle
import random
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from piper_kiosk.dimensions import OUTPUTS
from piper_kiosk.features import Utterance
from piper_kiosk.options import Options

VALIDATION = 64
"""Utterances."""
FRAME_STEP = 128


def load_data(options: Options) -> tuple[list[Utterance], list[Utterance]]:
    """(64 utterances to validate on, the rest)."""
    with (options.work / "features.pkl").open("rb") as stored:
        data: list[Utterance] = pickle.load(stored)  # noqa: S301 - written by the step before
    if options.holdout:  # sentences of a test set never to train on
        lines = (options.work / "text.txt").read_text().split("\n")
        held = set(options.holdout.read_text().split("\n"))
        data = [utterance for utterance in data if lines[utterance.line] not in held]
    random.Random(3).shuffle(data)
    return data[:VALIDATION], data[VALIDATION:]


class Batch(NamedTuple):
    """b utterances, zero padded to n ids and to f frames."""

    ids: Tensor
    """Shape (b, n)."""
    durations: Tensor
    """In frames, shape (b, n)."""
    lengths: Tensor
    """Ids of each utterance, shape (b,)."""
    outputs: Tensor
    """Shape (b, f, 72)."""
    mask: Tensor
    """1 where a frame is, shape (b, f)."""


def rounded_frames(utterance: Utterance) -> int:
    """Frames of an utterance, rounded up to the step in which batches differ."""
    return -(-len(utterance.pitch) // FRAME_STEP) * FRAME_STEP


def collate(utterances: list[Utterance]) -> Batch:
    """One batch, in one of a few shapes only: each new one costs a compilation."""
    n = -(-max(len(utterance.ids) for utterance in utterances) // 64) * 64
    frames = max(rounded_frames(utterance) for utterance in utterances)
    ids, durations = np.zeros((len(utterances), n), np.int64), np.zeros((len(utterances), n), np.float32)
    outputs = np.zeros((len(utterances), frames, OUTPUTS), np.float32)
    mask = np.zeros((len(utterances), frames), np.float32)
    for k, utterance in enumerate(utterances):
        i, f = len(utterance.ids), len(utterance.pitch)
        ids[k, :i], durations[k, :i], mask[k, :f] = utterance.ids, utterance.durations, 1
        outputs[k, :f] = utterance.outputs()
    lengths = np.array([len(utterance.ids) for utterance in utterances])
    return Batch(*(torch.tensor(array) for array in (ids, durations, lengths, outputs, mask)))


def epoch(data: list[Utterance], rng: random.Random, frames: int) -> list[list[Utterance]]:
    """All utterances once, grouped by length into batches of about `frames` frames, in random order."""
    order = sorted(data, key=lambda utterance: (len(utterance.pitch) // FRAME_STEP, rng.random()))
    groups: list[list[Utterance]] = []
    group: list[Utterance] = []
    for utterance in order:
        group.append(utterance)
        if len(group) >= max(1, frames // rounded_frames(group[0])):
            groups.append(group)
            group = []
    rng.shuffle(groups)
    return groups
