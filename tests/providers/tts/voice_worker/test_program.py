"""The worker as a process beside others: how it begins, ends and stands behind the daemon."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from providers.tts.voice_worker.__main__ import CANNOT_LISTEN, CANNOT_LOAD, NICE
from providers.tts.voice_worker.messages import LOG_MARK
from providers.tts.voice_worker.precedence import OOM_SCORE
from tests.conftest import ROOT
from tests.providers.tts.voice_worker.running import TONE, hum, wait_until, wav, worker

pytestmark = pytest.mark.unit

VOICE = wav()
PROGRAM = [sys.executable, "-m", "providers.tts.voice_worker"]


def tried(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A program that ends by itself."""
    return subprocess.run(
        [*PROGRAM, *arguments], check=False, capture_output=True, text=True, cwd=ROOT, timeout=30,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_the_middle_of_a_word(tmp_path: Path, number: signal.Signals) -> None:
    with worker(tmp_path, "hang=0", keep=True) as started:
        started.loaded()
        with started.connect() as connection:
            connection.introduce(VOICE)
            connection.request("Here I stumble.", VOICE)
            started.process.send_signal(number)
            assert started.ended() == 0
    assert not (tmp_path / "socket").exists()
    assert "Traceback" not in "".join(started.lines)


def test_the_end_of_its_standard_input_ends_it(tmp_path: Path) -> None:
    with worker(tmp_path) as started:
        started.loaded()
        assert started.process.stdin is not None
        started.process.stdin.write("words are passed over\n")
        started.process.stdin.flush()
        assert started.state().loaded
        started.process.stdin.close()
        assert started.ended() == 0


def test_it_can_be_told_to_go_on_without_input(tmp_path: Path) -> None:
    with worker(tmp_path, keep=True) as started:
        started.loaded()
        assert started.process.stdin is not None
        started.process.stdin.close()
        assert started.state().loaded


def test_without_a_pipe_it_goes_on_by_itself(tmp_path: Path) -> None:
    with worker(tmp_path, stdin=subprocess.DEVNULL) as started:
        assert started.loaded().state().loaded


def test_it_dies_with_its_parent_also_while_its_engine_hangs(tmp_path: Path) -> None:
    """The pipe is held open by this test, so that only the death of the parent can tell."""
    command = [*PROGRAM, "--engine", TONE, "--listen", f"unix://{tmp_path / 'socket'}", "--latents", str(tmp_path)]
    parent = (
        f"import subprocess, time; child = subprocess.Popen({command!r}); print(child.pid, flush=True); time.sleep(99)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, cwd=ROOT, env={**os.environ, "TONE": "slow_load=99"},
    ) as started:  # fmt: skip
        assert started.stdout is not None
        assert started.stderr is not None
        child = int(started.stdout.readline())
        assert "listening" in started.stderr.readline()
        os.kill(child, 0)
        started.kill()
        wait_until(lambda: gone(child), "the worker has died")


def gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_its_socket_is_for_its_owner_only(tmp_path: Path) -> None:
    with worker(tmp_path) as started:
        assert stat.S_IMODE((tmp_path / "socket").stat().st_mode) == 0o600
        started.loaded()
        with started.connect() as connection:
            connection.introduce(VOICE)
        assert stat.S_IMODE((tmp_path / "latents").stat().st_mode) == 0o700
        (kept,) = (tmp_path / "latents").iterdir()
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_socket_that_a_dead_one_left_makes_room(tmp_path: Path) -> None:
    with worker(tmp_path) as started:
        started.process.kill()
        started.ended()
    assert (tmp_path / "socket").is_socket()
    with worker(tmp_path) as again:
        assert again.loaded().state().loaded


def test_a_socket_that_is_in_use_does_not(tmp_path: Path) -> None:
    with worker(tmp_path) as started:
        second = tried("--engine", TONE, "--listen", f"unix://{tmp_path / 'socket'}")
        assert second.returncode == CANNOT_LISTEN
        assert f"{LOG_MARK}cannot listen at unix://{tmp_path / 'socket'}: " in second.stderr
        assert started.loaded().state().loaded


def test_what_another_has_put_in_the_place_of_its_socket_stays(tmp_path: Path) -> None:
    with worker(tmp_path) as started:
        (tmp_path / "socket").unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(tmp_path / "socket"))
            started.process.terminate()
            assert started.ended() == 0
        assert (tmp_path / "socket").is_socket()


