"""Where the value of a setting came from when a phone read its settings: the flash, or the factory."""

from __future__ import annotations

from typing import Protocol

from attrs import frozen

from emulator.phone.catalogue import catalogue
from tools.why.subjects import LAYERS


class Values(Protocol):
    """The values that a flash holds."""

    def value(self, subject: str, n: int) -> str | None:
        """What was stored of a subject just after event ``n``; None if nothing."""


@frozen
class Origin:
    """The value of a setting that was loaded. subject: its journal key, "" for the factory default."""

    key: str
    value: str
    subject: str


def origin_at_load(flash: Values, load: int, key: str) -> Origin:
    """Where the value of a setting came from when settings were loaded in event ``load`` (PROV-181)."""
    for prefix in LAYERS:
        value = flash.value(f"{prefix}{key}", load)
        if value is not None:
            return Origin(key, value, f"{prefix}{key}")
    return Origin(key, default(key), "")


def default(key: str) -> str:
    """The factory default of a setting; "" for one that the catalogue does not know."""
    parameter = catalogue().by_tag.get(key.partition("/")[0])
    return "" if parameter is None else parameter.default
