"""The SIP codec: nothing is lost, careless senders are read, and sipmessage reads the same."""

import contextlib
import re

import attrs
import pytest
import sipmessage
from hypothesis import event, given, settings
from hypothesis import strategies as st

from emulator.wire import sip

prop = settings(deadline=None)

SUBSCRIBE_LINES = [
    "SUBSCRIBE sip:MAC%3a0080F0123456@224.0.1.75 SIP/2.0",
    "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK5f0c1a;rport",
    "From: <sip:MAC%3a0080F0123456@224.0.1.75>;tag=4d2",
    "To: <sip:MAC%3a0080F0123456@224.0.1.75>",
    "Call-ID: 7b3e@192.0.2.10",
    "CSeq: 1 SUBSCRIBE",
    'Event: ua-profile;profile-type="device";vendor="Panasonic";model="KX-UTG200B";version="03.210"',
    "Contact: <sip:192.0.2.10:5060>",
    "Max-Forwards: 70",
    "Expires: 0",
    "Accept: application/url",
    "User-Agent: Panasonic_KX-UTG200B/03.210 (0080f0123456)",
    "Content-Length: 0",
]
SUBSCRIBE = "".join(f"{line}\r\n" for line in [*SUBSCRIBE_LINES, ""]).encode()

PRINTED_NOTIFY = b"""NOTIFY sip:1234567890@sip.example.com SIP/2.0
Via: SIP/2.0/UDP xxx.xxx.xxx.xxx:5060;branch=abcdef-ghijkl
From: sip:prov@sip.example.com
To: sip:1234567890@sip.example.com
Date: Thu, 1 Jan 2014 01:01:01 GMT
Call-ID: 123456-12345678912345678
CSeq: 1 NOTIFY
Contact: sip:xxx.xxx.xxx.xxx:5060
Event: check-sync
Content-Length: 0

""".replace(b"\n", b"\r\n")

PNP_NOTIFY = b"""NOTIFY sip:192.0.2.10:5060 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKdeadbeef
From: <sip:MAC%3a0080F0123456@224.0.1.75>;tag=server
To: <sip:MAC%3a0080F0123456@224.0.1.75>;tag=phone
Call-ID: 7b3e@192.0.2.10
CSeq: 2 NOTIFY
Max-Forwards: 70
Event: ua-profile
Subscription-State: terminated;reason=timeout
Content-Type: application/url
Content-Length: 28

http://192.0.2.1/{MODEL}.cfg""".replace(b"\n", b"\r\n")

