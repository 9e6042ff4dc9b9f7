"""The sweep bites: it finds every store that is wrong, and passes the one that is right, in the same runs."""

from __future__ import annotations

from functools import cache

import pytest

from emulator.phone.firmware import Firmware
from emulator.world.scenario import FirmwareSpec, PathSpec, Scenario
from tests.emulator.phone.bench import FILE_SERVER, fwupdt, initial, seconds, served, story, syslog
from tests.tools.cuts.faulty import BOOTS, CHANGES, STORES
from tools.cuts.certificate import Certificate
from tools.cuts.sweeping import cuts

SAVES = story(
    served(
        {
            "/i.cfg": initial(standard="s.cfg"),
            "/s.cfg": syslog(SYSLOG_ADDR="new", SYSLOG_PORT="1", SYSLOG_SERVER_ENABLE="Y") + " " * 40,
        }
    ),
    provisioned={"SIPPNP_ENABLE": "N", "SYSLOG_ADDR": "old", "SYSLOG_PORT": "99", "LOG_TO_FILE_ENABLE": "N"},
    saved={"standard": syslog(SYSLOG_ADDR="old", SYSLOG_PORT="99")},
    until=seconds(5),
)
CHANGES_ALL_THE_TIME = story(
    *(
        served(
            {"/i.cfg": initial(standard="s.cfg"), "/s.cfg": syslog(SYSLOG_ADDR=value, SYSLOG_PORT=str(at + 7))},
            start=seconds(1.5 * at),
            end=seconds(1.5 * (at + 1)),
        )
        for at, value in enumerate(("one", "another", "more", "and-more", "last"))
    ),
    provisioned={"SIPPNP_ENABLE": "N", "LOG_TO_FILE_ENABLE": "N"},
    until=seconds(1),
)
UPDATES = story(
    served(
        {
            "/i.cfg": fwupdt(FIRM_VERSION="03.220", FIRM_FILE_PATH=f"http://{FILE_SERVER}/{{fwver}}"),
            "/03.220": PathSpec(firmware=FirmwareSpec(version="03.220", size=300)),
        }
    ),
    until=seconds(5),
)


@cache
def swept(world: Scenario, firmware: Firmware | None, depth: int) -> Certificate:
    return cuts(world, depth=depth, firmware=firmware)


@pytest.mark.parametrize("name", STORES)
def test_a_store_that_is_wrong_is_found(name: str) -> None:
    firmware, depth = STORES[name]
    certificate = cuts(SAVES, depth=depth, firmware=firmware)
    assert not certificate.ok
    assert firmware.name in certificate.firmware
    if depth == 2:
        assert cuts(SAVES, firmware=firmware).ok, "only a second cut finds it"


@pytest.mark.parametrize("name", CHANGES)
def test_what_only_another_configuration_brings_to_light_is_found(name: str) -> None:
    firmware, depth = CHANGES[name]
    assert not cuts(CHANGES_ALL_THE_TIME, depth=depth, firmware=firmware).ok


@pytest.mark.parametrize("name", BOOTS)
def test_a_boot_choice_that_is_wrong_is_found(name: str) -> None:
    firmware, depth = BOOTS[name]
    assert not cuts(UPDATES, depth=depth, firmware=firmware).ok


@pytest.mark.parametrize(
    ("world", "depth"), [(SAVES, 2), (CHANGES_ALL_THE_TIME, 2), (UPDATES, 1)], ids=["saves", "changes", "updates"]
)
def test_the_real_one_passes(world: Scenario, depth: int) -> None:
    certificate = cuts(world, depth=depth)
    assert certificate.findings == ()
    assert certificate.stopped == ""
    assert all(covered.complete for covered in certificate.depths)


def test_there_are_enough_of_them() -> None:
    assert len(STORES) + len(CHANGES) + len(BOOTS) >= 8
