"""What a provisioning run remembers between its events: the part that the nine steps read."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import attrs

from emulator.events import (
    AddressLost,
    CertificateRead,
    ConfigurationRead,
    DownloadEnded,
    Entry,
    FileRefused,
    Ipv6AddressLost,
    RunDeferred,
    RunEnded,
    RunStarted,
    StepEntered,
)
from emulator.phone.download import FIRMWARE
from emulator.phone.firmware import applies
from emulator.phone.network import online
from emulator.phone.parts import PartState, part
from emulator.phone.reading import DOWNLOAD, decrypted
from emulator.phone.storage import ROOTS, FoldMismatch, saved_copy

if TYPE_CHECKING:
    from emulator.phone.state import Phone


@part
class Provisioning(PartState):
    """The provisioning run. step: 0 when none is on; needed: files the initial file names, as (file, URL).

    here: file to its plain body; origin: where each came from, also of a saved copy that was of no use; read: file to
    the entry that read it; failed, reasons: file to the entry that says so, and why; runs: runs in this power cycle;
    offline: the phone was without an address, or without one that it needed, at some time of the run; deferred: trigger
    of the run that follows it.
    """

    step: int = 0
    runs: int = 0
    trigger: str = ""
    source: str = ""
    url: str = ""
    needed: tuple[tuple[str, str], ...] = ()
    here: dict[str, bytes] = attrs.Factory(dict)
    origin: dict[str, str] = attrs.Factory(dict)
    read: dict[str, int] = attrs.Factory(dict)
    failed: dict[str, int] = attrs.Factory(dict)
    reasons: dict[str, str] = attrs.Factory(dict)
    outcome: str = ""
    offline: bool = False
    deferred: str = ""


@applies("provisioning", RunStarted)
def started(phone: Phone, event: RunStarted, entry: Entry) -> None:
    """A new run knows nothing of the last one."""
    runs, offline = phone.provisioning.runs + 1, not online(phone)
    phone.provisioning = Provisioning(runs=runs, trigger=event.trigger, offline=offline)


@applies("provisioning", RunDeferred)
def deferred(phone: Phone, event: RunDeferred, entry: Entry) -> None:
    """One run follows, however often it was asked for (PROV-256)."""
    phone.provisioning.deferred = event.trigger


@applies("provisioning", AddressLost, Ipv6AddressLost)
def went_offline(phone: Phone, event: AddressLost | Ipv6AddressLost, entry: Entry) -> None:
    """A run that is on when the last address goes cannot end well."""
    if phone.provisioning.step and not online(phone):
        phone.provisioning.offline = True


@applies("provisioning", StepEntered)
def step_entered(phone: Phone, event: StepEntered, entry: Entry) -> None:
    """The step, and from step 8 on where the URL came from; what another URL failed of does not count any more.

    Step 9 uses saved files only, and keeps certificates.
    """
    run = phone.provisioning
    run.step = event.step
    if event.step == 8:
        run.source, run.url = event.source, event.url
        run.failed, run.reasons = {}, {}
    elif event.step == 9:
        run.here = {file: body for file, body in run.here.items() if file in ROOTS}
        run.origin = {file: run.origin[file] for file in run.here}
        run.read = {file: run.read[file] for file in run.here}


@applies("provisioning", ConfigurationRead)
def configuration_read(phone: Phone, event: ConfigurationRead, entry: Entry) -> None:
    """The plain file is here; it is opened again from the bytes that the log holds."""
    run = phone.provisioning
    body = bytes(phone.download.body) if event.origin == DOWNLOAD else saved_copy(phone, event.file) or b""
    if event.cipher:
        opened = decrypted(phone, body)
        body = b"" if isinstance(opened, str) else opened.body
    if sha256(body).hexdigest() != event.digest:
        raise FoldMismatch(entry.n, f"the {event.file} file is not the one that was read")
    run.here[event.file] = body
    run.origin[event.file] = event.origin
    run.read[event.file] = entry.n
    if event.file == "initial":
        run.needed = event.needed


@applies("provisioning", CertificateRead)
def root_read(phone: Phone, event: CertificateRead, entry: Entry) -> None:
    """The certificate is here, to be saved at the end of the run."""
    run = phone.provisioning
    run.here[event.file] = bytes(phone.download.body)
    run.origin[event.file] = DOWNLOAD
    run.read[event.file] = entry.n


@applies("provisioning", DownloadEnded)
def download_failed(phone: Phone, event: DownloadEnded, entry: Entry) -> None:
    """A file that did not arrive has failed; for want of an address of the phone's own it may yet, with one.

    The firmware is no file of the run.
    """
    if event.reason and event.file != FIRMWARE:
        phone.provisioning.offline |= event.reason == "no-address"
        phone.provisioning.failed.setdefault(event.file, entry.n)
        phone.provisioning.reasons.setdefault(event.file, event.reason)


@applies("provisioning", FileRefused)
def file_refused(phone: Phone, event: FileRefused, entry: Entry) -> None:
    """A file that cannot be used has failed (PROV-192); a saved copy that cannot be used was at least looked for."""
    run = phone.provisioning
    if event.origin == DOWNLOAD:
        run.failed.setdefault(event.file, entry.n)
        run.reasons.setdefault(event.file, event.reason)
    else:
        run.origin[event.file] = event.origin


@applies("provisioning", RunEnded)
def run_ended(phone: Phone, event: RunEnded, entry: Entry) -> None:
    """No step is on; the bodies are let go."""
    run = phone.provisioning
    run.step, run.outcome = 0, event.outcome
    run.here, run.needed = {}, ()
