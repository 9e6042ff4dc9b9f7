"""Whatever is on a chip, its phone starts: with what is intact or with the factory settings, and says which."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import FirmwareBooted, FirmwareDamaged, PowerOn, SettingsLoaded
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.locallog import log_of
from emulator.phone.machine import Machine
from emulator.phone.state import initial
from emulator.phone.storage import UNKNOWN_IDENTITY
from emulator.world.run import Run
from emulator.world.scenario import ActionSpec, FirmwareSpec, PathSpec
from flash_image import Chip, Geometry, read_dump, write_dump
from tests.emulator.phone.bench import FILE_SERVER, fwupdt, seconds, served, story, syslog

CORRUPTIONS = 10_000
State = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]


@cache
def lived() -> tuple[Chip, tuple[State, ...]]:
    """A chip that has seen a good deal, and every configuration that was ever saved on it."""
    files = {
        "/i.cfg": fwupdt(FIRM_VERSION="03.220", FIRM_FILE_PATH=f"http://{FILE_SERVER}/{{fwver}}"),
        "/03.220": PathSpec(firmware=FirmwareSpec(version="03.220", size=9000)),
    }
    hands = tuple(
        ActionSpec(seconds(30 + at), "web", "SYSLOG_PORT" if at % 2 else "USER_ID", str(100 + at)) for at in range(30)
    )
    held = {"standard": syslog(SYSLOG_ADDR="s") + " " * 5000, "master": syslog(SYSLOG_PORT="5")}
    world = story(served(files), action=hands, saved=held, provisioned={}, until=seconds(70))
    made, seen = Run(world), [((), ())]
    phone = made.machines[0].phone
    made.observer = lambda settled: seen.append(saved_state(phone.settings))
    made.run_until(world.until)
    states = tuple(dict.fromkeys(seen))
    assert len(states) > 25
    assert phone.version == "03.220"
    return phone.flash.chip, states


def saved_state(stored) -> State:  # type: ignore[no-untyped-def]
    provisioned = {key: value.value for key, value in stored.provisioned.items()}
    return tuple(sorted(provisioned.items())), tuple(sorted(stored.user.items()))


def start(chip: Chip) -> tuple[Machine, list[object]]:
    """Power for a phone that holds ``chip``; twice, since the first may set something right."""
    firmware = kx_utg200()
    phone = initial(firmware)
    phone.flash.chip = chip.copy()
    machine = Machine(firmware, 0, phone)
    entries = machine.take(PowerOn("00" * 32), 0, None, 1).entries
    return machine, [entry.event for entry in entries]


def check(chip: Chip, blanked: bool = False) -> SettingsLoaded:
    """The phone comes up, invents nothing, and says what is damaged; at the next start it finds the same."""
    whole, states = lived()
    machine, events = start(chip)
    (loaded,) = [event for event in events if isinstance(event, SettingsLoaded)]
    state = saved_state(machine.phone.settings)
    assert state in states, "nothing that was never saved"
    told = bool(loaded.damage) or any(isinstance(event, FirmwareDamaged) for event in events)
    assert state == saved_state(start(whole)[0].phone.settings) or told or blanked
    assert loaded.identity in (UNKNOWN_IDENTITY, start_of_whole().identity)
    log_of(machine.phone)
    again, _ = start(machine.phone.flash.chip)
    assert saved_state(again.phone.settings) == state
    assert whole.geometry == machine.phone.flash.chip.geometry
    return loaded


@cache
def start_of_whole() -> SettingsLoaded:
    _, events = start(lived()[0])
    return next(event for event in events if isinstance(event, SettingsLoaded))


# --- Corruptions of a good image --------------------------------------------------------------------------------------


def flips(chip: Chip, rng: random.Random) -> None:
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        sector = rng.choice(sorted(chip.sectors))
        raw = bytearray(chip.sectors[sector])
        raw[rng.choice([rng.randrange(600), rng.randrange(len(raw))])] ^= 1 << rng.randrange(8)
        put(chip, sector, bytes(raw))


def junk(chip: Chip, rng: random.Random) -> None:
    put(chip, rng.choice(sorted(chip.sectors)), rng.randbytes(4096))


def stuck(chip: Chip, rng: random.Random) -> None:
    sector = rng.choice(sorted(chip.sectors))
    at, length = rng.randrange(4096), rng.choice([1, 16, 256, 4096])
    raw = chip.sectors[sector]
    put(chip, sector, (raw[:at] + bytes([rng.choice([0, 0xFF, 0x5A])]) * length + raw[at + length :])[:4096])


def blank(chip: Chip, rng: random.Random) -> None:
    chip.sectors.pop(rng.choice(sorted(chip.sectors)))


def swapped(chip: Chip, rng: random.Random) -> None:
    one, other = rng.choice(sorted(chip.sectors)), rng.choice(sorted(chip.sectors))
    chip.sectors[one], chip.sectors[other] = chip.sectors[other], chip.sectors[one]


def moved(chip: Chip, rng: random.Random) -> None:
    sector, by = rng.choice(sorted(chip.sectors)), rng.randrange(1, 300)
    raw = chip.sectors[sector]
    put(chip, sector, raw[by:] + raw[:by])


def cut_off(chip: Chip, rng: random.Random) -> None:
    end = rng.randrange(2048)
    for sector in [sector for sector in chip.sectors if sector >= end]:
        chip.sectors.pop(sector)


def put(chip: Chip, sector: int, raw: bytes) -> None:
    if raw == b"\xff" * 4096:
        chip.sectors.pop(sector, None)
    else:
        chip.sectors[sector] = raw


KINDS: tuple[Callable[[Chip, random.Random], None], ...] = (flips, flips, junk, stuck, blank, swapped, moved, cut_off)
LOSES_TRACK = (stuck, blank, swapped, cut_off)
"""Corruptions after which a sector may look as if nothing had ever been written to it."""


@pytest.mark.parametrize("part", range(10))
def test_ten_thousand_corruptions_of_a_good_image(part: int) -> None:
    rng = random.Random(part)
    outcomes: dict[bool, int] = {}
    for _ in range(CORRUPTIONS // 10):
        chip = lived()[0].copy()
        kinds = [rng.choice(KINDS) for _ in range(rng.choice([1, 1, 2, 3]))]
        for kind in kinds:
            if chip.sectors:
                kind(chip, rng)
        loaded = check(chip, blanked=any(kind in LOSES_TRACK for kind in kinds))
        lost = loaded.digest != start_of_whole().digest
        outcomes[lost] = outcomes.get(lost, 0) + 1
    assert min(outcomes[True], outcomes[False]) > 100, "some cost something, and some do not"


# --- Any image --------------------------------------------------------------------------------------------------------

SECTORS = st.dictionaries(st.integers(0, 60) | st.integers(0, 2047), st.binary(max_size=300), max_size=8)


@settings(deadline=None, max_examples=200)
@given(SECTORS, st.booleans())
def test_any_content_boots(contents: dict[int, bytes], with_table: bool) -> None:
    chip = Chip()
    if with_table:
        chip.sectors[0] = lived()[0].sectors[0]
    for sector, start_of_it in contents.items():
        put(chip, sector, start_of_it.ljust(4096, b"\xff"))
    _, events = start(chip)
    (loaded,) = [event for event in events if isinstance(event, SettingsLoaded)]
    assert loaded.values == 0
    assert loaded.identity == UNKNOWN_IDENTITY
    assert loaded.damage
    assert not [event for event in events if isinstance(event, FirmwareBooted) and event.slot]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2048 * 4096), st.sampled_from(["raw", "ihex", "srec"]))
def test_a_dump_that_ends_anywhere_boots(end: int, form: str) -> None:
    data = write_dump(lived()[0], form)  # type: ignore[arg-type]
    dump = read_dump(data[: max(200, end * len(data) // (2048 * 4096))])
    check(dump.chip, blanked=True) if dump.chip.geometry == Geometry() else start(dump.chip)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.integers(0, (8 << 20) - 1), st.integers(1, 255), max_size=6), st.integers(0, 9))
def test_cells_that_read_both_ways_anywhere_boot(weak: dict[int, int], turn: int) -> None:
    chip = lived()[0].copy()
    for address, mask in weak.items():
        chip.weaken(address, bytes([mask]), turn)
    machine, events = start(chip)
    assert any(isinstance(event, SettingsLoaded) for event in events)
    assert saved_state(machine.phone.settings) in lived()[1]


def test_the_good_image_is_whole() -> None:
    assert start_of_whole().damage == ()
    assert check(lived()[0]).files == ("standard", "master")
    assert attrs.asdict(start_of_whole())["values"] > 2
