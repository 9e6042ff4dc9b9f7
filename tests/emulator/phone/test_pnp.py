"""SIP plug and play: the SUBSCRIBE to the letter, its timing, and what counts as an answer (PROV-050 to PROV-066)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import (
    SECOND,
    DatagramSent,
    DownloadOrdered,
    Entry,
    LinkDown,
    PacketRefused,
    PnpAnswered,
    PnpEnded,
    PnpSettled,
    SourceTried,
    ToleranceUsed,
)
from emulator.phone.kx_utg200 import kx_utg200
from emulator.wire import dhcp as wire
from emulator.wire import sip
from tests.emulator.phone.bench import ADDRESS, MAC, MODEL, Bench, datagrams, of, steps

GROUP = "224.0.1.75"
RESPONDER = "192.0.2.5"
URL = "http://192.0.2.20/{MODEL}.cfg"


def subscribed(**changes: Any) -> Bench:
    """A phone that has just sent its first SUBSCRIBE, and knows a URL from option 160 as well."""
    bench = Bench(**changes)
    bench.link_up()
    bench.bind((wire.PROVISIONING_160, b"http://192.0.2.20/160.cfg"))
    return bench


def sent(bench: Bench) -> list[tuple[int, DatagramSent]]:
    return [(e.time, event) for e, event in datagrams(bench.entries, 5060) if event.destination == GROUP]


def first(bench: Bench) -> sip.Message:
    return sip.parse(sent(bench)[0][1].payload)


def answers(entries: list[Entry]) -> list[DatagramSent]:
    return [event for _, event in datagrams(entries, 5061) if event.payload.startswith(b"SIP/2.0")]


def start(bench: Bench) -> int:
    return sent(bench)[0][0]


FIELDS = {
    "via": "Via",
    "sender": "From",
    "to": "To",
    "call_id": "Call-ID",
    "cseq": "CSeq",
    "event": "Event",
    "state": "Subscription-State",
    "content_type": "Content-Type",
}


def notify(bench: Bench, body: str = URL, **changes: str) -> bytes:
    """A NOTIFY for this phone's subscription; changes replace the header fields of FIELDS."""
    asked = first(bench)
    headers = {
        "Via": f"SIP/2.0/UDP {RESPONDER}:5061;branch=z9hG4bKn1;rport",
        "From": f"<sip:pnp@{RESPONDER}>;tag=abc",
        "To": asked.get("From") or "",
        "Call-ID": asked.get("Call-ID") or "",
        "CSeq": "7 NOTIFY",
        "Max-Forwards": "70",
        "Event": "ua-profile",
        "Subscription-State": "terminated;reason=timeout",
        "Content-Type": "application/url",
    }
    headers |= {FIELDS[name]: value for name, value in changes.items()}
    return sip.request("NOTIFY", f"sip:{ADDRESS}:5060", headers.items(), body.encode())


def response(bench: Bench, status: int = 200, **changes: str) -> bytes:
    asked = first(bench)
    copied = {name: asked.get(name) or "" for name in ("Via", "From", "To", "Call-ID", "CSeq")}
    copied["To"] += ";tag=xyz"
    return sip.response(status, "Whatever", {**copied, **changes}.items())


def receive(bench: Bench, payload: bytes) -> list[Entry]:
    return bench.receive(payload, 5060, RESPONDER, 5061)


# --- The SUBSCRIBE --------------------------------------------------------------------------------------------------

WANTED = """\
SUBSCRIBE sip:MAC%3a0080F0123456@224.0.1.75 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK<random>;rport
From: <sip:MAC%3a0080F0123456@224.0.1.75>;tag=<random>
To: <sip:MAC%3a0080F0123456@224.0.1.75>
Call-ID: <random>@192.0.2.10
CSeq: 1 SUBSCRIBE
Event: ua-profile;profile-type="device";vendor="Panasonic";model="KX-UTG200B";version="03.210"
Contact: <sip:192.0.2.10:5060>
Max-Forwards: 70
Expires: 0
Accept: application/url
User-Agent: Panasonic_KX-UTG200B/03.210 (0080f0123456)
Content-Length: 0

"""


