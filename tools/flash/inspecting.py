"""``inspect``: what is on a chip, and what state the chip is in."""

from __future__ import annotations

from typing import Any

import attrs
from attrs import frozen

from emulator.phone.storage import unsettled
from flash_image import Chip, LogLine
from tools.flash.content import content_json, content_of
from tools.flash.files import Image, read_image, refused
from tools.flash.keys import shown
from tools.flash.rawjson import raw_json
from tools.flash.reading import Found, SavedFile, Slot, look
from tools.flash.sectors import LEGEND, areas, rows
from tools.flash.spec import STATES
from tools.masks import hidden


@frozen
class Wear:
    """Erasures. total: of all sectors; sectors: that were ever erased, and of these the least, the (lower) median and
    the most; worst: the sector that was erased most, None if none was."""

    total: int = 0
    sectors: int = 0
    least: int = 0
    median: int = 0
    most: int = 0
    worst: int | None = None


@frozen
class Inspection:
    """An image that was looked at."""

    image: Image
    found: Found
    wear: Wear


def inspect(name: str) -> Inspection:
    """Look at the image in the file ``name``. Raises FlashError."""
    image = read_image(name)
    with refused(name):
        return Inspection(image, look(image.chip), wear_of(image.chip))


def wear_of(chip: Chip) -> Wear:
    """How much a chip was erased."""
    counts = sorted(chip.wear.values())
    if not counts:
        return Wear()
    worst = min(sector for sector, count in chip.wear.items() if count == counts[-1])
    return Wear(sum(counts), len(counts), counts[0], counts[(len(counts) - 1) // 2], counts[-1], worst)


def in_doubt(found: Found) -> tuple[str, ...]:
    """What the last power cut left unsettled, as fixed codes: of the journal, and of the boot environment."""
    environment = found.environment
    boot = {"boot": environment.firm is not None, "boot-copy": bool(environment.torn)}
    return (*unsettled(found.mounted), *(code for code, is_so in boot.items() if is_so))


def used(found: Found, first: int, count: int) -> int:
    """How many of ``count`` sectors from ``first`` on are not blank."""
    return sum(sector in found.chip.sectors for sector in range(first, first + count))


def inspection_json(seen: Inspection, secrets: bool) -> dict[str, Any]:
    """The object of ``inspect --json``; with ``secrets`` it is complete, and ``build`` makes an equal image of it."""
    image, found = seen.image, seen.found
    mounted = found.mounted
    whole = {"content": content_json(content_of(found)), "raw": raw_json(image.chip)} if secrets else {}
    return {
        "image": image.name,
        "form": image.dump.form,
        "notes": [attrs.asdict(note) for note in image.dump.notes],
        "holes": [list(hole) for hole in image.dump.holes],
        "secrets": secrets,
        "geometry": attrs.asdict(found.chip.geometry),
        "format": found.layout.version,
        "table": found.layout.damage or "sound",
        "partitions": [
            {"name": part.name, "first": part.first, "count": part.count, "used": used(found, part.first, part.count)}
            for part in areas(found)
        ],
        "identity": None if found.identity is None else attrs.asdict(found.identity),
        "journal": {
            "bank": mounted.bank,
            "generation": mounted.generation,
            "sequence": mounted.sequence,
            "damage": [attrs.asdict(damage) for damage in mounted.damage],
            "unsettled": list(in_doubt(found)),
        },
        "settings": [{**attrs.asdict(s), "value": shown(s.key, s.value, secrets, s.layer)} for s in found.settings],
        "files": [file_json(file) for file in found.files],
        "last_url": None if found.url is None else shown("", found.url, secrets),
        "boot": boot_json(found),
        "slots": [slot_json(slot) for slot in found.slots],
        "log": {"torn": list(found.log.torn), "lines": [line_json(line, secrets) for line in found.log.lines]},
        "wear": attrs.asdict(seen.wear),
        "faults": faults_json(image.chip),
        "map": [attrs.asdict(row) for row in rows(found, image.dump.holes)],
        "legend": {letter: meaning for letter, (meaning, _) in LEGEND.items()},
        **whole,
    }


def file_json(file: SavedFile) -> dict[str, Any]:
    """A saved file for a program; fault: "" if it is sound."""
    return {"name": file.name, "size": file.ref.length, "fault": file.fault, "sectors": list(file.ref.sectors)}


def slot_json(slot: Slot) -> dict[str, Any]:
    """A firmware slot for a program; fault: "" if the image is sound."""
    image = slot.image
    told = {} if image is None else {"model": image.model, "version": image.version, "hangs": image.hangs}
    return {"slot": slot.name, "size": slot.size, "fault": slot.fault, **told}


def boot_json(found: Found) -> dict[str, Any]:
    """The boot choice for a program; slot: None if it was never made or is lost."""
    choice, damaged = found.environment.choice, found.environment.damaged
    if choice is None:
        return {"slot": None, "damaged": damaged}
    told = {"state": STATES[choice.state], "tries": choice.tries, "order": choice.order.hex(), "number": choice.number}
    return {"slot": choice.slot, "damaged": damaged, **told}


def line_json(line: LogLine, secrets: bool) -> dict[str, Any]:
    """A line of the log for a program."""
    told = attrs.asdict(line)
    return told if secrets else {name: hidden(value) for name, value in told.items()}


def faults_json(chip: Chip) -> dict[str, Any] | None:
    """What is wrong with the cells, counted; None if nothing can be."""
    faults = chip.faults
    if faults is None:
        return None
    limits = [{"sector": sector, **attrs.asdict(limit)} for sector, limit in sorted(faults.limits.items())]
    return {
        "flipped": {"bits": bits(faults.flips), "bytes": len(faults.flips)},
        "unstable": {"bits": bits(faults.unstable), "bytes": len(faults.unstable)},
        "limits": limits,
    }


def bits(masks: dict[int, int]) -> int:
    """How many bits are set in all the masks."""
    return sum(mask.bit_count() for mask in masks.values())
