"""Two network namespaces and the cable between them: the phone's side and the servers' side.

The names hold the process id of the lab and a number, so that labs do not meet, and what a killed lab left behind is
recognised. Needs root.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from time import monotonic, sleep

from attrs import frozen

from tools.lab.addresses import MASK_BITS, PHONE, SERVERS
from tools.lab.errors import LabError

PHONE_SIDE, SERVER_SIDE = "phone0", "server0"
"""The interfaces, each inside its namespace."""
GROUP = "224.0.1.75"
"""SIP PnP's multicast group (PROV-050)."""
NAME = re.compile(r"offhook-([0-9]+)-[0-9]+-(?:phone|server)", re.ASCII)
END_LIMIT = 5.0
"""Seconds that processes in a namespace have to end before they are killed."""


@frozen
class Place:
    """A pair of namespaces. phone, server: their names."""

    phone: str
    server: str

    @classmethod
    def of(cls, pid: int, number: int) -> Place:
        """The ``number``-th pair of the lab with this process id."""
        return cls(f"offhook-{pid}-{number}-phone", f"offhook-{pid}-{number}-server")


def leftovers(names: Iterable[str], alive: Callable[[int], bool]) -> list[str]:
    """Those of ``names`` that belong to a lab whose process does not exist any more."""
    found = ((name, NAME.fullmatch(name)) for name in names)
    return [name for name, match in found if match and not alive(int(match[1]))]


def is_alive(pid: int) -> bool:
    """Whether there is a process with this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def ip(*arguments: str, batch: str = "") -> str:
    """What ``ip`` answers. batch: its standard input. Raises LabError with its complaint."""
    try:
        done = subprocess.run(["ip", *arguments], input=batch, capture_output=True, text=True, check=False)
    except OSError as error:
        raise LabError(f"ip cannot be started: {error.strerror}") from None
    if done.returncode:
        raise LabError(f"ip {' '.join(arguments)}: {done.stderr.strip() or 'failed'}")
    return done.stdout


def existing() -> list[str]:
    """The names of the namespaces there are, from lines such as ``name (id: 0)``."""
    return [line.split()[0] for line in ip("netns", "list").splitlines() if line.strip()]


def server_setup() -> str:
    """The commands, for ``ip -batch``, that give the servers' side its addresses.

    ``autojoin`` makes the interface a member of the multicast group, for servers that do not join by themselves.
    """
    lines = ["link set lo up", f"link set {SERVER_SIDE} up"]
    lines += [f"address add {address}/{MASK_BITS} dev {SERVER_SIDE}" for address in SERVERS]
    lines += [f"address add {GROUP}/32 dev {SERVER_SIDE} autojoin", f"route add 224.0.0.0/4 dev {SERVER_SIDE}"]
    return "\n".join(lines) + "\n"


def set_up(place: Place) -> None:
    """Make the namespaces, the cable and the servers' addresses; the phone's side is up and has none.

    Raises LabError.
    """
    ip("netns", "add", place.phone)
    ip("netns", "add", place.server)
    ip(
        *("link", "add", "name", PHONE_SIDE, "netns", place.phone, "type", "veth"),
        *("peer", "name", SERVER_SIDE, "netns", place.server),
    )
    ip("-n", place.server, "-batch", "-", batch=server_setup())
    ip("-n", place.phone, "-batch", "-", batch=f"link set lo up\nlink set {PHONE_SIDE} up\n")


def give_address(place: Place) -> None:
    """Give the phone's side its address, for a phone that does no DHCP. Raises LabError."""
    ip("-n", place.phone, "address", "add", f"{PHONE}/{MASK_BITS}", "dev", PHONE_SIDE)


def addresses_of_phone(place: Place) -> list[str]:
    """The IPv4 addresses of the phone's side. Raises LabError."""
    words = ip("-n", place.phone, "-4", "-oneline", "address", "show", "dev", PHONE_SIDE).split()
    return [word for before, word in pairwise(words) if before == "inet"]


def mac_of_phone(place: Place) -> str:
    """The MAC address of the phone's side, as ``ip`` writes it. Raises LabError."""
    words = ip("-n", place.phone, "-oneline", "link", "show", "dev", PHONE_SIDE).split()
    return words[words.index("link/ether") + 1]


def processes(name: str) -> list[int]:
    """Ids of the processes in a namespace. Raises LabError."""
    return [int(word) for word in ip("netns", "pids", name).split()]


def end_processes(name: str) -> None:
    """End what still runs in a namespace: ask, then kill. Raises LabError."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in processes(name):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = monotonic() + END_LIMIT
        while processes(name) and monotonic() < deadline:
            sleep(0.02)
    if left := processes(name):
        raise LabError(f"processes in {name} do not end: {left}")


def take_down(names: Sequence[str]) -> None:
    """Remove namespaces with everything in them; the cable goes with its ends. Raises LabError at the end.

    A name that is not there is passed over: it was never made, or somebody took it down already.
    """
    complaints = []
    there = existing()
    for name in names:
        if name in there:
            try:
                end_processes(name)
                ip("netns", "delete", name)
            except LabError as error:
                complaints.append(str(error))
    if complaints:
        raise LabError("; ".join(complaints))


def remove_leftovers() -> list[str]:
    """Take down what dead labs left; their names. Raises LabError."""
    names = leftovers(existing(), is_alive)
    take_down(names)
    return names


@contextmanager
def namespaces(number: int = 1) -> Iterator[Place]:
    """A pair of namespaces, taken down again whatever happens. number: unique in this process. Raises LabError."""
    place = Place.of(os.getpid(), number)
    try:
        set_up(place)
        yield place
    finally:
        take_down((place.phone, place.server))
