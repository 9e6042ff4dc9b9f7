"""``convert`` and ``dump``: an image in another form, and the image that a phone had at some moment of a run."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from emulator.events.masking import is_secret
from emulator.log.store import LogError
from flash_image import Chip, Form
from tools.browse import state_at
from tools.flash.files import Image, Written, form_for, read_image, refused, save_new
from tools.flash.reading import look
from tools.locate import DATABASE, firmware_of, located


@frozen
class Converted:
    """An image in another form."""

    image: Image
    written: Written


@frozen
class Dumped:
    """The image of a phone of a run, just after event ``n``. secrets: what it holds that should not go to anybody."""

    run: int
    n: int
    phone: int
    written: Written
    secrets: tuple[str, ...]


def convert(source: str, output: str, *, form: Form | None = None, force: bool = False) -> Converted:
    """Write an image in the form that ``output`` ends in, or in ``form``. Raises FlashError."""
    chosen = form_for(output, form)
    image = read_image(source)
    return Converted(image, save_new(image.chip, output, chosen, force))


def dump(
    run: str,
    output: str,
    *,
    db: str | Path = DATABASE,
    phone: int = 0,
    form: Form | None = None,
    force: bool = False,
) -> Dumped:
    """Write the flash of a phone as it is just after event N of ``RUN@N``, by default the last.

    Raises LogError and FlashError.
    """
    chosen = form_for(output, form)
    number, n, chip = chip_at(run, db, phone)
    with refused(run):
        secrets = secrets_on(chip)
    return Dumped(number, n, phone, save_new(chip, output, chosen, force), secrets)


def chip_at(run: str, db: str | Path = DATABASE, phone: int = 0) -> tuple[int, int, Chip]:
    """(id of the run, number of the event, the chip of a phone just after it). Raises LogError."""
    with located(run, db) as found:
        info = found.info
        if not 0 <= phone < info.header.phones:
            raise LogError(f"run {info.id} has phones 0 to {info.header.phones - 1}")
        n = found.event() if info.events else 0
        return info.id, n, state_at(found.store, info, firmware_of(info), n, phone).flash.chip


def secrets_on(chip: Chip) -> tuple[str, ...]:
    """The secret parameters that a chip holds. Raises LayoutError."""
    held = look(chip).settings
    return tuple(sorted({setting.key for setting in held if setting.value and is_secret(setting.key)}))
