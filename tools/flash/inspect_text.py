"""``inspect`` for a person: what is on a chip in lines, the settings in a table, the sectors on a map."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from itertools import groupby

from emulator.events.masking import HIDDEN, printable, repr_text
from flash_image import EVERY, Faults, Limit, Partition
from tools.flash.inspecting import Inspection, bits, in_doubt, used
from tools.flash.keys import shown
from tools.flash.reading import Found, Setting, Slot
from tools.flash.sectors import COLUMNS, LEGEND, NOWHERE, Row, areas, rows
from tools.flash.spec import STATES
from tools.flash.words import FILE, FIRMWARE
from tools.phone_lines import LOG_LINES, log_time
from tools.printing import styled, table, width

LABEL = 10
"""Columns of the label in front of a line."""


def inspection_text(seen: Inspection, secrets: bool) -> Iterator[str]:
    """All of ``inspect``, line by line, none longer than the terminal is wide."""
    found = seen.found
    yield from told("image", f"{printable(seen.image.name)}: {seen.image.dump.form}, {seen.image.size:,} bytes")
    yield from chip_lines(found)
    yield from journal_lines(found)
    url = "none" if found.url is None else printable(shown("", found.url, secrets))
    yield from told("last URL", url)
    yield from firmware_lines(found)
    yield from file_lines(found)
    yield from setting_lines(found, secrets)
    yield from log_lines(found, secrets)
    yield from wear_lines(seen)
    yield from partition_lines(found)
    yield from map_lines(seen)


def told(label: str, text: str) -> Iterator[str]:
    """``text`` behind its label, in as many lines as the terminal needs."""
    limit = width()
    lines = textwrap.wrap(text, max(20, limit - LABEL), drop_whitespace=True) if limit else [text]
    for at, line in enumerate(lines or [""]):
        yield f"{label if at == 0 else '':{LABEL}}{line}".rstrip()


def fit(line: str) -> str:
    """``line`` cut to the width of the terminal."""
    limit = width()
    return line[: limit - 1] + "…" if limit and len(line) > limit else line


def chip_lines(found: Found) -> Iterator[str]:
    """Sizes, format, and who the phone is."""
    geometry = found.chip.geometry
    sizes = f"{geometry.size:,} bytes: {geometry.sector_count:,} sectors of {geometry.sector:,}"
    yield from told("chip", f"{sizes}, pages of {geometry.page:,}; format {found.layout.version}")
    if found.layout.damage:
        yield from told("table", f"damaged ({found.layout.damage}), so the built-in partitions are taken")
    who = found.identity
    if who is None:
        yield from told("phone", f"unknown: {found.lost.replace('factory-data-', 'the factory data is ')}")
    else:
        yield from told("phone", f"{who.model} {who.mac}, serial number {who.serial or '(empty)'}")


def journal_lines(found: Found) -> Iterator[str]:
    """Where the settings are, and how sound that is."""
    mounted = found.mounted
    where = "no bank is sound" if mounted.bank is None else f"bank {mounted.bank}, transaction {mounted.sequence}"
    yield from told("journal", f"{where}, generation {mounted.generation}")
    damage = ", ".join(f"{each.code} at {each.address:#x}" for each in mounted.damage)
    yield from told("", f"damage: {damage or 'none'}; unsettled: {', '.join(in_doubt(found)) or 'nothing'}")


def firmware_lines(found: Found) -> Iterator[str]:
    """Which firmware is started, and what is in the slots."""
    yield from told("boot", boot_text(found))
    for slot in found.slots:
        yield from told(f"slot {slot.name}", slot_text(slot))


def boot_text(found: Found) -> str:
    """What the boot environment says."""
    choice = found.environment.choice
    if choice is None:
        lost = found.environment.damaged
        return "the environment is lost" if lost else "the firmware that the phone came with; nothing was ever chosen"
    what = f"slot {choice.slot}" if choice.slot else "the firmware that the phone came with"
    tries = f", starts on trial: {choice.tries}" if choice.tries else ""
    return f"{what}, {STATES[choice.state]}{tries}; choice number {choice.number}"


def slot_text(slot: Slot) -> str:
    """What is in a slot."""
    if slot.image is None:
        return "blank" if slot.fault == "blank" else f"not sound: {FIRMWARE.get(slot.fault, slot.fault)}"
    size = f"{len(slot.image.payload):,} of {slot.size:,} bytes"
    return f"{slot.image.version} for {slot.image.model}, {size}{', hangs' if slot.image.hangs else ''}, sound"


def file_lines(found: Found) -> Iterator[str]:
    """The saved files."""
    if not found.files:
        yield from told("files", "none saved")
    for at, file in enumerate(found.files):
        state = f"not sound: {FILE[file.fault]}" if file.fault else "sound"
        yield from told("" if at else "files", f"{printable(file.name)}, {file.ref.length:,} bytes, {state}")


def setting_lines(found: Found, secrets: bool) -> Iterator[str]:
    """The stored values in a table."""
    yield from told("settings", f"{len(found.settings)} stored" if found.settings else "none stored")
    if found.settings:
        heading = ("  layer", "key", "perm", "access", "value")
        yield from table([heading, *(setting_row(setting, secrets) for setting in found.settings)])


def setting_row(setting: Setting, secrets: bool) -> tuple[str, str, str, str, str]:
    """A stored value in columns."""
    marks = printable(setting.perm), printable(setting.access)
    return (f"  {setting.layer}", printable(setting.key), *marks, quoted(setting, secrets))


def quoted(setting: Setting, secrets: bool) -> str:
    """The value in quotes, or hidden."""
    value = shown(setting.key, setting.value, secrets, setting.layer)
    return value if value == HIDDEN else repr_text(value)


def log_lines(found: Found, secrets: bool) -> Iterator[str]:
    """The last lines of the phone's log."""
    lines = found.log.lines
    tail = lines[-LOG_LINES:]
    torn = f", {len(found.log.torn)} pages are not whole" if found.log.torn else ""
    last = f", the last {len(tail)}:" if len(lines) > len(tail) else ":" if lines else ""
    yield from told("log", f"{len(lines):,} lines{torn}{last}")
    for line in tail:
        text = printable(f"{line.tag}  {shown('', line.text, secrets)}")
        yield fit(f"  {log_time(line):>12}  {line.severity} {text}")


