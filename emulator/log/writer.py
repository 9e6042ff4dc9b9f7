"""Who is writing a run, so that a run whose writer is gone can be told from one that is still going on."""

from __future__ import annotations

import os
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def me() -> str:
    """This process, in a form that no other process of this or another machine has: boot, process id, start time."""
    return f"{_boot()} {os.getpid()} {_started(os.getpid())}"


def is_alive(writer: str | None) -> bool:
    """Whether the process that wrote ``writer`` with :func:`me` still runs, on this machine since its last boot."""
    boot, _, rest = (writer or "").partition(" ")
    pid, _, started = rest.partition(" ")
    return bool(pid.isdigit()) and boot == _boot() and started == _started(int(pid)) != ""


def _boot() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return os.uname().nodename


def _started(pid: int) -> str:
    """When the process began, in the kernel's ticks; "" if there is none. Without /proc only its existence counts."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        # A dead process stays in the table until its parent has asked for it.
        return "" if fields[0] in "ZX" else fields[19]
    except OSError:
        pass
    if _BOOT_ID.exists():
        return ""
    try:
        os.kill(pid, 0)
    except OSError:
        return ""
    return "running"
