"""DHCP: whose answers count, how often the phone asks, and that no address is used after its lease (RFC 2131)."""

from __future__ import annotations

from functools import lru_cache

from emulator.events import (
    SECOND,
    AddressBound,
    AddressLost,
    ConflictFound,
    DatagramReceived,
    DatagramSent,
    DhcpReceived,
    Entry,
    HttpRequested,
    LinkDown,
    LookupRequested,
    PowerOff,
    PowerOn,
    StreamRequested,
)
from emulator.wire import dhcp as wire
from emulator.wire import dhcpv6 as wire6
from tools.fuzz.verdicts.addresses import dhcp_message
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.watching import Verdict

SERVER, CLIENT = 67, 68
SERVER6, VENDOR = 547, 17
UNSET = "0.0.0.0"
FOREVER = 0xFFFFFFFF
WANTED = {
    *((66, "PROV-070"), (159, "PROV-070"), (160, "PROV-070")),
    *((code, "PROV-079") for code in (1, 3, 6, 15, 42, 51, 54, 58, 59)),
}
"""Options to ask for, with the rule."""
SHORTEST = 60 * SECOND
"""Least time between two requests for a renewal (RFC 2131 s.4.4.5)."""
OPTIONS_AT = 240
"""Where the options of a DHCP message begin."""
SLACK = 2 * SECOND
"""What flash work may hold up."""


