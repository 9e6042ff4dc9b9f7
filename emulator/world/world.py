"""What a world is to a run: a small synchronous side that takes the orders of the phones.

It only decides what to put on the agenda. A simulated world puts answers there at once, with the time at which they
fall due; a live one carries the order to a real network, and puts the answer there when it has arrived.
"""

from __future__ import annotations

from typing import Any, Protocol

from emulator.events import DatagramSent, Entry, FrameSent, VlanChosen
from emulator.phone.machine import Settled
from emulator.world.agenda import Agenda
from emulator.world.streams import Streams


class World(Protocol):
    """Whatever is around the phones of a run. name: of its kind, for the header of the run."""

    name: str

    def open(self, agenda: Agenda, phones: int) -> None:
        """The story begins."""

    def follow(self, settled: Settled) -> None:
        """A phone has settled; its orders come next."""

    def port_up(self, phone: int) -> None:
        """The port of a phone has come up."""

    def choose_vlan(self, phone: int, event: VlanChosen) -> None:
        """Everything that a phone sends from now on is in this VLAN."""

    def send_frame(self, agenda: Agenda, entry: Entry, event: FrameSent, cable: bool) -> None:
        """A frame leaves a phone. cable: whether its cable is in."""

    def send(self, agenda: Agenda, entry: Entry, event: DatagramSent, cable: bool) -> None:
        """A datagram leaves a phone."""

    def ask(self, agenda: Agenda, entry: Entry, ordinal: int, boot: int, cable: bool) -> None:
        """A phone wants a name looked up, a file fetched or a stream."""

    def notify(self, agenda: Agenda, now: int, phone: int, address: str, source: str, event: str) -> None:
        """Somebody at ``source`` is to send a NOTIFY to the phone at ``address``."""

    def serve(self, url: str, body: bytes) -> None:
        """From now on, what is asked for as ``url`` is this file. Raises ChangeError if nothing can be served so."""

    def happen(self, agenda: Agenda, now: int, what: Any, cause: int | None) -> None:
        """An item of the agenda that is for the world."""

    def fork(self, streams: Streams) -> World:
        """A world that goes on from here."""
