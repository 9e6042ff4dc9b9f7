"""The chip against a model: one bytearray, AND for programming, a slice of 0xFF for erasing."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_image.chip import Chip, ChipFault, Erase, Geometry, Op, Program, Timing, programs

SMALL = Geometry(size=2048, sector=512, page=64)


@st.composite
def operations(draw: st.DrawFn, geometry: Geometry = SMALL) -> Op:
    if draw(st.integers(0, 3)) == 0:
        return Erase(draw(st.integers(0, geometry.sector_count - 1)))
    address = draw(st.integers(0, geometry.size - 1))
    room = geometry.page - address % geometry.page
    byte = st.sampled_from([0x00, 0x0F, 0xA5, 0xFF])
    return Program(address, bytes(draw(st.lists(byte, min_size=1, max_size=room))))


def model_apply(model: bytearray, op: Op) -> None:
    if isinstance(op, Erase):
        first = op.sector * SMALL.sector
        model[first : first + SMALL.sector] = b"\xff" * SMALL.sector
    else:
        for index, byte in enumerate(op.data):
            model[op.address + index] &= byte


@settings(deadline=None)
@given(st.lists(operations(), max_size=30), st.integers(0, 2048), st.integers(0, 2048))
def test_chip_equals_model(ops: list[Op], one: int, other: int) -> None:
    chip, model, wear = Chip(SMALL), bytearray(b"\xff" * SMALL.size), dict[int, int]()
    for op in ops:
        chip.apply(op)
        model_apply(model, op)
        if isinstance(op, Erase):
            wear[op.sector] = wear.get(op.sector, 0) + 1
    low, high = sorted((one, other))
    assert chip.read(0, SMALL.size) == model
    assert chip.read(low, high - low) == model[low:high]
    assert chip.wear == wear
    for sector in range(SMALL.sector_count):
        blank = model[sector * 512 : sector * 512 + 512] == b"\xff" * 512
        assert chip.is_blank(sector) == blank == (sector not in chip.sectors)
    assert all(type(held) is bytes and len(held) == SMALL.sector for held in chip.sectors.values())


@settings(deadline=None)
@given(st.lists(operations(), max_size=12), operations())
def test_a_copy_shares_nothing_that_changes(ops: list[Op], last: Op) -> None:
    chip = Chip(SMALL)
    for op in ops:
        chip.apply(op)
    image, wear = chip.read(0, SMALL.size), dict(chip.wear)
    other = chip.copy()
    assert other == chip
    other.apply(last)
    assert (chip.read(0, SMALL.size), chip.wear) == (image, wear)


def test_equality_sees_contents_wear_and_geometry() -> None:
    one, other = Chip(SMALL), Chip(SMALL)
    one.program(3, b"\x00")
    assert one != other
    other.program(3, b"\x0f")
    other.program(3, b"\xf0")
    assert one == other
    one.erase(0)
    other.sectors.clear()
    assert one != other
    assert Chip(SMALL) != Chip()


def test_programming_blank_bytes_leaves_a_blank_sector_absent() -> None:
    chip = Chip(SMALL)
    chip.program(64, b"\xff" * 64)
    assert chip == Chip(SMALL)


def test_copies_share_sector_bytes() -> None:
    chip = Chip()
    chip.program(0, b"a")
    assert chip.copy().sectors[0] is chip.sectors[0]


@pytest.mark.parametrize(
    ("op", "reason"),
    [
        (Program(0, b""), "program-length"),
        (Program(0, bytes(65)), "program-length"),
        (Program(-1, b"a"), "program-range"),
        (Program(2048, b"a"), "program-range"),
        (Program(2047, b"ab"), "program-range"),
        (Program(63, b"ab"), "page-crossed"),
        (Erase(-1), "sector-range"),
        (Erase(4), "sector-range"),
    ],
)
def test_faults_have_a_reason_and_change_nothing(op: Op, reason: str) -> None:
    chip = Chip(SMALL)
    chip.program(0, b"x")
    before = chip.copy()
    with pytest.raises(ChipFault) as caught:
        chip.apply(op)
    assert (caught.value.reason, chip) == (reason, before)


@pytest.mark.parametrize(("address", "length"), [(-1, 1), (0, -1), (2048, 1), (0, 2049)])
def test_reads_out_of_range(address: int, length: int) -> None:
    with pytest.raises(ChipFault) as caught:
        Chip(SMALL).read(address, length)
    assert caught.value.reason == "read-range"


@pytest.mark.parametrize(
    ("size", "sector", "page"),
    [
        (0, 0, 0),
        (2048, 512, 8),
        (2048, 512, 60),
        (2000, 512, 64),
        (512, 1024, 64),
        (2**27, 4096, 256),
        (2**26, 2**19, 64),
    ],
)
def test_impossible_geometries(size: int, sector: int, page: int) -> None:
    with pytest.raises(ChipFault) as caught:
        Geometry(size, sector, page)
    assert caught.value.reason == "geometry"


@settings(deadline=None)
@given(st.integers(0, 1500), st.binary(max_size=500))
def test_programs_cover_the_data_in_order_inside_pages(address: int, data: bytes) -> None:
    ops = programs(SMALL, address, data)
    assert b"".join(op.data for op in ops) == data
    at = address
    for op in ops:
        assert op.address == at
        assert at // 64 == (at + len(op.data) - 1) // 64
        at += len(op.data)
    assert len(ops) == (0 if not data else (address + len(data) - 1) // 64 - address // 64 + 1)


def test_timing_of_operations() -> None:
    timing = Timing()
    assert timing.duration(Program(0, b"a")) == timing.duration(Program(0, bytes(256))) == 700_000
    assert timing.duration(Erase(0)) == 45_000_000
    assert Timing(program_ns=1, erase_ns=2).duration(Erase(0)) == 2


def test_msgspec_encodes_a_chip_and_back() -> None:
    chip = Chip(SMALL)
    chip.program(3, b"\x00\x01")
    chip.erase(2)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(chip), type=Chip) == chip
    assert msgspec.json.decode(msgspec.json.encode(chip), type=Chip) == chip
