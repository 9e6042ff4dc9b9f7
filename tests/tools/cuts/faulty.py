"""Stores and commit orders that are wrong, each in one way that people have shipped; a sweep has to find every one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import patch

import attrs

from emulator.phone.firmware import Firmware
from emulator.phone.kx_utg200 import kx_utg200
from flash_image import (
    TRIAL,
    Chip,
    Choice,
    Environment,
    Erase,
    Mounted,
    Op,
    Program,
    journal,
    mount,
    partitions,
    plan,
    plan_block,
    plan_choice,
    records,
    settle,
)
from flash_image.journal import copy_ops

Bodies = Mapping[str, bytes | None]
Ops = tuple[Op, ...]


def in_a_new_bank(chip: Chip, mounted: Mounted, values: Bodies, files: Bodies) -> Ops:
    """A commit that always begins a bank: file bodies, erasures, snapshot, header, and what confirms it."""
    return plan(chip, attrs.evolve(mounted, tail=None), values, files, False)


def split(ops: Ops) -> tuple[list[Op], list[Op], list[Op]]:
    """(what comes before a header, the header with what confirms it, nothing) of a commit into a new bank."""
    at = next(n for n, op in enumerate(ops) if isinstance(op, Program) and op.data.startswith(b"KXJB"))
    erased = max(n for n, op in enumerate(ops) if isinstance(op, Erase) and op.sector < 48)
    return list(ops[: erased + 1]), list(ops[erased + 1 : at]), list(ops[at:])


def header_before_data(chip: Chip, mounted: Mounted, values: Bodies, files: Bodies, first: bool) -> Ops:
    """The new bank's header comes before its snapshot."""
    ops = in_a_new_bank(chip, mounted, values, files)
    if not ops:
        return ()
    begin, snapshot, header = split(ops)
    return (*begin, *header, *snapshot)


def single_bank_erased_first(chip: Chip, mounted: Mounted, values: Bodies, files: Bodies, first: bool) -> Ops:
    """There is one bank: it is erased, and then written anew."""
    banks = partitions(chip).partition("journal").count // 16
    return in_a_new_bank(chip, attrs.evolve(mounted, bank=((mounted.bank or 0) - 1) % banks), values, files)


