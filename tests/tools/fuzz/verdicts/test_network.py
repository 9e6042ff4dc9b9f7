"""The verdicts about sources, triggers, leases and downloads find what they are about."""

from __future__ import annotations

from base64 import b64encode

import pytest
from attrs import evolve

from emulator.events import (
    SECOND,
    AddressBound,
    AddressLost,
    AttemptStarted,
    ConfigurationRead,
    DatagramReceived,
    DatagramSent,
    DownloadEnded,
    DownloadOrdered,
    Entry,
    Event,
    FtpStarted,
    HttpAnswered,
    HttpRequested,
    LookupAnswered,
    Payload,
    PnpSubscribed,
    RunEnded,
    RunStarted,
    SourceTried,
    StepEntered,
    TftpStarted,
    TimerCancelled,
    TimerSet,
    TransferEnded,
)
from emulator.wire import dhcpv6
from tests.tools.fuzz.verdicts.retelling import Told, added, dropped, found, swapped

BOOT = "first-boot-option-160"
OTHER = "http://192.0.2.20/other.cfg"
SHOWN = "Basic " + b64encode(b"phones:another").decode()
Row = tuple[str, Told, str, str]


def header(data: bytes, at: int, value: bytes) -> Payload:
    """Bytes of a DHCP message replaced."""
    return Payload(data[:at] + value + data[at + len(value) :])


def dhcp(at: int, value: bytes) -> Told:
    """What DHCP servers send has other bytes."""
    return swapped(DatagramReceived, lambda e: e.port == 68, payload=lambda e: header(e.payload, at, value))


def twice(entry: Entry, port: int) -> list[Event]:
    """What goes to a port is sent twice at once."""
    event = entry.event
    return [event, event] if isinstance(event, DatagramSent) and event.port == port else [event]


def from_the_old_address(entry: Entry) -> Event:
    """What is sent late in the story comes from the address that was leased before."""
    event = entry.event
    if isinstance(event, DatagramSent) and event.source == "0.0.0.0" and entry.time > SECOND:
        return evolve(event, source="192.0.2.10", port=514)
    return event


def acknowledged_at_once(event: Event) -> list[Event]:
    """Each block, and at once ACK 1 for it."""
    if isinstance(event, DatagramReceived) and event.payload[:2] == b"\0\3":
        return [event, DatagramSent(event.destination, event.port, event.source, 69, Payload(b"\0\4\0\1"))]
    return [event]


def without_option_17(data: bytes) -> Payload:
    """A DHCPv6 message whose option request lacks the vendor-specific information."""
    message = dhcpv6.parse(data)
    options = tuple((code, b"" if code == dhcpv6.OPTION_REQUEST else value) for code, value in message.options)
    return Payload(evolve(message, options=options).encode())


def kept_back(event: Event) -> Event:
    """The phone gives up where it should show a login."""
    if isinstance(event, AttemptStarted) and event.authorized:
        return DownloadEnded("initial", event.url, "no-credentials", 401, "")
    return event


def in_step(step: int, **fields: object) -> Told:
    """What comes of a source."""
    return swapped(SourceTried, lambda e: e.step == step, **fields)


