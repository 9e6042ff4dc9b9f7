"""LLDP messages and network policies."""

from __future__ import annotations

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from emulator.wire import lldp
from emulator.wire.lldp import LldpError, Message, Policy, Tlv, parse

OTHER = st.builds(Tlv, st.sampled_from([4, 5, 6, 7, 8, 9, 126, 127]), st.binary(max_size=60))
IDS = st.binary(min_size=2, max_size=20)
POLICIES = st.builds(
    *(Policy, st.integers(0, 255), st.booleans(), st.booleans()),
    *(st.integers(0, 4095), st.integers(0, 7), st.integers(0, 63)),
)
SWITCH = (b"\x04\x02\x00\x00\x00\xaa\x01", b"\x07Gi0/12")


@given(IDS, IDS, st.integers(0, 0xFFFF), st.lists(OTHER, max_size=6), st.binary(max_size=20))
def test_what_is_built_is_read(chassis: bytes, port: bytes, ttl: int, tlvs: list[Tlv], tail: bytes) -> None:
    data = lldp.build(chassis, port, ttl, tlvs) + tail
    message = parse(data)
    assert message.encode() == data
    assert message.tlvs[3:-1] == tuple(tlvs)
    assert (message.ttl, message.tail) == (ttl, tail)
    open_ended = Message(message.tlvs[:-1])
    assert parse(open_ended.encode()) == open_ended


@given(st.binary(max_size=60) | st.builds(bytes.__add__, st.just(lldp.build(*SWITCH, 1, ())[:-2]), st.binary()))
def test_junk_is_refused_with_a_code_or_kept_whole(data: bytes) -> None:
    try:
        message = parse(data)
    except LldpError as error:
        event(error.reason)
        return
    assert message.encode() == data
    assert isinstance(message.name + message.port, str)
    assert message.policy(lldp.VOICE) is None or message.ttl >= 0


@given(POLICIES)
def test_a_policy_comes_back(policy: Policy) -> None:
    message = parse(lldp.build(*SWITCH, 120, [lldp.med_capabilities(lldp.NETWORK), policy.encode()]))
    assert message.policy(policy.application) == policy
    assert message.policy(policy.application + 1) is None


def test_a_policy_as_the_standard_draws_it() -> None:
    """TIA-1057 figure 12: type, U, T and X, 12 bits of VLAN, 3 of priority, 6 of DSCP."""
    policy = Policy(lldp.VOICE, unknown=False, tagged=True, vlan=20, priority=5, dscp=46)
    assert policy.encode().value.hex() == "0012bb020140296e"
    asking = Policy(lldp.VOICE, unknown=True, tagged=False, vlan=0, priority=0, dscp=0)
    assert asking.encode().value.hex() == "0012bb0201800000"


@pytest.mark.parametrize("wrong", [Policy(256, False, True, 1, 0, 0), Policy(1, False, True, 4096, 0, 0)])
def test_a_policy_that_does_not_fit_is_not_written(wrong: Policy) -> None:
    with pytest.raises(LldpError) as caught:
        wrong.encode()
    assert caught.value.reason == "bad-policy"


@pytest.mark.parametrize("length", [0, 3, 5])
def test_a_policy_of_another_length_is_none(length: int) -> None:
    message = parse(lldp.build(*SWITCH, 120, [lldp.med(lldp.MED_POLICY, b"\1" * length)]))
    assert message.policy(lldp.VOICE) is None


CHASSIS, PORT, TTL = Tlv(1, SWITCH[0]), Tlv(2, SWITCH[1]), Tlv(3, b"\0\x78")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "bad-mandatory"),
        (Message((PORT, CHASSIS, TTL)).encode(), "bad-mandatory"),
        (Message((CHASSIS, PORT)).encode(), "bad-mandatory"),
        (Message((CHASSIS, PORT, TTL, TTL)).encode(), "bad-mandatory"),
        (Message((CHASSIS, PORT, Tlv(3, b"\0"))).encode(), "bad-mandatory"),
        (Message((Tlv(1, b"\4"), PORT, TTL)).encode(), "bad-mandatory"),
        (Message((CHASSIS, PORT, TTL)).encode() + b"\xfe", "tlv-overrun"),
        (Message((CHASSIS, PORT, TTL)).encode() + b"\xfe\x01", "tlv-overrun"),
        (bytes(1501), "too-long"),
    ],
)
def test_why_a_message_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(LldpError) as caught:
        parse(data)
    assert caught.value.reason == reason


@pytest.mark.parametrize("tlv", [Tlv(128, b""), Tlv(5, bytes(512))])
def test_an_element_that_does_not_fit_is_not_written(tlv: Tlv) -> None:
    with pytest.raises(LldpError) as caught:
        Message((tlv,)).encode()
    assert caught.value.reason == "bad-tlv"


def test_a_lifetime_that_does_not_fit_is_not_written() -> None:
    with pytest.raises(LldpError):
        lldp.build(*SWITCH, 65_536, ())


def test_names_and_ports() -> None:
    assert parse(lldp.build(*SWITCH, 1, ())).name == "02:00:00:00:aa:01"
    named = parse(lldp.build(*SWITCH, 1, [Tlv(lldp.SYSTEM_NAME, b"switch-1")]))
    assert (named.name, named.port) == ("switch-1", "Gi0/12")
    assert parse(lldp.build(b"\x07\xff\xfe", b"\x03\x02\x00\x00\x00\xaa\x0c", 1, ())).name == "fffe"
    assert parse(lldp.build(b"\x07a", b"\x03\x02\x00\x00\x00\xaa\x0c", 1, ())).port == "02:00:00:00:aa:0c"
