"""A configuration file with every parameter of the catalogue: applied, stored, read back, exported equal."""

from __future__ import annotations

import pytest

from emulator.events import SettingsLoaded
from emulator.phone.catalogue import Parameter, catalogue, key
from emulator.phone.configfile import LIMIT, Entry, parse, write
from emulator.phone.state import Phone
from emulator.world.scenario import ActionSpec, DhcpSpec, Duration, FilesSpec, PathSpec, Scenario
from tools.simulate import RunResult, run

SECOND = 1_000_000_000
LINES = (1, 2)


def value(parameter: Parameter) -> str:
    """An allowed value other than the factory default where there is one."""
    tries = ["N", "Y", "2", "1", "30", "100", "1024", "128", "192", "02:30", "350,440", "100,100", "text-of-8"]
    tries += [
        "k" * 32,
        "http://192.0.2.20/x",
        "host.example.com",
        "01.234",
        "en-US",
        "0",
        "700",
        "64000",
        "-5",
        "1000",
        "400",
    ]
    allowed = [text for text in tries if parameter.check(text) is None]
    assert allowed, parameter
    return next((text for text in allowed if parameter.canonical(text) != parameter.default), allowed[0])


def entries() -> tuple[Entry, ...]:
    """Every parameter of device files, those of lines on two of them, with their attributes of the catalogue."""
    made = []
    for parameter in catalogue():
        if parameter.path.startswith("Initial") or parameter.tag in ("CFG_FILE_KEY", "PROVISION_ENABLE"):
            continue
        for line in LINES if parameter.per_line else (None,):
            made.append(Entry(key(parameter.tag, line), value(parameter), "!RW", parameter.access))
    return tuple(made)


@pytest.fixture(scope="module")
def result() -> RunResult:
    """The phone is provisioned with it, and restarted with no server in reach."""
    body = write(entries())
    assert len(body) < LIMIT
    world = Scenario(
        "full size",
        until=Duration(120 * SECOND),
        dhcp=(DhcpSpec(option160="http://192.0.2.20/all.cfg"),),
        files=(FilesSpec(paths={"/all.cfg": PathSpec(text=body.decode())}, end=Duration(30 * SECOND)),),
        action=(ActionSpec(Duration(40 * SECOND), "power-off"), ActionSpec(Duration(50 * SECOND), "power-on")),
    )
    return run(world)


def stored(phone: Phone) -> set[Entry]:
    """What the phone holds, as parameters of a file."""
    return {Entry(k, v.value, v.perm, v.access) for k, v in phone.settings.provisioned.items()}


def test_every_parameter_is_there() -> None:
    """All but those of the initial file and the two that would end the story."""
    wanted = {entry.key.partition("/")[0] for entry in entries()}
    assert len(wanted) == len(list(catalogue())) - 6 - 2
    assert {e.key for e in entries() if "/" in e.key} >= {"SIP_PASS/1", "SIP_PASS/2"}


def test_it_is_applied_and_survives_the_restart(result: RunResult) -> None:
    """From the second boot on the settings come from flash, each with its attributes.

    The second comes by itself, since the file sets ports; at the third the server is gone.
    """
    loads = [entry.event for entry in result.of(SettingsLoaded)]
    assert [load.values for load in loads if isinstance(load, SettingsLoaded)] == [0, len(entries()), len(entries())]
    assert stored(result.phones[0]) == set(parse(write(entries())).entries)


def test_it_is_exported_equal(result: RunResult) -> None:
    """A file written from what the phone holds is read as the same parameters."""
    held = sorted(stored(result.phones[0]), key=lambda entry: entry.key)
    assert set(parse(write(held)).entries) == set(entries())
