"""What an export holds that should not go to just anybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from emulator.events import (
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
from emulator.log.store import LogError
from emulator.phone.ftp import ANONYMOUS_PASSWORD
from emulator.phone.storage import read_store
from flash_image import ImageError, LayoutError, unpack
from tools.browse import entries
from tools.locate import Located
from tools.masks import fields, is_file_block, shows_secret

LOGINS = (PageOpened, PageSubmitted, ExportRequested, ImportOffered, FactoryResetRequested)
"""Events that hold what somebody typed to log in."""
DOCUMENTS = (HttpAnswered, FileAnswered, ImportOffered, SettingsExported)
"""Events that hold a whole configuration file."""
ELSEWHERE = (FlashProgrammed, StreamSent, *LOGINS)
"""Events whose secrets stand in others as well, or have a name of their own."""


def of_kinds(found: Located, *kinds: type[Event]) -> Iterator[Entry]:
    """The entries of a whole run, only those of some kinds if any are named. Raises LogError."""
    return entries(found, found.info.events, None, tuple(each.kind for each in kinds))


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
