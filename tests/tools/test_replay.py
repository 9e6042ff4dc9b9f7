"""Replay against other code: the first divergence with both sides, and code that only logs one event more."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from emulator.events import RunStarted, ToleranceUsed
from emulator.phone import display, provisioning
from emulator.phone.firmware import Firmware, Reaction, reacts
from emulator.phone.kx_utg200 import kx_utg200
from emulator.world.scenario import DhcpSpec, Scenario
from tools import printing
from tools.checking import replay
from tools.cli import main
from tools.simulate import run

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database whose run 1 is the demo, and run 2 a story with two boots."""
    path = tmp_path_factory.mktemp("replay") / "runs.db"
    run(SCENARIOS / "first-boot-option-160.toml", db=path)
    run(SCENARIOS / "second-boot-from-flash.toml", db=path)
    return path


def ignoring_option_160() -> Firmware:
    """A phone whose step 4 never finds anything."""

    def deaf(phone: object, event: object, entry: object) -> Reaction:
        yield provisioning.tried(4, "DHCP option 160", "OPTION160_ENABLE", "Y", None, "not-populated")

    return kx_utg200().replacing(provisioning.dhcp_option_160, deaf)


def test_other_behaviour_is_told_from_both_sides(database: Path) -> None:
    """The first divergence is the decision itself, with what led to it on both sides."""
    result = replay("1", db=database, firmware=ignoring_option_160())
    assert not result.identical
    first = result.report.differences[0]
    assert first.what == "changed"
    assert "value" in first.detail
    assert result.recorded is not None
    assert result.replayed is not None
    recorded, made = result.recorded.chain, result.replayed.chain
    assert recorded[0].event.kind == made[0].event.kind == "SourceTried"
    assert recorded[0].event.url == "http://192.0.2.20/{MODEL}.cfg"  # type: ignore[attr-defined]
    assert made[0].event.url is None  # type: ignore[attr-defined]
    assert [e.event.kind for e in recorded[1:]] == [e.event.kind for e in made[1:]]
    assert recorded[-1].cause is None
    assert recorded[-1].event.kind == "LinkUp"


def test_the_report_names_the_values_that_differ(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was recorded beside what this code does, and both chains back to the link."""
    printing.replay_report(replay("1", db=database, firmware=ignoring_option_160()))
    said = capsys.readouterr().out
    assert "first: changed (value and grounds)" in said
    assert "  url: recorded 'http://192.0.2.20/{MODEL}.cfg', this code None" in said
    assert "  reason: recorded '', this code 'not-populated'" in said
    recorded, made = said.partition("  recorded:\n")[2].split("  this code:\n")
    assert recorded.count("← ") == made.count("← ") >= 10


def test_recorded_answers_that_nobody_asked_for_are_refused(database: Path) -> None:
    """After the divergence the recorded answers are inputs to nothing, and the replay still reaches the end."""
    result = replay("1", db=database, firmware=ignoring_option_160())
    refused = [d.recorded.kind for d in result.report.differences if d.what == "refused" and d.recorded is not None]
    assert refused == [*["HttpAnswered"] * 4, "TimerDue", "LookupAnswered", "TimerDue", "LookupAnswered"]
    assert result.report.events == result.info.events


@pytest.mark.parametrize(("number", "times"), [("1", 1), ("2", 2)])
def test_one_event_more_is_one_difference_each_time(database: Path, number: str, times: int) -> None:
    """Code that only logs more replays to the end; what follows is compared by reference, not by number."""

    @reacts(RunStarted)
    def chatty(phone: object, event: object, entry: object) -> Reaction:
        yield ToleranceUsed("provisioning", "one-line-more")

    result = replay(number, db=database, firmware=kx_utg200().adding(chatty))
    assert [(d.what, d.replayed.kind if d.replayed else "") for d in result.report.differences] == [
        ("extra", "ToleranceUsed")
    ] * times
    assert result.recorded is None
    assert result.replayed is not None
    assert [e.event.kind for e in result.replayed.chain][:2] == ["ToleranceUsed", "RunStarted"]


def test_one_event_less_is_one_difference(database: Path) -> None:
    """A phone that does not log the end of a run's display: what is recorded is missing, the rest is as it was."""

    def without_display(phone: object, event: object, entry: object) -> Reaction:
        return ()

    kept = database.with_name("failed.db")
    run(Scenario("nothing there", dhcp=(DhcpSpec(),)), db=kept)
    assert replay("1", db=kept).identical
    result = replay("1", db=kept, firmware=kx_utg200().replacing(display.run_text, without_display))
    assert [(d.what, d.recorded.kind if d.recorded else "") for d in result.report.differences] == [
        ("missing", "DisplayShown")
    ]
    assert result.replayed is None
    assert result.recorded is not None
    assert [e.event.kind for e in result.recorded.chain][:2] == ["DisplayShown", "RunEnded"]


@pytest.mark.parametrize("n", [1, 2, 3, 25, 50, 80, 100, 101])
def test_any_prefix_replays(database: Path, n: int) -> None:
    """A log that ends anywhere, also in the middle of what an input led to, is identical as far as it goes."""
    result = replay(f"1@{n}", db=database)
    assert result.identical
    assert result.report.events == n


def test_the_command_line_says_it(database: Path) -> None:
    """Identical: exit code 0 and one line."""
    result = CliRunner().invoke(main, ["replay", "--all", "--db", str(database)])
    assert result.exit_code == 0
    assert result.output.count("identical") == 2
