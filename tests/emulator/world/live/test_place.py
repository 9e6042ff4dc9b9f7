"""Where a phone is on this machine, what it makes of frames, and which certificates it trusts."""

from __future__ import annotations

import struct

import pytest
import trio
import trustme
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import given
from hypothesis import strategies as st

from emulator.events import DatagramReceived, Payload
from emulator.phone.certificates import certificate_digest
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.state import initial
from emulator.wire.ip import UDP, packets, udp
from emulator.world.live.frames import datagram_in
from emulator.world.live.names import look_up
from emulator.world.live.place import PlaceError, place_for, prefix_length
from emulator.world.live.trust import Trust, held


def test_on_loopback_each_phone_has_an_address_of_its_own() -> None:
    place = place_for("off", "", "127.0.0.1", 300)
    assert place.interface == "lo"
    assert (place.addresses[0], place.addresses[1], place.addresses[299]) == ("127.0.0.1", "127.0.0.2", "127.0.1.44")


@pytest.mark.parametrize(
    ("dhcp", "interface", "host", "said"),
    [
        ("full", "", "", "say on which interface"),
        ("full", "nope0", "", "there is no interface 'nope0'; there are "),
        ("full", "lo", "", "there is no DHCP on lo"),
        ("off", "nope0", "", "there is no interface 'nope0'"),
        ("off", "", "not a host!", "there is no way to 'not a host!' from here"),
    ],
)
def test_a_place_that_is_none_is_one_line(dhcp: str, interface: str, host: str, said: str) -> None:
    with pytest.raises(PlaceError, match=said):
        place_for(dhcp, interface, host)  # type: ignore[arg-type]


def test_masks() -> None:
    assert [prefix_length(mask) for mask in ("255.255.255.0", "255.0.0.0", "255.255.255.252", "", "x")] == [
        *(24, 8, 30),
        *(24, 24),
    ]


PORTS = st.integers(0, 65_535)


@given(PORTS, PORTS, st.binary(max_size=1_400))
def test_a_datagram_in_a_packet(source_port: int, port: int, payload: bytes) -> None:
    [packet] = packets("192.0.2.1", "192.0.2.9", UDP, udp("192.0.2.1", source_port, "192.0.2.9", port, payload))
    wanted = DatagramReceived("192.0.2.1", source_port, "192.0.2.9", port, Payload(payload))
    assert datagram_in(packet) == wanted
    assert datagram_in(packet + b"padding") == wanted
    for cut in range(len(packet)):
        assert datagram_in(packet[:cut]) is None


@given(st.binary(max_size=80))
def test_any_packet_is_a_datagram_or_nothing(packet: bytes) -> None:
    found = datagram_in(packet)
    assert found is None or packet[9] == UDP


def test_a_datagram_that_lies_about_its_length() -> None:
    packet = bytearray(next(packets("192.0.2.1", "192.0.2.9", UDP, udp("192.0.2.1", 1, "192.0.2.9", 2, b"abc"))))
    for size in (0, 7, 12, 65_535):
        struct.pack_into("!H", packet, 24, size)
        assert datagram_in(bytes(packet)) is None


def test_names_of_this_machine() -> None:
    assert trio.run(look_up, "localhost", (4,)) == (("127.0.0.1",), "")
    assert trio.run(look_up, "a" * 300, (4,))[1] in ("no-such-name", "server-failure")


def test_the_roots_of_a_phone_are_those_it_read_and_those_it_saved() -> None:
    """In either form; and a set of them has one context, which is made once (PROV-222)."""
    pem = trustme.CA().cert_pem.bytes()
    der = load_pem_x509_certificate(trustme.CA().cert_pem.bytes()).public_bytes(Encoding.DER)
    phone = initial(kx_utg200())
    assert held(phone) == {}
    phone.provisioning.here = {"root1": pem, "root3": der, "standard": b"<x/>"}
    digests = tuple(sorted((certificate_digest(pem), certificate_digest(der))))
    trust = Trust()
    context = trust.context(digests, phone)
    assert len(context.get_ca_certs()) == 2
    assert context.check_hostname
    assert trust.context(digests, phone) is context
    assert not trust.context((), phone).check_hostname
    with pytest.raises(KeyError):
        trust.context(("00" * 32,), phone)
