"""The flash chip of the phone and what is written on it.

`Chip` is a NOR chip: sectors, pages, wear. `factory` builds one as it leaves the factory, `partitions` and `identity`
say what is where. `mount` reads the settings journal, `plan` gives the operations that commit changes to settings and
saved files at once, safe against a power cut at any byte, and `wipe` those that clear them all. `read_slot` and
`plan_block` are about the two firmware slots, `read_environment` and `plan_choice` about which of them is started.
`pack` and `unpack` turn chips into bytes and back.

The package knows nothing of phones. It is pure: no input or output, no clock, no randomness.
"""

from flash_image.chip import Chip, ChipFault, Erase, Geometry, Op, Program, Timing, programs
from flash_image.files import FileDamaged, read_file
from flash_image.firmware import FirmwareError, FirmwareImage, decode_firmware, encode_firmware, is_version
from flash_image.image import ImageError, from_raw, pack, raw, unpack
from flash_image.journal import Damage, DamageCode, Mounted, mount, plan, wipe
from flash_image.layout import Identity, Layout, LayoutError, Partition, built_in, factory, identity, partitions
from flash_image.records import FileRef, JournalError, JournalFull
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

__all__ = [
    "CONFIRMED",
    "NO_ORDER",
    "ROLLED_BACK",
    "TRIAL",
    "Chip",
    "ChipFault",
    "Choice",
    "Damage",
    "DamageCode",
    "Environment",
    "Erase",
    "FileDamaged",
    "FileRef",
    "FirmwareError",
    "FirmwareImage",
    "Geometry",
    "Identity",
    "ImageError",
    "JournalError",
    "JournalFull",
    "Layout",
    "LayoutError",
    "Mounted",
    "Op",
    "Partition",
    "Program",
    "Timing",
    "built_in",
    "decode_firmware",
    "encode_firmware",
    "factory",
    "first_sector",
    "from_raw",
    "has_slots",
    "identity",
    "is_version",
    "mount",
    "pack",
    "partitions",
    "plan",
    "plan_block",
    "plan_choice",
    "programs",
    "raw",
    "read_environment",
    "read_file",
    "read_slot",
    "slot_size",
    "unpack",
    "wipe",
]
