"""The TFTP client: reads one file, block by block (RFC 1350, with blksize of RFC 2348 and tsize of RFC 2349; PROV-118).

A transfer begins with :class:`~emulator.events.TftpStarted` and ends with :class:`~emulator.events.TransferEnded`. What
was sent last is sent again after a second, five times in all; one timer, ``tftp``, drives this.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import attrs

from emulator.events import (
    COMPLETE,
    SECOND,
    DatagramReceived,
    DatagramSent,
    DownloadEnded,
    Entry,
    PacketRefused,
    Payload,
    TftpAgreed,
    TftpBlockTaken,
    TftpStarted,
    TimerCancelled,
    TimerDue,
    TimerSet,
    ToleranceUsed,
    TransferEnded,
)
from emulator.phone.firmware import Reaction, applies, reacts
from emulator.phone.network import source_for
from emulator.phone.parts import PartState, part
from emulator.phone.urls import Url, UrlError
from emulator.wire import tftp as wire

if TYPE_CHECKING:
    from emulator.phone.state import Phone

RETRANSMIT = SECOND
SENDINGS = 5
"""PROV-118: each packet is sent five times, a second apart, before the transfer fails a second after the last."""
BLOCK_SIZE = 1428
"""What the phone asks for: with the headers of TFTP, UDP and IP it fits into any frame that PPPoE leaves."""
FIRST_PORT, PORTS = 49_152, 16_384
"""The phone's transfer identifiers: 49152 to 65535 (RFC 6335 s.6)."""

_CONTROL = re.compile(rb"[\0-\x1f\x7f]")


@part
class Tftp(PartState):
    """The transfer that is going on. open: there is one; transfers: so far in this power cycle.

    peer: the server's port for this transfer, 0 until it answered; agreed: what is acknowledged with 0; sendings: of
    the packet that was sent last; size: bytes of ``blocks``; packet: the last datagram to ``local_port``.
    """

    open: bool = False
    transfers: int = 0
    name: str = ""
    host: str = ""
    address: str = ""
    port: int = 0
    local_port: int = 0
    path: str = ""
    limit: int = 0
    options: bool = False
    peer: int = 0
    block_size: int = wire.DEFAULT_BLOCK_SIZE
    agreed: bool = False
    sendings: int = 0
    size: int = 0
    blocks: list[bytes] = attrs.Factory(list)
    packet: Payload = Payload(b"")


# --- What the transfer knows ----------------------------------------------------------------------------------------


@applies("tftp", TftpStarted)
def begun(phone: Phone, event: TftpStarted, entry: Entry) -> None:
    """A new transfer, with nothing of the last one."""
    where = (event.name, event.host, event.address, event.port, event.local_port, event.path)
    phone.tftp = Tftp(True, phone.tftp.transfers + 1, *where, event.limit, event.options, sendings=1)


@applies("tftp", DatagramReceived)
def packet_came(phone: Phone, event: DatagramReceived, entry: Entry) -> None:
    """The bytes of a block stay here until it is known whether the transfer takes it."""
    if event.port == phone.tftp.local_port:
        phone.tftp.packet = event.payload


@applies("tftp", TftpAgreed)
def agreed(phone: Phone, event: TftpAgreed, entry: Entry) -> None:
    """The server's port and the block size; ACK 0 is sent for the first time."""
    tftp = phone.tftp
    tftp.peer, tftp.block_size, tftp.agreed, tftp.sendings = event.port, event.block_size, event.acknowledged, 1


@applies("tftp", TftpBlockTaken)
def block_taken(phone: Phone, event: TftpBlockTaken, entry: Entry) -> None:
    """The block's bytes are those of the packet that came last; its ACK is sent for the first time."""
    tftp = phone.tftp
    tftp.blocks.append(tftp.packet[4:])
    tftp.size += event.size
    tftp.sendings = 1


@applies("tftp", TimerDue)
def sent_again(phone: Phone, event: TimerDue, entry: Entry) -> None:
    """The last packet is due once more."""
    if event.name == "tftp":
        phone.tftp.sendings += 1


@applies("tftp", TransferEnded)
def over(phone: Phone, event: TransferEnded, entry: Entry) -> None:
    """No transfer; the download has the bytes. The port is remembered, so that the next one differs."""
    phone.tftp = Tftp(transfers=phone.tftp.transfers, local_port=phone.tftp.local_port)


# --- How it begins and is repeated ----------------------------------------------------------------------------------


