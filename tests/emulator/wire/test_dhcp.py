"""The DHCP codec: nothing is lost, nothing but DhcpError is raised, and dpkt reads the same."""

import struct
from typing import Any

import attrs
import dpkt.dhcp
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from emulator.wire import dhcp

prop = settings(deadline=None)

MAC = bytes.fromhex("0080f0123456")
PROVISIONING = (dhcp.TFTP_SERVER, dhcp.PROVISIONING_159, dhcp.PROVISIONING_160)

addresses = st.binary(min_size=4, max_size=4).map(dhcp.bytes_to_ip)
markers = st.sampled_from([(dhcp.PAD, b""), (dhcp.END, b"")])
real_options = st.tuples(st.integers(1, 254), st.binary(max_size=40))
u8, u16, u32 = st.integers(0, 0xFF), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)

messages = st.builds(
    dhcp.Message,
    op=u8,
    htype=u8,
    hlen=u8,
    hops=u8,
    xid=u32,
    secs=u16,
    flags=u16,
    ciaddr=addresses,
    yiaddr=addresses,
    siaddr=addresses,
    giaddr=addresses,
    chaddr=st.binary(min_size=16, max_size=16),
    sname=st.binary(min_size=64, max_size=64),
    file=st.binary(min_size=128, max_size=128),
    options=st.lists(st.one_of(st.just((dhcp.PAD, b"")), real_options), max_size=12).map(
        lambda found: (*found, (dhcp.END, b""))
    ),
    tail=st.binary(max_size=40),
)


@st.composite
def built(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "op": draw(st.sampled_from([dhcp.BOOTREQUEST, dhcp.BOOTREPLY])),
        "xid": draw(u32),
        "chaddr": draw(st.binary(min_size=6, max_size=6)),
        "type": draw(st.integers(1, 8)),
        "options": draw(st.lists(st.tuples(st.integers(1, 254), st.binary(max_size=60)), max_size=12)),
        "ciaddr": draw(addresses),
        "yiaddr": draw(addresses),
        "siaddr": draw(addresses),
        "flags": draw(u16),
        "secs": draw(u16),
    }


def build(*options: tuple[int, bytes], **more: Any) -> bytes:
    fields = {"op": dhcp.BOOTREPLY, "xid": 1, "chaddr": MAC, "type": dhcp.ACK} | more
    return dhcp.build(options=options, **fields)


def reason(data: bytes) -> str:
    with pytest.raises(dhcp.DhcpError) as caught:
        dhcp.parse(data)
    assert str(caught.value) == caught.value.reason
    return caught.value.reason


@prop
@given(messages)
def test_a_message_survives_the_wire(message: dhcp.Message) -> None:
    assert dhcp.parse(message.encode()) == message


@prop
@given(messages, st.data())
def test_whatever_parses_encodes_to_the_same_bytes(message: dhcp.Message, data: st.DataObject) -> None:
    packet = bytearray(message.encode())
    for at in data.draw(st.lists(st.integers(240, len(packet) - 1), max_size=6)):
        packet[at] = data.draw(u8)
    mutated = bytes(packet[: data.draw(st.integers(0, len(packet)))])
    try:
        parsed = dhcp.parse(mutated)
    except dhcp.DhcpError as error:
        event(error.reason)
        return
    assert parsed.encode() == mutated
    assert set(parsed.tolerances()) <= set(dhcp.TOLERANCES)


@prop
@given(st.one_of(st.binary(max_size=1600), st.binary(max_size=300).map(lambda rest: bytes(236) + dhcp.MAGIC + rest)))
def test_noise_raises_only_its_own_error(noise: bytes) -> None:
    try:
        parsed = dhcp.parse(noise)
    except dhcp.DhcpError:
        return
    assert parsed.encode() == noise
    for code in (dhcp.PAD, dhcp.OVERLOAD, dhcp.MESSAGE_TYPE, dhcp.END):
        parsed.option(code)
    parsed.tolerances()


@prop
@given(built())
def test_what_is_built_is_what_is_read(fields: dict[str, Any]) -> None:
    parsed = dhcp.parse(dhcp.build(**fields))
    assert (parsed.op, parsed.xid, parsed.flags, parsed.secs) == tuple(
        fields[name] for name in ("op", "xid", "flags", "secs")
    )
    assert (parsed.ciaddr, parsed.yiaddr, parsed.siaddr) == (fields["ciaddr"], fields["yiaddr"], fields["siaddr"])
    assert parsed.chaddr == fields["chaddr"] + bytes(10)
    assert parsed.options == (
        (dhcp.MESSAGE_TYPE, bytes([fields["type"]])),
        *fields["options"],
        (dhcp.END, b""),
    )
    assert not parsed.tail.strip(b"\0")
    assert len(parsed.encode()) >= dhcp.MINIMUM


