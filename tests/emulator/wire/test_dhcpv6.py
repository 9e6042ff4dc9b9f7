"""The DHCPv6 codec: nothing is lost, nothing but Dhcpv6Error is raised, and the layout is that of RFC 8415."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.wire import dhcpv6 as wire

prop = settings(deadline=None)
MAC = bytes.fromhex("0080f0123456")

u8, u16, u32 = st.integers(0, 0xFF), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
addresses = st.binary(min_size=16, max_size=16).map(wire.bytes_to_ip)
option_lists = st.lists(st.tuples(u16, st.binary(max_size=40)), max_size=8).map(tuple)
messages = st.builds(
    wire.Message, type=st.integers(1, 11), transaction=st.integers(0, (1 << 24) - 1), options=option_lists
)
associations = st.builds(wire.IaNa, iaid=u32, t1=u32, t2=u32, options=option_lists)
given_addresses = st.builds(wire.IaAddress, address=addresses, preferred=u32, valid=u32, options=option_lists)
vendors = st.builds(wire.Vendor, enterprise=u32, options=option_lists)

READERS: dict[str, Callable[[bytes], Any]] = {
    "message": wire.parse,
    "options": wire.options_in,
    "association": wire.IaNa.read,
    "address": wire.IaAddress.read,
    "vendor": wire.Vendor.read,
}


# --- Nothing is lost ------------------------------------------------------------------------------------------------


@prop
@given(messages)
def test_a_written_message_is_read_as_it_was(message: wire.Message) -> None:
    assert wire.parse(message.encode()) == message


@prop
@given(associations, given_addresses, vendors)
def test_what_stands_in_options_is_read_as_it_was(
    association: wire.IaNa, address: wire.IaAddress, vendor: wire.Vendor
) -> None:
    assert wire.IaNa.read(association.encode()) == association
    assert wire.IaAddress.read(address.encode()) == address
    assert wire.Vendor.read(vendor.encode()) == vendor


@pytest.mark.parametrize("name", READERS)
@given(data=st.binary(max_size=200))
@settings(deadline=None, max_examples=200)
def test_whatever_can_be_read_is_written_again_to_the_byte(name: str, data: bytes) -> None:
    try:
        found = READERS[name](data)
    except wire.Dhcpv6Error:
        return
    assert (wire.encode_options(found) if name == "options" else found.encode()) == data


@prop
@given(messages, st.data())
def test_a_message_that_is_cut_off_is_refused_or_ends_between_two_options(
    message: wire.Message, data: st.DataObject
) -> None:
    whole = message.encode()
    ends = [4 + len(wire.encode_options(message.options[:count])) for count in range(len(message.options) + 1)]
    cut = data.draw(st.integers(0, len(whole)))
    if cut in ends:
        assert wire.parse(whole[:cut]).options == message.options[: ends.index(cut)]
        return
    with pytest.raises(wire.Dhcpv6Error, match="too-short" if cut < 4 else "option-overrun"):
        wire.parse(whole[:cut])


@prop
@given(addresses)
def test_addresses_are_in_the_usual_form(address: str) -> None:
    assert wire.bytes_to_ip(wire.ip_to_bytes(address)) == address == str(IPv6Address(address))
    assert wire.ip_to_bytes(IPv6Address(address).exploded) == wire.ip_to_bytes(address)


# --- The layout -----------------------------------------------------------------------------------------------------


def test_a_solicit_is_laid_out_as_the_rfc_draws_it() -> None:
    options = (
        (wire.CLIENT_ID, wire.duid_ll(MAC)),
        (wire.IA_NA, wire.IaNa(1).encode()),
        (wire.ELAPSED_TIME, wire.u16(0)),
        (wire.OPTION_REQUEST, wire.u16(17) + wire.u16(23)),
    )
    assert wire.Message(wire.SOLICIT, 0xABCDEF, options).encode() == bytes.fromhex(
        "01abcdef"  # SOLICIT, transaction
        "0001000a000300010080f0123456"  # client: DUID-LL, Ethernet
        "0003000c000000010000000000000000"  # IA_NA: IAID, T1, T2
        "000800020000"  # elapsed time
        "0006000400110017"  # option request: 17, 23
    )


def test_an_address_in_a_reply_is_laid_out_as_the_rfc_draws_it() -> None:
    address = wire.IaAddress("2001:db8::10", 3600, 7200, ((wire.STATUS_CODE, wire.status(0, "ok")),)).encode()
    assert wire.IaNa(1, 1800, 2880, ((wire.IA_ADDRESS, address),)).encode() == bytes.fromhex(
        "00000001 00000708 00000b400005 0020 20010db8000000000000000000000010 00000e10 00001c20000d 0004 0000 6f6b"
    )


@pytest.mark.spec("PROV-093")
def test_option_17_is_an_enterprise_number_and_sub_options_of_two_byte_codes_and_lengths() -> None:
    url = b"http://[2001:db8::20]/{MODEL}.cfg"
    data = bytes.fromhex("00007ed9 0001") + len(url).to_bytes(2, "big") + url
    assert wire.Vendor(32_473, ((1, url),)).encode() == data
    assert wire.Vendor.read(data) == wire.Vendor(32_473, ((1, url),))


@prop
@given(option_lists, u16)
def test_of_several_options_of_one_code_the_first_counts(options: wire.Options, code: int) -> None:
    found = wire.first(options, code)
    values = [value for number, value in options if number == code]
    assert found == (values[0] if values else None)
    assert wire.Message(1, 0, options).option(code) == found


def test_a_status_is_success_where_none_is_given() -> None:
    assert wire.status_in(()) == wire.SUCCESS
    assert wire.status_in(((wire.STATUS_CODE, wire.status(wire.NO_BINDING, "unknown")),)) == wire.NO_BINDING
    with pytest.raises(wire.Dhcpv6Error, match="option-too-short"):
        wire.status_in(((wire.STATUS_CODE, b"\0"),))


def test_types_have_names() -> None:
    assert [wire.type_name(number) for number in (0, 1, 7, 11, 12)] == [
        *("type 0", "SOLICIT", "REPLY", "INFORMATION-REQUEST", "type 12")
    ]


# --- Limits ---------------------------------------------------------------------------------------------------------

REFUSED = {
    "nothing": (b"", "too-short"),
    "three bytes": (b"\1\0\0", "too-short"),
    "no type": (b"\0\0\0\0", "unknown-type"),
    "a relay message": (b"\x0c\0" + bytes(32), "unknown-type"),
    "half a header": (b"\1\0\0\0\0\1\0", "option-overrun"),
    "an option that is too long": (b"\1\0\0\0\0\1\0\2x", "option-overrun"),
    "more than a frame": (b"\1\0\0\0" + b"\0\1\0\0" * 375, "too-long"),
}


@pytest.mark.parametrize(("data", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_message_has_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(wire.Dhcpv6Error) as told:
        wire.parse(data)
    assert told.value.reason == str(told.value) == reason


def test_a_whole_frame_is_read() -> None:
    assert len(wire.parse(b"\1\0\0\0" + b"\0\1\0\0" * 374).options) == 374


UNWRITABLE: dict[str, tuple[Callable[[], object], str]] = {
    "type": (lambda: wire.Message(12, 0, ()).encode(), "bad-type"),
    "transaction": (lambda: wire.Message(1, 1 << 24, ()).encode(), "bad-transaction"),
    "option code": (lambda: wire.Message(1, 0, ((1 << 16, b""),)).encode(), "bad-option"),
    "option length": (lambda: wire.encode_options(((1, bytes(1 << 16)),)), "bad-option"),
    "frame": (lambda: wire.Message(1, 0, ((1, bytes(1500)),)).encode(), "too-long"),
    "address": (lambda: wire.IaAddress("192.0.2.1", 0, 0).encode(), "bad-address"),
    "zone": (lambda: wire.ip_to_bytes("fe80::1%eth0"), "bad-address"),
    "address length": (lambda: wire.bytes_to_ip(b"abc"), "bad-address"),
    "lifetime": (lambda: wire.IaAddress("::1", -1, 0).encode(), "bad-number"),
    "enterprise": (lambda: wire.Vendor(1 << 32).encode(), "bad-number"),
    "number": (lambda: wire.u16(-1), "bad-number"),
    "hardware address": (lambda: wire.duid_ll(b"12345"), "bad-hardware-address"),
}


@pytest.mark.parametrize(("write", "reason"), UNWRITABLE.values(), ids=UNWRITABLE)
def test_what_cannot_be_written_has_a_reason(write: Callable[[], object], reason: str) -> None:
    with pytest.raises(wire.Dhcpv6Error) as told:
        write()
    assert told.value.reason == reason
