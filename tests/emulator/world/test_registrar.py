"""The virtual registrar: each behaviour as a phone meets it, and what it keeps."""

from __future__ import annotations

import pytest

from emulator.events import (
    SECOND,
    DatagramReceived,
    LineRefused,
    LineRegistered,
    LineWaiting,
    PacketRefused,
    RegisterAnswered,
)
from emulator.wire import sip
from emulator.world.run import Run
from emulator.world.scenario import ActionSpec, Duration, Scenario, SipSpec
from emulator.world.servers.base import Datagram, Send
from emulator.world.servers.registrar import Registrar
from tests.emulator.phone.bench import ADDRESS, seconds, story
from tests.emulator.phone.registering import CONTACT, LINE, PASSWORD, REGISTRAR, USER
from tools.simulate import run

USERS = {USER: PASSWORD}
RECORD = f"sip:{USER}@{REGISTRAR}"


def world(*actions: ActionSpec, **server: object) -> Scenario:
    """A phone with line 1, no provisioning, and a registrar."""
    spec = SipSpec(**{"users": USERS, **server})  # type: ignore[arg-type]
    values = {"PROVISION_ENABLE": "N", **LINE}
    return story(provisioned=values, sip=(spec,), action=actions, until=seconds(60))


@pytest.mark.parametrize(
    ("headers", "expires"),
    [({"Contact": "", "Expires": "60"}, 60), ({"Expires": "60"}, 3600), ({"X-Other": "60"}, 3600)],
)
def test_header_fields_of_its_answers(headers: dict[str, str], expires: int) -> None:
    """Left out, or besides; what was not named stays."""
    result = run(world(auth="none", headers=headers))
    assert [entry.event.expires for entry in result.of(LineRegistered)][:1] == [expires]


@pytest.mark.parametrize(
    ("server", "statuses", "state"),
    [
        ({}, [401, 200], "registered"),
        ({"auth": "digest-sha256"}, [401, 200], "registered"),
        ({"auth": "none"}, [200], "registered"),
        ({"behaviour": "trying", "auth": "none", "delay": seconds(0.4)}, [100, 200], "registered"),
        ({"behaviour": "too-brief", "auth": "none", "expires": seconds(7200)}, [423, 200], "registered"),
        ({"behaviour": "wrong-realm"}, [401, 401], "refused"),
        ({"users": {USER: "another"}}, [401, 401], "refused"),
        ({"users": {"another": PASSWORD}}, [401, 401], "refused"),
        ({"behaviour": "busy"}, [503, 503, 503], "waiting"),
        ({"behaviour": "forbidden"}, [403, 403, 403], "waiting"),
        ({"behaviour": "silent"}, [], "trying"),
        ({"start": seconds(50), "auth": "none"}, [200], "registered"),
        ({"address": "192.0.2.31"}, [], "trying"),
    ],
)
def test_each_behaviour(server: dict[str, object], statuses: list[int], state: str) -> None:
    result = run(world(**server))
    assert [entry.event.status for entry in result.of(RegisterAnswered)] == statuses
    assert result.phones[0].registration.line(1).state == state
    assert bool(result.of(LineRefused)) is (state == "refused")


def test_garbage_is_refused_and_retransmission_goes_on() -> None:
    result = run(world(behaviour="garbage"))
    assert len(result.of(PacketRefused)) > 11
    assert [entry.event.reason for entry in result.of(LineWaiting)] == ["timeout"]


def test_it_grants_what_it_is_willing_to() -> None:
    result = run(world(expires=Duration(20 * SECOND)))
    assert {(e.event.expires, e.event.refresh) for e in result.of(LineRegistered)} == {(20, 10 * SECOND)}


def test_it_keeps_a_binding_until_its_end_is_asked_for_and_forks_with_it() -> None:
    made = Run(world(ActionSpec(seconds(30), "web", "LINE_ENABLE/1", "N")))
    made.run_until(10 * SECOND)
    fork = made.fork()
    (server,) = (s for s in made.world.datagram_servers if isinstance(s, Registrar))
    assert server.bindings[RECORD].contact == CONTACT
    made.run_until(60 * SECOND)
    assert server.bindings == {}
    (other,) = (s for s in fork.world.datagram_servers if isinstance(s, Registrar))
    assert other.bindings[RECORD].contact == CONTACT


def test_who_sends_a_notify_may_be_the_registrar_itself() -> None:
    """Both listen at one address: one for responses, the other for requests."""
    result = run(world(ActionSpec(seconds(30), "notify", source=REGISTRAR)))
    told = [entry.event for entry in result.of(DatagramReceived) if entry.event.payload.startswith(b"NOTIFY")]
    assert len(told) == 1
    assert result.phones[0].registration.registered() == (1,)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        bytes(range(256)),
        b"REGISTER sip:a SIP/2.0\r\n\r\n",
        sip.request("REGISTER", "sip:a", [("To", "<"), ("Contact", '"'), ("Authorization", "Digest x")]),
        sip.request("OPTIONS", "sip:a", []),
        sip.response(200, "OK", []),
    ],
)
@pytest.mark.parametrize("auth", ["none", "digest"])
def test_whatever_it_gets_it_goes_on(payload: bytes, auth: str) -> None:
    server = Registrar(SipSpec(auth=auth, users=USERS))
    sends = list(server.receive(Datagram(0, ADDRESS, 5060, REGISTRAR, 5060, payload), 0))
    statuses = [sip.parse(each.datagram.payload).status for each in sends if isinstance(each, Send)]
    assert statuses in ([], [400], [401])
    assert server.bindings == {}
    assert list(server.wake("x", 0)) == []
