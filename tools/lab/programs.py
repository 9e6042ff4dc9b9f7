"""The programs that the lab needs, the Debian packages they are in, and how these are installed."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools.lab.errors import LabError
from tools.lab.servers import found

PACKAGES = {
    "ip": "iproute2",
    "dnsmasq": "dnsmasq-base",
    "kea-dhcp4": "kea-dhcp4-server",
    "dhcpd": "isc-dhcp-server",
    "kamailio": "kamailio",
    "sipp": "sip-tester",
    "nginx": "nginx-light",
    "lighttpd": "lighttpd",
    "vsftpd": "vsftpd",
    "in.tftpd": "tftpd-hpa",
    "tshark": "tshark",
}
"""Program to Debian package."""
POLICY = Path("/usr/sbin/policy-rc.d")
"""What Debian's packages ask before they start a service; 101 means no (invoke-rc.d(8))."""
APT_LIMIT = 600
"""Seconds."""


def is_root() -> bool:
    """Whether namespaces can be made."""
    return os.geteuid() == 0


def is_debian() -> bool:
    """Whether this is Debian itself: the packages have its names."""
    try:
        return platform.freedesktop_os_release()["ID"] == "debian"
    except (OSError, KeyError):
        return False


def missing(programs: Sequence[str]) -> list[str]:
    """Those programs that are not installed."""
    return [program for program in programs if found(program) is None]


def packages(programs: Sequence[str]) -> list[str]:
    """The packages they are in."""
    return [PACKAGES[program] for program in programs]


@contextmanager
def no_services() -> Iterator[None]:
    """Installing starts no service meanwhile: the lab's servers run in its namespaces only."""
    mine = not POLICY.exists()
    if mine:
        POLICY.write_text("#!/bin/sh\nexit 101\n", "ascii")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if mine:
            POLICY.unlink(missing_ok=True)


def install(programs: Sequence[str], log: Path) -> None:
    """Install the packages of ``programs``, with apt's output in ``log``. Raises LabError."""
    wanted = packages(programs)
    wait = ("-o", "DPkg::Lock::Timeout=120")
    steps = (("update", "-q"), ("install", "-q", "-y", "--no-install-recommends", *wanted))
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with log.open("ab") as out, no_services():
        for words in steps:
            command = ["apt-get", *wait, *words]
            try:
                done = subprocess.run(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    timeout=APT_LIMIT,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise LabError(f"{' '.join(command)}: {error}") from None
            if done.returncode:
                raise LabError(f"{' '.join(command)} failed; its output is in {log}")
    if left := missing(programs):
        raise LabError(f"{', '.join(left)}: not there although {', '.join(packages(left))} is installed")
