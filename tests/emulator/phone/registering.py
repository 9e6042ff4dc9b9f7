"""What the tests of registration share: a phone on the bench with a line, and the registrar's side of a REGISTER."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from emulator.events import DatagramSent, Entry
from emulator.phone.line_state import Line
from emulator.wire import sip
from emulator.world.scenario import FilesSpec, Scenario, SipSpec
from tests.emulator.phone.bench import ADDRESS, QUIET, Bench, story

REGISTRAR = "192.0.2.30"
USER, PASSWORD, REALM = "2001", "also-a-sample", "sip.example.com"
LINE = {
    "LINE_ENABLE/1": "Y",
    "PHONE_NUMBER/1": USER,
    "SIP_PASS/1": PASSWORD,
    "SIP_RGSTR_ADDR/1": REGISTRAR,
}
CONTACT = f"sip:{USER}@{ADDRESS}:5060"
CHALLENGE = f'Digest realm="{REALM}", nonce="n1", algorithm=MD5, qop="auth"'


def phone(settings: Mapping[str, str] | None = None, **changes: Any) -> Bench:
    """A phone with line 1 and no provisioning, which has just got its address. settings: beside or instead of LINE."""
    values = {"PROVISION_ENABLE": "N", **LINE, **(settings or {})}
    bench = Bench(provisioned=tuple(sorted(values.items())), **changes)
    bench.link_up()
    bench.bind()
    return bench


def sent(bench: Bench) -> list[tuple[int, DatagramSent]]:
    """(time, datagram) of every REGISTER so far."""
    found = ((entry.time, entry.event) for entry in bench.of(DatagramSent))
    return [(time, event) for time, event in found if event.payload.startswith(b"REGISTER ")]


def last(bench: Bench) -> sip.Message:
    """The REGISTER that was sent last, as a registrar reads it."""
    return sip.parse(sent(bench)[-1][1].payload)


def response(request: sip.Message, status: int, **headers: str) -> bytes:
    """A response to ``request``. headers: with underscores for dashes."""
    copied = [(name, request.get(name) or "") for name in ("Via", "From", "To", "Call-ID", "CSeq")]
    own = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return sip.response(status, "Whatever", (*copied, *own))


def answer(bench: Bench, status: int, **headers: str) -> list[Entry]:
    """The registrar answers the last REGISTER; what followed."""
    return bench.receive(response(last(bench), status, **headers), 5060, REGISTRAR, 5060)


def line(bench: Bench, number: int = 1) -> Line:
    """The state of a line."""
    return bench.phone.registration.line(number)


def registered(settings: dict[str, str] | None = None) -> Bench:
    """A phone whose line has just been registered for an hour."""
    bench = phone(settings)
    answer(bench, 200, Contact=f"<{CONTACT}>;expires=3600")
    assert line(bench).state == "registered"
    return bench


SERVER = SipSpec(users={USER: PASSWORD})


def world(*files: FilesSpec, **changes: object) -> Scenario:
    """A story of a phone with line 1 and a registrar."""
    made = story(*files, provisioned={**QUIET, **LINE}, sip=(SERVER,))
    return attrs.evolve(made, **changes)
