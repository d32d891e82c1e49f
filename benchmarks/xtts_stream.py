"""XTTS's stream next to upstream's ``inference_stream``: same weights, same text, same run, in turn.

    python -m benchmarks.xtts_stream [--quick] [--full-size] [--device cuda]

Both read the same model file, made with random weights: upstream as its own ``load_checkpoint`` does it, ours as the
voice worker does. The model is kept from stopping by itself and stopped after 10 tokens (0.46 s) per chunk, so that the
length is exact; the same seed makes both say the same tokens. The total time of 5, 10, 20 and 40 chunks and the time to
the first one are measured in pairs, the order changing; figures are medians of the pairs' ratios. Ours is measured
twice: with upstream's 10 tokens per chunk (8 in the first), which the figures of the last line are from, and as it
speaks in a shop (8, 12, 16, then 20). Upstream's default is 20 tokens for all chunks, so its first one comes later than
here. What both say is compared with decoding the same tokens at once.

The GPT is small and the vocoder has its real size, as it is the vocoder that this is about (``--quick``: a quarter as
wide); ``--full-size`` gives the GPT its real size too. It runs in the environment of the engines that clone voices; the
last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv-cloning" / "bin" / "python"
TEXT = "You will find the olive oil in aisle seven, next to the vinegar."
TOKENS = 10
"""Of an upstream chunk."""
SAME, SHOP = (8, TOKENS), (8, 12, 16, 20)
"""Tokens of our chunks."""
AIMS = {"total_ratio_20": 0.35, "first_chunk_ratio": 1.0, "max_abs_diff": 1e-3}


@dataclass
class Run:
    """One stream, listened to."""

    first_s: float
    """Until its first chunk was in memory."""
    total_s: float
    chunks: list[np.ndarray]

    @property
    def sound(self) -> np.ndarray:
        return np.concatenate(self.chunks)


@dataclass
class Figures:
    """By number of chunks, one of each per pair."""

    theirs_s: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    ours_s: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    shop_s: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    theirs_first_s: list[float] = field(default_factory=list)
    ours_first_s: list[float] = field(default_factory=list)
    theirs_diff: list[float] = field(default_factory=list)
    ours_diff: list[float] = field(default_factory=list)
    first_sound_s: tuple[float, float] = (0.0, 0.0)
    """Length of the first chunk, theirs and ours."""
    factor: tuple[float, float] = (0.0, 0.0)
    """Seconds of work for a second of sound in the longest stream, theirs and ours as in a shop."""


def listened(chunks: Iterable[Any]) -> Run:
    """Take every chunk to the processor's memory, as a loudspeaker would."""
    began, first, heard = time.perf_counter(), 0.0, []
    for chunk in chunks:
        heard.append(chunk if isinstance(chunk, np.ndarray) else chunk.float().cpu().numpy())
        first = first or time.perf_counter() - began
    return Run(first, time.perf_counter() - began, heard)


