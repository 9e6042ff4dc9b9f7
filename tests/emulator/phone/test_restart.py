"""Restarts that the phone makes by itself: when, what becomes of what it was about to do, and power lost meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest

from emulator.events import (
    SECOND,
    DisplayShown,
    Entry,
    Event,
    HandsetLifted,
    HandsetReplaced,
    LinkUp,
    PowerOff,
    PowerOn,
    RestartNeeded,
    RestartOrdered,
    RestartRequested,
    RunEnded,
    SaveFailed,
    SettingChanged,
    SettingsLoaded,
)
from emulator.phone.configfile import ROOT
from emulator.phone.firmware import reacts
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.state import Phone
from emulator.world.run import RESTART_TIME
from emulator.world.scenario import ActionSpec, FilesSpec, Scenario
from flash_image import JournalFull
from tests.emulator.phone.bench import Bench, initial, of, seconds, served, story
from tools.simulate import run


def world(*actions: ActionSpec) -> Scenario:
    return story(served({"/i.cfg": initial()}), action=actions, until=seconds(60))


@pytest.mark.parametrize("via", ["web", "phone"])
def test_a_restart_ends_the_power_cycle_and_the_phone_comes_up_by_itself(via: str) -> None:
    result = run(world(ActionSpec(seconds(10), "restart", via=via)))
    (ordered,) = result.of(RestartOrdered)
    _, second = result.of(PowerOn)
    assert ordered.event == RestartOrdered(via)
    assert (ordered.time, second.time) == (10 * SECOND, 10 * SECOND + RESTART_TIME)
    assert second.cause == ordered.n
    assert [entry.event.outcome for entry in result.of(RunEnded)] == ["provisioned", "provisioned"]
    assert (result.phones[0].power.on, result.phones[0].power.boots) == (True, 2)


def test_a_call_puts_it_off_and_two_reasons_make_one_restart() -> None:
    bench = Bench()
    bench.feed(HandsetLifted())
    bench.feed(RestartRequested("phone"))
    bench.feed(RestartRequested("web"))
    assert len(bench.of(RestartNeeded)) == 2
    assert not bench.of(RestartOrdered)
    settled = bench.feed(HandsetReplaced())
    assert [entry.event for entry in settled] == [HandsetReplaced(), RestartOrdered("phone")]
    assert settled[1].because == (bench.of(RestartNeeded)[0].n,)


def test_a_call_without_a_reason_to_restart_ends_quietly() -> None:
    bench = Bench()
    bench.feed(HandsetLifted())
    assert len(bench.feed(HandsetReplaced())) == 1


def test_what_was_still_to_come_never_happens() -> None:
    @reacts(RestartRequested)
    def chatter(phone: Phone, event: RestartRequested, entry: Entry) -> Iterator[Event]:
        yield DisplayShown("before")
        yield RestartNeeded("first")
        yield DisplayShown("also before")
        yield RestartNeeded("second")

    bench = Bench(kx_utg200().adding(chatter))
    shown = of(bench.feed(RestartRequested("web")), DisplayShown)
    assert [entry.event.line for entry in shown] == ["before", "also before"]
    assert bench.entries[-1].event == RestartOrdered("web")
    assert not bench.phone.power.on
    assert [entry.n for entry in bench.entries] == list(range(1, len(bench.entries) + 1))


def test_power_lost_while_it_restarts_keeps_it_down() -> None:
    hands = (ActionSpec(seconds(10), "restart"), ActionSpec(seconds(11), "power-off"))
    result = run(world(*hands))
    assert not result.phones[0].power.on
    assert len(result.of(PowerOn)) == 1
    later = run(world(*hands, ActionSpec(seconds(11.5), "power-on"), ActionSpec(seconds(11.6), "power-off")))
    assert [entry.time for entry in later.of(PowerOn)][1:] == [seconds(11.5)]
    assert not later.phones[0].power.on


def test_a_phone_that_restarts_takes_nothing_but_power() -> None:
    bench = Bench()
    bench.link_up()
    bench.feed(RestartRequested("web"))
    assert bench.phone.power.restarting
    for event in (LinkUp(), HandsetLifted(), RestartRequested("web")):
        assert not bench.machine.accepts(event)
    assert not bench.machine.accepts(PowerOn("00" * 32), boot=bench.phone.power.boots + 1)
    assert bench.machine.accepts(PowerOff())
    assert bench.machine.accepts(PowerOn("00" * 32), boot=bench.phone.power.boots)


def test_what_is_not_in_flash_is_gone_and_what_is_in_flash_is_back() -> None:
    typed = ActionSpec(seconds(5), "web", "SYSLOG_ADDR", "192.0.2.9")
    result = run(world(typed, ActionSpec(seconds(10), "restart"), ActionSpec(seconds(11), "power-off")))
    assert result.phones[0].settings.value("SYSLOG_ADDR") == ""
    result = run(world(typed, ActionSpec(seconds(10), "restart")))
    first, second = result.of(SettingsLoaded)
    assert second.event.values > first.event.values
    assert result.phones[0].settings.value("SYSLOG_ADDR") == "192.0.2.9"
    assert result.phones[0].restart.reason == ""


# --- Settings that are bound to a restart (PROV-277) ----------------------------------------------------------------


def sets(group: str, **values: str) -> FilesSpec:
    """A server whose standard file sets these parameters of a group, such as ``Network/LLDP``."""
    names = group.split("/")
    inside = "".join(f"<{tag}>{value}</{tag}>" for tag, value in values.items())
    text = "".join(f"<{name}>" for name in names) + inside + "".join(f"</{name}>" for name in reversed(names))
    device = f"<{ROOT}><Device>{text}</Device></{ROOT}>"
    return served({"/i.cfg": initial(standard="s.cfg"), "/s.cfg": device})


BOUND = [
    ("Network/LLDP", {"LLDP_ENABLE": "N"}),
    ("Network/CDP", {"CDP_ENABLE": "N"}),
    ("Network/IPv6", {"IPV6_PRIVACY": "Y"}),
    ("Network/EthernetPort", {"PC_PORT_ENABLE": "N"}),
    ("Network/HTTP", {"WEB_SERVER_PORT": "8080"}),
    ("Lines/Voip", {"RTP_PORT_MIN": "18000"}),
]
FREE = [
    ("Network/HTTP", {"HTTP_PROXY_SVR_PORT": "8888"}),
    ("System/Syslog", {"SYSLOG_PORT": "515"}),
    ("Network/LLDP", {"LLDP_ENABLE": "Y"}),
    ("Lines/Voip", {"RTP_PORT_MIN": "16000"}),
]


@pytest.mark.spec("PROV-277")
@pytest.mark.parametrize(("group", "values"), BOUND)
def test_what_touches_ports_and_transport_needs_one_restart(group: str, values: dict[str, str]) -> None:
    result = run(story(sets(group, **values), until=seconds(60)))
    (ordered,) = result.of(RestartOrdered)
    assert ordered.event == RestartOrdered("settings")
    first, second = result.of(RunEnded)
    assert (first.event.changed, second.event.changed) == (1, 0)
    assert ordered.time == first.time
    (needed,) = result.of(RestartNeeded)
    assert needed.because == tuple(entry.n for entry in result.of(SettingChanged))


@pytest.mark.spec("PROV-277")
@pytest.mark.parametrize(("group", "values"), FREE)
def test_all_else_applies_at_the_end_of_the_run(group: str, values: dict[str, str]) -> None:
    result = run(story(sets(group, **values), until=seconds(60)))
    assert not result.of(RestartOrdered)
    assert all(result.phones[0].settings.value(key) == value for key, value in values.items())


@pytest.mark.spec("PROV-277")
def test_a_value_that_the_user_overrides_changes_nothing_that_is_in_force() -> None:
    result = run(story(sets("Network/LLDP", LLDP_ENABLE="N"), user={"LLDP_ENABLE": "Y"}, until=seconds(60)))
    assert result.of(SettingChanged)
    assert not result.of(RestartOrdered)


def test_what_somebody_types_does_not_restart_the_phone() -> None:
    hands = (ActionSpec(seconds(5), "web", "WEB_SERVER_PORT", "81"), ActionSpec(seconds(10), "notify"))
    result = run(attrs.evolve(world(*hands), phone=attrs.evolve(world().phone, options={"notify_from": "anyone"})))
    assert len(result.of(RunEnded)) == 2
    assert not result.of(RestartOrdered)


@pytest.mark.spec("PROV-240")
def test_during_a_call_the_download_goes_on_and_the_restart_waits() -> None:
    lift, back = ActionSpec(seconds(0.003), "lift"), ActionSpec(seconds(30), "hang-up")
    result = run(story(sets("Network/CDP", CDP_ENABLE="N"), action=(lift, back), until=seconds(60)))
    (ordered,) = result.of(RestartOrdered)
    assert result.of(RunEnded)[0].time < SECOND
    assert ordered.time == 30 * SECOND


def test_a_change_that_cannot_be_saved_does_not_lead_to_restarts_without_end() -> None:
    def full(*_: object) -> None:
        raise JournalFull("bank-full")

    firmware = kx_utg200().with_format(plan=full)
    result = run(story(sets("Network/CDP", CDP_ENABLE="N"), until=seconds(60)), firmware=firmware)
    assert result.of(SaveFailed)
    assert not result.of(RestartOrdered)
