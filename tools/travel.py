"""``export`` and ``import``: runs as files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from attrs import frozen

from emulator.events import (
    DatagramReceived,
    DatagramSent,
    Entry,
    Event,
    ExportRequested,
    FactoryResetRequested,
    FileAnswered,
    FlashFitted,
    FlashProgrammed,
    HttpAnswered,
    HttpRequested,
    ImportOffered,
    PageOpened,
    PageSubmitted,
    SettingChanged,
    SettingEntered,
    SettingsExported,
    StreamReceived,
    StreamSent,
)
from emulator.events.masking import is_secret
from emulator.log import jsonl
from emulator.log.progress import Progress, counted, no_progress
from emulator.log.store import LogError, RunInfo, Store
from emulator.phone.ftp import ANONYMOUS_PASSWORD
from emulator.phone.storage import read_store
from flash_image import ImageError, LayoutError, unpack
from tools.browse import entries
from tools.locate import DATABASE, Located, located
from tools.masks import fields, is_file_block, shows_secret

LOGINS = (PageOpened, PageSubmitted, ExportRequested, ImportOffered, FactoryResetRequested)
"""Events that hold what somebody typed to log in."""
DOCUMENTS = (HttpAnswered, FileAnswered, ImportOffered, SettingsExported)
"""Events that hold a whole configuration file."""
ELSEWHERE = (FlashProgrammed, StreamSent, *LOGINS)
"""Events whose secrets stand in others as well, or have a name of their own."""
ON_THE_WIRE = (DatagramSent, DatagramReceived, HttpRequested, HttpAnswered, StreamSent, StreamReceived)
"""Events whose bytes a capture holds; nothing else of a run is in it."""
FORMS = ("jsonl", "pcapng")
"""What a run can be written as: complete, or what its phones sent and got."""


@frozen
class Exported:
    """A run that was written. secrets: what it holds that should not go to just anybody; packets: of a capture."""

    info: RunInfo
    path: Path
    size: int
    secrets: tuple[str, ...]
    packets: int | None = None


def export(
    run: str,
    path: str | Path,
    *,
    to: str = "jsonl",
    db: str | Path = DATABASE,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> Exported:
    """Write a run to ``path``, readable by its owner only, whole or not at all: as JSON Lines, or as a capture of its
    packets (:mod:`tools.capture`). Raises LogError."""
    path = Path(path)
    if to not in FORMS:
        raise LogError(f"a run cannot be written as {to!r}, only as {' or '.join(FORMS)}")
    if path.exists() and not overwrite:
        raise LogError(f"{path} is there already; --force writes over it")
    with located(run, db) as found:
        if found.at is not None:
            raise LogError("a run is exported whole; leave out @N")
        if to == "pcapng":
            return captured(found, path, progress)
        size = written(path, lambda out: jsonl.write(found.store, found.info, out, progress))
        return Exported(found.info, path, size, secrets_in(of_kinds(found)))


def captured(found: Located, path: Path, progress: Progress) -> Exported:
    """Write the packets of a run."""
    from tools import capture

    packets = 0

    def write(out: BinaryIO) -> int:
        nonlocal packets
        packets, size = capture.write(found.info, counted(of_kinds(found), progress), out)
        return size

    size = written(path, write)
    secrets = {*secrets_in(of_kinds(found, *ON_THE_WIRE)), *logins_in(of_kinds(found, StreamSent))}
    return Exported(found.info, path, size, tuple(sorted(secrets)), packets)


def of_kinds(found: Located, *kinds: type[Event]) -> Iterator[Entry]:
    """The entries of a whole run, only those of some kinds if any are named. Raises LogError."""
    return entries(found, found.info.events, None, tuple(each.kind for each in kinds))


def written(path: Path, write: Callable[[BinaryIO], int]) -> int:
    """Write beside ``path`` first, so that a full disk leaves no half file. Bytes written."""
    try:
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent or Path())
    except OSError as error:
        raise LogError(f"{path}: cannot be written ({(error.strerror or 'error').lower()})") from None
    try:
        with os.fdopen(handle, "wb") as out:
            size = write(out)
        Path(beside).chmod(0o600)
        Path(beside).replace(path)
    except OSError as error:
        raise LogError(f"{path}: cannot be written ({(error.strerror or 'error').lower()})") from None
    finally:
        Path(beside).unlink(missing_ok=True)
    return size


def secrets_in(found: Iterable[Entry]) -> tuple[str, ...]:
    """What kinds of secrets entries hold: names of parameters, and what else would be hidden when it is shown."""
    names: set[str] = set()
    pieces: dict[tuple[int, str, int], list[bytes]] = {}
    for entry in found:
        event = entry.event
        if isinstance(event, LOGINS) and event.password:
            names.add("passwords of accounts")
        if isinstance(event, SettingChanged | SettingEntered | PageSubmitted):
            if is_secret(event.key) and event.value:
                names.add(event.key)
        elif isinstance(event, FlashFitted):
            names.update(secrets_on(event.image))
        elif isinstance(event, DOCUMENTS) or is_file_block(event):
            if fields(entry, False) != fields(entry, True):
                names.add("configuration files")
        elif isinstance(event, HttpRequested) and any(name == "Authorization" for name, _ in event.headers):
            names.add("HTTP credentials")
        elif isinstance(event, StreamReceived):
            pieces.setdefault((entry.phone, event.name, event.ordinal), []).append(event.payload)
        elif isinstance(event, DatagramSent) and event.payload.find(b"uthorization: ") >= 0:
            names.add("SIP credentials")
        elif not isinstance(event, ELSEWHERE) and fields(entry, False) != fields(entry, True):
            names.add("logins in URLs")
    if any(shows_secret(b"".join(each)) for each in pieces.values()):
        names.add("configuration files")
    return tuple(sorted(names))


def logins_in(found: Iterable[Entry]) -> Iterator[str]:
    """Logins that a phone says on a stream; that of anybody is none (RFC 1635)."""
    for entry in found:
        event = entry.event
        command, _, password = event.payload.partition(b" ") if isinstance(event, StreamSent) else (b"", b"", b"")
        if command == b"PASS" and password.strip() != ANONYMOUS_PASSWORD.encode():
            yield "FTP credentials"


def secrets_on(image: bytes) -> Iterator[str]:
    """The secret parameters that a packed flash image holds. Raises LogError if it is none."""
    try:
        content = read_store(unpack(image))
    except (ImageError, LayoutError) as error:
        raise LogError(f"the flash image of the run cannot be read: {error}") from None
    held = {**{key: stored.value for key, stored in content.provisioned.items()}, **content.user}
    return (key for key, value in held.items() if value and is_secret(key))


def import_run(path: str | Path, *, db: str | Path = DATABASE, progress: Progress = no_progress) -> RunInfo:
    """Read an exported run into a database, verified event by event. Raises LogError."""
    path = Path(path)
    if path.is_dir():
        raise LogError(f"{path} is a directory, not an exported run")
    try:
        with path.open("rb") as file:
            parsed = jsonl.parse(file, str(path), progress)
    except OSError as error:
        raise LogError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None
    with Store(db, create=True) as store:
        return jsonl.keep(store, parsed)
