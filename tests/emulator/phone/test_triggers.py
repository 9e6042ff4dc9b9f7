"""When provisioning runs begin: to the nanosecond, and never without a reason (PROV-230 to PROV-240)."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import SECOND, HttpRequested, RunEnded, RunStarted, StepEntered, TimerCancelled, TimerSet
from emulator.phone.provisioning import LAST_GOOD
from emulator.world.scenario import ActionSpec, FilesSpec, Instant, PathSpec, Scenario, SntpSpec
from flash_image import Timing
from tests.emulator.phone.bench import FILE_SERVER, MINUTE, QUIET, Bench, initial, prov, seconds, served, steps, story
from tools.simulate import RunResult, run

HOUR = 60 * MINUTE
COMMIT = 2 * Timing().program_ns
"""A record and what confirms it."""
FIRST_COMMIT = COMMIT + Timing().program_ns
"""The first since power-on leaves a page out."""
"""What it takes to save a setting."""
GOOD = served({"/i.cfg": initial()})


def begun(result: RunResult) -> list[tuple[int, str]]:
    """When each run began, and why."""
    return [(entry.time, entry.event.trigger) for entry in result.of(RunStarted)]


def world(*files: FilesSpec, hours: float = 10, **changes: Any) -> Scenario:
    """A phone with intervals of an hour."""
    cyclic = {**QUIET, "CFG_CYCLIC": "Y", "CFG_CYCLIC_INTVL": "60"}
    return story(*(files or (GOOD,)), until=seconds(hours * 3600), **{"provisioned": cyclic, **changes})


def typed(at: float, key: str, value: str | None) -> ActionSpec:
    return ActionSpec(seconds(at), "web", key, value)


# --- Intervals ------------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-231", "PROV-237")
def test_intervals_count_from_power_on_and_not_from_the_last_run() -> None:
    result = run(world(hours=3.5))
    times = begun(result)
    assert times[0][1] == "start"
    assert times[1:] == [(n * HOUR, "cyclic") for n in (1, 2, 3)]
    late = world(served({"/i.cfg": PathSpec(text=initial(), behaviour="slow")}), hours=2.5)
    assert begun(run(late))[1:] == [(HOUR, "cyclic"), (2 * HOUR, "cyclic")]


@pytest.mark.spec("PROV-231")
def test_a_restart_counts_anew() -> None:
    hands = (ActionSpec(seconds(600), "power-off"), ActionSpec(seconds(900), "power-on"))
    assert begun(run(world(action=hands, hours=1.9)))[2:] == [(900 * SECOND + HOUR, "cyclic")]


@pytest.mark.spec("PROV-232")
@pytest.mark.parametrize("flag", ["N", None])
def test_without_the_flag_there_are_no_intervals(flag: str | None) -> None:
    held = {**QUIET, "CFG_CYCLIC_INTVL": "60", **({"CFG_CYCLIC": flag} if flag else {})}
    assert [why for _, why in begun(run(world(provisioned=held)))] == ["start"]


@pytest.mark.spec("PROV-231")
def test_what_a_file_says_counts_at_the_end_of_its_run() -> None:
    file = served({"/i.cfg": initial(standard="s.cfg"), "/s.cfg": prov(CFG_CYCLIC="Y", CFG_CYCLIC_INTVL="120")})
    assert begun(run(world(file, hours=5, provisioned=QUIET)))[1:] == [(2 * HOUR, "cyclic"), (4 * HOUR, "cyclic")]


@pytest.mark.spec("PROV-232", "PROV-238")
@pytest.mark.parametrize(("key", "value"), [("CFG_CYCLIC", "N"), ("PROVISION_ENABLE", "N")])
def test_what_is_typed_counts_at_once(key: str, value: str) -> None:
    result = run(world(action=(typed(5400, key, value), typed(9000, key, "Y")), hours=4.5))
    assert begun(result)[1:] == [(HOUR, "cyclic"), (3 * HOUR, "cyclic"), (4 * HOUR, "cyclic")]
    assert [entry.time for entry in result.of(TimerCancelled) if entry.event.name == "cyclic"] == [
        5400 * SECOND + COMMIT
    ]


def test_an_interval_that_ends_during_a_run_is_spent_on_it() -> None:
    """The server answers after 20 s; the phone is one minute old then."""
    slow = served({"/i.cfg": PathSpec(behaviour="silent")})
    minute = {**QUIET, "CFG_CYCLIC": "Y", "CFG_CYCLIC_INTVL": "1"}
    hands = (ActionSpec(seconds(50), "notify"),)
    options = {"notify_from": "anyone"}
    result = run(world(slow, provisioned=minute, action=hands, options=options, hours=0.04))
    assert begun(result)[1:] == [(50_001 * SECOND // 1000, "check-sync"), (2 * MINUTE, "cyclic")]


@given(age=st.integers(0, 10**15), minutes=st.integers(1, 40320))
@settings(max_examples=200, deadline=None)
def test_the_next_interval_is_always_ahead_and_a_multiple(age: int, minutes: int) -> None:
    bench = Bench(provisioned=(("CFG_CYCLIC", "Y"), ("CFG_CYCLIC_INTVL", str(minutes))))
    from emulator.phone.triggers import cyclic_due

    due = cyclic_due(bench.phone, age)
    assert due is not None
    assert age < due <= age + minutes * MINUTE
    assert due % (minutes * MINUTE) == 0


# --- Retry and the others -------------------------------------------------------------------------------------------


def test_a_run_for_another_reason_takes_the_place_of_the_retry() -> None:
    """It fails too, and the phone tries again an interval after it; once one is good, nothing is left to try."""
    held = {**QUIET, "CFG_CYCLIC": "Y", "CFG_CYCLIC_INTVL": "40", "CFG_RTRY_INTVL": "30"}
    result = run(world(provisioned=held, url=None, hours=2))
    assert [why for _, why in begun(result)] == ["start", "retry", "cyclic", "retry", "cyclic", "retry", "cyclic"]
    times = [at for at, _ in begun(result)]
    assert times[2] == 40 * MINUTE
    assert times[3] == 70 * MINUTE
    back = served({"/i.cfg": initial()}, start=seconds(35 * 60))
    healed = run(world(back, provisioned=held, hours=1.3))
    assert [why for _, why in begun(healed)] == ["start", "retry", "cyclic"]
    assert "timer:retry" not in healed.phones[0].orders.open
    assert "timer:cyclic" in healed.phones[0].orders.open


@pytest.mark.spec("PROV-238")
def test_switched_on_again_the_phone_comes_back_by_itself() -> None:
    result = run(world(provisioned={**QUIET, "PROVISION_ENABLE": "N"}, action=(typed(60, "PROVISION_ENABLE", "Y"),)))
    assert begun(result)[1:] == [(60 * SECOND + FIRST_COMMIT + 30 * MINUTE, "retry")]
    assert result.of(RunEnded)[-1].event.outcome == "provisioned"


# --- The last good URL ----------------------------------------------------------------------------------------------


def sources(result: RunResult) -> list[str]:
    return [entry.event.source for entry in result.of(StepEntered) if entry.event.step == 8]


@pytest.mark.spec("PROV-239")
def test_a_later_run_asks_no_source_but_the_user() -> None:
    result = run(world(hours=1.5))
    assert sources(result) == ["DHCP option 160", LAST_GOOD]
    later = [entry for entry in result.entries if entry.time >= HOUR]
    assert steps(later) == [2, 8]
    by_hand = run(world(hours=1.5, action=(typed(60, "USR_PROV_SVR_URL", f"http://{FILE_SERVER}/i.cfg"),)))
    assert sources(by_hand) == ["DHCP option 160", "manual URL"]


@pytest.mark.spec("PROV-239")
def test_a_last_good_url_that_fails_is_looked_for_anew() -> None:
    """The phone came with the URL of another server that is gone."""
    old = served({"/old.cfg": initial()}, address="192.0.2.21", end=seconds(1000))
    moved = story(old, GOOD, url="http://192.0.2.21/old.cfg", until=seconds(2 * 3600))
    cyclic = {**QUIET, "CFG_CYCLIC": "Y", "CFG_CYCLIC_INTVL": "60"}
    other = attrs.evolve(moved.dhcp[0], option160=f"http://{FILE_SERVER}/i.cfg")
    hands = (ActionSpec(seconds(500), "link-down"), ActionSpec(seconds(510), "link-up"))
    servers = (attrs.evolve(moved.dhcp[0], end=seconds(400)), attrs.evolve(other, start=seconds(400)))
    phone = attrs.evolve(moved.phone, provisioned=cyclic)
    result = run(attrs.evolve(moved, dhcp=servers, action=hands, phone=phone))
    later = [entry for entry in result.entries if HOUR <= entry.time < 2 * HOUR]
    assert steps(later) == [2, 8, 3, 4, 8]
    assert result.of(RunEnded)[-1].event == RunEnded("provisioned", "DHCP option 160", 0, ())
    assert result.phones[0].settings.last_url == f"http://{FILE_SERVER}/i.cfg"


@pytest.mark.spec("PROV-239")
def test_when_nothing_else_is_found_the_saved_files_are_used_and_the_phone_tries_again() -> None:
    gone = served({"/i.cfg": initial(standard="s.cfg"), "/s.cfg": prov(CFG_RTRY_INTVL="20")}, end=seconds(1000))
    result = run(world(gone, hours=1.3))
    assert result.of(RunEnded)[-1].event.outcome == "saved"
    later = [entry for entry in result.entries if entry.time >= HOUR]
    assert steps(later) == [2, 8, 3, 4, 8, 9]
    assert "timer:retry" in result.phones[0].orders.open


def test_a_retry_starts_with_discovery() -> None:
    """PROV-194 goes before PROV-239."""
    once = served({"/i.cfg": initial()}, end=seconds(1000))
    result = run(world(once, hours=1.9))
    assert [why for _, why in begun(result)] == ["start", "cyclic", "retry"]
    retried = result.of(RunStarted)[-1].n
    assert steps([entry for entry in result.entries if entry.n > retried])[:3] == [2, 3, 4]


# --- Time of day ----------------------------------------------------------------------------------------------------

CLOCK = 1_767_225_600 * SECOND
"""2026-01-01T00:00:00Z."""
TIMED = {**QUIET, "CFG_RESYNC_TIME": "23:00", "NTP_ADDR": "192.0.2.40"}


def timed(hours: float, *, sntp: SntpSpec | None = None, clock: int = CLOCK, **changes: Any) -> Scenario:
    """A phone that provisions at 23:00, in a world whose clock shows ``clock`` at the start."""
    told = attrs.evolve(world(hours=hours, **{"provisioned": TIMED, **changes}), clock=Instant(clock))
    return attrs.evolve(told, sntp=(sntp or SntpSpec(),))


@pytest.mark.spec("PROV-233")
def test_each_day_at_the_time_to_the_nanosecond_of_the_phones_clock() -> None:
    result = run(timed(72))
    clock = result.phones[0].wallclock
    runs = begun(result)
    assert [why for _, why in runs] == ["start", "time-of-day", "time-of-day", "time-of-day"]
    for day, (at, _) in enumerate(runs[1:]):
        assert abs(at - (23 + 24 * day) * HOUR) <= 2 * SECOND // 1000, "the clock is off by what SNTP cannot know"
    assert clock.utc(runs[-1][0]) == CLOCK + (23 + 48) * HOUR


@pytest.mark.spec("PROV-233")
def test_the_time_is_local_and_follows_summer_time() -> None:
    """Berlin, from the day before the clocks go forward: 23:00 is 22:00 UTC, and then 21:00 UTC."""
    berlin = {
        **TIMED,
        "TIME_ZONE": "60",
        "DST_ENABLE": "Y",
        "DST_START_MONTH": "3",
        "DST_START_ORDINAL_DAY": "5",
        "DST_START_TIME": "120",
        "DST_STOP_MONTH": "10",
        "DST_STOP_ORDINAL_DAY": "5",
        "DST_STOP_TIME": "180",
    }
    saturday = 1_774_656_000 * SECOND
    at = [time for time, why in begun(run(timed(48, clock=saturday, provisioned=berlin))) if why == "time-of-day"]
    assert [round(time / HOUR, 4) for time in at] == [22.0, 24 + 21.0]


OFF = [
    pytest.param({"CFG_CYCLIC": "Y", "CFG_CYCLIC_INTVL": "60"}, "cyclic", None, marks=pytest.mark.spec("PROV-235")),
    pytest.param({}, "retry", None, marks=pytest.mark.spec("PROV-235")),
]


@pytest.mark.parametrize(("settings", "other", "url"), OFF)
def test_it_switches_the_others_off_once_the_clock_is_set(
    settings: dict[str, str], other: str, url: str | None
) -> None:
    """The time server answers after an hour and a half; nothing can be fetched before or after."""
    story = timed(30, provisioned={**TIMED, **settings}, url=url, sntp=SntpSpec(start=seconds(5400)))
    result = run(story)
    runs = begun(result)
    assert {why for at, why in runs if at < 5400 * SECOND} >= {"start", other}
    assert [why for at, why in runs if at > 5460 * SECOND] == ["time-of-day"]
    assert sorted(key for key in result.phones[0].orders.open if key.startswith("timer:")) == [
        *("timer:dhcp-expiry", "timer:dhcp-t1", "timer:dhcp-t2", "timer:sntp", "timer:time-of-day")
    ]


@pytest.mark.spec("PROV-234", "PROV-235")
@pytest.mark.parametrize("text", ["", "24:00", "7:30"])
def test_a_time_that_is_none_switches_nothing_off(text: str) -> None:
    held = {**TIMED, "CFG_RESYNC_TIME": text}
    result = run(timed(2, provisioned=held, url=None))
    assert "retry" in [why for _, why in begun(result)]
    assert "timer:time-of-day" not in result.phones[0].orders.open


@pytest.mark.spec("PROV-235")
def test_taken_away_again_the_retry_comes_back() -> None:
    result = run(timed(3, url=None, action=(typed(600, "CFG_RESYNC_TIME", ""),)))
    first = begun(result)[1]
    assert first == (600 * SECOND + FIRST_COMMIT + 30 * MINUTE, "retry")


def test_a_zone_that_is_typed_moves_the_time() -> None:
    at = [time for time, why in begun(run(timed(23, action=(typed(600, "TIME_ZONE", "120"),)))) if why == "time-of-day"]
    assert [round(time / HOUR, 4) for time in at] == [21.0]


# --- A year ---------------------------------------------------------------------------------------------------------


def test_weeks_go_by_with_few_events() -> None:
    """28 days, the longest interval there is: nothing but leases in between."""
    longest = {**QUIET, "CFG_CYCLIC": "Y", "CFG_CYCLIC_INTVL": "40320"}
    result = run(world(provisioned=longest, hours=24 * 28.5))
    assert begun(result)[1:] == [(28 * 24 * HOUR, "cyclic")]
    assert len(result.of(HttpRequested)) == 2
    assert len(result.of(TimerSet)) < 400
