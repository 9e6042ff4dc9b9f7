"""How each operation of a life can be torn, and what a case is called: an id that can be pasted.

``18p37-b3e4a`` is the 18th flash operation of the run, of which 37 bytes were done; ``18p37-b3e4a/4n-01c9f`` cuts once
more, in the 4th operation after the power is back. What follows the dash is a check: it belongs to the log of the run
up to that operation, so on other code, or for another scenario, the id is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b, sha256

import attrs

from emulator.world.scenario import CutSpec, Duration
from flash_image import Chip, Erase, Op, Tear, TearKind, size_of, tear
from flash_image.chip import programs
from flash_image.tears import WORD, Torn

LETTERS: dict[str, TearKind] = {"n": "nothing", "p": "bytes", "b": "bits", "e": "partial", "u": "unstable"}
"""The first letter of a tear in an id."""
_OF_KIND = {kind: letter for letter, kind in LETTERS.items()}
_ID = re.compile(r"([1-9][0-9]{0,7})([npbeu])([0-9]{1,6})?(?:\.([0-9]{1,9}))?(?:-([0-9a-f]{5}))?")
TURNS = 6
"""Samples of an unstable word: each of the ways in which it can read first, with what comes before it done or not."""
ERASE_SAMPLES = 4
"""Samples of an erasure that is cut off half-way; even ones leave old zeros, odd ones new."""


@attrs.frozen
class Cut:
    """The power goes in operation ``number`` (from 1 on), which is torn that way."""

    number: int
    tear: Tear

    @property
    def name(self) -> str:
        """The id without its check."""
        kind, keep, sample = self.tear.kind, self.tear.keep, self.tear.sample
        bytes_done = str(keep) if keep or kind in ("bytes", "bits", "unstable") else ""
        return f"{self.number}{_OF_KIND[kind]}{bytes_done}" + (f".{sample}" if kind not in ("nothing", "bytes") else "")

    def spec(self, off: Duration, phone: int) -> CutSpec:
        """As a scenario says it."""
        return CutSpec(self.number - 1, self.tear.kind, self.tear.keep, self.tear.sample, off, phone)


def parse(text: str) -> list[tuple[Cut, str]]:
    """The cuts of an id with their checks, "" where there is none. Raises ValueError with a sentence."""
    found = []
    for part in text.split("/"):
        match = _ID.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no id of a cut, such as 18p37-b3e4a")
        number, letter, keep, sample, check = match.groups()
        found.append((Cut(int(number), Tear(LETTERS[letter], int(keep or 0), int(sample or 0))), check or ""))
    return found


def check_of(op: Op, link: bytes) -> str:
    """The check of an operation: two digits for what it does, three for the chain of the log up to it."""
    return fingerprint(op) + sha256(link).hexdigest()[:3]


def fingerprint(op: Op) -> str:
    """Two digits that equal operations share, whatever came before them."""
    text = f"e{op.sector}" if isinstance(op, Erase) else f"p{op.address} {op.data.hex()}"
    return sha256(text.encode()).hexdigest()[:2]


# --- What there is ----------------------------------------------------------------------------------------------------


def every_tear(op: Op, chip: Chip, samples: int) -> Iterator[tuple[Tear, int]]:
    """(tear, how many cases it stands for): each byte prefix of ``op``, and of words and erasures so many samples each.

    Prefixes of an erasure that end in front of a byte that is 0xFF anyhow leave the same, so one stands for them all.
    """
    yield Tear("nothing"), 1
    if isinstance(op, Erase):
        yield from _erase_prefixes(op, chip)
        for sample in range(ERASE_SAMPLES * samples):
            yield Tear("partial", 0, sample), 1
            yield Tear("unstable", 0, sample), 1
        return
    yield from ((Tear("bytes", keep), 1) for keep in range(1, len(op.data)))
    for keep in range(0, len(op.data), WORD):
        yield from ((Tear("bits", keep, sample), 1) for sample in range(samples))
        yield from ((Tear("unstable", keep, sample), 1) for sample in range(TURNS * samples))


def _erase_prefixes(op: Erase, chip: Chip) -> Iterator[tuple[Tear, int]]:
    held = chip.sectors.get(op.sector, b"")
    last, size = 0, chip.geometry.sector
    for keep in (at + 1 for at, byte in enumerate(held) if byte != 0xFF):
        if keep < size:
            yield Tear("bytes", keep), keep - last
            last = keep
    if last < size - 1:
        yield Tear("bytes", size - 1), size - 1 - last


def first_tears(op: Op, chip: Chip, edges: frozenset[int]) -> Iterator[Tear]:
    """Where to cut first when it is cut again: nothing, 1 byte, at each edge of a field and beside it, half, all but
    one; and one sample of each other class."""
    size = size_of(chip, op)
    near = {keep for edge in edges for keep in (edge - 1, edge, edge + 1)}
    yield Tear("nothing")
    for keep in sorted({1, size // 2, size - 1, *near} & set(range(1, size))):
        yield Tear("bytes", keep)
    yield from _samples(op, size)


def second_tears(op: Op, chip: Chip) -> Iterator[Tear]:
    """How an operation after a first cut is torn: nothing, 1 byte, half, all but one, and a sample of each class."""
    size = size_of(chip, op)
    yield Tear("nothing")
    for keep in sorted({1, size // 2, size - 1} & set(range(1, size))):
        yield Tear("bytes", keep)
    yield from _samples(op, size)


def _samples(op: Op, size: int) -> Iterator[Tear]:
    if isinstance(op, Erase):
        yield from (Tear("partial", 0, 0), Tear("partial", 0, 1), Tear("unstable", 0, 1))
        return
    last = max(0, size - WORD)
    yield Tear("bits", last, 0)
    yield from (Tear("unstable", last, sample) for sample in range(3))
    yield Tear("unstable", last // 2, 4)
    if last:
        yield Tear("unstable", 0, 1)


# --- Equal images -----------------------------------------------------------------------------------------------------


def sector_key(sector: int, cells: bytes) -> int:
    """A number for the contents of a sector; those of a chip are combined by exclusive or."""
    return int.from_bytes(blake2b(cells, digest_size=16, salt=sector.to_bytes(8, "little")).digest(), "little")


def chip_key(chip: Chip) -> int:
    """A number for the contents of a chip."""
    key = 0
    for sector, cells in chip.sectors.items():
        key ^= sector_key(sector, cells)
    return key


def torn_key(chip: Chip, key: int, op: Op, how: Tear) -> tuple[int, tuple[tuple[int, int], ...], int]:
    """What tells apart what a tear of ``op`` leaves of ``chip``, whose own number is ``key``.

    That is the contents of its cells, and those that read both ways with the turn that they read in.
    """
    torn = tear(chip, op, how)
    weak = tuple((torn.weak_at + at, bits) for at, bits in enumerate(torn.weak) if bits)
    faults = chip.faults
    if faults is not None:
        weak = tuple(sorted({**faults.unstable, **dict(weak)}.items()))
    sector = torn.address // chip.geometry.sector
    old = chip.sectors.get(sector)
    new = _cells_after(chip, old, torn)
    if old is not None:
        key ^= sector_key(sector, old)
    if new is not None:
        key ^= sector_key(sector, new)
    return key, weak, torn.turn if weak else 0


def _cells_after(chip: Chip, old: bytes | None, torn: Torn) -> bytes | None:
    """The cells of the sector that ``torn`` is about."""
    sector = torn.address // chip.geometry.sector
    small = Chip(chip.geometry, {} if torn.erased or old is None else {sector: old})
    for op in programs(chip.geometry, torn.address, torn.data):
        small.apply(op)
    return small.sectors.get(sector)
