"""Settings taken out of the phone and brought into it as a file, by the web page (PROV-274 to PROV-276)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from emulator.events import (
    AccessRefused,
    Because,
    Entry,
    Event,
    ExportRequested,
    ImportEnded,
    ImportOffered,
    ParameterSkipped,
    Payload,
    SaveFailed,
    SettingChanged,
    SettingRefused,
    SettingsExported,
)
from emulator.phone import configfile
from emulator.phone.access import allowed, exportable, refusal
from emulator.phone.catalogue import catalogue
from emulator.phone.configfile import ConfigFile
from emulator.phone.firmware import Reaction, reacts
from emulator.phone.reading import NOTES_LOGGED
from emulator.phone.storage import save

if TYPE_CHECKING:
    from emulator.phone.settings import Settings
    from emulator.phone.state import Phone


@reacts(ExportRequested)
def export_requested(phone: Phone, event: ExportRequested, entry: Entry) -> Reaction:
    """Every value in force that is not the factory default, as far as the level may have it."""
    reason, grounds = refusal(phone, "web", event.level, event.password)
    if reason:
        yield Because(AccessRefused("export", "web", event.level, reason), grounds)
        return
    settings = phone.settings
    parameters = exported(settings, event.level)
    grounds = tuple(sorted({*grounds, settings.loaded, *(settings.grounds(each.key) for each in parameters)}))
    body = Payload(configfile.write(parameters))
    yield Because(SettingsExported(event.level, len(parameters), body), grounds)


def exported(settings: Settings, level: str) -> list[configfile.Entry]:
    """The parameters of an export, without ``perm`` and ``access``: these are the server's to give."""
    held = (as_entry(key, value) for key, value in settings.differing().items() if exportable(settings, key, level))
    return [parameter for parameter in held if parameter is not None]


def as_entry(key: str, value: str) -> configfile.Entry | None:
    """A stored value as a file has it; None for one that no file may hold, as a flash can have it all the same."""
    known = catalogue()
    parameter = configfile.Entry(key, known.by_tag[key.partition("/")[0]].canonical(value))
    try:
        configfile.placed_at(known, parameter)
    except ValueError:
        return None
    return parameter


@reacts(ImportOffered)
def import_offered(phone: Phone, event: ImportOffered, entry: Entry) -> Reaction:
    """A file is read as one that was downloaded; what it may change counts as typed on a web page (PROV-276)."""
    reason, grounds = refusal(phone, "web", event.level, event.password)
    if reason:
        yield Because(AccessRefused("import", "web", event.level, reason), grounds)
        return
    try:
        config = configfile.parse(event.body)
    except configfile.FormatError as error:
        yield ImportEnded(event.level, 0, 0, error.reason)
        return
    yield from imported(phone, config, event.level)


def imported(phone: Phone, config: ConfigFile, level: str) -> Iterator[Event | Because]:
    """All that may be changed, in one transaction; if it does not fit into the flash, nothing."""
    settings = phone.settings
    kept = {parameter.key: why_not(settings, parameter.key, level) for parameter in config.entries}
    taken = [parameter for parameter in config.entries if not kept[parameter.key]]
    refused = [(key, reason) for key, reason in kept.items() if reason]
    changes = [
        SettingChanged(parameter.key, "user", parameter.value, "", "", "web")
        for parameter in taken
        if settings.user.get(parameter.key) != parameter.value
    ]
    work = list(save(phone, changes, {}, ""))
    skipped = len(config.notes) + len(refused)
    if work and isinstance(work[0], SaveFailed):
        yield from (work[0], ImportEnded(level, 0, skipped + len(taken), work[0].reason))
        return
    for note in config.notes[:NOTES_LOGGED]:
        yield ParameterSkipped("import", note.code, note.where)
    for key, reason in refused[:NOTES_LOGGED]:
        yield Because(SettingRefused(key, reason), (settings.grounds(key),))
    yield from changes
    yield from work
    yield ImportEnded(level, len(taken), skipped, "")


def why_not(settings: Settings, key: str, level: str) -> str:
    """Why ``level`` may not import ``key``; "" if it may (PROV-161, PROV-170)."""
    if not allowed(settings, key, level):
        return "not-for-this-level"
    return "" if settings.editable(key) else "read-only"
