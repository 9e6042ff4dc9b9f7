"""Whose firmware is tried: today's phone, or a variant that a user names."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from emulator.events.masking import printable
from emulator.log.store import LogError
from emulator.phone.firmware import Firmware
from emulator.phone.kx_utg200 import kx_utg200
from tools.fuzz.executing import Make

FAILED = frozenset(("connect-timeout", "cut-off", "idle-timeout", "refused"))
"""How a connection fails, as a run remembers it."""


def loaded(name: str) -> Make:
    """The firmware that ``package.module:Name`` gives, "" for today's phone.

    Name is a function of the version, or has one called ``firmware``; modules of this folder are found. Raises
    LogError.
    """
    if not name:
        return kx_utg200
    found = named(name, "--firmware")
    make: Callable[[str], Any] = getattr(found, "firmware", found)
    try:
        made = make("03.210")
    except Exception as error:
        raise LogError(f"--firmware {name}: cannot be made: {type(error).__name__}: {printable(str(error))}") from None
    if not isinstance(made, Firmware):
        raise LogError(f"--firmware {name}: gives a {type(made).__name__}, not a Firmware")
    return make


def named(name: str, option: str) -> Any:
    """What ``package.module:Name`` names. Raises LogError."""
    module, colon, attribute = name.partition(":")
    if not colon or not module or not attribute:
        raise LogError(f"{option} {name}: give it as package.module:Name")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = import_module(module)
    except Exception as error:
        raise LogError(f"{option} {name}: {module} cannot be imported: {printable(str(error))}") from None
    try:
        return getattr(found, attribute)
    except AttributeError:
        raise LogError(f"{option} {name}: {module} has no {attribute}") from None


def canary(make: Make) -> Make:
    """The phone of ``make`` with a planted fault: it forgets to try again once a connection has failed.

    A campaign that does not find this within a minute would find little else, and its report says so.
    """
    from emulator.events import Entry, RunEnded
    from emulator.phone import triggers

    original = triggers.run_ended

    def forgetful(phone: Any, event: RunEnded, entry: Entry) -> Any:
        if not FAILED.isdisjoint(phone.provisioning.reasons.values()):
            return ()
        return original(phone, event, entry)

    def made(version: str) -> Firmware:
        return make(version).replacing(original, forgetful)

    return made
