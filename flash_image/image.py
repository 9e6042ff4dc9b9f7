"""Chips as bytes: the sparse image that keeps contents, wear and faults, and the raw dump that keeps contents only."""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from flash_image.chip import Chip, ChipFault, Geometry
from flash_image.faults import BEHAVIOURS, EVERY, Faults, Limit

MAX_IMAGE: Final = 128 * 1024 * 1024
"""The longest image that `unpack` looks at, in bytes."""

_MAGIC: Final = b"KXFLASH\0"
_PERFECT, _FAULTY = 1, 2
"""Versions of the image: of a chip without and with faults."""
_HEAD: Final = struct.Struct("<8sIIIIII")
_WEAR: Final = struct.Struct("<II")
_PAGE: Final = struct.Struct("<I")
_FAULTS: Final = struct.Struct("<IIII")
_MASK: Final = struct.Struct("<IB3x")
_LIMIT: Final = struct.Struct("<iIB3x")
_CRC: Final = struct.Struct("<I")


class ImageError(ValueError):
    """Bytes that are no image of a chip; `reason` is a fixed code.

    The codes: `too-long`, `too-short`, `magic`, `version`, `geometry`, `length`, `checksum`, `wear`, `faults`,
    `page-number`, `page-blank`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def pack(chip: Chip) -> bytes:
    """The sparse image of `chip`: geometry, wear, faults and the pages that are not blank. Equal chips, equal bytes."""
    geometry = chip.geometry
    pages = [_PAGE.pack(number) + data for number, data in _pages(chip)]
    version = _PERFECT if chip.faults is None else _FAULTY
    head = _HEAD.pack(_MAGIC, version, geometry.size, geometry.sector, geometry.page, len(chip.wear), len(pages))
    wear = [_WEAR.pack(sector, chip.wear[sector]) for sector in sorted(chip.wear)]
    body = b"".join([head, *wear, *(() if chip.faults is None else _pack_faults(chip.faults)), *pages])
    return body + _CRC.pack(zlib.crc32(body))


def unpack(image: bytes) -> Chip:
    """The chip that `pack` made `image` of; every other input raises `ImageError`.

    There is one image for a chip: what `unpack` accepts, `pack` gives again byte for byte.
    """
    if len(image) > MAX_IMAGE:
        raise ImageError("too-long")
    if len(image) < _HEAD.size + _CRC.size:
        raise ImageError("too-short")
    magic, version, size, sector, page, wear_count, page_count = _HEAD.unpack_from(image)
    if magic != _MAGIC:
        raise ImageError("magic")
    if version not in (_PERFECT, _FAULTY):
        raise ImageError("version")
    geometry = _geometry(size, sector, page)
    faults_at = _HEAD.size + wear_count * _WEAR.size
    pages_at = faults_at + (_faults_size(image, faults_at) if version == _FAULTY else 0)
    end = pages_at + page_count * (_PAGE.size + page)
    if len(image) != end + _CRC.size:
        raise ImageError("length")
    if _CRC.unpack_from(image, end)[0] != zlib.crc32(image[:end]):
        raise ImageError("checksum")
    chip = Chip(geometry)
    _unpack_wear(chip, image[_HEAD.size : faults_at])
    if version == _FAULTY:
        chip.faults = _unpack_faults(geometry, image[faults_at:pages_at])
    _unpack_pages(chip, image[pages_at:end])
    return chip


def is_packed(data: bytes) -> bool:
    """Whether `data` begins as a sparse image does."""
    return data.startswith(_MAGIC)


def raw(chip: Chip) -> bytes:
    """Every byte of the chip, in ascending order of address, as a programmer device would read it; no wear.

    A worn sector that cannot be read is given as 0xFF.
    """
    return b"".join(_sector(chip, number) for number in range(chip.geometry.sector_count))


def _sector(chip: Chip, number: int) -> bytes:
    blank = b"\xff" * chip.geometry.sector
    try:
        return chip.seen(number) or blank
    except ChipFault:
        return blank


def from_raw(data: bytes, geometry: Geometry | None = None) -> Chip:
    """An unworn chip that holds `data`. Raises `ImageError("length")` unless that is exactly the size of the chip."""
    chip = Chip() if geometry is None else Chip(geometry)
    size = chip.geometry.sector
    if len(data) != chip.geometry.size:
        raise ImageError("length")
    blank = b"\xff" * size
    for number in range(chip.geometry.sector_count):
        held = data[number * size : (number + 1) * size]
        if held != blank:
            chip.sectors[number] = held
    return chip


def _pages(chip: Chip) -> Iterator[tuple[int, bytes]]:
    page = chip.geometry.page
    blank = b"\xff" * page
    for sector in sorted(chip.sectors):
        held = chip.sectors[sector]
        first = sector * len(held) // page
        for at in range(0, len(held), page):
            data = held[at : at + page]
            if data != blank:
                yield first + at // page, data


def _pack_faults(faults: Faults) -> Iterator[bytes]:
    yield _FAULTS.pack(faults.turn & 0xFFFF_FFFF, len(faults.flips), len(faults.unstable), len(faults.limits))
    for masks in (faults.flips, faults.unstable):
        yield from (_MASK.pack(address, masks[address]) for address in sorted(masks))
    for sector, limit in sorted(faults.limits.items()):
        yield _LIMIT.pack(sector, limit.erasures, BEHAVIOURS.index(limit.behaviour))


def _faults_size(image: bytes, at: int) -> int:
    if at + _FAULTS.size > len(image):
        raise ImageError("length")
    _, flips, unstable, limits = _FAULTS.unpack_from(image, at)
    return int(_FAULTS.size + (flips + unstable) * _MASK.size + limits * _LIMIT.size)


def _unpack_faults(geometry: Geometry, raw: bytes) -> Faults:
    turn, flips, unstable, _limits = _FAULTS.unpack_from(raw)
    middle = _FAULTS.size + flips * _MASK.size
    end = middle + unstable * _MASK.size
    faults = Faults(turn=turn)
    for masks, part in ((faults.flips, raw[_FAULTS.size : middle]), (faults.unstable, raw[middle:end])):
        masks.update(_MASK.iter_unpack(part))
    for sector, erasures, behaviour in _LIMIT.iter_unpack(raw[end:]):
        if behaviour >= len(BEHAVIOURS):
            raise ImageError("faults")
        faults.limits[sector] = Limit(erasures, BEHAVIOURS[behaviour])
    addresses = (*faults.flips, *faults.unstable)
    sectors = faults.limits.keys()
    sound = all(at < geometry.size for at in addresses) and all(EVERY <= at < geometry.sector_count for at in sectors)
    # One image for a chip: no zero masks, nothing twice, everything in order.
    if not sound or 0 in (*faults.flips.values(), *faults.unstable.values()) or b"".join(_pack_faults(faults)) != raw:
        raise ImageError("faults")
    return faults


def _geometry(size: int, sector: int, page: int) -> Geometry:
    try:
        return Geometry(size, sector, page)
    except ChipFault:
        raise ImageError("geometry") from None


def _unpack_wear(chip: Chip, raw: bytes) -> None:
    previous = -1
    for sector, count in _WEAR.iter_unpack(raw):
        if not previous < sector < chip.geometry.sector_count or count == 0:
            raise ImageError("wear")
        chip.wear[sector] = count
        previous = sector


def _unpack_pages(chip: Chip, raw: bytes) -> None:
    page, size = chip.geometry.page, chip.geometry.sector
    blank = b"\xff" * page
    sectors: dict[int, bytearray] = {}
    previous = -1
    for at in range(0, len(raw), _PAGE.size + page):
        (number,) = _PAGE.unpack_from(raw, at)
        data = raw[at + _PAGE.size : at + _PAGE.size + page]
        if not previous < number < chip.geometry.size // page:
            raise ImageError("page-number")
        if data == blank:
            raise ImageError("page-blank")
        sector, offset = divmod(number * page, size)
        if sector not in sectors:
            sectors[sector] = bytearray(b"\xff" * size)
        sectors[sector][offset : offset + page] = data
        previous = number
    chip.sectors = {sector: bytes(held) for sector, held in sectors.items()}
