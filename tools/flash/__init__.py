"""``offhook flash``: flash images by hand. Every verb is a function that returns its result.

``build`` makes an image, ``inspect`` tells what is on one, ``diff`` compares two; ``get_setting``, ``set_setting`` and
``remove_setting`` are about single values, ``extract`` and ``insert`` about files, firmware and partitions; ``convert``
writes an image in another form and ``dump`` that of a phone in a run. Their errors are ``FlashError``, those about runs
LogError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.lazy import imports

if TYPE_CHECKING:
    from tools.flash.building import build
    from tools.flash.comparing import diff
    from tools.flash.files import FlashError
    from tools.flash.inspecting import inspect
    from tools.flash.moving import convert, dump
    from tools.flash.parts import extract, insert
    from tools.flash.settings import get_setting, remove_setting, set_setting

_HOMES = {
    "FlashError": "tools.flash.files",
    "build": "tools.flash.building",
    "inspect": "tools.flash.inspecting",
    "diff": "tools.flash.comparing",
    **dict.fromkeys(("get_setting", "set_setting", "remove_setting"), "tools.flash.settings"),
    **dict.fromkeys(("extract", "insert"), "tools.flash.parts"),
    **dict.fromkeys(("convert", "dump"), "tools.flash.moving"),
}

__all__ = [
    "FlashError",
    "build",
    "convert",
    "diff",
    "dump",
    "extract",
    "get_setting",
    "insert",
    "inspect",
    "remove_setting",
    "set_setting",
]

__getattr__ = imports(__name__, _HOMES)
