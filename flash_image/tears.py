"""What is left of an operation when the power goes in the middle of it.

A real chip stops anywhere: between two bytes of a page, between the bits of a word, with cells that hold so little
charge that they read both ways, and in the middle of an erasure. `tear` says what each of these leaves, `leave` leaves
it. Which bits it is in a sample comes from a hash of the operation and the sample's number: each time the same ones.
"""

from collections.abc import Callable
from hashlib import shake_128
from typing import Final, Literal, TypeAlias

import attrs

from flash_image.chip import Chip, ChipFault, Erase, Op, Program, programs

TearKind: TypeAlias = Literal["nothing", "bytes", "bits", "partial", "unstable"]
NOTHING: Final = "nothing"
BYTES: Final = "bytes"
BITS: Final = "bits"
PARTIAL: Final = "partial"
UNSTABLE: Final = "unstable"
KINDS: Final[dict[TearKind, str]] = {
    NOTHING: "the operation had not begun",
    BYTES: "so many bytes are done, the rest is as it was",
    BITS: "and of the word after them, some of the bits that are programmed",
    PARTIAL: "an erasure half-way: some bits are still 0",
    UNSTABLE: "and the word after them reads both ways until it is rewritten",
}
"""The classes of tears. A program operation has no `partial`, an erasure no `bits`."""
WORD: Final = 4
"""Bytes that are programmed at a time."""


@attrs.frozen
class Tear:
    """How an operation is torn. keep: bytes that are done; sample: number of the random choice of bits."""

    kind: TearKind
    keep: int = 0
    sample: int = 0


@attrs.frozen
class Torn:
    """What a torn operation amounts to.

    erased: whether its sector was set to 0xFF; then `data` was programmed from `address` on (empty: nothing was), and
    the bits of `weak` from `weak_at` on read both ways, from `turn` on.
    """

    erased: bool
    address: int
    data: bytes = b""
    weak_at: int = 0
    weak: bytes = b""
    turn: int = 0


def size_of(chip: Chip, op: Op) -> int:
    """Bytes that `op` changes: of its data, or of its sector."""
    return len(op.data) if isinstance(op, Program) else chip.geometry.sector


def tears_of(op: Op) -> tuple[TearKind, ...]:
    """The classes of tears that `op` can suffer."""
    return (NOTHING, BYTES, BITS, UNSTABLE) if isinstance(op, Program) else (NOTHING, BYTES, PARTIAL, UNSTABLE)


def tear(chip: Chip, op: Op, how: Tear) -> Torn:
    """What `op` amounts to on `chip`, which stays as it is, when it is torn that way: nothing in a sector that has worn
    out and would not take all of it either.

    Raises `ChipFault`: `tear-kind` for a class that the operation does not have, `keep-range` for a `keep` beyond it.
    """
    if how.kind not in tears_of(op):
        raise ChipFault("tear-kind")
    size = size_of(chip, op)
    if not 0 <= how.keep <= size or (how.kind in (BITS, UNSTABLE) and isinstance(op, Program) and how.keep == size):
        raise ChipFault("keep-range")
    start = op.address if isinstance(op, Program) else op.sector * chip.geometry.sector
    if how.kind == NOTHING or (how.kind == BYTES and how.keep == 0) or chip.fault_of(op) is not None:
        return Torn(False, start)
    made = _TORN_PROGRAM[how.kind](chip, op, how) if isinstance(op, Program) else _TORN_ERASE[how.kind](chip, op, how)
    return attrs.evolve(made, data=made.data.rstrip(b"\xff"))


