"""Whole conversations through the program itself, with every stage real."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.program import assistant

pytestmark = pytest.mark.model

RATE_HZ = 16_000
MODELS = Path(__file__).resolve().parents[2] / "models"


def silence(duration_s: float) -> np.ndarray:
    return np.zeros(round(duration_s * RATE_HZ), np.int16)


def write(path: Path, *parts: np.ndarray) -> Path:
    soundfile.write(path, np.concatenate(parts), RATE_HZ, subtype="PCM_16")
    return path


def echo(**more: str) -> str:
    lines = [f"models: {{folder: {MODELS}}}", "agent: {use: echo}", *(f"{key}: {value}" for key, value in more.items())]
    return "\n".join(lines)


def test_demo_answers_what_was_asked(tmp_path: Path) -> None:
    reply = tmp_path / "reply.wav"
    ran = assistant("demo", "--say", "what time do you close", "--events", "-", "--output", reply)
    assert ran.code == 0, ran.err
    kinds = [event["event"] for event in ran.events]
    assert kinds[:5] == ["listening", "wake_word", "speech_start", "speech_end", "transcript"]
    assert kinds[-3:] == ["reply_text", "turn_end", "listening"]
    # After closing time the answer has a sentence more.
    assert kinds[5:-3] == ["reply_text", "speaking"] * len(ran.of("speaking"))
    assert ran.of("speaking")
    assert ran.of("transcript")[0]["text"] == "What time do you close?"
    answer = ran.of("reply_text")[-1]
    assert answer["final"]
    assert "close" in answer["text"].lower()
    end = ran.of("turn_end")[0]
    assert end["response_ms"] == pytest.approx(sum(end["stages_ms"].values()), abs=0.1)
    sound, rate_hz = soundfile.read(reply)
    assert len(sound) / rate_hz > 0.5
    assert np.sqrt((sound**2).mean()) > 0.01


def test_demo_tells_people_what_happens(tmp_path: Path) -> None:
    ran = assistant("demo", "--output", tmp_path / "reply.wav")
    assert ran.code == 0, ran.err
    assert "3 of 3 questions answered" in ran.out
    assert ran.out.count("heard") == ran.out.count("answered:") == 3


@pytest.fixture(scope="module")
def jarvis(recordings: Path) -> np.ndarray:
    return soundfile.read(recordings / "wake_hey_jarvis.wav", dtype="int16")[0]


@pytest.fixture(scope="module")
def question(recordings: Path) -> np.ndarray:
    return soundfile.read(recordings / "what_time_is_it.wav", dtype="int16")[0]


def test_real_recordings_wake_once_and_are_understood(
    recordings: Path, jarvis: np.ndarray, question: np.ndarray, tmp_path: Path
) -> None:
    """A wake word and a question by real people, then a minute of somebody talking who must not wake it."""
    talk = soundfile.read(recordings / "speech_60s.wav", dtype="int16")[0]
    customer = write(tmp_path / "in.wav", silence(1), jarvis, question, silence(8), talk, silence(2))
    ran = assistant(
        "run", "--input", customer, "--output", tmp_path / "out.wav", "--fast", "--events", "-",
        config=echo(), folder=tmp_path,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert [hit["name"] for hit in ran.of("wake_word")] == ["hey_jarvis"]
    assert len(ran.of("speech_end")) == 1
    assert ran.of("transcript")[0]["text"] == "What time is it?"
    assert len(ran.of("turn_end")) == 1


def test_wake_word_interrupts_an_answer(jarvis: np.ndarray, question: np.ndarray, tmp_path: Path) -> None:
    prefix = "This answer goes on and on. " * 8
    customer = write(tmp_path / "in.wav", silence(1), jarvis, question, silence(1.5), jarvis, question, silence(14))
    ran = assistant(
        "run", "--input", customer, "--output", tmp_path / "out.wav", "--fast", "--events", "-",
        config=f"models: {{folder: {MODELS}}}\nagent: {{use: echo, echo: {{prefix: '{prefix}'}}}}", folder=tmp_path,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    kinds = [event["event"] for event in ran.events]
    assert kinds.count("interrupted") == 1
    assert kinds.index("interrupted") < kinds.index("turn_end") < len(kinds) - 1 - kinds[::-1].index("wake_word")
    heard = ran.of("interrupted")[0]["heard_text"]
    assert heard.startswith("This answer goes on")
    assert heard.count("on and on") < 8
    assert [end["turn"] for end in ran.of("turn_end")] == [1, 2]


@pytest.mark.long(1)
def test_an_answer_has_the_shops_volume_and_is_louder_in_a_noisy_room(
    jarvis: np.ndarray, question: np.ndarray, tmp_path: Path
) -> None:
    spoken = np.concatenate([silence(4), jarvis, question, silence(4)])
    noise = np.random.default_rng(1).normal(0, 32768 * 10 ** (-42 / 20), len(spoken))
    answer = tmp_path / "answer.wav"
    ran = assistant(
        "run", "--input", write(tmp_path / "in.wav", (spoken + noise).astype(np.int16)), "--output", answer, "--fast",
        config=echo(audio="{loudness: {volume_db: -20}}"), folder=tmp_path,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    peak_db = 20 * np.log10(np.abs(soundfile.read(answer)[0]).max())
    assert peak_db == pytest.approx(-20 + 4, abs=1.5)  # the voice itself comes just below full scale


def test_nobody_speaks_after_the_wake_word(jarvis: np.ndarray, tmp_path: Path) -> None:
    customer = write(tmp_path / "in.wav", silence(1), jarvis, silence(9))
    ran = assistant(
        "run", "--input", customer, "--output", tmp_path / "out.wav", "--fast", "--events", "-",
        config=echo(), folder=tmp_path,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert [event["reason"] for event in ran.of("no_speech")] == ["timeout"]
    assert not ran.of("speaking")
    assert ran.events[-1]["event"] == "listening"


def test_say_then_transcribe(tmp_path: Path) -> None:
    spoken = tmp_path / "say.wav"
    assert assistant("say", "Where can I find the olive oil?", "--output", spoken).code == 0
    ran = assistant("transcribe", spoken)
    assert (ran.code, ran.out) == (0, "Where can I find the olive oil?\n")


SHOP = f"""
models: {{folder: {MODELS}}}
deployment: {{use: commercial}}
wake_word: {{use: microwakeword}}
stt: {{faster_whisper: {{model: kiosk-en}}}}
tts: {{piper: {{voice: en_US-kiosk-low}}}}
agent: {{use: echo}}
"""


def test_a_shop_is_answered_with_nothing_but_what_it_may_use(
    jarvis: np.ndarray, question: np.ndarray, tmp_path: Path
) -> None:
    customer = write(tmp_path / "in.wav", silence(3), jarvis, question, silence(8))
    ran = assistant(
        "run", "--input", customer, "--output", tmp_path / "out.wav", "--fast", "--events", "-",
        config=SHOP, folder=tmp_path,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert [hit["name"] for hit in ran.of("wake_word")] == ["hey_jarvis"]
    assert ran.of("transcript")[0]["text"] == "What time is it?"
    assert (ran.of("speaking")[0]["provider"], ran.of("speaking")[0]["voice"]) == ("piper", "en_US-kiosk-low")
    assert len(ran.of("turn_end")) == 1
    assert np.abs(soundfile.read(tmp_path / "out.wav", dtype="int16")[0]).max() > 1000


def test_a_shop_s_demo_uses_what_it_may(tmp_path: Path) -> None:
    """The same without recordings."""
    ran = assistant(
        "demo", "--say", "what time do you close", "--events", "-", "--output", tmp_path / "reply.wav",
        config=SHOP, folder=tmp_path,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert ran.of("speaking")[0]["provider"] == "piper"


def test_a_shop_s_daemon_does_not_start_with_words_it_may_not_use(tmp_path: Path) -> None:
    customer = write(tmp_path / "in.wav", silence(1))
    ran = assistant(
        "run", "--input", customer, "--output", tmp_path / "out.wav", "--fast",
        config=SHOP.replace("use: microwakeword", "use: openwakeword"), folder=tmp_path,
    )  # fmt: skip
    assert ran.code == 1
    assert "does not allow commercial use" in ran.reason
    assert "microwakeword" in ran.reason
