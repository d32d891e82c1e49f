"""The training: one single-threaded process per core, gradients averaged once per step.

Two threads inside one process wait for each other in every small operation, which is far slower when the machine also
does other work.
"""

import json
import math
import os
import time
from pathlib import Path

import numpy as np
import tokenizers
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor

from whisper_kiosk.batches import IGNORED, Batch, Batches
from whisper_kiosk.corpus import load_corpus
from whisper_kiosk.dimensions import FRAMES
from whisper_kiosk.grammar import SEED
from whisper_kiosk.network import Whisper
from whisper_kiosk.options import Options
from whisper_kiosk.vocabulary import make_tokenizer

Phonemes = dict[str, list[str]]
"""The phonemes of each sentence."""

SAVE_EVERY_S = 180
REPORT_EVERY = 100
"""Steps."""
SHORT_FIRST = 0.12
"""First part of a training from scratch, with examples of at most 3 s."""
LISTEN_FIRST = 0.3
"""First part of a training from scratch, with the auxiliary loss at full weight."""


def train(options: Options) -> None:
    """Learn the vocabulary, then train for `options.minutes`; writes tokenizer.json and checkpoint.pt."""
    known = json.loads((options.work / "sentences.json").read_text())
    phonemes: Phonemes = json.loads((options.work / "phonemes.json").read_text())
    make_tokenizer(known["fixed"] * 3 + known["train"]).save(str(options.work / "tokenizer.json"))
    rendezvous = (options.work / "rendezvous").resolve()
    rendezvous.unlink(missing_ok=True)
    torch.multiprocessing.spawn(train_process, (options, phonemes, rendezvous), nprocs=options.threads)


def train_process(rank: int, options: Options, phonemes: Phonemes, rendezvous: Path) -> None:
    """Train in one process of `options.threads`; they meet at the file `rendezvous`."""
    os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] = "20000"
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=options.threads)
    torch.manual_seed(SEED)
    Trainer(rank, options, phonemes).run()
    dist.barrier()
    dist.destroy_process_group()


