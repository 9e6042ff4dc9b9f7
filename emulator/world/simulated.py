"""The simulated world: a link, virtual servers and names. It only decides what to put on the agenda."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from emulator.events import (
    SECOND,
    DatagramLost,
    DatagramReceived,
    DatagramSent,
    Entry,
    Event,
    FileAnswered,
    FileRequested,
    FrameReceived,
    FrameSent,
    HttpAnswered,
    HttpRequested,
    LookupAnswered,
    LookupRequested,
    NameAsked,
    Payload,
    StreamRequested,
    StreamSent,
    StreamShut,
    VlanChosen,
)
from emulator.phone.machine import Settled
from emulator.phone.network import IPV4, Families, family_of
from emulator.world.agenda import WORLD, Agenda
from emulator.world.connections import Connections, Happening
from emulator.world.link import Link
from emulator.world.scenario import HostSpec, Scenario
from emulator.world.servers.base import Answer, Datagram, DatagramServer, FileService, Request, Send, Wake, usual
from emulator.world.servers.dhcp import DhcpServer
from emulator.world.servers.dhcpv6 import Dhcpv6Server
from emulator.world.servers.files import FileServer, place_of, serving
from emulator.world.servers.ftp import FtpServer
from emulator.world.servers.notifier import Notifier
from emulator.world.servers.pnp import PnpServer
from emulator.world.servers.proxy import ProxyServer
from emulator.world.servers.redirection import RedirectionServer
from emulator.world.servers.registrar import Registrar
from emulator.world.servers.sntp import SntpServer
from emulator.world.servers.switch import Lan, announcement
from emulator.world.servers.syslog import SyslogServer
from emulator.world.servers.tftp import TftpServer
from emulator.world.streams import Streams

LOOKUP_LIMIT = 10 * SECOND
"""How long a resolver tries before it says ``timeout``."""
NAME_FAILURES = {"!timeout": "timeout", "!no-such-name": "no-such-name", "!server-failure": "server-failure"}


class Arrival(NamedTuple):
    """A datagram reaches a server."""

    server: int
    datagram: Datagram


class Arrived(NamedTuple):
    """A station is there from now on, and says so to every one of ``phones`` that is in its VLAN."""

    host: HostSpec
    phones: int


class Alarm(NamedTuple):
    """A server wanted to be woken."""

    server: int
    token: str


class Connected(NamedTuple):
    """The connection for a request stands, ``phone``'s order ``event``; what comes back is decided now."""

    phone: int
    boot: int
    event: HttpRequested | FileRequested
    ordinal: int


