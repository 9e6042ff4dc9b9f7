"""The power: switched off and on, and cut in the middle of the flash's work."""

from __future__ import annotations

from emulator.events import SECOND
from emulator.world.scenario import CutSpec, Duration, PathSpec
from flash_image import KINDS
from tools.fuzz.mutators.documents import EDITS, now_served, serve
from tools.fuzz.mutators.draft import MS, Draft
from tools.fuzz.mutators.people import again, settled_by

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
    for turn in range(dice.choice((1, 1, 1, 2, 2, 3))):
        nested = turn > 0 or bool(draft.cuts)
        if not cut(draft, dice.below(12 if nested else max(draft.survey.operations * 2, 24))):
            return turn > 0
    return True


def cut(draft: Draft, after: int) -> bool:
    """The power goes in the operation after so many others."""
    dice = draft.dice
    if len(draft.cuts) >= MOST_CUTS or draft.base.phone.count > 1:
        return False
    keep = dice.choice((0, 1, 4, 32, 33, 128, 255, 256, dice.below(257), dice.below(4097)))
    off = Duration(dice.choice((1, MS, SECOND, 2 * SECOND, 5 * SECOND)))
    draft.cuts.append(CutSpec(after, tear=dice.choice(TEARS), keep=keep, sample=dice.below(8), off=off))
    return True


def resaved(draft: Draft) -> bool:
    """A file says something else from some time on, the phone fetches it again, and the power goes while it is saved:
    what was there before is the old one."""
    files = draft.survey.device_files()
    if not files or draft.cuts:
        return False
    dice, at, asked = draft.dice, settled_by(draft), draft.dice.choice(files)
    text = dice.weighted(EDITS[:3])(draft, now_served(draft, asked))
    serve(draft, asked, PathSpec(text=text), (at, draft.calm))
    again(draft, at + dice.below(2 * SECOND))
    return cut(draft, draft.survey.operations + dice.below(max(draft.survey.operations, 24)))