class Trainer:
    """Network, optimiser and progress of one process; rank 0 also reports and saves."""

    def __init__(self, rank: int, options: Options, phonemes: Phonemes) -> None:
        self.rank, self.options = rank, options
        self.phones = sorted({phone for spoken in phonemes.values() for phone in spoken})
        tokenizer = tokenizers.Tokenizer.from_file(str(options.work / "tokenizer.json"))
        data = load_corpus(options.work, options.boost)
        self.examples = len(data)
        self.model = Whisper(len(self.phones))
        if rank == 0:
            weights = sum(parameter.numel() for parameter in self.model.parameters())
            hours = sum(len(example.mel) for example in data) / 360000
            print(f"{len(data)} examples, {hours:.1f} h, {len(self.phones)} phonemes, {weights / 1e6:.2f} M parameters")
        if options.resume:
            self.model.load_state_dict(torch.load(options.resume)["model"])
        self.parameters = list(self.model.parameters())
        self.average = [parameter.detach().clone() for parameter in self.parameters]
        self.optimizer = self._optimizer()
        seed = int(time.time()) + 1000 * rank
        frames = options.frames // options.threads
        self.source = Batches(data, tokenizer, phonemes, self.phones, frames, seed, options.own, options.cut)
        self.step, self.seen, self.done = 0, 0, 0.0
        self.log: list[list[float]] = []
        self.start = self.saved = time.time()

    def _optimizer(self) -> torch.optim.AdamW:
        matrices = [parameter for parameter in self.parameters if parameter.dim() > 1]
        vectors = [parameter for parameter in self.parameters if parameter.dim() <= 1]
        groups = [{"params": matrices, "weight_decay": 0.02}, {"params": vectors, "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=self.options.lr, betas=(0.9, 0.98), fused=True)

    def run(self) -> None:
        """Train until the time is over, by the clock of rank 0."""
        batches = iter(self.source)
        self.start = self.saved = time.time()
        while self.done < 1:
            rate = self._set_course()
            batch, padded = next(batches)
            numbers = self._backward(batch, padded)
            self._share(len(batch.mel), numbers)
            norm = torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
            self.optimizer.step()
            self.step += 1
            weight = 1 - min(0.998, self.step / (self.step + 10))
            torch._foreach_lerp_(self.average, [parameter.detach() for parameter in self.parameters], weight)
            if self.rank == 0 and self.step % REPORT_EVERY == 0:
                self._report(float(norm), rate, batch.mel.shape[1])
            if self.rank == 0 and time.time() - self.saved > SAVE_EVERY_S:
                self.save()
                self.saved = time.time()
        if self.rank == 0:
            self.save()
            print(f"done: {self.step} steps, {self.seen} examples, {self._minutes():.1f} min")

    def _minutes(self) -> float:
        return (time.time() - self.start) / 60

    def _set_course(self) -> float:
        """Set window, length of examples and learning rate for the next step; return the rate."""
        options, fresh = self.options, not self.options.resume
        self.source.full = self.done > 1 - options.full
        self.source.longest = 300 if self.done < SHORT_FIRST and fresh else FRAMES
        cosine = 0.5 + 0.5 * math.cos(math.pi * self.done)
        rate = options.lr * min(1, (self.step + 1) / options.warmup) * (0.02 + 0.98 * cosine)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    def _backward(self, batch: Batch, padded: bool) -> list[float]:
        """Gradients of one batch; returns cross-entropy, CTC loss and the share of right tokens."""
        target = torch.from_numpy(batch.targets)
        with torch.autocast("cpu", torch.bfloat16):
            memory, bias = self.model.encode(torch.from_numpy(batch.mel), padded)
            logits = self.model.decode(torch.from_numpy(batch.tokens), memory, bias)
            phones = self.model.ctc(memory[:, :-1] if padded else memory)
        loss = F.cross_entropy(logits.float().flatten(0, 1), target.flatten(), ignore_index=IGNORED)
        auxiliary = F.ctc_loss(
            phones.float().log_softmax(-1).transpose(0, 1),
            torch.from_numpy(batch.phones),
            torch.from_numpy(batch.positions),
            torch.from_numpy(batch.phone_counts),
            zero_infinity=True,
        )
        weight = 1.0 if self.done < LISTEN_FIRST and not self.options.resume else self.options.ctc
        self.optimizer.zero_grad(set_to_none=True)
        (loss + weight * auxiliary).backward()
        right = ((logits.argmax(-1) == target) & (target >= 0)).sum() / (target >= 0).sum()
        return [loss.item(), auxiliary.item(), right.item()]

    def _share(self, examples: int, numbers: list[float]) -> None:
        """Average the gradients and the numbers over the processes, and read rank 0's clock."""
        threads = self.options.threads
        clock = self._minutes() / self.options.minutes * threads if self.rank == 0 else 0.0
        gradients: list[Tensor] = []
        for parameter in self.parameters:  # no padding, no gradient for the dead position
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            gradients.append(parameter.grad)
        flat = torch.cat([*(gradient.flatten() for gradient in gradients), torch.tensor([clock, examples, *numbers])])
        dist.all_reduce(flat)
        flat /= threads
        at = 0
        for gradient in gradients:
            gradient.copy_(flat[at : at + gradient.numel()].view_as(gradient))
            at += gradient.numel()
        self.done, mean_examples, *means = flat[at:].tolist()
        self.seen += round(mean_examples * threads)
        self.log.append(means)

    def _report(self, norm: float, rate: float, window: int) -> None:
        loss, auxiliary, right = np.mean(self.log[-REPORT_EVERY:], 0)
        print(
            f"{self._minutes():5.1f} min step {self.step} seen {self.seen} epoch {self.seen / self.examples:.2f} "
            f"ce {loss:.3f} ctc {auxiliary:.3f} token acc {right:.3f} |g| {norm:.2f} lr {rate:.1e} T {window}",
            flush=True,
        )

    def save(self) -> None:
        """Write checkpoint.pt: averaged weights ("model"), raw ones, the step and the phonemes."""
        raw = self.model.state_dict()
        names = [name for name, _ in self.model.named_parameters()]
        averaged = dict(zip(names, self.average, strict=True))
        model = {name: averaged.get(name, value) for name, value in raw.items()}
        part = self.options.work / "checkpoint.pt.tmp"
        torch.save({"model": model, "raw": raw, "step": self.step, "phones": self.phones}, part)
        part.replace(self.options.work / "checkpoint.pt")
