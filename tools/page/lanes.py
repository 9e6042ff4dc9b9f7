"""The lifelines of a ladder: who is at the other end of what crosses the wire, and which lane that is."""

from __future__ import annotations

from typing import NamedTuple

from attrs import Factory, define

from emulator.events import Entry
from tools.peers import Peers

LAN, DHCP, PNP, REDIRECT, FILES, NAMES, REGISTRAR, TIME, LOG, OTHER = range(10)
"""Who is at the other end, in the order of the lanes."""
TITLES = ("LAN", "DHCP", "PnP", "Redir.", "Files", "DNS", "SIP", "SNTP", "Syslog", "Other")
ROLES = {
    **dict.fromkeys(("LAN", "switch"), LAN),
    **dict.fromkeys(("DHCP server", "DHCPv6 server"), DHCP),
    **dict.fromkeys(("file server", "proxy"), FILES),
    "SIP PnP": PNP,
    "redirection server": REDIRECT,
    "name server": NAMES,
    "registrar": REGISTRAR,
    "SNTP server": TIME,
    "syslog server": LOG,
}
"""Role of a peer to its kind of lane; any other is one of the others."""
ALWAYS = (DHCP, PNP, REDIRECT, FILES)
"""Lanes that a ladder has even if nobody is there: that is what a reader wants to see."""
MOST_HOSTS = 3
"""Hosts of one kind that get a lane each; more of them share one."""


class End(NamedTuple):
    """The other end of a packet. address: or host name, "" for everybody who listens."""

    who: int
    address: str


@define
class Lanes:
    """Takes the entries of a run in their order and notes who is at the other end."""

    peers: Peers = Factory(Peers)
    hosts: dict[int, list[str]] = Factory(dict)

    def end(self, entry: Entry) -> End | None:
        """The other end of what ``entry`` says; None if nothing crosses the wire."""
        peer = self.peers.of(entry)
        if peer is None:
            return None
        end = End(ROLES.get(peer.role, OTHER), peer.place)
        hosts = self.hosts.setdefault(end.who, [])
        if end.address and end.address not in hosts:
            hosts.append(end.address)
        return end

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
