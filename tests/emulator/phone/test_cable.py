"""The cable comes out and goes in again while the phone is doing something: it always gets its configuration."""

from __future__ import annotations

from functools import cache

import attrs
import pytest

from emulator.events import (
    SECOND,
    ConflictFound,
    DhcpStateEntered,
    Entry,
    Event,
    FrameSent,
    HttpRequested,
    LinkUp,
    PnpSubscribed,
    TimerDue,
    VlanChosen,
)
from emulator.world.scenario import ActionSpec, DhcpSpec, Duration, HostSpec, PnpSpec, Scenario, SwitchSpec
from tests.emulator.phone.bench import FILE_SERVER, initial, prov, seconds, served, story, syslog
from tools.simulate import RunResult, run

FILES = ("initial", "standard", "product", "master")


def long_boot(conflict: bool = False) -> Scenario:
    """A boot that takes its time everywhere: five seconds of LLDP, slow DHCP and files, a PnP responder without a URL.

    conflict: the first address that DHCP gives is in use.
    """
    names = initial(standard="s.cfg", product="p.cfg", master="m.cfg")
    files = served({"/i.cfg": names, "/s.cfg": syslog(), "/p.cfg": prov(), "/m.cfg": prov()}, delay=seconds(2))
    world = story(files, url=None, provisioned={}, until=seconds(3600))
    return attrs.evolve(
        world,
        switch=SwitchSpec(lldp="silent", cdp="answer", cdp_vlan=30),
        dhcp=(DhcpSpec(option160=f"http://{FILE_SERVER}/i.cfg", vlan=30, delay=seconds(1)),),
        pnp=(PnpSpec(behaviour="no-notify", vlan=30),),
        host=(HostSpec("192.0.2.10", vlan=30),) if conflict else (),
    )


@cache
def undisturbed(conflict: bool = False) -> RunResult:
    """The boot with its cable in."""
    return run(long_boot(conflict))


def pulled(conflict: bool, at: int, apart: int) -> RunResult:
    """The boot with its cable out from ``at`` for ``apart`` ns."""
    out, back = ActionSpec(Duration(at), "link-down"), ActionSpec(Duration(at + apart), "link-up")
    return run(attrs.evolve(long_boot(conflict), action=(out, back)))


def state(entry: Entry, name: str) -> bool:
    """Whether the DHCP client enters this state."""
    return isinstance(entry.event, DhcpStateEntered) and entry.event.state == name


def fetches(entry: Entry, name: str) -> bool:
    """Whether the phone asks for this file."""
    return isinstance(entry.event, HttpRequested) and entry.event.name == name


def is_a(kind: type[Event]) -> object:
    """Whether an entry holds such an event."""
    return lambda entry: isinstance(entry.event, kind)


PHASES = {
    "waiting for LLDP": is_a(FrameSent),
    "the VLAN chosen": is_a(VlanChosen),
    **{name: lambda entry, name=name: state(entry, name) for name in ("selecting", "requesting", "bound")},
    "the PnP window": is_a(PnpSubscribed),
    **{f"the {file} file": lambda entry, file=file: fetches(entry, file) for file in FILES},
}


@pytest.mark.parametrize("apart", [1, SECOND, 400 * SECOND])
@pytest.mark.parametrize("phase", PHASES)
def test_a_cable_that_was_out_costs_time_and_nothing_else(phase: str, apart: int) -> None:
    begins = next(entry for entry in undisturbed().entries if PHASES[phase](entry))  # type: ignore[operator]
    result = pulled(False, begins.time + 1, apart)
    assert len(result.of(LinkUp)) == 2
    assert result.outcome == "provisioned"
    assert result.phones[0].settings.files == FILES[1:]
    assert result.phones[0].neighbours.vlan == 30
    assert result.phones[0].power.display == ""


def test_the_pause_after_a_conflict_may_be_cut_short() -> None:
    (conflict,) = undisturbed(True).of(ConflictFound)
    for at in (conflict.time + 1, conflict.time + 9 * SECOND):
        result = pulled(True, at, SECOND)
        assert (result.outcome, result.phones[0].dhcp.address) == ("provisioned", "192.0.2.11")


@pytest.mark.parametrize("conflict", [False, True])
def test_at_any_moment_the_phone_goes_on_or_has_a_timer_that_will(conflict: bool) -> None:
    """Before and after every input of the whole boot."""
    inputs = [entry.time for entry in undisturbed(conflict).entries if entry.due is not None]
    moments = sorted({time + late for time in inputs for late in (0, 1)})
    assert len(moments) >= 20
    for at in (moment for moment in moments if moment < 60 * SECOND):
        result = pulled(conflict, at, 2 * SECOND)
        assert result.outcome == "provisioned", at


def test_a_cable_that_stays_out_leaves_nothing_running() -> None:
    out = ActionSpec(seconds(2), "link-down")
    result = run(attrs.evolve(long_boot(), action=(out,)))
    assert result.outcome == "unfinished"
    assert not result.phones[0].orders.open
    assert result.phones[0].power.display == "N1 no link"
    assert not result.of(TimerDue)


def test_a_phone_that_starts_without_a_cable_says_so() -> None:
    """And at no cost for one that has it: nothing is said then."""
    hands = (
        ActionSpec(seconds(0), "link-down"),
        ActionSpec(seconds(1), "power-off"),
        ActionSpec(seconds(2), "power-on"),
    )
    result = run(attrs.evolve(story(until=seconds(3)), action=hands))
    assert result.phones[0].power.display == "N1 no link"
    assert [e.event.kind for e in result.entries if e.due == 2 * SECOND] == ["PowerOn", "LinkDown"]
    later = attrs.evolve(story(until=seconds(9)), action=(*hands, ActionSpec(seconds(4), "link-up")))
    assert run(later).phones[0].dhcp.address
    assert [e.event.kind for e in undisturbed().entries][:4] == ["FlashFitted", "PowerOn", "SettingsLoaded", "LinkUp"]
