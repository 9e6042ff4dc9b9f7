"""Slots and boot environment: what is written is read, a cut anywhere leaves the old choice or the new one."""

import struct
import zlib

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_image.chip import Chip, Erase, Geometry, Program
from flash_image.firmware import FirmwareError, FirmwareImage, encode_firmware
from flash_image.layout import BOOT, factory, partitions
from flash_image.slots import (
    CONFIRMED,
    ROLLED_BACK,
    TRIAL,
    Choice,
    Environment,
    first_sector,
    has_slots,
    plan_block,
    plan_choice,
    read_environment,
    read_slot,
    slot_size,
)
from tests.flash_image.journal_model import SMALL, blend, bytes_of, cut, flip, fresh, overwrite
from tests.flash_image.test_layout import GOOD as OLD_TABLE
from tests.flash_image.test_layout import table

ROOM = 32 * SMALL.sector
CHOICES = st.builds(
    Choice,
    st.sampled_from(["A", "B", ""]),
    st.sampled_from([CONFIRMED, TRIAL, ROLLED_BACK]),
    st.integers(0, 255),
    st.binary(min_size=32, max_size=32),
)
BOOT_SECTORS = (2, 3)


def image(size: int, version: str = "03.220") -> bytes:
    return encode_firmware(FirmwareImage("M", version, bytes(range(256)) * (size // 256) + bytes(size % 256)))


def keep(chip: Chip, choice: Choice) -> None:
    for op in plan_choice(chip, choice):
        chip.apply(op)


def chosen(chip: Chip) -> Choice | None:
    """The choice without its number, which only tells the copies apart."""
    found = read_environment(chip).choice
    return None if found is None else attrs.evolve(found, number=0)


def write(chip: Chip, slot: str, raw: bytes) -> int:
    """How many blocks it took."""
    done = blocks = 0
    while done < len(raw):
        ops, done = plan_block(chip, slot, raw, done)
        for op in ops:
            chip.apply(op)
        blocks += 1
    return blocks


# --- The boot environment ---------------------------------------------------------------------------------------------


def test_a_fresh_chip_has_slots_and_says_nothing() -> None:
    chip = factory("0080F0ABCDEF", "M")
    assert has_slots(chip)
    assert read_environment(chip) == Environment(None, False, BOOT_SECTORS)
    assert [slot_size(chip, slot) for slot in "AB"] == [2 << 20, 2 << 20]
    assert [first_sector(chip, slot) for slot in "AB"] == [1024, 1536]


@settings(deadline=None)
@given(st.lists(CHOICES, min_size=1, max_size=8))
def test_the_last_choice_counts_and_its_copies_take_turns(choices: list[Choice]) -> None:
    chip = fresh()
    for index, choice in enumerate(choices):
        keep(chip, choice)
        found = read_environment(chip)
        assert found.choice == attrs.evolve(choice, number=index + 1)
        assert found.sectors == (BOOT_SECTORS[index % 2],)


@pytest.mark.spec("PROV-265")
@pytest.mark.parametrize("before", range(5))
def test_a_cut_at_every_byte_of_a_switch_leaves_the_old_choice_or_the_new(before: int) -> None:
    chip, old = fresh(), None
    for number in range(before):
        old = Choice("AB"[number % 2], number % 3, number, bytes([number]) * 32)
        keep(chip, old)
    new = Choice("B", TRIAL, 0, b"\x5a" * 32)
    seen = set()
    for index, op in enumerate(ops := plan_choice(chip, new)):
        for kept in range(bytes_of(op) + 1):
            torn = cut(chip, op, kept)
            found = chosen(torn)
            assert found in (old, new)
            assert (found == old) == (index < len(ops) - 2 or (index == len(ops) - 2 and kept < bytes_of(op)))
            assert not read_environment(torn).damaged
            keep(torn, new)
            assert chosen(torn) == new
            seen.add(found)
        chip.apply(op)
    assert seen == {old, new}


@settings(deadline=None, max_examples=200)
@given(st.lists(CHOICES, max_size=5), CHOICES, st.integers(0))
def test_a_tear_inside_the_cells_leaves_the_old_choice_or_the_new(before: list[Choice], new: Choice, seed: int) -> None:
    chip, old = fresh(), None
    for choice in before:
        keep(chip, choice)
        old = choice
    for index, op in enumerate(plan_choice(chip, new)):
        torn = chip.copy()
        blend(op, torn, seed + index)
        assert chosen(torn) in (old, new)
        assert not read_environment(torn).damaged
        chip.apply(op)
    assert chosen(chip) == new


def test_two_copies_that_are_lost_are_damage_and_can_be_replaced() -> None:
    chip = fresh()
    keep(chip, Choice("B"))
    keep(chip, Choice("A"))
    for sector in BOOT_SECTORS:
        flip(chip, sector * SMALL.sector + 20, 1)
    assert read_environment(chip) == Environment(None, True, BOOT_SECTORS)
    keep(chip, Choice("B", TRIAL))
    assert chosen(chip) == Choice("B", TRIAL)


def test_one_copy_that_is_lost_gives_the_choice_before_it() -> None:
    chip = fresh()
    keep(chip, Choice("B", TRIAL))
    keep(chip, Choice("B"))
    flip(chip, 3 * SMALL.sector + 20, 1)
    assert chosen(chip) == Choice("B", TRIAL)
    assert read_environment(chip).sectors == (2,)


def test_numbers_wrap_around() -> None:
    chip = fresh()
    (_, *programs, _) = plan_choice(chip, Choice("A"))
    last = bytearray(b"".join(op.data for op in programs if isinstance(op, Program)))
    last[8:12] = b"\xff\xff\xff\xff"
    overwrite(chip, 2 * SMALL.sector, bytes(last[:-4]) + struct.pack("<I", zlib.crc32(bytes(last[:-4]))))
    assert read_environment(chip).choice == Choice("A", number=0xFFFF_FFFF)
    keep(chip, Choice("B"))
    assert read_environment(chip).choice == Choice("B", number=0)
    keep(chip, Choice("A"))
    assert read_environment(chip).choice == Choice("A", number=1)


@settings(deadline=None)
@given(st.binary(max_size=100), st.binary(max_size=100))
def test_junk_is_damage_at_most(first: bytes, second: bytes) -> None:
    chip = fresh()
    for sector, junk in zip(BOOT_SECTORS, (first, second), strict=True):
        overwrite(chip, sector * SMALL.sector, junk)
    assert read_environment(chip).choice is None


@pytest.mark.parametrize("at", [6, 7])
def test_a_choice_with_a_checksum_and_no_sense_does_not_count(at: int) -> None:
    chip = fresh()
    fields = bytearray(struct.pack("<4sBBBBI32s", b"KXBE", 1, 0, 0, 0, 1, bytes(32)))
    fields[at - 1] = 9
    overwrite(chip, 2 * SMALL.sector, bytes(fields) + struct.pack("<I", zlib.crc32(bytes(fields))))
    assert read_environment(chip).choice is None


# --- The slots --------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(st.integers(0, ROOM // 2 - 72), st.sampled_from("AB"))
def test_what_is_written_is_read(size: int, slot: str) -> None:
    chip = fresh()
    area = partitions(chip).partition(f"firmware-{slot.lower()}")
    raw = image(min(size, area.count * SMALL.sector - 72))
    write(chip, slot, raw)
    assert encode_firmware(read_slot(chip, slot)) == raw
    with pytest.raises(FirmwareError) as caught:
        read_slot(chip, "A" if slot == "B" else "B")
    assert caught.value.reason == "blank"


def test_an_image_takes_blocks_of_sixteen_sectors_and_a_megabyte_fits() -> None:
    chip = factory("0080F0ABCDEF", "M")
    raw = image(1 << 20)
    ops, done = plan_block(chip, "B", raw, 0)
    assert done == 16 * 4096
    assert len(ops) == 16 + 256, "each sector is erased, blank or not"
    assert write(chip, "B", raw) == 17
    assert len(read_slot(chip, "B").payload) == 1 << 20
    ops, _ = plan_block(chip, "B", raw, 0)
    assert [op.sector for op in ops if isinstance(op, Erase)] == list(range(1536, 1552))


def test_a_slot_can_be_filled_to_its_last_byte() -> None:
    chip = factory("0080F0ABCDEF", "M")
    raw = image(slot_size(chip, "A") - 72)
    write(chip, "A", raw)
    assert encode_firmware(read_slot(chip, "A")) == raw
    with pytest.raises(FirmwareError):
        read_slot(chip, "B")


@pytest.mark.spec("PROV-265")
def test_a_cut_while_a_slot_is_overwritten_never_leaves_a_sound_mixture() -> None:
    chip = fresh()
    write(chip, "B", image(3000, "03.210"))
    raw = image(3100, "03.220")
    ops, done = plan_block(chip, "B", raw, 0)
    assert done == len(raw)
    for index, op in enumerate(ops):
        for kept in {0, 1, bytes_of(op) // 2, bytes_of(op) - 1}:
            torn = cut(chip, op, kept)
            if index == kept == 0:
                assert read_slot(torn, "B").version == "03.210"
                continue
            with pytest.raises(FirmwareError):
                read_slot(torn, "B")
        chip.apply(op)
    assert read_slot(chip, "B").version == "03.220"


def test_an_image_longer_than_its_slot_says_so() -> None:
    chip = fresh(Geometry(256 * 512, 512, 64))
    raw = image(100_000)
    overwrite(chip, first_sector(chip, "B") * 512, raw[:512])
    with pytest.raises(FirmwareError) as caught:
        read_slot(chip, "B")
    assert caught.value.reason == "length"


def test_a_chip_from_before_has_no_slots() -> None:
    chip = factory("0080F0ABCDEF", "M")
    held = table([*OLD_TABLE, (b"firmware-a", 1024, 512), (b"firmware-b", 1536, 512)])
    chip.sectors[0] = held.ljust(4096, b"\xff")
    assert partitions(chip).damage == ""
    assert not has_slots(chip)
    assert (slot_size(chip, "A"), slot_size(chip, "B")) == (0, 0)


def test_a_boot_partition_of_one_sector_is_none() -> None:
    chip = factory("0080F0ABCDEF", "M")
    entries = [*OLD_TABLE[:2], (b"boot", 2, 1), *OLD_TABLE[2:], (b"firmware-a", 1024, 9), (b"firmware-b", 1536, 9)]
    chip.sectors[0] = table(entries).ljust(4096, b"\xff")
    assert partitions(chip).partition(BOOT).count == 1
    assert not has_slots(chip)
