"""Programs that prove a GPU, or fail to."""

from __future__ import annotations

import pytest

from providers.cuda_probe import failure

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGABRT)", "its test ended with status -6"),
        ("raise SystemExit(3)", "its test ended with status 3"),
        ("raise RuntimeError('No kernel image.')", "RuntimeError: No kernel image"),
        (r"import sys; sys.stderr.buffer.write(b'\xff odd\n\n'); sys.exit(1)", "\ufffd odd"),
        ("input()", "EOFError: EOF when reading a line"),
    ],
)
def test_what_fails_is_told_in_a_line(program: str, said: str) -> None:
    assert failure(program) == said


def test_what_hangs_is_ended() -> None:
    assert failure("import time; time.sleep(60)", limit_s=0.3) == "it did not answer within 0 s"


def test_what_works_has_its_arguments() -> None:
    assert failure("import sys; assert sys.argv[1:] == ['a', 'b']", "a", "b") is None
