"""The REGISTER to the letter, its credentials against a known vector and a server's check, and its responses read."""

from __future__ import annotations

from hashlib import md5

import pytest
import sipmessage
from hypothesis import given
from hypothesis import strategies as st

from emulator.events import DatagramReceived, LineRefused, Payload, RegisterAnswered
from emulator.phone.accounts import ALL_LINES, account
from emulator.phone.catalogue import catalogue
from emulator.phone.httpauth import authorization, check_digest
from emulator.phone.identity import user_agent
from emulator.phone.settings import Settings, Stored
from emulator.phone.sip import register_answered
from emulator.wire import sip
from tests.emulator.phone.bench import ADDRESS
from tests.emulator.phone.registering import (
    CHALLENGE,
    CONTACT,
    LINE,
    PASSWORD,
    REALM,
    REGISTRAR,
    USER,
    answer,
    last,
    line,
    phone,
    sent,
)

TAGS = frozenset(
    {
        *("LINE_ENABLE", "PHONE_NUMBER", "SIP_URI", "SIP_AUTHID", "SIP_PASS", "SIP_SVCDOMAIN", "SIP_ADD_RPORT"),
        *("SIP_RGSTR_ADDR", "SIP_RGSTR_PORT", "SIP_OUTPROXY_ADDR", "SIP_OUTPROXY_PORT"),
        *("REG_EXPIRE_TIME", "REG_INTERVAL_RATE", "REG_RTX_INTVL", "SIP_403_REG_SUB_RTX"),
        *("SIP_TIMER_T1", "SIP_TIMER_T2", "SIP_TIMER_F"),
    }
)
"""Every parameter that an account is made of."""


def test_the_request_is_that_of_rfc_3261() -> None:
    bench = phone({"SIP_SVCDOMAIN/1": "example.com"})
    ((_, datagram),) = sent(bench)
    assert (datagram.source, datagram.source_port) == (ADDRESS, 5060)
    assert (datagram.destination, datagram.port) == (REGISTRAR, 5060)
    message = sip.parse(datagram.payload)
    assert message.tolerances() == ()
    assert message.start_line == "REGISTER sip:example.com SIP/2.0"
    tag = sip.tag(message.get("From") or "")
    fields = [(header.name, header.value) for header in message.headers]
    assert fields == [
        ("Via", f"SIP/2.0/UDP {ADDRESS}:5060;branch={sip.top_via(message).param('branch')}"),
        ("Max-Forwards", "70"),
        ("From", f"<sip:{USER}@example.com>;tag={tag}"),
        ("To", f"<sip:{USER}@example.com>"),
        ("Call-ID", message.get("Call-ID")),
        ("CSeq", "1 REGISTER"),
        ("Contact", f"<{CONTACT}>"),
        ("Expires", "3600"),
        ("User-Agent", user_agent(bench.phone)),
        ("Content-Length", "0"),
    ]


def test_another_library_reads_it_alike() -> None:
    bench = phone({"SIP_OUTPROXY_ADDR/1": "192.0.2.40"})
    answer(bench, 401, WWW_Authenticate=CHALLENGE)
    theirs = sipmessage.Message.parse(bytes(sent(bench)[-1][1].payload))
    assert isinstance(theirs, sipmessage.Request)
    assert (theirs.method, str(theirs.uri)) == ("REGISTER", f"sip:{REGISTRAR}")
    assert (theirs.cseq.sequence, theirs.cseq.method) == (2, "REGISTER")
    assert str(theirs.contact[0].uri) == CONTACT
    assert [str(route.uri) for route in theirs.route] == ["sip:192.0.2.40:5060;lr"]
    assert theirs.authorization is not None
    assert theirs.authorization.parameters["realm"] == REALM


