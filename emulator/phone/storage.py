"""What survives a restart: the settings and the last good files, in flash (PROV-001, PROV-193, PROV-273).

Journal keys: ``p/KEY`` holds ``perm NUL access NUL value``, ``u/KEY`` a user's value, ``m/url`` the URL of the last
good run. Saved files: ``standard``, ``product``, ``master``, ``root1`` to ``root3``. One transaction commits all of a
run, so a restart finds either the old configuration or the new one, whole; what a power cut left in doubt is settled
before anything is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

import attrs

from emulator.events import (
    Because,
    ConfigurationSaved,
    Entry,
    Event,
    FlashSettled,
    PowerOn,
    SaveFailed,
    SettingChanged,
    SettingsLoaded,
)
from emulator.phone.certificates import certificate_digest
from emulator.phone.firmware import Reaction, applies, becomes, reacts
from emulator.phone.flash import flash_event
from emulator.phone.settings import Stored
from flash_image import (
    FORMAT,
    Chip,
    FileDamaged,
    Format,
    JournalError,
    LayoutError,
    Mounted,
    identity,
    read_file,
)

if TYPE_CHECKING:
    from emulator.phone.state import Phone

UNKNOWN_IDENTITY = ("000000000000", "KX-UTG200B", "")
"""What a phone calls itself whose factory data is damaged: it still boots, and says so."""
FILES = ("standard", "product", "master")
ROOTS = ("root1", "root2", "root3")
PROVISIONED, USER, _URL = "p/", "u/", "m/url"
"""Prefixes of journal keys, and the key of the last good URL."""


class FoldMismatch(Exception):
    """Applying an event rebuilt something else than it says. n: its entry."""

    def __init__(self, n: int, what: str) -> None:
        super().__init__(f"event {n}: {what}")
        self.n = n


@attrs.frozen
class StoreContent:
    """What :func:`read_store` found on a chip."""

    identity: tuple[str, str, str]
    provisioned: dict[str, Stored]
    user: dict[str, str]
    roots: dict[str, str]
    last_url: str
    digest: str
    files: tuple[str, ...]
    damage: tuple[str, ...]
    sectors: tuple[int, ...]

    def expect(self, event: SettingsLoaded, entry: Entry) -> None:
        """Raise FoldMismatch unless ``event`` speaks of this content."""
        if event.digest != self.digest:
            raise FoldMismatch(entry.n, "the flash does not hold the settings that were loaded")


def read_store(chip: Chip, form: Format = FORMAT) -> StoreContent:
    """Read everything that a restart needs from ``chip``. Never raises: what is damaged is left out and named."""
    mounted = form.mount(chip)
    damage: list[str] = [found.code for found in mounted.damage]
    try:
        factory = identity(chip)
        who = (factory.mac.upper(), factory.model, factory.serial)
    except LayoutError as error:
        damage.append(f"factory-data-{error.reason}")
        who = UNKNOWN_IDENTITY
    provisioned: dict[str, Stored] = {}
    user: dict[str, str] = {}
    for name, data in mounted.values.items():
        text = data.decode("utf-8", "replace")
        if name.startswith(PROVISIONED):
            perm, _, rest = text.partition("\0")
            access, _, value = rest.partition("\0")
            provisioned[name[2:]] = Stored(value, perm, access)
        elif name.startswith(USER):
            user[name[2:]] = text
    return StoreContent(
        identity=who,
        provisioned=provisioned,
        user=user,
        roots=read_roots(chip, mounted, damage),
        last_url=mounted.values.get(_URL, b"").decode("utf-8", "replace"),
        digest=content_digest(mounted),
        files=tuple(name for name in (*FILES, *ROOTS) if name in mounted.files),
        damage=tuple(damage),
        sectors=mounted.sectors_read,
    )


def encode_stored(value: str, perm: str, access: str) -> bytes:
    """A provisioned value as the journal holds it."""
    return f"{perm}\0{access}\0{value}".encode()


def read_roots(chip: Chip, mounted: Mounted, damage: list[str]) -> dict[str, str]:
    """The stored root certificates: file to digest; damaged ones are named in ``damage``."""
    roots = {}
    for name in ROOTS:
        body = saved_file(chip, mounted, name)
        if body is not None and (digest := certificate_digest(body)):
            roots[name] = digest
        elif name in mounted.files:
            damage.append(f"{name}-damaged")
    return roots


def content_digest(mounted: Mounted) -> str:
    """SHA-256 over the stored values and file references, in hex."""
    total = sha256()
    for name, data in sorted(mounted.values.items()):
        total.update(b"%d %d " % (len(name), len(data)))
        total.update(name.encode())
        total.update(data)
    for name, ref in sorted(mounted.files.items()):
        total.update(f"{name} {ref.length} {ref.crc} ".encode())
    return total.hexdigest()


def saved_file(chip: Chip, mounted: Mounted, name: str) -> bytes | None:
    """The saved file ``name``, or None if there is none that is intact."""
    ref = mounted.files.get(name)
    if ref is None:
        return None
    try:
        return read_file(chip, ref)
    except FileDamaged:
        return None


def saved_copy(phone: Phone, name: str) -> bytes | None:
    """:func:`saved_file` of the phone's own chip."""
    return saved_file(phone.flash.chip, phone.format.mount(phone.flash.chip), name)


