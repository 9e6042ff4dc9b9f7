"""A chip byte by byte as JSON, and back: contents, wear and faults, whatever they mean."""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from flash_image import BEHAVIOURS, Chip, Faults, Geometry, ImageError, Limit, pack, unpack
from tools.flash.content import unbase64
from tools.flash.files import FlashError, Refusal, refused
from tools.flash.spec import FaultsSpec, RawSpec


def raw_json(chip: Chip) -> dict[str, Any]:
    """All of ``chip``: numbers of sectors in decimal, addresses in hex, pages that are not blank in base64."""
    geometry = chip.geometry
    return {
        "geometry": {"size": geometry.size, "sector": geometry.sector, "page": geometry.page},
        "wear": {str(sector): count for sector, count in sorted(chip.wear.items())},
        "faults": None if chip.faults is None else _faults_json(chip.faults),
        "pages": {f"{at:#x}": b64encode(page).decode() for at, page in _pages(chip)},
    }


def _faults_json(faults: Faults) -> dict[str, Any]:
    return {
        "turn": faults.turn,
        "flips": {f"{at:#x}": mask for at, mask in sorted(faults.flips.items())},
        "unstable": {f"{at:#x}": mask for at, mask in sorted(faults.unstable.items())},
        "limits": {
            str(sector): {"erasures": limit.erasures, "behaviour": limit.behaviour}
            for sector, limit in sorted(faults.limits.items())
        },
    }


def _pages(chip: Chip) -> Iterator[tuple[int, bytes]]:
    size, page = chip.geometry.sector, chip.geometry.page
    for sector in sorted(chip.sectors):
        held = chip.sectors[sector]
        for at in range(0, size, page):
            if held[at : at + page].strip(b"\xff"):
                yield sector * size + at, held[at : at + page]


def chip_of(raw: RawSpec, name: str) -> Chip:
    """The chip that ``raw``, of the file ``name``, tells. Raises FlashError for what is none."""
    with refused(f"{name}: raw"):
        chip = Chip(Geometry(raw.geometry.size, raw.geometry.sector, raw.geometry.page))
        chip.wear.update({_number(sector, 10): count for sector, count in raw.wear.items()})
        chip.faults = None if raw.faults is None else _faults(raw.faults)
        _fill(chip, raw.pages, f"{name}: raw.pages")
        try:
            return unpack(pack(chip))
        except (ImageError, struct.error):
            raise Refusal("counts of erasures, masks or limits are none of a chip of this size") from None


def _fill(chip: Chip, pages: Mapping[str, str], where: str) -> None:
    size, page = chip.geometry.sector, chip.geometry.page
    sectors: dict[int, bytearray] = {}
    for address, text in pages.items():
        at, data = _number(address, 16), unbase64(text, f"{where}.{address[:12]}")
        if at % page or len(data) != page or not 0 <= at < chip.geometry.size:
            raise FlashError(f"{where}.{address[:12]}: is no page of this chip")
        held = sectors.setdefault(at // size, bytearray(b"\xff" * size))
        held[at % size : at % size + page] = data
    chip.sectors = {sector: bytes(held) for sector, held in sectors.items() if held.strip(b"\xff")}


def _faults(told: FaultsSpec) -> Faults:
    limits: dict[int, Limit] = {}
    for sector, limit in told.limits.items():
        found = next((each for each in BEHAVIOURS if each == limit.behaviour), None)
        if found is None:
            raise Refusal(f"a worn sector shows one of {', '.join(BEHAVIOURS)}")
        limits[_number(sector, 10)] = Limit(limit.erasures, found)
    flips = {_number(at, 16): mask for at, mask in told.flips.items()}
    unstable = {_number(at, 16): mask for at, mask in told.unstable.items()}
    return Faults(flips, unstable, told.turn, limits)


def _number(text: str, base: int) -> int:
    try:
        return int(text[:20], base)
    except ValueError:
        raise Refusal(f"{text[:20]!r} is no {'address' if base == 16 else 'sector'}") from None
