"""From the start of the process until a customer can be heard and answered, step by step.

    python -m benchmarks.startup [--quick]

The daemon starts as systemd starts it, with ``NOTIFY_SOCKET``, models on disk and a sound file in place of the devices;
the clock stops at READY=1: sound comes in, all models are loaded and have run once. Medians of eleven starts (three
with ``--quick``) after one that fills the disk's cache and makes the database. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parent.parent

AIM_S = 3.0
"""Seconds from the start to listening."""

PATIENCE_S = 60.0
"""Seconds after which a start has failed."""


def shop(folder: Path) -> Path:
    """Settings as they come, and a quiet room."""
    for name in ("models", "shop"):
        (folder / name).symlink_to(ROOT / name)
    soundfile.write(folder / "in.wav", np.zeros(16_000 * 600, np.int16), 16_000)
    file = folder / "config.yaml"
    file.write_text("http: {port: 0}\n", "utf-8")
    return file


def start(folder: Path, config: Path) -> tuple[float, float, dict[str, float]]:
    """Seconds until it is ready, processor seconds spent by then, and seconds of each step."""
    steps = folder / "steps.json"
    steps.unlink(missing_ok=True)
    address = folder / "notify"
    address.unlink(missing_ok=True)
    environment = {**os.environ, "NOTIFY_SOCKET": str(address), "ASSISTANT_CONFIG": str(config)}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(address))
        systemd.settimeout(PATIENCE_S)
        began_s = time.monotonic()
        command = [sys.executable, "-m", "benchmarks.startup_ours", steps, repr(began_s), "run"]
        command += ["--input", folder / "in.wav", "--output", folder / "out.wav"]
        with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as process:
            try:
                while systemd.recv(4096) != b"READY=1":
                    pass
                ready_s, cpu_s = time.monotonic() - began_s, spent_s(process.pid)
            except TimeoutError as error:
                raise SystemExit(f"The assistant was not ready after {PATIENCE_S:g} s.") from error
            finally:
                process.send_signal(signal.SIGTERM)
    return ready_s, cpu_s, dict(json.loads(steps.read_text("utf-8")))


def spent_s(pid: int) -> float:
    """Processor seconds of a process: where others use the machine too, they tell more than the clock."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description="From the start of the process to listening.")
    parser.add_argument("--quick", action="store_true")
    rounds = 3 if parser.parse_args().quick else 11
    ready: list[float] = []
    spent: list[float] = []
    by_step: defaultdict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = shop(folder)
        first_s, _, _ = start(folder, config)
        for _ in range(rounds):
            ready_s, cpu_s, steps = start(folder, config)
            ready.append(ready_s)
            spent.append(cpu_s)
            by_step["until ready"].append(ready_s - sum(steps.values()))
            for step, took_s in steps.items():
                by_step[step].append(took_s)
    told = {step: round(statistics.median(took), 3) for step, took in by_step.items()}
    told["until ready"] = told.pop("until ready")
    for step, took_s in told.items():
        print(f"{step:>28} {took_s * 1000:7.0f} ms")
    ready_s = statistics.median(ready)
    print(f"{'in all':>28} {ready_s * 1000:7.0f} ms (aim: {AIM_S * 1000:.0f}); the very first time {first_s:.1f} s")
    print(f"{'processor':>28} {statistics.median(spent) * 1000:7.0f} ms")
    figures = {"ready_s": round(ready_s, 3), "best_s": round(min(ready), 3), "worst_s": round(max(ready), 3)}
    figures |= {"first_s": round(first_s, 3), "cpu_s": round(statistics.median(spent), 3)}
    print(json.dumps({**figures, "steps_s": told}))


if __name__ == "__main__":
    main()
