"""What tests of several folders start from: a small world and a run of it that is stored."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from emulator.events import SECOND
from emulator.log.store import RunInfo, Store
from emulator.world.drivers import drive
from emulator.world.run import Run
from emulator.world.scenario import DhcpSpec, Duration, FilesSpec, PathSpec, PhoneSpec, Scenario

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
if os.environ.get("CI"):
    # A change must not fail because of what another one left undiscovered; searching is for the desk.
    settings.load_profile("ci")

SMALL_FILE = (
    "<PANASIPPhoneConfig><Device><System><Prov><CFG_RTRY_INTVL>30</CFG_RTRY_INTVL></Prov></System></Device>"
    "<!-- {} --></PANASIPPhoneConfig>"
).format("filler " * 200)
"""A configuration file that is long enough to be a blob."""


def small_scenario() -> Scenario:
    """One DHCP server that names a file server, which has the one file the phone needs; nothing below IP."""
    return Scenario(
        title="A small world",
        until=Duration(20 * SECOND),
        phone=PhoneSpec(options={"lldp_wait": 0, "arp": False}),
        dhcp=(DhcpSpec(option160="http://192.0.2.20/phone.cfg"),),
        files=(FilesSpec(paths={"/phone.cfg": PathSpec(text=SMALL_FILE)}),),
    )


def stored_run(store: Store, scenario: Scenario, name: str = "small") -> RunInfo:
    """Simulate ``scenario`` into ``store`` and seal the run."""
    run = Run(scenario)
    writer = store.begin(run.header(name), created="today")
    run.recorder.sink = writer
    drive(run, scenario.until)
    return writer.finish("provisioned")


@pytest.fixture
def scenario() -> Scenario:
    """A small world."""
    return small_scenario()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A fresh run database."""
    with Store(tmp_path / "runs.db", create=True) as opened:
        yield opened


@pytest.fixture
def stored(store: Store, scenario: Scenario) -> RunInfo:
    """A finished run in the fresh database."""
    return stored_run(store, scenario)


@pytest.fixture(scope="session")
def small_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed database with one finished run; copy it before you change it."""
    path = tmp_path_factory.mktemp("small") / "small.db"
    with Store(path, create=True) as opened:
        stored_run(opened, small_scenario())
    return path


@pytest.fixture
def store_run() -> Callable[[Store, Scenario], RunInfo]:
    """Simulates a scenario into a database and seals the run."""
    return stored_run