names = st.from_regex(r"[A-Za-z][A-Za-z0-9\-]{0,20}", fullmatch=True)
# What a builder takes and a reader gives back unchanged: no line ends or NUL, no white space at the ends.
values = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=60).map(lambda v: v.strip(" \t"))
header_lists = st.lists(st.tuples(names, values), max_size=12)
start_lines = st.one_of(
    st.tuples(st.sampled_from(["NOTIFY", "SUBSCRIBE", "X-a.1"]), st.just("sip:a@192.0.2.1")),
    st.tuples(st.integers(100, 699), st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0 \t"), max_size=9)),
)
fragments = st.sampled_from(
    [b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"\0", b"\xff", b";", b'"', b"<", b"l: 3\r\n", b"\r\n\r\n"]
)


def write(start: tuple[str | int, str], headers: list[tuple[str, str]], body: bytes) -> bytes:
    first, second = start
    if isinstance(first, int):
        return sip.response(first, second, headers, body)
    return sip.request(first, second, headers, body)


def reason(data: bytes) -> str:
    with pytest.raises(sip.SipError) as caught:
        sip.parse(data)
    assert str(caught.value) == caught.value.reason
    return caught.value.reason


def read_everything(message: sip.Message) -> None:
    used = message.tolerances()
    assert [code for code in sip.TOLERANCES if code in used] == list(used)
    message.content()
    for header in message.headers:
        assert message.get(header.name) is not None
        for lenient in (sip.token, sip.tag, sip.first_value):
            lenient(header.value)
        sip.param(header.value, "x")
        for reader in (sip.parse_name_addr, sip.cseq, sip.parse_via):
            with contextlib.suppress(sip.SipError):
                reader(header.value)
    for text in (message.start_line, *(header.value for header in message.headers)):
        text.encode()


@prop
@given(start_lines, header_lists, st.binary(max_size=80))
def test_what_is_built_is_what_is_read(
    start: tuple[str | int, str], headers: list[tuple[str, str]], body: bytes
) -> None:
    data = write(start, headers, body)
    message = sip.parse(data)
    given_length = any(name.lower() in ("content-length", "l") for name, _ in headers)
    added = [] if given_length else [("Content-Length", str(len(body)))]
    assert [(header.name, header.value) for header in message.headers] == headers + added
    assert message.body == body
    assert message.encode() == data
    assert (message.is_request, message.method or message.status) == (isinstance(start[0], str), _upper(start[0]))
    assert (message.request_uri if message.is_request else message.phrase) == start[1]


def _upper(first: str | int) -> str | int:
    return first.upper() if isinstance(first, str) else first


@prop
@given(st.sampled_from([SUBSCRIBE, PRINTED_NOTIFY, PNP_NOTIFY]), st.data())
def test_whatever_parses_encodes_to_the_same_bytes(good: bytes, data: st.DataObject) -> None:
    mutated = bytearray(good)
    for _ in range(data.draw(st.integers(0, 8))):
        at = data.draw(st.integers(0, len(mutated)))
        mutated[at : at + data.draw(st.integers(0, 3))] = data.draw(fragments)
    try:
        message = sip.parse(bytes(mutated))
    except sip.SipError as error:
        event(error.reason)
        return
    assert message.encode() == bytes(mutated)
    read_everything(message)


@prop
@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(lambda rest: b"SIP/2.0 200 OK\r\n" + rest)))
def test_noise_raises_only_its_own_error(noise: bytes) -> None:
    try:
        message = sip.parse(noise)
    except sip.SipError:
        return
    assert message.encode() == noise
    read_everything(message)


@prop
@given(st.lists(st.tuples(names.map(str.encode), st.binary(max_size=40))))
def test_a_response_can_repeat_whatever_was_read(fields: list[tuple[bytes, bytes]]) -> None:
    data = b"NOTIFY sip:a SIP/2.0\r\n" + b"".join(b"%b: %b\r\n" % field for field in fields) + b"\r\n"
    try:
        message = sip.parse(data)
    except sip.SipError:
        return
    headers = [(header.name, header.value) for header in message.headers]
    answer = sip.parse(sip.response(200, "OK", headers))
    assert [(header.name, header.value) for header in answer.headers][: len(headers)] == headers


tokens = st.from_regex(r"[a-z0-9][a-z0-9\-]{0,12}", fullmatch=True)
hosts = st.sampled_from(["192.0.2.10", "sip.example.com", "[2001:db8::1]"])


@st.composite
def standard_requests(draw: st.DrawFn) -> bytes:
    host, port = draw(hosts), draw(st.integers(1, 65535))
    method = draw(st.sampled_from(["NOTIFY", "SUBSCRIBE", "OPTIONS"]))
    display = draw(st.sampled_from(["", "Phone ", '"Smith, \\"J\\"; <x>" ']))
    headers = [
        ("Via", f"SIP/2.0/UDP {host}:{port};branch=z9hG4bK{draw(tokens)};rport"),
        ("From", f"{display}<sip:{draw(tokens)}@{host}:{port}>;tag={draw(tokens)}"),
        ("To", f"<sip:{draw(tokens)}@{host}>"),
        ("Call-ID", f"{draw(tokens)}@{host}"),
        ("CSeq", f"{draw(st.integers(0, 2**31 - 1))} {method}"),
    ]
    for name in draw(st.lists(st.sampled_from(["Subject", "s", "User-Agent", "Max-Forwards"]), max_size=3)):
        headers.append((name, draw(tokens)))
    return sip.request(method, f"sip:{host}:{port}", headers, draw(st.binary(max_size=40)))


