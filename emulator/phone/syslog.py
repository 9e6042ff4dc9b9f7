"""Log lines to a syslog server (PROV-290, PROV-295): RFC 3164 over UDP, facility local0, from port 514.

The address of a server that is set by name is looked up once, and again when the phone has none left in its family.
Lines that cannot be sent yet, for want of an address on either side, wait in a short queue.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from emulator.events import (
    AddressBound,
    Because,
    DatagramSent,
    Entry,
    Event,
    Ipv6AddressBound,
    LookupAnswered,
    Payload,
    SettingChanged,
)
from emulator.phone.calendar import Rules, local, rules_of
from emulator.phone.firmware import Reaction, applies, reacts
from emulator.phone.loglines import TOLD, Line, line_of, severity_of
from emulator.phone.names import is_address, look_up
from emulator.phone.network import online, reachable, source_for
from emulator.phone.parts import PartState, part

if TYPE_CHECKING:
    from emulator.phone.state import Phone

PORT = 514
"""Where messages come from (RFC 3164 s.2); where they go to is ``SYSLOG_PORT``."""
FACILITY = 16
"""local0."""
SIZE_LIMIT = 1024
"""Bytes of a message (RFC 3164 s.4.1)."""
WAITING = 50
"""Lines that wait to be sent; an older one goes when another comes."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@part
class Syslog(PartState):
    """address: of the server, "" while not known; queue: lines that could not be sent yet, oldest first."""

    address: str = ""
    queue: list[Line] = attrs.Factory(list)


@applies("syslog", *TOLD)
def queued(phone: Phone, event: Event, entry: Entry) -> None:
    """A line that is wanted and cannot be sent waits."""
    if wanted(phone, event) and not destination(phone):
        queue = phone.syslog.queue
        queue.append(line_of(event, entry.time))
        del queue[:-WAITING]


@applies("syslog", DatagramSent)
def sent(phone: Phone, event: DatagramSent, entry: Entry) -> None:
    """Where the server is; a line that was waiting waits no more."""
    if event.source_port == PORT:
        phone.syslog.address = event.destination
        del phone.syslog.queue[:1]


@applies("syslog", SettingChanged)
def setting_changed(phone: Phone, event: SettingChanged, entry: Entry) -> None:
    """Another server is at another address, and what waited was not for it."""
    if event.key in ("SYSLOG_ADDR", "SYSLOG_SERVER_ENABLE"):
        phone.syslog.address, phone.syslog.queue = "", []


@reacts(*TOLD)
def told(phone: Phone, event: Event, entry: Entry) -> Reaction:
    """Send the line of an event, or find out where to."""
    if not wanted(phone, event):
        return ()
    to = destination(phone)
    if to:
        return (message(phone, line_of(event, entry.time), to),)
    return find(phone)


@reacts(LookupAnswered)
def found(phone: Phone, event: LookupAnswered, entry: Entry) -> Reaction:
    """The server has an address: send what waits for it. Without one, the next line asks again."""
    to = reachable(phone, event.addresses)
    if to and phone.syslog.queue and event.name == phone.settings.value("SYSLOG_ADDR"):
        for made in waiting(phone, to):
            yield Because(made.event, (*made.grounds, entry.n))


@reacts(AddressBound, Ipv6AddressBound)
def address_came(phone: Phone, event: AddressBound | Ipv6AddressBound, entry: Entry) -> Reaction:
    """The phone has an address: send what waits for it, or find out where to."""
    if not phone.syslog.queue:
        return ()
    to = destination(phone)
    return waiting(phone, to) if to else find(phone)


def wanted(phone: Phone, event: Event) -> bool:
    """Whether the line of ``event`` goes to a server (PROV-290, PROV-295)."""
    settings = phone.settings
    if not settings.enabled("SYSLOG_SERVER_ENABLE") or not settings.value("SYSLOG_ADDR"):
        return False
    return severity_of(event) <= settings.number("SYSLOG_SEVERITY")


def destination(phone: Phone) -> str:
    """The address to send to; "" while it, or one of the phone's own in its family, is not known."""
    server = phone.settings.value("SYSLOG_ADDR")
    known = server if is_address(server) else phone.syslog.address
    return known if source_for(phone, known) else ""


def find(phone: Phone) -> Reaction:
    """Look the server up, if it has a name and anybody can be asked."""
    server = phone.settings.value("SYSLOG_ADDR")
    return look_up(phone, server) if online(phone) and not is_address(server) else ()


def waiting(phone: Phone, to: str) -> Iterator[Because]:
    """Every line that waits, as messages."""
    return (message(phone, line, to) for line in phone.syslog.queue)


def message(phone: Phone, line: Line, to: str) -> Because:
    """The datagram of a line, and the settings behind it."""
    settings = phone.settings
    host = source_for(phone, to)
    made = payload(line, stamp(phone, line.time), host)
    sent = DatagramSent(host, PORT, to, settings.number("SYSLOG_PORT"), Payload(made))
    return Because(sent, (settings.grounds("SYSLOG_ADDR"), settings.grounds("SYSLOG_SEVERITY")))


def payload(line: Line, when: str, host: str) -> bytes:
    """``<PRI>Mmm dd hh:mm:ss HOST TAG: text``, cut to 1024 bytes; what is not ASCII is escaped."""
    text = f"<{FACILITY * 8 + line.severity}>{when} {host} {line.tag}: {line.text}"
    return text.encode("ascii", "backslashreplace")[:SIZE_LIMIT]


def stamp(phone: Phone, time: int) -> str:
    """``Mmm dd hh:mm:ss`` in local time; while the clock is not set, it began with the power at ``Jan  1 00:00:00``."""
    utc = phone.wallclock.utc(time)
    if utc is None:
        now = local(time - phone.power.started, Rules(0))
    else:
        now = local(utc, rules_of(phone.settings))
    return f"{MONTHS[now.month - 1]} {now.day:>2} {now.hour:02d}:{now.minute:02d}:{now.second:02d}"
