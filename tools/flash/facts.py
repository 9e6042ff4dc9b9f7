"""What a chip has that has a name: sizes, partitions, identity, journal, files, URL, boot choice, slots, faults."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from attrs import frozen

from flash_image import EVERY, Chip
from tools.flash.inspect_text import boot_text, slot_text, span
from tools.flash.inspecting import in_doubt
from tools.flash.reading import Found
from tools.flash.words import FILE

Facts = dict[tuple[str, str], "Fact"]
"""(section, name) to what there is."""


@frozen
class Fact:
    """text: for a person; value: what it is compared by, besides."""

    text: str
    value: bytes | None = None


def chip_facts(found: Found) -> Facts:
    """Everything on a chip that has a name, but settings and lines of the log."""
    return {(section, name): fact for section, name, fact in _facts(found)}


def _facts(found: Found) -> Iterator[tuple[str, str, Fact]]:
    for name, value in attrs.asdict(found.chip.geometry).items():
        yield "chip", name, Fact(f"{value:,} bytes")
    yield "chip", "format", Fact(str(found.layout.version))
    yield "chip", "partition table", Fact(found.layout.damage or "sound")
    for part in found.layout.partitions:
        yield "chip", f"partition {part.name}", Fact(f"sectors {span(part.first, part.count)}")
    if found.identity is None:
        yield "phone", "factory data", Fact(found.lost.removeprefix("factory-data-"))
    else:
        for name, value in attrs.asdict(found.identity).items():
            yield "phone", name, Fact(value)
    yield from _journal(found)
    if found.url is not None:
        yield "last URL", "", Fact(found.url)
    for file in found.files:
        state = FILE[file.fault] if file.fault else "sound"
        yield "file", file.name, Fact(f"{file.ref.length:,} bytes, {state}", file.body)
    choice = found.environment.choice
    yield "boot", "", Fact(boot_text(found), None if choice is None else choice.order)
    for slot in found.slots:
        yield "slot", slot.name, Fact(slot_text(slot), None if slot.image is None else slot.image.payload)


def _journal(found: Found) -> Iterator[tuple[str, str, Fact]]:
    mounted = found.mounted
    yield "journal", "bank", Fact("none" if mounted.bank is None else str(mounted.bank))
    yield "journal", "generation", Fact(str(mounted.generation))
    yield "journal", "transaction", Fact(str(mounted.sequence))
    damage = ", ".join(f"{each.code} at {each.address:#x}" for each in mounted.damage)
    yield "journal", "damage", Fact(damage or "none")
    yield "journal", "unsettled", Fact(", ".join(in_doubt(found)) or "nothing")


def fault_facts(chip: Chip) -> Facts:
    """The faults of a chip, one by one."""
    faults = chip.faults
    if faults is None:
        return {}
    told = {("faults", "turn"): Fact(str(faults.turn))}
    for masks, what in ((faults.flips, "flipped"), (faults.unstable, "unstable")):
        told |= {("faults", f"{what} at {at:#x}"): Fact(f"bits {mask:02x}") for at, mask in sorted(masks.items())}
    for sector, limit in sorted(faults.limits.items()):
        which = "every other sector" if sector == EVERY else f"sector {sector}"
        told["faults", which] = Fact(f"{limit.behaviour} from {limit.erasures:,} erasures on")
    return told