def leave(chip: Chip, torn: Torn) -> None:
    """Leave `chip` as the torn operation does. Raises what `Chip.erase` and `Chip.clear` raise."""
    if torn.erased:
        chip.erase(torn.address // chip.geometry.sector)
    for op in programs(chip.geometry, torn.address, torn.data):
        chip.clear(op)  # what is left of an erasure was not programmed: that it was the sector's last is no hindrance
    if torn.weak:
        chip.weaken(torn.weak_at, torn.weak, torn.turn)


def elapsed(chip: Chip, op: Op, how: Tear, busy: int) -> int:
    """Of the `busy` nanoseconds that all of `op` takes, those that passed until the power went."""
    if how.kind == NOTHING:
        return 0
    if how.kind == PARTIAL:
        return busy // 2
    done = 2 * how.keep + (WORD if how.kind in (BITS, UNSTABLE) else 0)
    return min(busy, busy * done // (2 * size_of(chip, op)))


def _program_bytes(chip: Chip, op: Program, how: Tear) -> Torn:
    return Torn(False, op.address, op.data[: how.keep])


def _program_bits(chip: Chip, op: Program, how: Tear) -> Torn:
    word = op.data[how.keep : how.keep + WORD]
    choice = _choice(op, how, len(word))
    return Torn(False, op.address, op.data[: how.keep] + bytes(a | b for a, b in zip(word, choice, strict=True)))


def _program_unstable(chip: Chip, op: Program, how: Tear) -> Torn:
    """The word reads both ways in every bit that the operation would have cleared; each three samples differ in how it
    reads first. In samples 3 to 5 nothing but that word was begun, as cells of a page are programmed side by side; in 6
    to 8 some of its bits are firm; and so on."""
    at = op.address + how.keep
    word = op.data[how.keep : how.keep + WORD]
    held = _cells(chip, at, len(word))
    manner = how.sample // 3 % 3
    choice = _choice(op, how, len(word)) if manner == 2 else b"\xff" * len(word)
    weak = bytes(old & ~new & some & 0xFF for old, new, some in zip(held, word, choice, strict=True))
    return Torn(False, op.address, b"" if manner == 1 else op.data[: how.keep], at, weak, how.sample)


def _erase_bytes(chip: Chip, op: Erase, how: Tear) -> Torn:
    held = _cells(chip, op.sector * chip.geometry.sector, chip.geometry.sector)
    return Torn(True, op.sector * chip.geometry.sector, b"\xff" * how.keep + held[how.keep :])


def _erase_partly(chip: Chip, op: Erase, how: Tear) -> Torn:
    """An even sample leaves some of the zeros that were there, an odd one also some of those that the chip programs
    first so that all cells wear alike."""
    size = chip.geometry.sector
    left = _choice(op, how, size)
    if how.sample % 2 == 0:
        left = bytes(map(int.__or__, _cells(chip, op.sector * size, size), left))
    return Torn(True, op.sector * size, left)


def _erase_unstable(chip: Chip, op: Erase, how: Tear) -> Torn:
    """Everything is erased but one word that was not blank, which reads as it was or as erased."""
    size = chip.geometry.sector
    start = op.sector * size
    held = _cells(chip, start, size)
    words = [at for at in range(0, size, WORD) if held[at : at + WORD] != b"\xff" * WORD]
    if not words:
        return Torn(True, start)
    at = words[int.from_bytes(_choice(op, how, 4), "big") % len(words)]
    word = held[at : at + WORD]
    weak = bytes(byte ^ 0xFF for byte in word)
    return Torn(True, start, b"\xff" * at + word, start + at, weak, how.sample)


_TORN_PROGRAM: Final[dict[str, Callable[[Chip, Program, Tear], Torn]]] = {
    BYTES: _program_bytes,
    BITS: _program_bits,
    UNSTABLE: _program_unstable,
}
_TORN_ERASE: Final[dict[str, Callable[[Chip, Erase, Tear], Torn]]] = {
    BYTES: _erase_bytes,
    PARTIAL: _erase_partly,
    UNSTABLE: _erase_unstable,
}


def _choice(op: Op, how: Tear, length: int) -> bytes:
    """`length` bytes of coin tosses that belong to this tear of this operation."""
    where = op.address if isinstance(op, Program) else op.sector
    return shake_128(b"%b %d %d %d" % (how.kind.encode(), where, how.keep, how.sample)).digest(length)


def _cells(chip: Chip, address: int, length: int) -> bytes:
    """What the cells hold, whatever they read."""
    return Chip(chip.geometry, chip.sectors).read(address, length)
