"""What a chip holds, as its phone would find it, and what it has to hold by what the phone has said.

The first is read from the chip by the phone's own functions. The second is folded from the log alone, so a store that
loses something and does not notice is found out.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256

import attrs

from emulator.events import (
    CertificateRead,
    ConfigurationRead,
    ConfigurationSaved,
    Entry,
    FactoryResetDone,
    FirmwareConfirmed,
    FirmwareInstalled,
    SaveFailed,
    SettingChanged,
    SettingsLoaded,
)
from emulator.events.masking import hide_passwords, masked
from emulator.phone.settings import Stored
from emulator.phone.state import Phone
from emulator.phone.storage import FILES, ROOTS, read_store, saved_file
from flash_image import CONFIRMED, TRIAL, Chip, FirmwareError, Format, LogLine, read_log, read_slot

Boot = tuple[str, int, str]
"""(slot, state of the choice, version of the image there or why there is none); "" for what the phone came with."""


@attrs.frozen
class Content:
    """What survives on a chip. files: name to SHA-256 of the body, or ``damaged``; roots: name to digest of the DER
    form; boot: None if no firmware was ever chosen."""

    identity: tuple[str, str, str]
    provisioned: frozenset[tuple[str, Stored]]
    user: frozenset[tuple[str, str]]
    url: str
    files: frozenset[tuple[str, str]]
    roots: frozenset[tuple[str, str]]
    boot: Boot | None

    @property
    def configuration(self) -> tuple[object, ...]:
        """All of it that one transaction saves."""
        return (self.provisioned, self.user, self.url, self.files, self.roots)


def content_of(chip: Chip, form: Format) -> Content:
    """What ``chip`` holds. Never raises for any content."""
    store = read_store(chip, form)
    mounted = form.mount(chip)
    bodies = {name: saved_file(chip, mounted, name) for name in FILES if name in mounted.files}
    roots = {name: store.roots.get(name, "damaged") for name in ROOTS if name in mounted.files}
    return Content(
        store.identity,
        frozenset(store.provisioned.items()),
        frozenset(store.user.items()),
        store.last_url,
        frozenset((name, "damaged" if body is None else digest_of(body)) for name, body in bodies.items()),
        frozenset(roots.items()),
        boot_of(chip, form),
    )


def boot_of(chip: Chip, form: Format) -> Boot | None:
    """What the boot environment says, and what is in the slot that it names."""
    found = form.read_environment(chip)
    if found.choice is None:
        return ("", -1, "lost") if found.damaged else None
    slot = found.choice.slot
    if not slot:
        return ("", found.choice.state, "")
    try:
        return (slot, found.choice.state, read_slot(chip, slot).version)
    except FirmwareError as error:
        return (slot, found.choice.state, error.reason)


@lru_cache(maxsize=64)
def digest_of(body: bytes) -> str:
    """SHA-256 of a saved file, in hex."""
    return sha256(body).hexdigest()


def readings(chip: Chip, form: Format) -> tuple[Content, ...]:
    """Everything that ``chip`` can be found to hold, first what it is now; more than one if cells read both ways."""
    return tuple([content_of(turned, form) for turned in turns(chip)])


def turns(chip: Chip) -> Iterator[Chip]:
    """``chip`` in each of the ways in which it can be read."""
    yield chip
    if chip.faults is None or not chip.faults.unstable:
        return
    for more in (1, 2):
        turned = chip.copy()
        if turned.faults is not None:
            turned.faults.turn += more
        yield turned


def log_readings(chip: Chip) -> tuple[tuple[LogLine, ...], ...]:
    """The lines of the phone's log in flash, in each of the ways in which they can be read."""
    return tuple(read_log(turned).lines for turned in turns(chip))


def in_memory(phone: Phone) -> tuple[object, ...]:
    """What a phone that is on believes to have saved; compare with :func:`kept`."""
    settings = phone.settings
    return (settings.provisioned, settings.user, settings.last_url, set(settings.files), settings.roots)


def kept(content: Content) -> tuple[object, ...]:
    """The same of what is on its chip."""
    files = {name for name, _ in (*content.files, *content.roots)}
    return (dict(content.provisioned), dict(content.user), content.url, files, dict(content.roots))


SAYS_SO = (ConfigurationSaved, FactoryResetDone, FirmwareInstalled, FirmwareConfirmed, SettingsLoaded)
"""The events that say what is on the chip."""