@prop
@given(built())
def test_dpkt_reads_what_is_built(fields: dict[str, Any]) -> None:
    ours = dhcp.parse(dhcp.build(**fields))
    theirs = dpkt.dhcp.DHCP(ours.encode())
    assert (theirs.op, theirs.hrd, theirs.hln, theirs.hops) == (ours.op, ours.htype, ours.hlen, ours.hops)
    assert (theirs.xid, theirs.secs, theirs.flags) == (ours.xid, ours.secs, ours.flags)
    for name in ("ciaddr", "yiaddr", "siaddr", "giaddr"):
        assert dhcp.u32(getattr(theirs, name)) == dhcp.ip_to_bytes(getattr(ours, name))
    assert (theirs.chaddr, theirs.sname, theirs.file) == (ours.chaddr[:6], ours.sname, ours.file)
    assert [*theirs.opts, (dhcp.END, b"")] == list(ours.options)
    assert theirs.data == ours.tail


@prop
@given(built())
def test_what_dpkt_writes_is_read(fields: dict[str, Any]) -> None:
    theirs = dpkt.dhcp.DHCP(xid=fields["xid"], chaddr=fields["chaddr"], opts=fields["options"] or [(12, b"phone")])
    ours = dhcp.parse(bytes(theirs))
    assert ours.xid == theirs.xid
    assert list(ours.options) == [*theirs.opts, (dhcp.END, b"")]
    assert ours.encode() == bytes(theirs)


@prop
@given(st.integers(1, 254).filter(lambda code: code != dhcp.MESSAGE_TYPE), st.binary(min_size=256, max_size=1100))
def test_long_values_are_split_and_joined_again(code: int, value: bytes) -> None:
    parsed = dhcp.parse(build((code, value)))
    assert parsed.option(code) == value
    lengths = [len(part) for found, part in parsed.options if found == code]
    assert set(lengths[:-1]) == {255}
    assert 0 < lengths[-1] <= 255


@prop
@given(st.integers(-1, 2**33))
def test_u32_is_four_bytes_or_an_error(number: int) -> None:
    if 0 <= number < 2**32:
        assert struct.unpack("!I", dhcp.u32(number)) == (number,)
    else:
        with pytest.raises(dhcp.DhcpError, match="bad-number"):
            dhcp.u32(number)


@prop
@given(st.one_of(st.text(), st.from_regex(r"[0-9٣ +_]{1,4}(\.[0-9]{1,4}){3}\n?", fullmatch=True)))
def test_an_address_reads_back_as_written_or_is_refused(text: str) -> None:
    try:
        data = dhcp.ip_to_bytes(text)
    except dhcp.DhcpError as error:
        event(error.reason)
        return
    assert dhcp.bytes_to_ip(data) == text


@pytest.mark.parametrize(
    "address", ["", "1.2.3", "1.2.3.256", "1.2.3.04", "1.2.3.4.5", "192.0.2.1\n", "١.2.3.4", "+1.2.3.4"]
)
def test_bad_addresses(address: str) -> None:
    with pytest.raises(dhcp.DhcpError, match="bad-address"):
        dhcp.ip_to_bytes(address)


def test_bad_address_bytes() -> None:
    with pytest.raises(dhcp.DhcpError, match="bad-address"):
        dhcp.bytes_to_ip(b"\1\2\3")


def test_reasons() -> None:
    packet = build((dhcp.HOSTNAME, b"phone"))
    assert reason(packet[:239]) == "too-short"
    assert reason(packet.ljust(1501, b"\0")) == "too-long"
    assert reason(packet[:236] + b"\x63\x82\x53\x64" + packet[240:]) == "bad-magic"
    assert reason(packet[:249]) == "option-overrun"
    assert reason(packet[:244]) == "option-overrun"


def test_the_longest_message() -> None:
    packet = build(minimum=dhcp.SIZE_LIMIT)
    assert dhcp.parse(packet).encode() == packet
    with pytest.raises(dhcp.DhcpError, match="too-long"):
        build(minimum=dhcp.SIZE_LIMIT + 1)


@pytest.mark.spec("PROV-070", "PROV-071")
@pytest.mark.parametrize("kind", [dhcp.DISCOVER, dhcp.REQUEST])
def test_the_parameter_list_is_carried_in_order(kind: int) -> None:
    parsed = dhcp.parse(build((dhcp.PARAMETERS, bytes(PROVISIONING)), op=dhcp.BOOTREQUEST, type=kind))
    assert parsed.type == kind
    assert parsed.option(dhcp.PARAMETERS) == b"\x42\x9f\xa0"


@pytest.mark.spec("PROV-072")
@pytest.mark.parametrize("code", PROVISIONING)
def test_a_provisioning_url_is_read_from_the_ack(code: int) -> None:
    url = b"http://192.0.2.1/{MODEL}.cfg"
    parsed = dhcp.parse(build((code, url)))
    assert [parsed.option(other) for other in PROVISIONING if other != code] == [None, None]
    assert parsed.option(code) == url


def test_an_empty_option_is_not_a_missing_one() -> None:
    assert dhcp.parse(build((dhcp.PROVISIONING_160, b""))).option(dhcp.PROVISIONING_160) == b""


