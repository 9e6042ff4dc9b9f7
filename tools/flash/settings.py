"""``get``, ``set``, ``rm``: single stored values, changed as a phone changes them."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from emulator.phone.settings import Stored, default
from emulator.phone.storage import PROVISIONED, USER
from tools.flash.changing import commit
from tools.flash.files import FlashError, Image, Written, read_image, refused, save_back
from tools.flash.keys import URL, allowed_url, as_bytes, checked, parameter, shown
from tools.flash.reading import URL_KEY, Found, Setting, look

LAYERS = ("user", "provisioned")
"""Where a value can be stored; that of the user goes before that of provisioning (PROV-181)."""


@frozen
class Value:
    """What is stored under a key. stored: by layer, that in force first; default: what holds if nothing is."""

    key: str
    stored: tuple[Setting, ...]
    default: str
    image: Image

    @property
    def in_force(self) -> Setting | None:
        """What counts."""
        return self.stored[0] if self.stored else None


@frozen
class Changed:
    """A value that was stored or removed. before: what was there, after: what is; written: None if nothing was."""

    key: str
    before: tuple[Setting, ...]
    after: tuple[Setting, ...]
    image: Image
    written: Written | None


def get_setting(name: str, key: str, layer: str | None = None) -> Value:
    """The value of ``key`` in the image ``name``, of one layer or of both. Raises FlashError."""
    image, found = opened(name, key, layer)
    held = stored(found, key, layer)
    if not held and key != URL:
        parameter(key)
    return Value(key, held, "" if key == URL else default(key), image)


def set_setting(
    name: str,
    key: str,
    value: str,
    *,
    layer: str | None = None,
    perm: str | None = None,
    access: str | None = None,
    output: str | None = None,
    force: bool = False,
) -> Changed:
    """Store a value, by default the user's. A provisioned one keeps its ``perm`` and ``access`` unless they are given.

    force: take a key and a value that the catalogue does not know, write over ``output``, write back what would lose
    something. Raises FlashError.
    """
    image, found = opened(name, key, layer)
    layer = layer or LAYERS[0]
    if layer == "user" and (perm is not None or access is not None):
        raise FlashError("perm and access are those of provisioned values; give --layer provisioned")
    before = stored(found, key, layer)
    old = before[0] if before else Setting(layer, key, "")
    new = Stored(value, old.perm if perm is None else perm, old.access if access is None else access)
    if key == URL:
        made = as_bytes(key, value if force else allowed_url(value))
    else:
        new = new if force else checked(key, new)
        made = as_bytes(key, new if layer == "provisioned" else new.value)
    write = Write(image, key, layer, output, force)
    return write.changed(before, {journal_key(key, layer): made})


def remove_setting(
    name: str, key: str, layer: str | None = None, *, output: str | None = None, force: bool = False
) -> Changed:
    """Remove what is stored under ``key``, of one layer or of both. Raises FlashError."""
    image, found = opened(name, key, layer)
    before = stored(found, key, layer)
    if not before:
        if key != URL:
            parameter(key)
        return Changed(key, (), (), image, None)
    write = Write(image, key, layer, output, force)
    return write.changed(before, {journal_key(key, each.layer): None for each in before})


@frozen
class Write:
    """A change of ``key`` that is to be written: to ``output``, or (None) in the place of the image."""

    image: Image
    key: str
    layer: str | None
    output: str | None
    force: bool

    def changed(self, before: tuple[Setting, ...], values: dict[str, bytes | None]) -> Changed:
        """Commit ``values``. What is so already is not written, unless somewhere else. Raises FlashError."""
        chip = self.image.chip.copy()
        with refused(self.image.name):
            held = look(chip).mounted.values
            there = all(held.get(name) == value for name, value in values.items())
            if not there:
                commit(chip, values, {})
            after = stored(look(chip), self.key, self.layer)
        if there and self.output is None:
            return Changed(self.key, before, after, self.image, None)
        return Changed(self.key, before, after, self.image, save_back(self.image, chip, self.output, self.force))


def opened(name: str, key: str, layer: str | None) -> tuple[Image, Found]:
    """The image and what is on it. Raises FlashError."""
    if key == URL and layer is not None:
        raise FlashError("the last good URL belongs to no layer; leave out --layer")
    image = read_image(name)
    with refused(name):
        return image, look(image.chip)


def stored(found: Found, key: str, layer: str | None) -> tuple[Setting, ...]:
    """What is stored under ``key``, that in force first."""
    if key == URL:
        return () if found.url is None else (Setting("", URL, found.url),)
    held = {setting.layer: setting for setting in found.settings if setting.key == key}
    return tuple(held[each] for each in LAYERS if each in held and layer in (None, each))


def journal_key(key: str, layer: str) -> str:
    """The key of the journal."""
    if key == URL:
        return URL_KEY
    return f"{PROVISIONED if layer == 'provisioned' else USER}{key}"


def setting_json(setting: Setting | None, secrets: bool) -> dict[str, Any] | None:
    """A stored value for a program."""
    if setting is None:
        return None
    value = shown(setting.key, setting.value, secrets, setting.layer)
    return {"layer": setting.layer, "value": value, "perm": setting.perm, "access": setting.access}
