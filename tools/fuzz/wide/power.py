"""The power: switched off and on, and cut in the middle of the flash's work."""

from __future__ import annotations

from emulator.events import SECOND
from emulator.world.scenario import CutSpec, Duration
from flash_image import KINDS
from tools.fuzz.wide.draft import MS, Draft

TEARS = tuple(KINDS)
MOST_CUTS = 5


def switched(draft: Draft) -> bool:
    """Off, and on again after a moment, a while, or not before the calm; also several times."""
    dice = draft.dice
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        at = draft.when()
        draft.act("power-off", at)
        if dice.chance(850_000):
            draft.act("power-on", at + dice.choice((1, MS, 500 * MS, 2 * SECOND, 10 * SECOND, 60 * SECOND)))
    return True


def in_work(draft: Draft) -> bool:
    """Off while the phone writes what it has just got: the time is that of a message and a little more."""
    dice = draft.dice
    at = (dice.choice(draft.survey.moments) if draft.survey.moments else 0) + dice.below(150 * MS)
    draft.act("power-off", at)
    draft.act("power-on", at + dice.choice((1, SECOND, 3 * SECOND)))
    return True


def cuts(draft: Draft) -> bool:
    """The power goes in some flash operation, and again in those by which the phone recovers. One that has not come by
    the calm may come later; the power is back by itself."""
    dice = draft.dice
    room = MOST_CUTS - len(draft.cuts)
    if room <= 0 or draft.base.phone.count > 1:
        return False
    for turn in range(min(room, dice.choice((1, 1, 1, 2, 2, 3)))):
        nested = turn > 0 or bool(draft.cuts)
        draft.cuts.append(
            CutSpec(
                after=dice.below(12 if nested else max(draft.survey.operations * 2, 24)),
                tear=dice.choice(TEARS),
                keep=dice.choice((0, 1, 4, 32, 33, 128, 255, 256, dice.below(257), dice.below(4097))),
                sample=dice.below(8),
                off=Duration(dice.choice((1, MS, SECOND, 2 * SECOND, 5 * SECOND))),
            )
        )
    return True
