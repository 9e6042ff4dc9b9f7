"""Faults by which a secret gets where nobody should read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from emulator.events import DownloadEnded, Entry, Event, ExportRequested, FileRefused, Payload, SettingsExported
from emulator.phone import configfile, exchange, locallog, syslog
from emulator.phone.firmware import Firmware, Reaction
from emulator.phone.loglines import line_of
from tests.zoo.variant import altered, variant

if TYPE_CHECKING:
    from emulator.phone.state import Phone

KEY = "CFG_FILE_KEY"


def _tells_the_key(phone: Phone, event: Event, entry: Entry) -> None:
    locallog.logged(phone, event, entry)
    key, lines = phone.settings.value(KEY), phone.locallog.lines
    if key and lines and isinstance(event, FileRefused) and event.reason == "decrypt-wrong-key":
        lines[-1] = lines[-1]._replace(text=f"{lines[-1].text}, key {key}")


@variant("PROV-213")
def key_in_the_local_log(phone: Firmware) -> Firmware:
    """When a file cannot be decrypted, the key that was tried is written to the phone's own log."""
    return phone.replacing(locallog.logged, _tells_the_key)


def _tells_the_login(phone: Phone, event: Event, entry: Entry) -> Reaction:
    made = list(syslog.told(phone, event, entry))
    to = syslog.destination(phone)
    if not isinstance(event, DownloadEnded) or not event.url.lower().startswith("ftp://") or not (made and to):
        return made
    line = line_of(event, entry.time)
    text = f"{event.file} file {event.reason or 'complete'}, status {event.status}, {event.url}"
    return [syslog.message(phone, line._replace(text=text), to)]


@variant("PROV-296")
def ftp_login_in_syslog(phone: Firmware) -> Firmware:
    """The URL of a file that was fetched by FTP is told to the syslog server with its password."""
    return phone.replacing(syslog.told, _tells_the_login)


def _exports_the_key(phone: Phone, event: ExportRequested, entry: Entry) -> Reaction:
    typed = phone.settings.user.get(KEY)

    def with_key(made: Event) -> Event:
        if not isinstance(made, SettingsExported) or event.level != "A" or not typed:
            return made
        held = (*configfile.parse(made.body).entries, configfile.Entry(KEY, typed))
        return attrs.evolve(made, values=len(held), body=Payload(configfile.write(held)))

    return altered(exchange.export_requested(phone, event, entry), with_key)


@variant("PROV-275")
def typed_key_exported(phone: Firmware) -> Firmware:
    """An export for the administrator holds the file key if it was typed and did not come in a file."""
    return phone.replacing(exchange.export_requested, _exports_the_key)
