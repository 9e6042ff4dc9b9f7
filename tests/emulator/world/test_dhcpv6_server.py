"""The virtual DHCPv6 server, and servers with IPv6 addresses."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import SECOND, HttpRequested
from emulator.wire import dhcpv6 as wire
from emulator.world.scenario import DHCPV6_BEHAVIOURS, Dhcpv6Spec, Duration
from emulator.world.servers.base import Datagram, Send
from emulator.world.servers.dhcpv6 import BEHAVIOURS, Dhcpv6Server
from tests.emulator.phone.bench import initial, served, story
from tools.simulate import run

CLIENT = "fe80::1"
ASKED = wire.u16(wire.VENDOR_OPTIONS)


def ask(server: Dhcpv6Server, kind: int, *options: tuple[int, bytes], mac: bytes = b"phone1") -> list[wire.Message]:
    """What the server answers to a message that wants an address."""
    own = ((wire.CLIENT_ID, wire.duid_ll(mac)), (wire.IA_NA, wire.IaNa(5).encode()))
    payload = wire.Message(kind, 77, (*own, *options)).encode()
    sent = list(server.receive(Datagram(0, CLIENT, 546, "ff02::1:2", 547, payload), 0))
    assert all(isinstance(each, Send) for each in sent)
    return [wire.parse(each.datagram.payload) for each in sent if isinstance(each, Send)]


def given_in(message: wire.Message) -> list[tuple[str, int, int]]:
    """(address, preferred, valid) of what a message gives."""
    options = wire.IaNa.read(message.option(wire.IA_NA) or b"").options
    addresses = [wire.IaAddress.read(value) for code, value in options if code == wire.IA_ADDRESS]
    return [(each.address, each.preferred, each.valid) for each in addresses]


def test_every_behaviour_has_its_function() -> None:
    assert tuple(BEHAVIOURS) == DHCPV6_BEHAVIOURS


def test_an_offer_and_its_reply_give_the_same_address_and_what_was_asked_for() -> None:
    server = Dhcpv6Server(Dhcpv6Spec(url="http://a/", enterprise=9, preference=3, t1=Duration(5 * SECOND)))
    (offer,) = ask(server, wire.SOLICIT, (wire.OPTION_REQUEST, ASKED))
    (reply,) = ask(server, wire.REQUEST, (wire.SERVER_ID, server.duid))
    assert (offer.type, reply.type, offer.transaction) == (wire.ADVERTISE, wire.REPLY, 77)
    assert given_in(offer) == given_in(reply) == [("2001:db8::10", 43_200, 86_400)]
    assert wire.IaNa.read(reply.option(wire.IA_NA) or b"").t1 == 5
    assert wire.Vendor.read(offer.option(wire.VENDOR_OPTIONS) or b"") == wire.Vendor(9, ((1, b"http://a/"),))
    assert offer.option(wire.PREFERENCE) == b"\x03"
    assert reply.option(wire.VENDOR_OPTIONS) is None, "it was not asked for"


def test_addresses_are_handed_out_in_order_until_there_are_none() -> None:
    server = Dhcpv6Server(Dhcpv6Spec(pool="2001:db8::a-2001:db8::b"))
    found = [ask(server, wire.SOLICIT, mac=mac)[0] for mac in (b"phone1", b"phone2", b"phone1", b"phone3")]
    assert [[address for address, _, _ in given_in(message)] for message in found] == [
        *(["2001:db8::a"], ["2001:db8::b"], ["2001:db8::a"], []),
    ]
    assert wire.status_in(wire.IaNa.read(found[-1].option(wire.IA_NA) or b"").options) == wire.NO_ADDRESSES


def test_a_lease_that_is_not_known_is_neither_renewed_nor_rebound() -> None:
    server = Dhcpv6Server(Dhcpv6Spec())
    (reply,) = ask(server, wire.RENEW, (wire.SERVER_ID, server.duid))
    assert wire.status_in(wire.IaNa.read(reply.option(wire.IA_NA) or b"").options) == wire.NO_BINDING
    assert ask(server, wire.REBIND) == []
    ask(server, wire.REQUEST, (wire.SERVER_ID, server.duid))
    assert [len(given_in(message)) for message in ask(server, wire.REBIND)] == [1]


@pytest.mark.parametrize("behaviour", ["answer", "no-addresses", "garbage"])
def test_what_is_for_another_server_is_not_answered(behaviour: str) -> None:
    server = Dhcpv6Server(Dhcpv6Spec(behaviour=behaviour))
    assert ask(server, wire.REQUEST, (wire.SERVER_ID, b"other")) == []


def test_a_fork_goes_on_by_itself() -> None:
    server = Dhcpv6Server(Dhcpv6Spec(ignore=1))
    fork = server.fork()
    assert ask(fork, wire.SOLICIT) == []
    assert len(ask(fork, wire.SOLICIT)) == 1
    assert fork.leases
    assert not server.leases
    assert ask(server, wire.SOLICIT) == []


@given(st.binary(max_size=200), st.sampled_from(DHCPV6_BEHAVIOURS))
@settings(deadline=None)
def test_no_datagram_hurts(payload: bytes, behaviour: str) -> None:
    server = Dhcpv6Server(Dhcpv6Spec(behaviour=behaviour))
    list(server.receive(Datagram(0, CLIENT, 546, "ff02::1:2", 547, payload), 0))


def test_two_spellings_of_an_address_are_one_server() -> None:
    server = served({"/i.cfg": initial()}, address="2001:0DB8:0:0::0020")
    for host in ("[2001:DB8::0:20]", "prov.example.com"):
        offer = Dhcpv6Spec(url=f"http://{host}/i.cfg")
        names = {"prov.example.com": "2001:db8:0::20"}
        result = run(story(server, provisioned={"IP_ADDR_MODE": "1"}, names=names, dhcpv6=(offer,)))
        assert [entry.event.address for entry in result.of(HttpRequested)] == ["2001:db8::20"]
        assert result.outcome == "provisioned"
