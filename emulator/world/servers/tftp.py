"""A virtual TFTP server (RFC 1350, RFC 2347 to RFC 2349): a file server's content and behaviours as packets.

It acts on an ACK of the block it sent last and on nothing else, so that a repeated ACK never doubles its blocks
(RFC 1123 s.4.2.3.1); what stays without an answer it sends again after a second, five times in all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import attrs

from emulator.events import COMPLETE, SECOND
from emulator.wire import tftp as wire
from emulator.world.scenario import PORTS, FilesSpec
from emulator.world.servers.base import Answer, Datagram, Request, Send, Wake
from emulator.world.servers.files import FileServer

RETRANSMIT, SENDINGS = SECOND, 5
FIRST_PORT, TRANSFER_PORTS = 32_768, 16_384
"""The server's transfer identifiers, one after the other."""
SLOW = 3 * SECOND
"""Delay of the behaviour ``slow``: within the five seconds after which the phone gives up."""


@attrs.frozen
class Transfer:
    """A read. request: its RRQ; body: the whole file; stop: last block that is sent (fewer than all: cut off).

    options: what is acknowledged; block: sent last, 0 for the option acknowledgement; sendings: how often it was sent.
    """

    request: Datagram
    port: int
    body: bytes
    stop: int
    options: wire.Options
    block_size: int
    block: int
    sendings: int = 1

    def packet(self, block: int) -> wire.Packet:
        """The packet number ``block``."""
        if block == 0:
            return wire.OptionAcknowledgement(self.options)
        at = (block - 1) * self.block_size
        return wire.Data(block % wire.BLOCK_NUMBERS, self.body[at : at + self.block_size])


class TftpServer:
    """transfers: port of the server to the read it serves; clients: who asked to that port; begun: reads so far."""

    vlan = None

    def __init__(self, spec: FilesSpec, content: Mapping[str, bytes]) -> None:
        self.spec = spec
        self.files = FileServer(spec, content)
        self.address = self.files.address
        self.port = spec.ports.get("tftp", PORTS["tftp"])
        self.transfers: dict[int, Transfer] = {}
        self.clients: dict[tuple[int, str, int], int] = {}
        self.begun = 0

    def fork(self) -> TftpServer:
        """A server that goes on from here."""
        twin = TftpServer(self.spec, self.files.content)
        twin.transfers, twin.clients, twin.begun = dict(self.transfers), dict(self.clients), self.begun
        return twin

    def listens(self, destination: str, port: int, now: int) -> bool:
        """The port for requests, and those of the transfers."""
        here = destination == self.address and (port == self.port or port in self.transfers)
        return here and self.files.up(now)

    def receive(self, datagram: Datagram, now: int) -> Iterable[Send | Wake]:
        """A request begins a transfer, an ACK moves it on, an error ends it."""
        try:
            packet = wire.parse(datagram.payload)
        except wire.TftpError:
            return ()
        if datagram.port == self.port:
            return self.asked(datagram, packet)
        transfer = self.transfers.get(datagram.port)
        if transfer is None or who(datagram) != who(transfer.request):
            return ()
        if isinstance(packet, wire.Error):
            self.forget(transfer)
            return ()
        if packet != wire.Acknowledgement(transfer.block % wire.BLOCK_NUMBERS):
            return ()
        return self.sent(attrs.evolve(transfer, block=transfer.block + 1, sendings=1), 0)

    def wake(self, token: str, now: int) -> Iterable[Send | Wake]:
        """The packet sent last got no answer: again, or no more."""
        port, block, sendings = map(int, token.split())
        transfer = self.transfers.get(port)
        if transfer is None or (transfer.block, transfer.sendings) != (block, sendings) or not self.files.up(now):
            return ()
        if sendings == SENDINGS:
            self.forget(transfer)
            return ()
        return self.sent(attrs.evolve(transfer, sendings=sendings + 1), 0)

    # --- A transfer -------------------------------------------------------------------------------------------------

    def asked(self, datagram: Datagram, packet: wire.Packet) -> Iterable[Send | Wake]:
        """A request; one that is repeated while its transfer stands waits for the server's own repetition."""
        if isinstance(packet, wire.WriteRequest):
            return (self.refusal(datagram, wire.ACCESS_VIOLATION),)
        if not isinstance(packet, wire.ReadRequest) or who(datagram) in self.clients:
            return ()
        if packet.mode.lower() != wire.OCTET:
            return (self.refusal(datagram, wire.ILLEGAL_OPERATION),)
        if packet.options and self.spec.tftp_fault == "refuse-options":
            return (self.refusal(datagram, wire.OPTIONS_REFUSED),)
        answer = self.files.outcome(as_request(self.spec, self.port, packet))
        if answer.end in ("refused", "idle-timeout"):
            return ()
        if answer.status or answer.end not in (COMPLETE, "cut-off"):
            code = answer.status if answer.status in wire.MESSAGES else wire.NOT_DEFINED
            return (self.refusal(datagram, code),)
        return self.begin(datagram, packet, answer)

    def begin(self, datagram: Datagram, packet: wire.ReadRequest, answer: Answer) -> Iterable[Send | Wake]:
        """The first packet: the option acknowledgement, or the first block."""
        block_size, options = self.agreed(packet, len(answer.body))
        whole = len(answer.body) // block_size + 1  # the last block is never full, and may be empty (RFC 1350 s.6)
        port = FIRST_PORT + self.begun % TRANSFER_PORTS
        self.begun += 1
        self.clients[who(datagram)] = port
        transfer = Transfer(
            request=datagram,
            port=port,
            body=answer.body,
            stop=whole if answer.end == COMPLETE else whole // 2,
            options=options,
            block_size=block_size,
            block=0 if options else 1,
        )
        return self.sent(transfer, self.spec.delay + min(answer.delay, SLOW))

    def agreed(self, packet: wire.ReadRequest, size: int) -> tuple[int, wire.Options]:
        """(block size, options to acknowledge) for a request: what it asks for and the server knows."""
        block_size, options = wire.DEFAULT_BLOCK_SIZE, []
        wanted = wire.number(packet.option(wire.BLOCK_SIZE))
        if not self.spec.tftp_options:
            return block_size, ()
        if wanted is not None and wanted >= wire.LEAST_BLOCK_SIZE:
            block_size = min(wanted, wire.GREATEST_BLOCK_SIZE)
            told = 2 * block_size if self.spec.tftp_fault == "oack-too-large" else block_size
            options.append((wire.BLOCK_SIZE, b"%d" % told))
        if packet.option(wire.TRANSFER_SIZE) is not None:
            options.append((wire.TRANSFER_SIZE, b"%d" % size))
        return block_size, tuple(options)

    def sent(self, transfer: Transfer, delay: int) -> Iterator[Send | Wake]:
        """Send the current packet, at the server's speed and with the scenario's fault, and wake up for the next try.

        After the last packet that is to be sent the transfer is over.
        """
        if transfer.block > transfer.stop:
            self.forget(transfer)
            return
        self.transfers[transfer.port] = transfer
        if self.spec.speed and transfer.block:
            delay += transfer.block_size * SECOND // self.spec.speed
        for source, packet in FAULTS[self.spec.tftp_fault](self, transfer):
            yield Send(delay, self.reply(transfer.request, source, packet))
        yield Wake(delay + RETRANSMIT, f"{transfer.port} {transfer.block} {transfer.sendings}")

    def forget(self, transfer: Transfer) -> None:
        """The transfer is over; its port is closed."""
        self.transfers.pop(transfer.port, None)
        self.clients.pop(who(transfer.request), None)

    def refusal(self, datagram: Datagram, code: int) -> Send:
        """An error instead of a transfer, from a port of its own (RFC 1350 s.4)."""
        port = FIRST_PORT + self.begun % TRANSFER_PORTS
        self.begun += 1
        return Send(self.spec.delay, self.reply(datagram, port, wire.error(code)))

    def reply(self, datagram: Datagram, port: int, packet: wire.Packet) -> Datagram:
        """``packet`` from ``port`` to where ``datagram`` came from."""
        to = datagram.source, datagram.source_port
        return Datagram(datagram.phone, self.address, port, *to, packet.encode())


