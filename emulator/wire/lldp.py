"""LLDP messages as bytes and as objects (IEEE 802.1AB), with the parts of LLDP-MED that name a VLAN (TIA-1057).

`parse` keeps every byte, so `parse(data).encode() == data`. `build` writes a well-formed message; `Message.encode`
writes whatever the object holds.
"""

import functools
from collections.abc import Iterable
from typing import Final, NamedTuple

import attrs

SIZE_LIMIT: Final = 1500
"""The longest message that is read, in bytes: one Ethernet frame."""

END: Final = 0
CHASSIS_ID: Final = 1
PORT_ID: Final = 2
TTL: Final = 3
PORT_DESCRIPTION: Final = 4
SYSTEM_NAME: Final = 5
SYSTEM_CAPABILITIES: Final = 7
ORGANISATION: Final = 127

MAC_CHASSIS: Final = 4
ADDRESS_CHASSIS: Final = 5
NAME_CHASSIS: Final = 7
"""Subtypes of the chassis ID: a MAC address, a network address, a locally assigned name (IEEE 802.1AB table 8-2)."""
MAC_PORT: Final = 3
NAME_PORT: Final = 7
"""Subtypes of the port ID (IEEE 802.1AB table 8-3)."""
TELEPHONE: Final = 0x20
BRIDGE: Final = 0x04
"""Bits of the system capabilities (IEEE 802.1AB table 8-4)."""

MED: Final = bytes.fromhex("0012bb")
MED_CAPABILITIES: Final = 1
MED_POLICY: Final = 2
POLICY_CAPABLE: Final = 0x0003
"""LLDP-MED capabilities that are needed here: capabilities and network policy (TIA-1057 table 10)."""
ENDPOINT: Final = 3
NETWORK: Final = 4
"""LLDP-MED device types: communication endpoint (class III), network connectivity (TIA-1057 table 11)."""
VOICE: Final = 1
"""Application type of a network policy (TIA-1057 table 12)."""