def pattern(text: str) -> re.Pattern[bytes]:
    """``text`` with CRLF line ends, each ``<random>`` standing for a token of some length."""
    parts = [re.escape(part.replace("\n", "\r\n")) for part in text.split("<random>")]
    return re.compile("[0-9A-Za-z.-]{8,}".join(parts).encode())


@pytest.mark.spec("PROV-056", "PROV-057a")
def test_the_subscribe_is_the_one_of_the_specification_line_for_line() -> None:
    ((_, event),) = sent(subscribed())
    assert pattern(WANTED).fullmatch(event.payload), event.payload.decode()
    assert (event.source, event.source_port, event.destination, event.port) == (ADDRESS, 5060, GROUP, 5060)
    assert event.ttl == 1


@pytest.mark.spec("PROV-050", "PROV-056")
def test_a_strict_parser_has_nothing_to_overlook_in_it() -> None:
    message = first(subscribed())
    assert message.tolerances() == ()
    assert sip.top_via(message).param("rport") == ""
    assert sip.top_via(message).param("maddr") is None


@pytest.mark.spec("PROV-057")
@pytest.mark.parametrize("spelling", ["vendor", "vender"])
def test_the_vendor_parameter_is_spelt_as_the_option_says(spelling: str) -> None:
    ((_, event),) = sent(subscribed(firmware=kx_utg200().with_options(pnp_vendor_parameter=spelling)))
    assert pattern(WANTED.replace("vendor=", f"{spelling}=")).fullmatch(event.payload)


@pytest.mark.spec("PROV-066")
def test_the_via_names_the_group_only_if_the_option_says_so() -> None:
    ((_, event),) = sent(subscribed(firmware=kx_utg200().with_options(pnp_via_maddr=True)))
    via = sip.top_via(sip.parse(event.payload))
    assert (via.host, via.param("maddr"), via.param("ttl")) == (ADDRESS, GROUP, "1")


@pytest.mark.spec("PROV-057")
def test_model_and_version_are_those_of_the_phone() -> None:
    bench = subscribed(firmware=kx_utg200("01.999"))
    event = first(bench).get("Event") or ""
    assert (sip.param(event, "model"), sip.param(event, "version")) == (MODEL, "01.999")


@pytest.mark.spec("PROV-051")
def test_identities_are_fresh_at_every_start_and_the_same_in_every_copy() -> None:
    identities = set()
    for number in range(4):
        bench = subscribed(entropy=f"{number:064x}")
        bench.wait(5 * SECOND)
        payloads = {bytes(event.payload) for _, event in sent(bench)}
        assert len(payloads) == 1, "a retransmission is the same message (RFC 3261 s.17.1.2)"
        message = first(bench)
        identities |= {message.get("Call-ID"), sip.tag(message.get("From") or ""), message.get("Via")}
    assert len(identities) == 12


@pytest.mark.spec("PROV-055")
@pytest.mark.parametrize(("value", "sends"), [("Y", True), ("N", False), (None, True)])
def test_it_is_sent_only_if_enabled(value: str | None, sends: bool) -> None:
    bench = subscribed(provisioned=() if value is None else (("SIPPNP_ENABLE", value),))
    assert bool(sent(bench)) == sends
    if not sends:
        assert [e.event.reason for e in bench.of(SourceTried)][1] == "disabled"