def record_before_the_files(chip: Chip, mounted: Mounted, values: Bodies, files: Bodies, first: bool) -> Ops:
    """The record that makes files count comes before their bodies."""
    ops = plan(chip, mounted, values, files, first)
    bodies = [op for op in ops if (op.sector if isinstance(op, Erase) else op.address // 4096) >= 48]
    return (*(op for op in ops if op not in bodies), *bodies)


def compaction_drops_the_newest(chip: Chip, mounted: Mounted, values: Bodies, files: Bodies, first: bool) -> Ops:
    """A new bank gets the state before the transaction that made it necessary, but for what was written last."""
    kept = dict(list(values.items())[:-1])
    return in_a_new_bank(chip, mounted, kept, files)


def two_transactions(chip: Chip, mounted: Mounted, values: Bodies, files: Bodies, first: bool) -> Ops:
    """Files and values are committed one after the other."""
    scratch = chip.copy()
    done: list[Op] = []
    for part in ((values, {}), ({}, files)):
        for op in plan(scratch, mount(scratch), *part, first and not done):
            scratch.apply(op)
            done.append(op)
    return tuple(done)


def never_retires(chip: Chip, mounted: Mounted, values: Bodies, files: Bodies, first: bool) -> Ops:
    """The first record since power-on goes where one may have begun before."""
    return plan(chip, mounted, values, files, False)


def never_erases_what_seems_blank(chip: Chip, mounted: Mounted, values: Bodies, files: Bodies, first: bool) -> Ops:
    """A sector of a file is erased only if it is not blank."""
    ops = plan(chip, mounted, values, files, first)
    return tuple(op for op in ops if not (isinstance(op, Erase) and op.sector >= 48 and chip.is_blank(op.sector)))


def never_settles(chip: Chip, mounted: Mounted) -> Ops:
    """What may read otherwise next time is left as it is."""
    return ()


def settles_in_place(chip: Chip, mounted: Mounted) -> Ops:
    """The state that is to be made firm goes into its own bank, which is erased for it."""
    if not settle(chip, mounted):
        return ()
    banks = partitions(chip).partition("journal").count // 16
    here = attrs.evolve(mounted, bank=((mounted.bank or 0) - 1) % banks)
    return copy_ops(chip.geometry, partitions(chip), here)


def reading(**patches: Callable[..., Any]) -> Callable[[Chip], Mounted]:
    """A mount with functions of :mod:`flash_image.records` replaced."""

    def faulty_mount(chip: Chip) -> Mounted:
        layout = partitions(chip)
        held, unreadable = journal._held(chip, layout.partition("journal"))
        with patch.multiple(records, **patches):
            return journal._mount.__wrapped__(chip.geometry, layout, held, unreadable)

    return faulty_mount


def begun_is_whole(raw: bytes) -> bool:
    """No checksum and no end mark: what begins as a record is one."""
    return raw[:4] == b"KXJR" or records_whole(raw)


def header_is_enough(raw: bytes) -> bool:
    """A checksum over the first fields, whatever the length that they state."""
    if raw[:4] != b"KXJR":
        return records_whole(raw)
    return bool(records._CRC.unpack_from(raw, 24)[0] == records.zlib.crc32(raw[:24]))


records_whole = records._is_whole
entries_of = records._decode_entries


def as_many_as_are_there(raw: bytes, at: int, count: int) -> Any:
    """Entries up to the first that was not written, as if a page were always written whole."""
    for fewer in range(count, -1, -1):
        try:
            values, files = entries_of(raw[: _end(raw, at, fewer)] + raw[-5:], at, fewer)
        except (ValueError, IndexError):
            continue
        if not any(b"\xff\xff" in (value or b"") for value in values.values()):
            return values, files
    return {}, {}


def _end(raw: bytes, at: int, count: int) -> int:
    for _ in range(count):
        at += 4 + raw[at + 1] + int.from_bytes(raw[at + 2 : at + 4], "little")
    return at


def one_copy(chip: Chip, choice: Choice) -> Ops:
    """The boot environment has one copy, which is erased and written anew."""
    there = partitions(chip).partition("boot").first
    ops = plan_choice(chip, choice)
    moved = [op for op in ops if isinstance(op, Program)]
    base = moved[0].address
    return (Erase(there), *(Program(op.address - base + there * 4096, op.data) for op in moved))


def boot_switch_before_verify(chip: Chip, slot: str, raw: bytes, done: int) -> tuple[Ops, int]:
    """The boot loader is told of an image before that is written."""
    ops, following = plan_block(chip, slot, raw, done)
    return ((*plan_choice(chip, Choice(slot, TRIAL)), *ops) if not done else ops), following


def never_settles_the_choice(chip: Chip, environment: Environment) -> Ops:
    """A choice that may read otherwise next time is left as it is."""
    return ()


def variant(**functions: Callable[..., Any]) -> Firmware:
    """The phone with these functions of its format."""
    return kx_utg200().with_format(**functions)


STORES: dict[str, tuple[Firmware, int]] = {
    "header-before-data": (variant(plan=header_before_data), 1),
    "single-bank-erased-first": (variant(plan=single_bank_erased_first), 1),
    "record-before-the-files": (variant(plan=record_before_the_files), 1),
    "compaction-drops-the-newest": (variant(plan=compaction_drops_the_newest), 1),
    "two-transactions-for-one": (variant(plan=two_transactions), 1),
    "no-checksum": (variant(mount=reading(_is_whole=begun_is_whole)), 1),
    "checksum-over-the-old-length": (variant(mount=reading(_is_whole=header_is_enough)), 1),
    "pages-are-written-whole": (
        variant(mount=reading(_is_whole=header_is_enough, _decode_entries=as_many_as_are_there)),
        1,
    ),
    "never-settles": (variant(settle=never_settles), 1),
    "recovery-that-is-not-cut-safe": (variant(settle=settles_in_place), 2),
}
"""Name to the faulty firmware and the depth that finds it, in a run that saves settings and a file."""
CHANGES: dict[str, tuple[Firmware, int]] = {
    "never-retires": (variant(plan=never_retires), 1),
    "never-erases-what-seems-blank": (variant(plan=never_erases_what_seems_blank), 2),
}
"""The same for a run in which each start finds another configuration on the server."""
BOOTS: dict[str, tuple[Firmware, int]] = {
    "boot-switch-before-verify": (variant(plan_block=boot_switch_before_verify), 1),
    "one-copy-of-the-choice": (variant(plan_choice=one_copy), 1),
    "choice-that-is-never-settled": (variant(settle_environment=never_settles_the_choice), 1),
}
"""The same for a run that updates the firmware."""
