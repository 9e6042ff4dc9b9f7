"""The settings: factory defaults, what provisioning stored, what the user typed, and who may change what.

Keys are ``TAG``, or ``TAG/line`` for a parameter of one line. A value is, in this order, the user's, the provisioned
one, the factory default (PROV-181; "an empty string is set", spec section 22).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import attrs

from emulator.events import CertificateRead, Entry, SettingChanged
from emulator.phone.catalogue import catalogue
from emulator.phone.firmware import applies
from emulator.phone.parts import PartState, part

if TYPE_CHECKING:
    from emulator.phone.state import Phone


class Stored(NamedTuple):
    """A provisioned value with the attributes that came with it (PROV-166)."""

    value: str
    perm: str
    access: str


@part
class Settings(PartState):
    """What is stored, and since which entry of the log.

    provisioned, user: by key; since: entry that last changed a key; loaded: entry of SettingsLoaded; roots: root
    certificate file to the SHA-256 of its certificate; files: saved files; last_url: URL of the last good run;
    url_since: entry that says so.
    """

    mac: str = ""
    model: str = ""
    serial: str = ""
    provisioned: dict[str, Stored] = attrs.Factory(dict)
    user: dict[str, str] = attrs.Factory(dict)
    since: dict[str, int] = attrs.Factory(dict)
    roots: dict[str, str] = attrs.Factory(dict)
    files: tuple[str, ...] = ()
    last_url: str = ""
    url_since: int = 0
    loaded: int = 0

    def value(self, key: str) -> str:
        """The value in force (PROV-181); "" for an unknown key."""
        found = self.user.get(key)
        if found is not None:
            return found
        stored = self.provisioned.get(key)
        return default(key) if stored is None else stored.value

    def enabled(self, key: str) -> bool:
        """Whether the flag ``key`` is on."""
        return self.value(key) in ("Y", "Yes")

    def number(self, key: str) -> int:
        """The value of a numeric parameter that has a default; that default if the flash holds no allowed value."""
        return as_number(key.partition("/")[0], self.value(key))

    def grounds(self, key: str) -> int:
        """The entry that the value in force comes from: the change, or the load from flash."""
        return self.since.get(key, self.loaded)

    def editable(self, key: str) -> bool:
        """Whether the user may change ``key`` (PROV-160, spec section 22)."""
        stored = self.provisioned.get(key)
        return stored is None or stored.perm.removeprefix("!") != "R"

    def differing(self) -> dict[str, str]:
        """Every key whose value in force is not the factory default, in sorted order."""
        keys = sorted({*self.provisioned, *self.user})
        return {key: value for key in keys if (value := self.value(key)) != default(key)}


@lru_cache(maxsize=4096)
def default(key: str) -> str:
    """The factory default of ``key``; "" if the catalogue has none or the key is unknown."""
    parameter = catalogue().by_tag.get(key.partition("/")[0])
    return "" if parameter is None else parameter.default


@lru_cache(maxsize=4096)
def as_number(tag: str, value: str) -> int:
    """``value`` as the number it is, or the default of the parameter ``tag`` if it is none that is allowed."""
    parameter = catalogue().by_tag[tag]
    return int(parameter.default if parameter.check(value) else value)


@applies("settings", SettingChanged)
def changed(phone: Phone, event: SettingChanged, entry: Entry) -> None:
    """A stored value changed."""
    settings = phone.settings
    settings.since[event.key] = entry.n
    if event.layer == "provisioned":
        settings.provisioned[event.key] = Stored(event.value or "", event.perm, event.access)
    elif event.value is None:
        settings.user.pop(event.key, None)
    else:
        settings.user[event.key] = event.value


@applies("settings", CertificateRead)
def certificate_read(phone: Phone, event: CertificateRead, entry: Entry) -> None:
    """A root certificate counts from the moment it is read (PROV-222)."""
    phone.settings.roots[event.file] = event.digest
