"""The soak benchmark in small: it runs, every question is answered, and it would notice a leak."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks.soak import growth
from tests.conftest import ROOT

pytestmark = pytest.mark.model


def test_growth_is_told_and_the_warm_up_is_not() -> None:
    steady = [{"rss_mb": 300.0 if number < 4 else 340.0} for number in range(100)]
    assert growth(steady, "rss_mb") == 0.0
    leaking = [{"rss_mb": 300.0 + 0.1 * number} for number in range(100)]
    assert growth(leaking, "rss_mb") == pytest.approx(8.5, abs=0.1)


@pytest.mark.long(1)
@pytest.mark.parametrize("name", ["soak", "startup"])
def test_the_quick_ones_run(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--quick"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    if name == "soak":
        assert (figures["conversations"], figures["answered_share"]) == (28, 1.0)
        assert figures["fd_growth"] <= 0
        assert (figures["pages_refused"], figures["pages_read"] > 0, figures["events_watched"] > 0) == (0, True, True)
    else:
        assert sum(figures["steps_s"].values()) == pytest.approx(figures["ready_s"], rel=0.5)