def test_overload_reads_file_before_sname() -> None:
    packet = build((dhcp.OVERLOAD, b"\3"), (dhcp.PROVISIONING_160, b"http://"))
    message = attrs.evolve(
        dhcp.parse(packet),
        file=b"\xa0\x0a192.0.2.1/".ljust(127, b"\0") + b"\xff",
        sname=b"\xa0\5a.cfg\xff".ljust(64, b"\xa0"),
    )
    assert dhcp.parse(message.encode()).option(dhcp.PROVISIONING_160) == b"http://192.0.2.1/a.cfg"
    assert message.tolerances() == ()


@pytest.mark.parametrize(
    ("bits", "value"), [(b"\0", None), (b"\1", b"f"), (b"\2", b"s"), (b"\3", b"fs"), (b"\4", None)]
)
def test_overload_names_the_fields(bits: bytes, value: bytes | None) -> None:
    message = attrs.evolve(
        dhcp.parse(build((dhcp.OVERLOAD, bits))),
        file=b"\x0c\1f\xff".ljust(128, b"\0"),
        sname=b"\x0c\1s\xff".ljust(64, b"\0"),
    )
    assert message.option(dhcp.HOSTNAME) == value
    assert message.tolerances() == (() if bits in b"\1\2\3" else ("bad-overload",))


def test_an_overrun_in_an_overloaded_field_costs_only_that_option() -> None:
    message = attrs.evolve(
        dhcp.parse(build((dhcp.OVERLOAD, b"\1"))), file=(b"\x0c\5phone" + b"\x0f\xff").ljust(128, b"a")
    )
    assert message.option(dhcp.HOSTNAME) == b"phone"
    assert message.option(dhcp.DOMAIN) is None
    assert message.tolerances() == ("overload-overrun",)


def test_a_good_message_needs_no_tolerance() -> None:
    assert dhcp.parse(build((dhcp.HOSTNAME, b"phone"), flags=dhcp.BROADCAST)).tolerances() == ()


@pytest.mark.spec("PROV-077")
def test_a_trailing_nul_in_a_text_option_is_told() -> None:
    parsed = dhcp.parse(build((dhcp.PROVISIONING_160, b"http://192.0.2.1/\0"), (dhcp.SUBNET_MASK, bytes(4))))
    assert parsed.tolerances() == ("trailing-nul",)
    assert parsed.option(dhcp.PROVISIONING_160) == b"http://192.0.2.1/\0"


def test_carelessness_is_told_in_a_fixed_order() -> None:
    careless = attrs.evolve(dhcp.parse(build(minimum=0)), hlen=16, flags=1, options=((dhcp.MESSAGE_TYPE, b"\5"),))
    parsed = dhcp.parse(careless.encode())
    assert parsed.tolerances() == ("under-300-bytes", "hlen-not-6", "reserved-flags", "no-end-option")
    assert parsed.type == dhcp.ACK
    assert dhcp.parse(build() + b"x").tolerances() == ("padding-not-zero",)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"op": 256}, "bad-field"),
        ({"xid": -1}, "bad-field"),
        ({"yiaddr": "host"}, "bad-address"),
        ({"options": ((256, b""),)}, "bad-option"),
        ({"options": ((-1, b""),)}, "bad-option"),
        ({"options": ((dhcp.END, b"x"),)}, "bad-option"),
        ({"options": ((dhcp.HOSTNAME, bytes(256)),)}, "option-too-long"),
    ],
)
def test_what_cannot_be_encoded(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(dhcp.DhcpError, match=expected):
        attrs.evolve(dhcp.parse(build()), **change).encode()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"chaddr": MAC[:5]}, "bad-hardware-address"),
        ({"type": 256}, "bad-field"),
        ({"secs": 65536}, "bad-field"),
        ({"siaddr": "host"}, "bad-address"),
    ],
)
def test_what_cannot_be_built(fields: dict[str, Any], expected: str) -> None:
    with pytest.raises(dhcp.DhcpError, match=expected):
        build(**fields)


@prop
@given(markers)
def test_pad_and_end_cannot_be_built_as_options(marker: tuple[int, bytes]) -> None:
    with pytest.raises(dhcp.DhcpError, match="bad-option"):
        build(marker)


def test_malformed_bytes_can_be_written() -> None:
    good = dhcp.parse(build())
    assert reason(attrs.evolve(good, options=good.options[:1], tail=b"\xa0\xffhttp").encode()) == "option-overrun"
    assert reason(attrs.evolve(good, chaddr=b"", sname=b"", file=b"").encode()) == "too-short"


@pytest.mark.parametrize("length", [0, 2])
def test_a_message_type_of_another_length_is_none(length: int) -> None:
    message = attrs.evolve(dhcp.parse(build()), options=((dhcp.MESSAGE_TYPE, bytes(length)),))
    assert message.type is None


def test_type_names() -> None:
    assert [dhcp.type_name(number) for number in (0, 1, 5, 9, 10)] == [
        "type 0",
        "DISCOVER",
        "ACK",
        "FORCERENEW",
        "type 10",
    ]
