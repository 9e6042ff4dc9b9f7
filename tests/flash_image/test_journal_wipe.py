"""Clearing everything at once: all or nothing at any cut, and nothing to be read afterwards."""

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_image.chip import Chip
from flash_image.image import raw
from flash_image.journal import mount, plan, wipe
from flash_image.layout import BANK_SECTORS, identity
from flash_image.records import MAX_NUMBER, JournalFull
from tests.flash_image.journal_model import (
    BANK_STARTS,
    EMPTY,
    FILE_SECTORS,
    HISTORIES,
    SMALL,
    TRANSACTIONS,
    Transaction,
    after,
    blend,
    bytes_of,
    commit,
    cut,
    fresh,
    state_of,
)


def lived(history: list[Transaction]) -> Chip:
    chip = fresh()
    for transaction in history:
        commit(chip, *transaction)
    return chip


def wiped(chip: Chip) -> Chip:
    for op in wipe(chip, mount(chip)):
        chip.apply(op)
    return chip


@settings(deadline=None, max_examples=60)
@given(HISTORIES, TRANSACTIONS)
def test_a_wiped_chip_reads_as_a_fresh_one_and_goes_on(history: list[Transaction], following: Transaction) -> None:
    chip = lived(history)
    sequence = mount(chip).sequence
    wiped(chip)
    mounted = mount(chip)
    assert (mounted.values, mounted.files, mounted.damage) == ({}, {}, ())
    assert mounted.sequence == sequence + 1
    assert identity(chip) == identity(fresh())
    commit(chip, *following)
    assert state_of(chip) == after(EMPTY, following)


@settings(deadline=None, max_examples=40)
@given(HISTORIES, TRANSACTIONS, st.integers(0, 511), st.integers(0))
def test_a_cut_anywhere_leaves_all_or_nothing(
    history: list[Transaction], following: Transaction, at: int, seed: int
) -> None:
    chip = lived(history)
    old = state_of(chip)
    seen = []
    for index, op in enumerate(wipe(chip, mount(chip))):
        size = bytes_of(op)
        for keep in sorted({0, 1 % size, at % size, size - 1}):
            torn = cut(chip, op, keep)
            seen.append(state_of(torn))
            if keep % 2:
                commit(torn, *following)
                assert state_of(torn) == after(seen[-1], following)
        torn = chip.copy()
        blend(op, torn, seed + index)
        assert state_of(torn) in (old, EMPTY)
        chip.apply(op)
    assert [state for state in seen if state not in (old, EMPTY)] == []
    assert seen == sorted(seen, key=lambda state: state == EMPTY), "once empty, empty it stays"
    assert state_of(chip) == EMPTY


@pytest.mark.parametrize("fill", [0, 7600])
def test_no_byte_of_what_was_stored_is_left(fill: int) -> None:
    """Not in the old bank, not in the records before, not in the sectors of a file that was replaced."""
    chip = lived([({"key": b"SECRET-1" * 4}, {"f": b"SECRET-2" * 100}), ({"key": b"SECRET-3"}, {"f": b"SECRET-4"})])
    commit(chip, {"fill": bytes(fill)})
    commit(chip, {"key": b"SECRET-5"}, {"f": None})
    assert raw(chip).count(b"SECRET") > 100
    wiped(chip)
    assert b"SECRET" not in raw(chip)
    assert not [sector for sector in FILE_SECTORS if sector in chip.sectors]
    banks = [start // SMALL.sector for start in BANK_STARTS]
    written = [first for first in banks if any(first <= sector < first + BANK_SECTORS for sector in chip.sectors)]
    assert written == [banks[mount(chip).bank or 0]]


def test_what_is_damaged_is_wiped_too() -> None:
    chip = lived([({"key": b"1"}, {}), ({"key": b"2"}, {})])
    tail = mount(chip).tail
    assert tail is not None
    chip.program(tail, b"\x00garbage")
    assert mount(chip).damage
    wiped(chip)
    assert (mount(chip).values, mount(chip).damage) == ({}, ())
    blank = fresh()
    for sector in range(16, 48):
        blank.erase(sector)
    assert mount(wiped(blank)).bank == 0


def test_other_partitions_are_left_alone() -> None:
    chip = lived([({"key": b"1"}, {"f": b"2" * 600})])
    before = {sector: body for sector, body in chip.sectors.items() if not 16 <= sector < 64}
    wiped(chip)
    assert {sector: body for sector, body in chip.sectors.items() if not 16 <= sector < 64} == before


@pytest.mark.parametrize("field", ["sequence", "generation"])
def test_numbers_that_are_used_up(field: str) -> None:
    chip = lived([({"key": b"1"}, {})])
    with pytest.raises(JournalFull, match="numbers-used-up"):
        wipe(chip, attrs.evolve(mount(chip), **{field: MAX_NUMBER}))
    assert plan(chip, mount(chip), {}, {}) == ()
