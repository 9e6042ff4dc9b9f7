"""With whom a phone talks: by ports, by what is said, and by what was said before."""

from __future__ import annotations

import pytest

from emulator.events import DatagramReceived, DatagramSent, Entry, Event, Payload, TftpStarted
from tools.peers import Peers, is_group

REGISTER = b"REGISTER sip:x SIP/2.0\r\nCSeq: 1 REGISTER\r\n\r\n"
NOTIFY = b"NOTIFY sip:x SIP/2.0\r\nCSeq: 1 NOTIFY\r\n\r\n"


def role(peers: Peers, event: Event) -> str:
    """Who is at the other end of an event."""
    found = peers.of(Entry(1, 0, None, 0, None, (), event))
    assert found is not None
    return found.role


def sent(source_port: int, port: int, payload: bytes = b"", to: str = "192.0.2.5") -> DatagramSent:
    """A datagram of the phone."""
    return DatagramSent("192.0.2.10", source_port, to, port, Payload(payload))


@pytest.mark.parametrize(
    ("event", "who"),
    [
        (sent(68, 67), "DHCP server"),
        (sent(546, 547), "DHCPv6 server"),
        (sent(5060, 5060, b"SUBSCRIBE sip:x SIP/2.0\r\n\r\n"), "SIP PnP"),
        (sent(5060, 5060, REGISTER), "registrar"),
        (sent(56006, 123), "SNTP server"),
        (sent(514, 514), "syslog server"),
        (sent(49200, 69), "file server"),
        (sent(49200, 7), "host"),
        (DatagramReceived("192.0.2.5", 5060, "192.0.2.10", 5060, Payload(NOTIFY)), "SIP PnP"),
    ],
)
def test_who_is_at_the_other_end(event: Event, who: str) -> None:
    """By the ports, and of two who speak SIP, by what is said."""
    assert role(Peers(), event) == who


def test_a_registrar_stays_one() -> None:
    """Whatever else it says later; and a transfer goes on between ports that belong to nobody."""
    peers = Peers()
    assert role(peers, sent(5060, 5060, REGISTER, "192.0.2.30")) == "registrar"
    assert role(peers, DatagramReceived("192.0.2.30", 5060, "192.0.2.10", 5060, Payload(NOTIFY))) == "registrar"
    assert role(peers, sent(49_200, 40_000)) == "host"
    peers.of(Entry(2, 0, None, 0, None, (), TftpStarted("x", "files", "192.0.2.20", 69, 49_200, "/x", 9, True)))
    assert role(peers, sent(49_200, 40_000, to="192.0.2.20")) == "file server"


@pytest.mark.parametrize("address", ["255.255.255.255", "224.0.1.75", "ff02::1:2"])
def test_a_group_is_everybody(address: str) -> None:
    """Broadcast and multicast, of both families."""
    assert is_group(address)
    assert not is_group("192.0.2.5")
