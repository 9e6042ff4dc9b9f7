"""The lifelines of the ladder: whom an event is said to, or comes from."""

from __future__ import annotations

from typing import NamedTuple

from attrs import Factory, define

from emulator.events import (
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
    StreamClosed,
    StreamOpened,
    StreamReceived,
    StreamRequested,
    StreamSent,
    StreamShut,
)
from emulator.phone import syslog
from emulator.phone.download import REDIRECTION

LAN, DHCP, PNP, REDIRECT, FILES, NAMES, REGISTRAR, TIME, LOG, OTHER = range(10)
"""Who is at the other end, in the order of the lanes."""
TITLES = ("LAN", "DHCP", "PnP", "Redir.", "Files", "DNS", "SIP", "SNTP", "Syslog", "Other")
ALWAYS = (DHCP, PNP, REDIRECT, FILES)
"""Lanes that a ladder has even if nobody is there: that is what a reader wants to see."""
MOST_HOSTS = 3
"""Hosts of one kind that get a lane each; more of them share one."""
PNP_STEP = "3"
_SIP_PORT = 5060
_FREE_PORT = 1024
_SNTP_PORT = 123
_DHCP_PORTS = frozenset({67, 68, 546, 547})


class End(NamedTuple):
    """The other end of a packet. address: "" for everybody who listens."""

    who: int
    address: str


@define
class Lanes:
    """Takes the entries of a run in their order and notes the ends; open requests are kept by (phone, name)."""

    hosts: dict[int, list[str]] = Factory(dict)
    open: dict[tuple[int, str], End] = Factory(dict)

    def end(self, entry: Entry, step: str) -> End | None:
        """The other end of what ``entry`` says; None if nothing crosses the wire. step: the phone is in."""
        end = self._found(entry.phone, entry.event, step)
        if end is not None:
            hosts = self.hosts.setdefault(end.who, [])
            if end.address and end.address not in hosts:
                hosts.append(end.address)
        return end

    def _found(self, phone: int, event: Event, step: str) -> End | None:
        if isinstance(event, FrameSent | FrameReceived):
            return End(LAN, "")
        if isinstance(event, DatagramSent):
            return End(who_listens(event.source_port, event.port, event.payload, step), unicast(event.destination))
        if isinstance(event, DatagramReceived):
            return End(who_listens(event.source_port, event.port, event.payload, step), event.source)
        if isinstance(event, DatagramLost):
            return End(who_listens(event.port, event.port, b"", step), unicast(event.peer))
        if isinstance(event, LookupRequested | NameAsked | LookupAnswered):
            return End(NAMES, "")
        return self._of_connection(phone, event)

    def _of_connection(self, phone: int, event: Event) -> End | None:
        if isinstance(event, HttpRequested | FileRequested | StreamRequested):
            end = End(REDIRECT if event.name == REDIRECTION else FILES, event.address)
            self.open[phone, event.name] = end
            return end
        if isinstance(event, HttpAnswered | FileAnswered | StreamClosed | StreamShut):
            return self.open.pop((phone, event.name), End(FILES, ""))
        if isinstance(event, StreamOpened | StreamSent | StreamReceived):
            return self.open.get((phone, event.name), End(FILES, ""))
        return None

    def drawn(self) -> list[End]:
        """The lanes from left to right, without the phone's own."""
        made = []
        for who in range(len(TITLES)):
            hosts = self.hosts.get(who)
            if hosts is None and who not in ALWAYS:
                continue
            alone = not hosts or len(hosts) > MOST_HOSTS
            made += [End(who, "")] if alone else [End(who, host) for host in hosts or ()]
        return made

    def index(self, end: End, drawn: list[End]) -> int:
        """The lane of an end, counted from 1; what goes to everybody reaches to the last of its kind."""
        if end in drawn:
            return drawn.index(end) + 1
        return max(index for index, lane in enumerate(drawn, 1) if lane.who == end.who)


def who_listens(source: int, port: int, payload: bytes, step: str) -> int:
    """Who the other end of a datagram is, by ports; of two who speak SIP, by what they say."""
    ports = {source, port}
    if ports & _DHCP_PORTS:
        return DHCP
    if _SIP_PORT in ports:
        head = payload[:4096]
        registers = head.startswith(b"REGISTER ") or b" REGISTER\r\n" in head
        return PNP if step == PNP_STEP and not registers else REGISTRAR
    if _SNTP_PORT in ports:
        return TIME
    if syslog.PORT in ports:
        return LOG
    return FILES if 69 in ports or min(ports) >= _FREE_PORT else OTHER


def unicast(address: str) -> str:
    """``address``, or "" for one of many hosts."""
    first = address.partition(".")[0]
    is_group = address.lower().startswith("ff") if ":" in address else first.isdigit() and int(first) >= 224
    return "" if is_group else address