@reacts(PowerOn)
def load(phone: Phone, event: PowerOn, entry: Entry) -> Reaction:
    """Step 1's material is read as soon as there is power, since the network needs the MAC address and the model.

    What an interrupted write left is made firm first, as it was read, so that every restart from here reads the same.
    """
    chip = phone.flash.chip
    mounted = phone.format.mount(chip)
    work = phone.format.settle(chip, mounted)
    found = read_store(chip, phone.format)
    if work:
        grounds = phone.flash.grounds(mounted.sectors_read)
        yield from (Because(flash_event(op), grounds) for op in work)
        yield FlashSettled(unsettled(mounted))
    loaded = SettingsLoaded(
        values=len(found.provisioned) + len(found.user),
        digest=found.digest,
        files=found.files,
        damage=found.damage,
        identity=found.identity,
    )
    yield Because(loaded, phone.flash.grounds(found.sectors))


def unsettled(mounted: Mounted) -> tuple[str, ...]:
    """What was in doubt, as fixed codes."""
    left = mounted.unsettled
    found = {"bank": left.firm is not None, "bank-header": bool(left.headers), "clearing": mounted.cleared}
    return (*((left.doubt,) if left.doubt else ()), *(code for code, is_so in found.items() if is_so))


@becomes(FlashSettled)
def settled(phone: Phone, event: FlashSettled, busy: int) -> Event:
    """In a worn sector nothing can be made firm."""
    return SaveFailed(phone.flash.failed) if phone.flash.failed else event


@applies("settings", SettingsLoaded)
def loaded(phone: Phone, event: SettingsLoaded, entry: Entry) -> None:
    """The stored settings are in force; the values are read from the flash again, and must be those of the event."""
    found = read_store(phone.flash.chip, phone.format)
    found.expect(event, entry)
    settings = phone.settings
    settings.mac, settings.model, settings.serial = event.identity
    settings.provisioned, settings.user = found.provisioned, found.user
    settings.roots, settings.files, settings.last_url = found.roots, event.files, found.last_url
    settings.loaded = settings.url_since = entry.n


def save(
    phone: Phone, changes: Iterable[SettingChanged], files: Mapping[str, bytes], url: str
) -> Iterable[Event | Because]:
    """The flash work that makes ``changes`` and ``files`` survive, as one transaction; nothing if nothing changes."""
    chip = phone.flash.chip
    mounted = phone.format.mount(chip)
    values: dict[str, bytes | None] = {}
    for change in changes:
        if change.layer == "provisioned":
            values[f"{PROVISIONED}{change.key}"] = encode_stored(change.value or "", change.perm, change.access)
        else:
            values[f"{USER}{change.key}"] = None if change.value is None else change.value.encode()
    if url:
        values[_URL] = url.encode()
    try:
        work = phone.format.plan(chip, mounted, values, files, not phone.flash.saved)
    except JournalError as error:
        return [SaveFailed(error.reason)]
    if not work:
        return []
    written = tuple(name for name, body in files.items() if saved_file(chip, mounted, name) != body)
    saved = ConfigurationSaved(mounted.sequence + 1, len(values), written, url)
    return [*(flash_event(op) for op in work), saved]


@becomes(ConfigurationSaved)
def saved(phone: Phone, event: ConfigurationSaved, busy: int) -> Event:
    """What was written was read back, so the phone knows whether it is there."""
    return SaveFailed(phone.flash.failed) if phone.flash.failed else event


@applies("settings", ConfigurationSaved)
def configuration_saved(phone: Phone, event: ConfigurationSaved, entry: Entry) -> None:
    """The files it names are there from now on, and its URL is the last good one."""
    if event.url:
        phone.settings.last_url, phone.settings.url_since = event.url, entry.n
    held = {*phone.settings.files, *event.files}
    phone.settings.files = tuple(name for name in (*FILES, *ROOTS) if name in held)