class LeaseUsed(Verdict):
    """An address is used while its lease lasts, and the lease is what the server granted (RFC 2131 s.4.4.5)."""

    name = "lease-used"

    def begin(self) -> None:
        """No lease."""
        self.address = ""
        self.expiry: int | None = None
        self.renew = 0
        self.asked = True
        self.gone = ""
        self.packet: bytes = b""

    @on(PowerOn, PowerOff)
    def powered(self, entry: Entry, event: PowerOn | PowerOff) -> None:
        """A lease is not kept over a power cycle."""
        self.begin()

    @on(DatagramReceived)
    def came(self, entry: Entry, event: DatagramReceived) -> None:
        """It may be an ACK."""
        if event.port == CLIENT:
            self.packet = event.payload

    @on(AddressBound)
    def bound(self, entry: Entry, event: AddressBound) -> None:
        """What the ACK grants, by its bytes."""
        self.address, self.gone, self.asked = event.address, "", False
        message = dhcp_message(self.packet)
        if message is None:
            self.expiry = entry.time + event.lease if event.lease else None
            return
        lease = seconds(message, wire.LEASE_TIME)
        granted = 0 if lease in (-1, FOREVER) else lease * SECOND
        self.expiry = entry.time + granted if granted else None
        if event.address != message.yiaddr:
            self.fault("RFC 2131 s.4.4.5", "the phone took another address than the one granted", entry, "address")
        if event.lease != granted:
            text = f"the lease is of {granted // SECOND} s, and the phone holds it for {event.lease // SECOND} s"
            self.fault("RFC 2131 s.4.4.5", text, entry, "lease")
        elif granted:
            self.times(entry, event, granted, message)

    def times(self, entry: Entry, event: AddressBound, lease: int, message: wire.Message) -> None:
        """T1 and T2: as told if they make sense, else 0.5 and 0.875 of the lease."""
        told1, told2 = (seconds(message, code) * SECOND for code in (wire.T1, wire.T2))
        self.renew = entry.time + event.t1
        if not 0 < told2 < lease:
            told2 = lease * 7 // 8
        if not 0 < told1 < told2:
            told1 = min(lease // 2, told2)
        for name, found, wanted in (("T1", event.t1, told1), ("T2", event.t2, told2)):
            if abs(found - wanted) > SECOND:
                text = f"{name} is {found / SECOND:g} s, and should be {wanted / SECOND:g} s"
                self.fault("RFC 2131 s.4.4.5", text, entry, name)

    @on(AddressLost)
    def lost(self, entry: Entry, event: AddressLost) -> None:
        """It may not be used any more; before it expires, the phone has asked for it again."""
        if event.reason == "expired" and not self.asked:
            text = "a lease expired, and the phone had not once asked for a renewal"
            self.fault("RFC 2131 s.4.4.5", text, entry, "no renewal")
        self.gone, self.address, self.expiry = event.reason, "", None

    @on(ConflictFound)
    def conflict(self, entry: Entry, event: ConflictFound) -> None:
        """An address that is given up is given up at once (RFC 5227 s.2.4)."""
        if not event.defended:
            self.facts.afterward(self.given_up)
            self.entry = entry

    def given_up(self) -> None:
        """It is."""
        if self.address and self.facts.on:
            self.fault("RFC 5227 s.2.4", "an address in use by another station was kept", self.entry, "kept")

    @on(LinkDown)
    def unplugged(self, entry: Entry, event: LinkDown) -> None:
        """Nothing is sent."""
        self.asked = True

    @on(DatagramSent)
    def sent(self, entry: Entry, event: DatagramSent) -> None:
        """From which address."""
        if event.port == SERVER:
            self.asked = self.asked or (event.payload[12:16] != b"\0\0\0\0")
            if event.source == UNSET:
                return
        if not event.source:
            text = f"a datagram to port {event.port} was sent without an address of the phone's own"
            self.fault("PROV-281", text, entry, "no source")
        elif ":" not in event.source and event.source != UNSET:
            self.used(entry, event.source)

    @on(HttpRequested, LookupRequested, StreamRequested)
    def requested(self, entry: Entry, event: HttpRequested | LookupRequested | StreamRequested) -> None:
        """A connection or a look-up needs an address as well."""
        if not self.facts.address6:
            self.used(entry, self.address)

    def used(self, entry: Entry, source: str) -> None:
        """Now."""
        if self.expiry is not None and self.facts.due > self.expiry:
            late = (self.facts.due - self.expiry) / SECOND
            text = f"the address was used {late:g} s after its lease had expired"
            self.fault("RFC 2131 s.4.4.5", text, entry, "expired")
        elif source != self.address or not source:
            text = f"something was sent from an address that is not the phone's ({self.gone or 'never leased'})"
            self.fault("RFC 2131 s.4.4.5", text, entry, f"not leased {self.gone}")

    def finish(self) -> None:
        """A lease that should have been renewed, and was not even asked for; or that is over."""
        facts = self.facts
        end = facts.case.scenario.until if facts.complete else facts.now
        if self.expiry is not None and self.address and facts.on and self.expiry + SLACK < end:
            text = f"the lease expired {(end - self.expiry) / SECOND:g} s ago, and the phone still has the address"
            self.fault("RFC 2131 s.4.4.5", text, key="kept")
        overdue = self.expiry is not None and not self.asked and self.renew + SLACK < facts.now
        if overdue and facts.on and facts.link:
            late = (facts.now - self.renew) / SECOND
            text = f"T1 was over {late:g} s ago, and the phone has not asked for a renewal"
            self.fault("RFC 2131 s.4.4.5", text, key="no renewal")


def seconds(message: wire.Message, code: int) -> int:
    """A time of an option, -1 if it is not there."""
    data = message.option(code)
    return int.from_bytes(data, "big") if data is not None and len(data) == 4 else -1


@lru_cache(maxsize=64)
def unasked(options: bytes) -> tuple[tuple[str, int], ...]:
    """(rule, option) for what the options of a DISCOVER or REQUEST do not ask for, the first of each rule."""
    found = {}
    while len(options) > 1 and options[0] != wire.END:
        found[options[0]], options = options[2 : 2 + options[1]], options[2 + options[1] :]
    kind = found.get(wire.MESSAGE_TYPE, b"")
    if kind not in (b"\1", b"\3"):
        return ()
    missing: dict[str, int] = {}
    for code, rule in sorted(WANTED):
        if code not in found.get(wire.PARAMETERS, b""):
            missing.setdefault("PROV-071" if rule == "PROV-070" and kind == b"\1" else rule, code)
    return tuple(missing.items())


class DhcpAnswers(Verdict):
    """Only an answer to the phone's own question counts (RFC 2131 s.4.4.1)."""

    name = "dhcp-answer"

    def begin(self) -> None:
        """Nothing was asked."""
        self.xid: bytes = b""
        self.packet: DatagramReceived | None = None

    @on(DatagramSent)
    def sent(self, entry: Entry, event: DatagramSent) -> None:
        """A question, and what it asks for."""
        if event.port != SERVER or event.source_port != CLIENT:
            return
        self.xid = bytes(event.payload[4:8])
        if event.payload[28:34].hex() != self.facts.mac.lower():
            self.fault("RFC 2131 s.2", "a DHCP message names another hardware address", entry, "chaddr")
        for rule, code in unasked(bytes(event.payload[OPTIONS_AT:])):
            self.fault(rule, f"a DHCP message does not ask for option {code}", entry, "not asked")

    @on(DatagramReceived)
    def came(self, entry: Entry, event: DatagramReceived) -> None:
        """What may be an answer."""
        if event.port == CLIENT:
            self.packet = event

    @on(DhcpReceived)
    def read(self, entry: Entry, event: DhcpReceived) -> None:
        """It was taken for one."""
        packet = self.packet
        if packet is None:
            return
        data = packet.payload
        wrong = {
            "another transaction": (bytes(data[4:8]) != self.xid, "RFC 2131 s.4.4.1"),
            "another client": (data[28:34].hex() != self.facts.mac.lower(), "RFC 2131 s.2"),
            "no server": (data[:1] != b"\2", "RFC 2131 s.2"),
        }
        for what, (is_wrong, rule) in wrong.items():
            if is_wrong:
                self.fault(rule, f"a DHCP message for or from {what} was accepted", entry, what)


class Dhcpv6Asks(Verdict):
    """A SOLICIT or REQUEST asks for vendor-specific information (PROV-090)."""

    name = "dhcpv6-ask"

    @on(DatagramSent)
    def sent(self, entry: Entry, event: DatagramSent) -> None:
        """One of them."""
        if event.port != SERVER6 or event.payload[:1] not in (b"\1", b"\3"):
            return
        try:
            asked = wire6.parse(event.payload).option(wire6.OPTION_REQUEST) or b""
        except wire6.Dhcpv6Error:
            return
        if VENDOR not in {int.from_bytes(asked[at : at + 2], "big") for at in range(0, len(asked), 2)}:
            self.fault("PROV-090", "a DHCPv6 message does not ask for option 17", entry, "not asked")


class DhcpPace(Verdict):
    """How long the phone waits before it asks again: 4, 8, 16, 32 and 64 s, a second more or less (RFC 2131 s.4.1);
    for a renewal half of what is left, but not less than a minute (RFC 2131 s.4.4.5)."""

    name = "dhcp-pace"

    def begin(self) -> None:
        """Nothing was sent."""
        self.key: tuple[bytes, bytes, bool] | None = None
        self.time = self.count = 0

    @on(PowerOn, LinkDown, AddressBound, AddressLost)
    def anew(self, entry: Entry, event: object) -> None:
        """What was asked before does not count."""
        self.begin()

    @on(DatagramSent)
    def sent(self, entry: Entry, event: DatagramSent) -> None:
        """The same question again."""
        if event.port != SERVER or event.source_port != CLIENT:
            return
        renewing = event.payload[12:16] != b"\0\0\0\0"
        key = bytes(event.payload[4:8]), bytes(event.payload[240:243]), renewing
        if key == self.key:
            self.again(entry, self.facts.due - self.time, renewing)
            self.count += 1
        else:
            self.count = 1
        self.key, self.time = key, entry.time

    def again(self, entry: Entry, waited: int, renewing: bool) -> None:
        """After so long."""
        if renewing:
            if waited < SHORTEST - SLACK and not self.turned(entry):
                text = f"a renewal was asked for again after {waited / SECOND:g} s"
                self.fault("RFC 2131 s.4.4.5", text, entry, "renewal")
            return
        wanted = (4 << min(self.count - 1, 4)) * SECOND
        if not wanted - SECOND <= waited <= wanted + SECOND:
            text = f"DHCP message {self.count + 1} followed after {waited / SECOND:g} s, not {wanted // SECOND} s"
            self.fault("RFC 2131 s.4.1", text, entry, "back-off")

    def turned(self, entry: Entry) -> bool:
        """Whether this is the first message to every server, at T2."""
        return any(getattr(each.event, "name", "") == "dhcp-t2" for each in self.facts.settled.entries)
