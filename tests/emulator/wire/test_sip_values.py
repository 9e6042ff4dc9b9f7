"""The readers of SIP field values: what the RFC allows, what careless senders write, and junk."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.wire import sip_values as values

prop = settings(deadline=None)


@prop
@given(st.text(max_size=80))
def test_the_readers_raise_only_their_own_error(value: str) -> None:
    for lenient in (values.token, values.tag, values.first_value, values.split_list, values.seconds):
        lenient(value)
    values.param(value, "tag")
    for reader in (values.parse_name_addr, values.cseq, values.parse_via):
        with contextlib.suppress(values.SipError):
            reader(value)


@pytest.mark.parametrize(
    ("value", "uri", "params"),
    [
        ("<sip:a@b;x=1>;tag=t", "sip:a@b;x=1", (("tag", "t"),)),
        ("sip:a@b;tag=t", "sip:a@b", (("tag", "t"),)),
        ("sip:a@b", "sip:a@b", ()),
        ('"<sip:no>;tag=no \\" x" <sip:a@b> ; Tag = t ; lr', "sip:a@b", (("Tag", "t"), ("lr", None))),
        ("Smith, John <sip:a@b>;tag=t", "sip:a@b", (("tag", "t"),)),
        ('<sip:a>;q="1;2,3", <sip:b>;tag=no', "sip:a", (("q", "1;2,3"),)),
        ("sip:a, sip:b", "sip:a", ()),
        ("*", "*", ()),
    ],
)
def test_addresses(value: str, uri: str, params: values.Params) -> None:
    assert values.parse_name_addr(value) == values.NameAddr(uri, params)


@pytest.mark.parametrize("value", ["", "<>", "<sip:a", "sip:a>", ";tag=x", '"x <sip:a>', "< >"])
def test_bad_addresses(value: str) -> None:
    with pytest.raises(values.SipError, match="bad-address"):
        values.parse_name_addr(value)
    assert values.tag(value) is None


def test_tags() -> None:
    assert values.tag("<sip:a;tag=no>;TAG=yes") == "yes"
    assert values.tag("<sip:a;tag=no>") is None
    assert values.tag("<sip:a>;tag") == ""


@pytest.mark.parametrize(
    "value", ["", "NOTIFY", "1", "-1 NOTIFY", "4294967296 NOTIFY", "9" * 5000 + " A", "1 A B", "\u0661 A"]
)
def test_bad_cseq(value: str) -> None:
    with pytest.raises(values.SipError, match="bad-cseq"):
        values.cseq(value)


def test_cseq() -> None:
    assert values.cseq(" 4294967295 \t notify") == (2**32 - 1, "NOTIFY")


def test_via_reads_the_first_element() -> None:
    via = values.parse_via("sip / 2.0 / udp [::1] : 5062 ;rport;Branch=a , SIP/2.0/UDP other")
    assert via == values.Via("UDP", "[::1]", 5062, (("rport", None), ("Branch", "a")))
    assert (via.param("RPORT"), via.param("branch"), via.param("maddr")) == ("", "a", None)


@pytest.mark.parametrize("value", ["", ",", "SIP/2.0/UDP", "SIP/2.0 host", "SIP/2.0/UDP a:65536", "SIP/2.0/UDP a b"])
def test_bad_via(value: str) -> None:
    with pytest.raises(values.SipError, match="bad-via"):
        values.parse_via(value)


def test_lists_are_split_outside_quotes_and_brackets() -> None:
    assert values.first_value(' "a, b" <sip:x,y> ;q=1 , sip:c') == '"a, b" <sip:x,y> ;q=1'
    assert values.first_value(", sip:c") == ""
    assert values.first_value("") == ""


@pytest.mark.parametrize(
    ("value", "elements"),
    [
        ('"a, b" <sip:x,y>;q=1 , sip:c', ('"a, b" <sip:x,y>;q=1', "sip:c")),
        (", sip:c,,", ("sip:c",)),
        ("<sip:a, sip:b", ("<sip:a, sip:b",)),
        ("", ()),
    ],
)
def test_lists_are_split_whole(value: str, elements: tuple[str, ...]) -> None:
    assert values.split_list(value) == elements


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (" 0060\t", 60),
        ("4294967296", 2**32 - 1),
        ("9" * 20, 2**32 - 1),
        *((text, None) for text in ("", "-1", "1.5", "1;x", "9" * 21, "9" * 5000, "\u0661", "60s")),
    ],
)
def test_seconds(value: str, number: int | None) -> None:
    assert values.seconds(value) == number


def test_parameters_keep_what_quotes_hide() -> None:
    assert values.param('x;a="1;b=2\\"";c=3', "a") == '1;b=2"'
    assert values.param('x;a="1;b=2";c=3', "b") is None
    assert values.param("x; c = 3 ;d", "c") == "3"
    assert values.param("x;d;D=2", "D") == ""
    assert values.param("x", "d") is None
