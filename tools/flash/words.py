"""The fixed codes of :mod:`flash_image` in words."""

from __future__ import annotations

from collections.abc import Mapping

from flash_image import ChipFault, DumpError, FirmwareError, ImageError, JournalError, LayoutError

DAMAGED = "is damaged or no packed image"
_IMAGE = {
    "too-long": "longer than any image of a chip",
    "too-short": "is a packed image that was cut off",
    "magic": DAMAGED,
    "version": "is a packed image of a later version than this program knows",
    "geometry": "names a size of chip, sector or page that no chip has",
    "length": "is a packed image that was cut off, or something stands behind its end",
    "checksum": "is a packed image whose bytes have changed (wrong checksum)",
    "wear": f"{DAMAGED}: its counts of erasures make no sense",
    "faults": f"{DAMAGED}: its faults make no sense",
    "page-number": f"{DAMAGED}: a page lies beyond the chip",
    "page-blank": f"{DAMAGED}: a page is blank",
}
FIRMWARE: Mapping[str, str] = {
    "blank": "nothing is there",
    "too-short": "it is shorter than the head of an image",
    "magic": "it is no firmware image",
    "container-version": "it is of a later version than this program knows",
    "header-checksum": "its head has changed",
    "header": "its head makes no sense",
    "length": "it is cut off, or longer than it says",
    "payload-hash": "what it carries has changed",
    "bad-model": "a model is 1 to 16 printable ASCII characters",
    "bad-version": "a version has the form 03.220",
    "unreadable": "the chip cannot read it",
}
"""Why there is no sound firmware."""
FILE: Mapping[str, str] = {
    "reference": "its sectors cannot hold it",
    "checksum": "its bytes have changed",
    "unreadable": "the chip cannot read it",
}
"""Why a saved file cannot be read."""
_WORDS: dict[type[Exception], Mapping[str, str]] = {
    ImageError: _IMAGE,
    DumpError: {
        **_IMAGE,
        "empty": "is empty",
        "no-records": "begins like Intel HEX or an S-record, and no line of it is sound",
    },
    FirmwareError: FIRMWARE,
    ChipFault: {
        "geometry": "no chip has such sizes",
        "read-error": "a sector has worn out and cannot be read",
        "program-error": "a sector has worn out and cannot be programmed",
        "erase-error": "a sector has worn out and cannot be erased",
    },
    JournalError: {
        "key-too-long": "a key has at most 255 bytes",
        "key-not-text": "a key is text",
        "value-too-long": "a value has at most 60,000 bytes",
        "file-too-long": "a saved file has at most 300,000 bytes",
        "too-many-changes": "more than 65,535 changes at once",
        "bank-full": "the settings take up all of a bank of the journal; there is no room for this",
        "files-full": "there is no room for this among the saved files",
        "numbers-used-up": "the journal has used up its numbers and takes no more changes",
    },
    LayoutError: {
        "chip-too-small": "the chip is too small for what a phone keeps",
        "bad-mac": "a MAC address is 12 hex digits",
        "bad-model": "a model is 1 to 16 printable ASCII characters",
        "bad-serial": "a serial number is up to 24 printable ASCII characters",
        "factory-data-blank": "there is no factory data",
        "factory-data-damaged": "the factory data is damaged",
    },
}


def in_words(error: Exception) -> str:
    """What ``error`` of the flash says, for a person; its code where there are no words for it."""
    code = str(getattr(error, "reason", error))
    for kind, words in _WORDS.items():
        if isinstance(error, kind) and code in words:
            return words[code]
    return code
