"""What listening costs: processor and memory, next to the package openWakeWord on the same sound in the same run.

    python -m benchmarks.idle [--quick]

``--quick`` ends within a minute (once the peer's environment is there). The sound comes as fast as it is listened to;
silence is then heard once more in real time, with and without listening, because a sleeping processor pays for every
wake-up of the microphone's thread and the loop. The last line is one JSON object. Sounds: a quiet room (white noise at
-70 dB), office noise and continuous speech; the latter two are recordings where the folder of recordings is there, else
they are made.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS = Path(os.environ.get("RECORDINGS", ROOT.parent / "shared" / "recordings"))
PEER = "openwakeword==0.6.0"
RATE_HZ = 16_000
REAL_TIME_S = 13
"""Seconds of what is heard in real time; 3 of them warm up."""
AIMS = {
    "silence_core_share": 0.010,
    "silence_ratio_to_openwakeword": 0.25,
    "speech_ratio_to_openwakeword": 1.0,
    "rss_mb": 350,
}


def recorded(name: str, duration_s: float) -> np.ndarray | None:
    """A recording as int16 at 16 kHz, repeated as often as needed."""
    if not (RECORDINGS / name).is_file():
        return None
    import soundfile
    import soxr

    samples, rate_hz = soundfile.read(RECORDINGS / name, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    mono = soxr.resample(mono, rate_hz, RATE_HZ) if rate_hz != RATE_HZ else mono
    return np.resize(np.clip(mono * 32768, -32768, 32767).astype(np.int16), round(duration_s * RATE_HZ))


def made_office(duration_s: float) -> np.ndarray:
    """Noise with the spectrum and the restlessness of a room: pink, its level wandering, with knocks."""
    rng = np.random.default_rng(1)
    count = round(duration_s * RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), count)
    wander_db = np.interp(
        np.arange(count),
        np.arange(0, count + RATE_HZ, RATE_HZ // 4)[: count // 4000 + 2],
        rng.normal(0, 3, count // 4000 + 2),
    )
    sound = pink / pink.std() * 250 * 10 ** (wander_db / 20)
    for at in rng.integers(0, count - 800, round(duration_s / 3)):
        sound[at : at + 800] += rng.normal(0, 2500, 800) * np.exp(-np.arange(800) / 200)
    return np.clip(sound, -32768, 32767).astype(np.int16)


def made_speech(duration_s: float) -> np.ndarray:
    """The bundled voice, reading without a rest."""
    from piper import PiperVoice

    model = ROOT / "models" / "en_US-kiosk-low" / "en_US-kiosk-low.onnx"
    voice = PiperVoice.load(model, f"{model}.json")
    text = "The milk is in aisle seven. We close at nine today. Bread is next to the coffee. Can I help you?"
    return np.resize(
        np.concatenate([chunk.audio_int16_array for chunk in voice.synthesize(text)]), round(duration_s * RATE_HZ)
    )


def sounds(folder: Path, duration_s: float) -> dict[str, Path]:
    """One file per kind of sound."""
    quiet = np.random.default_rng(0).normal(0, 32768 * 10 ** (-70 / 20), round(duration_s * RATE_HZ))
    office, speech = recorded("noise_office.mp3", duration_s), recorded("speech_60s.wav", duration_s)
    made = {
        "silence": quiet.astype(np.int16),
        "office": made_office(duration_s) if office is None else office,
        "speech": made_speech(duration_s) if speech is None else speech,
    }
    for name, pcm in made.items():
        np.save(folder / f"{name}.npy", pcm)
    return {name: folder / f"{name}.npy" for name in made}


def peer_python() -> Path | None:
    """An environment with the package, made once in a cache folder; None where it cannot be had."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "shop-assistant" / "benchmarks" / PEER
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if ready.is_file():
        return python
    base = shutil.which("python3.11")
    if base is None:
        print("openWakeWord cannot be had: its package needs python3.11, and there is none.")
        return None
    print(f"Making an environment for {PEER} in {folder} …")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        subprocess.run([base, "-m", "venv", folder], check=True, capture_output=True)
        subprocess.run([python, "-m", "pip", "install", "-q", PEER], check=True, capture_output=True, timeout=600)
    except (subprocess.SubprocessError, OSError) as error:
        detail = getattr(error, "stderr", None) or b""
        print(f"openWakeWord cannot be had: {error} {detail.decode(errors='replace')[-300:]}")
        return None
    ready.touch()
    return python


