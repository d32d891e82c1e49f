"""Two thousand conversations and an hour of nobody: does the assistant grow?

    python -m benchmarks.soak [--quick] [--conversations N]

One daemon (``benchmarks.soak_ours``) with all that runs in a shop but for sound devices: questions come as fast as they
are answered, and somebody watches the panel all the time (``benchmarks.soak_panel``). The speech cache is kept so small
that sentences are made, kept and thrown away again and again, and statistics are written every few seconds. Resident
memory, file descriptors, threads and tasks are sampled; growth is the median of the last samples less that of the first
ones after a warm-up of a tenth.

``--quick`` ends within a minute: 24 conversations and five minutes of listening; its growth says little. The last line
is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.line import RATE_HZ
from benchmarks.soak_panel import Panel
from benchmarks.voice_to_voice_questions import WAKE_GAP_S, background, questions, wake_word
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent

AIMS = {"rss_growth_mb": 5.0, "answered_share": 1.0, "fd_growth": 0.0, "pages_refused": 0}

CACHE_MB = 1
"""Half a minute of speech: nothing is still there when it is asked for again."""

MEDIAN_OF = 5
"""Samples at either end."""


def settings(folder: Path, port: int) -> Path:
    """A shop's, as they come but for the sizes."""
    for name in ("models", "shop"):
        (folder / name).symlink_to(ROOT / name)
    file = folder / "config.yaml"
    lines = [f"http: {{port: {port}}}", f"cache: {{max_mb: {CACHE_MB}}}", "statistics: {write_every_s: 5}"]
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


def sounds(folder: Path, *, quick: bool) -> Path:
    """Each question with its wake word, then a quiet room and an office."""
    word, gap = wake_word(), np.zeros(round(WAKE_GAP_S * RATE_HZ))
    held = {}
    for number, question in enumerate(questions(quick)):
        whole = np.concatenate([word, gap, question.speech])
        whole += np.resize(background(question.office), len(whole))
        held[f"question_{number}"] = np.clip(whole, -32768, 32767).astype(np.int16)
    for number, office in enumerate((False, True)):
        held[f"room_{number}"] = np.clip(background(office), -32768, 32767).astype(np.int16)
    file = folder / "sounds.npz"
    np.savez(file, **held)
    return file


def run(conversations: int, idle_s: float, every: int, *, quick: bool) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Samples, and the outcome."""
    samples: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = free_port()
        command = [settings(folder, port), sounds(folder, quick=quick), str(conversations), str(idle_s), str(every)]
        with (
            Panel(folder / "data", port) as panel,
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.soak_ours", *command], stdout=subprocess.PIPE, text=True, cwd=ROOT
            ) as process,
        ):
            assert process.stdout is not None
            for line in process.stdout:
                one = json.loads(line)
                if "asked" in one:
                    outcome = one
                else:
                    samples.append(one)
                    tell(one)
    if process.returncode:
        raise SystemExit(f"The assistant ended with code {process.returncode}.")
    watched = {"events_watched": panel.events, "pages_read": panel.pages, "pages_refused": panel.refused}
    return samples, outcome | watched


def tell(one: dict[str, Any]) -> None:
    """A sample for people."""
    print(
        f"{one['phase']:>13} {one['number']:>7.0f}   {one['rss_mb']:7.1f} MB   {one['fds']:4d} descriptors   "
        f"{one['threads']:3d} threads   {one['tasks']:3d} tasks",
        flush=True,
    )


def growth(samples: list[dict[str, Any]], what: str) -> float:
    """From the first samples after the warm-up to the last ones."""
    warm = samples[max(1, len(samples) // 10) :]
    few = min(MEDIAN_OF, max(1, len(warm) // 2))
    found = [statistics.median(one[what] for one in part) for part in (warm[:few], warm[-few:])]
    return round(float(found[1] - found[0]), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Two thousand conversations and an hour of nobody.")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--conversations", type=int, default=2000)
    options = parser.parse_args()
    conversations, idle_s = (24, 300.0) if options.quick else (options.conversations, 3600.0)
    samples, outcome = run(conversations, idle_s, 4 if options.quick else 20, quick=options.quick)
    talked = [one for one in samples if one["phase"] == "conversations"]
    took_s = talked[-1]["at_s"] - talked[0]["at_s"]
    figures = {
        "conversations": outcome["asked"],
        "answered_share": outcome["answered"] / outcome["asked"],
        "rss_growth_mb": growth(samples, "rss_mb"),
        "fd_growth": growth(samples, "fds"),
        "thread_growth": growth(samples, "threads"),
        "task_growth": growth(samples, "tasks"),
        "rss_mb": round(samples[-1]["rss_mb"], 1),
        **{name: outcome[name] for name in ("events_watched", "pages_read", "pages_refused")},
        "seconds_per_conversation": round(took_s / max(1, talked[-1]["number"] - talked[0]["number"]), 3),
    }
    for number in outcome["unanswered"]:
        print(f"Not answered: conversation {number}.")
    for incident in outcome["incidents"]:
        print(f"In the log: {incident}")
    for name, aim in AIMS.items():
        print(f"{name}: {figures[name]} (aim: {aim:g})")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
