"""The settings journal: a transactional, log-structured store of values and saved files with one commit point.

The journal's banks take turns. A bank starts with a header and a snapshot of the whole state; then one record follows
for every transaction. Records start at page boundaries, so no page that holds committed bytes is programmed again, but
for the byte that confirms them. When the bank has no room, or when anything in the journal is damaged, the next
transaction erases the next bank, writes its own result there as the snapshot, and the header last.

Atomicity: let `ops = plan(chip, mount(chip), values, files)`. A chip that got all of `ops` mounts as exactly the new
state. A chip that got only the first n of them, and any part of the next one, mounts as exactly the old state until the
last byte of the commit is there: the record, or the header of a new bank. Only the byte that confirms it comes after. A
tear that leaves the commit reading both ways may give either, and `flash_image.settling` makes it give the same from
then on. What was torn is never read as data and never programmed over.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, TypeVar

import attrs

from flash_image.chip import Chip, ChipFault, Erase, Geometry, Op, programs
from flash_image.files import FileDamaged, read_file, write_files
from flash_image.layout import BANK_SECTORS, FILES, JOURNAL, Layout, Partition, partitions
from flash_image.records import (
    CLEARED,
    CONFIRMATION,
    DELTA,
    HEADER_SIZE,
    MAX_NUMBER,
    RECORD_START,
    SNAPSHOT,
    BankHeader,
    FileRef,
    JournalError,
    JournalFull,
    Record,
    RecordFault,
    commit_ops,
    decode_bank_header,
    decode_record,
    encode_bank_header,
    encode_record,
    record_extent,
)

__all__ = [
    "Damage",
    "DamageCode",
    "FileDamaged",
    "FileRef",
    "JournalError",
    "JournalFull",
    "Mounted",
    "Unsettled",
    "mount",
    "plan",
    "read_file",
    "wipe",
]

DamageCode: TypeAlias = (
    RecordFault
    | Literal["partition-table", "bank-header", "unfinished-bank", "snapshot-lost", "stale-record", "unreadable-sector"]
)

WORD: Final = 4
"""Bytes that are programmed at a time."""
_TABLE_DAMAGE: Final = "partition-table"
_Held = TypeVar("_Held", bytes, FileRef)


@attrs.frozen
class Damage:
    """Something on the chip that is not as the journal wrote it: a fixed code and the byte address where it starts.

    `partition-table`: the built-in table stands in for it. `unreadable-sector`: the chip does not read it.
    `bank-header`: not blank and not whole. `unfinished-bank`: data without a header, as an interrupted compaction
    leaves it. `snapshot-lost`: a bank whose state is gone. `torn-record`, `record-header`, `record-checksum`,
    `record-entries`, `stale-record`: where the active bank ends early; the state is that of the transaction before.
    """

    code: DamageCode
    address: int


@attrs.frozen
class Unsettled:
    """What an interrupted write may have left, and another read may find otherwise.

    firm: (address, bytes) of the header of the active bank, if that is not confirmed; doubt: what stands at the end of
    its records: `commit`, one that is whole and not confirmed, `torn-record`, or `retired-page`, which none follows;
    headers: sectors of other headers that are not whole and never were.
    """

    firm: tuple[int, bytes] | None = None
    doubt: Literal["", "commit", "torn-record", "retired-page"] = ""
    headers: tuple[int, ...] = ()


@attrs.frozen
class Mounted:
    """The state of the last committed transaction, and where it was found.

    `bank` is None when no bank is intact; values and files are then empty. `sectors_read` are the sectors of the active
    bank that are not blank. `generation` is the highest of any bank; `tail` the byte address where the next record
    goes, None if it has to go into the next bank; `cursor` the sector where the search for free file sectors goes on.
    `cleared` says that the last transaction was a `wipe`. `unsettled` is what is to be made firm.
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
    cleared: bool = False
    unsettled: Unsettled = Unsettled()


@attrs.define
class _Replay:
    """The state that one bank gives.

    Offsets in the bank: `last` of the last record, `tail` behind it, `end` behind the retired pages that follow.
    """

    values: dict[str, bytes]
    files: dict[str, FileRef]
    record: Record
    last: int
    tail: int
    end: int
    fault: RecordFault | Literal["stale-record"] | None = None