# --- When -----------------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-058", "PROV-052")
@given(st.binary(min_size=32, max_size=32).map(bytes.hex))
@settings(deadline=None, max_examples=10)
def test_four_datagrams_and_the_end_after_five_seconds(entropy: str) -> None:
    bench = subscribed(entropy=entropy)
    bench.wait(100 * SECOND)
    assert [at - start(bench) for at, _ in sent(bench)] == [0, SECOND // 2, SECOND * 3 // 2, SECOND * 7 // 2]
    (ended,) = bench.of(PnpEnded)
    assert (ended.time - start(bench), ended.event.reason) == (5 * SECOND, "no-answer")
    assert steps(bench.entries)[:4] == [1, 2, 3, 4]


@pytest.mark.spec("PROV-059", "PROV-058")
@pytest.mark.parametrize("after", [0, SECOND, 4 * SECOND])
def test_a_final_response_stops_the_datagrams_and_nothing_else(after: int) -> None:
    bench = subscribed()
    bench.wait(after)
    receive(bench, response(bench))
    before = len(sent(bench))
    bench.wait(10 * SECOND)
    assert len(sent(bench)) == before
    assert [(e.time - start(bench), e.event.reason) for e in bench.of(PnpEnded)] == [(5 * SECOND, "no-notify")]


@pytest.mark.spec("PROV-058")
@pytest.mark.parametrize("payload", ["100", "other call", "garbage"])
def test_other_packets_do_not_stop_the_datagrams(payload: str) -> None:
    bench = subscribed()
    made = {
        "100": response(bench, 100),
        "other call": response(bench, **{"Call-ID": "other@192.0.2.10"}),
        "garbage": b"\x00\x01\x02",
    }
    receive(bench, made[payload])
    bench.wait(10 * SECOND)
    assert len(sent(bench)) == 4


@pytest.mark.spec("PROV-065")
@pytest.mark.parametrize("status", [400, 404, 489, 503, 603])
def test_a_refusal_does_not_end_the_wait(status: int) -> None:
    bench = subscribed()
    receive(bench, response(bench, status))
    assert not bench.of(PnpEnded)
    bench.wait(4 * SECOND)
    receive(bench, notify(bench))
    assert [entry.event.url for entry in bench.of(PnpAnswered)] == [URL]


def test_without_an_address_nothing_is_sent_and_the_wait_is_over() -> None:
    bench = subscribed()
    made = bench.feed(LinkDown())
    assert [entry.event.reason for entry in of(made, PnpEnded)] == ["no-address"]
    made += bench.wait(20 * SECOND)
    assert not of(made, DatagramSent)


# --- NOTIFY ---------------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-061", "PROV-003")
def test_an_acceptable_notify_brings_the_url_to_step_8() -> None:
    bench = subscribed()
    receive(bench, response(bench))
    made = receive(bench, notify(bench))
    assert [entry.event.url for entry in of(made, PnpAnswered)] == [URL]
    assert steps(made) == [8]
    assert of(made, DownloadOrdered)[0].event.urls == (f"http://192.0.2.20/{MODEL}.cfg",)


@pytest.mark.spec("PROV-060", "PROV-058")
def test_a_notify_before_the_response_is_accepted_and_stops_the_datagrams() -> None:
    bench = subscribed()
    made = receive(bench, notify(bench))
    assert of(made, PnpAnswered)
    assert of(made, PnpSettled)
    receive(bench, response(bench))
    bench.wait(10 * SECOND)
    assert len(sent(bench)) == 1
    assert len(bench.of(PnpSettled)) == 1


NO_DIALOG = "Subscription Does Not Exist"
TABLE = [
    pytest.param({}, 200, "OK", marks=pytest.mark.spec("PROV-061", "PROV-062")),
    pytest.param({"event": "UA-Profile;effective-by=1"}, 200, "OK", marks=pytest.mark.spec("PROV-061")),
    pytest.param({"content_type": "Application/URL;x=1"}, 200, "OK", marks=pytest.mark.spec("PROV-061")),
    pytest.param({"body": " \r\n10.0.0.2/x\n"}, 200, "OK", marks=pytest.mark.spec("PROV-061")),
    pytest.param({"body": "http://[2001:db8::1]/x"}, 200, "OK", marks=pytest.mark.spec("PROV-035", "PROV-061")),
    pytest.param({"body": "http://{mac}.example.com/"}, 200, "OK", marks=pytest.mark.spec("PROV-034", "PROV-036")),
    pytest.param({"call_id": "x@y", "to": "<sip:a@b>;tag=nope"}, 481, NO_DIALOG, marks=pytest.mark.spec("PROV-062")),
    pytest.param({"call_id": "x@y", "to": "<sip:a@b>"}, 481, NO_DIALOG, marks=pytest.mark.spec("PROV-062")),
    pytest.param({"call_id": "x@y"}, 200, "OK", marks=pytest.mark.spec("PROV-061")),
    pytest.param({"to": "<sip:a@b>"}, 200, "OK", marks=pytest.mark.spec("PROV-061")),
    pytest.param({"event": "message-summary"}, 489, "Bad Event", marks=pytest.mark.spec("PROV-062")),
    pytest.param({"event": ""}, 489, "Bad Event", marks=pytest.mark.spec("PROV-062")),
    pytest.param({"content_type": "text/plain"}, 415, "Unsupported Media Type", marks=pytest.mark.spec("PROV-062")),
    pytest.param({"body": ""}, 400, "Bad Request", marks=pytest.mark.spec("PROV-062")),
    pytest.param({"body": "two words"}, 400, "Bad Request", marks=pytest.mark.spec("PROV-062")),
    pytest.param({"body": "http://a/x\nhttp://b/x"}, 400, "Bad Request", marks=pytest.mark.spec("PROV-061")),
    pytest.param({"body": "gopher://192.0.2.20/x"}, 400, "Bad Request", marks=pytest.mark.spec("PROV-062")),
    pytest.param({"body": "http:/192.0.2.20/x"}, 400, "Bad Request", marks=pytest.mark.spec("PROV-062")),
]


@pytest.mark.parametrize(("changes", "status", "phrase"), TABLE)
def test_every_notify_is_answered_as_it_deserves(changes: dict[str, str], status: int, phrase: str) -> None:
    bench = subscribed()
    payload = notify(bench, **changes)
    given_headers = {header.name: header.value for header in sip.parse(payload).headers}
    made = receive(bench, payload)
    (answer,) = answers(made)
    lines = [f"SIP/2.0 {status} {phrase}"]
    lines += [f"{name}: {given_headers[name]}" for name in ("Via", "From", "To", "Call-ID", "CSeq")]
    assert answer.payload.decode().split("\r\n") == [*lines, "Content-Length: 0", "", ""]
    assert (answer.source, answer.source_port) == (ADDRESS, 5060)
    assert (answer.destination, answer.port) == (RESPONDER, 5061)
    assert bool(of(made, PnpAnswered)) == (status == 200)
    assert [entry.event.reason for entry in of(made, PacketRefused)] == ([] if status == 200 else [f"notify-{status}"])


@pytest.mark.parametrize(("via", "port"), [(";rport", 5061), (":5070", 5070), ("", 5060), (":5070;rport", 5061)])
def test_the_answer_goes_where_its_via_says(via: str, port: int) -> None:
    """RFC 3261 s.18.2.2, RFC 3581 s.4: with rport to the source port, else to the port of the Via, else to 5060."""
    bench = subscribed()
    port_part, _, rport = via.partition(";")
    where = f"SIP/2.0/UDP {RESPONDER}{port_part};branch=z9hG4bKn1{';' + rport if rport else ''}"
    payload = notify(bench, via=where)
    made = receive(bench, payload)
    sent_to = [(e.destination, e.port) for _, e in datagrams(made, port) if e.payload.startswith(b"SIP/2.0 200")]
    assert sent_to == [(RESPONDER, port)]


@pytest.mark.spec("PROV-062")
@pytest.mark.parametrize("changes", [p.values[0] for p in TABLE if p.values[1] != 200])
def test_after_a_bad_notify_the_phone_keeps_waiting(changes: dict[str, str]) -> None:
    bench = subscribed()
    receive(bench, notify(bench, **changes))
    bench.wait(3 * SECOND)
    assert len(sent(bench)) == 3, "nor does it stop the datagrams"
    receive(bench, notify(bench))
    assert [entry.event.url for entry in bench.of(PnpAnswered)] == [URL]


@pytest.mark.spec("PROV-062")
def test_an_answer_repeats_every_via_and_the_values_as_they_came() -> None:
    bench = subscribed()
    payload = notify(bench, cseq="0042   NOTIFY", sender='"A, B" <sip:x@y;p=1>;tag=q')
    payload = payload.replace(b"\r\nFrom:", b"\r\nVia: SIP/2.0/UDP far.example.com;branch=z9hG4bKz\r\nFrom:", 1)
    (answer,) = answers(receive(bench, payload))
    message = sip.parse(answer.payload)
    assert message.all("Via") == sip.parse(payload).all("Via")
    assert len(message.all("Via")) == 2
    assert message.get("CSeq") == "0042   NOTIFY"
    assert message.get("From") == sip.parse(payload).get("From")


@pytest.mark.spec("PROV-281")
def test_a_phone_without_an_address_hears_no_notify() -> None:
    """It has nothing to answer from."""
    bench = Bench()
    bench.link_up()
    made = receive(bench, notify(subscribed()))
    assert [(e.event.protocol, e.event.reason) for e in of(made, PacketRefused)] == [("UDP", "no-address")]
    assert not answers(made)


@pytest.mark.spec("PROV-063")
def test_a_second_notify_in_the_window_is_answered_and_ignored() -> None:
    bench = subscribed()
    receive(bench, notify(bench))
    bench.wait(4 * SECOND)
    made = receive(bench, notify(bench, "http://192.0.2.99/other.cfg"))
    assert [answer.payload.split(b"\r\n")[0] for answer in answers(made)] == [b"SIP/2.0 200 OK"]
    assert not of(made, PnpAnswered)
    assert steps(bench.entries) == [1, 2, 3, 8]
    assert [e.event.url for e in bench.of(PnpAnswered)] == [URL]


@pytest.mark.spec("PROV-052", "PROV-062")
@pytest.mark.parametrize("answered", [False, True])
def test_a_notify_after_the_window_finds_no_subscription(answered: bool) -> None:
    bench = subscribed()
    if answered:
        receive(bench, notify(bench))
    bench.wait(5 * SECOND)
    made = receive(bench, notify(bench))
    assert [answer.payload.split(b"\r\n")[0] for answer in answers(made)] == [f"SIP/2.0 481 {NO_DIALOG}".encode()]
    assert len(bench.of(PnpAnswered)) == answered


@pytest.mark.spec("PROV-052")
def test_a_notify_in_the_last_nanosecond_counts() -> None:
    bench = subscribed()
    bench.wait(5 * SECOND - 1)
    assert of(receive(bench, notify(bench)), PnpAnswered)
    bench.wait(10 * SECOND)
    assert [entry.event.reason for entry in bench.of(PnpEnded)] == ["answered"]
    assert steps(bench.entries).count(4) == 0


# --- Careless responders --------------------------------------------------------------------------------------------


def bare_lf(payload: bytes) -> bytes:
    return payload.replace(b"\r\n", b"\n")


def compact(payload: bytes) -> bytes:
    for long, short in ((b"Via", b"v"), (b"From", b"f"), (b"To", b"t"), (b"Call-ID", b"i"), (b"Event", b"o")):
        payload = payload.replace(b"\r\n" + long + b":", b"\r\n" + short + b":")
    return payload.replace(b"\r\nContent-Type:", b"\r\nc:").replace(b"\r\nContent-Length:", b"\r\nl:")


def without(name: bytes) -> Any:
    return lambda payload: re.sub(rb"\r\n" + name + rb": [^\r]*", b"", payload, count=1)


CARELESS = [
    pytest.param(bare_lf, "bare-lf", marks=pytest.mark.spec("PROV-057b")),
    pytest.param(compact, None, marks=pytest.mark.spec("PROV-057b")),
    pytest.param(without(b"Subscription-State"), "no-subscription-state", marks=pytest.mark.spec("PROV-064")),
    pytest.param(without(b"Max-Forwards"), "no-max-forwards", marks=pytest.mark.spec("PROV-057b")),
    pytest.param(without(b"Content-Length"), "no-content-length", marks=pytest.mark.spec("PROV-057b")),
    pytest.param(without(b"Call-ID"), "no-call-id", marks=pytest.mark.spec("PROV-057b", "PROV-061")),
    pytest.param(without(b"From"), "no-from", marks=pytest.mark.spec("PROV-057b")),
    pytest.param(without(b"To"), "no-to", marks=pytest.mark.spec("PROV-057b")),
    pytest.param(lambda p: p.replace(b"z9hG4bKn1", b"n1"), "branch-without-cookie"),
    pytest.param(lambda p: p.replace(b"NOTIFY sip", b"notify sip", 1), "lower-case-method"),
    pytest.param(lambda p: p.replace(b"Event: ", b"Event : "), "space-before-colon"),
    pytest.param(lambda p: b"\r\n" + p, "leading-blank-line"),
    pytest.param(lambda p: p.replace(b"Event: ", b"Event:\r\n "), "folded-header"),
]


@pytest.mark.parametrize(("spoil", "code"), CARELESS)
def test_a_careless_notify_is_understood_and_the_carelessness_logged(spoil: Any, code: str | None) -> None:
    bench = subscribed()
    payload = spoil(notify(bench))
    assert payload != notify(bench)
    made = receive(bench, payload)
    assert [entry.event.url for entry in of(made, PnpAnswered)] == [URL]
    assert [entry.event.code for entry in of(made, ToleranceUsed)] == ([code] if code else [])
    (answer,) = answers(made)
    message = sip.parse(answer.payload)
    assert message.status == 200
    assert all(header.value for header in message.headers), "what was not there is not copied"


@pytest.mark.spec("PROV-057b")
@pytest.mark.parametrize("spoil", [bare_lf, compact, without(b"Via"), without(b"From"), without(b"To")])
def test_a_careless_response_stops_the_datagrams_too(spoil: Any) -> None:
    bench = subscribed()
    receive(bench, spoil(response(bench)))
    bench.wait(10 * SECOND)
    assert len(sent(bench)) == 1


@pytest.mark.spec("PROV-064")
@pytest.mark.parametrize("state", ["active;expires=5", "pending", "terminated;reason=timeout", "terminated", "?"])
def test_the_subscription_state_is_not_looked_at(state: str) -> None:
    bench = subscribed()
    assert of(receive(bench, notify(bench, state=state)), PnpAnswered)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"OPTIONS sip:a@b SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n", "method-not-supported"),
        (b"NOTIFY sip:a@b SIP/2.0\r\nEvent: ua-profile\r\n\r\n", "bad-cseq"),
        (b"\r\n\r\n", "no-start-line"),
        (b"hello", "bad-start-line"),
    ],
)
def test_what_is_no_answer_is_refused(payload: bytes, reason: str) -> None:
    bench = subscribed()
    made = receive(bench, payload)
    assert [entry.event.reason for entry in of(made, PacketRefused)] == [reason]
    assert not of(made, DatagramSent)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=6))
