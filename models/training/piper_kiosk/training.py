"""The training, by the clock, in bfloat16 where the processor has it."""

import math
import random
import time
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
import torch

from piper_kiosk.corpus import Batch, collate, epoch, load_data
from piper_kiosk.dimensions import NOISE, VOICING
from piper_kiosk.features import Utterance
from piper_kiosk.losses import Losses, losses
from piper_kiosk.network import Net, Shape
from piper_kiosk.options import Options

SEED = 1
WARMUP = 100
"""Steps until the highest learning rate."""
SAVE_EVERY_S = 180


def train(options: Options) -> None:
    """Step "train": train for `options.minutes`; writes net.pt."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(SEED)
    valid, data = load_data(options)
    Trainer(options, valid, data).run()


class Trainer:
    """Network, optimiser and progress."""

    def __init__(self, options: Options, valid: list[Utterance], data: list[Utterance]) -> None:
        self.options, self.valid, self.data = options, valid, data
        self.shape = Shape()
        self.net = Net(self.shape)
        self._measure()
        if options.resume:
            self.net.load_state_dict(torch.load(options.work / "net.pt")["net"])
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=options.lr, weight_decay=1e-4, betas=(0.9, 0.98))
        self.step, self.epoch = 0, 0
        self.log: list[float] = []
        weights = sum(parameter.numel() for parameter in self.net.parameters())
        lasting = int(self.net.lasts.sum())
        print(weights / 1e6, "M parameters;", len(data), "utterances;", lasting, "symbols with a duration", flush=True)

    def _measure(self) -> None:
        """Take mean and spread of the outputs, and which symbols last, from the data."""
        outputs = np.concatenate([utterance.outputs() for utterance in self.data[::4]])
        mean, std = outputs.mean(0), outputs.std(0) + 1e-3
        mean[VOICING], std[VOICING] = 0, 1  # a logit
        std[NOISE:] = np.maximum(std[NOISE:], 0.1)
        lasts = np.zeros(self.shape.symbols)
        for utterance in self.data:
            np.maximum.at(lasts, utterance.ids.astype(int), (utterance.durations > 0).astype(float))
        self.net.mean.copy_(torch.tensor(mean))
        self.net.std.copy_(torch.tensor(std))
        self.net.lasts.copy_(torch.tensor(lasts))

    def run(self) -> None:
        """Train until the time is over; saves every three minutes and at the end."""
        start = time.time()
        next_save_s: float = SAVE_EVERY_S
        for group in self._groups():
            done = (time.time() - start) / (self.options.minutes * 60)
            if done >= 1:
                self.save(f"end step {self.step}")
                return
            rate = self._learn(collate(group), done)
            elapsed_s = time.time() - start
            if self.step % 50 == 0 or self.step in (5, 10, 20):
                loss = np.mean(self.log[-50:])
                print(
                    f"{elapsed_s:6.0f}s step {self.step} epoch {self.epoch} loss {loss:.3f} lr {rate:.5f}", flush=True
                )
            if elapsed_s > next_save_s:
                next_save_s = elapsed_s + SAVE_EVERY_S
                self.save(f"step {self.step}")

    def _groups(self) -> Iterator[list[Utterance]]:
        rng = random.Random(5)
        while groups := epoch(self.data, rng, self.options.batch_frames):
            yield from groups
            self.epoch += 1
        raise ValueError("too few utterances for one batch: take more --sentences or fewer --batch-frames")

    def _learn(self, batch: Batch, done: float) -> float:
        """One step; returns the learning rate it took."""
        cosine = 0.5 * (1 + math.cos(math.pi * done))
        rate = self.options.lr * min(1, (self.step + 1) / WARMUP) * (0.01 + 0.99 * cosine)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=not self.options.fp32):
            loss = losses(self.net, batch).total()
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        self.optimizer.step()
        self.log.append(float(loss))
        self.step += 1
        return rate

    def save(self, label: str) -> None:
        """Validate, set the factor on durations, and write net.pt."""
        self.net.eval()
        means, factor = self._validate()
        self.net.dur_fix.fill_(factor)
        self.net.train()
        part = self.options.work / "net.pt.tmp"
        torch.save({"cfg": asdict(self.shape), "net": self.net.state_dict()}, part)
        part.replace(self.options.work / "net.pt")
        print(
            f"{label} valid mel {means[0]:.3f} delta {means[1]:.3f} f0 {means[2]:.3f} voicing {means[3]:.3f} "
            f"ap {means[4]:.3f} dur {means[5]:.4f} dur_fix {factor:.3f}",
            flush=True,
        )

    @torch.no_grad()
    def _validate(self) -> tuple[np.ndarray, float]:
        """(mean of each of `Losses`, true over predicted duration)."""
        numbers: list[Losses] = []
        predicted = true = 0.0
        for at in range(0, len(self.valid), 16):
            batch = collate(self.valid[at : at + 16])
            numbers.append(losses(self.net, batch))
            _, log_durations, mask = self.net.encode(batch.ids, batch.lengths)
            durations = torch.relu(torch.exp(log_durations) - 1) * mask * self.net.lasts[batch.ids]
            predicted += float(durations.sum())
            true += float(batch.durations.sum())
        return np.mean([torch.stack(parts).numpy() for parts in numbers], 0), true / predicted