class LldpError(ValueError):
    """Bytes that are no LLDP message, or values that fit into none. `reason` is a short fixed code.

    Codes from `parse`: `too-long`, `tlv-overrun` (the last TLV is cut off), `bad-mandatory` (it does not begin with one
    chassis ID, port ID and TTL, IEEE 802.1AB s.8.2). Codes from writing: `bad-tlv`, `bad-policy`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason


class Tlv(NamedTuple):
    """One element of a message. type: 0 to 127; value: at most 511 bytes."""

    type: int
    value: bytes


class Policy(NamedTuple):
    """A network policy (TIA-1057 s.10.2.3). unknown: the sender wants to be told; vlan counts only if tagged."""

    application: int
    unknown: bool
    tagged: bool
    vlan: int
    priority: int
    dscp: int

    def encode(self) -> Tlv:
        """The policy as an element. Raises LldpError: `bad-policy`."""
        sizes = ((self.application, 8), (self.vlan, 12), (self.priority, 3), (self.dscp, 6))
        if any(not 0 <= number < 1 << bits for number, bits in sizes):
            raise LldpError("bad-policy")
        bits = self.unknown << 23 | self.tagged << 22 | self.vlan << 9 | self.priority << 6 | self.dscp
        return med(MED_POLICY, bytes((self.application,)) + bits.to_bytes(3, "big"))


@attrs.frozen
class Message:
    """One LLDPDU: its elements in wire order, the end element among them if it is there; tail: what follows it."""

    tlvs: tuple[Tlv, ...]
    tail: bytes = b""

    def encode(self) -> bytes:
        """The message as bytes, nothing added, nothing put right. Raises LldpError: `bad-tlv`."""
        parts = []
        for kind, value in self.tlvs:
            if not 0 <= kind <= 127 or len(value) > 511:
                raise LldpError("bad-tlv")
            parts.append((kind << 9 | len(value)).to_bytes(2, "big") + value)
        return b"".join(parts) + self.tail

    def value(self, kind: int) -> bytes | None:
        """The value of the first element of a type, or None."""
        return next((value for found, value in self.tlvs if found == kind), None)

    @property
    def ttl(self) -> int:
        """Seconds for which it holds; 0 withdraws what was said before (IEEE 802.1AB s.8.5.4)."""
        return int.from_bytes((self.value(TTL) or b"\0\0")[:2], "big")

    @property
    def name(self) -> str:
        """The system name, or the chassis ID where there is none."""
        name = self.value(SYSTEM_NAME)
        return name.decode("utf-8", "replace") if name else _id(self.value(CHASSIS_ID) or b"\0", MAC_CHASSIS)

    @property
    def port(self) -> str:
        """The port ID."""
        return _id(self.value(PORT_ID) or b"\0", MAC_PORT)

    def policy(self, application: int) -> Policy | None:
        """The first network policy for an application, or None; a policy of another length than 4 bytes is none."""
        for kind, value in self.tlvs:
            if kind == ORGANISATION and value[:4] == MED + bytes((MED_POLICY,)) and len(value) == 8:
                bits = int.from_bytes(value[5:], "big")
                if value[4] == application:
                    flags = bool(bits >> 23), bool(bits >> 22 & 1)
                    return Policy(application, *flags, bits >> 9 & 0xFFF, bits >> 6 & 7, bits & 63)
        return None


@functools.lru_cache(maxsize=256)
def parse(data: bytes) -> Message:
    """Read one message; `parse(data).encode() == data`. A missing end element is accepted. Raises LldpError."""
    if len(data) > SIZE_LIMIT:
        raise LldpError("too-long")
    tlvs: list[Tlv] = []
    at, size = 0, len(data)
    while at < size:
        head = int.from_bytes(data[at : at + 2], "big")
        after = at + 2 + (head & 0x1FF)
        if after > size or at + 2 > size:
            raise LldpError("tlv-overrun")
        tlvs.append(Tlv(head >> 9, data[at + 2 : after]))
        at = after
        if tlvs[-1].type == END:
            break
    if [tlv.type for tlv in tlvs[:3]] != [CHASSIS_ID, PORT_ID, TTL] or min(len(tlv.value) for tlv in tlvs[:3]) < 2:
        raise LldpError("bad-mandatory")
    if any(tlv.type in (CHASSIS_ID, PORT_ID, TTL) for tlv in tlvs[3:]):
        raise LldpError("bad-mandatory")
    return Message(tuple(tlvs), data[at:])


def build(chassis: bytes, port: bytes, ttl: int, tlvs: Iterable[Tlv]) -> bytes:
    """A well-formed message. chassis, port: subtype byte and ID; ttl: seconds. Raises LldpError: `bad-tlv`."""
    if not 0 <= ttl <= 0xFFFF:
        raise LldpError("bad-tlv")
    first = (Tlv(CHASSIS_ID, chassis), Tlv(PORT_ID, port), Tlv(TTL, ttl.to_bytes(2, "big")))
    return Message((*first, *tlvs, Tlv(END, b""))).encode()


def med(subtype: int, value: bytes) -> Tlv:
    """An LLDP-MED element."""
    return Tlv(ORGANISATION, MED + bytes((subtype,)) + value)


def med_capabilities(device: int) -> Tlv:
    """LLDP-MED capabilities of a device of this type: it can speak of network policies."""
    return med(MED_CAPABILITIES, POLICY_CAPABLE.to_bytes(2, "big") + bytes((device,)))


def capabilities(bits: int) -> Tlv:
    """System capabilities, every one of them enabled."""
    return Tlv(SYSTEM_CAPABILITIES, bits.to_bytes(2, "big") * 2)


def _id(value: bytes, mac: int) -> str:
    """A chassis or port ID as text: MAC addresses with colons, bytes that are no text as hex."""
    subtype, rest = value[0], value[1:]
    if subtype == mac and len(rest) == 6:
        return rest.hex(":")
    try:
        return rest.decode("ascii")
    except UnicodeDecodeError:
        return rest.hex()