class Pair:
    """The two ways to stream."""

    def __init__(self, folder: Path, device: str, threads: int, width: int) -> None:
        import torch
        from TTS.tts.configs.xtts_config import XttsConfig
        from TTS.tts.models.xtts import Xtts

        from pipeline.speech import VoiceSettings
        from providers.tts.voice_worker.engine import EngineOptions
        from providers.tts.voice_worker.xtts import create
        from tests.fakes.small_xtts import narrow

        self.engine = create(EngineOptions(folder, device, threads))
        self.engine.load()
        self.torch = torch
        self.settings = VoiceSettings()
        sample = (0.1 * np.random.default_rng(1).standard_normal(24_000 * 8)).astype(np.float32)
        self.voice = self.engine.voice(self.engine.speaker(sample, 24_000))
        self.tokens = self.engine.model.tokenizer.encode(TEXT.lower(), lang="en")
        self.ours(20 * TOKENS, SHOP)
        self.used = memory(device)
        config = XttsConfig()
        config.load_json(str(folder / "config.json"))
        with narrow(width):
            self.theirs: Any = Xtts(config)
            self.theirs.load_checkpoint(config, checkpoint_dir=folder, eval=True)
        self.theirs.to(device)

    def upstream(self, tokens: int) -> Run:
        self.torch.manual_seed(1)
        self.theirs.gpt.max_gen_mel_tokens = tokens
        one = self.settings
        return listened(
            self.theirs.inference_stream(
                TEXT,
                "en",
                *self.voice,
                stream_chunk_size=TOKENS,
                temperature=one.temperature,
                top_k=one.top_k,
                top_p=one.top_p,
                repetition_penalty=one.repetition_penalty,
            )
        )

    def ours(self, tokens: int, chunks: tuple[int, ...], latents: list[Any] | None = None) -> Run:
        """``latents``: takes them, one per token."""
        from providers.tts.voice_worker.xtts_stream import XttsStream

        self.torch.manual_seed(1)
        stream = XttsStream(self.engine.model, self.voice, self.tokens, self.settings, lambda: False, tokens, chunks)
        if latents is not None:
            made = stream._latents
            stream._latents = lambda: (latents.append(one) or one for one in made())  # type: ignore[method-assign]
        return listened(stream)

    def at_once(self, latents: list[Any]) -> np.ndarray:
        """The same tokens by upstream's own decoder."""
        with self.torch.inference_mode():
            sound = self.theirs.hifigan_decoder(self.torch.cat(latents)[None], g=self.voice[1])
        return np.asarray(sound[0, 0].float().cpu().numpy())


def measure(pair: Pair, plan: dict[int, int]) -> Figures:
    """``plan``: pairs by number of chunks."""
    figures = Figures()
    pair.upstream(2 * TOKENS), pair.ours(2 * TOKENS, SHOP)  # the first ones warm up
    for count, pairs in plan.items():
        # One token less: upstream decodes a last time where the end falls on a chunk's.
        tokens = count * TOKENS - 1
        ways: dict[str, Callable[[], Run]] = {
            "theirs": lambda tokens=tokens: pair.upstream(tokens),  # type: ignore[misc]
            "ours": lambda tokens=tokens: pair.ours(tokens, SAME),  # type: ignore[misc]
            "shop": lambda tokens=tokens: pair.ours(tokens, SHOP),  # type: ignore[misc]
        }
        for number in range(pairs):
            ran = {name: ways[name]() for name in (ways if number % 2 else reversed(ways))}
            for name, into in (("theirs", figures.theirs_s), ("ours", figures.ours_s), ("shop", figures.shop_s)):
                into[count].append(ran[name].total_s)
            figures.theirs_first_s.append(ran["theirs"].first_s)
            figures.ours_first_s.append(ran["ours"].first_s)
            assert len(ran["theirs"].chunks) == count
        latents: list[Any] = []
        pair.ours(tokens, SAME, latents)
        whole = pair.at_once(latents)
        assert 0.02 < whole.std() < 0.3, "differences would not show in such a sound"
        figures.theirs_diff.append(float(np.abs(ran["theirs"].sound - whole).max()))
        figures.ours_diff += [float(np.abs(ran[name].sound - whole).max()) for name in ("ours", "shop")]
        length_s = len(whole) / 24_000
        figures.factor = (ran["theirs"].total_s / length_s, ran["shop"].total_s / length_s)
        figures.first_sound_s = (len(ran["theirs"].chunks[0]) / 24_000, len(ran["ours"].chunks[0]) / 24_000)
    return figures


def ratio(ours: list[float], theirs: list[float]) -> float:
    return round(statistics.median(one / other for one, other in zip(ours, theirs, strict=True)), 4)


