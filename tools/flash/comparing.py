"""``diff``: two images by what they mean, and byte by byte."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from flash_image import Chip, LogLine
from flash_image.layout import BOOT, FACTORY, FIRMWARE_A, FIRMWARE_B, TABLE
from tools.flash.facts import chip_facts, fault_facts
from tools.flash.files import Image, read_image, refused
from tools.flash.inspecting import line_json
from tools.flash.keys import shown
from tools.flash.reading import Found, Setting, look
from tools.flash.sectors import areas
from tools.flash.settings import setting_json

OPEN = (TABLE, FACTORY, BOOT, FIRMWARE_A, FIRMWARE_B)
"""Partitions whose bytes are no secrets."""
TOLD = 8
"""Bytes of a range that are told, of each side."""
_GAP = re.compile(rb"\0{9,}")
"""Where nine bytes or more are equal, which 0 stands for, a range ends."""


@frozen
class Difference:
    """Something that has a name and is not the same in both; None where it is not there."""

    section: str
    name: str
    old: str | None
    new: str | None


@frozen
class SettingDifference:
    """A stored value that is not the same in both; None where there is none."""

    layer: str
    key: str
    old: Setting | None
    new: Setting | None

    @property
    def what(self) -> str:
        """``added``, ``removed`` or ``changed``."""
        return "added" if self.old is None else "removed" if self.new is None else "changed"


@frozen
class Range:
    """Bytes from the first that differs to the last, with the first few of both; None if these may be secrets."""

    address: int
    length: int
    old: bytes | None
    new: bytes | None


@frozen
class Comparison:
    """Two images. log: lines that only one of them has, oldest first; wear: (sector, erasures in old, in new), if both
    images tell them; ranges: by partition."""

    old: Image
    new: Image
    differences: tuple[Difference, ...]
    settings: tuple[SettingDifference, ...]
    log_old: tuple[LogLine, ...]
    log_new: tuple[LogLine, ...]
    wear: tuple[tuple[int, int, int], ...]
    ranges: dict[str, tuple[Range, ...]]

    @property
    def equal(self) -> bool:
        """Whether there is no difference."""
        return not (self.differences or self.settings or self.log_old or self.log_new or self.wear or self.ranges)


def diff(old: str, new: str, *, secrets: bool = False) -> Comparison:
    """Compare two image files, as the chips read. secrets: tell also bytes that may be passwords. Raises FlashError."""
    images = read_image(old), read_image(new)
    with refused(old):
        first = look(images[0].chip)
    with refused(new):
        second = look(images[1].chip)
    packed = all(image.dump.form == "packed" for image in images)
    chips = images[0].chip, images[1].chip
    return Comparison(
        *images,
        tuple(_differences(first, second, chips if packed else None)),
        tuple(_setting_differences(first, second)),
        _only(first.log.lines, second.log.lines),
        _only(second.log.lines, first.log.lines),
        tuple(_wear(*chips)) if packed else (),
        dict(_ranges(first, second, secrets)),
    )


def _differences(old: Found, new: Found, chips: tuple[Chip, Chip] | None) -> Iterator[Difference]:
    """chips: with their faults, if these are known."""
    before, after = chip_facts(old), chip_facts(new)
    if chips is not None:
        before, after = before | fault_facts(chips[0]), after | fault_facts(chips[1])
    for section, name in {**before, **after}:
        first, second = before.get((section, name)), after.get((section, name))
        if first != second:
            text = None if second is None else second.text
            if first is not None and first.text == text:
                text = f"{text}, other content"
            yield Difference(section, name, None if first is None else first.text, text)


def _setting_differences(old: Found, new: Found) -> Iterator[SettingDifference]:
    before = {(setting.layer, setting.key): setting for setting in old.settings}
    after = {(setting.layer, setting.key): setting for setting in new.settings}
    for layer, key in sorted({**before, **after}):
        first, second = before.get((layer, key)), after.get((layer, key))
        if first != second:
            yield SettingDifference(layer, key, first, second)


def _only(lines: Sequence[LogLine], others: Sequence[LogLine]) -> tuple[LogLine, ...]:
    """The lines that ``others`` has not, or not so often."""
    left = Counter(others)
    found = []
    for line in lines:
        left[line] -= 1
        if left[line] < 0:
            found.append(line)
    return tuple(found)


def _wear(old: Chip, new: Chip) -> Iterator[tuple[int, int, int]]:
    for sector in sorted({**old.wear, **new.wear}):
        counts = old.wear.get(sector, 0), new.wear.get(sector, 0)
        if counts[0] != counts[1]:
            yield sector, *counts


def _ranges(old: Found, new: Found, secrets: bool) -> Iterator[tuple[str, tuple[Range, ...]]]:
    """The bytes that differ, by the partitions of ``old``, as far as both chips reach."""
    same = old.layout == new.layout and not old.layout.damage
    size = old.chip.geometry.sector
    end = min(old.chip.geometry.size, new.chip.geometry.size)
    # What cannot be read has cells all the same, and a packed image holds them.
    cells = tuple(Chip(found.chip.geometry, found.chip.sectors) for found in (old, new))
    found: dict[str, tuple[Range, ...]] = {}
    for part in areas(old):
        start, length = part.first * size, min(part.count * size, end - part.first * size)
        if length > 0:
            told = secrets or (same and part.name in OPEN)
            pair = cells[0].read(start, length), cells[1].read(start, length)
            found[part.name] = (*found.get(part.name, ()), *_spans(start, *pair, told))
    yield from ((name, ranges) for name, ranges in found.items() if ranges)


def _spans(start: int, old: bytes, new: bytes, told: bool) -> Iterator[Range]:
    if old == new:
        return
    unlike = (int.from_bytes(old, "big") ^ int.from_bytes(new, "big")).to_bytes(len(old), "big")
    ends = [(gap.start(), gap.end()) for gap in _GAP.finditer(unlike)]
    at = 0
    for first, behind in (*ends, (len(unlike), len(unlike))):
        piece = unlike[at:first].rstrip(b"\0")
        address = first if not piece else at + len(piece) - len(piece.lstrip(b"\0"))
        length = at + len(piece) - address
        if piece:
            shown_end = address + min(length, TOLD)
            pair = (old[address:shown_end], new[address:shown_end]) if told else (None, None)
            yield Range(start + address, length, *pair)
        at = behind


def comparison_json(found: Comparison, secrets: bool) -> dict[str, Any]:
    """The object of ``diff --json``."""
    return {
        "equal": found.equal,
        "old": found.old.name,
        "new": found.new.name,
        "notes": {
            side: [{"code": note.code, "text": note.text} for note in image.dump.notes]
            for side, image in (("old", found.old), ("new", found.new))
        },
        "differences": [
            {
                "section": each.section,
                "name": each.name,
                "old": _shown(each.old, secrets),
                "new": _shown(each.new, secrets),
            }
            for each in found.differences
        ],
        "settings": [
            {
                "layer": each.layer,
                "key": each.key,
                "what": each.what,
                "old": setting_json(each.old, secrets),
                "new": setting_json(each.new, secrets),
            }
            for each in found.settings
        ],
        "log": {
            "old": [line_json(line, secrets) for line in found.log_old],
            "new": [line_json(line, secrets) for line in found.log_new],
        },
        "wear": [{"sector": sector, "old": old, "new": new} for sector, old, new in found.wear],
        "bytes": [
            {"partition": name, "ranges": [_range_json(each) for each in ranges]}
            for name, ranges in found.ranges.items()
        ],
    }


def _shown(text: str | None, secrets: bool) -> str | None:
    return None if text is None else shown("", text, secrets)


def _range_json(found: Range) -> dict[str, Any]:
    old, new = (None if side is None else side.hex() for side in (found.old, found.new))
    return {"address": found.address, "length": found.length, "old": old, "new": new}
