"""The flash chip of the phone and what is written on it.

`Chip` is a NOR chip: sectors, pages, wear and, if wanted, faults. `factory` builds one as it leaves the factory,
`partitions` and `identity` say what is where. `mount` reads the settings journal, `plan` gives the operations that
commit changes to settings and saved files at once, safe against a power cut anywhere, and `wipe` those that clear them
all. `read_slot` and `plan_block` are about the two firmware slots, `read_environment` and `plan_choice` about which of
them is started, `read_log` and `plan_log` about the phone's own log. `settle` and `settle_environment` make firm what a
power cut left. `FORMAT` is all of that as one value. `tear` and `leave` are what a power cut does to an operation.
`pack` and `unpack` turn chips into bytes and back.

The package knows nothing of phones. It is pure: no input or output, no clock, no randomness.
"""

from flash_image.chip import MAX_SECTOR, MAX_SIZE, Chip, ChipFault, Erase, Geometry, Op, Program, Timing, programs
from flash_image.dumps import MAX_DUMP, SUFFIXES, Dump, DumpError, Form, Note, form_of, read_dump, write_dump
from flash_image.faults import BEHAVIOURS, EVERY, Behaviour, Faults, Limit
from flash_image.files import FileDamaged, read_file
from flash_image.firmware import FirmwareError, FirmwareImage, decode_firmware, encode_firmware, is_version
from flash_image.format import FORMAT, Format
from flash_image.image import ImageError, from_raw, is_packed, pack, raw, unpack
from flash_image.journal import Damage, DamageCode, Mounted, Unsettled, mount, plan, wipe
from flash_image.layout import Identity, Layout, LayoutError, Partition, built_in, factory, identity, partitions
from flash_image.logring import LogEnd, LogLine, LogRead, has_log, plan_log, read_log
from flash_image.records import FileRef, JournalError, JournalFull
from flash_image.settling import settle, settle_environment
from flash_image.slots import (
    CONFIRMED,
    NO_ORDER,
    ROLLED_BACK,
    TRIAL,
    Choice,
    Environment,
    first_sector,
    has_slots,
    plan_block,
    plan_choice,
    read_environment,
    read_slot,
    slot_size,
)
from flash_image.tears import KINDS, Tear, TearKind, Torn, elapsed, leave, size_of, tear, tears_of

__all__ = [
    "BEHAVIOURS",
    "CONFIRMED",
    "EVERY",
    "FORMAT",
    "KINDS",
    "MAX_DUMP",
    "MAX_SECTOR",
    "MAX_SIZE",
    "NO_ORDER",
    "ROLLED_BACK",
    "SUFFIXES",
    "TRIAL",
    "Behaviour",
    "Chip",
    "ChipFault",
    "Choice",
    "Damage",
    "DamageCode",
    "Dump",
    "DumpError",
    "Environment",
    "Erase",
    "Faults",
    "FileDamaged",
    "FileRef",
    "FirmwareError",
    "FirmwareImage",
    "Form",
    "Format",
    "Geometry",
    "Identity",
    "ImageError",
    "JournalError",
    "JournalFull",
    "Layout",
    "LayoutError",
    "Limit",
    "LogEnd",
    "LogLine",
    "LogRead",
    "Mounted",
    "Note",
    "Op",
    "Partition",
    "Program",
    "Tear",
    "TearKind",
    "Timing",
    "Torn",
    "Unsettled",
    "built_in",
    "decode_firmware",
    "elapsed",
    "encode_firmware",
    "factory",
    "first_sector",
    "form_of",
    "from_raw",
    "has_log",
    "has_slots",
    "identity",
    "is_packed",
    "is_version",
    "leave",
    "mount",
    "pack",
    "partitions",
    "plan",
    "plan_block",
    "plan_choice",
    "plan_log",
    "programs",
    "raw",
    "read_dump",
    "read_environment",
    "read_file",
    "read_log",
    "read_slot",
    "settle",
    "settle_environment",
    "size_of",
    "slot_size",
    "tear",
    "tears_of",
    "unpack",
    "wipe",
    "write_dump",
]
