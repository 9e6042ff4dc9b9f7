"""A virtual syslog server: it listens."""

from __future__ import annotations

from collections.abc import Iterable

from emulator.world.scenario import SyslogSpec
from emulator.world.servers.base import Datagram, Send, Wake, usual


class SyslogServer:
    """What it is sent is in the log as the phone's own datagrams, so it keeps nothing."""

    vlan = None

    def __init__(self, spec: SyslogSpec) -> None:
        self.spec = spec
        self.address = usual(spec.address)

    def fork(self) -> SyslogServer:
        """A server that goes on from here."""
        return SyslogServer(self.spec)

    def listens(self, destination: str, port: int, now: int) -> bool:
        """Unicasts to its port."""
        return (destination, port) == (self.address, self.spec.port) and self.spec.start <= now < self.spec.end

    def wake(self, token: str, now: int) -> Iterable[Send | Wake]:
        """It never asks to be woken."""
        return ()

    def receive(self, datagram: Datagram, now: int) -> Iterable[Send | Wake]:
        """Nobody answers syslog."""
        return ()
