"""The phone's own log: what it keeps, how much, and how it is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from emulator.events import PowerOff
from emulator.phone.locallog import LINES
from emulator.phone.loglines import TOLD, line_of
from tests.emulator.phone.bench import FILE_SERVER, QUIET, Bench, initial, seconds, served, story
from tools.cli import main
from tools.simulate import run

WORLD = story(served({"/i.cfg": initial(standard="s.cfg"), "/s.cfg": "<bad"}), url=f"http://a:b@{FILE_SERVER}/i.cfg")


@pytest.mark.spec("PROV-291")
def test_the_log_has_a_line_for_each_event_that_is_told() -> None:
    result = run(WORLD)
    told = [entry for entry in result.entries if isinstance(entry.event, TOLD)]
    assert len(told) > 8
    assert result.phones[0].locallog.lines == [line_of(entry.event, entry.time) for entry in told]


@pytest.mark.spec("PROV-291")
def test_it_can_be_switched_off() -> None:
    assert run(story(url=None, provisioned={**QUIET, "LOG_TO_FILE_ENABLE": "N"})).phones[0].locallog.lines == []


@pytest.mark.spec("PROV-291")
def test_the_oldest_lines_go_first() -> None:
    result = run(story(url=None, provisioned={**QUIET, "CFG_RTRY_INTVL": "1"}, until=seconds(86_000)))
    told = [line_of(entry.event, entry.time) for entry in result.entries if isinstance(entry.event, TOLD)]
    assert len(told) > LINES
    assert result.phones[0].locallog.lines == told[-LINES:]


def test_it_goes_with_the_power() -> None:
    """Boundary: it is in RAM."""
    bench = Bench(provisioned=tuple(QUIET.items()))
    bench.link_up()
    bench.bind()
    assert bench.phone.locallog.lines
    bench.feed(PowerOff())
    assert bench.phone.locallog.lines == []


def test_state_shows_the_last_lines_and_the_clock(tmp_path: Path) -> None:
    path = str(tmp_path / "runs.db")
    run(WORLD, db=path)
    shown = CliRunner().invoke(main, ["state", "1", "--db", path]).output.splitlines()
    assert "clock    not set" in shown
    at = next(n for n, line in enumerate(shown) if line.startswith("log "))
    lines = len(run(WORLD).phones[0].locallog.lines)
    assert shown[at] == f"log      {lines} lines, the last 10:"
    assert len(shown) == at + 11
    assert shown[-1].startswith("      0.0")
    assert "run ends: failed through DHCP option 160" in shown[-1]
    assert " 3 PROV  run ends" in shown[-1]
    found = json.loads(CliRunner().invoke(main, ["state", "1", "--json", "--db", path]).output)
    assert found["utc"] is None
    assert len(found["log"]) == lines
    assert found["log"][0] == {
        "time": 4_000_000,
        "severity": 6,
        "tag": "PROV",
        "text": "provisioning run begins (start)",
    }
    assert "a:b@" not in json.dumps(found["log"])
