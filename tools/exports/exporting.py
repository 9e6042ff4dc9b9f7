"""``export``: a run as one file, whole or not at all, or on a stream."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

from attrs import frozen

from emulator.log.progress import Progress, no_progress
from emulator.log.store import LogError, RunInfo
from tools.exports.forms import Asked, Form, Told, form_for
from tools.locate import DATABASE, Located, located

T = TypeVar("T")


@frozen
class Exported:
    """A run that was written. path: None for a stream; told: what its form says of it."""

    info: RunInfo
    path: Path | None
    told: Told


def export(
    run: str,
    path: str | Path | None = None,
    *,
    to: str | None = None,
    db: str | Path = DATABASE,
    overwrite: bool = False,
    secrets: bool = False,
    since: int | None = None,
    phone: int | None = None,
    progress: Progress = no_progress,
) -> Exported:
    """Write a run to ``path``, by default SCENARIO-DIGEST with the form's suffix; its owner only can read the file.

    to: a form of :data:`~tools.exports.forms.FORMS`, by default the one that the suffix of ``path`` stands for;
    secrets: show them in forms that hide them; since, phone: the first event and the only phone, of forms that can be
    had in part. Raises LogError.
    """
    form = form_for(to, path)
    with located(run, db) as found:
        asked = wanted(form, found, Asked(progress, secrets, since or 1, phone), since is not None)
        place = Path(path) if path is not None else Path(default_name(found.info, form))
        if place.exists() and not overwrite:
            raise LogError(f"{place} is there already; --force writes over it")
        write = form.writer()
        return Exported(found.info, place, written(place, lambda out: write(found, out, asked)))


def export_to(
    out: BinaryIO,
    run: str,
    *,
    to: str | None = None,
    db: str | Path = DATABASE,
    secrets: bool = False,
    since: int | None = None,
    phone: int | None = None,
    progress: Progress = no_progress,
) -> Exported:
    """:func:`export` to a stream. Raises LogError, OSError."""
    form = form_for(to, None)
    with located(run, db) as found:
        asked = wanted(form, found, Asked(progress, secrets, since or 1, phone), since is not None)
        return Exported(found.info, None, form.writer()(found, out, asked))


def wanted(form: Form, found: Located, asked: Asked, from_given: bool) -> Asked:
    """What was asked for, if the form can be had so. Raises LogError."""
    for part, given, told in (
        ("until", found.at is not None, "@N"),
        ("from", from_given, "--from"),
        ("phone", asked.phone is not None, "--phone"),
    ):
        if given and part not in form.parts:
            raise LogError(f"as {form.name} a run is exported whole; leave out {told}")
    if asked.since > found.event():
        raise LogError(f"run {found.info.id}: event {asked.since} is behind the last one, {found.event()}")
    if asked.phone is not None and asked.phone >= found.info.header.phones:
        raise LogError(f"run {found.info.id} has phones 0 to {found.info.header.phones - 1}")
    return asked


def default_name(info: RunInfo, form: Form) -> str:
    """The file of a run for which nobody gave a name."""
    return f"{info.header.name}-{(info.digest or 'open')[:12]}{form.suffixes[0]}"


def written(path: Path, write: Callable[[BinaryIO], T]) -> T:
    """Write beside ``path`` first, so that a full disk leaves no half file. Raises LogError."""
    try:
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent or Path())
    except OSError as error:
        raise LogError(f"{path}: cannot be written ({(error.strerror or 'error').lower()})") from None
    try:
        with os.fdopen(handle, "wb") as out:
            told = write(out)
        Path(beside).chmod(0o600)
        Path(beside).replace(path)
    except OSError as error:
        raise LogError(f"{path}: cannot be written ({(error.strerror or 'error').lower()})") from None
    finally:
        Path(beside).unlink(missing_ok=True)
    return told