@attrs.define
class Expected:
    """What the chip of a phone has to hold by what its log says: a fold of events, which never looks at the chip.

    It starts from a content, and changes only with the events that say that something is saved.
    """

    provisioned: dict[str, Stored]
    user: dict[str, str]
    url: str
    files: dict[str, str]
    roots: dict[str, str]
    boot: Boot | None
    changes: list[SettingChanged] = attrs.Factory(list)
    fetched: dict[str, str] = attrs.Factory(dict)

    @classmethod
    def of(cls, content: Content) -> Expected:
        """To begin with."""
        boot = content.boot
        return cls(
            dict(content.provisioned), dict(content.user), content.url, dict(content.files), dict(content.roots), boot
        )

    def take(self, entry: Entry) -> bool:
        """Go on by one entry; whether it says that something is saved."""
        event = entry.event
        if isinstance(event, SettingChanged):
            self.changes.append(event)
        elif isinstance(event, ConfigurationRead | CertificateRead):
            self.fetched[event.file] = event.digest
        elif isinstance(event, ConfigurationSaved):
            self._saved(event)
        elif isinstance(event, FactoryResetDone):
            self.provisioned, self.user, self.url, self.files, self.roots = {}, {}, "", {}, {}
        elif isinstance(event, FirmwareInstalled):
            self.boot = (event.slot, TRIAL, event.version)
        elif isinstance(event, FirmwareConfirmed):
            self.boot = (event.slot, CONFIRMED, event.version if event.slot else "")
        elif isinstance(event, SaveFailed | SettingsLoaded):
            self.changes, self.fetched = [], {}
        return isinstance(event, SAYS_SO)

    def _saved(self, event: ConfigurationSaved) -> None:
        for change in self.changes:
            if change.layer == "provisioned":
                self.provisioned[change.key] = Stored(change.value or "", change.perm, change.access)
            elif change.value is None:
                self.user.pop(change.key, None)
            else:
                self.user[change.key] = change.value
        self.url = event.url or self.url
        for name in event.files:
            (self.roots if name in ROOTS else self.files)[name] = self.fetched.get(name, "unknown")
        self.changes = []

    def configuration(self) -> tuple[object, ...]:
        """As :attr:`Content.configuration`."""
        return (
            frozenset(self.provisioned.items()),
            frozenset(self.user.items()),
            self.url,
            frozenset(self.files.items()),
            frozenset(self.roots.items()),
        )


def unlike(found: Content, allowed: frozenset[Content]) -> str:
    """In what ``found`` is none of ``allowed``, in a sentence for people; secrets are hidden."""
    near = min(allowed, key=lambda other: len(list(differences(found, other))))
    told = list(differences(found, near))
    more = f", and {len(told) - 3} more" if len(told) > 3 else ""
    if not told:
        return "nothing"
    if len(allowed) > 1 and all(list(differences(found, other)) for other in allowed):
        return f"neither the old nor the new configuration; nearest: {'; '.join(told[:3])}{more}"
    return f"{'; '.join(told[:3])}{more}"


def differences(found: Content, other: Content) -> Iterator[str]:
    """What is not the same, one thing each."""
    for layer in ("provisioned", "user"):
        here, there = dict(getattr(found, layer)), dict(getattr(other, layer))
        for key in sorted({*here, *there}):
            if here.get(key) != there.get(key):
                yield f"{key} is {shown(key, here.get(key))} instead of {shown(key, there.get(key))} ({layer})"
    for what in ("files", "roots"):
        here, there = dict(getattr(found, what)), dict(getattr(other, what))
        for name in sorted({*here, *there}):
            if here.get(name) != there.get(name):
                yield f"file {name} is {short(here.get(name))} instead of {short(there.get(name))}"
    for name in ("url", "identity", "boot"):
        if getattr(found, name) != getattr(other, name):
            one, two = (hide_passwords(str(getattr(content, name))) for content in (found, other))
            yield f"{name} is {one or 'missing'} instead of {two or 'missing'}"


def shown(key: str, value: Stored | str | None) -> str:
    """A stored value for people."""
    if value is None:
        return "missing"
    return masked(key, value) if isinstance(value, str) else masked(key, value.value)


def short(digest: str | None) -> str:
    """The start of a digest."""
    return "missing" if digest is None else digest[:12]
