"""The verdicts about SIP and the clock find what they are about."""

from __future__ import annotations

import pytest

from emulator.events import (
    SECOND,
    CheckSyncReceived,
    ClockSet,
    DatagramReceived,
    DatagramSent,
    Entry,
    Event,
    HttpAnswered,
    LineRegistered,
    LineRegistering,
    Payload,
    PnpAnswered,
    RunDeferred,
    RunEnded,
    RunStarted,
)
from tests.tools.fuzz.verdicts.retelling import Told, added, dropped, found, swapped

BOOT, PNP, ASKED = "first-boot-option-160", "first-boot-sip-pnp", "check-sync-from-the-sip-server"
Row = tuple[str, Told, str, str]


def received(start: bytes, *changes: tuple[bytes, bytes]) -> Told:
    """Packets that begin so, or have it in their CSeq, are received with other bytes."""

    def changed(event: DatagramReceived) -> Payload:
        data = bytes(event.payload)
        for old, new in changes:
            data = data.replace(old, new)
        return Payload(data)

    return swapped(DatagramReceived, lambda e: start in e.payload, payload=changed)


def sent(start: bytes, **fields: object) -> Told:
    """Packets that begin so are sent otherwise."""
    return swapped(DatagramSent, lambda e: e.payload.startswith(start), **fields)


def twice(entry: Entry, start: bytes) -> list[Event]:
    """Packets that begin so are sent twice at once."""
    event = entry.event
    return [event, event] if isinstance(event, DatagramSent) and event.payload.startswith(start) else [event]


def sntp(change: object) -> Told:
    """A time server answers otherwise."""
    return swapped(DatagramReceived, lambda e: e.source_port == 123, payload=change)


STRAY = CheckSyncReceived("192.0.2.5", 5060, False, "x", ())
ROWS: dict[str, Row] = {
    "a SUBSCRIBE too many": (BOOT, lambda e: twice(e, b"SUBSCRIBE"), "pnp-pace", "PROV-058"),
    "a SUBSCRIBE to one host": (BOOT, sent(b"SUBSCRIBE", destination="192.0.2.5"), "pnp-pace", "PROV-050"),
    "a SUBSCRIBE that goes far": (BOOT, sent(b"SUBSCRIBE", ttl=64), "pnp-pace", "PROV-056"),
    "the lines in another order": (
        BOOT,
        sent(
            b"SUBSCRIBE",
            payload=lambda e: Payload(e.payload.replace(b"\r\nCSeq: 1 SUBSCRIBE", b"") + b"CSeq: 1 SUBSCRIBE\r\n"),
        ),
        *("pnp-pace", "PROV-057a"),
    ),
    "a NOTIFY of another dialog": (
        PNP,
        received(b"NOTIFY ", (b"Call-ID: ", b"Call-ID: x"), (b"tag=", b"tag=x")),
        *("pnp-notify", "PROV-061"),
    ),
    "a NOTIFY about another event": (
        PNP,
        received(b"NOTIFY ", (b"ua-profile", b"dialog")),
        *("pnp-notify", "PROV-061"),
    ),
    "a NOTIFY of another type": (
        PNP,
        received(b"NOTIFY ", (b"application/url", b"text/plain")),
        *("pnp-notify", "PROV-062"),
    ),
    "a NOTIFY that is not accepted": (PNP, dropped(PnpAnswered), "pnp-notify", "PROV-061"),
    "a NOTIFY answered for another": (
        PNP,
        sent(b"SIP/2.0 200", payload=lambda e: Payload(e.payload.replace(b"Call-ID: ", b"Call-ID: x"))),
        *("sip-answer", "PROV-062"),
    ),
    "a check-sync answered for another": (
        ASKED,
        sent(b"SIP/2.0 ", payload=lambda e: Payload(e.payload.replace(b"CSeq: 1", b"CSeq: 2"))),
        *("sip-answer", "RFC 3261 s.8.2.6.2"),
    ),
    "a line that does not register": (
        "line-registers-with-digest",
        dropped(LineRegistering),
        *("register", "PROV-013"),
    ),
    "a stranger's NOTIFY answered 200": (
        ASKED,
        sent(b"SIP/2.0 403", payload=lambda e: Payload(e.payload.replace(b"403 Forbidden", b"200 OK"))),
        *("check-sync", "PROV-257"),
    ),
    "a check-sync without a run": (
        ASKED,
        dropped(RunStarted, lambda e: e.trigger == "check-sync"),
        *("check-sync", "PROV-254"),
    ),
    "a check-sync without an answer": (
        ASKED,
        dropped(DatagramSent, lambda e: e.payload[:8] == b"SIP/2.0 "),
        *("check-sync", "PROV-254"),
    ),
    "a check-sync in a run forgotten": (
        "check-sync-twice-during-a-run",
        dropped(RunDeferred),
        *("check-sync", "PROV-256"),
    ),
    "another event as check-sync": (
        PNP,
        added(DatagramReceived, STRAY, lambda e: b"NOTIFY" in e.payload),
        *("check-sync", "PROV-253"),
    ),
    "a REGISTER before the first run has ended": (
        "line-registers-with-digest",
        dropped(RunEnded),
        *("register", "PROV-014"),
    ),
    "a response to nothing": (
        "line-registers-with-digest",
        received(b"REGISTER", (b"branch=z9hG4bK", b"branch=z9hG4bKx")),
        *("register", "RFC 3261 s.17.1.2"),
    ),
    "a REGISTER repeated too soon": (
        "line-registers-with-digest",
        lambda e: twice(e, b"REGISTER"),
        *("register", "RFC 3261 s.17.1.2.2"),
    ),
    "a registration refreshed too late": (
        "line-registers-with-digest",
        swapped(LineRegistered, refresh=lambda e: e.expires * 2 * SECOND),
        *("register", "RFC 3261 s.10.2.4"),
    ),
    "the clock set by a stray answer": (
        "sntp-sets-the-clock",
        sntp(lambda e: Payload(e.payload[:24] + b"ABCDEFGH" + e.payload[32:])),
        *("clock-answer", "RFC 4330 s.5"),
    ),
    "the clock set by a server that does not know": (
        "sntp-sets-the-clock",
        sntp(lambda e: Payload(bytes((e.payload[0] | 0xC0,)) + e.payload[1:])),
        *("clock-answer", "RFC 4330 s.5"),
    ),
    "the clock set by nobody": (
        BOOT,
        added(HttpAnswered, ClockSet(0, "SNTP", "192.0.2.40", 0, None)),
        *("clock-answer", "RFC 4330 s.5"),
    ),
}


@pytest.mark.parametrize("what", ROWS)
def test_told_otherwise(what: str) -> None:
    name, told, verdict, rule = ROWS[what]
    assert (verdict, rule) not in found(name)
    assert (verdict, rule) in found(name, told)


def test_a_window_of_another_length() -> None:
    """SIP PnP ends a little before the five seconds are over."""

    def told(entry: Entry) -> Event:
        if isinstance(entry.event, DatagramSent) and entry.event.payload.startswith(b"SUBSCRIBE"):
            entry.time += 1
        return entry.event

    assert ("pnp-pace", "PROV-052") in found(BOOT, told)
