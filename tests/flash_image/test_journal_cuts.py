"""Journal and boot choice under power cuts: any operation, any tear, and cut again in what settles the first one."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_image.chip import Chip, Erase, Op, Program
from flash_image.journal import mount, plan, wipe
from flash_image.settling import settle
from flash_image.tears import KINDS, Tear
from tests.flash_image.journal_model import (
    EMPTY,
    HISTORIES,
    TRANSACTIONS,
    State,
    Transaction,
    after,
    bytes_of,
    commit,
    cut,
    fresh,
    power_on,
    sampled,
    state_of,
    torn,
)


def lived(history: list[Transaction], version: int = 2) -> tuple[Chip, State]:
    chip, state = fresh(version=version), EMPTY
    for earlier in history:
        commit(chip, *earlier)
        state = after(state, earlier)
    return chip, state


def check_recovery(chip: Chip, allowed: list[State], following: Transaction) -> None:
    """The phone starts with one of the states, with the same at every later start, and can save again."""
    found = state_of(chip, power_on(chip))
    assert found in allowed
    for _ in range(3):
        assert state_of(chip, power_on(chip)) == found
    assert not settle(chip, mount(chip))
    commit(chip, *following, first=True)
    for _ in range(3):
        assert state_of(chip, power_on(chip)) == after(found, following)


def states(ops: tuple[Op, ...], at: int, old: State, new: State) -> list[State]:
    """What may be found when operation ``at`` is cut off; the last one but the first only confirms."""
    commit_at = len(ops) - 2
    return [old] if at < commit_at else [old, new] if at == commit_at else [new]


@settings(deadline=None, max_examples=80)
@given(HISTORIES, TRANSACTIONS, TRANSACTIONS, st.integers(0), st.booleans())
def test_a_cut_anywhere_leaves_the_old_state_or_the_new(
    history: list[Transaction], transaction: Transaction, following: Transaction, seed: int, first: bool
) -> None:
    chip, old = lived(history)
    new = after(old, transaction)
    ops = plan(chip, mount(chip), *transaction, first)
    rng = random.Random(seed)
    for index, op in enumerate(ops):
        for how in sampled(op, rng):
            check_recovery(torn(chip, op, how), states(ops, index, old, new), following)
        chip.apply(op)
    check_recovery(chip, [new], following)


@settings(deadline=None, max_examples=60)
@given(HISTORIES, TRANSACTIONS, TRANSACTIONS, st.integers(0))
def test_a_cut_in_what_settles_a_cut_leaves_the_old_state_or_the_new(
    history: list[Transaction], transaction: Transaction, following: Transaction, seed: int
) -> None:
    chip, old = lived(history)
    new = after(old, transaction)
    ops = plan(chip, mount(chip), *transaction)
    rng = random.Random(seed)
    for index, op in enumerate(ops):
        for how in sampled(op, rng):
            left = torn(chip, op, how)
            for work in settle(left, mount(left)):
                for again in sampled(work, rng):
                    check_recovery(torn(left, work, again), states(ops, index, old, new), following)
                left.apply(work)
        chip.apply(op)


@pytest.mark.parametrize("fill", [0, 7600])
@pytest.mark.parametrize("version", [1, 2])
def test_every_byte_of_every_operation(fill: int, version: int) -> None:
    chip = fresh(version=version)
    commit(chip, {"old": b"1" * 40, "gone": b"2"}, {"f": b"first" * 30})
    commit(chip, {"fill": bytes(fill)})
    commit(chip, {"fill": None})
    old = state_of(chip)
    transaction: Transaction = ({"old": b"3" * 40, "gone": None, "new": b"4" * 100}, {"f": b"second" * 30, "g": b"5"})
    new = after(old, transaction)
    ops = plan(chip, mount(chip), *transaction)
    assert any(isinstance(op, Erase) and op.sector < 48 for op in ops) == bool(fill)
    last = len(ops) - version
    for index, op in enumerate(ops):
        for keep in range(bytes_of(op)):
            left = cut(chip, op, keep)
            assert state_of(left) == (old if index <= last else new)
            assert state_of(left, power_on(left)) == (old if index <= last else new)
        chip.apply(op)
    assert state_of(chip) == new


CUT = st.tuples(st.integers(0, 60), st.integers(0, 511), st.sampled_from(tuple(KINDS)), st.integers(0, 9))


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(TRANSACTIONS, st.none() | CUT, st.none() | CUT), max_size=25))
def test_cuts_upon_cuts(steps: list[tuple[Transaction, tuple[int, int, str, int] | None, object]]) -> None:
    """A life of a phone: commits, cut off anywhere, and settlings that are cut off as well."""
    chip, state = fresh(), EMPTY
    for transaction, one, other in steps:
        new = after(state, transaction)
        ops = plan(chip, mount(chip), *transaction, True)
        last = cut_off(chip, ops, one)
        allowed = [new] if last is None else states(ops, last, state, new)
        if other is not None:
            if chip.faults is not None:
                chip.faults.turn += 1
            cut_off(chip, settle(chip, mount(chip)), other)  # type: ignore[arg-type]
        state = state_of(chip, power_on(chip))
        assert state in allowed
        assert state_of(chip) == state


def cut_off(chip: Chip, ops: tuple[Op, ...], where: tuple[int, int, str, int] | None) -> int | None:
    """Carry out ``ops`` up to a cut; the number of the one that it met, None if it met none."""
    last = None if where is None or not ops else where[0] % len(ops)
    for index, op in enumerate(ops):
        if index == last and where is not None:
            from flash_image.tears import leave, tear, tears_of

            kind = where[2] if where[2] in tears_of(op) else "bytes"
            leave(chip, tear(chip, op, Tear(kind, where[1] % bytes_of(op), where[3])))  # type: ignore[arg-type]
            return last
        chip.apply(op)
    return None


@settings(deadline=None, max_examples=40)
@given(HISTORIES, TRANSACTIONS, st.integers(0))
def test_a_clearing_that_is_cut_off_is_finished_at_the_next_start(
    history: list[Transaction], following: Transaction, seed: int
) -> None:
    chip, old = lived([*history, ({"secret": b"SECRET" * 9}, {"f": b"SECRET" * 90})])
    rng = random.Random(seed)
    ops = wipe(chip, mount(chip))
    empty_from = next(at for at, op in enumerate(ops) if isinstance(op, Program) and len(op.data) == 1)
    for index, op in enumerate(ops):
        for how in sampled(op, rng):
            left = torn(chip, op, how)
            for work in settle(left, mount(left)):
                if rng.random() < 0.2:
                    left = torn(left, work, rng.choice(sampled(work, rng)))
                    break
                left.apply(work)
            found = state_of(left, power_on(left))
            assert found in ([old, EMPTY] if index == empty_from - 1 else [old] if index < empty_from else [EMPTY])
            assert found == old or not any(b"SECRET" in cells for cells in left.sectors.values())
            check_recovery(left, [found], following)
        chip.apply(op)


def test_a_torn_record_is_named_and_the_state_before_it_goes_into_the_next_bank() -> None:
    chip = fresh()
    commit(chip, {"a": b"1"})
    mounted = mount(chip)
    record, confirm = plan(chip, mounted, {"a": b"2"}, {})
    left = cut(chip, record, bytes_of(record) - 1)
    found = mount(left)
    assert [(damage.code, damage.address) for damage in found.damage] == [("torn-record", mounted.tail)]
    assert (found.tail, found.values, found.unsettled.doubt) == (None, {"a": b"1"}, "torn-record")
    power_on(left)
    assert (mount(left).bank, mount(left).values, mount(left).sequence) == (1, {"a": b"1"}, 1)
    chip.apply(record)
    assert mount(chip).unsettled.doubt == "commit"
    power_on(chip)
    assert (mount(chip).bank, mount(chip).values, mount(chip).sequence) == (1, {"a": b"2"}, 2)
    assert isinstance(confirm, Program)


def test_without_settling_a_torn_record_moves_the_journal_on() -> None:
    chip = fresh(version=1)
    commit(chip, {"a": b"1"})
    (record,) = plan(chip, mount(chip), {"a": b"2"}, {})
    chip = cut(chip, record, bytes_of(record) - 1)
    assert settle(chip, mount(chip)) == ()
    commit(chip, {"a": b"3"})
    assert (mount(chip).bank, mount(chip).values, mount(chip).damage) == (1, {"a": b"3"}, ())


def test_an_interrupted_compaction_is_named() -> None:
    chip = fresh()
    commit(chip, {"a": b"1" * 3000})
    commit(chip, {"a": b"2" * 3000})
    ops = plan(chip, mount(chip), {"a": b"3" * 3000}, {})
    codes = []
    for op in ops:
        codes.append([damage.code for damage in mount(chip).damage])
        chip.apply(op)
    assert codes[:17] == [[]] * 17
    assert codes[17:-1] == [["unfinished-bank"]] * (len(ops) - 18)
    assert codes[-1] == [], "the header counts, and is confirmed next"
    chip = cut(chip, Erase(32), 3)
    assert [damage.code for damage in mount(chip).damage] == ["bank-header"]
    assert mount(chip).values == {"a": b"2" * 3000}


def test_what_rotted_after_it_was_confirmed_is_left_for_whoever_wants_to_read_it() -> None:
    """A flip may be lifted again, so nothing is programmed over it; the next commit goes into the next bank."""
    chip = fresh()
    commit(chip, {"a": b"1"})
    at = mount(chip).tail
    assert at is not None
    commit(chip, {"a": b"2"})
    chip.flip(at + 30, b"\x01")
    before = chip.copy()
    assert (power_on(chip).values, settle(chip, mount(chip))) == ({"a": b"1"}, ())
    assert (chip.sectors, chip.wear) == (before.sectors, before.wear)
    chip.flip(at + 30, b"\x01")
    assert power_on(chip).values == {"a": b"2"}


def test_a_commit_that_reads_both_ways_is_made_firm_as_it_was_read() -> None:
    outcomes = set()
    for sample in range(3):
        chip = fresh()
        commit(chip, {"a": b"1"})
        record, _ = plan(chip, mount(chip), {"a": b"2"}, {})
        left = torn(chip, record, Tear("unstable", bytes_of(record) - 4, sample))
        unsettled = left.copy()
        assert unsettled.faults is not None
        readings = set()
        for _ in range(3):
            unsettled.faults.turn += 1
            readings.add(mount(unsettled).values["a"])
        assert readings == {b"1", b"2"}, "left alone it would change its mind"
        found = power_on(left).values["a"]
        outcomes.add(found)
        assert {power_on(left).values["a"] for _ in range(4)} == {found}
    assert outcomes == {b"1", b"2"}