def measured(command: list[str | Path]) -> dict[str, float]:
    """The JSON that a command prints last."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command[-1]} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(files: dict[str, Path], peer: Path | None, rounds: int) -> dict[str, float]:
    """Medians over rounds in which ours and the peer's take turns; ratios are medians of the rounds' ratios."""
    result: dict[str, float] = {}
    for name, file in files.items():
        ours, theirs, ratios = [], [], []
        for _ in range(rounds):
            ours.append(measured([sys.executable, "-m", "benchmarks.idle_ours", file])["core_share"])
            if peer is not None:
                # -P: benchmarks/http.py would hide Python's own
                command = [peer, "-P", ROOT / "benchmarks" / "idle_peer.py", file, ROOT / "models"]
                theirs.append(measured(command)["core_share"])
                ratios.append(ours[-1] / theirs[-1])
        result[f"{name}_core_share"] = round(statistics.median(ours), 4)
        line = f"{name:8} ours {100 * statistics.median(ours):5.2f} % of a core"
        if peer is not None:
            result[f"{name}_openwakeword_core_share"] = round(statistics.median(theirs), 4)
            result[f"{name}_ratio_to_openwakeword"] = round(statistics.median(ratios), 3)
            line += f", openWakeWord {100 * statistics.median(theirs):5.2f} %, ratio {statistics.median(ratios):.3f}"
        print(line, flush=True)
    return result


def in_real_time(silence: Path) -> dict[str, float]:
    """Silence at the pace of a microphone: all of it, and what the microphone's thread and the loop cost alone."""
    short = silence.with_name("short.npy")
    np.save(short, np.load(silence)[: REAL_TIME_S * RATE_HZ])
    command = [sys.executable, "-m", "benchmarks.idle_ours", short, "--paced"]
    whole, alone = measured(command)["core_share"], measured([*command, "--deaf"])["core_share"]
    print(f"silence in real time: {100 * whole:.2f} % of a core, of which {100 * alone:.2f} % bring the chunks")
    return {"silence_real_time_core_share": round(whole, 4), "silence_real_time_deaf_core_share": round(alone, 4)}


def memory(folder: Path) -> dict[str, float]:
    """Resident memory with everything loaded and used once."""
    code = "import sys; from pathlib import Path; from benchmarks.random_whisper import write_base; "
    code += "write_base(Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, folder / "whisper-base"], cwd=ROOT, check=True, capture_output=True)
    found = measured([sys.executable, "-m", "benchmarks.idle_memory", f"{folder / 'whisper-base'}/"])
    print(f"memory   {found['rss_mb']} MB resident, {found['peak_mb']} MB at most; as it was loaded:", end=" ")
    print(", ".join(f"{stage} {size} MB" for stage, size in found["after_loading_mb"].items()))
    return {"rss_mb": found["rss_mb"], "peak_rss_mb": found["peak_mb"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one round of 20 s of sound each")
    arguments = parser.parse_args()
    duration_s, rounds = (20.0, 1) if arguments.quick else (60.0, 5)
    peer = peer_python()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = sounds(folder, duration_s)
        result = compare(files, peer, rounds)
        result |= in_real_time(files["silence"])
        result |= memory(folder)
    if peer is None:
        print("Not compared: the package openWakeWord is missing.")
    for name, aim in AIMS.items():
        if name in result:
            print(f"{'met   ' if result[name] <= aim else 'MISSED'} {name} = {result[name]} (aim: at most {aim})")
    print(json.dumps({"benchmark": "idle", "quick": arguments.quick, "peer": PEER if peer else None, **result}))


if __name__ == "__main__":
    main()
