"""The recipes of the bundled models tell what they do without torch or any speech library."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from piper_kiosk.sentences import make_sentences, number
from piper_kiosk.teacher import Segment
from whisper_kiosk.options import COMMANDS

pytestmark = pytest.mark.unit

TRAINING = Path(__file__).resolve().parents[2] / "models" / "training"
HEAVY = ["torch", "transformers", "ctranslate2", "faster_whisper", "onnx", "onnxruntime", "piper", "pyworld", "soxr"]


@pytest.mark.parametrize("package", ["whisper_kiosk", "piper_kiosk"])
def test_help_needs_no_heavy_library(package: str) -> None:
    script = (
        f"import sys; sys.modules.update(dict.fromkeys({HEAVY!r})); sys.argv = ['{package}', '--help']; "
        f"from {package}.__main__ import main; main()"
    )

    done = subprocess.run([sys.executable, "-c", script], cwd=TRAINING, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert f"python -m {package}" in done.stdout
    assert "--minutes" in done.stdout


def test_the_readme_names_every_command() -> None:
    readme = (TRAINING / "README.md").read_text(encoding="utf-8")

    assert [name for name in COMMANDS if name not in readme] == []


def test_piper_sentences_are_those_on_record() -> None:
    lines = make_sentences(500, ["apple", "bridge", "candle", "dragon", "early", "forest"])

    assert len(set(lines)) == 500
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] == "0fa1d06a8e35be3a"


@pytest.mark.parametrize(
    ("n", "words"),
    [(0, "zero"), (20, "twenty"), (42, "forty two"), (315, "three hundred and fifteen"), (2000, "two thousand")],
)
def test_numbers_in_words(n: int, words: str) -> None:
    assert number(n) == words


def test_alignment_gives_each_unit_the_time_of_its_phones() -> None:
    from piper_kiosk.phonemes import align, to_units

    units = to_units(["^", "j", "ˈ", "ɛ", "s", ".", "$"])
    assert units is not None
    segments = [Segment("pau", 0.1), Segment("y", 0.05), Segment("eh", 0.12), Segment("s", 0.2), Segment("pau", 0.3)]

    durations_s, cost = align(units, segments)

    assert [unit.text for unit in units] == ["^", "j", "ɛ", "s", ".", "$"]
    assert durations_s[:4] == [0.1, 0.05, 0.12, 0.2]
    assert sum(durations_s) == pytest.approx(0.77)
    assert cost < 0.1


def test_a_phone_the_teacher_swallowed_takes_no_time_of_the_pause_after_it() -> None:
    from piper_kiosk.phonemes import align, to_units

    units = to_units(["^", "j", "ɛ", "s", ".", "$"])
    assert units is not None
    segments = [Segment("pau", 0.1), Segment("y", 0.05), Segment("eh", 0.12), Segment("pau", 0.3)]

    durations_s, cost = align(units, segments)

    assert durations_s[3] == 0
    assert sum(durations_s[4:]) == pytest.approx(0.3)
    assert cost > 0.1


def test_an_unknown_symbol_has_no_units() -> None:
    from piper_kiosk.phonemes import to_units

    assert to_units(["^", "ツ", "$"]) is None