def mount(chip: Chip) -> Mounted:
    """Read the journal of `chip`: the newest bank that is intact, up to its first damage.

    Never raises for any content of the chip; `Mounted.damage` says what was found. Raises
    `LayoutError("chip-too-small")` for a geometry that has no layout.
    """
    layout = partitions(chip)
    journal = layout.partition(JOURNAL)
    held, unreadable = _held(chip, journal)
    return _mount(chip.geometry, layout, held, unreadable)


def _held(chip: Chip, journal: Partition) -> tuple[tuple[tuple[int, bytes], ...], tuple[int, ...]]:
    """(the sectors of the journal that are not blank, those that the chip does not read)."""
    first, end = journal.first, journal.first + journal.count
    faults = chip.faults
    if faults is None or faults.blind:
        return tuple([(sector, cells) for sector, cells in chip.sectors.items() if first <= sector < end]), ()
    held: list[tuple[int, bytes]] = []
    unreadable: list[int] = []
    written = chip.sectors.keys() | faults.overlaid(chip.geometry.sector)
    for sector in range(first, end) if faults.limits else sorted(written & set(range(first, end))):
        try:
            content = chip.seen(sector)
        except ChipFault:
            # Neither blank nor a record nor a page that was retired, so nothing goes on behind it.
            unreadable.append(sector)
            content = b"\xa5" * chip.geometry.sector
        if content is not None:
            held.append((sector, content))
    return tuple(held), tuple(unreadable)


# A phone mounts the same journal when it starts and when it saves. The sectors are immutable, so their hash is theirs.
@lru_cache(maxsize=32)
def _mount(
    geometry: Geometry, layout: Layout, sectors: tuple[tuple[int, bytes], ...], unreadable: tuple[int, ...]
) -> Mounted:
    chip = Chip(geometry, dict(sectors))
    damage = [Damage(_TABLE_DAMAGE, 0)] if layout.damage else []
    damage += [Damage("unreadable-sector", sector * geometry.sector) for sector in unreadable]
    journal = layout.partition(JOURNAL)
    headers, torn = _read_headers(chip, layout, damage)
    generation = headers[0][1].generation if headers else 0
    for bank, header in headers:
        first = journal.first + bank * BANK_SECTORS
        start = first * geometry.sector
        held = tuple([sector for sector in range(first, first + BANK_SECTORS) if sector in chip.sectors])
        area = chip.read(start, (held[-1] + 1 - first) * geometry.sector)
        replay = _replay(area, header, geometry.page)
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
            replay.record.sequence,
            held,
            tuple(damage),
            generation,
            start + replay.end if whole else None,
            replay.record.cursor,
            replay.record.kind == CLEARED,
            _unsettled(area, start, header, replay, geometry, torn),
        )
    return Mounted(MappingProxyType({}), MappingProxyType({}), None, 0, (), tuple(damage), generation, None, 0)


def _unsettled(
    area: bytes, start: int, header: BankHeader, replay: _Replay, geometry: Geometry, headers: tuple[int, ...]
) -> Unsettled:
    """What is to be made firm in a bank that begins at byte `start` and has the bytes `area`."""
    if header.version == 1:
        return Unsettled()
    is_delta = replay.record.kind == DELTA
    firm = None if is_delta or _is_confirmed(area, HEADER_SIZE) else (start, area[:HEADER_SIZE])
    if replay.fault is not None:
        return Unsettled(firm, "" if _was_whole(area, replay.end, geometry) else "torn-record", headers)
    if replay.end > replay.tail:
        return Unsettled(firm, "retired-page", headers)
    confirmed = not is_delta or _is_confirmed(area, replay.last + replay.record.size)
    return Unsettled(firm, "" if confirmed else "commit", headers)


def _was_whole(area: bytes, at: int, geometry: Geometry) -> bool:
    """Whether what is no whole record at offset `at` was one: it was confirmed, or something follows what is damaged.

    What was whole has rotted, and is left as it is: a bit that was flipped may flip back.
    """
    length = record_extent(area, at, BANK_SECTORS * geometry.sector)
    if length is not None and _is_confirmed(area, at + length):
        return True
    behind = at + _aligned((length or 0) + len(CONFIRMATION), geometry.page)
    if area[behind:].strip(b"\xff"):
        return True
    # Of a record whose first fields are torn, nothing stands behind them.
    return length is None and bool(area[at + RECORD_START + WORD : behind].strip(b"\xff"))