@settings(deadline=None, max_examples=60)
def test_random_bytes_never_raise_and_never_answer(packets: list[bytes]) -> None:
    bench = subscribed()
    for packet in packets:
        assert of(receive(bench, packet), PacketRefused)
    bench.wait(5 * SECOND)
    assert [entry.event.reason for entry in bench.of(PnpEnded)] == ["no-answer"]
    assert len(sent(bench)) == 4


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_a_damaged_message_never_raises(data: st.DataObject) -> None:
    bench = subscribed()
    make = data.draw(st.sampled_from([notify, response]))
    raw = bytearray(make(bench))
    for _ in range(data.draw(st.integers(1, 10))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    made = receive(bench, bytes(raw))
    for answer in answers(made):
        assert sip.parse(answer.payload).status in (200, 400, 415, 481, 489)
    bench.wait(10 * SECOND)
    assert bench.of(PnpEnded)


@given(st.text(max_size=40), st.sampled_from(["", "http://", "tftp://192.0.2.20/", "10.0.0.2"]))
@settings(deadline=None, max_examples=100)
def test_any_body_is_either_used_or_refused(text: str, before: str) -> None:
    bench = subscribed()
    made = receive(bench, notify(bench, f"{before}{text}"))
    (answer,) = answers(made)
    found = of(made, PnpAnswered)
    assert sip.parse(answer.payload).status == (200 if found else 400)
    if found:
        assert found[0].event.url == f"{before}{text}".strip()


@pytest.mark.spec("PROV-056")
def test_the_address_of_record_is_the_mac_in_upper_case() -> None:
    assert first(subscribed()).start_line == f"SUBSCRIBE sip:MAC%3a{MAC.upper()}@{GROUP} SIP/2.0"
