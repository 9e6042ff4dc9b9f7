"""The journal under damage: flipped bytes, junk, lost banks, records that nobody would write; and the format."""

import random
import re
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flash_image
from flash_image.chip import Chip, Program
from flash_image.files import FileDamaged, read_file
from flash_image.journal import JournalFull, mount, plan, wipe
from flash_image.layout import factory
from flash_image.records import MAX_NUMBER, FileRef
from tests.flash_image.journal_model import (
    BANK_STARTS,
    HISTORIES,
    SMALL,
    TRANSACTIONS,
    Transaction,
    commit,
    fault_of,
    flip,
    fresh,
    merged,
    overwrite,
    state_of,
)

DAMAGE = st.one_of(
    st.tuples(st.just("flip"), st.integers(0, 64 * 512 - 1), st.integers(1, 255)),
    st.tuples(st.just("flip"), st.integers(BANK_STARTS[0], BANK_STARTS[0] + 400), st.integers(1, 255)),
    st.tuples(st.just("junk"), st.integers(0, 63), st.integers(0, 2**32)),
    st.tuples(st.just("erase"), st.integers(0, 63), st.just(0)),
)


def inflict(chip: Chip, kind: str, where: int, what: int) -> None:
    if kind == "flip":
        flip(chip, where, what)
    elif kind == "junk":
        chip.sectors[where] = random.Random(what).randbytes(SMALL.sector)
    else:
        chip.sectors.pop(where, None)


@settings(deadline=None, max_examples=200)
@given(HISTORIES, st.lists(DAMAGE, min_size=1, max_size=6), TRANSACTIONS)
def test_damage_never_raises_and_never_invents(
    history: list[Transaction], damages: list[tuple[str, int, int]], transaction: Transaction
) -> None:
    chip = fresh()
    known: list[tuple[dict[str, bytes], dict[str, FileRef]]] = [({}, {}), ({}, {})]
    for earlier in history:
        commit(chip, *earlier)
        mounted = mount(chip)
        known.append((mounted.values, mounted.files))
    for damage in damages:
        inflict(chip, *damage)
    found = mount(chip)
    assert (found.values, found.files) in known
    lost = (found.values, found.files) != known[-1]
    erased = any(kind == "erase" for kind, _, _ in damages)
    assert found.damage or not lost or erased
    for ref in found.files.values():
        assert fault_of(chip, ref) in {"", "checksum"}
    commit(chip, *transaction)
    assert mount(chip).values == merged(found.values, transaction[0])
    for name, body in transaction[1].items():
        if body is not None:
            assert read_file(chip, mount(chip).files[name]) == body


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(st.integers(0, 63), st.binary(min_size=512, max_size=512), max_size=6))
def test_junk_mounts_as_empty_and_can_be_used(sectors: dict[int, bytes]) -> None:
    chip = Chip(SMALL, dict(sectors))
    mounted = mount(chip)
    assert (mounted.values, mounted.files, mounted.bank, mounted.sequence) == ({}, {}, None, 0)
    commit(chip, {"a": b"1"}, {"f": b"2" * 900})
    assert state_of(chip) == ({"a": b"1"}, {"f": b"2" * 900})


def sealed(body: bytes) -> bytes:
    return body + struct.pack("<IB", zlib.crc32(body), 0)


def header(generation: int, sequence: int, version: int = 2) -> bytes:
    return sealed(struct.pack("<4sB3xII", b"KXJB", version, generation, sequence))


def record(
    entries: bytes,
    count: int,
    kind: int = 1,
    sequence: int = 1,
    generation: int = 1,
    version: int = 2,
    cursor: int = 48,
) -> bytes:
    parts = (b"KXJR", version, kind, count, sequence, generation, cursor, len(entries))
    start = struct.pack("<4sBBHIIII", *parts)
    return sealed(start + (struct.pack("<I", zlib.crc32(start)) if version > 1 else b"") + entries)


def entry(tag: int, key: bytes, body: bytes = b"") -> bytes:
    return struct.pack("<BBH", tag, len(key), len(body)) + key + body


