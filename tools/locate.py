"""From what the user typed to a run: ``RUN`` and ``RUN@N``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from attrs import frozen

from emulator.log import jsonl
from emulator.log.store import LogError, RunInfo, Store

if TYPE_CHECKING:
    from emulator.phone.firmware import Firmware

DATABASE = "offhook.db"
"""The run database that is used when none is named."""


@frozen
class Located:
    """A run that was found. at: the event after ``@``, or None."""

    store: Store
    info: RunInfo
    at: int | None

    def event(self) -> int:
        """The event that was named, or the last one. Raises LogError if there is no such event."""
        if self.at is None:
            return self.info.events
        if not 1 <= self.at <= self.info.events:
            raise LogError(f"run {self.info.id} has events 1 to {self.info.events}, so there is no {self.at}")
        return self.at


@contextmanager
def located(text: str, db: str | Path = DATABASE) -> Iterator[Located]:
    """The run that ``text`` names: a number, the start of a digest or an exported file, with ``@N`` for an event.

    Raises LogError.
    """
    name, at = split(text)
    if not name:
        raise LogError("a run is a number, the start of a digest or an exported file; `offhook runs` lists them")
    path = Path(name)
    if is_file(path):
        with path.open("rb") as file:
            parsed = jsonl.parse(file, name)
        with Store(":memory:", create=True) as store:
            yield Located(store, jsonl.keep(store, parsed), at)
        return
    if is_folder(path):
        raise LogError(f"{name} is a directory, not a run")
    if path.suffix or "/" in name:
        raise LogError(f"{name}: there is no such file")
    with Store(db) as store:
        yield Located(store, store.find(name), at)


def split(text: str) -> tuple[str, int | None]:
    """``RUN`` or ``RUN@N`` in two. Raises LogError."""
    name, sign, number = text.rpartition("@")
    if not sign or is_file(Path(text)):
        return text, None
    if not (number.isascii() and number.isdigit()) or len(number) > 12:
        raise LogError(f"{text!r}: after @ stands the number of an event, as in {name or '12'}@48")
    return name, int(number)


def firmware_of(info: RunInfo) -> Firmware:
    """Today's firmware with the version and the options that the run was made with. Raises LogError."""
    from emulator.phone.firmware import Options
    from emulator.phone.kx_utg200 import kx_utg200

    try:
        return attrs.evolve(kx_utg200(info.header.version), options=Options.recorded(info.header.options))
    except (TypeError, ValueError):
        raise LogError(f"run {info.id}: this program knows no firmware with such options") from None


def is_file(path: Path) -> bool:
    """Whether there is a file; a name that no file system takes is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Whether there is a folder, in the same way."""
    try:
        return path.is_dir()
    except OSError:
        return False
