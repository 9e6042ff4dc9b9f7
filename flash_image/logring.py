"""The phone's own log: a ring of pages in the partition `log`, each whole in itself, the oldest sector erased for new.

A page that is not whole is passed over, so a power cut costs the lines of the page that was being written. Lines say
when, how bad and who; what they say is the phone's business.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

import attrs

from flash_image.chip import Chip, ChipFault, Erase, Op, Program
from flash_image.layout import LOG, partitions

_MAGIC: Final = b"KXLP"
_VERSION: Final = 1
_PAGE: Final = struct.Struct("<4sBBHI")
_LINE: Final = struct.Struct("<QBBBB")
_CRC: Final = struct.Struct("<I")
_UTC: Final = 1
_LATEST: Final = (1 << 64) - 1
_SEQUENCES: Final = 1 << 32


@attrs.frozen
class LogLine:
    """One line. time: ns since 1970 UTC (`utc`), or since the power came on; severity: as in RFC 3164, 0 to 7."""

    time: int
    utc: bool
    severity: int
    tag: str
    text: str


@attrs.frozen
class LogEnd:
    """Where the ring goes on: byte address of the next page, and its sequence number."""

    address: int
    sequence: int


@attrs.frozen
class LogRead:
    """What the ring holds: the lines, oldest first, and the addresses of pages that are not whole, blank or retired."""

    lines: tuple[LogLine, ...]
    torn: tuple[int, ...]


@attrs.frozen
class _Page:
    offset: int
    sequence: int
    lines: tuple[LogLine, ...]


def has_log(chip: Chip) -> bool:
    """Whether the chip has a place for the log; one of format 1 has not."""
    return partitions(chip).find(LOG) is not None


def read_log(chip: Chip) -> LogRead:
    """The lines that the ring of `chip` holds; none if it has no ring. Never raises for any content."""
    pages, torn = _pages(chip)
    pages.sort(key=lambda page: page.sequence)
    return LogRead(tuple(line for page in pages for line in page.lines), tuple(torn))


def plan_log(chip: Chip, lines: Iterable[LogLine], end: LogEnd | None) -> tuple[tuple[Op, ...], LogEnd | None]:
    """The operations that append `lines`, and where the ring goes on then.

    `end` is what the call before gave, None for the first since the power came on: then the page behind the newest is
    retired (programmed to 0), so that a page that was cut off and seems blank is never written to. A text that fits
    into no page is cut. Without a ring nothing is done.
    """
    partition = partitions(chip).find(LOG)
    if partition is None:
        return (), None
    size, page = chip.geometry.sector, chip.geometry.page
    first, last = partition.first * size, (partition.first + partition.count) * size
    packed = list(_packed(lines, page))
    if not packed:
        return (), end
    ops: list[Op] = []
    at = end or _resume(chip, first, last, ops)
    for body, count in packed:
        if at.address % size == 0:
            ops.append(Erase(at.address // size))
        ops.append(Program(at.address, _encode(body, count, at.sequence)))
        address = at.address + page
        at = LogEnd(address if address < last else first, (at.sequence + 1) % _SEQUENCES)
    return tuple(ops), at


def _resume(chip: Chip, first: int, last: int, ops: list[Op]) -> LogEnd:
    """Behind the newest page and one more, which `ops` retire, if both are blank; otherwise at the next sector.

    If the power went when the page behind the retired one had hardly begun, that one tells.
    """
    size, page = chip.geometry.sector, chip.geometry.page
    pages, _ = _pages(chip)
    if not pages:
        return LogEnd(first, 1)
    newest = max(pages, key=lambda found: found.sequence)
    sequence = (newest.sequence + 1) % _SEQUENCES
    at = newest.offset + 2 * page
    in_sector = at // size == newest.offset // size
    if in_sector and chip.read(newest.offset + page, 2 * page) == b"\xff" * (2 * page):
        ops.append(Program(newest.offset + page, bytes(page)))
        return LogEnd(at, sequence)
    following = (newest.offset // size + 1) * size
    return LogEnd(following if following < last else first, sequence)


def _pages(chip: Chip) -> tuple[list[_Page], list[int]]:
    """(the whole pages of the ring with their byte addresses, the addresses of those that are not)."""
    partition = partitions(chip).find(LOG)
    whole: list[_Page] = []
    torn: list[int] = []
    for sector in range(partition.first, partition.first + partition.count) if partition else ():
        start = sector * chip.geometry.sector
        try:
            content = chip.seen(sector)
        except ChipFault:
            torn.append(start)
            continue
        if content is not None:
            found, broken = _read_sector(content, chip.geometry.page)
            whole += [attrs.evolve(page, offset=start + page.offset) for page in found]
            torn += [start + offset for offset in broken]
    return whole, torn


# A ring is read whenever the phone starts; its sectors are immutable, and all but one are as they were.
@lru_cache(maxsize=64)
def _read_sector(content: bytes, page: int) -> tuple[tuple[_Page, ...], tuple[int, ...]]:
    whole: list[_Page] = []
    torn: list[int] = []
    for offset in range(0, len(content), page):
        raw = content[offset : offset + page]
        found = _decode(raw, offset)
        if found is not None:
            whole.append(found)
        elif raw.strip(b"\xff") and raw.strip(b"\0"):
            torn.append(offset)
    return tuple(whole), tuple(torn)


def _packed(lines: Iterable[LogLine], page: int) -> Iterator[tuple[bytes, int]]:
    """Lines in bytes, as many as go into one page, and how many these are."""
    room = page - _PAGE.size - _CRC.size
    body, count = b"", 0
    for line in lines:
        raw = _encode_line(line, room)
        if count == 255 or len(body) + len(raw) > room:
            yield body, count
            body, count = b"", 0
        body, count = body + raw, count + 1
    if count:
        yield body, count


def _encode_line(line: LogLine, room: int) -> bytes:
    tag = _cut(line.tag, min(255, (room - _LINE.size) // 2))
    text = _cut(line.text, min(255, room - _LINE.size - len(tag)))
    flags = _UTC if line.utc else 0
    return _LINE.pack(min(max(0, line.time), _LATEST), flags, line.severity & 7, len(tag), len(text)) + tag + text


def _cut(text: str, limit: int) -> bytes:
    """`text` in UTF-8, at most `limit` bytes of it and no part of a character."""
    return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore").encode()


def _encode(body: bytes, count: int, sequence: int) -> bytes:
    raw = _PAGE.pack(_MAGIC, _VERSION, count, len(body), sequence) + body
    return raw + _CRC.pack(zlib.crc32(raw))


def _decode(raw: bytes, offset: int) -> _Page | None:
    magic, version, count, length, sequence = _PAGE.unpack_from(raw)
    end = _PAGE.size + length
    if magic != _MAGIC or version != _VERSION or end + _CRC.size > len(raw):
        return None
    if _CRC.unpack_from(raw, end)[0] != zlib.crc32(raw[:end]):
        return None
    try:
        lines = tuple(_decode_lines(raw[:end], count))
    except (struct.error, UnicodeDecodeError):
        return None
    return _Page(offset, sequence, lines)


def _decode_lines(raw: bytes, count: int) -> Iterator[LogLine]:
    at = _PAGE.size
    for _ in range(count):
        time, flags, severity, tag, text = _LINE.unpack_from(raw, at)
        middle = at + _LINE.size + tag
        at = middle + text
        yield LogLine(
            time, bool(flags & _UTC), severity & 7, raw[middle - tag : middle].decode(), raw[middle:at].decode()
        )
