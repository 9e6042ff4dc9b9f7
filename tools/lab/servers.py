"""Servers as running processes: written down, started in the servers' namespace, awaited, and stopped again."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from ipaddress import IPv4Address
from pathlib import Path

import trio

from tools.lab.authority import Authority
from tools.lab.errors import LabError
from tools.lab.launch import Launch, Listens, Server, write_files
from tools.lab.namespaces import Place

SYSTEM_FOLDERS = ("/usr/sbin", "/sbin")
"""Where Debian puts servers; not on everybody's path."""
READY_LIMIT, STOP_LIMIT = 10.0, 5.0
"""Seconds."""
PROBE = 0.02
"""Seconds between two looks at whether a server is ready."""
LOG, LOG_LINES = "log", 15
"""The file with a server's output; how much of its end is shown."""
TCP_LISTEN = "0A"
"""State of a listening socket in /proc/net/tcp (include/net/tcp_states.h)."""


def found(program: str) -> str | None:
    """The path of a program, also of a server that only root has on the path; None if it is not installed."""
    return shutil.which(program, path=os.pathsep.join((os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS)))


def located(program: str) -> str:
    """As ``found``. Raises LabError if it is not installed."""
    path = found(program)
    if path is None:
        raise LabError(f"{program} is not installed")
    return path


def sockets(table: str, protocol: str) -> Iterator[Listens]:
    """The sockets that wait for somebody, in the text of /proc/PID/net/tcp or udp (proc(5)).

    Addresses in it are numbers of the machine's own byte order.
    """
    for line in table.splitlines()[1:]:
        local, state = line.split()[1], line.split()[3]
        address, port = local.split(":")
        if protocol == "udp" or state == TCP_LISTEN:
            quad = IPv4Address(struct.pack("=I", int(address, 16)))
            yield Listens(protocol, int(port, 16), "" if quad.is_unspecified else str(quad))


def fulfilled(wanted: Listens, there: set[Listens]) -> bool:
    """Whether a socket is there, on that address or on all."""
    if not wanted.address:
        return any((each.protocol, each.port) == (wanted.protocol, wanted.port) for each in there)
    return wanted in there or Listens(wanted.protocol, wanted.port) in there


def listening(pid: int) -> set[Listens]:
    """All waiting sockets of the network namespace that a process is in; none if it has ended."""
    there: set[Listens] = set()
    for protocol in ("tcp", "udp"):
        with suppress(OSError):
            there.update(sockets(Path(f"/proc/{pid}/net/{protocol}").read_text("ascii"), protocol))
    return there


def tail(path: Path, lines: int = LOG_LINES) -> str:
    """The end of a log; "" if there is none."""
    with suppress(OSError):
        return "\n".join(path.read_text("utf-8", "replace").splitlines()[-lines:])
    return ""


def tails(folder: Path, launch: Launch) -> str:
    """The end of everything that a server wrote."""
    shown = ((name, tail(folder / name)) for name in (LOG, *launch.logs))
    return "\n".join(f"--- {folder.name}/{name}\n{text}" for name, text in shown if text)


def command(place: Place, program: Path, folder: Path, launch: Launch) -> list[str]:
    """What starts a server in its namespace.

    ``ip netns exec`` gives the server mounts of its own, so what is covered is covered for it alone.
    """
    start = ["ip", "netns", "exec", place.server]
    if not launch.mounts:
        return [*start, str(program), *launch.arguments]
    script = " && ".join(f'mount --bind "{folder / name}" "{path}"' for path, name in launch.mounts.items())
    return [*start, "sh", "-c", f'{script} && exec "$@"', "sh", str(program), *launch.arguments]


async def ready(server: Server, launch: Launch, folder: Path, process: trio.Process) -> None:
    """Wait until all sockets are there. Raises LabError, with the log, if the server ends or takes too long."""
    with trio.move_on_after(READY_LIMIT):
        while process.poll() is None:
            there = listening(process.pid)
            if all(fulfilled(wanted, there) for wanted in launch.listens):
                return
            await trio.sleep(PROBE)
    how = f"is not ready after {READY_LIMIT:g} s" if process.poll() is None else f"ended with code {process.returncode}"
    raise LabError(f"{server.program} {how}\n{tails(folder, launch)}")


async def stop(process: trio.Process) -> None:
    """Ask a process to end, and kill it if it does not."""
    if process.poll() is None:
        process.terminate()
        with trio.move_on_after(STOP_LIMIT):
            await process.wait()
    if process.poll() is None:
        process.kill()
        await process.wait()


@asynccontextmanager
async def running(server: Server, place: Place, folder: Path, authority: Authority) -> AsyncIterator[Launch]:
    """The server, ready, with its files in ``folder``; stopped at the end, whatever happens. Raises LabError."""
    launch = server.launch(folder, authority)
    write_files(folder, launch)
    program = Path(located(server.program))
    if launch.copied:
        program = Path(shutil.copy2(program, folder / program.name))
    with (folder / LOG).open("wb") as log:
        process = await trio.lowlevel.open_process(
            command(place, program, folder, launch),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **launch.environment},
            # Ctrl-C is for the lab, which then stops its servers in order.
            start_new_session=True,
        )
    try:
        await ready(server, launch, folder, process)
        yield launch
    finally:
        with trio.CancelScope(shield=True):
            await stop(process)
