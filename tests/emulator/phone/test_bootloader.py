"""The boot loader: trial, confirmation, roll back, and slots that are damaged."""

from __future__ import annotations

import attrs
import pytest

from emulator.events import (
    SECOND,
    DatagramSent,
    DisplayShown,
    FirmwareBooted,
    FirmwareConfirmed,
    FirmwareDamaged,
    FirmwareRolledBack,
    FlashErased,
    FlashSettled,
    HandsetLifted,
    LinkUp,
    PowerOff,
    PowerOn,
    RestartOrdered,
    RunEnded,
    SettingEntered,
    UpdateBegun,
)
from emulator.phone.bootloader import TRIAL_TIME, WATCHDOG
from emulator.world.run import RESTART_TIME
from emulator.world.scenario import ActionSpec, FirmwareSpec
from flash_image import (
    CONFIRMED,
    ROLLED_BACK,
    TRIAL,
    Chip,
    Choice,
    Program,
    Tear,
    encode_firmware,
    factory,
    leave,
    pack,
    plan_block,
    plan_choice,
    read_environment,
    tear,
)
from tests.emulator.phone.bench import MAC, MODEL, Bench, on_flash, seconds
from tests.emulator.phone.firmware_model import (
    NEW,
    an_image,
    notify,
    orders,
    power,
    refusals,
    spoil,
    spoil_environment,
    with_slots,
    world,
)
from tools.simulate import RunResult, run

ORDER = b"\x5a" * 32
A, B = an_image("03.230"), an_image(NEW)
HANGS = FirmwareSpec(hangs=True)


def booted(result: RunResult) -> list[tuple[str, str, int]]:
    """(slot, version, start on trial) of every start."""
    return [(entry.event.slot, entry.event.version, entry.event.attempt) for entry in result.of(FirmwareBooted)]


def on(chip: Chip) -> Bench:
    """A phone with this chip that was just switched on."""
    return Bench(image=pack(chip))


def start_of(bench: Bench) -> FirmwareBooted:
    """What the last start of ``bench`` was."""
    event = bench.of(FirmwareBooted)[-1].event
    assert isinstance(event, FirmwareBooted)
    return event


# --- Trial and confirmation -------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-265")
@pytest.mark.parametrize("outcome", ["provisioned", "saved"])
def test_the_end_of_a_run_confirms_whatever_its_outcome(outcome: str) -> None:
    gone = {} if outcome == "provisioned" else {"end": seconds(1)}
    scenario = world()
    device, firmware = scenario.files
    result = run(attrs.evolve(scenario, files=(attrs.evolve(device, **gone), firmware)))
    first, second = result.of(RunEnded)
    assert [first.event.outcome, second.event.outcome] == ["provisioned", outcome]
    (confirmed,) = result.of(FirmwareConfirmed)
    assert confirmed.cause == second.n
    choice = read_environment(result.phones[0].flash.chip).choice
    assert choice is not None
    assert (choice.slot, choice.state, choice.tries) == ("B", CONFIRMED, 0)
    assert not result.phones[0].orders.armed("firmware-trial")


def test_without_a_network_it_is_confirmed_after_a_while() -> None:
    bench = on(with_slots(Choice("B", TRIAL, 0, ORDER), B=B))
    started = bench.of(FirmwareBooted)[0].time
    bench.run_to(started + TRIAL_TIME - 1)
    assert bench.of(FirmwareConfirmed) == []
    bench.run_to(started + TRIAL_TIME)
    (confirmed,) = bench.of(FirmwareConfirmed)
    assert confirmed.because == (bench.of(FirmwareBooted)[0].n,)
    assert bench.phone.bootloader.attempt == 0


def test_a_confirmed_firmware_writes_nothing_when_it_starts() -> None:
    bench = on(with_slots(Choice("A"), A=A, B=B))
    assert start_of(bench) == FirmwareBooted("A", "03.230", 0, False)
    assert bench.of(FlashErased) == []
    assert bench.phone.version == "03.230"


@pytest.mark.spec("PROV-265")
@pytest.mark.parametrize(("cuts", "given_up"), [(2, False), (3, True)])
def test_power_lost_three_times_before_it_was_confirmed_brings_the_old_one_back(cuts: int, given_up: bool) -> None:
    bench = on(with_slots(Choice("B", TRIAL, 0, ORDER), B=B))
    for _ in range(cuts):
        bench.feed(PowerOff())
        bench.feed(PowerOn("00" * 32))
    slots = [(entry.event.slot, entry.event.attempt) for entry in bench.of(FirmwareBooted)]
    assert slots == [("B", 1), ("B", 2), ("B", 3), ("", 0)][: cuts + 1]
    assert bool(bench.of(FirmwareRolledBack)) == given_up
    assert bench.phone.version == ("03.210" if given_up else NEW)