@prop
@given(standard_requests())
def test_sipmessage_reads_the_same(data: bytes) -> None:
    ours, theirs = sip.parse(data), sipmessage.Message.parse(data)
    assert isinstance(theirs, sipmessage.Request)
    assert (ours.method, ours.request_uri, ours.body) == (theirs.method, str(theirs.uri), theirs.body)
    for name in theirs.headers.keys():  # noqa: SIM118 - their class has no __iter__
        assert list(ours.all(name)) == theirs.headers.getlist(name)
    via, sender, number = theirs.via[0], theirs.from_address, theirs.cseq
    assert sender is not None
    assert number is not None
    ours_via = sip.top_via(ours)
    assert (ours_via.transport, ours_via.host, ours_via.port) == (via.transport, via.host, via.port)
    assert dict(ours_via.params) == dict(via.parameters)
    address = sip.parse_name_addr(ours.get("f") or "")
    assert (address.uri, dict(address.params)) == (str(sender.uri), dict(sender.parameters))
    assert sip.cseq(ours.get("CSeq") or "") == (number.sequence, number.method)


@prop
@given(st.integers(100, 699), st.sampled_from(["OK", "Bad Event", ""]), st.binary(max_size=40))
def test_sipmessage_reads_the_same_response(status: int, phrase: str, body: bytes) -> None:
    data = sip.response(status, phrase, [("CSeq", "1 NOTIFY"), ("Call-ID", "a@b")], body)
    ours, theirs = sip.parse(data), sipmessage.Message.parse(data)
    assert isinstance(theirs, sipmessage.Response)
    assert (ours.status, ours.phrase, ours.body) == (theirs.code, theirs.phrase, theirs.body)


@pytest.mark.spec("PROV-056", "PROV-057a")
def test_the_subscribe_is_written_line_for_line() -> None:
    method, uri, _ = SUBSCRIBE_LINES[0].split(" ")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in SUBSCRIBE_LINES[1:-1])]
    data = sip.request(method, uri, headers)
    assert data.split(b"\r\n") == [*(line.encode() for line in SUBSCRIBE_LINES), b"", b""]
    assert sip.parse(data).tolerances() == ()


@pytest.mark.spec("PROV-057")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("profile-type", "device"),
        ("VENDOR", "Panasonic"),
        ("model", "KX-UTG200B"),
        ("version", "03.210"),
        ("vender", None),
    ],
)
def test_event_parameters_are_read_without_quotes(name: str, value: str | None) -> None:
    event = sip.parse(SUBSCRIBE).get("o")
    assert event is not None
    assert sip.token(event) == "ua-profile"
    assert sip.param(event, name) == value


@pytest.mark.spec("PROV-251", "PROV-252")
def test_the_printed_notify_is_read_with_its_tolerances() -> None:
    message = sip.parse(PRINTED_NOTIFY)
    assert (message.method, message.request_uri) == ("NOTIFY", "sip:1234567890@sip.example.com")
    assert message.tolerances() == (
        "no-max-forwards",
        "no-subscription-state",
        "branch-without-cookie",
        "no-from-tag",
        "uri-without-brackets",
    )
    assert sip.parse_name_addr(message.get("From") or "").uri == "sip:prov@sip.example.com"
    assert sip.top_via(message) == sip.Via("UDP", "xxx.xxx.xxx.xxx", 5060, (("branch", "abcdef-ghijkl"),))
    assert message.encode() == PRINTED_NOTIFY


@pytest.mark.spec("PROV-253")
@pytest.mark.parametrize("event", ["check-sync", "Check-Sync;reboot=true", " CHECK-SYNC ; reboot=true"])
def test_the_event_token_ends_at_the_semicolon(event: str) -> None:
    assert sip.token(event) == "check-sync"
    assert sip.param(event, "Reboot") == ("true" if "reboot" in event else None)


def change(old: bytes, new: bytes, count: int = -1) -> bytes:
    assert old in PNP_NOTIFY
    return PNP_NOTIFY.replace(old, new, count)