def test_a_bank_is_written_as_documented() -> None:
    chip = fresh()
    start = BANK_STARTS[0]
    confirmed = header(1, 0) + b"\0"
    assert chip.read(start, 128) == confirmed.ljust(64, b"\xff") + record(b"", 0, 2, 0).ljust(64, b"\xff")
    commit(chip, {"a": b"1", "b": b"2"}, {"f": b"body"})
    reference = struct.pack("<III", 4, zlib.crc32(b"body"), 48)
    whole = record(entry(1, b"a", b"1") + entry(1, b"b", b"2") + entry(3, b"f", reference), 3, cursor=49)
    assert chip.read(start + 128, len(whole) + 1) == whole + b"\0"
    tail = mount(chip).tail
    assert tail == start + 192
    commit(chip, {"a": None}, {"f": None})
    whole = record(entry(2, b"a") + entry(4, b"f"), 2, sequence=2, cursor=49)
    assert chip.read(tail, len(whole) + 1) == whole + b"\0"


def test_the_first_commit_since_power_on_retires_a_page() -> None:
    chip = fresh()
    commit(chip, {"a": b"1"}, first=True)
    assert chip.read(BANK_STARTS[0] + 128, 64) == bytes(64)
    whole = record(entry(1, b"a", b"1"), 1)
    assert chip.read(BANK_STARTS[0] + 192, len(whole) + 1) == whole + b"\0"
    assert (mount(chip).values, mount(chip).damage) == ({"a": b"1"}, ())


def test_a_clearing_is_a_snapshot_of_its_own_kind() -> None:
    chip = fresh()
    commit(chip, {"a": b"1"})
    for op in wipe(chip, mount(chip)):
        chip.apply(op)
    whole = record(b"", 0, 3, 2, 2)
    assert chip.read(BANK_STARTS[1] + 64, len(whole)) == whole
    assert mount(chip).cleared


def test_the_dump_in_the_readme() -> None:
    readme = Path(flash_image.__file__).with_name("README.md").read_text()
    rows = re.findall(r"^    ([0-9a-f]{5})  ((?:[0-9a-f]{2} )+) ", readme, re.MULTILINE)
    confirmed_at = int(rows[-1][0], 16)
    chip = factory("0080F0ABCDEF", "KX-UTG200")
    ops = commit(chip, {"TIME_ZONE": b"60"})
    dump = b"".join(bytes.fromhex(row) for _, row in rows)
    assert ops == (Program(int(rows[0][0], 16), dump[:-1]), Program(confirmed_at, dump[-1:]))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (record(entry(1, b"a", b"2"), 1)[:-1], "torn-record"),
        (record(entry(1, b"a", b"2"), 1)[:7], "torn-record"),
        (record(entry(1, b"a", b"2"), 1)[:20] + b"\x00\x00\x00\x10" + bytes(40), "torn-record"),
        (record(entry(1, b"a", b"2"), 1)[:-2] + b"\x00\x00", "record-checksum"),
        (record(entry(1, b"a", b"2"), 1).replace(b"KXJR", b"KXJX"), "record-checksum"),
        (record(entry(1, b"a", b"2"), 1, version=3), "record-header"),
        (record(entry(1, b"a", b"2"), 1, kind=4), "record-header"),
        (record(entry(1, b"a", b"2"), 1, version=1), "stale-record"),
        (record(entry(1, b"a", b"2"), 1, kind=2), "stale-record"),
        (record(b"", 0, kind=3), "stale-record"),
        (record(entry(1, b"a", b"2"), 1, sequence=2), "stale-record"),
        (record(entry(1, b"a", b"2"), 1, generation=2), "stale-record"),
        (record(entry(1, b"a", b"2"), 2), "record-entries"),
        (record(entry(1, b"a", b"2"), 0), "record-entries"),
        (record(entry(9, b"a", b"2"), 1), "record-entries"),
        (record(entry(1, b"\xff", b"2"), 1), "record-entries"),
        (record(entry(3, b"a", b"2"), 1), "record-entries"),
        (record(entry(3, b"a", bytes(9)), 1), "record-entries"),
        (record(entry(1, b"a", b"2")[:-1], 1), "record-entries"),
        (record(b"", 1), "record-entries"),
        (b"\xff" * 60 + b"\x00", "torn-record"),
    ],
)
def test_what_is_wrong_with_a_record_is_named(data: bytes, code: str) -> None:
    chip = fresh()
    overwrite(chip, BANK_STARTS[0] + 128, data)
    mounted = mount(chip)
    assert [(damage.code, damage.address) for damage in mounted.damage] == [(code, BANK_STARTS[0] + 128)]
    assert mounted.values == {}
    commit(chip, {"a": b"3"})
    assert (mount(chip).values, mount(chip).damage) == ({"a": b"3"}, ())