def table(figures: Figures) -> None:
    print(f"{'chunks':>6} {'upstream':>10} {'ours, same chunks':>20} {'ours in a shop':>20}")
    for count, theirs in figures.theirs_s.items():
        cells = []
        for ours in (figures.ours_s[count], figures.shop_s[count]):
            cells.append(f"{statistics.median(ours):9.2f} s {ratio(ours, theirs):8.3f}")
        print(f"{count:6} {statistics.median(theirs):8.2f} s {cells[0]:>20} {cells[1]:>20}")
    theirs_ms, ours_ms = (1000 * statistics.median(one) for one in (figures.theirs_first_s, figures.ours_first_s))
    print(
        f"first chunk: {theirs_ms:.0f} ms upstream ({figures.first_sound_s[0]:.2f} s of sound), "
        f"{ours_ms:.0f} ms ours ({figures.first_sound_s[1]:.2f} s of sound)"
    )
    print(
        f"largest difference to decoding at once: {max(figures.theirs_diff):.2g} upstream, "
        f"{max(figures.ours_diff):.2g} ours"
    )
    print(f"seconds of work for a second of sound: {figures.factor[0]:.3f} upstream, {figures.factor[1]:.3f} ours")


def memory(device: str) -> dict[str, Any]:
    """What is used at most so far, and by what."""
    import torch

    if device == "cuda":
        return {
            "device": torch.cuda.get_device_name(),
            "card_memory_mb": round(torch.cuda.max_memory_allocated() / 1e6),
        }
    return {"device": "cpu", "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)}


def make_apart(folder: Path, width: int, full: bool) -> None:
    """Make the model in a process of its own, whose memory is not ours."""
    program = f"from tests.fakes.small_xtts import make; make(Path({str(folder)!r}), width={width}, full={full})"
    subprocess.run([sys.executable, "-c", f"from pathlib import Path; {program}"], cwd=ROOT, check=True)


def benchmark(given: argparse.Namespace) -> dict[str, Any]:
    from tests.fakes.small_xtts import FULL_WIDTH

    width = FULL_WIDTH // 4 if given.quick and not given.full_size else FULL_WIDTH
    plan = {5: 3, 10: 3, 20: 2} if given.quick else {5: 5, 10: 5, 20: 3, 40: 1}
    if given.device == "cuda":
        plan = {5: 5, 10: 5, 20: 3} if given.quick else {5: 9, 10: 9, 20: 9, 40: 5}
    with tempfile.TemporaryDirectory() as scratch:
        make_apart(Path(scratch), width, given.full_size)
        pair = Pair(Path(scratch), given.device, given.threads, width)
    figures = measure(pair, plan)
    result: dict[str, Any] = {
        f"total_ratio_{count}": ratio(figures.ours_s[count], theirs) for count, theirs in figures.theirs_s.items()
    }
    result["shop_total_ratio_20"] = ratio(figures.shop_s[20], figures.theirs_s[20])
    result["first_chunk_ratio"] = ratio(figures.ours_first_s, figures.theirs_first_s)
    result["first_chunk_ms"] = round(1000 * statistics.median(figures.ours_first_s), 1)
    result["real_time_factor"] = round(figures.factor[1], 3)
    result["max_abs_diff"] = float(f"{max(figures.ours_diff):.2g}")
    result["upstream_max_abs_diff"] = float(f"{max(figures.theirs_diff):.2g}")
    print(
        f"vocoder of {width} channels, GPT of {'full' if given.full_size else 'small'} size, {given.threads} thread(s)"
    )
    table(figures)
    return result | pair.used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="fewer pairs, at most 20 chunks, a narrower vocoder")
    parser.add_argument("--full-size", action="store_true", help="a GPT of 30 layers, too")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    if find_spec("TTS") is None:
        if not PYTHON.exists():
            raise SystemExit("xtts_stream: XTTS is not installed, nothing can be measured: ./install.sh xtts")
        again = [str(PYTHON), "-m", "benchmarks.xtts_stream", *sys.argv[1:]]
        raise SystemExit(subprocess.run(again, cwd=ROOT, check=False).returncode)
    result = benchmark(given)
    for name, aim in AIMS.items():
        print(f"{'met   ' if result[name] <= aim else 'MISSED'} {name} = {result[name]} (aim: at most {aim})")
    about = {"benchmark": "xtts_stream", "quick": given.quick, "full_size": given.full_size}
    print(json.dumps(about | result))


if __name__ == "__main__":
    main()
