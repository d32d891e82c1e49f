"""The command line's options."""

import argparse
from pathlib import Path

from piper_kiosk.dimensions import NAME

STEPS = {
    "text": "draw the sentences",
    "teach": "let flite speak them",
    "features": "align the phonemes, analyse the sound",
    "train": "train the network",
    "export": "write the voice's .onnx and .onnx.json",
    "say": "speak two samples with it",
}

DESCRIPTION = """\
Make a small English voice in Piper's format on a CPU, end to end.

A free parametric voice (CMU "rms" as shipped in Debian's flite) reads a few thousand generated
sentences. A small convolutional network learns to predict, from the phoneme ids that Piper itself
produces, durations, pitch, voicing, spectral envelope and aperiodicity. A deterministic
harmonic-plus-noise vocoder turns these into samples inside the same ONNX graph, so that the
unmodified piper-tts package loads and speaks the result.
"""


class Options(argparse.Namespace):
    """Parsed options; what each means stands in `parser`."""

    step: str
    work: Path
    out: Path
    holdout: Path | None
    words: Path
    sentences: int
    minutes: float
    lr: float
    resume: bool
    threads: int
    batch_frames: int
    fp32: bool
    sharpen: float
    gain: float


def parser() -> argparse.ArgumentParser:
    """The command line of `python -m piper_kiosk`; its defaults are those of the first round of the shipped voice."""
    steps = "\n".join(f"  {name:10s}{text}" for name, text in STEPS.items())
    top = argparse.ArgumentParser(
        prog="python -m piper_kiosk",
        description=f"{DESCRIPTION}\nsteps (all: one after the other):\n{steps}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("step", choices=["all", *STEPS], metavar="STEP")
    top.add_argument("--work", type=Path, default=Path("work"), help="folder of data and checkpoint")
    top.add_argument("--out", type=Path, default=Path(NAME), help="folder of the finished voice")
    top.add_argument("--holdout", type=Path, help="a file of sentences to leave out of the training, one per line")
    top.add_argument("--words", type=Path, default=Path("/usr/share/dict/american-english-small"), help="a word list")
    top.add_argument("--sentences", type=int, default=3300, help="how many the teacher reads")
    top.add_argument("--minutes", type=float, default=25, help="training time")
    top.add_argument("--lr", type=float, default=1.2e-3, help="highest learning rate")
    top.add_argument("--resume", action="store_true", help="train on from net.pt of the work folder")
    top.add_argument("--threads", type=int, default=1, help="more than one helps only where nothing else runs")
    top.add_argument("--batch-frames", type=int, default=6000, help="frames in one batch")
    top.add_argument("--fp32", action="store_true", help="no bfloat16 in training")
    top.add_argument("--sharpen", type=float, default=1.0, help="0: spectra as predicted, 1: with the teacher's spread")
    top.add_argument("--gain", type=float, default=1.0, help="factor on the samples")
    return top
