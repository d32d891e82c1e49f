"""``./install.sh service --user`` with the real systemd and sound server of a user; no sound card is needed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.service.installation import install, until
from tests.service.machine import Machine

pytestmark = [pytest.mark.long(1), pytest.mark.timeout(200)]

HOME = Path("/home/kiosk")

DROP_IN = f"""\
[Service]
StandardError=append:{HOME}/log
"""

SOUND_SERVER = f"""\
[Service]
ExecStart=/usr/bin/pulseaudio -n -F {HOME}/start.pa --daemonize=no --exit-idle-time=-1 --disable-shm=yes
"""

SOUND = """\
load-module module-native-protocol-unix
load-module module-null-sink sink_name=loudspeaker rate=48000 channels=2
load-module module-null-sink sink_name=customer rate=48000 channels=2
load-module module-remap-source source_name=microphone master=customer.monitor channels=1 remix=yes
set-default-sink loudspeaker
set-default-source microphone
"""

ALSA = "pcm.!default pulse\nctl.!default pulse\n"


@pytest.fixture
def of_user(machine: Machine) -> tuple[str, ...]:
    """What goes before a command of the user, whose systemd and sound server run."""
    if shutil.which("pulseaudio") is None:
        pytest.skip("PulseAudio is not installed")
    assert machine.run("useradd", "--create-home", "kiosk").returncode == 0
    number = machine.run("id", "-u", "kiosk").stdout.strip()
    machine.run("install", "-d", "-o", "kiosk", f"/run/user/{number}")
    units = machine.path(f"{HOME}/.config/systemd/user")
    (units / "shop-assistant.service.d").mkdir(parents=True)
    (units / "shop-assistant.service.d/test.conf").write_text(DROP_IN)
    (units / "pulseaudio.service").write_text(SOUND_SERVER)
    (units / "pulseaudio.socket").symlink_to("/dev/null")  # the system's own would start another one at once
    machine.path(f"{HOME}/start.pa").write_text(SOUND)
    machine.path(f"{HOME}/.asoundrc").write_text(ALSA)
    machine.run("chown", "-R", "kiosk:", HOME)

    environment = (f"HOME={HOME}", f"XDG_RUNTIME_DIR=/run/user/{number}")
    settings = [word for one in environment for word in ("--setenv", one)]
    manager = ("--uid=kiosk", "--property=Delegate=yes", *settings, "/lib/systemd/systemd", "--user")
    assert machine.run("systemd-run", *manager).returncode == 0
    before = ("runuser", "-u", "kiosk", "--", "env", *environment)
    until(lambda: machine.run(*before, "systemctl", "--user", "list-units").returncode == 0)
    assert machine.run(*before, "systemctl", "--user", "start", "pulseaudio").returncode == 0
    return before


def test_from_installation_to_removal(machine: Machine, checkout: Path, of_user: tuple[str, ...]) -> None:
    def systemctl(*words: str) -> str:
        return machine.run(*of_user, "systemctl", "--user", *words).stdout.strip()

    code, said = install(machine, checkout, "service", "--user", before=of_user)
    log = machine.path(f"{HOME}/log")
    assert code == 0, said + (log.read_text() if log.exists() else "")
    assert systemctl("is-active", "shop-assistant") == "active"
    assert systemctl("is-enabled", "shop-assistant", "shop-assistant-tray") == "enabled\nenabled"
    assert machine.run(*of_user, HOME / ".local/bin/assistant", "--version").returncode == 0
    assert machine.run("find", HOME, "-user", "root", "-path", "*shop-assistant/*").stdout == ""
    code, said = install(machine, checkout, "uninstall", "--user", "--purge", before=of_user)
    assert code == 0, said
    assert machine.run("find", HOME, "-name", "*shop-assistant*").stdout == ""
    assert systemctl("is-active", "shop-assistant") == "inactive"


def test_root_is_no_user(machine: Machine, checkout: Path) -> None:
    code, said = install(machine, checkout, "service", "--user")
    assert code == 1
    assert "not for root" in said
