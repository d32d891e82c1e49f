"""``./install.sh service --user`` with the real systemd of a user."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service.installation import install, until
from tests.service.machine import Machine

pytestmark = [pytest.mark.long(1), pytest.mark.timeout(200)]

HOME = Path("/home/kiosk")

DROP_IN = f"""\
[Service]
ExecStart=
ExecStart={HOME}/.local/lib/shop-assistant/current/bin/assistant run --input /var/lib/silence.wav --output %t/out.wav
StandardError=append:{HOME}/log
"""


@pytest.fixture
def of_user(machine: Machine) -> tuple[str, ...]:
    """What goes before a command of the user, whose systemd runs."""
    assert machine.run("useradd", "--create-home", "kiosk").returncode == 0
    number = machine.run("id", "-u", "kiosk").stdout.strip()
    machine.run("install", "-d", "-o", "kiosk", f"/run/user/{number}")
    environment = (f"HOME={HOME}", f"XDG_RUNTIME_DIR=/run/user/{number}")
    settings = [word for one in environment for word in ("--setenv", one)]
    machine.run(
        "systemd-run", "--uid=kiosk", "--property=Delegate=yes", *settings, "/lib/systemd/systemd", "--user"
    )  # fmt: skip
    before = ("runuser", "-u", "kiosk", "--", "env", *environment)
    until(lambda: machine.run(*before, "systemctl", "--user", "list-units").returncode == 0)
    machine.run(*before, "mkdir", "-p", HOME / ".config/systemd/user/shop-assistant.service.d")
    machine.path(f"{HOME}/.config/systemd/user/shop-assistant.service.d/test.conf").write_text(DROP_IN)
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
