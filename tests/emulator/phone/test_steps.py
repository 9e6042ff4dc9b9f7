"""The nine steps: their order, their sources, what a failure leads to, and what the log says of the reasons."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import attrs
import pytest

from emulator.events import (
    SECOND,
    STEPS,
    DhcpReceived,
    DownloadEnded,
    DownloadOrdered,
    Entry,
    HttpRequested,
    PnpSubscribed,
    RunEnded,
    RunStarted,
    SettingChanged,
    SettingsLoaded,
    SourceTried,
    StepEntered,
    TimerSet,
)
from emulator.phone.kx_utg200 import kx_utg200
from emulator.wire import dhcp as wire
from emulator.world.scenario import ActionSpec, DhcpSpec, PathSpec, PnpSpec, RedirectionSpec, Scenario
from tests.emulator.phone.bench import (
    FILE_SERVER,
    MAC,
    MINUTE,
    initial,
    prov,
    seconds,
    served,
    steps,
    story,
    syslog,
)
from tools.simulate import RunResult, run

TITLES = {
    1: "settings from flash",
    2: "URL set by hand?",
    3: "SIP PnP",
    4: "DHCP option 160",
    5: "DHCP option 159",
    6: "DHCP option 66",
    61: "DHCPv6 option 17",
    7: "redirection server",
    8: "download the files",
    9: "saved files, or retry",
}

SOURCES = {2: "manual URL", 3: "SIP PnP", 4: "DHCP option 160", 5: "DHCP option 159", 6: "DHCP option 66"}
SOURCES |= {7: "redirection server"}


def test_the_table_of_steps_is_the_guides() -> None:
    table = kx_utg200().steps
    assert list(table) == list(TITLES) == list(STEPS)
    assert {number: info.title for number, info in table.items()} == TITLES
    assert all(info.number == number for number, info in table.items())


# --- Which source wins ----------------------------------------------------------------------------------------------


def url_of(step: int) -> str:
    return f"http://{FILE_SERVER}/{step}.cfg"


def world(sources: Iterable[int], works: bool = True, **settings: str) -> Scenario:
    """A world in which exactly these steps find a URL, each one of its own."""
    has = set(sources)
    scenario = story(served({url_of(step)[len(f"http://{FILE_SERVER}") :]: initial() for step in has if works}))
    dhcp = DhcpSpec(
        option160=url_of(4) if 4 in has else None,
        option159=url_of(5) if 5 in has else None,
        option66=url_of(6) if 6 in has else None,
    )
    phone = attrs.evolve(
        scenario.phone,
        user={"USR_PROV_SVR_URL": url_of(2)} if 2 in has else {},
        provisioned=settings,
        options={"redirection_url": "http://192.0.2.50/"},
    )
    return attrs.evolve(
        scenario,
        phone=phone,
        dhcp=(dhcp,),
        pnp=(PnpSpec(url=url_of(3)),) if 3 in has else (),
        redirection=(RedirectionSpec(known={MAC: url_of(7)} if 7 in has else {}),),
        until=seconds(20),
    )


def tried(result: RunResult) -> list[tuple[int, str, str | None]]:
    return [(e.event.step, e.event.source, e.event.url) for e in result.of(SourceTried)]


def ended(result: RunResult) -> list[str]:
    return [entry.event.outcome for entry in result.of(RunEnded)]


HELD = {(): "PROV-007", (7,): "PROV-100"}
SUBSETS = [
    pytest.param(
        subset,
        id="+".join(map(str, subset)) or "none",
        marks=pytest.mark.spec(HELD.get(subset) or f"PROV-00{min(subset)}"),
    )
    for size in range(7)
    for subset in combinations(SOURCES, size)
]
"""Sets of sources that answer, each with the rule of the one that has to win."""


@pytest.mark.spec("PROV-021")
@pytest.mark.parametrize("subset", SUBSETS)
def test_the_first_source_in_the_guides_order_wins_and_no_later_one_is_asked(subset: tuple[int, ...]) -> None:
    result = run(world(subset))
    first = min(subset, default=None)
    asked = [step for step in SOURCES if first is None or step <= first]
    wanted = [(step, SOURCES[step], url_of(step) if step == first else None) for step in asked]
    assert tried(result) == wanted
    assert steps(result.entries) == [1, *asked, 9 if first is None else 8]
    assert bool(result.of(PnpSubscribed)) == (3 in asked)
    requested = [entry.event.target for entry in result.of(HttpRequested)]
    asked_redirection = [f"/{MAC.lower()}.cfg"] if 7 in asked else []
    assert requested == asked_redirection + ([f"/{first}.cfg"] if first else [])
    assert ended(result) == (["failed"] if first is None else ["provisioned"])
    assert result.of(RunEnded)[0].event.source == ("" if first is None else SOURCES[first])


SWITCHES = {3: "SIPPNP_ENABLE", 4: "OPTION160_ENABLE", 5: "OPTION159_ENABLE", 6: "OPTION66_ENABLE"}


@pytest.mark.spec("PROV-073", "PROV-076")
@pytest.mark.parametrize("off", [off for size in range(5) for off in combinations(SWITCHES, size)], ids=str)
def test_a_source_that_is_switched_off_is_passed_over(off: tuple[int, ...]) -> None:
    result = run(world((3, 4, 5, 6, 7), **{SWITCHES[step]: "N" for step in off}))
    winner = next(step for step in (3, 4, 5, 6, 7) if step not in off)
    assert result.of(RunEnded)[0].event.source == SOURCES[winner]
    for entry in result.of(SourceTried):
        event = entry.event
        if event.step in SWITCHES:
            assert (event.setting, event.value) == (SWITCHES[event.step], "N" if event.step in off else "Y")
            assert event.reason == ("disabled" if event.step in off else "")


@pytest.mark.spec("PROV-010", "PROV-008")
@pytest.mark.parametrize("step", SOURCES)
def test_a_failed_download_never_falls_back_on_another_source(step: int) -> None:
    result = run(world([other for other in SOURCES if other >= step], works=False))
    assert steps(result.entries) == [1, *range(2, step + 1), 8, 9]
    assert ended(result) == ["failed"]
    assert [entry.event.target for entry in result.of(HttpRequested)][-1] == f"/{step}.cfg"


@pytest.mark.spec("PROV-104")
def test_without_a_base_url_the_redirection_server_fails_at_once() -> None:
    scenario = world(())
    result = run(attrs.evolve(scenario, phone=attrs.evolve(scenario.phone, options={})))
    seventh = result.of(SourceTried)[-1]
    assert (seventh.event.step, seventh.event.reason) == (7, "no-server-set")
    assert not result.of(HttpRequested)


@pytest.mark.spec("PROV-238")
def test_switched_off_nothing_is_looked_for() -> None:
    result = run(world((2, 3, 4, 5, 6, 7), PROVISION_ENABLE="N"))
    assert steps(result.entries) == [1]
    assert ended(result) == ["disabled"]
    assert not result.of(TimerSet) or all(entry.event.name != "retry" for entry in result.of(TimerSet))
    assert not result.of(HttpRequested)


@pytest.mark.spec("PROV-002")
@pytest.mark.parametrize(("reading", "step"), [("user", 4), ("effective", 2)])
def test_a_provisioned_url_counts_as_set_by_hand_only_if_the_option_says_so(reading: str, step: int) -> None:
    scenario = world((4,), SIPPNP_ENABLE="N", USR_PROV_SVR_URL=url_of(2))
    result = run(attrs.evolve(scenario, phone=attrs.evolve(scenario.phone, options={"manual_url": reading})))
    assert result.of(SourceTried)[-1].event.step == step
    assert result.of(SourceTried)[-1].event.url == url_of(step)


@pytest.mark.spec("PROV-150")
def test_a_device_file_at_the_url_is_applied_as_the_standard_file() -> None:
    result = run(story(served({"/i.cfg": syslog(SYSLOG_SEVERITY="6")})))
    assert [entry.event.file for entry in result.of(DownloadOrdered)] == ["initial"]
    assert result.phones[0].settings.value("SYSLOG_SEVERITY") == "6"
    assert result.phones[0].settings.files == ("standard",)


# --- Again ----------------------------------------------------------------------------------------------------------


def run_times(result: RunResult) -> list[tuple[int, str]]:
    return [(entry.time, entry.event.trigger) for entry in result.of(RunStarted)]


@pytest.mark.spec("PROV-194", "PROV-009")
@pytest.mark.parametrize("minutes", [None, 1, 7, 1440])
def test_a_failed_run_is_repeated_after_exactly_the_interval_from_step_2(minutes: int | None) -> None:
    interval = minutes or 30
    settings = {"SIPPNP_ENABLE": "N"} | ({} if minutes is None else {"CFG_RTRY_INTVL": str(minutes)})
    scenario = story(url=None, provisioned=settings, until=seconds(interval * 60 * 3.5))
    result = run(scenario)
    ends = [entry.time for entry in result.of(RunEnded)]
    starts = run_times(result)
    assert [trigger for _, trigger in starts] == ["start", "retry", "retry", "retry"]
    for ended_at, (started_at, _) in zip(ends, starts[1:], strict=False):
        assert started_at - ended_at == interval * MINUTE
    assert steps(result.entries) == [1] + [2, 3, 4, 5, 6, 7, 9] * 4


@pytest.mark.spec("PROV-194", "PROV-009")
@pytest.mark.parametrize(
    ("paths", "saved", "outcome", "again"),
    [
        ({"/i.cfg": initial(standard="s.cfg"), "/s.cfg": prov()}, {}, "provisioned", False),
        ({"/i.cfg": initial()}, {}, "provisioned", False),
        ({"/i.cfg": initial(standard="s.cfg", master="m.cfg"), "/s.cfg": prov()}, {}, "partly", True),
        ({"/i.cfg": initial(standard="s.cfg")}, {"standard": prov()}, "saved", True),
        ({"/i.cfg": initial(standard="s.cfg")}, {}, "failed", True),
        ({}, {"master": prov()}, "saved", True),
        ({}, {}, "failed", True),
    ],
)
def test_whatever_was_needed_and_missing_leads_to_a_retry(
    paths: dict[str, str], saved: dict[str, str], outcome: str, again: bool
) -> None:
    result = run(story(served(paths), saved=saved, until=seconds(40 * 60)))
    assert ended(result) == [outcome] * (1 + again)
    assert [trigger for _, trigger in run_times(result)] == ["start"] + ["retry"] * again


@pytest.mark.spec("PROV-194", "PROV-237")
@pytest.mark.parametrize("through", ["file", "saved copy"])
def test_the_interval_is_the_one_that_this_run_brought(through: str) -> None:
    device = prov(CFG_RTRY_INTVL="3", SIPPNP_ENABLE="N")
    files = {"/i.cfg": initial(standard="s.cfg", master="m.cfg")} | ({"/s.cfg": device} if through == "file" else {})
    saved = {"standard": device} if through == "saved copy" else {}
    result = run(story(served(files), saved=saved, until=seconds(200)))
    change = next(e for e in result.of(SettingChanged) if e.event.key == "CFG_RTRY_INTVL")
    retry = next(entry for entry in result.of(TimerSet) if entry.event.name == "retry")
    assert retry.event.after == 3 * MINUTE
    assert change.n in retry.because
    assert [trigger for _, trigger in run_times(result)] == ["start", "retry"]


def test_a_retry_asks_the_sources_anew() -> None:
    scenario = story(served({"/i.cfg": initial()}, start=seconds(60)), until=seconds(40 * 60))
    hand = ActionSpec(seconds(600), "web", "USR_PROV_SVR_URL", f"http://{FILE_SERVER}/i.cfg")
    result = run(attrs.evolve(scenario, action=(hand,)))
    assert [entry.event.source for entry in result.of(RunEnded)] == ["DHCP option 160", "manual URL"]
    assert ended(result) == ["failed", "provisioned"]


@pytest.mark.spec("PROV-238")
def test_no_retry_once_provisioning_is_switched_off() -> None:
    off = ActionSpec(seconds(600), "web", "PROVISION_ENABLE", "N")
    result = run(story(url=None, action=(off,), until=seconds(3 * 3600)))
    assert [trigger for _, trigger in run_times(result)] == ["start"]


def test_power_off_takes_the_retry_with_it() -> None:
    actions = (ActionSpec(seconds(600), "power-off"), ActionSpec(seconds(4 * 3600), "power-on"))
    result = run(story(url=None, action=actions, until=seconds(4 * 3600 + 20 * 60)))
    assert [trigger for _, trigger in run_times(result)] == ["start", "start"]


# --- Without a network ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [2.0, 5.5, 30.0], ids=["step 3", "step 8", "afterwards"])
def test_with_the_cable_out_nothing_is_sent_or_fetched(at: float) -> None:
    files = served({"/i.cfg": PathSpec(text=initial(standard="s.cfg"), behaviour="slow")})
    scenario = story(files, provisioned={}, until=seconds(3600))
    result = run(attrs.evolve(scenario, action=(ActionSpec(seconds(at), "link-down"),)))
    late = [entry for entry in result.entries if entry.time > seconds(at)]
    assert not [entry for entry in late if entry.event.kind in ("DatagramSent", "HttpRequested", "LookupRequested")]
    assert result.of(RunEnded)[-1].event.outcome == "failed"
    assert result.of(DownloadEnded)[-1].event.reason == "no-address"
    assert not [order for order in result.phones[0].orders.open if order.startswith("timer:dhcp")]


def test_back_on_the_network_the_retry_succeeds() -> None:
    files = served({"/i.cfg": initial()})
    actions = (ActionSpec(seconds(2), "link-down"), ActionSpec(seconds(60), "link-up"))
    result = run(attrs.evolve(story(files, provisioned={}, until=seconds(2400)), action=actions))
    assert ended(result) == ["failed", "provisioned"]
    assert result.of(RunEnded)[0].time == seconds(2)


# --- Why ------------------------------------------------------------------------------------------------------------


def grounds(entries: list[Entry], n: int) -> list[Entry]:
    """Everything that entry ``n`` goes back to, through causes and grounds."""
    found: dict[int, Entry] = {}
    todo = [n]
    while todo:
        entry = entries[todo.pop() - 1]
        if entry.n not in found:
            found[entry.n] = entry
            todo += [*entry.because, *([] if entry.cause is None else [entry.cause])]
    return list(found.values())


def step_8(result: RunResult) -> Entry:
    return next(
        entry for entry in reversed(result.entries) if isinstance(entry.event, StepEntered) and entry.event.step == 8
    )


@pytest.mark.spec("PROV-004")
def test_step_8_goes_back_to_the_acknowledgement_and_the_value_of_the_switch() -> None:
    result = run(world((4,)))
    behind = grounds(result.entries, step_8(result).n)
    (acknowledged,) = [e for e in behind if isinstance(e.event, DhcpReceived) and e.event.type == wire.ACK]
    assert acknowledged.event.option160 == url_of(4)
    assert any(isinstance(entry.event, SettingsLoaded) for entry in behind)


@pytest.mark.spec("PROV-004")
def test_a_changed_switch_is_what_step_8_goes_back_to() -> None:
    first_file = initial(standard="s.cfg", master="m.cfg")
    files = served({"/i.cfg": first_file, "/s.cfg": prov(CFG_RTRY_INTVL="1")})
    hand = (
        ActionSpec(seconds(5), "web", "OPTION160_ENABLE", "N"),
        ActionSpec(seconds(6), "web", "OPTION160_ENABLE", "Y"),
    )
    result = run(story(files, action=hand, until=seconds(70)))
    assert len(run_times(result)) == 2
    behind = grounds(result.entries, step_8(result).n)
    changes = [
        e.event.value for e in behind if isinstance(e.event, SettingChanged) and e.event.key == "OPTION160_ENABLE"
    ]
    assert changes == ["Y"]


@pytest.mark.parametrize("subset", [(2,), (3,), (5,), (7,), ()])
def test_causes_go_back_to_inputs_that_nothing_caused(subset: tuple[int, ...]) -> None:
    result = run(world(subset))
    for entry in result.entries:
        references = [*entry.because, *([] if entry.cause is None else [entry.cause])]
        assert all(0 < reference < entry.n for reference in references), entry
        at = entry
        while at.cause is not None:
            at = result.entries[at.cause - 1]
        assert at.due is not None


@pytest.mark.spec("PROV-005")
def test_passing_over_an_option_names_the_acknowledgement_that_lacked_it() -> None:
    result = run(world((5,), SIPPNP_ENABLE="N"))
    ack = next(e for e in result.of(DhcpReceived) if e.event.type == wire.ACK)
    fourth = next(entry for entry in result.of(SourceTried) if entry.event.step == 4)
    assert (fourth.event.reason, ack.n in fourth.because) == ("not-populated", True)
    assert ack.time < fourth.time + SECOND
