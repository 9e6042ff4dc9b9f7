"""The boundary registry: what the simulation models, what it passes through, and what it leaves out.

``offhook boundaries`` prints it; nothing else says so in other words.
"""

from __future__ import annotations

from typing import NamedTuple


class Boundary(NamedTuple):
    """One area. how: ``modelled``, ``simplified`` or ``left out``; what: in a sentence."""

    area: str
    how: str
    what: str


_TABLE = """
provisioning steps 1 to 9 | modelled | in the guide's order and numbering, with DHCPv6 as step 6a
DHCPv4 client | modelled | RFC 2131 messages in bytes, retransmission, T1, T2, expiry, DECLINE
DHCPv6 client | modelled | RFC 8415 messages in bytes, retransmission, T1, T2, expiry, option 17; no DAD, no RELEASE
SIP PnP | modelled | SUBSCRIBE, responses and NOTIFY in bytes, RFC 3261 retransmission; its group is an IPv4 one
HTTP and HTTPS | simplified | one request and one answer; TCP and TLS are round trips with loss and limits
HTTPS certificates | simplified | an answer says whether the check would pass; checked once a root is stored
TFTP | modelled | RFC 1350 packets with blksize and tsize, retransmission; reads only, no ICMP tells of a closed port
FTP | modelled | commands, replies and data connection (EPSV, PASV); one RETR for the whole path; no active mode, no TLS
TCP | simplified | pieces in order, of up to 16 KiB from a file; no segments, no windows; a loss is a delay
DNS | simplified | a question and its answer, A and AAAA; no messages, no cache
configuration files | modelled | XML, size limit, catalogue check, perm, access, encryption
flash | modelled | NOR bits, sectors, pages, wear, flips, worn sectors, time of each operation; the format is ours
power cuts | modelled | in any flash operation: at any byte, some bits, an unstable word; what is not in flash is lost
triggers | modelled | start, retry, CFG_CYCLIC, CFG_RESYNC_TIME and NOTIFY check-sync; no random spread
restart-bound settings | modelled | the phone restarts when a run changed one; what is read meanwhile is already new
LLDP-MED and CDP | simplified | one message each at link up, none every 30 s; a later VLAN waits for the next link
VLAN | simplified | chosen once per link; DHCP and PnP servers are in one, all else is routed; no PC port
address conflicts (ARP) | simplified | announced, defended once, declined; no probe before use, MACs never asked for
Ethernet | simplified | the link is up or down; LLDP, CDP and ARP are frames, all else begins at IP
IPv6 | simplified | IP_ADDR_MODE 0 IPv4, 1 IPv6, 2 both (a reading); SIP over IPv4; no routers, so no ALLOW_AUTO_CFG
HTTP proxy | simplified | plain HTTP goes through it; HTTPS goes past it (no CONNECT), and it is shown no login
clock | simplified | set by SNTP only, lost with the power; time zone and summer time by rule; no leap seconds
SNTP | simplified | unicast queries and kiss-o'-death in bytes; DHCP option 42 is not used; NTP_MODE 0 is off, else on
syslog | modelled | RFC 3164 in UDP, a line for each provisioning event; while the clock is not set, time since power-on
local log | simplified | a ring of 48 KiB in flash; LOG_FILE_SIZE, LOG_LEVEL_* and LOG_TERMINAL_DISP_ENABLE do nothing
web and phone programming | simplified | values and pages by access level, passwords; no HTTP, sessions or account names
pages | simplified | one for each group of parameters; which groups are for people is a list of our own
live: HTTP and HTTPS | modelled | by httpx, one connection a request; less than 1,000 bytes in 30 s is silence
live: UDP, TCP, names | modelled | the sockets and the resolver of this machine; 500 datagrams a second at most
live: DHCP, ARP, LLDP, CDP | modelled | frames, with --dhcp full; with off, the interface's address is given
live: IPv6, VLAN, NOTIFY | left out | the interface is in the VLAN it is in; real servers notify by themselves
packet capture | left out | no page for it; the event log of a run holds every packet
display | simplified | texts of our own for faults and for a reset that waits
factory reset | simplified | menu entry and web page, all or nothing; the log of the phone stays
import and export of settings | modelled | by access level; what differs from the defaults goes out, plain files come in
firmware update | simplified | A/B slots, trial, watchdog, roll back; the image format is ours and its payload idle
SIP registration | simplified | REGISTER by UDP over IPv4, timers, digest; no TCP, TLS, SRV, failover, redirects
calls | left out | no INVITE; a call is a handset that is lifted
"""

BOUNDARIES = tuple(Boundary(*line.split(" | ")) for line in _TABLE.strip().splitlines())
