"""A body that arrived becomes a configuration, or a reason why not (PROV-145, PROV-148, PROV-200 to PROV-213)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from emulator.events import Because, CertificateRead, ConfigurationRead, Entry, Event, FileRefused, ParameterSkipped
from emulator.phone import configfile
from emulator.phone.certificates import certificate_digest
from emulator.phone.configfile import ConfigFile
from emulator.phone.crypt import CryptError, decrypt, is_encrypted

if TYPE_CHECKING:
    from emulator.phone.state import Phone

NOTES_LOGGED = 50
"""Skipped parameters that get a line of their own; the rest is only counted."""
DOWNLOAD, SAVED = "download", "saved copy"


class Plain(NamedTuple):
    """A file that can be used: its plain text, its meaning, and the digest that its key was derived with ("": none)."""

    body: bytes
    config: ConfigFile
    cipher: str


def open_file(phone: Phone, file: str, url: str, body: bytes) -> Plain | str:
    """Decrypt if need be and parse; a fixed reason code if it cannot be used.

    The initial file is never encrypted (O-12); an encrypted saved copy was stored in plain.
    """
    if file != "initial" and is_encrypted(url, body):
        return decrypted(phone, body)
    try:
        return Plain(body, configfile.parse(body), "")
    except configfile.FormatError as error:
        return error.reason


def decrypted(phone: Phone, body: bytes) -> Plain | str:
    """:func:`open_file` for an encrypted body, with the stored key (PROV-204, PROV-213)."""
    settings = phone.settings

    def accept(plain: bytes) -> Plain:
        return Plain(plain, configfile.parse(plain), "")

    try:
        plain, digest = decrypt(body, settings.value("CFG_FILE_KEY"), settings.number("CFG_FILE_KEY_LENGTH"), accept)
    except CryptError as error:
        return f"decrypt-{error.reason}"
    return plain._replace(cipher=digest)


def read_certificate(phone: Phone, file: str, entry: Entry) -> Iterator[Event | Because]:
    """A root certificate that arrived."""
    digest = certificate_digest(phone.download.body)
    event = CertificateRead(file, digest) if digest else FileRefused(file, DOWNLOAD, "not-a-certificate")
    yield Because(event, (phone.download.answered,))


def read_configuration(
    phone: Phone, file: str, origin: str, body: bytes, url: str, grounds: tuple[int, ...]
) -> Iterator[Event | Because]:
    """What the log says of a configuration file that is here: what is skipped, and that it is read or refused."""
    opened = open_file(phone, file, url, body)
    if isinstance(opened, str):
        if opened.startswith("decrypt-"):
            grounds = (*grounds, phone.settings.grounds("CFG_FILE_KEY"))
        yield Because(FileRefused(file, origin, opened), grounds)
        return
    config = opened.config
    if file == "initial" and config.has_device and not config.has_initial:
        file = "standard"  # PROV-150: a Device file at the provisioning URL counts as a standard file
    needed = tuple(files_named(config)) if file == "initial" else ()
    for note in config.notes[:NOTES_LOGGED]:
        yield Because(ParameterSkipped(file, note.code, note.where), grounds)
    if opened.cipher:
        grounds = (*grounds, phone.settings.grounds("CFG_FILE_KEY"))
    digest = sha256(opened.body).hexdigest()
    read = ConfigurationRead(file, origin, digest, opened.cipher, len(config.entries), len(config.notes), needed)
    yield Because(read, grounds)


def files_named(config: ConfigFile) -> Iterable[tuple[str, str]]:
    """The files an initial file names, in the order of download (PROV-182, PROV-184, PROV-185)."""
    named = [(f"root{n}", url) for n, url in enumerate(config.certificates, 1)]
    named += [("standard", config.standard), ("product", config.product), ("master", config.master)]
    return ((file, url) for file, url in named if url)
