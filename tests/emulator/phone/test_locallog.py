"""The phone's own log: what it keeps, when it goes into the flash, what a restart and a power cut leave of it."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner

from emulator.events import (
    SECOND,
    FlashProgrammed,
    LogWritten,
    PowerOff,
    PowerOn,
    RestartOrdered,
    RunEnded,
    TimerSet,
)
from emulator.phone.locallog import DELAY, LINES, log_of
from emulator.phone.loglines import TOLD, line_of
from emulator.world.scenario import ActionSpec, CutSpec, SntpSpec, WornSpec
from flash_image import factory, pack, read_log
from tests.emulator.phone.bench import (
    FILE_SERVER,
    MAC,
    MODEL,
    QUIET,
    Bench,
    initial,
    of,
    on_flash,
    seconds,
    served,
    story,
    typed,
)
from tools.cli import main
from tools.simulate import RunResult, run

ASKS_NOBODY = {"SIPPNP_ENABLE": "N"}
WORLD = story(
    served({"/i.cfg": initial(standard="s.cfg"), "/s.cfg": "<bad"}),
    url=f"http://a:b@{FILE_SERVER}/i.cfg",
    provisioned=ASKS_NOBODY,
)


def told(result: RunResult) -> list[str]:
    return [line_of(entry.event, entry.time).text for entry in result.entries if isinstance(entry.event, TOLD)]


def kept(result: RunResult) -> list[str]:
    return [line.text for line in log_of(result.phones[0])]


@pytest.mark.spec("PROV-291")
def test_the_log_has_a_line_for_each_event_that_is_told() -> None:
    result = run(WORLD)
    assert len(told(result)) > 8
    assert kept(result) == told(result)


@pytest.mark.spec("PROV-291")
def test_it_can_be_switched_off() -> None:
    result = run(story(url=None, provisioned=QUIET))
    assert kept(result) == []
    assert not result.of(LogWritten)


@pytest.mark.spec("PROV-291")
def test_the_lines_go_into_the_flash_once_a_run_has_ended() -> None:
    result = run(WORLD)
    (written,) = result.of(LogWritten)
    assert written.time >= result.of(RunEnded)[0].time + DELAY
    assert written.event.lines == len(told(result))
    assert result.phones[0].locallog.lines == []
    assert [line.text for line in read_log(result.phones[0].flash.chip).lines] == told(result)
    program = [e for e in result.of(FlashProgrammed) if e.time > result.of(RunEnded)[0].time]
    assert 2 <= len(program) < 10, "several lines to a page"


@pytest.mark.spec("PROV-291")
def test_a_restart_keeps_every_line() -> None:
    hands = (ActionSpec(seconds(30), "restart"),)
    result = run(attrs.evolve(WORLD, action=hands))
    assert len(result.of(RestartOrdered)) == 1
    assert kept(result) == told(result)
    soon = (ActionSpec(result.of(RunEnded)[0].time + 1_000_000, "restart"),)  # type: ignore[arg-type]
    result = run(attrs.evolve(WORLD, action=soon))
    assert result.of(LogWritten)[0].time <= result.of(RestartOrdered)[0].time
    assert kept(result) == told(result)


def test_what_is_in_memory_goes_with_the_power() -> None:
    bench = Bench(provisioned=tuple(ASKS_NOBODY.items()), log=True)
    bench.link_up()
    bench.bind()
    assert bench.phone.locallog.lines
    bench.feed(PowerOff())
    bench.feed(PowerOn("11" * 32))
    assert log_of(bench.phone) == []


def test_after_a_power_cut_in_the_log_its_other_lines_are_there() -> None:
    whole = run(WORLD)
    before = [e for e in whole.entries if e.event.kind in ("FlashErased", "FlashProgrammed")]
    page = len(before) - 2
    torn = run(attrs.evolve(WORLD, cut=(CutSpec(page, "bytes", 40),)))
    lines, first = kept(torn), told(whole)
    lost = next(at for at, line in enumerate(first) if lines[at] != line)
    assert 0 < lost < len(first)
    assert lines[lost:] == told(torn)[len(first) :], "the log of the second start follows"


@pytest.mark.spec("PROV-291")
def test_the_oldest_lines_go_first() -> None:
    result = run(story(url=None, provisioned={**ASKS_NOBODY, "CFG_RTRY_INTVL": "1"}, until=seconds(20_000)))
    held, all_of_them = kept(result), told(result)
    assert 400 < len(held) < len(all_of_them)
    assert held == all_of_them[-len(held) :]
    erased = {sector: count for sector, count in result.phones[0].flash.chip.wear.items() if 4 <= sector < 16}
    assert len(erased) == 12
    assert max(erased.values()) - min(erased.values()) <= 1


@pytest.mark.spec("PROV-291")
def test_on_a_chip_without_a_ring_the_last_lines_stay_in_memory() -> None:
    old = pack(factory(MAC, MODEL, "1", version=1))
    world = story(url=None, provisioned={}, until=seconds(120_000))
    result, _ = on_flash(world, old)
    assert not of(result.entries, LogWritten)
    assert len(told(result)) > LINES
    assert kept(result) == told(result)[-LINES:]


def test_lines_have_the_time_of_day_once_the_clock_is_set() -> None:
    world = story(url=None, provisioned={**ASKS_NOBODY, "NTP_ADDR": "192.0.2.40"}, sntp=(SntpSpec(),))
    lines = log_of(run(world).phones[0])
    first = next(at for at, line in enumerate(lines) if line.utc)
    assert first == 0, "they are written when the time is known"
    assert all(line.utc for line in lines)
    assert lines[0].time // SECOND == world.clock // SECOND


def test_lines_of_a_worn_sector_are_lost_and_the_log_says_so() -> None:
    result = run(attrs.evolve(WORLD, phone=attrs.evolve(WORLD.phone, worn=(WornSpec("program-loss", 0, (4,)),))))
    (written,) = result.of(LogWritten)
    assert written.event.reason == "program-loss"
    assert kept(result) == []
    assert result.outcome == run(WORLD).outcome


def test_a_timer_is_armed_for_what_is_told_outside_a_run() -> None:
    bench = Bench(log=True)
    bench.feed(typed("SYSLOG_PORT", "99"))
    assert [entry.event.name for entry in bench.of(TimerSet)] == ["local-log"]
    bench.wait(DELAY)
    assert [entry.event.lines for entry in bench.of(LogWritten)] == [1]


def test_state_shows_the_last_lines_and_the_clock(tmp_path: Path) -> None:
    path = str(tmp_path / "runs.db")
    result = run(WORLD, db=path)
    shown = CliRunner().invoke(main, ["state", "1", "--db", path]).output.splitlines()
    assert "clock    not set" in shown
    at = next(n for n, line in enumerate(shown) if line.startswith("log "))
    lines = len(told(result))
    assert shown[at] == f"log      {lines} lines, the last 10:"
    assert len(shown) == at + 11
    assert shown[-1].startswith("     +0.0")
    assert "run ends: failed through DHCP option 160" in shown[-1]
    assert " 3 PROV  run ends" in shown[-1]
    found = json.loads(CliRunner().invoke(main, ["state", "1", "--json", "--db", path]).output)
    assert found["utc"] is None
    assert len(found["log"]) == lines
    assert found["log"][0] == {
        "time": 4_000_000,
        "utc": False,
        "severity": 6,
        "tag": "PROV",
        "text": "provisioning run begins (start)",
    }
    assert "a:b@" not in json.dumps(found["log"])


def test_the_log_of_an_earlier_run_is_gone_on_from() -> None:
    first = run(WORLD)
    second, _ = on_flash(WORLD, pack(first.phones[0].flash.chip))
    assert kept(second) == [*told(first), *told(second)]
