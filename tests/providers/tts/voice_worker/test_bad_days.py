"""The worker program when its engine fails, hangs, dies or eats the machine's memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.tts.voice_worker import messages
from providers.tts.voice_worker.__main__ import CANNOT_LOAD, TOO_MUCH_MEMORY
from tests.providers.tts.voice_worker.running import hum, name_of, wait_until, wav, worker

pytestmark = pytest.mark.unit

VOICE = wav()
STUMBLE = "I always stumble over this word."


@pytest.mark.parametrize(
    ("day", "code", "reason"),
    [
        ("fail=1", "failed", "RuntimeError at ToneEngine._stumble"),
        ("fail=0", "failed", "RuntimeError at ToneEngine._stumble"),
        ("oom=1", "out-of-memory", "memory"),
        ("torch_oom=1", "out-of-memory", "memory"),
        ("nan=1", "failed", "ValueError"),
        ("quit=1", "failed", "RuntimeError"),
    ],
)
def test_an_engine_that_fails_is_told_and_may_go_on(tmp_path: Path, day: str, code: str, reason: str) -> None:
    with worker(tmp_path, f"{day} once={tmp_path / 'once'}") as started:
        started.loaded()
        with started.connect() as connection:
            connection.introduce(VOICE)
            said = connection.say(STUMBLE, VOICE)
            assert said.code == code
            assert reason in said.reason
            assert hum(STUMBLE).startswith(said.sound)
            assert bool(said.sound) == (not day.endswith("=0")), "what came before is said"
            assert connection.say(STUMBLE, VOICE).sound == hum(STUMBLE)
        started.process.terminate()
        assert started.ended() == 0
        assert "customer" not in started.log
        assert "stumble over" not in started.log


def test_a_sample_that_the_engine_fails_at(tmp_path: Path) -> None:
    with worker(tmp_path, f"fail_sample once={tmp_path / 'once'}") as started:
        started.loaded()
        with started.connect() as connection:
            assert connection.introduce(VOICE).data["code"] == "failed"
            assert connection.ask(messages.SAMPLE, {"sample": name_of(VOICE)}).data["code"] == "unknown-voice"
            assert connection.introduce(VOICE).type == messages.READY


@pytest.mark.parametrize("leaves", [False, True])
def test_what_is_forgotten_while_it_is_looked_at_leaves_no_trace(tmp_path: Path, leaves: bool) -> None:
    """Also where nobody waits for it any more."""
    gate = tmp_path / "gate"
    with worker(tmp_path, f"wait_sample={gate}") as started:
        started.loaded()
        with started.connect() as connection, started.connect() as other:
            other.send(messages.SAMPLE, {"sample": name_of(VOICE)}, VOICE)
            wait_until(lambda: connection.state().step_s > 0, "it looks at the sample")
            if leaves:
                other.close()
            assert connection.ask(messages.FORGET, {"sample": name_of(VOICE)}).type == messages.FORGOTTEN
            gate.touch()
            if not leaves:
                answer = other.next()
                assert answer is not None
                assert answer.data["code"] == "unknown-voice"
            wait_until(lambda: connection.state().step_s == 0, "it rests")
            assert not [*(tmp_path / "latents").iterdir()]
            assert connection.introduce(VOICE).data == {"sample": name_of(VOICE), "known": False}


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "latents").write_text("a file where the folder should be")
    with worker(tmp_path) as started:
        started.loaded()
        with started.connect() as connection:
            answer = connection.introduce(VOICE)
            assert answer.data["code"] == "failed"
            assert answer.data["text"].startswith("what is to be kept of the voice cannot be written: ")


def test_an_engine_that_dies_takes_its_program_along_and_the_voices_stay(tmp_path: Path) -> None:
    with worker(tmp_path, "crash=2") as started:
        started.loaded()
        with started.connect() as connection:
            connection.introduce(VOICE)
            connection.request(STUMBLE, VOICE)
            heard = 0
            while (event := connection.next()) is not None:
                heard += len(event.payload or b"")
        assert heard < len(hum(STUMBLE))
        assert started.ended() == 7
    with worker(tmp_path) as again:
        again.loaded()
        with again.connect() as connection:
            assert connection.say(STUMBLE, VOICE).sound == hum(STUMBLE)


def test_a_hang_shows_in_the_state_and_a_signal_still_ends_it(tmp_path: Path) -> None:
    with worker(tmp_path, "hang=1") as started:
        started.loaded()
        with started.connect() as connection, started.connect() as other:
            connection.introduce(VOICE)
            connection.request(STUMBLE, VOICE)
            wait_until(lambda: other.state().step_s > 0.3, "the step grows")
            first_s = other.state().step_s
            wait_until(lambda: other.state().step_s > first_s, "it grows on")
            assert other.ask(messages.SAMPLE, {"sample": name_of(VOICE)}).type == messages.READY
            assert other.ask(messages.FORGET, {"sample": name_of(VOICE)}).data["known"]
            connection.close()
            assert other.state().step_s > first_s, "leaving does not help against a hang"
        started.process.terminate()
        assert started.ended() == 0


def test_while_it_loads_it_says_so(tmp_path: Path) -> None:
    with worker(tmp_path, "slow_load=600") as started, started.connect() as connection:
        state = connection.state()
        assert (state.loaded, state.failure, state.languages) == (False, "", ())
        assert connection.introduce(VOICE).data["code"] == "loading"
        assert connection.say("Hello.", VOICE).code == "loading"
        assert connection.ask(messages.FORGET, {"sample": name_of(VOICE)}).data["code"] == "loading"
        assert connection.ask("describe").type == "info"
        wait_until(lambda: connection.state().step_s > 0, "loading is a step")
        started.process.terminate()
        assert started.ended() == 0


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("fail_load", "RuntimeError: the weights are not those of this model"),
        ("oom_load", "the memory does not suffice for the model"),
        ("quit_load", "it raised SystemExit"),
    ],
)
def test_a_model_that_cannot_be_loaded_is_told_before_it_ends(tmp_path: Path, day: str, said: str) -> None:
    with worker(tmp_path, day) as started:
        with started.connect() as connection:
            wait_until(lambda: connection.state().failure, "it has failed")
            # Told once, it ends: what is asked after that may find nobody.
        assert started.ended() == CANNOT_LOAD
        assert f"{messages.LOG_MARK}the model cannot be loaded: " in started.log
        assert said in started.log


def test_the_state_tells_why_it_cannot_be_loaded(tmp_path: Path) -> None:
    with worker(tmp_path, "slow_load=0.2 fail_load") as started, started.connect() as connection:
        while not (failure := connection.state().failure):
            pass
        assert failure == "RuntimeError: the weights are not those of this model"
        assert started.ended() == CANNOT_LOAD


def test_nobody_needs_to_ask(tmp_path: Path) -> None:
    with worker(tmp_path, "fail_load") as started:
        assert started.ended() == CANNOT_LOAD


def test_a_request_far_beyond_the_memory_it_may_have_is_refused(tmp_path: Path) -> None:
    with worker(tmp_path, f"eat=2000 once={tmp_path / 'once'}", "--memory-mb", "200") as started:
        started.loaded()
        with started.connect() as connection:
            connection.introduce(VOICE)
            assert connection.say(STUMBLE, VOICE).code == "out-of-memory"
            assert connection.say(STUMBLE, VOICE).sound == hum(STUMBLE), "it lives on"
            assert connection.state().memory_mb < 200


def test_a_leak_ends_it_before_the_machine_swaps(tmp_path: Path) -> None:
    with worker(tmp_path, "eat=30", "--memory-mb", "150") as started:
        started.loaded()
        with started.connect() as connection:
            connection.introduce(VOICE)
            for _ in range(5):
                connection.request(STUMBLE, VOICE)
            while connection.next() is not None:
                pass
        assert started.ended() == TOO_MUCH_MEMORY
        assert " MB of memory and may have 150 (--memory-mb), so it ends" in started.log


def test_a_model_that_is_too_large_ends_it_while_it_loads(tmp_path: Path) -> None:
    with worker(tmp_path, "eat_load=200 slow_load=600", "--memory-mb", "150") as started:
        assert started.ended() == TOO_MUCH_MEMORY
