"""``extract`` and ``insert``: saved files, firmware, the log, and partitions as they are."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from attrs import frozen

from emulator.events.masking import printable
from emulator.phone.storage import ROOTS
from flash_image import (
    MAX_SIZE,
    Chip,
    Erase,
    Note,
    Partition,
    encode_firmware,
    programs,
)
from flash_image.layout import FILES, JOURNAL
from tools.flash.changing import NOT_KEPT, carry_out, commit, sound_certificate, sound_firmware, write_slot
from tools.flash.content import SAVED
from tools.flash.files import Image, Refusal, Written, place, read_bytes, read_image, refused, save_back
from tools.flash.keys import shown
from tools.flash.reading import Found, look, still
from tools.flash.words import FILE, FIRMWARE
from tools.masks import shows_secret
from tools.phone_lines import log_time

SLOT_NAMES = {"firmware-a": "A", "firmware-b": "B"}
LOG_NAME = "log"
SECRETIVE = (JOURNAL, FILES)
"""Partitions that passwords lie in as they are."""


@frozen
class Extracted:
    """Something that was taken out of an image. secret: it holds passwords or keys, or may."""

    image: Image
    written: Written
    secret: bool


@frozen
class Inserted:
    """Something that was put into an image. size: in bytes; written: None if it was there already."""

    image: Image
    name: str
    size: int
    written: Written | None


def extract(
    image: str, name: str, output: str, *, raw: bool = False, force: bool = False, secrets: bool = False
) -> Extracted:
    """Write a saved file, ``firmware-a`` or ``-b``, the ``log`` as text, or with ``raw`` a whole partition, to a file.

    secrets: leave them in the text of the log. Raises FlashError if there is no such thing, or no sound one.
    """
    read = read_image(image)
    notes: tuple[Note, ...] = ()
    with refused(image):
        found = look(read.chip)
        if raw:
            data, notes = raw_partition(found, name)
        else:
            data = part(found, name, secrets)
    streamed = place(output, data, force)
    secret = name in SECRETIVE if raw else shows_secret(data)
    return Extracted(read, Written(output, name, len(data), streamed, notes), secret)


def part(found: Found, name: str, secrets: bool) -> bytes:
    """The bytes of what has that name. Raises FlashError."""
    if name == LOG_NAME:
        return "".join(f"{line}\n" for line in log_text(found, secrets)).encode("utf-8", "replace")
    slot = next((slot for slot in found.slots if slot.name == SLOT_NAMES.get(name)), None)
    if slot is not None:
        if slot.image is None:
            raise Refusal(f"{name} holds no sound firmware: {FIRMWARE[slot.fault]}; --raw takes all of it")
        return encode_firmware(slot.image)
    file = found.file(name)
    if file is None:
        raise Refusal(missing(name, [*(each.name for each in found.files), *SLOT_NAMES, LOG_NAME]))
    if file.body is None:
        raise Refusal(f"{printable(name)} is not sound: {FILE[file.fault]}")
    return file.body


def missing(name: str, known: list[str]) -> str:
    """That there is no ``name``, and what it may have meant."""
    near = get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"there is no {printable(name)!r} on this chip; {printable(hint)}"


def log_text(found: Found, secrets: bool) -> Iterator[str]:
    """The log, a line each: when, severity, who, what."""
    for line in found.log.lines:
        yield printable(f"{log_time(line)} {line.severity} {line.tag} {shown('', line.text, secrets)}")


def partition(found: Found, name: str) -> Partition:
    """The partition of that name. Raises FlashError."""
    area = found.layout.find(name)
    if area is None:
        raise Refusal(missing(name, [each.name for each in found.layout.partitions]))
    return area


def raw_partition(found: Found, name: str) -> tuple[bytes, tuple[Note, ...]]:
    """Every byte of a partition as the chip reads it, and a note if it cannot read all."""
    area = partition(found, name)
    chip = found.chip
    blank = b"\xff" * chip.geometry.sector
    bad = set(chip.faults.limits if chip.faults is not None else ())
    own = range(area.first, area.first + area.count)
    data = b"".join(blank if sector in bad else chip.sectors.get(sector, blank) for sector in own)
    unreadable = sum(sector in bad for sector in own)
    note = Note("unreadable", f"{unreadable} sectors cannot be read; they are given as 0xFF")
    return data, (note,) if unreadable else ()


def insert(
    image: str, name: str, source: str, *, raw: bool = False, output: str | None = None, force: bool = False
) -> Inserted:
    """Put a file where ``name`` says: a saved file, ``firmware-a`` or ``-b``, or with ``raw`` a whole partition.

    force: also a firmware or certificate that is not sound; write over ``output``; write back what would lose
    something. Raises FlashError.
    """
    read = read_image(image)
    data = read_bytes(source, MAX_SIZE)
    chip = read.chip.copy()
    if not force and not raw:
        with refused(source):
            check_sound(name, data)
    with refused(image):
        put(chip, name, data, raw)
    if chip == read.chip and output is None:
        return Inserted(read, name, len(data), None)
    return Inserted(read, name, len(data), save_back(read, chip, output, force))


def check_sound(name: str, data: bytes) -> None:
    """Raise FlashError for firmware or a certificate that a phone would refuse."""
    if name in SLOT_NAMES:
        sound_firmware(data, name)
    elif name in ROOTS:
        sound_certificate(data, name)


def put(chip: Chip, name: str, data: bytes, raw: bool) -> None:
    """Write ``data`` where ``name`` says. Raises FlashError, ChipFault and JournalError."""
    found = look(chip)
    if raw:
        write_partition(chip, partition(found, name), data)
    elif name in SLOT_NAMES:
        held = next((slot.image for slot in found.slots if slot.name == SLOT_NAMES[name]), None)
        if held is None or encode_firmware(held) != data:
            write_slot(chip, SLOT_NAMES[name], data)
    elif name in SAVED or found.file(name) is not None:
        if (file := found.file(name)) is None or file.body != data:
            commit(chip, {}, {name: data})
    elif name == LOG_NAME:
        raise Refusal("the log can only be extracted; --raw puts all of its partition back")
    else:
        raise Refusal(missing(name, [*SAVED, *SLOT_NAMES]))


def write_partition(chip: Chip, area: Partition, data: bytes) -> None:
    """Write ``data`` from the start of a partition on and leave the rest of it blank. Raises FlashError, ChipFault."""
    size = chip.geometry.sector
    if len(data) > area.count * size:
        raise Refusal(f"{len(data):,} bytes do not fit into {printable(area.name)}, which has {area.count * size:,}")
    held = still(chip).sectors
    blank = b"\xff" * size
    for index in range(area.count):
        wanted = data[index * size : (index + 1) * size].ljust(size, b"\xff")
        sector = area.first + index
        if held.get(sector, blank) != wanted:
            filled = wanted.rstrip(b"\xff")
            carry_out(chip, (Erase(sector), *programs(chip.geometry, sector * size, filled)))
    now = still(chip).sectors
    whole = b"".join(now.get(sector, blank) for sector in range(area.first, area.first + area.count))
    if whole != data.ljust(len(whole), b"\xff"):
        raise Refusal(NOT_KEPT)