@pytest.mark.parametrize("place", ["a file", "nowhere", "a port in use"])
def test_where_it_cannot_listen(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("precious")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = {
            "a file": f"unix://{tmp_path / 'file'}",
            "nowhere": f"unix://{tmp_path / 'no' / 'folder'}",
            "a port in use": f"tcp://127.0.0.1:{taken.getsockname()[1]}",
        }[place]
        ran = tried("--engine", TONE, "--listen", listen)
    assert ran.returncode == CANNOT_LISTEN
    assert ran.stderr.startswith(f"{LOG_MARK}cannot listen at {listen}: ")
    assert len(ran.stderr.splitlines()) == 1
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--listen", "http://here"], "'http://here' must be unix:///path or tcp://host:port"),
        (["--listen", "unix://relative/path"], "must be unix:///path"),
        (["--listen", f"unix:///{'x' * 200}"], "107 bytes"),
        (["--listen", "tcp://127.0.0.1:99999"], "Port out of range"),
        (["--device", "tpu"], "invalid choice"),
        (["--memory-mb", "-1"], "must be 0 or more"),
        (["--memory-mb", "much"], "invalid"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str) -> None:
    ran = tried("--engine", TONE, *arguments)
    assert ran.returncode == 2
    assert said in ran.stderr


@pytest.mark.parametrize("engine", ["xtts_v2", "pocket_tts"])
def test_an_engine_that_is_not_installed(engine: str) -> None:
    """This interpreter has none of them."""
    ran = tried("--engine", engine)
    assert ran.returncode == CANNOT_LOAD
    (line,) = ran.stderr.splitlines()
    assert line.startswith(f"{LOG_MARK}the engine {engine} cannot be loaded: ")
    assert line.endswith(f"Install it: ./install.sh {engine.partition('_')[0]}")


def test_its_version_can_be_asked(tmp_path: Path) -> None:
    ran = tried("--engine", TONE, "--version")
    assert (ran.returncode, ran.stdout) == (0, "tone 1\n")


@pytest.mark.parametrize(("options", "steps"), [([], NICE), (["--nice", "11"], 11), (["--device", "cuda"], 0)])
def test_it_stands_behind_the_daemon(tmp_path: Path, options: list[str], steps: int) -> None:
    own = os.nice(0)
    with worker(tmp_path, "", *options) as started:
        started.loaded()
        threads = [int(thread.name) for thread in Path(f"/proc/{started.process.pid}/task").iterdir()]
        assert len(threads) >= 2
        assert {os.getpriority(os.PRIO_PROCESS, thread) for thread in threads} == {min(19, own + steps)}
        score = int(Path(f"/proc/{started.process.pid}/oom_score_adj").read_text())
        assert score >= OOM_SCORE


def test_voices_are_kept_across_restarts_and_not_between_models(tmp_path: Path) -> None:
    with worker(tmp_path, "", "--model-hash", "a") as first:
        first.loaded()
        assert first.state().model == "a"
        with first.connect() as connection:
            connection.introduce(VOICE)
    with worker(tmp_path, "", "--model-hash", "a") as second:
        second.loaded()
        with second.connect() as connection:
            assert connection.say("Hello.", VOICE).sound == hum("Hello.")
    with worker(tmp_path, "", "--model-hash", "b") as third:
        third.loaded()
        with third.connect() as connection:
            assert connection.say("Hello.", VOICE).code == "unknown-voice"


def test_only_a_port_of_this_machine_needs_no_warning(tmp_path: Path) -> None:
    with worker(tmp_path, listen="tcp://0.0.0.0:0") as started:
        assert "trusted networks only" in started.until("password")


def test_it_needs_nothing_but_numpy_and_wyoming() -> None:
    """Its environment has the engine's packages and these, not the daemon's."""
    ask = "import sys, providers.tts.voice_worker.__main__; print(*{name.partition('.')[0] for name in sys.modules})"
    clean = subprocess.run([sys.executable, "-c", "import sys; print(*sys.modules)"], check=True, capture_output=True)
    ran = subprocess.run([sys.executable, "-c", ask], check=True, capture_output=True, text=True, cwd=ROOT)
    before = {name.partition(".")[0] for name in clean.stdout.decode().split()}
    foreign = set(ran.stdout.split()) - before - sys.stdlib_module_names
    assert foreign == {"numpy", "wyoming", "providers", "pipeline"}
