"""The bytes of the settings journal: bank headers, records and file references, to bytes and back.

Whatever counts only when whole ends in a crc32 and an end mark of 0x00. A blank byte is 0xFF, so the last byte that is
programmed always clears bits, and nothing short of it can pass for whole. In version 2 one more byte, programmed by an
operation of its own, confirms that the one before it was finished (`flash_image.settling`).
"""

import struct
import zlib
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import attrs

from flash_image.chip import Geometry, Op, Program, programs

MAX_KEY: Final = 255
"""The longest key or file name, in bytes of UTF-8."""
MAX_VALUE: Final = 60_000
"""The longest value, in bytes."""
MAX_NUMBER: Final = 0xFFFF_FFFF
"""The largest sequence number and the largest generation."""

VERSIONS: Final = (1, 2)
"""Of headers and records; those of version 2 are confirmed."""
DELTA: Final = 1
SNAPSHOT: Final = 2
CLEARED: Final = 3
"""An empty snapshot, after which nothing else is to be left on the chip."""
RECORD_START: Final = 28
"""Length of the first fields of a record of version 2, with their checksum, in bytes."""
HEADER_SIZE: Final = 21
"""Length of a bank header with its end, in bytes."""
CONFIRMATION: Final = b"\0"
"""What is programmed behind the end mark of a whole header or record of version 2."""

_END_MARK: Final = 0
_END: Final = struct.Struct("<IB")
_BANK_MAGIC: Final = b"KXJB"
_BANK: Final = struct.Struct("<4sB3xII")
_RECORD_MAGIC: Final = b"KXJR"
_RECORD: Final = struct.Struct("<4sBBHIIII")
_CRC: Final = struct.Struct("<I")
_ENTRY: Final = struct.Struct("<BBH")
_FILE: Final = struct.Struct("<II")
_VALUE_SET: Final = 1
_VALUE_DELETED: Final = 2
_FILE_SET: Final = 3
_FILE_DELETED: Final = 4

RecordFault: TypeAlias = Literal["torn-record", "record-header", "record-checksum", "record-entries"]


