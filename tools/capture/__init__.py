"""A run as a packet capture: what a switch port with a mirror would have seen of its phones.

Datagrams, frames and the bytes of streams are in the log and stand in the capture as they are. The log holds no TCP,
TLS or DNS, so the rest is framed anew, in a form that any reader of captures takes for a real phone's traffic:

- Each packet has a comment, ``event N``: the event of the run that it is. What was framed anew says so: ``event N,
  framed by offhook``.
- An HTTP request and its answer become a TCP connection of their own, as PROV-117 has it, and so does each stream of
  FTP. How the time between request and answer divides is not known; the handshake gets half of it, 10 ms at most.
- Under TLS the log has the bytes before they are encrypted and after they are decrypted. They stand in the capture in
  plain, and the server at port 80 whichever it was at, for no reader would look for HTTP at 443; the comment goes on
  ``TLS taken off, port 443``. No byte of TLS itself is in the capture.
- A look-up becomes a DNS message for each family that was asked for and its answer, with a time to live of 0, to and
  from the server that the lease named, or else 192.0.2.53 or 2001:db8::53.
- The phone has the MAC address of its factory data. Whoever it talks to has one that is made up of the IP address
  (02:00 and the four bytes of an IPv4 address), and so does a host behind a router.
- What the phone sent is there even if it was lost, and what was lost on its way to the phone is not. A retransmission
  of TCP is there only where nothing ever answered.
- Sequence numbers, source ports of TCP and DNS, IP identifications and the time to live of what was received are made
  up too, the same ones for the same run.

Times are those of the log, from 1970-01-01 on; in a run whose phone learnt the time of day, from the moment on that the
first :class:`~emulator.events.ClockSet` makes the start of the run. The file holds passwords as they were on the wire.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from attrs import frozen

from emulator.events import ClockSet, Entry
from emulator.log.store import LogError, RunInfo
from emulator.wire import pcapng
from emulator.wire.ethernet import FrameError
from emulator.wire.ip import IpError
from tools.capture.framing import Framed, Framer

APPLICATION = "offhook"


@frozen
class Traffic:
    """The packets of a run in the order of their times, and the instant of its start, in ns since 1970."""

    packets: list[Framed]
    start: int


def traffic(entries: Iterable[Entry]) -> Traffic:
    """What the phones of a run sent and got. Raises LogError for an event that fits into no packet."""
    framer = Framer()
    start: int | None = None
    for entry in entries:
        event = entry.event
        if start is None and isinstance(event, ClockSet):
            start = max(0, event.utc - entry.time)
        try:
            framer.take(entry)
        except (FrameError, IpError) as error:
            raise LogError(f"event {entry.n}: no packet can hold this ({error.reason})") from None
    framer.finish()
    return Traffic(sorted(framer.packets, key=_moment), start or 0)


def write(info: RunInfo, entries: Iterable[Entry], out: BinaryIO) -> tuple[int, int]:
    """Write the capture of a run; (packets, bytes). An interface of it is a phone. Raises LogError, OSError."""
    header = info.header
    found = traffic(entries)
    size = 0
    try:
        size += out.write(pcapng.section(APPLICATION, f"{header.name}: {header.title} (run {info.digest or 'open'})"))
        for phone in range(header.phones):
            size += out.write(pcapng.Interface(f"phone {phone}").encode())
        for packet in found.packets:
            size += out.write(as_block(packet, found.start))
    except pcapng.PcapngError as error:
        raise LogError(f"run {info.id}: cannot be written as a capture ({error.reason})") from None
    return len(found.packets), size


def as_block(packet: Framed, start: int) -> bytes:
    """A packet as the file has it. Raises PcapngError."""
    direction = pcapng.OUTBOUND if packet.outward else pcapng.INBOUND
    return pcapng.Packet(packet.phone, start + packet.time, packet.data, packet.comment, direction).encode()


def _moment(packet: Framed) -> tuple[int, int]:
    """Packets of one time are in the order of their events, and those of one event as they were framed."""
    return packet.time, packet.n
