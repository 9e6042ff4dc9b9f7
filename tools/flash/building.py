"""``build``: an image out of a specification."""

from __future__ import annotations

from pathlib import Path

from emulator.events.masking import printable
from flash_image import Chip, Form, factory
from tools.flash.changing import allowed, change
from tools.flash.content import DEFAULT, Content, content_of, resolved
from tools.flash.files import STREAM, Written, form_for, refused, save_new
from tools.flash.rawjson import chip_of
from tools.flash.reading import look
from tools.flash.spec import read_spec


def build(source: str, output: str, *, form: Form | None = None, force: bool = False) -> Written:
    """Write the image that the TOML or JSON file ``source`` describes; its files lie below the folder of that file.

    force: take values that the catalogue does not allow, and write over ``output``. Raises FlashError, ScenarioError.
    """
    chosen = form_for(output, form)
    return save_new(built(source, force), output, chosen, force)


def built(source: str, force: bool = False) -> Chip:
    """The chip that ``source`` describes: a fresh one, or the one in ``raw``, whose content becomes what is wanted."""
    given = read_spec(source)
    folder = Path() if source == STREAM else Path(source).parent
    wanted = resolved(given.content, printable(source), folder)
    with refused(source):
        chip = fresh(wanted) if given.raw is None else chip_of(given.raw, printable(source))
        held = content_of(look(chip))
        if not force:
            wanted = allowed(held, wanted)
        if wanted != held:
            change(chip, held, wanted, given.raw is None)
    return chip


def fresh(wanted: Content) -> Chip:
    """A chip as it leaves the factory. Raises LayoutError."""
    who = wanted.who.over(DEFAULT)
    return factory(who.mac or "", who.model or "", who.serial or "", wanted.geometry, wanted.format)