def who(datagram: Datagram) -> tuple[int, str, int]:
    """The client's end of a transfer."""
    return datagram.phone, datagram.source, datagram.source_port


def as_request(spec: FilesSpec, port: int, packet: wire.ReadRequest) -> Request:
    """A read request as a file server sees it: names without a slash in front lie in its top directory, too."""
    name = "/" + packet.file.decode("utf-8", "replace").removeprefix("/")
    return Request("tftp", spec.address, port, name, (), "", "", False, 0, 0)


# --- What goes wrong on the way to the phone ------------------------------------------------------------------------

Sent = Iterable[tuple[int, wire.Packet]]
"""(port it comes from, packet)."""


def in_order(server: TftpServer, transfer: Transfer) -> Sent:
    """The packet."""
    yield transfer.port, transfer.packet(transfer.block)


def twice(server: TftpServer, transfer: Transfer) -> Sent:
    """Each block twice."""
    yield from in_order(server, transfer)
    if transfer.block:
        yield from in_order(server, transfer)


def swapped(server: TftpServer, transfer: Transfer) -> Sent:
    """The block after the one that is due comes first."""
    if 0 < transfer.block < transfer.stop:
        yield transfer.port, transfer.packet(transfer.block + 1)
    yield from in_order(server, transfer)


def from_two_ports(server: TftpServer, transfer: Transfer) -> Sent:
    """A block of other bytes comes from the port for requests: before the right one, once the phone knows the port."""
    stray = wire.Data(transfer.block % wire.BLOCK_NUMBERS, b"?" * transfer.block_size)
    if transfer.block > (0 if transfer.options else 1):
        yield server.port, stray
    yield from in_order(server, transfer)


FAULTS: dict[str, Callable[[TftpServer, Transfer], Sent]] = {
    **dict.fromkeys(("none", "refuse-options", "oack-too-large"), in_order),
    "duplicate-blocks": twice,
    "reorder-blocks": swapped,
    "wrong-tid": from_two_ports,
}
"""Fault name to what is sent for a packet; the faults of options are in the negotiation."""
