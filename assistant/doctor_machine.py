"""What this machine and this installation are, for a report."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from assistant.app import App
from pipeline.errors import AssistantError

PROC = Path("/proc")


def program(folder: Path) -> dict[str, Any]:
    """Versions of the program, of Python, and of what it is made of."""
    return {
        "version": version("shop-assistant"),
        "folder": str(folder),
        "python": f"{platform.python_version()} ({sys.executable})",
        "packages": dict(sorted(_packages())),
    }


def _packages() -> list[tuple[str, str]]:
    found = []
    for wanted in requires("shop-assistant") or []:
        if "extra ==" in wanted and 'extra == "dev"' in wanted:
            continue
        name = re.split(r"[^A-Za-z0-9_.-]", wanted, maxsplit=1)[0]
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            found.append((name, "not installed"))
    return found


def machine(folder: Path) -> dict[str, Any]:
    """System, processor, memory and disk."""
    memory = _table(PROC / "meminfo")
    disk = shutil.disk_usage(folder)
    load = ", ".join(f"{one:.2f}" for one in os.getloadavg())
    sizes = ("MemTotal", "MemAvailable", "SwapTotal", "SwapFree")
    return {
        "system": f"{_os_name()}, {platform.system()} {platform.release()} {platform.machine()}",
        "processor": f"{_processor()}, {os.cpu_count()} cores, load {load}",
        "memory_mb": {name: _mb(memory.get(name, "")) for name in sizes},
        "disk_gb": {"free": round(disk.free / 1e9, 1), "total": round(disk.total / 1e9, 1)},
        "up_s": _uptime_s(),
        "temperatures_c": _temperatures(),
    }


def sound() -> dict[str, Any]:
    """Cards as the kernel and devices as PortAudio tell them, and whether this user may use them."""
    told: dict[str, Any] = {"cards": (_read(PROC / "asound" / "cards") or "none").strip().splitlines()}
    told["user"] = f"uid {os.getuid()}, groups {_groups()}"
    told["session"] = {
        name: os.environ.get(name, "") for name in ("XDG_RUNTIME_DIR", "PULSE_SERVER", "XDG_SESSION_TYPE")
    }
    try:
        from providers.audio.portaudio import list_devices

        told["devices"] = [asdict(one) for one in list_devices()]
    except AssistantError as error:
        told["devices"] = str(error)
    return told


def models(app: App) -> list[dict[str, str]]:
    """Those that are here, each byte compared with what was published where that is known."""
    found = []
    names = [one.name for one in app.models.catalogue.models if app.models.state(one.name) != "missing"]
    for name in [*names, *app.models.own()]:
        row = {"name": name}
        try:
            row["files"] = "as published" if app.models.verify(name) else "whole; their checksums are not known"
            row["sha256"] = app.models.fingerprint(name)
        except AssistantError as error:
            row["files"] = str(error)
        found.append(row)
    return found


def process(pid: int | None) -> dict[str, Any] | str:
    """What the daemon takes just now."""
    if pid is None:
        return "no daemon runs"
    status = _table(PROC / str(pid) / "status")
    told: dict[str, Any] = {"pid": pid, "threads": status.get("Threads", "")}
    told["memory_mb"] = {name: _mb(status.get(name, "")) for name in ("VmRSS", "VmHWM", "VmSwap")}
    try:
        told["open_files"] = len(list((PROC / str(pid) / "fd").iterdir()))
    except OSError:
        told["open_files"] = "another user's"
    return told


def _table(path: Path) -> dict[str, str]:
    """Lines of ``name: value``."""
    lines = (line.partition(":") for line in _read(path).splitlines())
    return {name.strip(): value.strip() for name, _, value in lines}


def _mb(value: str) -> int | None:
    number = value.split(" ", maxsplit=1)[0]
    return round(int(number) / 1000) if number.isdigit() else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _os_name() -> str:
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', _read(Path("/etc/os-release")), re.MULTILINE)
    return found[1] if found else "unknown system"


def _processor() -> str:
    found = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", _read(PROC / "cpuinfo"), re.MULTILINE)
    return found[1] if found else platform.processor() or "unknown"


def _uptime_s() -> int | None:
    words = _read(PROC / "uptime").split()
    return round(float(words[0])) if words else None


def _temperatures() -> list[float]:
    texts = [_read(path).strip() for path in sorted(Path("/sys/class/thermal").glob("thermal_zone*/temp"))]
    return [int(text) / 1000 for text in texts if text.lstrip("-").isdigit()]


def _groups() -> str:
    import grp

    names = []
    for number in sorted({os.getgid(), *os.getgroups()}):
        try:
            names.append(grp.getgrgid(number).gr_name)
        except KeyError:
            names.append(str(number))
    return " ".join(names)
