"""A machine of the test's own: systemd as its first process, in namespaces, with this machine's files below its own.

What it writes (users, units, programs, settings) lies in memory and goes with it; processes end with its first one.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from contextlib import suppress
from pathlib import Path

BOOT = """\
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs {folder}/memory
mkdir {folder}/memory/upper {folder}/memory/work
mount -t overlay overlay -o lowerdir=/,upperdir={folder}/memory/upper,workdir={folder}/memory/work {root}
mount --rbind /sys {root}/sys
mount --rbind /dev {root}/dev
mount -t proc proc {root}/proc
mount -t tmpfs tmpfs {root}/run
mount -t tmpfs -o mode=1777 tmpfs {root}/tmp
mount --make-rshared {root}
mkdir -p {root}/run/systemd/system {root}/run/user/0 {root}{shared}
mount --bind {shared} {root}{shared}
mkdir -p {root}{packages}
mount --bind {site} {root}{packages}
printf '[Unit]\\nDefaultDependencies=no\\n' >{root}/run/systemd/system/nothing.target
rm -f {root}/etc/systemd/system/*.wants/*
export container=test
exec chroot {root} /lib/systemd/systemd --system --unit=nothing.target --log-target=null --show-status=no
"""


PACKAGES = "/usr/local/lib/packages-of-the-test"
"""Where it finds the Python packages that this Python has, so that none has to be fetched."""

CGROUPS = Path("/sys/fs/cgroup")


class NoMachine(Exception):
    """This one is not permitted to make another."""


class Machine:
    """A context manager; ``run`` runs commands in it."""

    def __init__(self, folder: Path, shared: Path) -> None:
        """``shared`` is a folder that it sees and may change, under the same path."""
        self._folder = folder
        self.root = folder / "root"
        self._shared = shared
        self._process: subprocess.Popen[str] | None = None
        self._first = 0
        self._groups: set[Path] = set()

    def __enter__(self) -> Machine:
        """Boot. Raises ``NoMachine``."""
        if os.getuid() != 0 or not sys.platform.startswith("linux"):
            raise NoMachine("only root may make namespaces")
        if not Path("/lib/systemd/systemd").exists() or shutil.which("unshare") is None:
            raise NoMachine("systemd is not installed")
        for name in ("memory", "root"):
            (self._folder / name).mkdir()
        site = sysconfig.get_path("purelib")
        script = BOOT.format(
            folder=self._folder, root=self.root, shared=self._shared, site=site, packages=PACKAGES
        )  # fmt: skip
        self._groups = _groups()
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--cgroup", "--ipc", "--uts", "bash", "-c", script],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            self._wait_until_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait_until_up(self) -> None:
        assert self._process is not None
        for _ in range(100):
            if self._process.poll() is not None:
                assert self._process.stderr is not None
                raise NoMachine(self._process.stderr.read().strip() or "it did not boot")
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
            if children:
                self._first = int(children[0])
                if self.run("systemctl", "is-system-running").stdout.strip() in {"running", "degraded"}:
                    return
            time.sleep(0.1)
        raise NoMachine("systemd did not start")

    def __exit__(self, *_: object) -> None:
        """All of its processes end with the first one."""
        assert self._process is not None
        if self._first:
            self.run("systemctl", "kill", "--signal=KILL", "*.service")
            os.kill(self._first, signal.SIGKILL)
        else:
            self._process.kill()
        self._process.communicate()
        for folder in sorted(_groups() - self._groups, reverse=True):
            with suppress(OSError):
                folder.rmdir()

    def run(self, *command: str | Path, timeout_s: float = 90, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command as root, in the shared folder."""
        env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **environment}
        inside = ["nsenter", f"--target={self._first}", "--all", "--root", f"--wdns={self._shared}"]
        return subprocess.run(
            [*inside, *map(str, command)], capture_output=True, text=True, timeout=timeout_s, env=env, check=False,
            start_new_session=True,
        )  # fmt: skip

    def path(self, inside: str) -> Path:
        """A path of it, as this machine sees it."""
        return Path(f"/proc/{self._first}/root{inside}")


def _groups() -> set[Path]:
    """Control groups; those that are new and empty afterwards were the machine's."""
    tops = [CGROUPS, *(one for one in CGROUPS.iterdir() if one.is_dir())] if CGROUPS.is_dir() else []
    found = {top / name for top in tops for name in ("init.scope", "system.slice") if (top / name).is_dir()}
    return found | {folder for top in found for folder in top.rglob("*") if folder.is_dir()}
