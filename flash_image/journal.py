"""The settings journal: a transactional, log-structured store of values and saved files with one commit point.

The journal's banks take turns. A bank starts with a header and a snapshot of the whole state; then one record follows
for every transaction. Records start at page boundaries, so no page that holds committed bytes is programmed again.
When the bank has no room, or when anything in the journal is damaged, the next transaction erases the next bank, writes
its own result there as the snapshot, and the header last.

Atomicity: let `ops = plan(chip, mount(chip), values, files)`. A chip that got all of `ops` mounts as exactly the new
state. A chip that got only the first n of them, and any byte prefix of the next one, mounts as exactly the old state
until the last byte of the last operation is there. What was torn is never read as data and never programmed over: the
next transaction goes elsewhere.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, TypeVar

import attrs

from flash_image.chip import Chip, Erase, Geometry, Op, programs
from flash_image.files import FileDamaged, read_file, write_files
from flash_image.layout import BANK_SECTORS, FILES, JOURNAL, Layout, Partition, partitions
from flash_image.records import (
    DELTA,
    HEADER_SIZE,
    MAX_NUMBER,
    SNAPSHOT,
    BankHeader,
    FileRef,
    JournalError,
    JournalFull,
    Record,
    RecordFault,
    decode_bank_header,
    decode_record,
    encode_bank_header,
    encode_record,
)

__all__ = [
    "Damage",
    "DamageCode",
    "FileDamaged",
    "FileRef",
    "JournalError",
    "JournalFull",
    "Mounted",
    "mount",
    "plan",
    "read_file",
    "wipe",
]

DamageCode: TypeAlias = (
    RecordFault | Literal["partition-table", "bank-header", "unfinished-bank", "snapshot-lost", "stale-record"]
)

_TABLE_DAMAGE: Final = "partition-table"
_Held = TypeVar("_Held", bytes, FileRef)


@attrs.frozen
class Damage:
    """Something on the chip that is not as the journal wrote it: a fixed code and the byte address where it starts.

    `partition-table`: the built-in table stands in for it. `bank-header`: not blank and not whole. `unfinished-bank`:
    data without a header, as an interrupted compaction leaves it. `snapshot-lost`: a bank whose state is gone.
    `torn-record`, `record-header`, `record-checksum`, `record-entries`, `stale-record`: where the active bank ends
    early; the state is that of the transaction before.
    """

    code: DamageCode
    address: int


@attrs.frozen
class Mounted:
    """The state of the last committed transaction, and where it was found.

    `bank` is None when no bank is intact; values and files are then empty. `sectors_read` are the sectors of the active
    bank that are not blank. `generation` is the highest of any bank; `tail` the byte address where the next record
    goes, None if it has to go into the next bank; `cursor` the sector where the search for free file sectors goes on.
    """

    values: Mapping[str, bytes]
    files: Mapping[str, FileRef]
    bank: int | None
    sequence: int
    sectors_read: tuple[int, ...]
    damage: tuple[Damage, ...]
    generation: int
    tail: int | None
    cursor: int


@attrs.define
class _Replay:
    """The state that one bank gives; `end` is the offset in the bank where its records end."""

    values: dict[str, bytes]
    files: dict[str, FileRef]
    sequence: int
    cursor: int
    end: int
    fault: RecordFault | Literal["stale-record"] | None = None


def mount(chip: Chip) -> Mounted:
    """Read the journal of `chip`: the newest bank that is intact, up to its first damage.

    Never raises for any content of the chip; `Mounted.damage` says what was found. Raises
    `LayoutError("chip-too-small")` for a geometry that has no layout.
    """
    layout = partitions(chip)
    journal = layout.partition(JOURNAL)
    first, end = journal.first, journal.first + journal.count
    held = tuple([(sector, content) for sector, content in chip.sectors.items() if first <= sector < end])
    return _mount(chip.geometry, layout, held)


# A phone mounts the same journal when it starts and when it saves. The sectors are immutable, so their hash is theirs.
@lru_cache(maxsize=32)
def _mount(geometry: Geometry, layout: Layout, sectors: tuple[tuple[int, bytes], ...]) -> Mounted:
    chip = Chip(geometry, dict(sectors))
    damage = [Damage(_TABLE_DAMAGE, 0)] if layout.damage else []
    journal = layout.partition(JOURNAL)
    headers = _read_headers(chip, journal, damage)
    generation = headers[0][1].generation if headers else 0
    for bank, header in headers:
        first = journal.first + bank * BANK_SECTORS
        start = first * chip.geometry.sector
        held = tuple([sector for sector in range(first, first + BANK_SECTORS) if sector in chip.sectors])
        area = chip.read(start, (held[-1] + 1 - first) * chip.geometry.sector)
        replay = _replay(area, header, chip.geometry.page)
        if replay is None:
            damage.append(Damage("snapshot-lost", start))
            continue
        if replay.fault is not None:
            damage.append(Damage(replay.fault, start + replay.end))
        # Any damage moves the journal on: a later bit that reads both ways must not bring an older state back.
        whole = all(found.code == _TABLE_DAMAGE for found in damage)
        return Mounted(
            MappingProxyType(replay.values),
            MappingProxyType(replay.files),
            bank,
            replay.sequence,
            held,
            tuple(damage),
            generation,
            start + replay.end if whole else None,
            replay.cursor,
        )
    return Mounted(MappingProxyType({}), MappingProxyType({}), None, 0, (), tuple(damage), generation, None, 0)


def plan(
    chip: Chip, mounted: Mounted, values: Mapping[str, bytes | None], files: Mapping[str, bytes | None]
) -> tuple[Op, ...]:
    """The operations that commit all of `values` and `files` at once; None deletes, what does not change is left out.

    `mounted` must be what `mount(chip)` gives. File bodies come first, into sectors that no committed file uses, then
    the one record that makes them count (or, in a new bank, snapshot and header). Nothing to change gives ().

    The module's docstring states what a cut at any point leaves. Raises `JournalError` with `key-too-long` (255 bytes
    of UTF-8), `key-not-text`, `value-too-long` (60,000 bytes), `file-too-long` (300,000 bytes) or `too-many-changes`,
    and `JournalFull` with `bank-full`, `files-full` or `numbers-used-up`.
    """
    changed = {key: value for key, value in values.items() if mounted.values.get(key) != value}
    bodies = {name: body for name, body in files.items() if body is not None and not _holds(chip, mounted, name, body)}
    dropped = [name for name, body in files.items() if body is None and name in mounted.files]
    if not (changed or bodies or dropped):
        return ()
    if mounted.sequence >= MAX_NUMBER or mounted.generation >= MAX_NUMBER:
        raise JournalFull("numbers-used-up")
    used = {sector for ref in mounted.files.values() for sector in ref.sectors}
    written = write_files(chip, partitions(chip).partition(FILES), used, mounted.cursor, bodies)
    refs: dict[str, FileRef | None] = written.refs | dict.fromkeys(dropped)
    record = Record(DELTA, mounted.sequence + 1, mounted.generation, written.cursor, changed, refs)
    return (*written.ops, *_record_ops(chip, mounted, record))


def wipe(chip: Chip, mounted: Mounted) -> tuple[Op, ...]:
    """The operations that delete every value and file at once and leave none of their bytes in journal or file area.

    An empty snapshot in the next bank is the commit; after it all that is not blank in the other banks and in the file
    area is erased. A chip that got only some of them, and any byte prefix of the next, mounts as exactly the old state
    or as exactly an empty one; in the latter old bytes may be left that nothing erases later on purpose.

    `mounted` must be what `mount(chip)` gives. Raises `JournalFull("numbers-used-up")`.
    """
    if mounted.sequence >= MAX_NUMBER or mounted.generation >= MAX_NUMBER:
        raise JournalFull("numbers-used-up")
    layout = partitions(chip)
    journal, area = layout.partition(JOURNAL), layout.partition(FILES)
    gone = (dict.fromkeys(mounted.values), dict.fromkeys(mounted.files))
    record = Record(DELTA, mounted.sequence + 1, mounted.generation, mounted.cursor, *gone)
    first = journal.first + _next_bank(journal, mounted) * BANK_SECTORS
    kept = range(first, first + BANK_SECTORS)
    held = (sector for part in (journal, area) for sector in range(part.first, part.first + part.count))
    rest = (Erase(sector) for sector in held if sector not in kept and not chip.is_blank(sector))
    return (*_compaction(chip, journal, mounted, record), *rest)


def _next_bank(journal: Partition, mounted: Mounted) -> int:
    return 0 if mounted.bank is None else (mounted.bank + 1) % (journal.count // BANK_SECTORS)


def _holds(chip: Chip, mounted: Mounted, name: str, body: bytes) -> bool:
    ref = mounted.files.get(name)
    if ref is None or ref.length != len(body):
        return False
    try:
        return read_file(chip, ref) == body
    except FileDamaged:
        return False


def _record_ops(chip: Chip, mounted: Mounted, record: Record) -> Iterator[Op]:
    raw = encode_record(record)
    journal = partitions(chip).partition(JOURNAL)
    if mounted.bank is not None and mounted.tail is not None:
        end = (journal.first + (mounted.bank + 1) * BANK_SECTORS) * chip.geometry.sector
        if mounted.tail + len(raw) <= end:
            return iter(programs(chip.geometry, mounted.tail, raw))
    return _compaction(chip, journal, mounted, record)


def _compaction(chip: Chip, journal: Partition, mounted: Mounted, record: Record) -> Iterator[Op]:
    geometry = chip.geometry
    values, files = dict(mounted.values), dict(mounted.files)
    _merge(values, record.values)
    _merge(files, record.files)
    generation = mounted.generation + 1
    raw = encode_record(Record(SNAPSHOT, record.sequence, generation, record.cursor, values, files))
    at = _aligned(HEADER_SIZE, geometry.page)
    if at + len(raw) > BANK_SECTORS * geometry.sector:
        raise JournalFull("bank-full")
    first = journal.first + _next_bank(journal, mounted) * BANK_SECTORS
    start = first * geometry.sector
    # Blank sectors too: one that a torn erasure left may only seem blank, and equal erasures keep the wear equal.
    yield from (Erase(sector) for sector in range(first, first + BANK_SECTORS))
    yield from programs(geometry, start + at, raw)
    yield from programs(geometry, start, encode_bank_header(BankHeader(generation, record.sequence)))


def _read_headers(chip: Chip, journal: Partition, damage: list[Damage]) -> list[tuple[int, BankHeader]]:
    """The banks that have a whole header, the newest first; whatever else is not blank goes into `damage`."""
    found: list[tuple[int, BankHeader]] = []
    for bank in range(journal.count // BANK_SECTORS):
        first = journal.first + bank * BANK_SECTORS
        start = first * chip.geometry.sector
        raw = chip.read(start, HEADER_SIZE)
        header = decode_bank_header(raw)
        if header is not None:
            found.append((bank, header))
        elif raw != b"\xff" * HEADER_SIZE:
            damage.append(Damage("bank-header", start))
        elif any(sector in chip.sectors for sector in range(first, first + BANK_SECTORS)):
            damage.append(Damage("unfinished-bank", start))
    found.sort(key=lambda item: item[1].generation, reverse=True)
    return found


def _replay(area: bytes, header: BankHeader, page: int) -> _Replay | None:
    """Fold the records of one bank; `area` is the bank up to its last sector that is not blank."""
    at = _aligned(HEADER_SIZE, page)
    record = decode_record(area, at)
    if not isinstance(record, Record) or not _follows(record, SNAPSHOT, header.generation, header.sequence):
        return None
    state = _Replay({}, {}, header.sequence, record.cursor, at)
    while True:
        _merge(state.values, record.values)
        _merge(state.files, record.files)
        state.sequence, state.cursor = record.sequence, record.cursor
        state.end = at = at + _aligned(record.size, page)
        rest = len(area) - at
        if rest == 0 or (area[at] == 0xFF and area[at:] == b"\xff" * rest):
            return state
        found = decode_record(area, at)
        if not isinstance(found, Record):
            state.fault = found
            return state
        record = found
        if not _follows(record, DELTA, header.generation, state.sequence + 1):
            state.fault = "stale-record"
            return state


def _follows(record: Record, kind: int, generation: int, sequence: int) -> bool:
    return record.kind == kind and record.generation == generation and record.sequence == sequence


def _merge(state: dict[str, _Held], changes: Mapping[str, _Held | None]) -> None:
    for key, value in changes.items():
        if value is None:
            state.pop(key, None)
        else:
            state[key] = value


def _aligned(length: int, page: int) -> int:
    return -(-length // page) * page
