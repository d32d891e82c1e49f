"""The command line's options."""

import argparse
from pathlib import Path

COMMANDS = {
    "data": "speak the sentences and store their features",
    "voices": "second stage: the same with more engines",
    "train": "train the network on what is stored",
    "convert": "write the weights in CTranslate2's format",
    "evaluate": "count word errors through faster-whisper",
    "all": "data, train, convert, evaluate",
}
WINDOWS = ["transcribe", "3000", "1000", "own", "bare"]

DESCRIPTION = """\
Train a tiny, real Whisper-architecture English model for a store kiosk. Everything is made
here: the sentences come from a grammar, the speech from espeak-ng, flite and festival, the
weights from random initialisation.
"""


class Options(argparse.Namespace):
    """Parsed options; what each means stands in `parser`."""

    command: str
    work: Path
    out: Path
    threads: int
    sentences: int
    drills: int
    renderings: int
    fixed_renderings: int
    copies: int
    piper: str | None
    more_fixed: int
    more_train: int
    more_drills: int
    minutes: float
    frames: int
    lr: float
    warmup: int
    ctc: float
    full: float
    own: float
    cut: float
    boost: int
    resume: Path | None
    quantization: str
    compute_type: str
    beam: int
    window: str
    only: str | None
    timestamps: bool
    limit: int
    show: int


def parser() -> argparse.ArgumentParser:
    """The command line of `python -m whisper_kiosk`; its defaults are those the shipped weights were made with."""
    commands = "\n".join(f"  {name:10s}{text}" for name, text in COMMANDS.items())
    top = argparse.ArgumentParser(
        prog="python -m whisper_kiosk",
        description=f"{DESCRIPTION}\ncommands:\n{commands}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("command", choices=list(COMMANDS), metavar="COMMAND")
    top.add_argument("--work", type=Path, default=Path("work"), help="folder of data and checkpoints")
    top.add_argument("--out", type=Path, default=Path("whisper-kiosk-en"), help="folder of the finished model")
    top.add_argument("--threads", type=int, default=2, help="training processes; threads of the evaluation")
    _add_data(top.add_argument_group("data"))
    _add_voices(top.add_argument_group("voices (second stage)"))
    _add_training(top.add_argument_group("train"))
    top.add_argument_group("convert").add_argument("--quantization", default="int8", help="of the weights on disk")
    _add_evaluation(top.add_argument_group("evaluate"))
    return top


def _add_data(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--sentences", type=int, default=6000, help="different sentences to draw from the grammar")
    group.add_argument("--drills", type=int, default=2000, help="meaningless word and digit strings")
    group.add_argument("--renderings", type=int, default=3, help="voices for each training sentence")
    group.add_argument("--fixed-renderings", type=int, default=16, help="voices for each core sentence")
    group.add_argument("--copies", type=int, default=2, help="augmentations of each rendering")


def _add_voices(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--piper", help="a Piper voice (.onnx with its .onnx.json); evaluate tests it, too")
    group.add_argument("--more-fixed", type=int, default=3, help="voices for each core sentence")
    group.add_argument("--more-train", type=int, default=1800, help="training sentences")
    group.add_argument("--more-drills", type=int, default=522, help="meaningless strings")


def _add_training(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--minutes", type=float, default=40, help="length of the training")
    group.add_argument("--frames", type=int, default=20000, help="frames in one batch")
    group.add_argument("--lr", type=float, default=1.5e-3, help="highest learning rate")
    group.add_argument("--warmup", type=int, default=300, help="steps until the highest learning rate")
    group.add_argument("--ctc", type=float, default=0.3, help="weight of the auxiliary loss")
    group.add_argument("--full", type=float, default=0.15, help="last part of training at the full 10 s window")
    group.add_argument("--own", type=float, default=0.0, help="second stage: share at their own length, unpadded")
    group.add_argument("--cut", type=float, default=0.0, help="second stage: share zero padded to at most 1000 frames")
    group.add_argument("--boost", type=int, default=1, help="second stage: how often what 'voices' made counts")
    group.add_argument("--resume", type=Path, help="checkpoint to start from")


def _add_evaluation(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--compute-type", default="int8", help="of the arithmetic")
    group.add_argument("--beam", type=int, default=1, help="beam size of WhisperModel.transcribe")
    group.add_argument(
        "--window",
        default="transcribe",
        choices=WINDOWS,
        help="WhisperModel.transcribe, or the encoder called with so many frames (own: the audio's "
        "length, at least 300; bare: no padding at all)",
    )
    group.add_argument("--only", help="parts of test names, separated by ;")
    group.add_argument("--timestamps", action="store_true", help="transcribe with timestamps")
    group.add_argument("--limit", type=int, default=0, help="items of each test, 0: all")
    group.add_argument("--show", type=int, default=6, help="wrong transcripts to print for each test")