def wear_lines(seen: Inspection) -> Iterator[str]:
    """How much the chip was used, and what is wrong with its cells."""
    wear = seen.wear
    if wear.worst is None:
        yield from told("wear", "none" if seen.image.dump.form == "packed" else "unknown: only a packed image tells it")
    else:
        spread = f"least {wear.least:,}, median {wear.median:,}, most {wear.most:,} (sector {wear.worst})"
        yield from told("wear", f"{wear.total:,} erasures of {wear.sectors:,} sectors: {spread}")
    faults = seen.image.chip.faults
    yield from told("faults", "none" if faults is None else "; ".join(fault_texts(faults)) or "none")
    if seen.image.dump.holes:
        missing = sum(end - first for first, end in seen.image.dump.holes)
        yield from told("holes", f"{missing:,} bytes of the chip are not in the file")


def fault_texts(faults: Faults) -> Iterator[str]:
    """What is wrong with the cells."""
    for masks, what in ((faults.flips, "flipped"), (faults.unstable, "that read both ways")):
        if masks:
            yield f"{bits(masks):,} bits {what}, the first at {min(masks):#x}"
    yield from limit_texts(faults.limits)


def limit_texts(limits: Mapping[int, Limit]) -> Iterator[str]:
    """Sectors that wear out, those of a kind together."""
    kinds: dict[Limit, list[int]] = {}
    for sector, limit in sorted(limits.items()):
        if sector != EVERY:
            kinds.setdefault(limit, []).append(sector)
    for limit, sectors in kinds.items():
        more = f" and {len(sectors) - 1:,} more" if len(sectors) > 1 else ""
        yield f"sector {sectors[0]}{more}: {limit.behaviour} from {limit.erasures:,} erasures on"
    if EVERY in limits:
        yield f"every other sector: {limits[EVERY].behaviour} from {limits[EVERY].erasures:,} erasures on"


def partition_lines(found: Found) -> Iterator[str]:
    """What is where, and how full it is."""
    lines = [("partition", "sectors", "not blank")]
    for part in areas(found):
        full = f"{used(found, part.first, part.count):,} of {part.count:,}"
        lines.append((name_of(part), span(part.first, part.count), full))
    yield from table(lines)


def span(first: int, count: int) -> str:
    """A run of sectors."""
    return str(first) if count == 1 else f"{first} to {first + count - 1}"


def map_lines(seen: Inspection) -> Iterator[str]:
    """The map of the sectors, and what its letters mean."""
    limit = width()
    size = max(len(name_of(part)) for part in areas(seen.found))
    columns = min(COLUMNS, max(8, limit - size - 9)) if limit else COLUMNS
    made = rows(seen.found, seen.image.dump.holes, columns)
    yield "map"
    for row in made:
        run = f"1:{row.run}" if row.run > 1 else ""
        yield f"  {name_of(row):{size}} {run:>4}  {coloured(row.letters)}"
    for letter in dict.fromkeys(letter for row in made for letter in row.letters):
        meaning, style = LEGEND[letter]
        yield f"{'':{size + 9}}{styled(letter, style)}  {meaning}"
    if any(row.run > 1 for row in made):
        yield f"{'':{size + 9}}1:N  each letter stands for N sectors"


def name_of(part: Partition | Row) -> str:
    """The name of a partition, or of what belongs to none."""
    return "(none)" if part.name == NOWHERE else printable(part.name)


def coloured(letters: str) -> str:
    """Letters in the colours of the legend."""
    return "".join(styled("".join(run), LEGEND[letter][1]) for letter, run in groupby(letters))
