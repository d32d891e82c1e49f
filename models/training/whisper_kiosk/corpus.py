"""The training data: sentences rendered, augmented and stored as shards of log-mel features.

A shard is two files: NAME.f16 holds float16 frames of 80 mels one after the other; NAME.json holds one
[first frame, frames, text, start s, end s, voice] for each example.
"""

import json
import math
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from whisper_kiosk.augmentation import augment, respeak
from whisper_kiosk.dimensions import MELS, SAMPLE_RATE_HZ
from whisper_kiosk.features import log_mel
from whisper_kiosk.grammar import SEED, drills, normalise, sentences, tellable
from whisper_kiosk.noise import non_speech
from whisper_kiosk.options import Options
from whisper_kiosk.voices import Audio, SpeechError, Voice, phonemes, pick_more, pick_voice, say

LONGEST_S = 7.5
"""A rendering longer than this is left out, so that silence fits around it."""
NEGATIVE_SHARE = 0.1
"""Examples without speech, as a share of those with."""


class Example(NamedTuple):
    """One example as the training reads it."""

    mel: npt.NDArray[np.float16]
    """Shape (frames, 80)."""
    text: str
    """Written sentence; empty where nobody speaks."""
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Job:
    """One shard to make."""

    path: Path
    """Its files without their suffixes."""
    seed: int
    texts: list[str]
    copies: int
    """Augmentations of each rendering."""
    negatives: int
    """Examples without speech."""
    more: bool = False
    """Voices of the second stage."""
    piper: str | None = None
    """Second stage: path of a Piper voice."""

    def pick(self, rng: Random) -> Voice:
        """Draw a voice of this job's stage."""
        return pick_more(rng, self.piper) if self.more else pick_voice(rng)


@dataclass
class ShardWriter:
    """Appends examples to a shard's feature file and keeps their index."""

    out: BinaryIO
    index: list[list[int | float | str]] = field(default_factory=list)
    frames: int = 0

    def put(self, audio: Audio, text: str, start_s: float, end_s: float, voice: str) -> None:
        """Append one example."""
        mel = log_mel(audio).astype(np.float16).T
        self.out.write(np.ascontiguousarray(mel).tobytes())
        self.index.append([self.frames, mel.shape[0], text, round(start_s, 2), round(end_s, 2), voice])
        self.frames += mel.shape[0]


def make_shard(job: Job) -> int:
    """Write one shard and return its number of examples; 0 where it is there already."""
    index = job.path.with_suffix(".json")
    if index.exists():
        return 0
    rng, noise_rng = Random(job.seed), np.random.default_rng(job.seed)
    with job.path.with_suffix(".f16").open("wb") as out:
        writer = ShardWriter(out)
        for text in job.texts:
            voice = job.pick(rng)
            try:
                x = say(voice, text)
            except SpeechError as error:
                print("skipped", voice, text, error, file=sys.stderr)
                continue
            if job.more and voice.engine != "piper" and rng.random() < 0.5:  # few voices: make speakers of them
                x = respeak(x, rng.uniform(0.85, 1.18))
            if len(x) > LONGEST_S * SAMPLE_RATE_HZ:
                continue
            for _ in range(job.copies):
                heard = augment(noise_rng, x)
                writer.put(heard.audio, text, heard.start_s, heard.end_s, Path(voice.name).name)
        for _ in range(job.negatives):
            writer.put(non_speech(noise_rng), "", 0, 0, "-")
    index.write_text(json.dumps(writer.index))
    return len(writer.index)


def make_data(options: Options) -> None:
    """First stage: write sentences.json, phonemes.json and the shards into the work folder."""
    options.work.mkdir(parents=True, exist_ok=True)
    corpus = tellable(sentences(want=options.sentences))
    fixed, train, held = corpus
    words = {word for text in fixed + train + held for word in normalise(text).split()}
    print(f"{len(fixed)} fixed, {len(train)} train, {len(held)} held-out sentences, {len(words)} words")
    extra = drills(fixed, train, held, options.drills)
    (options.work / "sentences.json").write_text(json.dumps({**corpus._asdict(), "drills": extra}, indent=0))
    table = {text: phonemes(text) for text in fixed + train + extra}
    (options.work / "phonemes.json").write_text(json.dumps(table))
    lines = fixed * options.fixed_renderings + train * options.renderings + extra
    Random(SEED + 1).shuffle(lines)
    jobs = [
        Job(options.work / f"shard{i:04d}", SEED * 1000 + i, texts, options.copies, _negatives(250, options))
        for i, texts in enumerate(_parts(lines, 250))
    ]
    _make_shards(jobs, 10)


def make_more_data(options: Options) -> None:
    """Second stage: more engines, over sentences the first stage also has (the word lists stay the same)."""
    known = json.loads((options.work / "sentences.json").read_text())
    rng = Random(SEED + 3)
    lines = known["fixed"] * options.more_fixed
    lines += rng.sample(known["train"], min(len(known["train"]), options.more_train))
    lines += rng.sample(known["drills"], min(len(known["drills"]), options.more_drills))
    rng.shuffle(lines)
    negatives = _negatives(75, options)
    jobs = [
        Job(options.work / f"shard-more{i:03d}", SEED * 2000 + i, texts, options.copies, negatives, True, options.piper)
        for i, texts in enumerate(_parts(lines, 75))
    ]
    _make_shards(jobs, 5)


def _negatives(size: int, options: Options) -> int:
    return int(size * options.copies * NEGATIVE_SHARE)


def _parts(lines: list[str], size: int) -> Iterable[list[str]]:
    return (lines[i * size : (i + 1) * size] for i in range(math.ceil(len(lines) / size)))


def _make_shards(jobs: list[Job], report_every: int) -> None:
    start, total = time.time(), 0
    with ProcessPoolExecutor(2) as pool:
        for i, examples in enumerate(pool.map(make_shard, jobs)):
            total += examples
            if i % report_every == 0 or i == len(jobs) - 1:
                print(f"shard {i + 1}/{len(jobs)}  {total} examples  {time.time() - start:.0f} s", flush=True)


def load_corpus(work: Path, boost: int = 1) -> list[Example]:
    """All examples of a work folder, their features mapped from the files; those of the second stage `boost` times."""
    data: list[Example] = []
    for index in sorted(work.glob("shard*.json")):
        frames = np.memmap(index.with_suffix(".f16"), dtype=np.float16, mode="r").reshape(-1, MELS)
        examples = [
            Example(frames[first : first + n], text, start_s, end_s)
            for first, n, text, start_s, end_s, _ in json.loads(index.read_text())
        ]
        data += examples * (boost if index.name.startswith("shard-more") else 1)
    return data