@settings(deadline=None, max_examples=200)
@given(
    st.binary(max_size=60)
    | st.lists(st.builds(entry, st.integers(1, 4), st.binary(max_size=4), st.binary(max_size=16)), max_size=3).map(
        b"".join
    ),
    st.integers(0, 4),
    st.integers(1, 2),
)
def test_entries_of_any_kind_under_a_good_checksum(entries: bytes, count: int, kind: int) -> None:
    chip = fresh()
    address = BANK_STARTS[0] + (128 if kind == 1 else 64)
    chip.sectors[16] = (header(1, 0) + b"\0").ljust(64, b"\xff") + b"\xff" * 448
    overwrite(chip, BANK_STARTS[0] + 64, record(b"", 0, 2, 0))
    overwrite(chip, address, record(entries, count, kind, 2 - kind).ljust(128, b"\xff"))
    mounted = mount(chip)
    for ref in mounted.files.values():
        assert fault_of(chip, ref) in {"", "checksum", "reference"}
    commit(chip, {"z": b"1"}, {"z": b"2"})
    assert mount(chip).values == {**mounted.values, "z": b"1"}
    assert read_file(chip, mount(chip).files["z"]) == b"2"


def compacted() -> Chip:
    """Bank 1 is the newest and holds {"a": 3...}; bank 0 still holds the state before."""
    chip = fresh()
    for digit in (b"1", b"2", b"3"):
        commit(chip, {"a": digit * 3000})
    assert mount(chip).bank == 1
    return chip


@pytest.mark.parametrize(("offset", "code"), [(8, "bank-header"), (70, "snapshot-lost"), (2000, "snapshot-lost")])
def test_a_lost_bank_falls_back_on_the_one_before_and_never_comes_back(offset: int, code: str) -> None:
    chip = compacted()
    whole = chip.sectors.copy()
    at = BANK_STARTS[1] + offset
    flip(chip, at, 4)
    mounted = mount(chip)
    assert (mounted.bank, mounted.values, mounted.sequence) == (0, {"a": b"2" * 3000}, 2)
    assert [(damage.code, damage.address) for damage in mounted.damage] == [(code, BANK_STARTS[1])]
    commit(chip, {"b": b"4"})
    mounted = mount(chip)
    assert (mounted.bank, mounted.values, mounted.damage) == (1, {"a": b"2" * 3000, "b": b"4"}, ())
    # The bank that was lost would now read well again: it has been erased, and its state stays in the past.
    assert chip.sectors[32] != whole[32]


def test_both_banks_lost() -> None:
    chip = compacted()
    for start in BANK_STARTS:
        flip(chip, start + 70, 4)
    mounted = mount(chip)
    assert (mounted.bank, mounted.values, mounted.tail, mounted.generation) == (None, {}, None, 2)
    commit(chip, {"b": b"4"})
    mounted = mount(chip)
    assert (mounted.bank, mounted.values, mounted.generation) == (0, {"b": b"4"}, 3)


def test_a_header_of_another_version_is_damage() -> None:
    chip = fresh()
    overwrite(chip, BANK_STARTS[0], header(1, 0, version=3))
    assert [damage.code for damage in mount(chip).damage] == ["bank-header"]


@pytest.mark.parametrize(("generation", "sequence"), [(MAX_NUMBER, 0), (1, MAX_NUMBER)])
def test_numbers_that_are_used_up(generation: int, sequence: int) -> None:
    chip = fresh()
    chip.sectors[16] = b"\xff" * 512
    overwrite(chip, BANK_STARTS[0], header(generation, sequence))
    overwrite(chip, BANK_STARTS[0] + 64, record(entry(1, b"a", b"1"), 1, 2, sequence, generation))
    mounted = mount(chip)
    assert mounted.values == {"a": b"1"}
    assert plan(chip, mounted, {"a": b"1"}, {}) == ()
    with pytest.raises(JournalFull) as caught:
        plan(chip, mounted, {"a": b"2"}, {})
    assert caught.value.reason == "numbers-used-up"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (FileRef(5, 0, ()), "reference"),
        (FileRef(4, 0, (48, 49)), "reference"),
        (FileRef(4, 0, (128,)), "reference"),
        (FileRef(4, 0, (48,)), "checksum"),
        (FileRef(2**32 - 1, 0, (48,)), "reference"),
    ],
)
def test_references_that_do_not_hold(change: FileRef, reason: str) -> None:
    chip = fresh()
    commit(chip, {}, {"f": b"body"})
    assert mount(chip).files["f"] == FileRef(4, zlib.crc32(b"body"), (48,))
    with pytest.raises(FileDamaged) as caught:
        read_file(chip, change)
    assert caught.value.reason == reason
