"""The other side of a TFTP transfer, as tests play it: what the phone sends, and what is sent to it."""

from __future__ import annotations

from collections.abc import Sequence

from emulator.events import (
    DatagramSent,
    Entry,
    Event,
    PacketRefused,
    TransferEnded,
)
from emulator.phone.tftp import BLOCK_SIZE, FIRST_PORT
from emulator.wire import dhcp
from emulator.wire import tftp as wire
from tests.emulator.phone.bench import FILE_SERVER, Bench, of

HERE = f"tftp://{FILE_SERVER}"
TID = 40_000
OPTIONS = ((wire.BLOCK_SIZE, b"1428"), (wire.TRANSFER_SIZE, b"0"))
LIMIT = 245_760


def asking(url: str = f"{HERE}/i.cfg") -> Bench:
    """A phone that has just sent its first request by TFTP."""
    bench = Bench(provisioned=(("SIPPNP_ENABLE", "N"),))
    bench.link_up()
    bench.bind((dhcp.PROVISIONING_160, url.encode()))
    return bench


def hear(bench: Bench, packet: wire.Packet | bytes, source: str = FILE_SERVER, port: int = TID) -> list[Entry]:
    """The server's packet reaches the port of the transfer; what followed."""
    payload = packet if isinstance(packet, bytes) else packet.encode()
    return bench.receive(payload, bench.phone.tftp.local_port, source, port)


def agreeing(size: int | None = None, block_size: int = BLOCK_SIZE) -> wire.OptionAcknowledgement:
    """The server's answer to the options."""
    told = () if size is None else ((wire.TRANSFER_SIZE, b"%d" % size),)
    return wire.OptionAcknowledgement(((wire.BLOCK_SIZE, b"%d" % block_size), *told))


def sent(entries: Sequence[Entry]) -> list[tuple[int, int, wire.Packet]]:
    """(time, to port, packet) of what the phone's transfers sent."""
    found = [entry for entry in of(entries, DatagramSent) if entry.event.source_port >= FIRST_PORT]
    return [(entry.time, entry.event.port, wire.parse(entry.event.payload)) for entry in found]


def packets(entries: Sequence[Entry]) -> list[wire.Packet]:
    """What the phone's transfers sent."""
    return [packet for _, _, packet in sent(entries)]


def refusals(entries: Sequence[Entry]) -> list[str]:
    """Why packets were not used."""
    return [entry.event.reason for entry in of(entries, PacketRefused)]


def the(entries: Sequence[Entry], kind: type[Event]) -> Event:
    """The only event of a kind."""
    (entry,) = of(entries, kind)
    return entry.event


def ended(entries: Sequence[Entry]) -> tuple[str, int, int]:
    """(end, code, size) of the only transfer that ended."""
    event = the(entries, TransferEnded)
    assert isinstance(event, TransferEnded)
    return event.end, event.code, event.size
