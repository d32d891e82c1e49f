"""What a shop's technician gets wrong: each has a clear line on stderr and the right exit code."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import ROOT
from tests.program import Ran, assistant

pytestmark = pytest.mark.model

RATE_HZ = 16_000
MODELS = f"models: {{folder: {ROOT / 'models'}}}\n"


def run(folder: Path, input_file: Path | str, config: str = MODELS + "agent: {use: echo}", *more: str) -> Ran:
    return assistant(
        "run", "--input", input_file, "--output", folder / "out.wav", "--fast", "--events", "-", *more,
        config=config, folder=folder,
    )  # fmt: skip


@pytest.fixture(scope="module")
def customer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ "Hey jarvis", then a question, in the project's own voice."""
    folder = tmp_path_factory.mktemp("customer")
    parts = []
    for number, (text, pause_s) in enumerate([("hey jarvis!", 0.4), ("where can I find the coffee", 3)]):
        file = folder / f"{number}.wav"
        assert assistant("say", text, "--output", file).code == 0
        sound, rate_hz = soundfile.read(file, dtype="int16")
        parts += [sound, np.zeros(round(pause_s * rate_hz), np.int16)]
    whole = folder / "customer.wav"
    soundfile.write(whole, np.concatenate([np.zeros(rate_hz, np.int16), *parts]), rate_hz)
    return whole


def test_missing_file(tmp_path: Path) -> None:
    ran = run(tmp_path, "absent.wav")
    assert ran.code == 1
    assert "absent.wav" in ran.reason


@pytest.mark.parametrize("content", [b"", b"RIFF\x24\x00\x00\x00WAVE", b"This is a letter, not a sound.\n" * 50])
def test_file_that_is_no_sound(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "in.wav"
    file.write_bytes(content)
    for ran in (run(tmp_path, file), assistant("transcribe", file)):
        assert ran.code == 1
        assert "in.wav" in ran.reason


@pytest.mark.parametrize(
    ("rate_hz", "channels", "subtype"),
    [(16_000, 1, "PCM_U8"), (8_000, 1, "PCM_16"), (44_100, 2, "PCM_16"), (48_000, 2, "PCM_24"), (48_000, 1, "FLOAT")],
)
def test_any_kind_of_wav_is_understood(
    customer: Path, rate_hz: int, channels: int, subtype: str, tmp_path: Path
) -> None:
    import soxr

    sound, own_hz = soundfile.read(customer)
    sound = soxr.resample(sound, own_hz, rate_hz)
    file = tmp_path / "in.wav"
    soundfile.write(file, np.stack([sound] * channels, axis=1), rate_hz, subtype=subtype)
    ran = run(tmp_path, file)
    assert ran.code == 0, ran.err
    assert [event["text"] for event in ran.of("transcript")] == ["Where can I find the coffee?"]


def test_an_hour_of_silence(tmp_path: Path) -> None:
    file = tmp_path / "hour.wav"
    with soundfile.SoundFile(file, "w", RATE_HZ, 1, "PCM_16") as out:
        for _ in range(60):
            out.write(np.zeros(60 * RATE_HZ, np.int16))
    ran = run(tmp_path, file)
    assert ran.code == 0, ran.err
    assert [event["event"] for event in ran.events] == ["listening"]


def test_unknown_device(tmp_path: Path) -> None:
    """It may be plugged in later, so it is named and waited for."""
    file = tmp_path / "config.yaml"
    file.write_text(f"{MODELS}agent: {{use: echo}}\naudio: {{microphone: {{device: Bananaphone}}}}", "utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "assistant", "--config", file, "run", "--output", tmp_path / "out.wav"],
        cwd=ROOT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        told = next((line for line in process.stderr if "WARNING" in line and "microphone" in line), "nothing")
        assert "goes on as soon as it is there" in told
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()


def test_output_that_cannot_be_written(customer: Path, tmp_path: Path) -> None:
    ran = assistant(
        "run", "--input", customer, "--output", tmp_path / "absent" / "out.wav", "--fast",
        config=MODELS + "agent: {use: echo}", folder=tmp_path,
    )  # fmt: skip
    assert ran.code == 1
    assert "out.wav" in ran.reason


def test_the_recording_is_not_overwritten(customer: Path, tmp_path: Path) -> None:
    before = customer.read_bytes()
    assert assistant("run", "--input", customer, "--output", customer).code == 2
    assert customer.read_bytes() == before


def test_a_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    ran = assistant("say", "hello", "--output", pipe)
    assert ran.code == 1
    assert "no file" in ran.reason
    assert pipe.is_fifo()


def test_fast_needs_files_on_both_ends(customer: Path) -> None:
    assert assistant("run", "--input", customer, "--fast").code == 2


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("stt: [\n", "YAML"),
        ("just a sentence", "settings"),
        ("sst: {use: faster_whisper}", "did you mean 'stt'"),
        ("stt: {faster_whisper: {modell: tiny}}", "did you mean 'model'"),
        ("utterance: {end_silence_s: never}", "end_silence_s"),
        ("utterance: {end_silence_s: 99}", "end_silence_s"),
        ("agent: {use: oracle}", "faq"),
        ("agent: {use: opnai}", "did you mean 'openai'"),
        ("agent: {use: command}", "command"),
        ("agent: {use: openai, openai: {model: m, api_key: '${NO_SUCH_KEY}'}}", "NO_SUCH_KEY"),
    ],
)
def test_wrong_settings(config: str, said: str, tmp_path: Path) -> None:
    for command in (("config",), ("run", "--input", "mic")):
        ran = assistant(*command, config=config, folder=tmp_path)
        if command == ("config",) and said == "command":
            continue  # what is in effect may be looked at
        assert ran.code == 1
        assert said in ran.reason


