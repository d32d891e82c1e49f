"""Batches of the training: examples of about one length, padded, masked and turned into tokens."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from whisper_kiosk.corpus import Example
from whisper_kiosk.dimensions import FIRST_TIMESTAMP, FRAMES, MELS, SPECIAL
from whisper_kiosk.noise import Rng

if TYPE_CHECKING:
    import tokenizers

Ints = npt.NDArray[np.int64]
IGNORED = -100
"""Target that the loss does not look at."""


class Batch(NamedTuple):
    """b examples of one window."""

    mel: npt.NDArray[np.float32]
    """Shape (b, frames, 80), zero padded."""
    tokens: Ints
    """What the decoder reads, shape (b, n)."""
    targets: Ints
    """What it shall say next, shape (b, n)."""
    phones: Ints
    """Phonemes of all examples, one after the other, counted from 1."""
    phone_counts: Ints
    """Phonemes of each example, shape (b,)."""
    positions: Ints
    """Encoder positions of each example that hold audio, shape (b,)."""


def spec_augment(rng: Rng, mel: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Blank up to two bands and two stretches of features (frames, 80), in place (SpecAugment, Park et al. 2019)."""
    mean = mel.mean()
    for _ in range(rng.integers(0, 3)):
        width = int(rng.integers(1, 13))
        at = int(rng.integers(0, MELS - width))
        mel[:, at : at + width] = mean
    for _ in range(rng.integers(0, 3)):
        width = int(rng.integers(1, 13))
        at = int(rng.integers(0, max(1, len(mel) - width)))
        mel[at : at + width] = mean
    return mel


def cut_or_extend(rng: Rng, example: Example) -> npt.NDArray[np.float16]:
    """Features an assistant would send without padding: the utterance and up to 2 s after it, in steps of 40 frames.

    What was not recorded is continued by mirroring the background after (or before) the speech.
    """
    mel, text, start_s, end_s = example
    n = len(mel)
    if not text:
        want = max(40, min(n, int(rng.integers(40, 800))) // 40 * 40)
    else:
        want = min(FRAMES, _steps(int(min(n, 100 * end_s) + rng.integers(5, 200)), 40))
    if n >= want:
        return mel[:want]
    last = mel[min(n, int(100 * end_s) + 3) :] if text else mel
    if len(last) < 12:
        last = mel[: max(0, int(100 * start_s) - 3)]
    if len(last) < 12:  # no background at all: the quietest moments
        last = mel[np.sort(np.argsort(mel.astype(np.float32).mean(1))[:12])]
    mirror = np.concatenate([last[::-1], last])
    return np.concatenate([mel] + [mirror] * ((want - n) // len(mirror) + 1))[:want]


def _steps(n: int, step: int) -> int:
    return -(-n // step) * step


class Batches:
    """Endless batches; a batch is of one kind: with the key for the padding up to 3000 frames, or without.

    `frames` is the size of a batch. `own` and `cut` are the shares of examples at the utterance's own length and zero
    padded to at most 1000 frames, both without the key.
    """

    def __init__(
        self,
        data: list[Example],
        tokenizer: "tokenizers.Tokenizer",
        phonemes: dict[str, list[str]],
        phones: list[str],
        frames: int,
        seed: int,
        own: float = 0.0,
        cut: float = 0.0,
    ) -> None:
        self.data, self.phonemes, self.frames, self.own, self.cut = data, phonemes, frames, own, cut
        self.rng = np.random.default_rng(seed)
        self.phone = {phone: i + 1 for i, phone in enumerate(phones)}
        self.special: dict[str, int] = {token: tokenizer.token_to_id(token) for token in SPECIAL}
        texts = {example.text for example in data if example.text}
        self.texts: dict[str, list[int]] = {text: tokenizer.encode(" " + text).ids for text in texts}
        self.pool = list(self.texts.values())
        self.full = False
        """Always the complete 10 s window."""
        self.longest = FRAMES
        """Longer examples are passed over: the training starts with short ones."""

    def __iter__(self) -> Iterator[tuple[Batch, bool]]:
        """Yield (batch, whether the padding key belongs to it).

        There are few distinct shapes (windows in steps of 80 frames, a fixed batch size for each), because the CPU
        kernels are compiled for each new shape.
        """
        waiting: dict[tuple[bool, int], list[Example]] = {}
        while True:
            for i in self.rng.permutation(len(self.data)):
                if len(self.data[i].mel) > self.longest:
                    continue
                example, padded, window = self._framed(self.data[i])
                group = waiting.setdefault((padded, window), [])
                group.append(example)
                if len(group) >= self.frames // window:
                    del waiting[padded, window]
                    yield self.collate(group, window), padded

    def _framed(self, example: Example) -> tuple[Example, bool, int]:
        dice = self.rng.random()
        padded = bool(dice >= self.own + self.cut)
        if dice < self.own:
            example = example._replace(mel=cut_or_extend(self.rng, example))
            return example, padded, len(example.mel)
        room = [0, 0, 40, 120] if padded else [80, 160, 320, 480]
        want = len(example.mel) + int(self.rng.choice(room))
        return example, padded, FRAMES if self.full else min(FRAMES, _steps(want, 80))

    def collate(self, examples: list[Example], window: int) -> Batch:
        """One batch of `window` frames."""
        mel = np.zeros((len(examples), window, MELS), np.float32)
        tokens, targets, phones, counts, positions = [], [], [], [], []
        for k, example in enumerate(examples):
            n = len(example.mel)
            mel[k, :n] = spec_augment(self.rng, example.mel.astype(np.float32))
            positions.append((n + 1) // 2)
            read, say = self._dictation(example)
            tokens.append(read)
            targets.append(say)
            spoken = [self.phone[symbol] for symbol in self.phonemes[example.text]] if example.text else []
            phones += spoken
            counts.append(len(spoken))
        longest = _steps(max(map(len, tokens)), 6)
        return Batch(
            mel,
            _filled(tokens, longest, self.special["<|endoftext|>"]),
            _filled(targets, longest, IGNORED),
            np.array(phones, np.int64),
            np.array(counts),
            np.array(positions),
        )

    def _dictation(self, example: Example) -> tuple[list[int], list[int]]:
        """(tokens the decoder reads, what it shall say after each) of one example."""
        rng, special = self.rng, self.special
        body = self.texts[example.text] if example.text else []
        sequence: list[int] = []
        if rng.random() < 0.12:  # an earlier utterance, hotwords, an initial prompt
            earlier = [token for _ in range(rng.integers(1, 4)) for token in self.pool[rng.integers(0, len(self.pool))]]
            sequence = [special["<|startofprev|>"], *earlier[-int(rng.integers(3, 40)) :]]
        mute = len(sequence)
        sequence = [*sequence, special["<|startoftranscript|>"]]
        if rng.random() < 0.2:
            first = _timestamp(min(example.start_s, 1.0))
            sequence += [first, *body, *([_timestamp(example.end_s)] if body else [])]
        else:
            sequence += [special["<|notimestamps|>"], *body]
        sequence.append(special["<|endoftext|>"])
        targets = [IGNORED] * mute + sequence[mute + 1 :]
        if not example.text:
            targets[mute] = special["<|nospeech|>"]  # read by faster-whisper as no_speech_prob
        return sequence[:-1], targets


def _timestamp(at_s: float) -> int:
    return FIRST_TIMESTAMP + round(at_s / 0.02)


def _filled(rows: list[list[int]], width: int, value: int) -> Ints:
    out = np.full((len(rows), width), value, np.int64)
    for k, row in enumerate(rows):
        out[k, : len(row)] = row
    return out
