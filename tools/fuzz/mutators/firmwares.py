"""Firmware updates: good ones, and those in which one thing is not as it should be."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from emulator.events import SECOND
from emulator.world.scenario import DAMAGES, FirmwareSpec, PathSpec
from flash_image import is_version
from tools.fuzz.mutators.documents import now_served, serve, with_inner
from tools.fuzz.mutators.draft import MS, SOME, Draft
from tools.fuzz.mutators.files import host_of
from tools.fuzz.mutators.people import settled_by
from tools.fuzz.mutators.power import cut
from tools.fuzz.mutators.survey import Asked

WRONG: tuple[dict[str, Any], ...] = (
    *({"damage": damage} for damage in DAMAGES if damage != "none"),
    *({"model": "KX-UTG300B"}, {"version": "03.230"}, {"hangs": True}, {"hangs": True}),
    *({"size": 0}, {"size": 1}, {"size": 200_000}),
)
NEWER = ("03.220", "03.220", "03.220", "03.211", "04.100", "99.999")
OLDER = ("03.210", "03.209", "03.200", "02.999")
NONE = ("3.220", "03.220 ", "03.22", "v03.220", "03.2200", "")
"""Texts that are no versions."""
BEHAVIOURS = ("cut-off", "error", "slow", "silent", "missing", "refuse", "garbage")


def firmware(draft: Draft) -> bool:
    """A file orders a firmware: a good one, one that is wrong in some way, one that is not there, or none newer; the
    power may go while it is written."""
    if not draft.survey.device_files() or draft.pick("files") is None:
        return False
    dice, asked = draft.dice, strongest(draft)
    version = dice.choice(dice.weighted(((7, NEWER), (2, OLDER), (1, NONE))))
    image = FirmwareSpec(
        version=version if is_version(version) else "03.220", size=dice.choice((256, 3_000, 20_000, 60_000))
    )
    path = PathSpec(firmware=image)
    way = dice.below(10)
    if way < 3:
        path = PathSpec(firmware=evolve(image, **dice.choice(WRONG)))
    elif way < 5:
        path = PathSpec(firmware=image, behaviour=dice.choice(BEHAVIOURS))
    order(draft, asked, version, "none.fw" if way == 5 else "{MODEL}-{fwver}.fw" if way == 6 else "a.fw")
    for name in ("/a.fw", f"/{draft.phone.model}-{version}.fw"):
        serve(draft, asked._replace(target=name), path, (0, draft.calm))
    if path.firmware is not None and path.firmware.hangs:
        draft.reach(SOME)
    if dice.chance(350_000):
        interrupted(draft)
    elif dice.chance(250_000) and draft.may("calls"):
        at = settled_by(draft) - dice.choice((0, SECOND, 3 * SECOND, 10 * SECOND))
        draft.act("lift", at)
        draft.act("hang-up", at + dice.choice((5 * SECOND, 20 * SECOND, 40 * SECOND)))
    return True


def order(draft: Draft, asked: Asked, version: str, name: str) -> None:
    """Have a file order a version; sometimes the user is asked."""
    dice = draft.dice
    auto = "N" if dice.chance(250_000) else "Y"
    switches = f"<FIRM_UPGRADE_ENABLE>Y</FIRM_UPGRADE_ENABLE><FIRM_UPGRADE_AUTO>{auto}</FIRM_UPGRADE_AUTO>"
    url = f"http://{host_of(asked.host)}/{name}"
    inner = f"{switches}<FIRM_VERSION>{version}</FIRM_VERSION><FIRM_FILE_PATH>{url}</FIRM_FILE_PATH>"
    device = f"<Device><System><FwUpdt>{inner}</FwUpdt></System></Device>"
    serve(draft, asked, PathSpec(text=with_inner(now_served(draft, asked), device)), (0, draft.calm))
    if auto == "N":
        draft.act("update", settled_by(draft), value="yes" if dice.chance(700_000) else "no")


def interrupted(draft: Draft) -> None:
    """The power goes while an image is written, as long as that takes, or in one of the operations for it."""
    dice = draft.dice
    if dice.chance(500_000) and draft.may("power"):
        last = draft.survey.moments[-1] if draft.survey.moments else 0
        at = min(last, 12 * SECOND) + dice.below(4 * SECOND)
        draft.act("power-off", at)
        draft.act("power-on", at + dice.choice((MS, SECOND, 5 * SECOND)))
    elif draft.may("cuts"):
        cut(draft, draft.survey.operations + dice.below(120))


def strongest(draft: Draft) -> Asked:
    """One of the device files, mostly the first, whose word counts most."""
    files = draft.survey.device_files()
    return files[0] if draft.dice.chance(700_000) else draft.dice.choice(files)