def file_name(path: str) -> bytes:
    """The path of a URL as it stands in the request: percent-decoded (RFC 3617 s.3).

    Its leading slash stays: PROV-118 has the path unchanged, where RFC 3617 takes that slash for a separator; and a
    ``;mode=`` at its end is part of the name. Raises UrlError: ``bad-path`` (control characters), ``path-too-long``
    (it does not fit into a request of 512 bytes).
    """
    name = unquote_to_bytes(path)
    if _CONTROL.search(name):
        raise UrlError("bad-path")
    if len(wire.ReadRequest(name).encode()) > wire.REQUEST_LIMIT:
        raise UrlError("path-too-long")
    return name


def start(phone: Phone, name: str, url: Url, address: str, limit: int) -> TftpStarted:
    """The event that begins the read of ``url`` from ``address``; ``limit``: bytes after which it is cut off."""
    return TftpStarted(name, url.host, address, url.port, next_port(phone), url.path, limit, True)


def next_port(phone: Phone) -> int:
    """A port that the last transfer did not use, so that what is still on its way to that one is told apart."""
    tftp = phone.tftp
    drawn = FIRST_PORT + phone.draw("tftp-port", tftp.transfers + 1) % PORTS
    return drawn if drawn != tftp.local_port else FIRST_PORT + (drawn + 1 - FIRST_PORT) % PORTS


@reacts(TftpStarted)
def ask(phone: Phone, event: TftpStarted, entry: Entry) -> Reaction:
    """Send the request and wait."""
    yield from send(phone)


@reacts(TimerDue)
def timer_due(phone: Phone, event: TimerDue, entry: Entry) -> Reaction:
    """Send the last packet again, or give up (PROV-118)."""
    if event.name != "tftp":
        return
    if phone.tftp.sendings <= SENDINGS:
        yield from send(phone)
    else:
        yield end(phone, "idle-timeout" if phone.tftp.peer else "connect-timeout")


def send(phone: Phone) -> Reaction:
    """The packet that the state calls for, and the wait for its answer."""
    tftp = phone.tftp
    if tftp.peer:
        yield datagram(phone, tftp.peer, wire.Acknowledgement(len(tftp.blocks) % wire.BLOCK_NUMBERS))
    else:
        yield datagram(phone, tftp.port, request(tftp))
    yield TimerSet("tftp", RETRANSMIT)


def request(tftp: Tftp) -> wire.ReadRequest:
    """The RRQ: octet mode, and the options unless the server refused them or there is no room (RFC 2347)."""
    plain = wire.ReadRequest(file_name(tftp.path))
    if not tftp.options:
        return plain
    options = ((wire.BLOCK_SIZE, str(BLOCK_SIZE).encode()), (wire.TRANSFER_SIZE, b"0"))
    full = wire.ReadRequest(plain.file, options=options)
    return full if len(full.encode()) <= wire.REQUEST_LIMIT else plain


def datagram(phone: Phone, port: int, packet: wire.Packet, address: str = "") -> DatagramSent:
    """``packet`` from the transfer's own port, to the server unless another address is given."""
    tftp = phone.tftp
    to = address or tftp.address
    return DatagramSent(source_for(phone, to), tftp.local_port, to, port, Payload(packet.encode()))


# --- What comes back ------------------------------------------------------------------------------------------------


def read(phone: Phone, event: DatagramReceived) -> Reaction:
    """Decode once: a datagram to the port of the transfer becomes a fact, a refusal, or the end."""
    tftp = phone.tftp
    try:
        packet = wire.parse(event.payload)
    except wire.TftpError as error:
        yield PacketRefused("TFTP", error.reason)
        return
    if event.source != tftp.address or (tftp.peer and event.source_port != tftp.peer):
        yield from misdirected(phone, event, packet)
    elif isinstance(packet, wire.Data):
        yield from data_came(phone, event.source_port, packet)
    elif isinstance(packet, wire.OptionAcknowledgement):
        yield from options_came(phone, event.source_port, packet)
    elif isinstance(packet, wire.Error):
        yield from error_came(phone, packet)
    else:
        yield PacketRefused("TFTP", "unexpected-type")


def misdirected(phone: Phone, event: DatagramReceived, packet: wire.Packet) -> Reaction:
    """From another host or port: told so, and the transfer goes on (RFC 1350 s.4). An error is never answered."""
    yield PacketRefused("TFTP", "unknown-transfer")
    if not isinstance(packet, wire.Error):
        yield datagram(phone, event.source_port, wire.error(wire.UNKNOWN_TRANSFER), event.source)


