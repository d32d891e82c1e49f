"""``./install.sh service`` and ``uninstall`` on a machine of the test's own, where a real systemd does its part."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import httpx
import pytest

from tests.service.installation import install, systemctl, until
from tests.service.machine import Machine

pytestmark = [pytest.mark.long(1), pytest.mark.timeout(300)]


def becomes(checkout: Path, version: str) -> None:
    file = checkout / "pyproject.toml"
    file.write_text(re.sub(r'^version = ".*"', f'version = "{version}"', file.read_text(), flags=re.MULTILINE))


def add_table(checkout: Path, number: int) -> None:
    """A migration, as a new version may have one."""
    with (checkout / "assistant/storage/migrations.py").open("a") as file:
        file.write(f"""

@MIGRATIONS(name="{number}_of_the_test")
def _of_the_test_{number}(db: Database) -> None:
    db.execute("CREATE TABLE of_the_test_{number} (id TEXT)")
""")


def rows(machine: Machine, query: str) -> set[str]:
    """The first column of what the database holds."""
    look = (
        "import sqlite3, sys; print(*(row[0] for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2])), sep='\\n')"
    )
    ran = machine.run("/usr/bin/python3", "-c", look, "/var/lib/shop-assistant/data/assistant.db", query)
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.split("\n")) - {""}


def tables(machine: Machine) -> set[str]:
    return rows(machine, "SELECT name FROM sqlite_master WHERE name LIKE 'of_the_test_%'")


def personalities(machine: Machine) -> set[str]:
    found = machine.run("assistant", "personality", "list", "--json")
    assert found.returncode == 0, found.stderr
    return {one["name"] for one in json.loads(found.stdout)}


def version(machine: Machine) -> str:
    return machine.run("assistant", "--version").stdout.strip()


def test_install(machine: Machine, checkout: Path) -> None:
    code, said = install(machine, checkout, "service")
    assert code == 0, said
    assert systemctl(machine, "is-active", "shop-assistant") == "active", said
    assert systemctl(machine, "is-enabled", "shop-assistant") == "enabled"
    assert "Listening as Robin." in systemctl(machine, "show", "--property=StatusText", "shop-assistant")
    user = machine.run("ps", "-o", "user:20=", systemctl(machine, "show", "--value", "-p", "MainPID", "shop-assistant"))
    assert user.stdout.strip() == "shop-assistant"
    assert "audio" in machine.run("id", "-Gn", "shop-assistant").stdout.split(), "its commands use sound cards too"
    assert version(machine) == "assistant 0.1.0"
    page = machine.run("man", "--path", "assistant").stdout.strip() or "/usr/local/share/man/man1/assistant.1"
    assert machine.run("test", "-r", page).returncode == 0
    assert machine.run("bash", "-n", "/usr/local/share/bash-completion/completions/assistant").returncode == 0


def test_it_speaks_and_understands_as_confined_as_it_is(machine: Machine, checkout: Path) -> None:
    (port,) = re.findall(r"port: (\d+)", (checkout / "config.yaml").read_text())
    token = machine.run("assistant", "token").stdout.strip()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}) as panel:
        spoken = panel.post("/api/voice/synthesize", json={"text": "What time do you close?"}, timeout=60)
        assert spoken.status_code == 200, spoken.text
        assert spoken.content.startswith(b"RIFF")
        written = panel.post("/api/voice/transcribe", files={"file": ("question.wav", spoken.content)}, timeout=60)
    assert written.status_code == 200, written.text
    assert "close" in written.json()["text"].lower()


def test_engines_that_clone_voices_see_our_modules_alone(machine: Machine) -> None:
    ask = "from providers.tts.cloning.program import PROJECT as P;"
    ask += " print(P, sorted(one.name for one in P.iterdir()))"
    found = machine.run("/opt/shop-assistant/current/bin/python", "-P", "-c", ask)
    folder, names = found.stdout.split(maxsplit=1)
    assert folder.endswith("/worker")
    assert names == "['.venv-cloning', 'pipeline', 'providers']\n"


def test_root_acts_as_the_user_of_the_service(machine: Machine) -> None:
    assert machine.run("assistant", "personality", "add", "Wilma").returncode == 0
    assert "Wilma" in personalities(machine)
    strange = machine.run("find", "/var/lib/shop-assistant", "!", "-user", "shop-assistant")
    assert strange.stdout == "", "nothing there belongs to root"
    as_nobody = machine.run("runuser", "-u", "nobody", "--", "cat", "/etc/shop-assistant/config.yaml")
    assert as_nobody.returncode != 0


def needs_a_screen(machine: Machine) -> None:
    usable = "import sys; from assistant.tray.bindings import usable; sys.exit(not usable())"
    if machine.run("/opt/shop-assistant/current/bin/python", "-c", usable).returncode or shutil.which("Xvfb") is None:
        pytest.skip("GTK cannot be used from this Python, or there is no Xvfb")


def icon_of_clerk(machine: Machine, checkout: Path) -> str:
    """``./install.sh tray clerk``, and a session of that user in which the icon finds the assistant; the command."""
    code, said = install(machine, checkout, "tray", "clerk")
    assert code == 0, said
    entry = machine.path("/home/clerk/.config/autostart/shop-assistant-tray.desktop").read_text()
    (command,) = re.findall("^Exec=(.*)$", entry, re.MULTILINE)
    listed = machine.run("assistant", "token", "list", "--json").stdout
    (before,) = [one for one in json.loads(listed) if one["name"] == "tray of clerk"]
    assert not before["last_used_on"], "it is a new one"
    assert machine.run("systemd-run", "--collect", "--unit=screen", "Xvfb", ":77").returncode == 0
    try:
        session = ("--collect", "--unit=session", "--uid=clerk", "--setenv=DISPLAY=:77", "--property=Restart=always")
        assert machine.run("systemd-run", *session, *shlex.split(command)).returncode == 0

        def used() -> bool:
            listed = machine.run("assistant", "token", "list", "--json").stdout
            return any(one["id"] == before["id"] and one["last_used_on"] for one in json.loads(listed))

        until(used)
    finally:
        machine.run("systemctl", "stop", "session")
        machine.run("systemctl", "stop", "screen")
    return str(command)


def of_clerk(machine: Machine) -> list[str]:
    found = machine.run("find", "/home/clerk", "-path", "*shop-assistant*", "-type", "f", "-printf", "%u %m %f\n")
    return sorted(found.stdout.splitlines())


def test_the_tray_of_whoever_sits_at_the_screen(machine: Machine, checkout: Path) -> None:
    needs_a_screen(machine)
    assert machine.run("useradd", "--create-home", "clerk").returncode == 0
    command = icon_of_clerk(machine, checkout)
    assert command.startswith("/opt/shop-assistant/current/bin/assistant tray --url http://127.0.0.1:")
    assert of_clerk(machine) == ["clerk 600 shop-assistant-tray.desktop", "clerk 600 token"]


def test_it_trusts_the_certificate_of_the_panel(machine: Machine, checkout: Path) -> None:
    needs_a_screen(machine)
    settings = machine.path("/etc/shop-assistant/config.yaml")
    before = settings.read_text()
    pair = ("-keyout", "/etc/shop-assistant/key.pem", "-out", "/etc/shop-assistant/panel.pem")
    made = machine.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=shop", *pair)
    assert made.returncode == 0, made.stderr
    machine.run("chgrp", "shop-assistant", "/etc/shop-assistant/key.pem")
    machine.run("chmod", "640", "/etc/shop-assistant/key.pem")
    settings.write_text(before.replace("}", ", tls_certificate: panel.pem, tls_key: key.pem}"))
    assert machine.run("systemctl", "restart", "shop-assistant").returncode == 0
    assert "https://127.0.0.1" in icon_of_clerk(machine, checkout)
    assert "clerk 600 certificate.pem" in of_clerk(machine)
    settings.write_text(before)
    assert machine.run("systemctl", "restart", "shop-assistant").returncode == 0
    assert "http://127.0.0.1" in icon_of_clerk(machine, checkout)
    assert "clerk 600 certificate.pem" not in of_clerk(machine)


def test_a_tray_is_for_a_user_of_this_machine(machine: Machine, checkout: Path) -> None:
    for name in ("nobody-of-the-kind", "root"):
        code, said = install(machine, checkout, "tray", name)
        assert code == 1
        assert f"{name} is no user of this machine" in said


def test_a_secret_is_taken_from_the_credentials_and_settings_are_taken_anew(machine: Machine) -> None:
    settings = machine.path("/etc/shop-assistant/config.yaml")
    before = settings.read_text()
    machine.path("/etc/shop-assistant/credentials/SHOP").write_text("north\n")
    settings.write_text(before + "deployment: {tenant: '${SHOP}'}\n")
    assert machine.run("systemctl", "restart", "shop-assistant").returncode == 0
    assert json.loads(machine.run("assistant", "config", "--json").stdout)["deployment"]["tenant"] == "north"
    main = systemctl(machine, "show", "--value", "-p", "MainPID", "shop-assistant")
    assert b"north" not in machine.path(f"/proc/{main}/environ").read_bytes(), "programs it starts do not inherit it"
    settings.write_text(before)
    assert machine.run("systemctl", "reload", "shop-assistant").returncode == 0
    log = machine.path("/var/lib/shop-assistant.log")
    until(lambda: "The settings are taken anew." in log.read_text())
    until(lambda: systemctl(machine, "is-active", "shop-assistant") == "active")
    assert systemctl(machine, "show", "--value", "-p", "MainPID", "shop-assistant") == main


def test_a_frozen_process_is_replaced(machine: Machine) -> None:
    machine.path("/etc/systemd/system/shop-assistant.service.d/watchdog.conf").write_text(
        "[Service]\nWatchdogSec=4\nTimeoutAbortSec=1\n"
    )
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "shop-assistant")
    main = systemctl(machine, "show", "--value", "-p", "MainPID", "shop-assistant")
    assert systemctl(machine, "is-active", "shop-assistant") == "active"
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=STOP", "shop-assistant")
    until(lambda: systemctl(machine, "show", "--value", "-p", "NRestarts", "shop-assistant") != "0")
    until(lambda: systemctl(machine, "is-active", "shop-assistant") == "active")
    assert systemctl(machine, "show", "--value", "-p", "MainPID", "shop-assistant") != main
    machine.path("/etc/systemd/system/shop-assistant.service.d/watchdog.conf").unlink()
    machine.run("systemctl", "daemon-reload")


def test_wrong_settings_wait_for_somebody(machine: Machine) -> None:
    settings = machine.path("/etc/shop-assistant/config.yaml")
    before = settings.read_text()
    settings.write_text("htp: {}\n")
    assert machine.run("systemctl", "restart", "shop-assistant").returncode != 0
    assert systemctl(machine, "is-active", "shop-assistant") == "failed"
    shown = systemctl(machine, "show", "-p", "NRestarts", "-p", "StatusText", "-p", "ExecMainStatus", "shop-assistant")
    assert {"NRestarts=0", "ExecMainStatus=78"} <= set(shown.splitlines())
    assert "did you mean 'http'" in shown, "systemctl status says why"
    settings.write_text(before)
    assert machine.run("systemctl", "restart", "shop-assistant").returncode == 0


def test_upgrade(machine: Machine, checkout: Path) -> None:
    becomes(checkout, "0.2.0")
    add_table(checkout, 902)
    settings = checkout / "config.yaml"
    before = settings.read_text()
    settings.write_text("htp: {}\n")  # those of the machine count
    code, said = install(machine, checkout, "service")
    settings.write_text(before)
    assert code == 0, said
    assert "From assistant 0.1.0 to assistant 0.2.0" in said
    assert version(machine) == "assistant 0.2.0"
    assert tables(machine) == {"of_the_test_902"}
    assert "Wilma" in personalities(machine)
    assert len(list(machine.path("/opt/shop-assistant/releases").iterdir())) == 2, "the one before is kept"


def test_settings_that_a_new_version_refuses_change_nothing(machine: Machine, checkout: Path) -> None:
    settings = machine.path("/etc/shop-assistant/config.yaml")
    before = settings.read_text()
    main = systemctl(machine, "show", "--value", "-p", "MainPID", "shop-assistant")
    settings.write_text("htp: {}\n")
    code, said = install(machine, checkout, "service")
    settings.write_text(before)
    assert code == 1
    assert "did you mean 'http'" in said
    assert "The version before goes on." in said
    assert systemctl(machine, "show", "--value", "-p", "MainPID", "shop-assistant") == main, "it was not even stopped"
    assert len(list(machine.path("/opt/shop-assistant/releases").iterdir())) == 2


def test_a_version_that_does_not_listen_is_taken_back(machine: Machine, checkout: Path) -> None:
    becomes(checkout, "0.3.0")
    add_table(checkout, 903)
    app = checkout / "assistant/running.py"
    text = app.read_text()
    opened = "        app.opened = True\n"
    assert opened in text
    app.write_text(text.replace(opened, "        raise RuntimeError('broken by the test')\n"))
    code, said = install(machine, checkout, "service")
    app.write_text(text)
    assert code == 1
    assert "broken by the test" in said
    assert "The one before serves customers again, with its data." in said
    assert systemctl(machine, "is-active", "shop-assistant") == "active"
    assert version(machine) == "assistant 0.2.0"
    assert tables(machine) == {"of_the_test_902"}, "the database is the one before the migration"
    assert "Wilma" in personalities(machine)
    assert len(list(machine.path("/opt/shop-assistant/releases").iterdir())) == 2
    assert not machine.path("/var/lib/shop-assistant/before-upgrade").exists()


def test_uninstall_keeps_what_the_shop_has_made(machine: Machine, checkout: Path) -> None:
    code, said = install(machine, checkout, "uninstall")
    assert code == 0, said
    assert systemctl(machine, "is-active", "shop-assistant") == "inactive"
    assert not machine.path("/opt/shop-assistant").exists()
    assert not machine.path("/usr/local/bin/assistant").exists()
    assert "Wilma" in rows(machine, "SELECT name FROM ai_personalities")


def test_purge_keeps_nothing(machine: Machine, checkout: Path) -> None:
    code, said = install(machine, checkout, "uninstall", "--purge")
    assert code == 0, said
    left = machine.run("find", "/etc", "/home", "/opt", "/usr/local", "/var/lib", "/run", "-name", "*shop-assistant*")
    assert left.stdout.split() == ["/var/lib/shop-assistant.log"], "the test's own"
    assert "shop-assistant" not in machine.path("/etc/passwd").read_text()


def test_a_kiosk_without_a_microphone_waits_for_one(machine: Machine, checkout: Path) -> None:
    if Path("/dev/snd").exists():
        pytest.skip("this machine has a sound card")
    code, said = install(machine, checkout, "service", WAITS_S="3")
    assert code == 0, said
    assert "Waiting for the microphone" in said
    assert "It waits for its microphone, for as long as it takes" in said
    assert systemctl(machine, "is-active", "shop-assistant") == "activating"
    assert install(machine, checkout, "uninstall", "--purge")[0] == 0