def _is_retired(area: bytes, at: int) -> bool:
    """Whether the page at offset `at` is to be skipped: zeros, of which some may have been flipped.

    No record has so many zeros where its magic and its numbers are.
    """
    return area[at : at + 16].count(0) >= 12


def _is_confirmed(area: bytes, at: int) -> bool:
    """Any bit that is programmed there says that the programming before it had come to its end."""
    return area[at : at + 1] not in (b"", b"\xff")


def plan(
    chip: Chip,
    mounted: Mounted,
    values: Mapping[str, bytes | None],
    files: Mapping[str, bytes | None],
    first: bool = False,
) -> tuple[Op, ...]:
    """The operations that commit all of `values` and `files` at once; None deletes, what does not change is left out.

    `mounted` must be what `mount(chip)` gives. File bodies come first, into sectors that no committed file uses, then
    the one record that makes them count (or, in a new bank, snapshot and header), then what confirms it. Nothing to
    change gives (). `first` is for the first transaction since the power came on: the page where its record would go
    may seem blank and hold the beginning of one that was cut off, so it is retired: programmed to 0, and skipped.

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
    layout = partitions(chip)
    used = {sector for ref in mounted.files.values() for sector in ref.sectors}
    written = write_files(chip, layout, used, mounted.cursor, bodies)
    refs: dict[str, FileRef | None] = written.refs | dict.fromkeys(dropped)
    sequence = mounted.sequence + 1
    record = Record(DELTA, sequence, mounted.generation, written.cursor, changed, refs, layout.version)
    return (*written.ops, *_record_ops(chip.geometry, layout, mounted, record, first))


def wipe(chip: Chip, mounted: Mounted) -> tuple[Op, ...]:
    """The operations that delete every value and file at once and leave none of their bytes in journal or file area.

    An empty snapshot in the next bank is the commit; after it all that is not blank in the other banks and in the file
    area is erased. A chip that got only some of them, and any part of the next, mounts as exactly the old state or as
    exactly an empty one; what is left of the latter `flash_image.settling` erases.

    `mounted` must be what `mount(chip)` gives. Raises `JournalFull("numbers-used-up")`.
    """
    if mounted.sequence >= MAX_NUMBER or mounted.generation >= MAX_NUMBER:
        raise JournalFull("numbers-used-up")
    layout = partitions(chip)
    kind = CLEARED if layout.confirms else SNAPSHOT
    record = Record(kind, mounted.sequence + 1, mounted.generation + 1, mounted.cursor, {}, {}, layout.version)
    bank = _next_bank(layout.partition(JOURNAL), mounted)
    return (*_new_bank(chip.geometry, layout, bank, record), *leftovers(chip, layout, bank))


def copy_ops(geometry: Geometry, layout: Layout, mounted: Mounted) -> tuple[Op, ...]:
    """The operations that write the state of `mounted` into the next bank. Raises `JournalFull`."""
    if mounted.generation >= MAX_NUMBER:
        raise JournalFull("numbers-used-up")
    state = (mounted.sequence, mounted.generation + 1, mounted.cursor, mounted.values, mounted.files)
    return _new_bank(
        geometry, layout, _next_bank(layout.partition(JOURNAL), mounted), Record(SNAPSHOT, *state, layout.version)
    )


def leftovers(chip: Chip, layout: Layout, bank: int) -> tuple[Op, ...]:
    """The operations that erase all that is not blank in the file area and in the banks other than `bank`."""
    journal, area = layout.partition(JOURNAL), layout.partition(FILES)
    first = journal.first + bank * BANK_SECTORS
    kept = range(first, first + BANK_SECTORS)
    held = (sector for part in (journal, area) for sector in range(part.first, part.first + part.count))
    return tuple(Erase(sector) for sector in held if sector not in kept and not chip.is_blank(sector))


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


def _record_ops(geometry: Geometry, layout: Layout, mounted: Mounted, record: Record, first: bool) -> Iterable[Op]:
    journal = layout.partition(JOURNAL)
    if mounted.bank is not None and mounted.tail is not None:
        end = (journal.first + (mounted.bank + 1) * BANK_SECTORS) * geometry.sector
        retired = geometry.page if first and layout.confirms else 0
        at = mounted.tail + retired
        raw = encode_record(record)
        if at + len(raw) + len(CONFIRMATION) * layout.confirms <= end:
            retire = programs(geometry, mounted.tail, bytes(retired))
            return (*retire, *commit_ops(geometry, layout.version, at, raw))
    values, files = dict(mounted.values), dict(mounted.files)
    _merge(values, record.values)
    _merge(files, record.files)
    whole = attrs.evolve(record, kind=SNAPSHOT, generation=mounted.generation + 1, values=values, files=files)
    return _new_bank(geometry, layout, _next_bank(journal, mounted), whole)


def _new_bank(geometry: Geometry, layout: Layout, bank: int, snapshot: Record) -> tuple[Op, ...]:
    """The operations that begin `bank` with `snapshot`: the header, which makes it count, comes last."""
    raw = encode_record(snapshot)
    at = _aligned(HEADER_SIZE, geometry.page)
    if at + len(raw) + len(CONFIRMATION) * layout.confirms > BANK_SECTORS * geometry.sector:
        raise JournalFull("bank-full")
    first = layout.partition(JOURNAL).first + bank * BANK_SECTORS
    start = first * geometry.sector
    header = encode_bank_header(BankHeader(snapshot.generation, snapshot.sequence, layout.version))
    # Blank sectors too: one that a torn erasure left may only seem blank, and equal erasures keep the wear equal.
    return (
        *(Erase(sector) for sector in range(first, first + BANK_SECTORS)),
        *programs(geometry, start + at, raw),
        *commit_ops(geometry, layout.version, start, header),
    )


def _read_headers(
    chip: Chip, layout: Layout, damage: list[Damage]
) -> tuple[list[tuple[int, BankHeader]], tuple[int, ...]]:
    """(the banks that have a whole header, the newest first; the sectors of headers that were never confirmed whole).

    Whatever else is not blank goes into `damage`.
    """
    journal = layout.partition(JOURNAL)
    found: list[tuple[int, BankHeader]] = []
    torn: list[int] = []
    for bank in range(journal.count // BANK_SECTORS):
        first = journal.first + bank * BANK_SECTORS
        start = first * chip.geometry.sector
        raw = chip.read(start, HEADER_SIZE + len(CONFIRMATION))
        header = decode_bank_header(raw[:HEADER_SIZE])
        if header is not None:
            found.append((bank, header))
        elif raw[:HEADER_SIZE] != b"\xff" * HEADER_SIZE:
            damage.append(Damage("bank-header", start))
            if layout.confirms and not _is_confirmed(raw, HEADER_SIZE):
                torn.append(first)
        elif any(sector in chip.sectors for sector in range(first, first + BANK_SECTORS)):
            damage.append(Damage("unfinished-bank", start))
    found.sort(key=lambda item: item[1].generation, reverse=True)
    return found, tuple(torn)


def _replay(area: bytes, header: BankHeader, page: int) -> _Replay | None:
    """Fold the records of one bank; `area` is the bank up to its last sector that is not blank."""
    at = _aligned(HEADER_SIZE, page)
    record = decode_record(area, at)
    if not isinstance(record, Record) or not _follows(record, header, header.sequence) or record.kind == DELTA:
        return None
    confirm = len(CONFIRMATION) if header.version > 1 else 0
    state = _Replay({}, {}, record, at, at, at)
    while True:
        _merge(state.values, record.values)
        _merge(state.files, record.files)
        state.record, state.last = record, at
        state.tail = at + _aligned(record.size + confirm, page)
        state.end = at = _after_retired(area, state.tail, page if confirm else 0)
        rest = len(area) - at
        if rest <= 0 or (area[at] == 0xFF and area[at:] == b"\xff" * rest):
            return state
        found = decode_record(area, at)
        if not isinstance(found, Record):
            state.fault = found
            return state
        if found.kind != DELTA or not _follows(found, header, record.sequence + 1):
            state.fault = "stale-record"
            return state
        record = found


def _after_retired(area: bytes, at: int, page: int) -> int:
    """The first offset from `at` on where no retired page is; with a `page` of 0 there are none."""
    while page and _is_retired(area, at):
        at += page
    return at


def _follows(record: Record, header: BankHeader, sequence: int) -> bool:
    return (record.version, record.generation, record.sequence) == (header.version, header.generation, sequence)


def _merge(state: dict[str, _Held], changes: Mapping[str, _Held | None]) -> None:
    for key, value in changes.items():
        if value is None:
            state.pop(key, None)
        else:
            state[key] = value


def _aligned(length: int, page: int) -> int:
    return -(-length // page) * page