SOURCES: dict[str, Row] = {
    "an option with a NUL": (BOOT, in_step(4, url=lambda e: f"{e.url}\0"), "option-text", "PROV-077"),
    "an option that is off": ("option-160-disabled-159-wins", in_step(4, url=OTHER), "option-text", "PROV-076"),
    "an option overlooked": (BOOT, in_step(4, url=None, reason="not-populated"), "option-text", "PROV-004"),
    "another URL than the option's": (BOOT, in_step(4, url=OTHER), "option-text", "PROV-072"),
    "the manual URL overlooked": (
        "first-boot-manual-url",
        in_step(2, url=None, reason="not-set"),
        *("source-order", "PROV-002"),
    ),
    "159 before 160": (
        BOOT,
        swapped(StepEntered, lambda e: e.step == 4, step=5),
        *("source-order", "PROV-021"),
    ),
    "another URL in step 8": (
        BOOT,
        swapped(StepEntered, lambda e: e.step == 8, url=OTHER),
        *("source-order", "PROV-004"),
    ),
    "another source after a failed download": (
        "failed-download-tries-no-other-source",
        swapped(StepEntered, lambda e: e.step == 9, step=5),
        *("source-order", "PROV-010"),
    ),
    "PnP without a SUBSCRIBE": (BOOT, dropped(PnpSubscribed), "source-order", "PROV-051"),
    "a run that is not made": (BOOT, swapped(RunEnded, outcome="disabled"), "source-order", "PROV-238"),
    "a URL not completed": (
        BOOT,
        swapped(DownloadOrdered, lambda e: e.file == "initial", urls=("http://192.0.2.20/{MODEL}.cfg",)),
        *("file-url", "PROV-038"),
    ),
    "a file that is never asked for": (
        BOOT,
        dropped(DownloadOrdered, lambda e: e.file == "master"),
        *("file-url", "PROV-012"),
    ),
    "an FTP login that is not used": (
        "ftp-source-with-a-login",
        swapped(FtpStarted, user="anonymous", password=""),
        *("credentials", "PROV-041"),
    ),
    "a file asked for in another mode": (
        "tftp-source",
        swapped(
            DatagramSent,
            lambda e: e.payload[:2] == b"\0\1",
            payload=lambda e: Payload(e.payload.replace(b"octet", b"netascii")),
        ),
        *("tftp-pace", "PROV-118"),
    ),
    "another password": (
        "http-basic",
        swapped(
            HttpRequested, headers=lambda e: tuple((n, v if n != "Authorization" else SHOWN) for n, v in e.headers)
        ),
        *("credentials", "PROV-112"),
    ),
    "a login that is not shown": (
        "http-login-in-the-url",
        lambda e: kept_back(e.event),
        *("credentials", "PROV-113"),
    ),
    "an IPv6 address although there is another": (
        "name-resolves",
        swapped(HttpRequested, address="2001:db8::20"),
        *("named-host", "PROV-020"),
    ),
    "a SOLICIT that asks for less": (
        "ipv6-only-option-17",
        swapped(DatagramSent, lambda e: e.port == 547, payload=lambda e: without_option_17(e.payload)),
        *("dhcpv6-ask", "PROV-090"),
    ),
    "a bare address asked by one protocol": (
        "first-boot-option-66-bare-address",
        swapped(DownloadOrdered, lambda e: e.file == "initial", urls=lambda e: e.urls[:1]),
        *("file-url", "PROV-033"),
    ),
    "files out of order": (
        BOOT,
        swapped(ConfigurationRead, lambda e: e.file == "initial", needed=lambda e: e.needed[::-1]),
        *("file-url", "PROV-182"),
    ),
    "a file left out": (
        BOOT,
        swapped(ConfigurationRead, lambda e: e.file == "initial", needed=lambda e: e.needed[:-1]),
        *("file-url", "PROV-184"),
    ),
}
TRIGGERS: dict[str, Row] = {
    "a run for nothing": (BOOT, added(HttpAnswered, RunStarted("cyclic")), "run-trigger", "PROV-230"),
    "two runs at once": (BOOT, added(HttpAnswered, RunStarted("cyclic")), "run-trigger", "PROV-256"),
    "a run by a renewal": (
        "lease-renewal-starts-nothing",
        added(AddressBound, RunStarted("start"), lambda e: not e.fresh),
        *("run-trigger", "PROV-081"),
    ),
    "a run with provisioning off": (
        "provisioning-disabled",
        added(RunEnded, RunStarted("retry")),
        *("run-trigger", "PROV-238"),
    ),
    "no run at all": (BOOT, dropped(RunStarted), "run-trigger", "PROV-230"),
    "a retry put off": (
        "http-error-500",
        added(TimerSet, TimerSet("retry", 9 * 3600 * SECOND), lambda e: e.name == "retry"),
        *("trigger-kept", "PROV-194"),
    ),
    "a retry cancelled": (
        "http-error-500",
        added(TimerSet, TimerCancelled("retry"), lambda e: e.name == "retry"),
        *("trigger-kept", "PROV-194"),
    ),
}
LEASES: dict[str, Row] = {
    "a lease held too long": (
        BOOT,
        swapped(AddressBound, lease=lambda e: e.lease * 2),
        *("lease-used", "RFC 2131 s.4.4.5"),
    ),
    "another T1": (BOOT, swapped(AddressBound, t1=lambda e: e.t1 * 2 - 1), "lease-used", "RFC 2131 s.4.4.5"),
    "another address": (BOOT, swapped(AddressBound, address="192.0.2.11"), "lease-used", "RFC 2131 s.4.4.5"),
    "an address kept after its lease": (
        "lease-expires",
        lambda e: None if isinstance(e.event, AddressLost) else from_the_old_address(e),
        *("lease-used", "RFC 2131 s.4.4.5"),
    ),
    "an address kept though it is another's": (
        "address-claimed-later",
        dropped(AddressLost),
        *("lease-used", "RFC 5227 s.2.4"),
    ),
    "no source address": (BOOT, swapped(DatagramSent, lambda e: e.port == 123, source=""), "lease-used", "PROV-281"),
    "another transaction": (BOOT, dhcp(4, b"ABCD"), "dhcp-answer", "RFC 2131 s.4.4.1"),
    "another client's message": (BOOT, dhcp(28, b"ABCDEF"), "dhcp-answer", "RFC 2131 s.2"),
    "an option not asked for": (
        BOOT,
        swapped(
            DatagramSent, lambda e: e.port == 67, payload=lambda e: Payload(e.payload.replace(b"\x9f\xa0", b"\x9f\x9f"))
        ),
        *("dhcp-answer", "PROV-070"),
    ),
    "asked again too soon": ("dhcp-server-late", lambda e: twice(e, 67), "dhcp-pace", "RFC 2131 s.4.1"),
}
FETCHES: dict[str, Row] = {
    "down from https": (
        "http-redirect-followed",
        swapped(AttemptStarted, lambda e: not e.redirects, url=lambda e: e.url.replace("http:", "https:")),
        *("redirects", "PROV-119"),
    ),
    "to another host than told": (
        "http-redirect-followed",
        swapped(AttemptStarted, lambda e: e.redirects > 0, url="http://203.0.113.9/x.cfg"),
        *("redirects", "PROV-119"),
    ),
    "a file with status 404": (
        BOOT,
        swapped(HttpAnswered, lambda e: e.name == "master", status=404),
        *("redirects", "PROV-119"),
    ),
    "other limits of time": (BOOT, swapped(HttpRequested, idle_limit=31 * SECOND), "fetch-limits", "PROV-119"),
    "a limit one byte short": (BOOT, swapped(HttpRequested, limit=245_759), "fetch-limits", "PROV-148"),
    "a limit one byte over by TFTP": ("tftp-source", swapped(TftpStarted, limit=245_761), "fetch-limits", "PROV-148"),
    "a login to another host": (
        "http-basic",
        swapped(DownloadOrdered, urls=("http://203.0.113.9/x.cfg",)),
        *("credentials", "PROV-119"),
    ),
    "a login nobody asked for": (
        BOOT,
        swapped(HttpRequested, headers=lambda e: (*e.headers, ("Authorization", "Basic YTpi"))),
        *("credentials", "PROV-113"),
    ),
    "another user's login": (
        "http-basic",
        swapped(
            HttpRequested,
            lambda e: any(name == "Authorization" for name, _ in e.headers),
            headers=(("Host", "x"), ("Authorization", "Basic bm9ib2R5Ong="), ("Connection", "close")),
        ),
        *("credentials", "PROV-113"),
    ),
    "another User-Agent": (
        BOOT,
        swapped(HttpRequested, headers=(("Host", "x"), ("Connection", "close"), ("User-Agent", "curl"))),
        *("http-request", "PROV-115"),
    ),
    "a connection kept open": (
        BOOT,
        swapped(HttpRequested, headers=lambda e: e.headers[:-1]),
        *("http-request", "PROV-117"),
    ),
    "a server not checked": (
        "root-certificate-kept-over-a-restart",
        swapped(HttpRequested, lambda e: e.tls, roots=()),
        *("http-request", "PROV-223"),
    ),
    "another firmware URL": (
        "firmware-update",
        swapped(DownloadOrdered, lambda e: e.file == "firmware", urls=("http://192.0.2.20/x.fw",)),
        *("firmware-url", "PROV-262"),
    ),
    "another TFTP file": (
        "tftp-source",
        swapped(TransferEnded, size=lambda e: e.size + 1, digest="0" * 64),
        *("tftp-blocks", "RFC 1350"),
    ),
    "a TFTP file with a stranger's block": (
        "tftp-false-blocks-from-another-port",
        swapped(TransferEnded, size=lambda e: e.size + 1, digest="0" * 64),
        *("tftp-blocks", "RFC 1350 s.4"),
    ),
    "another block acknowledged": (
        "tftp-source",
        swapped(DatagramSent, lambda e: e.payload[:2] == b"\0\4" and e.payload[3] > 0, payload=Payload(b"\0\4\0\x09")),
        *("tftp-blocks", "RFC 1350"),
    ),
    "a block acknowledged twice": (
        "tftp-every-block-comes-twice",
        lambda e: acknowledged_at_once(e.event),
        *("tftp-blocks", "RFC 1123 s.4.2.3.1"),
    ),
    "TFTP given up too soon": (
        "tftp-server-silent",
        dropped(DatagramSent, lambda e: e.port == 69),
        *("tftp-pace", "PROV-118"),
    ),
}
ROWS = {**SOURCES, **TRIGGERS, **LEASES, **FETCHES}


