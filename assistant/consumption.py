"""What this process takes of the machine, as Linux tells it; None elsewhere."""

from __future__ import annotations

import resource
from pathlib import Path

PROC = Path("/proc")

CGROUP = Path("/sys/fs/cgroup")


def memory_mb(proc: Path = PROC) -> float | None:
    """Resident and swapped out, MB."""
    found = _fields(proc / "self/status", "VmRSS", "VmSwap")
    return sum(found) / 1024 if found else None


def available_mb(proc: Path = PROC, cgroup: Path = CGROUP) -> float | None:
    """All memory that there is for this process, MB: the machine's, or less where its service is limited."""
    found = _fields(proc / "meminfo", "MemTotal")
    whole_mb = found[0] / 1024 if found else None
    limits = [limit for limit in _cgroup_limits_mb(proc, cgroup) if whole_mb is None or limit < whole_mb]
    return min(limits, default=whole_mb)


def descriptors_share(proc: Path = PROC) -> float | None:
    """Of the files that may be open, how many are: 0 to 1."""
    try:
        count = sum(1 for _ in (proc / "self/fd").iterdir())
    except OSError:
        return None
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 0.0 if most == resource.RLIM_INFINITY else count / most


def _fields(file: Path, *names: str) -> list[int]:
    """Values in kB of the lines that begin with a name."""
    try:
        lines = file.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
    return [int(line.split()[1]) for line in lines if line.partition(":")[0] in names]


def _cgroup_limits_mb(proc: Path, cgroup: Path) -> list[float]:
    """What ``MemoryHigh`` and ``MemoryMax`` of this service and those around it allow."""
    try:
        path = (proc / "self/cgroup").read_text(encoding="utf-8").splitlines()[-1].partition("::")[2]
    except (OSError, IndexError):
        return []
    found = []
    folder = cgroup / path.lstrip("/")
    for group in (folder, *folder.parents):
        if not group.is_relative_to(cgroup):
            break
        for name in ("memory.high", "memory.max"):
            try:
                found.append(int((group / name).read_text(encoding="ascii")) / 1_048_576)
            except (OSError, ValueError):  # "max" is no limit
                continue
    return found