class JournalError(ValueError):
    """A change that the journal cannot hold; `reason` is a fixed code.

    The codes: `key-too-long`, `key-not-text`, `value-too-long`, `file-too-long`, `too-many-changes`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class JournalFull(JournalError):
    """There is no room for a change; the codes: `bank-full`, `files-full`, `numbers-used-up`."""


@attrs.frozen
class FileRef:
    """Where a saved file lies: its length in bytes, its crc32, and its sectors in the order of its bytes."""

    length: int
    crc: int
    sectors: tuple[int, ...]


@attrs.define
class BankHeader:
    """The start of a bank: its generation (the highest is the newest) and the sequence number of its snapshot."""

    generation: int
    sequence: int
    version: int


@attrs.define
class Record:
    """One transaction, or (`SNAPSHOT`, `CLEARED`) the whole state after one; `None` deletes.

    `cursor` is the sector where the search for free file sectors goes on; `size` the record's length in bytes.
    """

    kind: int
    sequence: int
    generation: int
    cursor: int
    values: Mapping[str, bytes | None]
    files: Mapping[str, FileRef | None]
    version: int
    size: int = 0


def encode_bank_header(header: BankHeader) -> bytes:
    """The `HEADER_SIZE` bytes of a bank header."""
    return _finish(_BANK.pack(_BANK_MAGIC, header.version, header.generation, header.sequence))


def decode_bank_header(raw: bytes) -> BankHeader | None:
    """The bank header in `raw` (`HEADER_SIZE` bytes), or None if it is not whole or not of this version."""
    if not _is_whole(raw):
        return None
    magic, version, generation, sequence = _BANK.unpack_from(raw)
    if magic != _BANK_MAGIC or version not in VERSIONS:
        return None
    return BankHeader(generation, sequence, version)


def encode_record(record: Record) -> bytes:
    """The bytes of a record; keys are sorted, so equal records are equal bytes.

    Raises `JournalError` with `key-too-long`, `key-not-text`, `value-too-long` or `too-many-changes`.
    """
    count = len(record.values) + len(record.files)
    if count > 0xFFFF:
        raise JournalError("too-many-changes")
    entries = b"".join(
        [_value_entry(key, record.values[key]) for key in sorted(record.values)]
        + [_file_entry(name, record.files[name]) for name in sorted(record.files)]
    )
    numbers = (count, record.sequence, record.generation, record.cursor, len(entries))
    start = _RECORD.pack(_RECORD_MAGIC, record.version, record.kind, *numbers)
    return _finish(start + (_CRC.pack(zlib.crc32(start)) if record.version > 1 else b"") + entries)


def decode_record(area: bytes, at: int) -> Record | RecordFault:
    """The record that starts at offset `at` of `area`, or what is wrong with it.

    `torn-record`: its end was never programmed or is not in `area`; `record-header`: no record starts here;
    `record-checksum`: it was whole once and its bytes have changed; `record-entries`: the checksum holds and the
    entries make no sense.
    """
    if len(area) - at < _RECORD.size:
        return "record-header"
    magic, version, kind, count, sequence, generation, cursor, length = _RECORD.unpack_from(area, at)
    end = at + _start_size(version) + length + _END.size
    if end > len(area):
        return "torn-record"
    raw = area[at:end]
    if not _is_whole(raw):
        return "torn-record" if raw[-1] == 0xFF else "record-checksum"
    if magic != _RECORD_MAGIC or version not in VERSIONS or kind not in (DELTA, SNAPSHOT, CLEARED):
        return "record-header"
    try:
        values, files = _decode_entries(raw, _start_size(version), count)
    except (struct.error, UnicodeDecodeError, ValueError):
        return "record-entries"
    return Record(kind, sequence, generation, cursor, values, files, version, len(raw))


def record_extent(area: bytes, at: int, limit: int) -> int | None:
    """How many bytes the record has that starts at offset `at` of `area`, if its first fields are whole; else None.

    They have a checksum of their own, so their length can be trusted when the rest is not whole. None too if it leads
    beyond offset `limit`, the end of the bank, and for version 1.
    """
    start = area[at : at + _RECORD.size]
    if len(area) - at < RECORD_START:
        return None
    magic, version, *_, length = _RECORD.unpack(start)
    if magic != _RECORD_MAGIC or version == 1 or _CRC.unpack_from(area, at + _RECORD.size)[0] != zlib.crc32(start):
        return None
    size = RECORD_START + int(length) + _END.size
    return size if at + size <= limit else None


def _start_size(version: int) -> int:
    return _RECORD.size if version == 1 else RECORD_START


def commit_ops(geometry: Geometry, version: int, at: int, raw: bytes) -> tuple[Op, ...]:
    """The operations that program a header or record and, from version 2 on, confirm it."""
    confirm = (Program(at + len(raw), CONFIRMATION),) if version > 1 else ()
    return (*programs(geometry, at, raw), *confirm)


def _finish(raw: bytes) -> bytes:
    return raw + _END.pack(zlib.crc32(raw), _END_MARK)


def _is_whole(raw: bytes) -> bool:
    checksum, mark = _END.unpack_from(raw, len(raw) - _END.size)
    return bool(mark == _END_MARK and checksum == zlib.crc32(raw[: -_END.size]))


def _value_entry(key: str, value: bytes | None) -> bytes:
    if value is None:
        return _entry(_VALUE_DELETED, key, b"")
    return _entry(_VALUE_SET, key, value)


def _file_entry(name: str, ref: FileRef | None) -> bytes:
    if ref is None:
        return _entry(_FILE_DELETED, name, b"")
    sectors = struct.pack(f"<{len(ref.sectors)}I", *ref.sectors)
    return _entry(_FILE_SET, name, _FILE.pack(ref.length, ref.crc) + sectors)


def _entry(tag: int, key: str, body: bytes) -> bytes:
    try:
        name = key.encode()
    except UnicodeEncodeError:
        raise JournalError("key-not-text") from None
    if len(name) > MAX_KEY:
        raise JournalError("key-too-long")
    if len(body) > MAX_VALUE:
        raise JournalError("value-too-long")
    return b"%b%b%b" % (_ENTRY.pack(tag, len(name), len(body)), name, body)


def _decode_entries(raw: bytes, at: int, count: int) -> tuple[dict[str, bytes | None], dict[str, FileRef | None]]:
    values: dict[str, bytes | None] = {}
    files: dict[str, FileRef | None] = {}
    unpack = _ENTRY.unpack_from
    for _ in range(count):
        tag, key_length, body_length = unpack(raw, at)
        middle = at + 4 + key_length
        key = raw[at + 4 : middle].decode()
        at = middle + body_length
        if tag == _VALUE_SET:
            values[key] = raw[middle:at]
        elif tag == _VALUE_DELETED:
            values[key] = None
        elif tag == _FILE_SET:
            files[key] = _decode_file(raw[middle:at])
        elif tag == _FILE_DELETED:
            files[key] = None
        else:
            raise ValueError("unknown tag")
    if at != len(raw) - _END.size:
        raise ValueError("entries do not fill the record")
    return values, files


def _decode_file(body: bytes) -> FileRef:
    length, crc = _FILE.unpack_from(body)
    count = (len(body) - _FILE.size) // 4
    return FileRef(length, crc, struct.unpack(f"<{count}I", body[_FILE.size :]))
