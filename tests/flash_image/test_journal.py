"""The journal against a dict, its limits, and the wear that it causes."""

import random
import zlib
from itertools import pairwise
from statistics import median

import attrs
import pytest
from hypothesis import given, settings

from flash_image.chip import Erase, Geometry, Program
from flash_image.files import MAX_FILE
from flash_image.journal import JournalError, JournalFull, mount, plan
from flash_image.records import MAX_VALUE
from tests.flash_image.journal_model import (
    BANK,
    BANK_STARTS,
    EMPTY,
    FILE_SECTORS,
    HISTORIES,
    KEYS,
    NAMES,
    SMALL,
    Changes,
    Transaction,
    after,
    commit,
    cut,
    fresh,
    overwrite,
    power_on,
    state_of,
)


@settings(deadline=None, max_examples=150)
@given(HISTORIES)
def test_the_journal_is_a_dict(history: list[Transaction]) -> None:
    chip, state, sequence = fresh(), EMPTY, 0
    for transaction in history:
        expected = after(state, transaction)
        ops = commit(chip, *transaction)
        sequence += expected != state
        assert bool(ops) == (expected != state)
        state = expected
        mounted = mount(chip)
        assert state_of(chip, mounted) == state
        assert (mounted.sequence, mounted.damage) == (sequence, ())
        assert mount(chip.copy()) == mounted


def test_hundreds_of_commits_go_through_both_banks_and_all_file_sectors() -> None:
    rng = random.Random(1)
    chip, state, banks, sectors = fresh(), EMPTY, [], set()
    for _ in range(400):
        transaction = (
            {rng.choice(KEYS): rng.choice([None, rng.randbytes(rng.randrange(300))]) for _ in range(3)},
            {rng.choice(NAMES): rng.choice([None, rng.randbytes(rng.randrange(1024))])},
        )
        state = after(state, transaction)
        commit(chip, *transaction)
        mounted = mount(chip)
        assert state_of(chip, mounted) == state
        banks.append(mounted.bank)
        sectors |= {sector for ref in mounted.files.values() for sector in ref.sectors}
    assert sum(one != other for one, other in pairwise(banks)) > 10
    assert sectors == set(FILE_SECTORS)


@settings(deadline=None, max_examples=60)
@given(HISTORIES)
def test_operations_never_touch_what_is_committed(history: list[Transaction]) -> None:
    chip = fresh()
    for transaction in history:
        mounted = mount(chip)
        held = {sector for ref in mounted.files.values() for sector in ref.sectors}
        assert mounted.tail is not None
        for op in plan(chip, mounted, *transaction):
            if isinstance(op, Erase):
                assert op.sector not in held | set(mounted.sectors_read)
            else:
                assert op.address // SMALL.sector not in held
                assert chip.read(op.address, len(op.data)) == b"\xff" * len(op.data) or not chip.is_blank(
                    op.address // SMALL.sector
                )
                in_active_bank = 0 <= op.address - BANK_STARTS[mounted.bank or 0] < BANK
                assert not in_active_bank or op.address >= mounted.tail
        commit(chip, *transaction)


def test_equal_changes_in_another_order_are_equal_bytes() -> None:
    one, other = fresh(), fresh()
    commit(one, {"a": b"1", "b": b"2"}, {"f": b"x" * 600, "g": b"y"})
    commit(other, {"b": b"2", "a": b"1"}, {"g": b"y", "f": b"x" * 600})
    assert one == other


def test_what_does_not_change_is_not_written() -> None:
    chip = fresh()
    assert commit(chip, {"gone": None}, {"gone": None}) == ()
    commit(chip, {"a": b"1"}, {"f": b"body"})
    before = mount(chip)
    assert commit(chip, {"a": b"1", "gone": None}, {"f": b"body", "gone": None}) == ()
    ops = commit(chip, {"a": b"1", "b": b"2"}, {"f": b"body"})
    assert [type(op) for op in ops] == [Program, Program], "a record and what confirms it"
    assert mount(chip).files == before.files


def test_a_damaged_file_is_written_again_although_its_reference_says_it_is_there() -> None:
    chip = fresh()
    commit(chip, {}, {"f": b"body"})
    overwrite(chip, mount(chip).files["f"].sectors[0] * SMALL.sector, b"B")
    assert commit(chip, {}, {"f": b"body"}) != ()
    assert state_of(chip) == ({}, {"f": b"body"})


def test_bodies_with_one_checksum_are_told_apart() -> None:
    one, other = b"plumless", b"buckeroo"
    assert zlib.crc32(one) == zlib.crc32(other)
    chip = fresh()
    commit(chip, {}, {"f": one})
    commit(chip, {}, {"f": other})
    assert state_of(chip) == ({}, {"f": other})


