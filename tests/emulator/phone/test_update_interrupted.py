"""What interrupts a firmware update: runs, power, calls, cables, and the user who is asked first."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest

from emulator.events import (
    SECOND,
    DisplayShown,
    DownloadEnded,
    Entry,
    Event,
    FirmwareBooted,
    FirmwareInstalled,
    FirmwareWritten,
    HttpAnswered,
    RestartOrdered,
    RunEnded,
    RunStarted,
    TimerCancelled,
    UpdateAnswered,
    UpdateBegun,
    UpdateOffered,
)
from emulator.phone.firmware import reacts
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.state import Phone
from emulator.world.scenario import ActionSpec, FirmwareSpec, LinkSpec, Outage
from flash_image import read_environment, read_slot
from tests.emulator.phone.bench import Bench, seconds
from tests.emulator.phone.firmware_model import (
    NEW,
    agents,
    fetches,
    notify,
    orders,
    power,
    refusals,
    world,
)
from tools.simulate import run

LARGE = FirmwareSpec(size=200_000)
"""Four blocks: long enough for something to happen meanwhile."""


# --- Interruptions ----------------------------------------------------------------------------------------------------


def test_a_run_that_begins_ends_the_download_and_orders_it_again() -> None:
    result = run(world(None, notify(5), server={"delay": seconds(10)}))
    assert refusals(result) == ["run-began"]
    ended = [entry for entry in result.of(DownloadEnded) if entry.event.file == "firmware"]
    assert [entry.event.reason for entry in ended] == ["run-began", ""]
    second = result.of(RunEnded)[1]
    assert (second.event.outcome, second.event.failed) == ("provisioned", ())
    begun = result.of(UpdateBegun)
    assert len(begun) == 2
    assert begun[1].cause == second.n
    assert result.phones[0].version == NEW
    answers = [entry for entry in result.of(HttpAnswered) if entry.event.name == "firmware"]
    assert len(answers) == 1


def test_an_answer_that_comes_too_late_changes_nothing_in_the_run() -> None:
    """It is on its way already when an outage holds the second run up."""
    outage = LinkSpec(outage=(Outage(seconds(10.0005), seconds(14)),))
    result = run(world(None, notify(10), server={"delay": seconds(7)}, provisioned={}, link=outage))
    late, *_ = [entry for entry in result.of(HttpAnswered) if entry.event.name == "firmware"]
    _, second, *_ = result.of(RunStarted)
    assert second.time < late.time < result.of(RunEnded)[1].time
    assert not [entry for entry in result.entries if entry.cause == late.n]
    assert [entry.event.outcome for entry in result.of(RunEnded)[:2]] == ["provisioned", "provisioned"]
    assert result.phones[0].version == NEW


def test_a_run_that_begins_ends_the_writing_and_orders_it_again() -> None:
    first = run(world(LARGE)).of(FirmwareWritten)
    result = run(world(LARGE, notify(first[1].time / SECOND)))
    assert refusals(result) == ["run-began"]
    assert "firmware-block" in [entry.event.name for entry in result.of(TimerCancelled)]
    done = [entry.event.done for entry in result.of(FirmwareWritten)]
    assert done == [65_536, 131_072, 196_608, 65_536, 131_072, 196_608, 200_072]
    assert result.phones[0].version == NEW


@pytest.mark.parametrize("last", [True, False], ids=["after-it-was-begun", "before-it-was-begun"])
def test_a_run_that_follows_at_once_comes_first(last: bool) -> None:
    @reacts(RunEnded)
    def another(phone: Phone, event: RunEnded, entry: Entry) -> Iterator[Event]:
        if phone.provisioning.runs == 1 and phone.power.boots == 1:
            yield RunStarted("check-sync")

    usual = kx_utg200()
    more = usual.adding(another)
    parts = more.parts if last else (more.parts[-1], *more.parts[:-1])
    result = run(world(), firmware=attrs.evolve(more, parts=parts))
    assert [entry.event.outcome for entry in result.of(RunEnded)] == ["provisioned"] * 3
    installed = result.of(FirmwareInstalled)
    assert len(installed) == 1
    assert result.of(RunEnded)[1].n < installed[0].n
    assert result.phones[0].version == NEW


@pytest.mark.spec("PROV-265")
@pytest.mark.parametrize("block", range(4))
def test_power_lost_while_the_slot_is_written_leaves_the_old_firmware(block: int) -> None:
    moment = run(world(LARGE)).of(FirmwareWritten)[block].time - 1
    result = run(world(LARGE, *power(moment / SECOND)))
    assert not [entry for entry in result.of(FirmwareInstalled) if entry.time <= moment]
    assert agents(result)[2] == ("initial", "03.210")
    assert not [entry for entry in result.of(FirmwareBooted) if entry.time < result.of(FirmwareInstalled)[0].time]
    assert len(result.of(UpdateBegun)) == 2
    assert result.phones[0].version == NEW


@pytest.mark.spec("PROV-265")
def test_power_lost_between_the_writing_and_the_switch_leaves_the_old_firmware() -> None:
    moment = run(world()).of(FirmwareWritten)[-1].time - 1
    result = run(world(None, *power(moment / SECOND), until=moment / SECOND + 0.55))
    chip = result.phones[0].flash.chip
    assert read_slot(chip, "B").version == NEW
    assert read_environment(chip).choice is None
    assert (result.phones[0].version, result.phones[0].power.boots) == ("03.210", 2)


def test_a_call_puts_the_restart_off_and_a_run_meanwhile_orders_nothing() -> None:
    call = (ActionSpec(seconds(0), "lift"), ActionSpec(seconds(30), "hang-up"))
    result = run(world(None, *call, notify(20)))
    assert [entry.time for entry in result.of(RestartOrdered)] == [30 * SECOND]
    assert len(result.of(UpdateBegun)) == 1
    assert [entry.event.outcome for entry in result.of(RunEnded)] == ["provisioned"] * 3
    assert result.phones[0].version == NEW


def test_an_address_that_is_lost_ends_the_download() -> None:
    cable = (ActionSpec(seconds(5), "link-down"), ActionSpec(seconds(6), "link-up"))
    result = run(world(None, *cable, notify(40), server={"delay": seconds(10)}))
    assert refusals(result) == ["no-address"]
    assert result.phones[0].version == NEW


# --- Asking -----------------------------------------------------------------------------------------------------------

ASKING = orders(FIRM_UPGRADE_AUTO="N")
QUESTION = f"F1 update to {NEW}?"


def said(at: float, what: str) -> ActionSpec:
    return ActionSpec(seconds(at), "update", value=what)


@pytest.mark.spec("PROV-262")
def test_without_auto_the_display_asks_and_nothing_is_fetched_until_it_is_answered() -> None:
    result = run(world(order=ASKING, until=600))
    assert [entry.event for entry in result.of(UpdateOffered)] == [UpdateOffered(NEW)]
    assert result.phones[0].power.display == QUESTION
    assert fetches(result) == []


@pytest.mark.spec("PROV-262")
def test_yes_installs_it() -> None:
    result = run(world(None, said(20, "yes"), order=ASKING))
    assert result.of(UpdateBegun)[0].time == 20 * SECOND
    assert result.of(UpdateBegun)[0].because == (result.of(UpdateOffered)[0].n,)
    assert [entry.event.line for entry in result.of(DisplayShown)] == [QUESTION, ""]
    assert (result.phones[0].version, result.phones[0].power.display) == (NEW, "")


@pytest.mark.spec("PROV-262")
def test_no_is_an_answer_until_the_next_run() -> None:
    result = run(world(None, said(20, "no"), said(21, "yes"), notify(30), order=ASKING))
    assert refusals(result) == ["declined"]
    assert [entry.event.line for entry in result.of(DisplayShown)] == [QUESTION, "", QUESTION]
    assert (len(result.of(UpdateOffered)), fetches(result)) == (2, [])


def test_a_run_takes_the_question_back_and_its_end_asks_again() -> None:
    result = run(world(None, notify(30), order=ASKING))
    assert refusals(result) == ["run-began"]
    assert [entry.event.line for entry in result.of(DisplayShown)] == [QUESTION, "", QUESTION]


def test_a_cable_that_was_out_hides_the_question_only_meanwhile() -> None:
    cable = (ActionSpec(seconds(20), "link-down"), ActionSpec(seconds(25), "link-up"))
    result = run(world(None, *cable, order=ASKING))
    assert result.phones[0].power.display == QUESTION


def test_an_answer_without_a_question_does_nothing() -> None:
    bench = Bench()
    assert [entry.event for entry in bench.feed(UpdateAnswered(True))] == [UpdateAnswered(True)]
