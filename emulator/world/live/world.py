"""The live world: it carries the orders of the phones to real servers, and puts what comes back on the agenda."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import trio

from emulator.events import (
    AddressBound,
    AddressLost,
    DatagramReceived,
    DatagramSent,
    DhcpReceived,
    Entry,
    Event,
    FrameSent,
    HttpAnswered,
    HttpRequested,
    LookupAnswered,
    LookupRequested,
    NameAsked,
    Payload,
    PowerLost,
    PowerOff,
    RestartOrdered,
    StreamRequested,
    StreamSent,
    StreamShut,
    VlanChosen,
)
from emulator.phone.machine import Settled
from emulator.phone.network import IPV4
from emulator.phone.state import Phone
from emulator.world.agenda import Agenda
from emulator.world.changes import ChangeError
from emulator.world.live.datagrams import Datagrams, lost
from emulator.world.live.http import carried
from emulator.world.live.inbox import Clock, Inbox
from emulator.world.live.interface import Interface
from emulator.world.live.names import look_up
from emulator.world.live.place import Place
from emulator.world.live.streams import TcpStreams
from emulator.world.live.trust import UNTRUSTED, Trust
from emulator.world.scenario import DhcpSpec
from emulator.world.servers.base import Datagram, Send
from emulator.world.servers.dhcp import CLIENT, SERVER, DhcpServer
from emulator.world.streams import Streams

ENDS = (PowerOff, PowerLost, RestartOrdered, AddressLost)
"""After these nothing that a phone has begun goes on."""


class LiveWorld:
    """Real servers around phones. phone_of: the state of a phone.

    It is opened by the driver, which gives it a nursery to work in.
    """

    name = "live"

    def __init__(self, place: Place, clock: Clock) -> None:
        self.place, self.clock = place, clock
        self.dns: dict[int, str] = {}
        self.routers: dict[int, str] = {}
        self.addresses: dict[int, str] = {}
        self.trust = Trust()
        self.phone_of: Callable[[int], Phone] = _nobody
        self.inbox = Inbox(clock, Agenda())
        self.giver = None if place.dhcp == "full" else _giver(place)
        self._nursery: trio.Nursery | None = None

    def open(self, agenda: Agenda, phones: int) -> None:
        """What comes in goes on this agenda."""
        self.inbox.agenda = agenda

    def begin(self, nursery: trio.Nursery, interface: Interface, phone_of: Callable[[int], Phone]) -> None:
        """Work in ``nursery`` from now on."""
        self._nursery, self.interface, self.phone_of = nursery, interface, phone_of
        device = self.place.interface if self.place.dhcp == "full" else ""
        self.datagrams = Datagrams(self.inbox, nursery, device)
        self.streams = TcpStreams(self.inbox, nursery)

    @property
    def nursery(self) -> trio.Nursery:
        """Where its tasks run."""
        assert self._nursery is not None, "the driver opens a live world"
        return self._nursery

    # --- what happens to phones -------------------------------------------------------------------------------------

    def follow(self, settled: Settled) -> None:
        """What the phone has found out about its network, before its orders are carried out."""
        for entry in settled.entries:
            event = entry.event
            if isinstance(event, DhcpReceived):
                self.dns[entry.phone], self.routers[entry.phone] = event.dns, event.router
            elif isinstance(event, AddressBound):
                self._bound(entry.phone, event)
            elif isinstance(event, ENDS):
                self._left(entry.phone)

    def _bound(self, phone: int, event: AddressBound) -> None:
        if self.addresses.get(phone) == event.address:
            return
        self._left(phone)
        self.addresses[phone] = event.address
        if self.place.dhcp == "full":
            self.interface.set_address(event.address, event.mask, self.routers.get(phone, ""))
        self.datagrams.listen(phone, event.address)

    def _left(self, phone: int) -> None:
        if self.addresses.pop(phone, "") and self.place.dhcp == "full":
            self.interface.drop_address()
        self.datagrams.leave(phone)
        self.streams.leave(phone)

    def port_up(self, phone: int) -> None:
        """The real port is up all along."""

    def choose_vlan(self, phone: int, event: VlanChosen) -> None:
        """The interface is in the VLAN that it is in; whoever wants another one names an interface there."""

    # --- what phones order ------------------------------------------------------------------------------------------

    def send_frame(self, agenda: Agenda, entry: Entry, event: FrameSent, cable: bool) -> None:
        """A frame goes out where the phone has the interface to itself."""
        if cable and self.place.dhcp == "full":
            self.interface.send_frame(event.payload)

    def send(self, agenda: Agenda, entry: Entry, event: DatagramSent, cable: bool) -> None:
        """A datagram goes out, or the log says why it does not."""
        reason = self._sent(entry.phone, event, entry.n) if cable else "no-cable"
        if reason:
            self.inbox.put(entry.phone, lost(reason, event), entry.n)

    def _sent(self, phone: int, event: DatagramSent, n: int) -> str:
        if ":" in event.destination:
            return "no-ipv6"
        if event.port == SERVER and event.source_port == CLIENT:
            return self._ask_dhcp(phone, event, n)
        return self.datagrams.send(phone, event)

    def _ask_dhcp(self, phone: int, event: DatagramSent, n: int) -> str:
        if self.giver is None:
            return self.interface.send_dhcp(event)
        self.giver.leases[event.payload[28:34].hex()] = self.place.addresses[phone]
        datagram = Datagram(phone, event.source, event.source_port, event.destination, event.port, event.payload)
        for sent in self.giver.receive(datagram, 0):
            if isinstance(sent, Send):
                self.inbox.put(phone, DatagramReceived(*sent.datagram[1:5], Payload(sent.datagram.payload)), n)
        return ""

    def ask(self, agenda: Agenda, entry: Entry, ordinal: int, boot: int, cable: bool) -> None:
        """A look-up, a request or a stream; with the cable out, nothing ever comes back."""
        if not cable:
            return
        event = entry.event
        source = self.addresses.get(entry.phone, "")
        if isinstance(event, LookupRequested | NameAsked):
            self.nursery.start_soon(self._look_up, entry, event, ordinal, boot)
        elif isinstance(event, HttpRequested):
            self.nursery.start_soon(self._carry, entry, event, ordinal, boot, source)
        elif isinstance(event, StreamRequested):
            self.streams.request(entry, event, ordinal, boot, source)
        elif isinstance(event, StreamSent):
            self.streams.send(entry.phone, event.name, event.payload)
        elif isinstance(event, StreamShut):
            self.streams.shut(entry.phone, event.name)

    async def _look_up(self, entry: Entry, event: LookupRequested | NameAsked, ordinal: int, boot: int) -> None:
        families = (IPV4,) if isinstance(event, LookupRequested) else event.families
        server = self.dns.get(entry.phone, "") if self.place.dhcp == "full" else ""
        addresses, error = await look_up(event.name, families, server)
        self.inbox.put(entry.phone, LookupAnswered(event.name, ordinal, addresses, error), entry.n, boot)

    async def _carry(self, entry: Entry, event: HttpRequested, ordinal: int, boot: int, source: str) -> None:
        answer: Event
        try:
            context = self.trust.context(event.roots, self.phone_of(entry.phone)) if event.tls else None
        except (KeyError, OSError):  # a root that is none: nothing can be trusted (ssl.SSLError is an OSError)
            answer = HttpAnswered(event.name, ordinal, 0, (), Payload(b""), UNTRUSTED)
        else:
            answer = await carried(event, ordinal, source, context)
        self.inbox.put(entry.phone, answer, entry.n, boot)

    def notify(self, agenda: Agenda, now: int, phone: int, address: str, source: str, event: str) -> None:
        """Real servers send their NOTIFYs themselves."""

    def serve(self, url: str, body: bytes) -> None:
        """Nobody can make a real server serve another file."""
        raise ChangeError("the servers of a live run are not ours to change")

    def happen(self, agenda: Agenda, now: int, what: Any, cause: int | None) -> None:
        """Nothing on the agenda is for the live world."""

    def fork(self, streams: Streams) -> NoReturn:
        """There is only one real world. Raises TypeError."""
        raise TypeError("a live world cannot be forked; fork its recording")


def _nobody(index: int) -> NoReturn:
    raise LookupError(f"phone {index}: the driver has not begun")


def _giver(place: Place) -> DhcpServer:
    """Without DHCP on the wire the phones are given the addresses that the interface has, in DHCP's own messages."""
    return DhcpServer(DhcpSpec(address=place.addresses[0], pool=place.addresses[0], mask=place.mask))