def data_came(phone: Phone, port: int, packet: wire.Data) -> Reaction:
    """Take the next block; drop any other.

    A block that came before is not acknowledged at once: an ACK for each of its copies is what keeps the sorcerer's
    apprentice at work (RFC 1123 s.4.2.3.1). If its ACK was lost, the timer repeats it.
    """
    tftp = phone.tftp
    taken = len(tftp.blocks)
    if packet.block != (taken + 1) % wire.BLOCK_NUMBERS:
        again = taken and packet.block == taken % wire.BLOCK_NUMBERS
        yield PacketRefused("TFTP", "duplicate-block" if again else "out-of-order")
    elif len(packet.data) > tftp.block_size:
        yield PacketRefused("TFTP", "block-too-long")
    elif tftp.size + len(packet.data) > tftp.limit:
        yield from refuse(phone, port, wire.ALLOCATION_EXCEEDED, "too-large")
    else:
        if not tftp.peer:
            yield TftpAgreed(port, wire.DEFAULT_BLOCK_SIZE, -1, False)
        yield TftpBlockTaken(packet.block, len(packet.data))


def options_came(phone: Phone, port: int, packet: wire.OptionAcknowledgement) -> Reaction:
    """Agree, or end the transfer if the server made options up (RFC 2347, RFC 2348) or the file is too long."""
    tftp = phone.tftp
    if tftp.peer:
        again = tftp.agreed and not tftp.blocks
        yield PacketRefused("TFTP", "duplicate-options" if again else "unexpected-type")
        return
    asked = {name for name, _ in request(tftp).options}
    values = {name.lower(): wire.number(value) for name, value in packet.options}
    block_size = values.get(wire.BLOCK_SIZE, wire.DEFAULT_BLOCK_SIZE)
    size = values.get(wire.TRANSFER_SIZE, -1)
    made_up = values.keys() - asked
    if made_up or size is None or block_size is None or not wire.LEAST_BLOCK_SIZE <= block_size <= BLOCK_SIZE:
        yield from refuse(phone, port, wire.OPTIONS_REFUSED, "bad-options")
    elif size > tftp.limit:
        yield from refuse(phone, port, wire.ALLOCATION_EXCEEDED, "too-large")
    else:
        yield TftpAgreed(port, block_size, size, True)


def error_came(phone: Phone, packet: wire.Error) -> Reaction:
    """The end, unless the server only dislikes the options: then once more without them (RFC 2347)."""
    tftp = phone.tftp
    for code in packet.tolerances():
        yield ToleranceUsed("TFTP", code)
    if packet.code == wire.OPTIONS_REFUSED and not tftp.peer and request(tftp).options:
        where = (tftp.host, tftp.address, tftp.port, next_port(phone))
        yield TftpStarted(tftp.name, *where, tftp.path, tftp.limit, False)
    else:
        yield TimerCancelled("tftp")
        yield end(phone, "server-error", packet.code)


@reacts(TftpAgreed)
def options_agreed(phone: Phone, event: TftpAgreed, entry: Entry) -> Reaction:
    """ACK 0 asks for the first block; without an option acknowledgement that block is here already."""
    if event.acknowledged:
        yield from send(phone)


@reacts(TftpBlockTaken)
def acknowledge(phone: Phone, event: TftpBlockTaken, entry: Entry) -> Reaction:
    """Ask for the next block; after one that is not full the file is complete (RFC 1350 s.6).

    The phone does not dally: the last ACK is sent once and the port is closed. If it is lost, the server repeats the
    last block to nobody and gives up; the file is here all the same.
    """
    if event.size == phone.tftp.block_size:
        yield from send(phone)
        return
    yield datagram(phone, phone.tftp.peer, wire.Acknowledgement(event.block))
    yield TimerCancelled("tftp")
    yield end(phone, COMPLETE)


# --- How it ends ----------------------------------------------------------------------------------------------------


@reacts(DownloadEnded)
def given_up(phone: Phone, event: DownloadEnded, entry: Entry) -> Reaction:
    """The download ended before the read did: the address is gone, or a run takes the place of an update."""
    if phone.tftp.open:
        yield TimerCancelled("tftp")
        yield end(phone, event.reason)


def refuse(phone: Phone, port: int, code: int, reason: str) -> Reaction:
    """Tell the server why the transfer is over."""
    yield datagram(phone, port, wire.error(code))
    yield TimerCancelled("tftp")
    yield end(phone, reason)


def end(phone: Phone, how: str, code: int = 0) -> TransferEnded:
    """What came of the transfer."""
    body = received(phone)
    return TransferEnded(phone.tftp.name, how, code, len(body), sha256(body).hexdigest())


def received(phone: Phone) -> bytes:
    """Every byte that was taken so far."""
    return b"".join(phone.tftp.blocks)
