"""Restarts that the phone makes by itself: when, what becomes of what it was about to do, and power lost meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

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
    SettingsLoaded,
)
from emulator.phone.firmware import reacts
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.state import Phone
from emulator.world.run import RESTART_TIME
from emulator.world.scenario import ActionSpec, Scenario
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
