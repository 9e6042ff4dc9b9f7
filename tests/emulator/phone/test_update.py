"""Firmware update: when it begins, what is refused, and the restart into the new version."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import (
    COMPLETE,
    Entry,
    FirmwareAccepted,
    FirmwareBooted,
    FirmwareConfirmed,
    FirmwareInstalled,
    FirmwareRefused,
    FirmwareWritten,
    FlashProgrammed,
    HttpAnswered,
    HttpRequested,
    Payload,
    PowerOn,
    RestartNeeded,
    RestartOrdered,
    RunEnded,
    RunStarted,
    UpdateBegun,
)
from emulator.phone.state import fold_entry
from emulator.phone.storage import FoldMismatch
from emulator.world.run import RESTART_TIME, Run
from emulator.world.scenario import ActionSpec, FirmwareSpec, PathSpec
from emulator.world.servers.firmware import firmware
from flash_image import factory, pack, read_environment, read_slot
from tests.emulator.phone.bench import FILE_SERVER, MAC, MODEL, Bench, on_flash, seconds, served, story
from tests.emulator.phone.firmware_model import (
    FIRMWARE_SERVER,
    NEW,
    agents,
    fetches,
    notify,
    orders,
    power,
    refusals,
    world,
)
from tests.flash_image.test_layout import GOOD as OLD_TABLE
from tests.flash_image.test_layout import table
from tools.simulate import run

# --- The way it should go ---------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-262", "PROV-265")
def test_a_newer_version_is_fetched_installed_and_runs_after_a_restart() -> None:
    result = run(world())
    assert agents(result) == [("initial", "03.210"), ("firmware", "03.210"), ("initial", NEW)]
    (ordered,) = result.of(RestartOrdered)
    assert ordered.event.reason == "firmware"
    assert result.of(PowerOn)[1].time == ordered.time + RESTART_TIME
    assert [entry.event for entry in result.of(FirmwareBooted)] == [FirmwareBooted("B", NEW, 1, False)]
    assert [entry.event for entry in result.of(FirmwareConfirmed)] == [FirmwareConfirmed("B", NEW)]
    assert [entry.event.outcome for entry in result.of(RunEnded)] == ["provisioned", "provisioned"]
    assert result.phones[0].version == NEW
    assert result.phones[0].power.display == ""
    assert refusals(result) == []


def test_every_step_of_it_names_its_cause_and_its_grounds() -> None:
    result = run(world())
    ended = result.of(RunEnded)[0]
    (begun,) = result.of(UpdateBegun)
    (accepted,) = result.of(FirmwareAccepted)
    (installed,) = result.of(FirmwareInstalled)
    answer = next(entry for entry in result.of(HttpAnswered) if entry.event.name == "firmware")
    assert begun.cause == ended.n
    changes = [entry.n for entry in result.entries if getattr(entry.event, "key", "").startswith("FIRM_")]
    assert set(changes) <= set(begun.because)
    assert accepted.because == (answer.n,)
    assert installed.because == (accepted.n,)
    assert result.of(RestartNeeded)[0].cause == installed.n
    assert result.of(FirmwareConfirmed)[0].because == (result.of(FirmwareBooted)[0].n,)


@pytest.mark.spec("PROV-263")
def test_fwver_in_the_path_is_the_version_to_come_and_other_macros_are_as_ever() -> None:
    path = f"http://{FIRMWARE_SERVER}/{{fwver}}/{{MODEL}}-{{mac}}.fw"
    image = {f"/{NEW}/KX-UTG200B-0080f0123456.fw": PathSpec(firmware=FirmwareSpec())}
    device = served({"/i.cfg": orders(FIRM_FILE_PATH=path)})
    result = run(story(device, served(image, address=FIRMWARE_SERVER)))
    assert fetches(result) == list(image)
    assert result.phones[0].version == NEW


@pytest.mark.spec("PROV-262")
@pytest.mark.parametrize("version", ["03.211", "03.300", "04.000", "13.000"])
def test_any_later_version_is_fetched(version: str) -> None:
    assert fetches(run(world(order=orders(version)))) == [f"/{version}"]


@pytest.mark.spec("PROV-262")
@pytest.mark.parametrize(
    "order",
    [
        orders("03.210"),
        orders("03.209"),
        orders("02.999"),
        orders("00.001"),
        orders(FIRM_FILE_PATH=""),
        orders(FIRM_UPGRADE_ENABLE="N"),
        orders(""),
        orders("3.220"),
    ],
    ids=["equal", "older", "older-major", "oldest", "no-path", "not-enabled", "no-version", "malformed"],
)
def test_nothing_is_fetched_and_nothing_is_said_without_reason(order: str) -> None:
    result = run(world(order=order))
    assert not [entry for entry in result.entries if "irmware" in entry.event.kind or "Update" in entry.event.kind]


@pytest.mark.spec("PROV-260")
def test_as_it_comes_from_the_factory_nothing_is_fetched_and_updates_need_no_answer() -> None:
    fresh = Bench().phone.settings
    tags = ("FIRM_UPGRADE_ENABLE", "FIRM_VERSION", "FIRM_FILE_PATH", "FIRM_UPGRADE_AUTO")
    assert [fresh.value(tag) for tag in tags] == ["Y", "", "", "Y"]


@pytest.mark.spec("PROV-261")
@pytest.mark.parametrize("version", ["3.220", "03.22", "03.2200", "03,220", "v03.220", "09.99x"])
def test_a_stored_version_that_is_none_is_refused(version: str) -> None:
    stored = {"SIPPNP_ENABLE": "N", "FIRM_VERSION": version, "FIRM_FILE_PATH": f"http://{FIRMWARE_SERVER}/x"}
    result = run(world(order="<PANASIPPhoneConfig/>", provisioned=stored))
    assert refusals(result) == ["bad-version"]
    assert fetches(result) == []


def test_a_run_that_was_switched_off_is_none() -> None:
    stored = {"PROVISION_ENABLE": "N", "FIRM_VERSION": NEW, "FIRM_FILE_PATH": f"http://{FIRMWARE_SERVER}/{NEW}"}
    result = run(world(provisioned=stored))
    assert [entry.event.outcome for entry in result.of(RunEnded)] == ["disabled"]
    assert not result.of(UpdateBegun)


def test_a_run_that_failed_leaves_the_saved_orders_in_force() -> None:
    stored = {"SIPPNP_ENABLE": "N", "FIRM_VERSION": NEW, "FIRM_FILE_PATH": f"http://{FIRMWARE_SERVER}/{NEW}"}
    result = run(world(provisioned=stored, url=None))
    assert [entry.event.outcome for entry in result.of(RunEnded)] == ["failed", "failed"]
    assert result.phones[0].version == NEW


@pytest.mark.parametrize("protocol", ["http", "https", "tftp", "ftp"])
def test_all_four_protocols_bring_it(protocol: str) -> None:
    order = orders(FIRM_FILE_PATH=f"{protocol}://{FIRMWARE_SERVER}/{NEW}")
    assert run(world(order=order, server={"protocols": (protocol,)})).phones[0].version == NEW


def test_the_next_update_goes_to_the_other_slot() -> None:
    images = {f"/{version}": PathSpec(firmware=FirmwareSpec(version=version)) for version in (NEW, "03.230", "03.240")}
    typed = (("03.230", 10), ("03.240", 20))
    actions = [ActionSpec(seconds(at), "web", "FIRM_VERSION", version) for version, at in typed]
    result = run(
        attrs.evolve(
            world(None, *actions, *(notify(at + 1) for _, at in typed)),
            files=(served({"/i.cfg": orders()}), served(images, address=FIRMWARE_SERVER)),
        )
    )
    booted = [(entry.event.slot, entry.event.version) for entry in result.of(FirmwareBooted)]
    assert booted == [("B", NEW), ("A", "03.230"), ("B", "03.240")]
    chip = result.phones[0].flash.chip
    assert [read_slot(chip, slot).version for slot in "AB"] == ["03.230", "03.240"]


def test_an_image_of_a_megabyte_takes_a_page_each_event() -> None:
    result = run(world(FirmwareSpec(size=1_000_000)))
    assert result.phones[0].version == NEW
    assert len(result.of(FirmwareWritten)) == 16
    assert result.events < 4_500


# --- Refusals ---------------------------------------------------------------------------------------------------------

SMALL = 500
REFUSED = {
    "payload-hash": PathSpec(firmware=FirmwareSpec(size=SMALL, damage="hash")),
    "header-checksum": PathSpec(firmware=FirmwareSpec(size=SMALL, damage="header")),
    "magic": PathSpec(firmware=FirmwareSpec(size=SMALL, damage="magic")),
    "length": PathSpec(firmware=FirmwareSpec(size=SMALL, damage="cut")),
    "too-short": PathSpec(text=""),
    "another-model": PathSpec(firmware=FirmwareSpec(model="KX-UTG300B", size=SMALL)),
    "another-version": PathSpec(firmware=FirmwareSpec(version="03.230", size=SMALL)),
    "too-large": PathSpec(firmware=FirmwareSpec(size=(2 << 20) - 71)),
    "http-status": PathSpec(behaviour="missing"),
    "cut-off": PathSpec(firmware=FirmwareSpec(size=SMALL), behaviour="cut-off"),
    "refused": PathSpec(behaviour="refuse"),
    "idle-timeout": PathSpec(behaviour="silent"),
}


@pytest.mark.spec("PROV-265", "PROV-266")
@pytest.mark.parametrize(("reason", "path"), REFUSED.items(), ids=REFUSED)
def test_a_failure_keeps_what_runs_and_is_tried_again_at_the_next_run_only(reason: str, path: PathSpec) -> None:
    result = run(world(path, notify(3000), until=6000))
    assert refusals(result) == [reason, reason]
    assert fetches(result) == [f"/{NEW}"] * 2
    assert len(result.of(RunStarted)) == 2
    phone = result.phones[0]
    assert (phone.version, phone.power.boots, phone.power.display) == ("03.210", 1, "")
    assert read_environment(phone.flash.chip).choice is None
    assert [entry.event.failed for entry in result.of(RunEnded)] == [(), ()]


def test_the_largest_image_that_fits_is_asked_for_and_taken() -> None:
    result = run(world(FirmwareSpec(size=(2 << 20) - 72)))
    request = next(entry.event for entry in result.of(HttpRequested) if entry.event.name == "firmware")
    assert request.limit == 2 << 20
    assert result.phones[0].version == NEW


def fetching() -> Bench:
    """A phone that waits for the image it was ordered before it found nobody to ask for files."""
    stored = {"SIPPNP_ENABLE": "N", "FIRM_VERSION": NEW, "FIRM_FILE_PATH": f"http://{FIRMWARE_SERVER}/{NEW}"}
    bench = Bench(provisioned=tuple(stored.items()))
    bench.link_up()
    bench.bind()
    assert bench.phone.update.stage == "fetching"
    return bench


def reasons(settled: list[Entry]) -> list[str]:
    return [entry.event.reason for entry in settled if isinstance(entry.event, FirmwareRefused)]


@pytest.mark.spec("PROV-266")
@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: firmware(FirmwareSpec())[:72] + tail))
def test_whatever_bytes_arrive_are_refused_for_a_reason(body: bytes) -> None:
    bench = fetching()
    (reason,) = reasons(bench.feed(HttpAnswered("firmware", 1, 200, (), Payload(body), COMPLETE)))
    assert reason in {"too-short", "blank", "magic", "container-version", "header-checksum", "length", "payload-hash"}
    assert bench.phone.update.stage == ""


def test_a_body_beyond_the_limit_of_the_request_is_not_written() -> None:
    body = Payload(firmware(FirmwareSpec(size=(2 << 20) - 71)))
    bench = fetching()
    assert reasons(bench.feed(HttpAnswered("firmware", 1, 200, (), body, COMPLETE))) == ["too-large"]
    assert bench.of(FlashProgrammed) == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [("firmware.fw", "bad-form"), ("gopher://h/x", "bad-scheme"), ("http://no.such/x", "name-not-found")],
)
def test_the_path_has_to_be_a_whole_url_that_leads_somewhere(path: str, reason: str) -> None:
    assert refusals(run(world(order=orders(FIRM_FILE_PATH=path)))) == [reason]


@pytest.mark.spec("PROV-265")
def test_a_phone_from_before_the_slots_runs_on_and_says_so() -> None:
    chip = factory(MAC, MODEL, "1")
    entries = [*OLD_TABLE, (b"firmware-a", 1024, 512), (b"firmware-b", 1536, 512)]
    chip.sectors[0] = table(entries).ljust(4096, b"\xff")
    result, _ = on_flash(world(until=600), pack(chip))
    assert refusals(result) == ["no-slots"]
    assert fetches(result) == []
    assert not result.of(FirmwareBooted)
    assert [entry.event.outcome for entry in result.of(RunEnded)] == ["provisioned"]


@pytest.mark.spec("PROV-265")
def test_a_slot_that_does_not_read_back_is_not_switched_to() -> None:
    kept: list[Entry] = []
    made = Run(world(), observer=lambda settled: kept.extend(settled.entries))
    phone = made.machines[0].phone
    while not phone.update.done:
        made.step()
    chip = phone.flash.chip
    held = chip.sectors[1536]
    chip.sectors[1536] = held[:500] + bytes([held[500] ^ 1]) + held[501:]
    made.run_until(made.scenario.until)
    assert [entry.event.reason for entry in kept if isinstance(entry.event, FirmwareRefused)] == ["write-failed"]
    assert (phone.version, phone.power.boots, phone.update.stage) == ("03.210", 1, "")
    assert read_environment(chip).choice is None


def test_a_fold_that_finds_another_image_than_was_verified_says_so() -> None:
    bench = Bench()
    entry = Entry(9, 0, None, 0, 1, (), FirmwareAccepted(NEW, "B", 3, "00" * 32))
    with pytest.raises(FoldMismatch):
        fold_entry(bench.machine.firmware, bench.phone, entry)


# --- What a phone without an update does ------------------------------------------------------------------------------


def test_a_phone_that_is_ordered_nothing_logs_nothing_of_firmware() -> None:
    result = run(story(served({"/i.cfg": "<PANASIPPhoneConfig/>"}), action=power(10)))
    kinds = {entry.event.kind for entry in result.entries}
    assert not [kind for kind in kinds if "irmware" in kind or "Update" in kind]
    slot = range(1024 * 4096, 2048 * 4096)
    assert not [entry for entry in result.of(FlashProgrammed) if entry.event.address in slot]


def test_redirects_are_followed() -> None:
    away = PathSpec(behaviour="redirect", location=f"http://{FILE_SERVER}/fw")
    device = served({"/i.cfg": orders(), "/fw": PathSpec(firmware=FirmwareSpec())})
    scenario = world(away)
    result = run(attrs.evolve(scenario, files=(device, scenario.files[1])))
    assert fetches(result) == [f"/{NEW}", "/fw"]
    assert result.phones[0].version == NEW
