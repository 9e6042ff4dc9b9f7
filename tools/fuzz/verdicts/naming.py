"""Whom the phone talks to: hosts that a source, a setting, a name server or a packet named (PROV-104, PROV-111)."""

from __future__ import annotations

from emulator.events import (
    AttemptStarted,
    DatagramReceived,
    DatagramSent,
    Dhcpv6Received,
    DownloadOrdered,
    Entry,
    FileRequested,
    FlashFitted,
    FtpStarted,
    HttpRequested,
    LookupAnswered,
    LookupRequested,
    NameAsked,
    StreamRequested,
    TftpStarted,
)
from emulator.wire import dhcp
from emulator.world.servers.base import usual
from tools.fuzz.verdicts.addresses import dhcp_message, place
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.watching import Verdict

EVERYBODY = ("255.255.255.255", "224.0.1.75", "ff02::1:2", "ff02::2", "")
"""Who listens to no name: broadcast, the group of SIP PnP, and the groups of DHCPv6."""


class HostsNamed(Verdict):
    """Nothing goes to a host that nobody named."""

    name = "named-host"

    def begin(self) -> None:
        """Nobody is known."""
        self.known: set[str] = set(EVERYBODY)

    @on(FlashFitted)
    def fitted(self, entry: Entry, event: FlashFitted) -> None:
        """Another phone, as it were."""
        self.begin()

    @on(DatagramReceived)
    def came(self, entry: Entry, event: DatagramReceived) -> None:
        """Who sends something may be answered; a DHCP message names servers as well."""
        self.known.add(event.source)
        if event.port == 68:
            self.told(event.payload)

    def told(self, payload: bytes) -> None:
        """Addresses in a DHCP message: of the server itself, of a relay, and in options."""
        message = dhcp_message(payload)
        if message is None:
            return
        self.known.update((message.siaddr, message.giaddr))
        for code in (dhcp.ROUTER, dhcp.DNS, dhcp.NTP, dhcp.SERVER_ID):
            data = message.option(code) or b""
            self.known.update(dhcp.bytes_to_ip(data[at : at + 4]) for at in range(0, len(data) - 3, 4))

    @on(Dhcpv6Received)
    def came6(self, entry: Entry, event: Dhcpv6Received) -> None:
        """A name server."""
        self.known.add(event.dns)

    @on(LookupAnswered)
    def resolved(self, entry: Entry, event: LookupAnswered) -> None:
        """The addresses of a name."""
        self.known.update(event.addresses)

    @on(DownloadOrdered, AttemptStarted)
    def wanted(self, entry: Entry, event: DownloadOrdered | AttemptStarted) -> None:
        """Hosts of URLs, which other verdicts hold against the sources."""
        for url in event.urls if isinstance(event, DownloadOrdered) else (event.url,):
            found = place(url)
            if found is not None:
                self.known.add(found[1])

    def named(self, host: str) -> bool:
        """Whether anybody named this host; settings are looked through last."""
        if host in self.known or host.lower() in self.known:
            return True
        facts, wanted = self.facts, host.lower()
        held = (*(each.value for each in facts.provisioned.values()), *facts.user.values())
        if any(wanted in value.lower() for value in held):
            self.known.add(host)
            return True
        return False

    @on(DatagramSent)
    def sent(self, entry: Entry, event: DatagramSent) -> None:
        """A packet."""
        if not self.named(event.destination):
            text = f"a packet to port {event.port} went to a host that nobody named"
            self.fault("PROV-104", text, entry, f"port {event.port}")

    @on(HttpRequested, FileRequested, TftpStarted, FtpStarted)
    def asked(self, entry: Entry, event: HttpRequested | FileRequested | TftpStarted | FtpStarted) -> None:
        """A file: at the host of its URL, or at the proxy of the settings (PROV-111, PROV-114)."""
        facts = self.facts
        meant = place(facts.bodies.url)
        proxy = facts.value("HTTP_PROXY_SVR_ADDR").strip().lower().strip("[]")
        through = isinstance(event, HttpRequested) and facts.enabled("HTTP_ENABLE_PROXY") and event.host == proxy
        if meant is not None and usual(event.host.lower()) != meant[1] and not through:
            rule = "PROV-035, PROV-111" if ":" in meant[1] else "PROV-111"
            self.fault(rule, "a file was asked for at another host than its URL names", entry, "file")
        if meant is not None and not through and event.port != meant[2]:
            self.fault("PROV-030", f"a file was asked for at port {event.port}, not {meant[2]}", entry, "port")
        found = facts.resolved.get(event.host.lower(), ())
        if ":" in event.address and facts.address and any(":" not in each for each in found):
            self.fault("PROV-020", "a name has an IPv4 address, and its IPv6 address was asked", entry, "family")
        family = [each for each in found if (":" in each) == (":" in event.address)]
        if event.address in family and event.address != family[0]:
            self.fault("PROV-120", "of the addresses of a name another than the first was asked", entry, "order")
        if not self.named(event.address):
            self.fault("PROV-120", "a file was asked for at an address that its name does not have", entry, "address")

    @on(StreamRequested)
    def connecting(self, entry: Entry, event: StreamRequested) -> None:
        """A connection."""
        if not self.named(event.address):
            self.fault("PROV-104", "a connection went to a host that nobody named", entry, "stream")

    @on(LookupRequested, NameAsked)
    def looked_up(self, entry: Entry, event: LookupRequested | NameAsked) -> None:
        """A name."""
        if not self.named(event.name):
            self.fault("PROV-104", "a name was looked up that nobody had named", entry, "name")
