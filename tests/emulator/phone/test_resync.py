"""The NOTIFY that asks for provisioning: which is understood, whose is obeyed, what follows (PROV-250 to PROV-257)."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from emulator.events import (
    SECOND,
    CheckSyncJudged,
    CheckSyncReceived,
    DatagramReceived,
    DatagramSent,
    Entry,
    HandsetLifted,
    HandsetReplaced,
    LookupAnswered,
    LookupRequested,
    RestartOrdered,
    RunDeferred,
    RunEnded,
    RunStarted,
)
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.resync import KEPT, TIMER_J
from emulator.wire import sip
from emulator.world.scenario import ActionSpec, Outage, PathSpec, Scenario
from tests.emulator.phone.bench import QUIET, Bench, initial, of, seconds, served, story, typed
from tools.simulate import run

SIP_SERVER, STRANGER = "192.0.2.30", "203.0.113.7"
LINE = {"LINE_ENABLE/1": "Y", "SIP_RGSTR_ADDR/1": SIP_SERVER}


def printed(number: int = 1, event: str = "check-sync", **changes: str) -> bytes:
    """The NOTIFY of the guide; changes: of header fields, with _ for -."""
    fields = {
        "Via": f"SIP/2.0/UDP {SIP_SERVER}:5060;branch=abcdef-ghijkl",
        "From": "sip:prov@sip.example.com",
        "To": "sip:1234567890@sip.example.com",
        "Date": "Thu, 1 Jan 2014 01:01:01 GMT",
        "Call-ID": "123456-12345678912345678",
        "CSeq": f"{number} NOTIFY",
        "Contact": f"sip:{SIP_SERVER}:5060",
        "Event": event,
    }
    fields |= {name.replace("_", "-"): value for name, value in changes.items()}
    return sip.request("NOTIFY", "sip:1234567890@sip.example.com", list(fields.items()))


def idle(**changes: Any) -> Bench:
    """A phone whose run at start is over; it had no URL."""
    stored = {**QUIET, **LINE, **changes.pop("provisioned", {})}
    bench = Bench(provisioned=tuple(stored.items()), **changes)
    bench.link_up()
    bench.bind()
    return bench


def notify(bench: Bench, payload: bytes, source: str = SIP_SERVER) -> list[Entry]:
    return bench.receive(payload, 5060, source, 5060)


def statuses(made: list[Entry]) -> list[int | None]:
    """What the phone answered."""
    sent = [entry.event for entry in of(made, DatagramSent)]
    return [sip.parse(event.payload).status for event in sent if event.port == 5060]


# --- What is understood ---------------------------------------------------------------------------------------------

UNDERSTOOD = [
    pytest.param({}, marks=pytest.mark.spec("PROV-250")),
    pytest.param({"event": "Check-Sync"}, marks=pytest.mark.spec("PROV-253")),
    pytest.param({"event": "check-sync;foo=bar"}, marks=pytest.mark.spec("PROV-253")),
    pytest.param({"event": "check-sync ; reboot=false"}, marks=pytest.mark.spec("PROV-253")),
    pytest.param({"Call_ID": "x", "To": "<sip:a@b>;tag=1"}, marks=pytest.mark.spec("PROV-254")),
]


@pytest.mark.parametrize("changes", UNDERSTOOD)
def test_it_is_answered_and_then_a_run_begins(changes: dict[str, str]) -> None:
    made = notify(idle(), printed(**changes))
    assert statuses(made) == [200]
    (answer, *_), (started, *_) = of(made, DatagramSent), of(made, RunStarted)
    assert started.event == RunStarted("check-sync")
    assert answer.n < started.n


OTHER = [
    pytest.param({}, {"event": "message-summary"}, marks=pytest.mark.spec("PROV-254")),
    pytest.param({"CFG_RESYNC_FROM_SIP": ""}, {}, marks=pytest.mark.spec("PROV-254")),
    pytest.param({"CFG_RESYNC_FROM_SIP": ""}, {"event": ""}, marks=pytest.mark.spec("PROV-254")),
    pytest.param({"CFG_RESYNC_FROM_SIP": "resync"}, {}, marks=pytest.mark.spec("PROV-250")),
    pytest.param({"PROVISION_ENABLE": "N"}, {}, marks=pytest.mark.spec("PROV-238")),
]


@pytest.mark.parametrize(("provisioned", "changes"), OTHER)
def test_another_event_or_none_is_a_bad_event(provisioned: dict[str, str], changes: dict[str, str]) -> None:
    made = notify(idle(provisioned=provisioned), printed(**changes))
    assert statuses(made) == [489]
    assert not of(made, RunStarted)


@pytest.mark.spec("PROV-250")
def test_the_event_text_is_the_settings() -> None:
    bench = idle(provisioned={"CFG_RESYNC_FROM_SIP": "resync"})
    made = notify(bench, printed(event="resync"))
    assert statuses(made) == [200]
    (received,) = of(made, CheckSyncReceived)
    assert received.because == (bench.phone.settings.loaded,)


# --- Whose is obeyed ------------------------------------------------------------------------------------------------

BELIEVED = [
    ({"SIP_RGSTR_ADDR/1": SIP_SERVER}, SIP_SERVER, 200),
    ({"SIP_OUTPROXY_ADDR/1": SIP_SERVER}, SIP_SERVER, 200),
    ({"SIP_PRXY_ADDR/1": SIP_SERVER}, SIP_SERVER, 200),
    ({"SIP_RGSTR_ADDR/1": SIP_SERVER}, STRANGER, 403),
    ({"SIP_RGSTR_ADDR/2": SIP_SERVER}, SIP_SERVER, 403),
    ({"LINE_ENABLE/2": "Y", "SIP_RGSTR_ADDR/2": SIP_SERVER}, SIP_SERVER, 200),
    ({"LINE_ENABLE/1": "N", "SIP_RGSTR_ADDR/1": SIP_SERVER}, SIP_SERVER, 403),
    ({}, SIP_SERVER, 403),
]


@pytest.mark.spec("PROV-257")
@pytest.mark.parametrize(("line", "source", "status"), BELIEVED)
def test_only_servers_of_enabled_lines_are_obeyed(line: dict[str, str], source: str, status: int) -> None:
    made = notify(idle(provisioned={"SIP_RGSTR_ADDR/1": "", **line}), printed(), source)
    assert statuses(made) == [status]
    assert [entry.event for entry in of(made, RunStarted)] == [RunStarted("check-sync")] * (status == 200)


@pytest.mark.spec("PROV-257")
def test_a_test_switch_lets_anybody_in() -> None:
    bench = idle(firmware=kx_utg200().with_options(notify_from="anyone"))
    assert statuses(notify(bench, printed(), STRANGER)) == [200]


@pytest.mark.spec("PROV-257")
def test_a_server_that_is_named_is_known_by_the_addresses_it_was_found_at() -> None:
    bench = idle(provisioned={"SIP_RGSTR_ADDR/1": "pbx.example.com", "USR_PROV_SVR_URL": "http://pbx.example.com/"})
    assert statuses(notify(bench, printed(1))) == [403]
    bench.machine.phone.orders.open["lookup:pbx.example.com"] = bench.phone.orders.open["timer:retry"]._replace(
        due=None
    )
    bench.feed(LookupAnswered("pbx.example.com", 1, ("192.0.2.31", SIP_SERVER), ""))
    assert statuses(notify(bench, printed(2))) == [200]
    assert not bench.of(LookupRequested)


# --- What follows ---------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-255")
@pytest.mark.parametrize("event", ["check-sync;reboot=true", "check-sync;Reboot=TRUE", 'check-sync;reboot="true"'])
def test_with_reboot_the_phone_restarts_after_the_answer(event: str) -> None:
    bench = idle()
    made = notify(bench, printed(event=event))
    assert statuses(made) == [200]
    assert made[-1].event == RestartOrdered("check-sync")
    assert not of(made, RunStarted)


@pytest.mark.spec("PROV-255", "PROV-240")
def test_a_call_puts_the_restart_off_and_not_the_download() -> None:
    bench = idle()
    bench.feed(HandsetLifted())
    assert not of(notify(bench, printed(1, "check-sync;reboot=true")), RestartOrdered)
    assert of(notify(bench, printed(2)), RunStarted)
    assert of(bench.feed(HandsetReplaced()), RestartOrdered)


def during_a_run(*notified: float, event: str = "check-sync") -> Scenario:
    """The initial file takes 20 s."""
    slow = served({"/i.cfg": PathSpec(text=initial(), behaviour="slow")})
    hands = tuple(ActionSpec(seconds(at), "notify", event=event) for at in notified)
    return story(slow, action=hands, options={"notify_from": "anyone"}, until=seconds(200))


@pytest.mark.spec("PROV-256")
@pytest.mark.parametrize("count", [1, 2, 3])
def test_during_a_run_it_is_answered_and_queued_once(count: int) -> None:
    result = run(during_a_run(*(2 + n for n in range(count))))
    assert [entry.event.status for entry in result.of(CheckSyncJudged)] == [200] * count
    assert [entry.event for entry in result.of(RunDeferred)] == [RunDeferred("check-sync")]
    first, second = result.of(RunStarted)
    assert (first.event.trigger, second.event.trigger) == ("start", "check-sync")
    ended, *_ = result.of(RunEnded)
    assert second.time == ended.time
    assert second.cause == ended.n


@pytest.mark.spec("PROV-256")
def test_one_that_comes_in_the_queued_run_is_queued_again() -> None:
    result = run(during_a_run(2, 30))
    assert [entry.event.trigger for entry in result.of(RunStarted)] == ["start", "check-sync", "check-sync"]


def test_reboot_during_a_run_does_not_wait_for_its_end() -> None:
    result = run(during_a_run(2, event="check-sync;reboot=true"))
    assert result.of(RestartOrdered)[0].time == 2 * SECOND + SECOND // 1000
    assert [entry.event.outcome for entry in result.of(RunEnded)] == ["provisioned"]


# --- Repetitions (RFC 3261 s.17.2.2) --------------------------------------------------------------------------------


def test_a_repetition_gets_the_same_answer_for_timer_j_and_nothing_else_happens() -> None:
    bench = idle()
    notify(bench, printed())
    at = bench.now
    for later in (0, SECOND // 2, TIMER_J - 1):
        bench.run_to(at + later)
        made = notify(bench, printed())
        assert statuses(made) == [200]
        assert not of(made, RunStarted)
    bench.run_to(at + TIMER_J)
    assert of(notify(bench, printed()), RunStarted)


def test_a_stranger_gets_403_again_even_if_it_is_let_in_meanwhile() -> None:
    bench = idle(provisioned={"SIP_RGSTR_ADDR/1": ""})
    assert statuses(notify(bench, printed())) == [403]
    bench.feed(typed("SIP_RGSTR_ADDR/1", SIP_SERVER))
    assert statuses(notify(bench, printed())) == [403]
    assert statuses(notify(bench, printed(2))) == [200]


DIFFERENT = [{"CSeq": "2 NOTIFY"}, {"Call_ID": "other"}, {"From": "sip:else@sip.example.com"}]


@pytest.mark.parametrize("changes", DIFFERENT)
def test_without_a_cookie_in_the_branch_the_other_fields_tell_requests_apart(changes: dict[str, str]) -> None:
    bench = idle()
    notify(bench, printed())
    assert of(notify(bench, printed(**changes)), CheckSyncJudged)


def test_a_branch_with_the_cookie_tells_them_apart_alone() -> None:
    bench = idle()
    via = f"SIP/2.0/UDP {SIP_SERVER}:5060;branch=z9hG4bK1"
    notify(bench, printed(1, Via=via))
    assert not of(notify(bench, printed(2, Via=via)), CheckSyncJudged)
    assert of(notify(bench, printed(1, Via=f"{via}2")), CheckSyncJudged)


def test_what_is_remembered_has_a_bound() -> None:
    bench = idle()
    for number in range(1, KEPT + 10):
        notify(bench, printed(number))
    assert len(bench.phone.resync.transactions) == KEPT


# --- In a world -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["to-phone", "from-phone"])
def test_a_notifier_repeats_until_it_is_answered(direction: str) -> None:
    scenario = story(served({"/i.cfg": initial()}), options={"notify_from": "anyone"}, until=seconds(120))
    outage = (Outage(seconds(60), seconds(70), direction),)
    link = attrs.evolve(scenario.link, outage=outage)
    result = run(attrs.evolve(scenario, link=link, action=(ActionSpec(seconds(60), "notify"),)))
    received = [entry.due for entry in result.of(DatagramReceived) if entry.event.port == 5060]
    late = [(60_000 + after) * SECOND // 1000 for after in (1, 501, 1501, 3501, 7501, 11501)]
    assert received == (late if direction == "from-phone" else late[-1:])
    assert len(result.of(CheckSyncJudged)) == 1
