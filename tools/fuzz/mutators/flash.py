"""What is on the chip when the story begins, and what its cells do."""

from __future__ import annotations

from attrs import evolve

from emulator.phone.storage import FILES
from emulator.world.scenario import WornSpec
from flash_image import BEHAVIOURS, Chip, partitions, read_dump
from flash_image import pack as packed
from tools.fuzz.dice import Dice
from tools.fuzz.mutators.draft import Draft
from tools.fuzz.mutators.words import key_of, some, value

PARTS = ("journal", "journal", "files", "log", "boot")
MOST_STORED = 60


def image(draft: Draft) -> bool:
    """The phone starts from the chip as the base left it; some cells of it may read otherwise by now."""
    base = draft.base.phone
    fresh = draft.survey.clean and base.count == 1 and base.model == "KX-UTG200B" and base.serial == "0000001"
    if not fresh or base.mac != "0080F0123456" or draft.phone.user or draft.phone.provisioned or draft.phone.saved:
        return False
    body = draft.survey.image
    if draft.dice.chance(600_000):
        chip = read_dump(body).chip.copy()
        for _ in range(draft.dice.choice((1, 1, 2, 4))):
            damage(chip, draft.dice)
        body = packed(chip)
    draft.phone = evolve(draft.phone, flash=draft.keep(body, ".kxf"))
    return True


def place_of(chip: Chip, dice: Dice) -> int:
    """An address where something is written, if that is easily found."""
    part = partitions(chip).find(dice.choice(PARTS))
    sector = chip.geometry.sector
    if part is None:
        return 16 * sector
    written = [part.first + each for each in range(min(part.count, 32)) if not chip.is_blank(part.first + each)]
    return (dice.choice(written) if written else part.first) * sector + dice.choice((0, 256, 512)) + dice.below(128)


def damage(chip: Chip, dice: Dice) -> None:
    """A byte loses bits, or a whole sector is erased."""
    at = place_of(chip, dice)
    if dice.chance(100_000):
        chip.erase(at // chip.geometry.sector)
    else:
        chip.program(at, bytes([dice.below(256) & chip.read(at, 1)[0]]))


def flips(draft: Draft) -> bool:
    """Bits of the chip read the other way from some time on; all of them are right again at the calm."""
    dice = draft.dice
    at = draft.when()
    sector = 4096
    first = dice.choice((2, 4, 16, 16, 16, 17, 32, 48, 49))
    address = first * sector + dice.choice((0, 256, 512, 768)) + dice.below(64)
    mask = f"{1 << dice.below(8):02X}" if dice.chance(700_000) else dice.bytes(dice.between(1, 8)).hex().upper()
    draft.act("flip", at, address=address, mask=mask)
    if dice.chance(400_000):
        draft.act("flip", at + dice.below(60_000_000_000), address=address, mask=mask)
    if dice.chance(500_000):
        draft.act("restart", at + dice.below(5_000_000_000))
    return True


def worn(draft: Draft) -> bool:
    """A sector or two take so many erasures, and no more."""
    if draft.base.phone.worn or len(draft.phone.worn) > 2:
        return False
    dice = draft.dice
    sectors = tuple(sorted({dice.choice((4, 5, 16, 32, 48, 49, 50, 51)) for _ in range(dice.between(1, 2))}))
    spec = WornSpec(dice.choice(BEHAVIOURS), dice.choice((0, 0, 1, 2, 5)), sectors)
    draft.phone = evolve(draft.phone, worn=(*draft.phone.worn, spec))
    return True


def stored(draft: Draft) -> bool:
    """The phone has values of earlier days: typed by its user, or from files that it saved."""
    if draft.phone.flash is not None or draft.base.phone.saved:
        return False
    dice = draft.dice
    user, provisioned = dict(draft.phone.user), dict(draft.phone.provisioned)
    for _ in range(dice.choice((1, 1, 2, 5, 20))):
        parameter = some(draft, cutting=False)
        given = value(parameter, dice)
        if not parameter.check(given) and len(user) < MOST_STORED:
            into = user if dice.chance(600_000) else provisioned
            into[key_of(parameter, dice)] = parameter.canonical(given)
    draft.phone = evolve(draft.phone, user=user, provisioned=provisioned)
    if dice.chance(300_000) and draft.survey.clean:
        bodies = {each.file: each.text for each in draft.survey.asked if each.file in FILES and each.text}
        saved = {file: draft.keep(text.encode(), ".cfg") for file, text in bodies.items() if dice.chance(800_000)}
        draft.phone = evolve(draft.phone, saved=saved)
    return True
