"""Below IP: frames, the neighbour at the other end of the cable, the VLAN, and stations that claim our address."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from emulator.events.base import Event, Payload, Role

_TYPES = {b"\x08\x06": "ARP", b"\x88\xcc": "LLDP"}


def _frame(payload: bytes) -> str:
    """``ARP frame 0080f0123456 → ffffffffffff in VLAN 20``: protocol by type, and the ends."""
    kind, where = payload[12:14], ""
    if kind == b"\x81\x00":
        kind, where = payload[16:18], f" in VLAN {int.from_bytes(payload[14:16], 'big') & 0xFFF}"
    snap = payload[14:22] == b"\xaa\xaa\x03\x00\x00\x0c\x20\x00"
    protocol = "CDP" if snap else _TYPES.get(kind, "Ethernet")
    return f"{protocol} frame  {payload[6:12].hex()} → {payload[:6].hex()}{where}"


@frozen
class FrameSent(Event):
    """A frame leaves the phone. payload: the frame with its VLAN tag, if it has one, and without check sequence.

    Only LLDP, CDP and ARP are seen as frames; what has an address is a datagram or a request.
    """

    role: ClassVar[Role] = Role.ORDER
    mark: ClassVar[str] = "→"
    payload: Payload

    def _line(self) -> str:
        return _frame(self.payload)


@frozen
class FrameReceived(Event):
    """A frame arrived at the phone. payload: as in :class:`FrameSent`."""

    role: ClassVar[Role] = Role.INPUT
    mark: ClassVar[str] = "←"
    payload: Payload

    def _line(self) -> str:
        return _frame(self.payload)


@frozen
class NeighbourHeard(Event):
    """What the neighbour says of itself. protocol: ``LLDP`` or ``CDP``; vlan: of voice, 0 if it names none.

    priority: IEEE 802.1p priority of voice, 0 to 7; CDP names none.
    """

    protocol: str
    name: str
    port: str
    vlan: int
    priority: int

    def _line(self) -> str:
        voice = f"voice VLAN {self.vlan}" if self.vlan else "no voice VLAN"
        return f"{self.protocol} from {self.name or '?'} port {self.port or '?'}: {voice}"


@frozen
class VlanChosen(Event):
    """From now on everything that the phone sends is in this VLAN (PROV-281), until the link goes down.

    source: ``manual``, ``LLDP`` or ``CDP`` (PROV-282). There is no such event for a phone that stays in the untagged
    LAN, which is where every link begins.
    """

    role: ClassVar[Role] = Role.ORDER
    vlan: int
    source: str

    def _line(self) -> str:
        return f"VLAN {self.vlan}, {'set by hand' if self.source == 'manual' else f'by {self.source}'}"


@frozen
class ConflictFound(Event):
    """Another station says that the phone's address is its own (RFC 5227 s.2.4). mac: its MAC address, with colons.

    defended: the phone keeps the address and says so; otherwise it gives it up.
    """

    address: str
    mac: str
    defended: bool

    def _line(self) -> str:
        what = "defended" if self.defended else "given up"
        return f"address {self.address} is also used by {self.mac}: {what}"
