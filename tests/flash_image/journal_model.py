"""What the tests of the flash share: a small chip, transactions, a dict to compare with, power cuts and damage.

The small chip has banks of 8 KiB and 16 file sectors of 512 bytes, so that compactions and reuse come soon.
"""

import random
from collections.abc import Mapping

from hypothesis import strategies as st

from flash_image.chip import Chip, Geometry, Op, Program
from flash_image.files import FileDamaged, read_file
from flash_image.journal import Mounted, mount, plan
from flash_image.layout import BANK_SECTORS, factory
from flash_image.records import FileRef
from flash_image.settling import settle, settle_environment
from flash_image.slots import read_environment
from flash_image.tears import Tear, TearKind, leave, size_of, tear, tears_of

SMALL = Geometry(size=64 * 1024, sector=512, page=64)
BANK = BANK_SECTORS * SMALL.sector
BANK_STARTS = (16 * SMALL.sector, 16 * SMALL.sector + BANK)
FILE_SECTORS = range(48, 64)

Values = dict[str, bytes]
Changes = Mapping[str, bytes | None]
Transaction = tuple[Changes, Changes]
State = tuple[Values, Values]
EMPTY: State = ({}, {})

KEYS = [f"KEY_{number}" for number in range(9)] + ["", "\u00e9\u4e00\U0001f4de"]
NAMES = ["a.xml", "b.xml", "c.pem", "d"]


def contents(size: int) -> st.SearchStrategy[bytes]:
    """Bodies that shrink well and cover the byte that a chip cannot tell from blank."""
    byte = st.sampled_from([b"\x00", b"\xff", b"k", b"\xa5"])
    return st.builds(
        lambda fill, length, end: fill * length + end, byte, st.integers(0, size - 8), st.binary(max_size=8)
    )


def changes(names: list[str], size: int) -> st.SearchStrategy[Changes]:
    return st.dictionaries(st.sampled_from(names), st.none() | contents(size), max_size=5)


TRANSACTIONS = st.tuples(changes(KEYS, 400), changes(NAMES, 1000))
HISTORIES = st.lists(TRANSACTIONS, min_size=1, max_size=25)


def fresh(geometry: Geometry = SMALL, version: int = 2) -> Chip:
    return factory("0080F0ABCDEF", "KX-UTG200", geometry=geometry, version=version)


def commit(chip: Chip, values: Changes, files: Changes | None = None, first: bool = False) -> tuple[Op, ...]:
    ops = plan(chip, mount(chip), values, files or {}, first)
    for op in ops:
        chip.apply(op)
    return ops


def merged(state: Values, new: Changes) -> Values:
    both = {**state, **new}
    return {key: value for key, value in both.items() if value is not None}


def after(state: State, transaction: Transaction) -> State:
    return merged(state[0], transaction[0]), merged(state[1], transaction[1])


def state_of(chip: Chip, mounted: Mounted | None = None) -> State:
    found = mounted or mount(chip)
    return found.values, {name: read_file(chip, ref) for name, ref in found.files.items()}


def torn(chip: Chip, op: Op, how: Tear) -> Chip:
    """A copy of ``chip`` on which ``op`` was torn."""
    left = chip.copy()
    leave(left, tear(chip, op, how))
    return left


def cut(chip: Chip, op: Op, keep: int) -> Chip:
    """A copy of ``chip`` on which only so many bytes of ``op`` were done."""
    return torn(chip, op, Tear("bytes", keep))


def sampled(op: Op, rng: random.Random, kinds: tuple[TearKind, ...] = ()) -> list[Tear]:
    """Some tears of each kind that ``op`` can suffer."""
    last = size_of(Chip(SMALL), op) - 1
    made = []
    for kind in kinds or tears_of(op):
        for _ in range(1 if kind == "nothing" else 2):
            keep = rng.choice([0, last, max(0, last - 4), rng.randint(0, last)])
            made.append(Tear(kind, keep, rng.randrange(6)))
    return made


def power_on(chip: Chip) -> Mounted:
    """What a phone does when it starts: read once, make firm what is in doubt; what it read."""
    if chip.faults is not None:
        chip.faults.turn += 1
    found = mount(chip)
    for op in (*settle(chip, found), *settle_environment(chip, read_environment(chip))):
        chip.apply(op)
    return found


def blend(op: Op, chip: Chip, seed: int) -> None:
    """A tear inside the cells: a random choice of the operation's bits has not changed yet."""
    rng = random.Random(seed)
    if isinstance(op, Program):
        chip.apply(Program(op.address, bytes(byte | rng.getrandbits(8) for byte in op.data)))
        return
    old = chip.read(op.sector * SMALL.sector, SMALL.sector)
    chip.erase(op.sector)
    for at in range(0, SMALL.sector, SMALL.page):
        chip.program(
            op.sector * SMALL.sector + at, bytes(byte | rng.getrandbits(8) for byte in old[at : at + SMALL.page])
        )


def overwrite(chip: Chip, address: int, data: bytes) -> None:
    """Put bytes anywhere, as no flash operation could."""
    size = chip.geometry.sector
    for index, byte in enumerate(data):
        number, offset = divmod(address + index, size)
        held = chip.sectors.get(number, b"\xff" * size)
        chip.sectors[number] = held[:offset] + bytes([byte]) + held[offset + 1 :]


def flip(chip: Chip, address: int, mask: int) -> None:
    overwrite(chip, address, bytes([chip.read(address, 1)[0] ^ mask]))


def fault_of(chip: Chip, ref: FileRef) -> str:
    """Why the file cannot be read; empty if it can."""
    try:
        read_file(chip, ref)
    except FileDamaged as fault:
        return fault.reason
    return ""


def bytes_of(op: Op) -> int:
    return len(op.data) if isinstance(op, Program) else SMALL.sector