@pytest.mark.parametrize(
    ("settings", "uri", "identity", "where"),
    [
        ({}, f"sip:{REGISTRAR}", f"<sip:{USER}@{REGISTRAR}>", (REGISTRAR, 5060)),
        ({"SIP_RGSTR_PORT/1": "5070"}, f"sip:{REGISTRAR}:5070", f"<sip:{USER}@{REGISTRAR}>", (REGISTRAR, 5070)),
        (
            {"SIP_SVCDOMAIN/1": "a.example", "SIP_RGSTR_PORT/1": "5070"},
            *("sip:a.example", f"<sip:{USER}@a.example>", (REGISTRAR, 5070)),
        ),
        (
            {"SIP_OUTPROXY_ADDR/1": "192.0.2.40", "SIP_OUTPROXY_PORT/1": "5080"},
            *(f"sip:{REGISTRAR}", f"<sip:{USER}@{REGISTRAR}>", ("192.0.2.40", 5080)),
        ),
        ({"SIP_URI/1": "anna"}, f"sip:{REGISTRAR}", f"<sip:anna@{REGISTRAR}>", (REGISTRAR, 5060)),
        ({"SIP_URI/1": "sip:anna@b.example"}, "sip:b.example", "<sip:anna@b.example>", (REGISTRAR, 5060)),
        ({"PHONE_NUMBER/1": "#1 é"}, f"sip:{REGISTRAR}", f"<sip:%231%20%C3%A9@{REGISTRAR}>", (REGISTRAR, 5060)),
    ],
)
def test_what_the_settings_make_of_it(
    settings: dict[str, str], uri: str, identity: str, where: tuple[str, int]
) -> None:
    bench = phone(settings)
    ((_, datagram),) = sent(bench)
    message = sip.parse(datagram.payload)
    assert (message.request_uri, message.get("To")) == (uri, identity)
    assert (datagram.destination, datagram.port) == where


def test_rport_only_if_the_line_wants_it() -> None:
    assert sip.top_via(last(phone())).param("rport") is None
    assert sip.top_via(last(phone({"SIP_ADD_RPORT/1": "Y"}))).param("rport") == ""


@given(st.dictionaries(st.sampled_from(sorted(TAGS)), st.text(max_size=40)))
def test_whatever_the_flash_holds_an_account_can_be_read(values: dict[str, str]) -> None:
    """Numbers that are none count as their defaults."""
    stored = {f"{tag}/1": Stored(value, "", "") for tag, value in {**values, "LINE_ENABLE": "Y"}.items()}
    found = account(Settings(provisioned=stored), 1)
    assert (found is None) is (not values.get("SIP_RGSTR_ADDR"))
    assert found is None or (found.user.isascii() and found.t1 > 0 and found.expires > 0)


def test_the_parameters_of_an_account_exist_and_belong_to_a_line() -> None:
    assert all(catalogue().by_tag[tag].per_line for tag in TAGS)
    assert account(Settings(), ALL_LINES[-1]) is None


def test_settings_that_no_sip_can_say_refuse_the_line() -> None:
    bench = phone({"SIP_SVCDOMAIN/1": "two words"})
    assert sent(bench) == []
    assert [entry.event for entry in bench.of(LineRefused)] == [LineRefused(1, "bad-settings", 0)]


def test_a_line_without_a_user_is_refused() -> None:
    bench = phone({"PHONE_NUMBER/1": ""})
    assert [entry.event for entry in bench.of(LineRefused)] == [LineRefused(1, "no-user", 0)]
    assert sent(bench) == []


# --- Credentials ----------------------------------------------------------------------------------------------------


def test_digest_of_a_known_register() -> None:
    """The example of RFC 2617 s.3.5, and the same with a REGISTER, its formula written out."""

    def digest(text: str) -> str:
        return md5(text.encode(), usedforsecurity=False).hexdigest()

    nonce, cnonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093", "0a4f113b"
    secret = digest("Mufasa:testrealm@host.com:Circle Of Life")
    register = digest(f"{secret}:{nonce}:00000001:{cnonce}:auth:{digest('REGISTER:sip:host.com')}")
    cases = [("GET", "/dir/index.html", "6629fae49393a05397450978507c4ef1"), ("REGISTER", "sip:host.com", register)]
    for method, target, response in cases:
        made = authorization(
            [f'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="{nonce}"'],
            method=method,
            target=target,
            user="Mufasa",
            password="Circle Of Life",
            cnonce=cnonce,
        )
        assert made is not None
        assert f'response="{response}"' in made[1]


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_a_servers_check_accepts_the_answer(algorithm: str) -> None:
    bench = phone({"SIP_AUTHID/1": "login"})
    assert last(bench).get("Authorization") is None
    answer(bench, 401, WWW_Authenticate=CHALLENGE.replace("MD5", algorithm))
    value = last(bench).get("Authorization") or ""
    assert f'uri="sip:{REGISTRAR}"' in value
    assert "nc=00000001" in value
    assert check_digest(value, method="REGISTER", user="login", password=PASSWORD, realm=REALM, nonce="n1")
    assert not check_digest(value, method="REGISTER", user="login", password="wrong", realm=REALM, nonce="n1")