# --- An image that hangs ----------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-265")
def test_a_firmware_that_hangs_is_gone_back_from_by_the_watchdog() -> None:
    result = run(world(HANGS, until=400))
    assert booted(result) == [("B", NEW, 1), ("B", NEW, 2), ("B", NEW, 3), ("", "03.210", 0)]
    starts = [entry.time for entry in result.of(FirmwareBooted)]
    erase_program_and_confirm = 46_400_000
    first = result.of(RestartOrdered)[0].time + RESTART_TIME + erase_program_and_confirm
    assert starts == [first + n * (WATCHDOG + RESTART_TIME + erase_program_and_confirm) for n in range(4)]
    assert [entry.event.reason for entry in result.of(RestartOrdered)] == ["firmware"] + ["watchdog"] * 3
    assert [entry.event for entry in result.of(FirmwareRolledBack)] == [FirmwareRolledBack("B", "not-confirmed")]
    assert result.phones[0].version == "03.210"
    assert result.phones[0].power.display == "F2 update undone"


def test_nothing_but_power_and_watchdog_reaches_a_firmware_that_hangs() -> None:
    bench = on(with_slots(Choice("B", TRIAL, 0, ORDER), B=an_image(NEW, hangs=True)))
    for event in (LinkUp(), HandsetLifted(), SettingEntered("SYSLOG_ADDR", "x", "web"), PowerOn("00" * 32)):
        assert not bench.machine.accepts(event)
    assert bench.machine.accepts(PowerOff())
    assert bench.of(DatagramSent) == []
    before = len(bench.entries)
    assert [entry.event for entry in bench.wait(WATCHDOG)][1:] == [RestartOrdered("watchdog")]
    assert len(bench.entries) == before + 2


@pytest.mark.spec("PROV-265")
def test_an_update_that_was_undone_is_not_tried_again_until_its_order_changes() -> None:
    path = ActionSpec(seconds(600), "web", "FIRM_FILE_PATH", f"http://192.0.2.21/{NEW}")
    result = run(world(HANGS, notify(400), notify(500), path, notify(610), until=900))
    assert refusals(result) == ["rolled-back"] * 4
    begun = [entry.time for entry in result.of(UpdateBegun)]
    assert len(begun) == 2
    assert begun[1] > 610 * SECOND
    assert len(result.of(FirmwareRolledBack)) == 2
    assert result.phones[0].power.display == "F2 update undone"


def test_a_fault_of_the_run_is_shown_before_what_was_undone() -> None:
    scenario = world(HANGS, notify(400), until=500)
    device, other = scenario.files
    result = run(attrs.evolve(scenario, files=(attrs.evolve(device, end=seconds(100)), other)))
    assert refusals(result) == ["rolled-back"] * 2
    assert result.phones[0].power.display == "P2 server unreachable"


def test_another_version_is_tried_after_one_was_undone() -> None:
    other = ActionSpec(seconds(400), "web", "FIRM_VERSION", "03.230")
    result = run(world(HANGS, other, notify(410), until=500))
    assert [entry.event.version for entry in result.of(UpdateBegun)] == [NEW, "03.230"]


# --- Damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-265", "PROV-266")
@pytest.mark.parametrize("at", [0, 4, 12, 40, 70, 72, 100, 471])
def test_a_slot_with_a_flipped_bit_is_never_started(at: int) -> None:
    bench = on(spoil(with_slots(Choice("A"), A=A, B=B), "A", at))
    (damaged,) = bench.of(FirmwareDamaged)
    assert damaged.event.slot == "A"
    assert start_of(bench) == FirmwareBooted("B", NEW, 0, False)
    assert [entry.event for entry in bench.of(DisplayShown)] == [DisplayShown("F3 firmware damaged")]


def test_two_damaged_slots_leave_what_the_phone_came_with() -> None:
    bench = on(spoil(spoil(with_slots(Choice("A"), A=A, B=B), "A"), "B"))
    assert [entry.event for entry in bench.of(FirmwareDamaged)] == [
        FirmwareDamaged("A", "payload-hash"),
        FirmwareDamaged("B", "payload-hash"),
    ]
    assert start_of(bench) == FirmwareBooted("", "03.210", 0, False)
    assert bench.phone.version == "03.210"


@pytest.mark.spec("PROV-265")
def test_a_firmware_that_rotted_away_is_installed_again() -> None:
    chip = spoil(with_slots(Choice("B"), B=B), "B")
    result, _ = on_flash(world(), pack(chip))
    assert booted(result) == [("", "03.210", 0), ("B", NEW, 1)]
    assert len(result.of(FirmwareDamaged)) == 1
    assert result.phones[0].version == NEW


