"""What cases are made of: the survey of the base, the words of the catalogue, edits of messages."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from emulator.events import (
    DownloadEnded,
    FirmwareBooted,
    FlashTorn,
    PowerLost,
    RunEnded,
    RunStarted,
    SettingRefused,
    SourceTried,
)
from emulator.log.chain import Silence
from emulator.phone.catalogue import catalogue
from emulator.phone.machine import Settled
from emulator.world.run import Run
from tests.tools.fuzz.mutators.making import BASES, base, cases
from tools.fuzz.dice import Dice
from tools.fuzz.executing import drive, firmware_for
from tools.fuzz.mutators import vary
from tools.fuzz.mutators.survey import CUTTING_OFF, survey
from tools.fuzz.mutators.words import value

PACED = ("TIME_QUERY_INTVL", "TIME_SYNC_INTVL", "REG_EXPIRE_TIME")
SOURCES = ("manual URL", "SIP PnP", "DHCP option 160", "DHCP option 159", "DHCP option 66", "redirection server")
REASONS = (
    *("connect-timeout", "idle-timeout", "refused", "cut-off", "http-status", "too-large", "redirect-refused"),
    *("too-many-redirects", "no-credentials", "credentials-refused", "no-address"),
)


def test_the_survey_knows_the_files_of_the_base() -> None:
    """By what is asked for, in order, with what is served; and the parameters in them."""
    found = survey(base())
    assert [each.file for each in found.asked] == ["initial", "standard", "product", "master"]
    assert [each.target for each in found.asked] == list(base().expect.requests or ())
    assert all(each.text.startswith("<?xml") for each in found.asked)
    assert ("CFG_RTRY_INTVL", "10") in found.parameters
    assert found.operations > 10
    assert len(found.heard["HttpAnswered"]) == 4
    assert found.moments == tuple(sorted(found.moments))


@pytest.mark.parametrize("name", ["tftp-source", "ftp-source-with-a-login"])
def test_the_survey_knows_files_of_other_protocols(name: str) -> None:
    """Their names have a slash in front, as the servers' paths have."""
    found = survey(base(name))
    assert found.asked
    assert all(each.target.startswith("/") for each in found.asked)
    assert any(each.text for each in found.asked)


def test_only_a_phone_from_the_factory_may_be_reset() -> None:
    """Not one that has settings, nor one in which somebody types."""
    assert survey(base()).clean
    assert not survey(base("dual-stack-option-17-before-redirection")).clean
    assert not survey(base("started-from-a-flash-image")).clean
    assert not survey(base("url-typed-in-then-restarted")).clean


def test_every_parameter_is_tried_with_right_and_wrong_values() -> None:
    """At its limits, and beyond; nothing is so short that it fills the log."""
    dice = Dice(1, 1)
    for parameter in catalogue():
        tried = {value(parameter, dice) for _ in range(400)}
        assert any(parameter.check(text) is None for text in tried), parameter.tag
        assert any(parameter.check(text) is not None for text in tried), parameter.tag
        if parameter.tag in PACED:
            assert all(not 0 < int(text) < 30 for text in tried if text.isdigit()), parameter.tag


def test_the_ends_of_a_range_are_tried() -> None:
    """And their neighbours."""
    dice, parameter = Dice(1, 1), catalogue().by_tag["SYSLOG_PORT"]
    tried = {value(parameter, dice) for _ in range(400)}
    assert {"0", "1", "2", "65534", "65535", "65536"} <= tried


def test_parameters_that_cut_a_phone_off_exist() -> None:
    """The list names parameters of the catalogue."""
    assert set(catalogue().by_tag) >= CUTTING_OFF


@pytest.mark.parametrize("name", BASES)
def test_changes_ask_for_nothing_that_the_world_cannot_do(name: str) -> None:
    """What was asked for is answered, and an answer without a status has not come to its end."""
    seen = Counter[str]()
    for number in range(400):
        for change in vary(base(name), None, None, Dice(3, number), frozenset(("packets", "answers"))).scenario.change:
            if change in base(name).change:
                continue
            seen[change.do] += 1
            assert change.do != "drop" or change.input == "DatagramReceived"
            if change.input == "HttpAnswered":
                silent = change.set["status"] == "0"
                assert silent or change.set["end"] in ("complete", "cut-off", "garbage")
                assert not (silent and change.set["end"] == "complete")
            if change.input == "LookupAnswered":
                assert bool(json.loads(change.set["addresses"])) != bool(change.set["error"])
    assert seen["set"] > 20


def look(seen: Counter[str], settled: Settled) -> None:
    """Count what has happened to the phone."""
    for entry in settled.entries:
        event = entry.event
        if isinstance(event, DownloadEnded):
            seen[f"download {event.reason}"] += 1
        elif isinstance(event, RunStarted):
            seen[f"trigger {event.trigger}"] += 1
        elif isinstance(event, RunEnded):
            seen[f"outcome {event.outcome}"] += 1
        elif isinstance(event, SourceTried) and event.url:
            seen[f"source {event.source}"] += 1
        elif isinstance(event, PowerLost | FlashTorn | SettingRefused | FirmwareBooted):
            seen[event.kind] += 1


def test_much_of_what_can_happen_happens_to_the_phone() -> None:
    """Within some hundreds of cases: every trigger, source and outcome, and many ways in which a download fails."""
    seen = Counter[str]()
    for case in cases(900, seed=5):
        run = Run(case.scenario, firmware=firmware_for(case.scenario), observer=lambda settled: look(seen, settled))
        run.recorder = Silence()
        drive(run, case)
    triggers = ("start", "retry", "cyclic", "time-of-day", "check-sync", "address")
    wanted = [f"trigger {name}" for name in triggers] + [f"source {name}" for name in SOURCES]
    wanted += [f"outcome {name}" for name in ("provisioned", "partly", "saved", "failed")]
    wanted += [f"download {name}" for name in REASONS] + ["PowerLost", "FlashTorn", "SettingRefused", "FirmwareBooted"]
    assert [(name, seen[name]) for name in wanted if seen[name] < 3] == []
