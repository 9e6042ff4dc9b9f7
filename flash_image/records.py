"""The bytes of the settings journal: bank headers, records and file references, to bytes and back.

Whatever counts only when whole ends in a crc32 and an end mark of 0x00. A blank byte is 0xFF, so the last byte that is
programmed always clears bits, and nothing short of it can pass for whole.
"""

import struct
import zlib
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import attrs

MAX_KEY: Final = 255
"""The longest key or file name, in bytes of UTF-8."""
MAX_VALUE: Final = 60_000
"""The longest value, in bytes."""
MAX_NUMBER: Final = 0xFFFF_FFFF
"""The largest sequence number and the largest generation."""

VERSION: Final = 1
DELTA: Final = 1
SNAPSHOT: Final = 2
HEADER_SIZE: Final = 21
"""Length of a bank header with its end, in bytes."""

_END_MARK: Final = 0
_END: Final = struct.Struct("<IB")
_BANK_MAGIC: Final = b"KXJB"
_BANK: Final = struct.Struct("<4sB3xII")
_RECORD_MAGIC: Final = b"KXJR"
_RECORD: Final = struct.Struct("<4sBBHIIII")
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


@attrs.define
class Record:
    """One transaction, or (`SNAPSHOT`) the whole state after one; `None` deletes.

    `cursor` is the sector where the search for free file sectors goes on; `size` the record's length in bytes.
    """

    kind: int
    sequence: int
    generation: int
    cursor: int
    values: Mapping[str, bytes | None]
    files: Mapping[str, FileRef | None]
    size: int = 0


def encode_bank_header(header: BankHeader) -> bytes:
    """The `HEADER_SIZE` bytes of a bank header."""
    return _finish(_BANK.pack(_BANK_MAGIC, VERSION, header.generation, header.sequence))


def decode_bank_header(raw: bytes) -> BankHeader | None:
    """The bank header in `raw` (`HEADER_SIZE` bytes), or None if it is not whole or not of this version."""
    if not _is_whole(raw):
        return None
    magic, version, generation, sequence = _BANK.unpack_from(raw)
    return BankHeader(generation, sequence) if magic == _BANK_MAGIC and version == VERSION else None


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
    start = _RECORD.pack(
        _RECORD_MAGIC, VERSION, record.kind, count, record.sequence, record.generation, record.cursor, len(entries)
    )
    return _finish(start + entries)


def decode_record(area: bytes, at: int) -> Record | RecordFault:
    """The record that starts at offset `at` of `area`, or what is wrong with it.

    `torn-record`: its end was never programmed or is not in `area`; `record-header`: no record starts here;
    `record-checksum`: it was whole once and its bytes have changed; `record-entries`: the checksum holds and the
    entries make no sense.
    """
    if len(area) - at < _RECORD.size:
        return "record-header"
    magic, version, kind, count, sequence, generation, cursor, length = _RECORD.unpack_from(area, at)
    end = at + _RECORD.size + length + _END.size
    if end > len(area):
        return "torn-record"
    raw = area[at:end]
    if not _is_whole(raw):
        return "torn-record" if raw[-1] == 0xFF else "record-checksum"
    if magic != _RECORD_MAGIC or version != VERSION or kind not in (DELTA, SNAPSHOT):
        return "record-header"
    try:
        values, files = _decode_entries(raw, count)
    except (struct.error, UnicodeDecodeError, ValueError):
        return "record-entries"
    return Record(kind, sequence, generation, cursor, values, files, len(raw))


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


def _decode_entries(raw: bytes, count: int) -> tuple[dict[str, bytes | None], dict[str, FileRef | None]]:
    values: dict[str, bytes | None] = {}
    files: dict[str, FileRef | None] = {}
    unpack = _ENTRY.unpack_from
    at = _RECORD.size
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