CASES: dict[str, tuple[Chip, FirmwareBooted, list[str]]] = {
    "trial-used-up-back-to-the-other-slot": (
        with_slots(Choice("B", TRIAL, 3, ORDER), A=A, B=B),
        FirmwareBooted("A", "03.230", 0, False),
        ["FirmwareRolledBack"],
    ),
    "trial-used-up-other-slot-damaged": (
        spoil(with_slots(Choice("B", TRIAL, 3, ORDER), A=A, B=B), "A"),
        FirmwareBooted("", "03.210", 0, False),
        ["FirmwareRolledBack", "FirmwareDamaged"],
    ),
    "trial-damaged": (
        spoil(with_slots(Choice("B", TRIAL, 0, ORDER), A=A, B=B), "B"),
        FirmwareBooted("A", "03.230", 0, False),
        ["FirmwareDamaged", "FirmwareRolledBack"],
    ),
    "gone-back-and-then-damaged": (
        spoil(with_slots(Choice("A", ROLLED_BACK, 0, ORDER), A=A, B=an_image(NEW, hangs=True)), "A"),
        FirmwareBooted("", "03.210", 0, False),
        ["FirmwareDamaged"],
    ),
    "environment-lost": (
        spoil_environment(with_slots(Choice("B"), A=A, B=B)),
        FirmwareBooted("A", "03.230", 1, False),
        ["FirmwareDamaged"],
    ),
    "environment-lost-best-slot-damaged": (
        spoil(spoil_environment(with_slots(Choice("B"), A=A, B=B)), "A"),
        FirmwareBooted("B", NEW, 1, False),
        ["FirmwareDamaged"],
    ),
    "environment-lost-and-no-image": (
        spoil_environment(with_slots(Choice("B"))),
        FirmwareBooted("", "03.210", 0, False),
        ["FirmwareDamaged"],
    ),
    "tries-beyond-any-number": (
        with_slots(Choice("B", TRIAL, 255, ORDER), B=B),
        FirmwareBooted("", "03.210", 0, False),
        ["FirmwareRolledBack"],
    ),
    "slot-blank": (
        with_slots(Choice("B"), A=A),
        FirmwareBooted("A", "03.230", 0, False),
        ["FirmwareDamaged"],
    ),
}


@pytest.mark.spec("PROV-265")
@pytest.mark.parametrize(("chip", "start", "said"), CASES.values(), ids=CASES)
def test_what_is_started(chip: Chip, start: FirmwareBooted, said: list[str]) -> None:
    bench = on(chip)
    assert start_of(bench) == start
    kinds = [entry.event.kind for entry in bench.entries]
    assert [kind for kind in kinds if kind in ("FirmwareDamaged", "FirmwareRolledBack")] == said
    held = bench.phone.flash.chip.copy()
    again = on(held)
    assert (start_of(again).slot, start_of(again).version) == (start.slot, start.version)
    assert bool(again.of(FirmwareRolledBack)) is False
    assert bool(again.of(FirmwareDamaged)) is False


def test_what_was_given_up_is_remembered_and_what_rotted_away_is_not() -> None:
    given_up = on(spoil(with_slots(Choice("B", TRIAL, 1, ORDER), B=B), "B")).phone.flash.chip
    rotted = on(spoil(with_slots(Choice("B", CONFIRMED, 0, ORDER), B=B), "B")).phone.flash.chip
    choices = [read_environment(chip).choice for chip in (given_up, rotted)]
    assert [(each.state, each.order) for each in choices if each] == [(ROLLED_BACK, ORDER), (CONFIRMED, ORDER)]


@pytest.mark.spec("PROV-265")
@pytest.mark.parametrize("before", [None, Choice("A")], ids=["came-with", "from-slot-a"])
def test_a_cut_anywhere_in_an_update_starts_the_old_firmware_or_the_new(before: Choice | None) -> None:
    chip = with_slots(before, **({} if before is None else {"A": an_image("03.211")}))
    old = "03.210" if before is None else "03.211"
    work, _ = plan_block(chip, "B", encode_firmware(B), 0)
    *switch, confirm = plan_choice(chip, Choice("B", TRIAL, 0, ORDER))
    cuts = 0
    for op in (*work, *switch):
        size = len(op.data) if isinstance(op, Program) else 4096
        for kept in range(0, size, 1 if size < 100 else 97):
            torn = chip.copy()
            leave(torn, tear(torn, op, Tear("bytes", kept)))
            bench = on(torn)
            assert bench.phone.version == old
            assert bench.of(FirmwareDamaged) == []
            cuts += 1
        chip.apply(op)
    assert on(chip).of(FlashSettled)[0].event == FlashSettled(("boot-choice",))
    chip.apply(confirm)
    assert on(chip).phone.version == NEW
    assert on(chip).of(FlashSettled) == []
    assert cuts > 90


# --- A phone that was never updated -----------------------------------------------------------------------------------


def test_blank_slots_have_nothing_to_say() -> None:
    bench = on(factory(MAC, MODEL, "1"))
    assert [entry.event.kind for entry in bench.entries] == ["FlashFitted", "PowerOn", "SettingsLoaded"]
    assert bench.phone.version == "03.210"


def test_a_half_written_slot_that_nothing_points_to_has_nothing_to_say() -> None:
    bench = on(spoil(with_slots(B=B), "B"))
    assert bench.of(FirmwareDamaged) == []
    assert bench.of(FirmwareBooted) == []


@pytest.mark.spec("PROV-265")
def test_the_running_version_stands_in_the_pnp_subscription() -> None:
    result = run(world(None, *power(20), order=orders(), provisioned={}))
    subscriptions = [entry.event.payload for entry in result.of(DatagramSent) if entry.event.port == 5060]
    versions = [payload.partition(b'version="')[2][:6].decode() for payload in subscriptions]
    assert (versions[0], versions[-1]) == ("03.210", NEW)
