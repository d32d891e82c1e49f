"""What is settled before the program loads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.unit

PROGRAM = """
import os, sys
from assistant.__main__ import main
assert "numpy" not in sys.modules
sys.argv = ["assistant", "config", "--defaults"]
assert main() == 0
import numpy
numpy.ones((500, 500)) @ numpy.ones((500, 500))
print(len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts threads as Linux tells them")
def test_arithmetic_has_no_threads_of_its_own() -> None:
    """They would wait for each other by spinning while the models work."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1:] == ["1"], done.stderr