def test_a_proxy_gets_its_own_credentials_beside_those_of_the_registrar() -> None:
    bench = phone()
    answer(bench, 407, Proxy_Authenticate=CHALLENGE.replace("n1", "p1"))
    answer(bench, 401, WWW_Authenticate=CHALLENGE)
    message = last(bench)
    for name, nonce in (("Authorization", "n1"), ("Proxy-Authorization", "p1")):
        value = message.get(name) or ""
        assert check_digest(value, method="REGISTER", user=USER, password=PASSWORD, realm=REALM, nonce=nonce)
    assert line(bench).cseq == 3


# --- Responses ------------------------------------------------------------------------------------------------------


def read(*headers: tuple[str, str], status: int = 200) -> RegisterAnswered:
    via = ("Via", f"SIP/2.0/UDP {ADDRESS}:5060;branch=z9hG4bKx")
    return register_answered(sip.parse(sip.response(status, "OK", (via, *headers))), status)


@pytest.mark.parametrize(
    ("value", "contacts"),
    [
        (f"<{CONTACT}>;expires=60", ((CONTACT, 60),)),
        (f"<{CONTACT}>", ((CONTACT, -1),)),
        (f"{CONTACT};expires=60", ((CONTACT, 60),)),
        (f"<sip:other@192.0.2.9>;expires=9, <{CONTACT}>;q=0.5;EXPIRES=60", (("sip:other@192.0.2.9", 9), (CONTACT, 60))),
        (f'"A, B" <{CONTACT}>;expires="60"', ((CONTACT, 60),)),
        (f"<{CONTACT}>;expires=soon", ((CONTACT, -1),)),
        (f"<{CONTACT}>;expires=-5", ((CONTACT, -1),)),
        (f"<{CONTACT}>;expires=99999999999999999999", ((CONTACT, 2**32 - 1),)),
        ("<>, ,", ()),
        ("*", (("*", -1),)),
    ],
)
def test_bindings_are_read_liberally(value: str, contacts: tuple[tuple[str, int], ...]) -> None:
    assert read(("Contact", value)).contacts == contacts


def test_what_a_response_says_beside_its_bindings() -> None:
    assert read(("Expires", "90"), ("Min-Expires", " 120 ")) == RegisterAnswered(200, "OK", "z9hG4bKx", (), (), 90, 120)
    asked = read(("WWW-Authenticate", CHALLENGE), ("Proxy-Authenticate", "Basic"), status=401)
    assert asked.challenges == (CHALLENGE,)


def test_no_response_makes_a_long_event() -> None:
    many = read(*[("Contact", "<sip:a@b>," * 50)] * 50, *[("WWW-Authenticate", "x")] * 50, status=401)
    assert (len(many.contacts), len(many.challenges)) == (16, 16)


@given(st.binary(max_size=200), st.sampled_from(["Via", "Contact", "Expires", "Min-Expires", "WWW-Authenticate"]))
def test_no_response_is_too_strange(value: bytes, name: str) -> None:
    """The phone takes it, whatever stands in the header field, and its line goes on."""
    bench = phone()
    request = last(bench)
    lines = [f"{each}: {request.get(each)}".encode() for each in ("Via", "From", "To", "Call-ID", "CSeq")]
    payload = b"\r\n".join((b"SIP/2.0 200 OK", name.encode() + b": " + value, *lines, b"", b""))
    bench.feed(DatagramReceived(REGISTRAR, 5060, ADDRESS, 5060, Payload(payload)))
    assert bench.phone.orders.armed("register/1")


def test_an_old_number_stays_with_its_line() -> None:
    """A line's settings are its own."""
    second = {name.replace("/1", "/2"): value for name, value in LINE.items()} | {"PHONE_NUMBER/2": "2002"}
    bench = phone(second)
    assert [sip.parse(event.payload).get("To") for _, event in sent(bench)] == [
        f"<sip:{USER}@{REGISTRAR}>",
        f"<sip:2002@{REGISTRAR}>",
    ]
    one, two = (sip.parse(event.payload) for _, event in sent(bench))
    assert one.get("Call-ID") != two.get("Call-ID")