TOLERATED = {
    "leading-blank-line": b"\r\n\r\n" + PNP_NOTIFY,
    "start-line-spacing": change(b" SIP/2.0\r\n", b"  SIP/2.0 \r\n"),
    "lower-case-method": change(b"NOTIFY sip", b"Notify sip"),
    "lower-case-version": change(b"5060 SIP/2.0", b"5060 sip/2.0"),
    "bare-lf": change(b"\r\nCSeq", b"\nCSeq"),
    "bare-cr": change(b"\r\nCSeq", b"\r\r\nCSeq"),
    "space-before-colon": change(b"Event:", b"Event \t:"),
    "folded-header": change(b"terminated;", b"terminated\r\n \t;"),
    "no-content-length": change(b"Content-Length: 28\r\n", b""),
    "bad-content-length": change(b": 28", b": -28"),
    "content-length-too-large": change(b": 28", b": 29"),
    "no-via": re.sub(rb"Via:.*\r\n", b"", PNP_NOTIFY),
    "no-from": re.sub(rb"From:.*\r\n", b"", PNP_NOTIFY),
    "no-to": re.sub(rb"To:.*\r\n", b"", PNP_NOTIFY),
    "no-call-id": re.sub(rb"Call-ID:.*\r\n", b"", PNP_NOTIFY),
    "no-cseq": re.sub(rb"CSeq:.*\r\n", b"", PNP_NOTIFY),
    "no-max-forwards": re.sub(rb"Max-Forwards:.*\r\n", b"", PNP_NOTIFY),
    "no-event": re.sub(rb"Event:.*\r\n", b"", PNP_NOTIFY),
    "no-subscription-state": re.sub(rb"Subscription-State:.*\r\n", b"", PNP_NOTIFY),
    "branch-without-cookie": change(b"z9hG4bK", b""),
    "no-from-tag": change(b";tag=server", b""),
    "uri-without-brackets": change(b"<sip:MAC%3a0080F0123456@224.0.1.75>;tag=phone", b"sip:a@b;tag=phone"),
}


@pytest.mark.spec("PROV-057b", "PROV-252")
@pytest.mark.parametrize("code", TOLERATED)
def test_each_tolerance_is_told_and_loses_nothing(code: str) -> None:
    message = sip.parse(TOLERATED[code])
    assert message.tolerances() == (code,)
    assert message.method == "NOTIFY"
    assert message.content() == b"http://192.0.2.1/{MODEL}.cfg"
    assert message.encode() == TOLERATED[code]


def test_every_tolerance_is_tried() -> None:
    others = {"content-length-too-small", "no-blank-line", "no-reason-phrase"}
    assert set(TOLERATED) | others == set(sip.TOLERANCES)


def test_a_good_notify_needs_no_tolerance() -> None:
    assert sip.parse(PNP_NOTIFY).tolerances() == ()


def test_the_body_is_cut_to_its_length() -> None:
    message = sip.parse(PNP_NOTIFY + b"\r\n")
    assert message.tolerances() == ("content-length-too-small",)
    assert message.content() == b"http://192.0.2.1/{MODEL}.cfg"
    assert message.body == message.content() + b"\r\n"


def test_tolerances_of_other_shapes() -> None:
    answer = sip.response(200, "OK", [("v", "SIP/2.0/UDP a;branch=z9hG4bKx"), ("f", "<sip:a>;tag=1"), ("t", "<sip:b>")])
    answer = answer.replace(b"\r\nContent", b"\r\ni: 1\r\nCSeq: 1 NOTIFY\r\nContent")
    assert sip.parse(answer).tolerances() == ()
    assert sip.parse(answer.replace(b"200 OK", b"200")).tolerances() == ("no-reason-phrase",)
    for cut in (b"\r\n", b"\r\n\r\n"):
        assert sip.parse(answer.removesuffix(cut)).tolerances() == ("no-blank-line",)
    assert sip.parse(answer.removesuffix(b"\n")).tolerances() == ("bare-cr", "no-blank-line")
    assert sip.parse(answer.replace(b"\r\n", b"\n")).tolerances() == ("bare-lf",)


def test_long_and_compact_names_are_one() -> None:
    message = sip.parse(b"SIP/2.0 200 OK\r\nV: one\r\nvia: two, three\r\nX: 9\r\n\r\n")
    assert message.all("Via") == message.all("v") == ("one", "two, three")
    assert message.get("session-expires") == "9"
    assert message.get("From") is None
    assert message.all("From") == ()


