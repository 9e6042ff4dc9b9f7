"""Image files: read in whatever form they have, written whole or not at all, and never over another by accident."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from emulator.events.masking import printable
from flash_image import (
    MAX_DUMP,
    SUFFIXES,
    Chip,
    ChipFault,
    Dump,
    DumpError,
    FirmwareError,
    Form,
    ImageError,
    JournalError,
    LayoutError,
    Note,
    form_of,
    read_dump,
    write_dump,
)
from tools.flash.reading import still
from tools.flash.words import in_words

STREAM = "-"
"""Stands for standard input or output."""
LOSSES = frozenset({"truncated", "longer", "bad-records", "moved"})
"""Notes of dumps that would lose something if they were written back."""
_REFUSALS = (ChipFault, DumpError, FirmwareError, ImageError, JournalError, LayoutError)


class FlashError(ValueError):
    """An image that is none, or something that cannot be done with it; the text is one line for a person."""


class Refusal(FlashError):
    """One that does not say which file it is about; :func:`refused` does."""


@contextmanager
def refused(name: str) -> Iterator[None]:
    """What the flash refuses is said in words, beginning with ``name``. Raises FlashError."""
    try:
        yield
    except Refusal as error:
        raise FlashError(f"{printable(name)}: {error}") from None
    except _REFUSALS as error:
        raise FlashError(f"{printable(name)}: {in_words(error)}") from None


@frozen
class Image:
    """An image file that was read. size: bytes of the file."""

    name: str
    size: int
    dump: Dump

    @property
    def chip(self) -> Chip:
        """The chip in it."""
        return self.dump.chip


@frozen
class Written:
    """A file that was written. form: of an image, or what it is; size: in bytes; streamed: it is no file but a stream;
    notes: what it cannot hold."""

    path: str
    form: str
    size: int
    streamed: bool = False
    notes: tuple[Note, ...] = ()


def read_image(name: str) -> Image:
    """The image in a file, or in standard input (``-``). Raises FlashError."""
    data = read_bytes(name, MAX_DUMP)
    with refused(name):
        return Image(name, len(data), read_dump(data))


def read_bytes(name: str, limit: int) -> bytes:
    """A file of at most ``limit`` bytes, or standard input. Raises FlashError."""
    try:
        if name == STREAM:
            data = sys.stdin.buffer.read(limit + 1)
        else:
            with open(name, "rb") as file:
                data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise FlashError(f"{printable(name)}: {_cause(error, 'cannot be read')}") from None
    if len(data) > limit:
        raise FlashError(f"{printable(name)}: longer than {limit:,} bytes")
    return data


def form_for(name: str, form: Form | None = None, otherwise: Form | None = None) -> Form:
    """``form``, or what the ending of ``name`` stands for, or ``otherwise``. Raises FlashError."""
    if form is not None:
        return form
    try:
        return form_of(name)
    except DumpError:
        if otherwise is not None:
            return otherwise
        raise FlashError(
            f"{printable(name)}: its ending does not say in which form; give --form, or one of {' '.join(SUFFIXES)}"
        ) from None


def save_new(chip: Chip, output: str, form: Form, force: bool) -> Written:
    """Write ``chip`` to a file that is not there yet, or with ``force`` over one. Raises FlashError."""
    data = image_bytes(chip, form)
    streamed = place(output, data, force)
    return Written(output, form, len(data), streamed, lost(chip, form))


def save_back(image: Image, chip: Chip, output: str | None, force: bool) -> Written:
    """Write the changed ``chip`` of ``image`` in its place and form, or to ``output``. Raises FlashError."""
    if output is not None:
        form = form_for(output, otherwise=image.dump.form)
        written = save_new(chip, output, form, force)
        # What a commit wore out is not told: the file never held the wear of the chip.
        return written if image.dump.form == "packed" else Written(output, form, written.size, written.streamed)
    losses = [note.text for note in image.dump.notes if note.code in LOSSES]
    if losses and not force:
        raise FlashError(
            f"{printable(image.name)}: is not written back, as something of it would be lost ({losses[0]}); "
            "give -o FILE, or --force"
        )
    if image.name == STREAM:
        raise FlashError("an image from standard input cannot be written back; give -o FILE")
    data = image_bytes(chip, image.dump.form)
    return Written(image.name, image.dump.form, len(data), place(image.name, data, True))


def image_bytes(chip: Chip, form: Form) -> bytes:
    """``chip`` as a file of that form."""
    return write_dump(chip if form == "packed" else still(chip), form)


def lost(chip: Chip, form: Form) -> tuple[Note, ...]:
    """What a file of that form cannot hold of ``chip``, as notes."""
    held = [name for name, there in (("wear", chip.wear), ("faults", chip.faults is not None)) if there]
    if form == "packed" or not held:
        return ()
    return (Note("lost", f"the file does not hold the {' and the '.join(held)} of the chip; a packed image does"),)


def place(name: str, data: bytes, force: bool) -> bool:
    """Write ``data`` whole or not at all; whether it went into a stream, which is written as it is. Raises FlashError.

    A new file is its owner's only, for images hold passwords; one that is written over keeps its mode.
    """
    if name == STREAM:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return True
    try:
        path = Path(name).resolve()
        mode = path.stat().st_mode if path.exists() else stat.S_IFREG | 0o600
        if stat.S_ISCHR(mode) or stat.S_ISFIFO(mode):
            with open(name, "wb") as stream:
                stream.write(data)
            return True
        if not stat.S_ISREG(mode):
            raise FlashError(f"{printable(name)}: is there already and is no ordinary file")
        if path.exists() and not force:
            raise FlashError(f"{printable(name)}: is there already; --force writes over it")
        if path.exists() and not os.access(path, os.W_OK):
            raise FlashError(f"{printable(name)}: cannot be written (it is read-only)")
        _replace(path, data, stat.S_IMODE(mode))
    except BrokenPipeError:
        raise
    except (OSError, RuntimeError) as error:
        raise FlashError(f"{printable(name)}: cannot be written ({_cause(error, 'error')})") from None
    return False


def _replace(path: Path, data: bytes, mode: int) -> None:
    """Write beside ``path`` first, so that a full disk leaves what was there."""
    handle, beside = tempfile.mkstemp(prefix=f".{path.name[:50]}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        Path(beside).chmod(mode)
        Path(beside).replace(path)
    finally:
        Path(beside).unlink(missing_ok=True)


def _cause(error: Exception, otherwise: str) -> str:
    text = error.strerror if isinstance(error, OSError) else None
    return (text or otherwise).lower()