@pytest.mark.parametrize(("addresses", "wrong"), [(("192.0.2.20",) * 2, False), (("192.0.2.9", "192.0.2.20"), True)])
def test_the_first_address_of_a_name_is_asked(addresses: tuple[str, ...], wrong: bool) -> None:
    """A name service may give one twice."""
    told = swapped(LookupAnswered, lambda e: e.addresses == ("192.0.2.20",), addresses=addresses)
    assert (("named-host", "PROV-120") in found("name-resolves", told)) is wrong


@pytest.mark.parametrize("what", ROWS)
def test_told_otherwise(what: str) -> None:
    name, told, verdict, rule = ROWS[what]
    assert (verdict, rule) not in found(name)
    assert (verdict, rule) in found(name, told)


def test_redirects_without_end_over_two_servers() -> None:
    """Each answer leads to the other server, and is followed."""

    def told(entry: Entry) -> Event | list[Event]:
        event, more = entry.event, list[Event]()
        if not isinstance(event, HttpAnswered) or event.status != 302:
            return event
        for number in range(8):
            url = f"http://192.0.2.2{number % 2}/x.cfg"
            more += [evolve(event, headers=(("Location", url),)), AttemptStarted("initial", url, 0, 1, False)]
        return more

    assert ("redirects", "PROV-119") in found("http-redirect-followed", told)
