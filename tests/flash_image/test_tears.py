"""What a torn operation leaves: each class against what it promises, and the same in every process."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_image.chip import Chip, ChipFault, Erase, Op, Program
from flash_image.faults import BEHAVIOURS, Behaviour, Limit
from flash_image.tears import KINDS, WORD, Tear, elapsed, leave, size_of, tear, tears_of
from tests.flash_image.test_chip import SMALL, operations

BUSY = 700_000


def used(ops: list[Op]) -> Chip:
    chip = Chip(SMALL)
    for op in ops:
        chip.apply(op)
    return chip


def after(chip: Chip, op: Op, how: Tear) -> Chip:
    left = chip.copy()
    leave(left, tear(chip, op, how))
    return left


def whole(chip: Chip, op: Op) -> Chip:
    done = chip.copy()
    done.apply(op)
    return done


def touched(op: Op) -> range:
    if isinstance(op, Program):
        return range(op.address, op.address + len(op.data))
    return range(op.sector * SMALL.sector, (op.sector + 1) * SMALL.sector)


LIVES = st.lists(operations(), max_size=12)
SAMPLES = st.integers(0, 20)


@settings(deadline=None)
@given(LIVES, operations(), st.data(), SAMPLES)
def test_a_tear_changes_nothing_but_what_its_operation_would(
    ops: list[Op], last: Op, data: st.DataObject, sample: int
) -> None:
    chip = used(ops)
    how = Tear(data.draw(st.sampled_from(tears_of(last))), data.draw(st.integers(0, size_of(chip, last) - 1)), sample)
    left, before, done = after(chip, last, how), chip.read(0, SMALL.size), whole(chip, last).read(0, SMALL.size)
    assert left.sectors.keys() >= {sector for sector in chip.sectors if sector not in (op_sector(last),)}
    found = left.read(0, SMALL.size)
    for at in range(SMALL.size):
        if at not in touched(last):
            assert found[at] == before[at]
        elif isinstance(last, Program):
            assert found[at] & ~before[at] == 0, "no bit is set"
            assert done[at] & ~found[at] == 0, "no bit is cleared that the operation would not clear"
    assert tear(chip, last, how) == tear(chip.copy(), last, how)
    assert all(held != b"\xff" * SMALL.sector for held in left.sectors.values())


@settings(deadline=None)
@given(LIVES, operations(), st.data(), SAMPLES, st.sampled_from(BEHAVIOURS), st.integers(0, 3))
def test_a_tear_in_a_worn_sector_leaves_what_it_would_in_a_good_one_or_nothing(
    ops: list[Op], last: Op, data: st.DataObject, sample: int, behaviour: Behaviour, more: int
) -> None:
    """Nothing, if the sector would not take the operation at all; an erasure may be the last that it takes."""
    chip = used(ops)
    worn = chip.copy()
    worn.wear_out(Limit(chip.wear.get(op_sector(last), 0) + more, behaviour), (op_sector(last),))
    how = Tear(data.draw(st.sampled_from(tears_of(last))), data.draw(st.integers(0, size_of(chip, last) - 1)), sample)
    refused = more == 0 and behaviour.startswith("program" if isinstance(last, Program) else "erase")
    left = after(worn, last, how)
    expected = chip if refused else after(chip, last, how)
    assert (left.sectors, left.wear) == (expected.sectors, expected.wear)


def op_sector(op: Op) -> int:
    return op.address // SMALL.sector if isinstance(op, Program) else op.sector


@settings(deadline=None)
@given(LIVES, operations(), st.data())
def test_a_byte_prefix_stops_at_the_byte(ops: list[Op], last: Op, data: st.DataObject) -> None:
    chip = used(ops)
    size = size_of(chip, last)
    keep = data.draw(st.integers(0, size))
    before, done = chip.read(0, SMALL.size), whole(chip, last).read(0, SMALL.size)
    start = touched(last)[0]
    expected = before[:start] + done[start : start + keep] + before[start + keep :]
    left = after(chip, last, Tear("bytes", keep))
    assert left.read(0, SMALL.size) == expected
    assert left.wear == (whole(chip, last).wear if keep else chip.wear)
    assert after(chip, last, Tear("nothing")) == chip
    assert (after(chip, last, Tear("bytes", size)) == whole(chip, last)) or isinstance(last, Program)


@settings(deadline=None)
@given(LIVES, st.integers(0, 31), st.binary(min_size=1, max_size=32), st.data(), SAMPLES)
def test_bits_are_those_of_the_word_behind_the_prefix(
    ops: list[Op], page: int, body: bytes, data: st.DataObject, sample: int
) -> None:
    chip, op = used(ops), Program(page * SMALL.page, body)
    keep = data.draw(st.integers(0, len(body) - 1))
    left = after(chip, op, Tear("bits", keep, sample)).read(0, SMALL.size)
    prefix = after(chip, op, Tear("bytes", keep)).read(0, SMALL.size)
    word = after(chip, op, Tear("bytes", min(keep + WORD, len(body)))).read(0, SMALL.size)
    assert all(word[at] & ~left[at] == 0 and left[at] & ~prefix[at] == 0 for at in range(SMALL.size))


def test_samples_differ_and_meet_every_bit() -> None:
    chip, op = Chip(SMALL), Program(0, bytes(8))
    words = {after(chip, op, Tear("bits", 2, sample)).read(2, WORD) for sample in range(40)}
    assert len(words) == 40
    cleared = 0
    for word in words:
        cleared |= ~int.from_bytes(word, "big") & 0xFFFFFFFF
    assert cleared == 0xFFFFFFFF


def test_an_even_partial_erasure_leaves_old_zeros_an_odd_one_zeros_of_its_own() -> None:
    chip = Chip(SMALL)
    chip.program(0, b"\x0f" * 64)
    for sample in range(6):
        found = after(chip, Erase(0), Tear("partial", 0, sample)).read(0, SMALL.sector)
        zeros = sum(8 - byte.bit_count() for byte in found)
        if sample % 2 == 0:
            assert all(byte & 0x0F == 0x0F for byte in found)
            assert found[64:] == b"\xff" * (SMALL.sector - 64)
            assert 64 < zeros < 192
        else:
            assert zeros > SMALL.sector * 3


def test_an_unstable_word_reads_as_before_as_after_and_mixed_until_it_is_rewritten() -> None:
    chip = Chip(SMALL)
    op = Program(0, bytes(16))
    readings = set()
    left = after(chip, op, Tear("unstable", 4, 0))
    assert left.faults is not None
    for turn in range(6):
        left.faults.turn = turn
        readings.add(left.read(0, 16))
    before, done = after(chip, op, Tear("bytes", 4)).read(0, 16), after(chip, op, Tear("bytes", 8)).read(0, 16)
    assert {before, done} < readings
    assert all(reading[:4] == bytes(4) and reading[8:] == b"\xff" * 8 for reading in readings)
    for firm in (op, Erase(0)):
        again = left.copy()
        again.apply(firm)
        assert again.faults is not None
        assert again.faults.unstable == {}
        assert again.read(0, 16) == (bytes(16) if firm == op else b"\xff" * 16)
    half = left.copy()
    half.apply(Program(4, b"\x0f" * 4))
    assert half.faults is not None
    assert half.faults.unstable == dict.fromkeys(range(4, 8), 15), "bits that are not programmed stay as they were"


def test_an_unstable_erasure_reads_as_it_was_or_as_erased() -> None:
    chip = Chip(SMALL)
    chip.program(128, b"\x12\x34")
    for sample in range(3):
        left = after(chip, Erase(0), Tear("unstable", 0, sample))
        assert left.faults is not None
        readings = set()
        for turn in range(3):
            left.faults.turn = turn
            readings.add(left.read(128, 2))
        assert {b"\x12\x34", b"\xff\xff"} <= readings
    assert after(Chip(SMALL), Erase(3), Tear("unstable", 0, 0)).faults is None, "a blank sector has no such cell"


@pytest.mark.parametrize(
    ("op", "how", "reason"),
    [
        (Program(0, b"ab"), Tear("bytes", 3), "keep-range"),
        (Program(0, b"ab"), Tear("bytes", -1), "keep-range"),
        (Program(0, b"ab"), Tear("bits", 2), "keep-range"),
        (Program(0, b"ab"), Tear("unstable", 2), "keep-range"),
        (Erase(0), Tear("bytes", 513), "keep-range"),
        (Erase(0), Tear("bits", 1), "tear-kind"),
        (Program(0, b"ab"), Tear("partial", 1), "tear-kind"),
    ],
)
def test_tears_that_an_operation_cannot_suffer(op: Op, how: Tear, reason: str) -> None:
    with pytest.raises(ChipFault) as caught:
        tear(Chip(SMALL), op, how)
    assert caught.value.reason == reason


def test_the_time_until_the_power_goes_is_in_proportion() -> None:
    chip, op = Chip(SMALL), Program(0, bytes(10))
    assert [elapsed(chip, op, Tear("bytes", keep), 1000) for keep in (0, 1, 5, 10)] == [0, 100, 500, 1000]
    assert elapsed(chip, op, Tear("nothing"), 1000) == 0
    assert elapsed(chip, op, Tear("bits", 4), 1000) == 600
    assert elapsed(chip, op, Tear("unstable", 9), 1000) == 1000
    assert elapsed(chip, Erase(0), Tear("partial", 0), 1000) == 500


def test_every_class_has_a_meaning() -> None:
    assert {kind for op in (Program(0, b"a"), Erase(0)) for kind in tears_of(op)} == set(KINDS)
    assert all(KINDS.values())