def test_missing_settings_file(tmp_path: Path) -> None:
    ran = assistant("--config", tmp_path / "absent.yaml", "config")
    assert ran.code == 1
    assert "absent.yaml" in ran.reason


@pytest.mark.parametrize("arguments", [(), ("dance",), ("run", "--loud"), ("say",), ("models", "pull", "--nonsense")])
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert assistant(*arguments).code == 2


@pytest.mark.parametrize(
    ("config", "model"),
    [
        ("stt: {faster_whisper: {model: small.en}}", "whisper-small.en"),
        ("wake_word: {openwakeword: {words: [{name: hey_nobody}]}}", "hey_nobody"),
    ],
)
def test_missing_model(config: str, model: str, customer: Path, tmp_path: Path) -> None:
    ran = run(tmp_path, customer, MODELS + "agent: {use: echo}\n" + config)
    assert ran.code == 1
    assert model in ran.reason
    assert "assistant models" in ran.reason


def damage(file: Path, keep: int) -> None:
    """Cut it short, but leave it its length, so that only its content tells."""
    whole = file.read_bytes()
    file.write_bytes(whole[:keep] + bytes(len(whole) - keep))


@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_without_any_voice_it_still_says_something(fault: str, customer: Path, tmp_path: Path) -> None:
    """The only voice cannot speak: the customer hears a recording, the technician reads why."""
    models = tmp_path / "models"
    shutil.copytree(ROOT / "models", models, ignore=shutil.ignore_patterns("training"))
    voice = "en_US-kiosk-low"
    if fault == "damaged":
        damage(models / voice / f"{voice}.onnx", 100_000)
    else:
        voice = "en_GB-alba-medium"
    tts = f"tts: {{use: piper, piper: {{voice: {voice}}}}}"
    ran = run(tmp_path, customer, f"models: {{folder: {models}}}\nagent: {{use: echo}}\n{tts}")
    assert ran.code == 0, ran.err
    assert f"model_{fault}" in ran.err
    assert voice in ran.err
    assert "assistant models" in ran.err or fault == "damaged"
    assert soundfile.info(tmp_path / "out.wav").duration > 1.5


@pytest.mark.parametrize(
    ("file", "keep"),
    [
        ("whisper-kiosk-en/model.bin", 100_000),
        ("hey_jarvis/hey_jarvis_v0.1.onnx", 1000),
    ],
)
def test_damaged_model(file: str, keep: int, customer: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(ROOT / "models", models, ignore=shutil.ignore_patterns("training"))
    damage(models / file, keep)
    ran = run(tmp_path, customer, f"models: {{folder: {models}}}\nagent: {{use: echo}}")
    assert ran.code == 1
    assert Path(file).parts[0] in ran.reason
    verified = assistant("models", "verify", config=f"models: {{folder: {models}}}", folder=tmp_path)
    assert verified.code == 1
    assert Path(file).parts[0] in verified.out + verified.err


AGENTS = {
    "hangs": "import time; time.sleep(60)",
    "dies": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "says nothing": "pass",
    "fails": "import sys; sys.exit('no database')",
}


@pytest.mark.parametrize("day", AGENTS)
def test_agent_on_a_bad_day_is_apologised_for(day: str, customer: Path, tmp_path: Path) -> None:
    program = tmp_path / "agent.py"
    program.write_text(AGENTS[day])
    agent = f"agent: {{use: command, command: {{command: ['{sys.executable}', '{program}'], timeout_s: 1.5}}}}"
    ran = run(tmp_path, customer, MODELS + agent)
    assert ran.code == 0, ran.err
    assert ran.of("reply_text")[-1]["text"].startswith("Sorry")
    assert [event["text"][:5] for event in ran.of("speaking")] == ["Sorry"]
    assert ran.of("turn_end")[0]["response_ms"] > 0
    assert "coffee" not in ran.err, "what a customer said appears in no log"


def test_agent_that_answers_100_kb_is_cut(customer: Path, tmp_path: Path) -> None:
    program = tmp_path / "agent.py"
    program.write_text("print('We have coffee. ' * 6000)")
    agent = (
        f"agent: {{use: command, command: {{command: ['{sys.executable}', '{program}'], timeout_s: 5, "
        "max_answer_chars: 200}}}"
    )
    ran = run(tmp_path, customer, MODELS + agent.replace("}}}", "}}"))
    assert ran.code == 0, ran.err
    answer = ran.of("reply_text")[-1]["text"]
    assert 50 < len(answer) <= 200
    assert answer.endswith("coffee.")
