"""The teacher: flite's voice rms reads the sentences and tells when each phone ends."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from piper_kiosk.options import Options


class Segment(NamedTuple):
    """One phone of the teacher; "pau" is a pause."""

    phone: str
    duration_s: float


class Reading(NamedTuple):
    """One sentence the teacher read."""

    line: int
    """Its line in text.txt, from 0, and the number of its recording."""
    text: str
    segments: list[Segment]


def recording(work: Path, line: int) -> Path:
    """Where the teacher's recording of a line is."""
    return work / "wav" / f"{line:05d}.wav"


def read_aloud(work: Path, line: int, text: str) -> Reading:
    """Let flite speak one sentence into its recording."""
    command = ["flite", "-voice", "rms", "-psdur", "-t", text, "-o", str(recording(work, line))]
    out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    segments, start_s = [], 0.0
    for token in out.split():
        phone, end = token.rsplit(":", 1)
        segments.append(Segment(phone, round(float(end) - start_s, 4)))
        start_s = float(end)
    return Reading(line, text, segments)


def teach(options: Options) -> None:
    """Step "teach": read all of text.txt; writes the recordings and teach.jsonl."""
    (options.work / "wav").mkdir(exist_ok=True)
    lines = (options.work / "text.txt").read_text().split("\n")[:-1]
    with ThreadPoolExecutor(2) as pool, (options.work / "teach.jsonl").open("w") as out:
        for reading in pool.map(lambda job: read_aloud(options.work, *job), enumerate(lines)):
            out.write(json.dumps({"i": reading.line, "text": reading.text, "segs": reading.segments}) + "\n")
    print("taught", len(lines))


def load_readings(work: Path) -> list[Reading]:
    """What `teach` wrote."""
    readings = []
    for row in (work / "teach.jsonl").read_text().splitlines():
        stored = json.loads(row)
        segments = [Segment(*segment) for segment in stored["segs"]]
        readings.append(Reading(stored["i"], stored["text"], segments))
    return readings
