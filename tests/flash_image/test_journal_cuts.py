"""The journal under power cuts: at every operation, byte and (sampled) bit, and cut again in the recovery."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_image.chip import Chip, Erase
from flash_image.journal import mount, plan
from tests.flash_image.journal_model import (
    EMPTY,
    HISTORIES,
    TRANSACTIONS,
    State,
    Transaction,
    after,
    blend,
    bytes_of,
    commit,
    fresh,
    state_of,
)


def check_recovery(torn: Chip, expected: State, transaction: Transaction) -> None:
    mounted = mount(torn)
    assert state_of(torn, mounted) == expected
    assert mount(torn.copy()) == mounted
    commit(torn, *transaction)
    assert state_of(torn) == after(expected, transaction)


@settings(deadline=None, max_examples=60)
@given(HISTORIES, TRANSACTIONS, TRANSACTIONS, st.integers(0, 511), st.integers(0))
def test_a_cut_anywhere_leaves_the_old_state(
    history: list[Transaction], transaction: Transaction, following: Transaction, at: int, seed: int
) -> None:
    chip, old = fresh(), EMPTY
    for earlier in history:
        commit(chip, *earlier)
        old = after(old, earlier)
    for index, op in enumerate(ops := plan(chip, mount(chip), *transaction)):
        size = bytes_of(op)
        for keep in sorted({0, 1 % size, size // 2, at % size, size - 1}):
            torn = chip.copy()
            torn.tear(op, keep)
            check_recovery(torn, old, following if keep % 2 else transaction)
        torn = chip.copy()
        blend(op, torn, seed + index)
        is_last = index == len(ops) - 1
        assert state_of(torn) == old or (is_last and state_of(torn) == after(old, transaction))
        chip.apply(op)
    check_recovery(chip, after(old, transaction), following)


@pytest.mark.parametrize("fill", [0, 7600])
def test_every_byte_of_every_operation(fill: int) -> None:
    chip = fresh()
    commit(chip, {"old": b"1" * 40, "gone": b"2"}, {"f": b"first" * 30})
    commit(chip, {"fill": bytes(fill)})
    commit(chip, {"fill": None})
    old = state_of(chip)
    transaction: Transaction = ({"old": b"3" * 40, "gone": None, "new": b"4" * 100}, {"f": b"second" * 30, "g": b"5"})
    ops = plan(chip, mount(chip), *transaction)
    assert any(isinstance(op, Erase) for op in ops) == bool(fill)
    for op in ops:
        for keep in range(bytes_of(op)):
            torn = chip.copy()
            torn.tear(op, keep)
            assert state_of(torn) == old
        chip.apply(op)
    assert state_of(chip) == after(old, transaction)


CUT = st.tuples(st.integers(0, 60), st.integers(0, 511), st.booleans())


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(TRANSACTIONS, st.none() | CUT), max_size=25))
def test_cuts_upon_cuts(steps: list[tuple[Transaction, tuple[int, int, bool] | None]]) -> None:
    chip, state = fresh(), EMPTY
    for transaction, cut in steps:
        ops = plan(chip, mount(chip), *transaction)
        new = after(state, transaction)
        if cut is None or not ops:
            for op in ops:
                chip.apply(op)
            state = new
            assert state_of(chip) == state
            continue
        last = cut[0] % len(ops)
        for op in ops[:last]:
            chip.apply(op)
        if cut[2]:
            blend(ops[last], chip, cut[1])
            state = new if last == len(ops) - 1 and state_of(chip) == new else state
        else:
            chip.tear(ops[last], cut[1] % bytes_of(ops[last]))
        assert state_of(chip) == state


def test_a_torn_record_is_named_and_never_programmed_over() -> None:
    chip = fresh()
    commit(chip, {"a": b"1"})
    mounted = mount(chip)
    (op,) = plan(chip, mounted, {"a": b"2"}, {})
    chip.tear(op, bytes_of(op) - 1)
    torn = mount(chip)
    assert [(damage.code, damage.address) for damage in torn.damage] == [("torn-record", mounted.tail)]
    assert (torn.tail, torn.values) == (None, {"a": b"1"})
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
    assert codes[17:] == [["unfinished-bank"]] * (len(ops) - 17)
    chip.tear(Erase(32), 3)
    assert [damage.code for damage in mount(chip).damage] == ["bank-header"]
    assert mount(chip).values == {"a": b"2" * 3000}