def test_folded_and_foreign_text_is_readable() -> None:
    message = sip.parse(b"SIP/2.0 200 \xff\r\nSubject:\r\n a\r\n \r\n\t b \xe9\r\nA: x\ry\r\nB: \xc2\xa0z\r\n\r\n")
    assert (message.phrase, message.get("s")) == ("�", "a b �")
    assert (message.get("A"), message.get("B")) == ("x y", "\xa0z")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "no-start-line"),
        (b"\r\n\r\n", "no-start-line"),
        (b"\0\0\0\0", "bad-start-line"),
        (b"NOTIFY sip:a SIP/3.0\r\n\r\n", "bad-start-line"),
        (b"NOTIFY sip:a b SIP/2.0\r\n\r\n", "bad-start-line"),
        ("NOTIFY sip:a \u017fIP/2.0\r\n\r\n".encode(), "bad-start-line"),
        (b"SIP/2.0 099 OK\r\n\r\n", "bad-start-line"),
        (b"SIP/2.0 2000 OK\r\n\r\n", "bad-start-line"),
        (b"SIP/2.0 200 OK\r\n folded\r\n\r\n", "bad-header"),
        (b"SIP/2.0 200 OK\r\nno colon\r\n\r\n", "bad-header"),
        (b"SIP/2.0 200 OK\r\n: no name\r\n\r\n", "bad-header"),
        (b"SIP/2.0 200 OK\r\nA B: c\r\n\r\n", "bad-header"),
        (b"SIP/2.0 200 OK\r\nA: b\0c\r\n\r\n", "bad-header"),
        (b"SIP/2.0 200 OK\r\n" + b"A: b\r\n" * 201 + b"\r\n", "too-many-headers"),
        (b"SIP/2.0 200 OK\r\nA: " + b"b" * 8190 + b"\r\n\r\n", "header-too-long"),
        (b"SIP/2.0 200 " + b"b" * 8190 + b"\r\n\r\n", "start-line-too-long"),
        (b"SIP/2.0 200 OK\r\n\r\n" + bytes(65_518), "too-long"),
    ],
)
def test_reasons(data: bytes, expected: str) -> None:
    assert reason(data) == expected


def test_limits_are_inclusive() -> None:
    assert len(sip.parse(b"SIP/2.0 200 OK\r\n" + b"A: b\r\n" * 200).headers) == 200
    assert len(sip.parse(b"SIP/2.0 200 OK\r\nA: " + b"b" * 8187 + b"\r\n\r\n").headers[0].raw) == 8192
    assert len(sip.parse(b"SIP/2.0 200 OK\r\n\r\n" + bytes(65_517)).body) == 65_517


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "\r\nX: y", "\ud800"])
def test_values_cannot_smuggle_lines(bad: str) -> None:
    with pytest.raises(sip.SipError, match="bad-header"):
        sip.request("NOTIFY", "sip:a", [("Subject", f"a{bad}")])


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "\0", "é"])
def test_names_cannot_smuggle_lines(name: str) -> None:
    with pytest.raises(sip.SipError, match="bad-header"):
        sip.response(200, "OK", [(name, "x")])


@pytest.mark.parametrize(
    ("method", "uri"), [("", "sip:a"), ("A B", "sip:a"), ("A", ""), ("A", "sip:a b"), ("A", "a\r\nb")]
)
def test_start_lines_cannot_smuggle_lines(method: str, uri: str) -> None:
    with pytest.raises(sip.SipError, match="bad-start-line"):
        sip.request(method, uri, [])


@pytest.mark.parametrize(("status", "phrase"), [(99, "x"), (700, "x"), (200, "a\nb"), (200, "\0")])
def test_bad_responses_are_not_written(status: int, phrase: str) -> None:
    with pytest.raises(sip.SipError, match="bad-start-line"):
        sip.response(status, phrase, [])


def test_malformed_bytes_can_be_written() -> None:
    good = sip.parse(PNP_NOTIFY)
    bad = attrs.evolve(good, start=b"NOTIFY\r\n", headers=(sip.Header("", "", b"\0"), *good.headers[1:]), separator=b"")
    assert bad.encode().startswith(b"NOTIFY\r\n\0From")
    assert bad.tolerances() == ("no-blank-line", "no-via")
    with pytest.raises(sip.SipError, match="bad-start-line"):
        _ = attrs.evolve(good, start_line="NOTIFY").method
    wrong_length = sip.request("NOTIFY", "sip:a", [("l", "9")], b"abc")
    assert wrong_length.endswith(b"l: 9\r\n\r\nabc")


def test_no_via() -> None:
    with pytest.raises(sip.SipError, match="no-via"):
        sip.top_via(sip.parse(sip.response(200, "OK", [])))
