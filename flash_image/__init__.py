"""The flash chip of the phone and what is written on it.

`Chip` is a NOR chip: sectors, pages, wear. `factory` builds one as it leaves the factory, `partitions` and `identity`
say what is where. `mount` reads the settings journal, `plan` gives the operations that commit changes to settings and
saved files at once, safe against a power cut at any byte, and `wipe` those that clear them all. `pack` and `unpack`
turn chips into bytes and back.

The package knows nothing of phones. It is pure: no input or output, no clock, no randomness.
"""

from flash_image.chip import Chip, ChipFault, Erase, Geometry, Op, Program, Timing, programs
from flash_image.files import FileDamaged, read_file
from flash_image.image import ImageError, from_raw, pack, raw, unpack
from flash_image.journal import Damage, DamageCode, Mounted, mount, plan, wipe
from flash_image.layout import Identity, Layout, LayoutError, Partition, built_in, factory, identity, partitions
from flash_image.records import FileRef, JournalError, JournalFull

__all__ = [
    "Chip",
    "ChipFault",
    "Damage",
    "DamageCode",
    "Erase",
    "FileDamaged",
    "FileRef",
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
    "factory",
    "from_raw",
    "identity",
    "mount",
    "pack",
    "partitions",
    "plan",
    "programs",
    "raw",
    "read_file",
    "unpack",
    "wipe",
]
