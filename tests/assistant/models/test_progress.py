"""What people see while they wait."""

from __future__ import annotations

import io

import pytest

from assistant.models.progress import BarProgress, LineProgress, open_progress, size_text

pytestmark = pytest.mark.unit


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "?"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (4883, "4.9 kB"),
        (63_201_294, "63.2 MB"),
        (145_216_508, "145 MB"),
        (999_600_000, "1.0 GB"),
        (3_087_284_237, "3.1 GB"),
    ],
)
def test_sizes(size: int | None, text: str) -> None:
    assert size_text(size) == text


def test_a_log_gets_ten_lines_of_a_large_file() -> None:
    stream = io.StringIO()
    progress = open_progress(stream)
    assert isinstance(progress, LineProgress)
    progress.begin("voice.onnx", 2_000_000, 0)
    for _ in range(1000):
        progress.advance(2000)
    progress.end()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[2] == "voice.onnx: 30 % of 2.0 MB"
    assert lines[-1] == "voice.onnx: 100 % of 2.0 MB"


def test_a_log_says_where_it_goes_on() -> None:
    stream = io.StringIO()
    progress = LineProgress(stream)
    progress.begin("voice.onnx", 2_000_000, 1_500_000)
    progress.advance(500_000)
    progress.end()
    assert stream.getvalue().splitlines() == ["voice.onnx: going on at 1.5 MB", "voice.onnx: 100 % of 2.0 MB"]


def test_a_log_gets_one_line_of_a_small_file() -> None:
    stream = io.StringIO()
    progress = LineProgress(stream)
    progress.begin("config.json", 2000, 0)
    progress.advance(2000)
    progress.end()
    assert stream.getvalue() == "config.json: 2.0 kB\n"


def test_a_terminal_gets_a_bar() -> None:
    stream = Terminal()
    progress = open_progress(stream)
    assert isinstance(progress, BarProgress)
    progress.begin("voice.onnx", 2_000_000, 1_000_000)
    progress.advance(1_000_000)
    progress.end()
    progress.say("done")
    assert "voice.onnx: 100%" in stream.getvalue()
    assert stream.getvalue().endswith("done\n")