class SimulatedWorld:
    """Servers and names of a scenario around any number of phones. vlans: phone to the VLAN it has chosen."""

    name = "simulated"

    def __init__(self, scenario: Scenario, streams: Streams) -> None:
        self.streams = streams
        self.link = Link(scenario.link, streams)
        self.lan = Lan(scenario.switch, scenario.host)
        self.vlans: dict[int, int] = {}
        self.names: Mapping[str, str] = {name.lower(): to for name, to in scenario.names.items()}
        self.datagram_servers: list[DatagramServer] = [
            *(DhcpServer(spec) for spec in scenario.dhcp),
            *(PnpServer(spec) for spec in scenario.pnp),
            *(Dhcpv6Server(spec) for spec in scenario.dhcpv6),
            *(Registrar(spec) for spec in scenario.sip),
            *(Notifier(source) for source in dict.fromkeys(a.source for a in scenario.action if a.do == "notify")),
            *(TftpServer(spec, scenario.content) for spec in scenario.files if "tftp" in spec.protocols),
            *(SntpServer(spec, scenario.clock) for spec in scenario.sntp),
            *(SyslogServer(spec) for spec in scenario.syslog),
        ]
        origins: tuple[FileService, ...] = (
            *(FileServer(spec, scenario.content) for spec in scenario.files),
            *(RedirectionServer(spec) for spec in scenario.redirection),
        )
        self.file_services = (*origins, *(ProxyServer(spec, origins, self.names) for spec in scenario.proxy))
        ftp_servers = [FtpServer(spec, scenario.content) for spec in scenario.files if "ftp" in spec.protocols]
        self.connections = Connections(self.link, ftp_servers)

    def fork(self, streams: Streams) -> SimulatedWorld:
        """A world that goes on from here."""
        twin = SimulatedWorld.__new__(SimulatedWorld)
        twin.streams, twin.names = streams, self.names
        twin.link = self.link.fork(streams)
        twin.lan, twin.vlans = self.lan.fork(), dict(self.vlans)
        twin.datagram_servers = [server.fork() for server in self.datagram_servers]
        twin.file_services = self.file_services
        twin.connections = self.connections.fork(twin.link)
        return twin

    def open(self, agenda: Agenda, phones: int) -> None:
        """What happens by itself: stations that come later."""
        for host in self.lan.hosts:
            if host.start:
                agenda.later(host.start, WORLD, Arrived(host, phones))

    def follow(self, settled: Settled) -> None:
        """Its servers hear of the phones by what these send."""

    # --- what phones order ------------------------------------------------------------------------------------------

    def port_up(self, phone: int) -> None:
        """The port of a phone has come up, and is untagged until the phone says otherwise."""
        self.vlans.pop(phone, None)

    def choose_vlan(self, phone: int, event: VlanChosen) -> None:
        """Everything that a phone sends from now on is in this VLAN."""
        self.vlans[phone] = event.vlan

    def send_frame(self, agenda: Agenda, entry: Entry, event: FrameSent, cable: bool) -> None:
        """A frame leaves a phone: to the switch and to the stations beside it."""
        for delay, frame in self.lan.receive(event.payload, entry.time) if cable else ():
            agenda.later(entry.time + delay, entry.phone, FrameReceived(Payload(frame)), entry.n)

    def send(self, agenda: Agenda, entry: Entry, event: DatagramSent, cable: bool) -> None:
        """A datagram leaves a phone, to every server in its VLAN or behind a router that listens there.

        Each copy has a fate of its own. cable: whether the phone's cable is in.
        """
        now, phone = entry.time, entry.phone
        to, vlan = (usual(event.destination), event.port), self.vlans.get(phone, 0)
        heard = [i for i, s in enumerate(self.datagram_servers) if s.vlan in (None, vlan) and s.listens(*to, now)]
        datagram = Datagram(phone, event.source, event.source_port, event.destination, event.port, event.payload)
        delays, reason = self.link.transit(phone, False, now) if cable else ((), "no-cable")
        if not heard and not reason:
            reason = "nobody-listens"
        if reason:
            agenda.later(now, phone, DatagramLost(reason, False, event.destination, event.port), entry.n)
            return
        for server in heard:
            for delay in delays:
                agenda.later(now + delay, WORLD, Arrival(server, datagram), entry.n)

    def ask(self, agenda: Agenda, entry: Entry, ordinal: int, boot: int, cable: bool) -> None:
        """A phone wants a name looked up, a file fetched or a stream; with its cable out, nothing ever comes back."""
        if not cable:
            return
        event = entry.event
        if isinstance(event, LookupRequested | NameAsked):
            families = (IPV4,) if isinstance(event, LookupRequested) else event.families
            delay, addresses, error = self.look_up(entry, event.name, families)
            answer = LookupAnswered(event.name, ordinal, addresses, error)
            agenda.later(entry.time + delay, entry.phone, answer, entry.n, boot)
        elif isinstance(event, HttpRequested | FileRequested):
            self.connect(agenda, entry, event, ordinal, boot)
        elif isinstance(event, StreamRequested):
            up = self.host_up(event.address, entry.time)
            self.connections.request(agenda, entry, event, ordinal, boot, up)
        elif isinstance(event, StreamSent | StreamShut):
            self.connections.send(agenda, entry, event)

    def look_up(self, entry: Entry, name: str, families: Families) -> tuple[int, tuple[str, ...], str]:
        """(ns, addresses, error) for a host name in these families."""
        delay = self.link.exchange(entry.phone, entry.time, LOOKUP_LIMIT)
        if delay is None:
            return LOOKUP_LIMIT, (), "timeout"
        found = self.names.get(name.lower())
        if found is None:
            return delay, (), "no-such-name"
        if found in NAME_FAILURES:
            error = NAME_FAILURES[found]
            return (LOOKUP_LIMIT if error == "timeout" else delay), (), error
        addresses = tuple(usual(address.strip()) for address in found.split(","))
        asked = tuple(address for address in addresses if family_of(address) in families)
        return delay, asked, "" if asked else "no-data"

    def connect(
        self, agenda: Agenda, entry: Entry, event: HttpRequested | FileRequested, ordinal: int, boot: int
    ) -> None:
        """The first round trip of a request; the server decides when it is over."""
        delay = self.link.exchange(entry.phone, entry.time, event.connect_limit)
        if delay is None or not self.host_up(event.address, entry.time):
            end = answer_event(event, ordinal, Answer(0, end="connect-timeout"))
            agenda.later(entry.time + event.connect_limit, entry.phone, end, entry.n, boot)
            return
        what = Connected(entry.phone, boot, event, ordinal)
        agenda.later(entry.time + delay, WORLD, what, entry.n, boot)

    def host_up(self, address: str, now: int) -> bool:
        """Whether any server runs at ``address``; a host that is up refuses connections that nothing serves."""
        address = usual(address)
        return any(service.address == address and service.up(now) for service in self.file_services)

    def notify(self, agenda: Agenda, now: int, phone: int, address: str, source: str, event: str) -> None:
        """``source`` sends a NOTIFY to the phone at ``address``; to one that has none, nobody can send."""
        for index, server in enumerate(self.datagram_servers):
            if address and isinstance(server, Notifier) and server.address == source:
                self.carry_out(agenda, now, index, server.notify(phone, address, event, now), None)

    def serve(self, url: str, body: bytes) -> None:
        """From now on, what is asked for as ``url`` is this file. Raises ChangeError for a URL that is none."""
        place = place_of(url, self.names)
        origins = [s for s in self.file_services if not isinstance(s, ProxyServer)]
        proxies = [s.spec for s in self.file_services if isinstance(s, ProxyServer)]
        reached = tuple(serving(origins, place, body))
        self.file_services = (*reached, *(ProxyServer(spec, reached, self.names) for spec in proxies))
        for server in (*self.datagram_servers, *self.connections.servers):
            if isinstance(server, TftpServer | FtpServer):
                server.files = server.files.serving(place, body)

    # --- what happens inside ----------------------------------------------------------------------------------------

    def happen(
        self, agenda: Agenda, now: int, what: Arrival | Alarm | Connected | Arrived | Happening, cause: int | None
    ) -> None:
        """An item of the agenda that is for the world."""
        if isinstance(what, Happening):
            self.connections.happen(agenda, now, what)
            return
        if isinstance(what, Arrived):
            for phone in range(what.phones):
                if self.vlans.get(phone, 0) == what.host.vlan:
                    agenda.later(now, phone, FrameReceived(Payload(announcement(what.host))))
            return
        if isinstance(what, Connected):
            self.fetch(agenda, now, what, cause)
            return
        server = self.datagram_servers[what.server]
        if isinstance(what, Arrival):
            done = server.receive(what.datagram, now)
        else:
            done = server.wake(what.token, now)
        self.carry_out(agenda, now, what.server, done, cause)

    def carry_out(self, agenda: Agenda, now: int, server: int, done: Iterable[Send | Wake], cause: int | None) -> None:
        """What a datagram server wants done."""
        for action in done:
            if isinstance(action, Wake):
                agenda.later(now + action.delay, WORLD, Alarm(server, action.token), cause)
                continue
            datagram = action.datagram
            sent = now + action.delay
            delays, reason = self.link.transit(datagram.phone, True, sent)
            if action.lost or reason:
                lost = DatagramLost(reason or "loss", True, datagram.source, datagram.source_port)
                agenda.later(sent, datagram.phone, lost, cause)
                continue
            received = DatagramReceived(*datagram[1:5], Payload(datagram.payload))
            for delay in delays:
                agenda.later(sent + delay, datagram.phone, received, cause)

    def fetch(self, agenda: Agenda, now: int, what: Connected, cause: int | None) -> None:
        """The answer to a request whose connection stands."""
        event = what.event
        request = as_request(event)
        service = next(
            (s for s in self.file_services if s.serves(request.address, request.port, request.scheme) and s.up(now)),
            None,
        )
        answer = Answer(0, end="refused") if service is None else service.answer(request, now)
        trips = 2 if request.scheme == "https" else 1
        passed = 0
        for _ in range(trips):
            delay = self.link.exchange(what.phone, now + passed, event.idle_limit)
            if delay is None:
                answer, passed = Answer(0, end="idle-timeout"), event.idle_limit
                break
            passed += delay
        if answer.delay >= event.idle_limit:
            answer = Answer(0, delay=event.idle_limit, end="idle-timeout")
        made = answer_event(event, what.ordinal, answer)
        agenda.later(now + passed + answer.delay, what.phone, made, cause, what.boot)


def as_request(event: HttpRequested | FileRequested) -> Request:
    """A phone's order as the server sees it."""
    if isinstance(event, HttpRequested):
        scheme = "https" if event.tls else "http"
        where = (event.address, event.port, event.target, event.headers)
        return Request(scheme, *where, "", "", bool(event.roots), event.limit, event.idle_limit)
    where = (event.address, event.port, event.path, ())
    return Request(event.scheme, *where, event.user, event.password, False, event.limit, event.idle_limit)


def answer_event(event: HttpRequested | FileRequested, ordinal: int, answer: Answer) -> Event:
    """A server's answer as the phone's input."""
    body = Payload(answer.body)
    if isinstance(event, HttpRequested):
        return HttpAnswered(event.name, ordinal, answer.status, answer.headers, body, answer.end)
    return FileAnswered(event.name, ordinal, answer.status, body, answer.end)