def test_mounted_says_where_the_state_was_found() -> None:
    chip = fresh()
    assert mount(chip).sectors_read == (16,)
    commit(chip, {"a": b"x" * 1000})
    mounted = mount(chip)
    assert (mounted.bank, mounted.sectors_read, mounted.generation) == (0, (16, 17, 18), 1)
    assert mounted.tail == BANK_STARTS[0] + 128 + 1088
    commit(chip, {"a": b"y" * 7000})
    mounted = mount(chip)
    assert (mounted.bank, mounted.sectors_read[0], mounted.generation, mounted.sequence) == (1, 32, 2, 2)


def test_the_largest_of_everything() -> None:
    chip = fresh(Geometry())
    key, body = "\u00e9" * 127 + "k", random.Random(2).randbytes(MAX_FILE)
    commit(chip, {key: b"v" * MAX_VALUE}, {key: body, "empty": b""})
    assert state_of(chip) == ({key: b"v" * MAX_VALUE}, {key: body, "empty": b""})
    commit(chip, {key: b"w" * MAX_VALUE})
    assert mount(chip).values == {key: b"w" * MAX_VALUE}


@pytest.mark.parametrize(
    ("values", "files", "kind", "reason"),
    [
        ({"k" * 256: b""}, {}, JournalError, "key-too-long"),
        ({"\u00e9" * 128: b""}, {}, JournalError, "key-too-long"),
        ({}, {"k" * 256: b""}, JournalError, "key-too-long"),
        ({"\ud800": b""}, {}, JournalError, "key-not-text"),
        ({"k": bytes(MAX_VALUE + 1)}, {}, JournalError, "value-too-long"),
        ({}, {"f": bytes(MAX_FILE + 1)}, JournalError, "file-too-long"),
        ({f"{n}": b"" for n in range(65536)}, {}, JournalError, "too-many-changes"),
        ({"a": bytes(40_000), "b": bytes(40_000)}, {}, JournalFull, "bank-full"),
        ({}, {f"{n}": b"x" * 290_000 for n in range(14)}, JournalFull, "files-full"),
    ],
)
def test_limits(values: Changes, files: Changes, kind: type[JournalError], reason: str) -> None:
    chip = fresh(Geometry())
    with pytest.raises(JournalError) as caught:
        plan(chip, mount(chip), values, files)
    assert (type(caught.value), caught.value.reason) == (kind, reason)


def test_a_full_bank_takes_deletions() -> None:
    chip = fresh(Geometry())
    commit(chip, {"a": bytes(60_000), "b": bytes(5_000)})
    with pytest.raises(JournalFull):
        commit(chip, {"c": bytes(1_000)})
    commit(chip, {"a": None, "c": bytes(1_000)})
    assert mount(chip).values == {"b": bytes(5_000), "c": bytes(1_000)}


def test_full_file_sectors_take_a_file_after_a_deletion() -> None:
    chip = fresh()
    for number in range(16):
        commit(chip, {}, {f"{number}": b"x"})
    with pytest.raises(JournalFull):
        commit(chip, {}, {"more": b"y"})
    commit(chip, {}, {"7": None})
    commit(chip, {}, {"more": b"y"})
    assert mount(chip).files["more"].sectors == (48 + 7,)


def test_wear_spreads() -> None:
    rng = random.Random(3)
    chip = fresh()
    commit(chip, {"kept": b"1"}, {"kept": b"2" * 600})
    kept = mount(chip).files["kept"].sectors
    for number in range(3000):
        commit(chip, {"count": b"%d" % number}, {rng.choice(NAMES): rng.randbytes(rng.randrange(1, 1000))})
    for sectors in (range(16, 48), [sector for sector in FILE_SECTORS if sector not in kept]):
        counts = [chip.wear.get(sector, 0) for sector in sectors]
        assert min(counts) > 10
        assert max(counts) <= 3 * median(counts)
    assert chip.wear.keys() <= set(range(16, 48)) | set(FILE_SECTORS)


def test_torn_commits_do_not_wear_one_bank() -> None:
    chip = fresh()
    for number in range(1000):
        op = plan(chip, mount(chip), {"count": b"torn %d" % number}, {})[-2]
        chip = cut(chip, op, 9) if isinstance(op, Program) else chip
        power_on(chip)
        commit(chip, {"count": b"%d" % number}, first=True)
    counts = [chip.wear.get(sector, 0) for sector in range(16, 48)]
    assert min(counts) > 10
    assert max(counts) <= 3 * median(counts)


def test_mounted_is_frozen() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        mount(fresh()).bank = 1  # type: ignore[misc]
