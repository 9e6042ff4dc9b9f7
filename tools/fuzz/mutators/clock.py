"""The time of day: servers that tell it wrongly, steps, the ends of years and of summer, and what hangs on it."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from emulator.events import SECOND
from emulator.events.civil import DAY
from emulator.world.scenario import NEW_YEAR, SNTP_BEHAVIOURS, Duration, Instant, SntpSpec
from tools.fuzz.mutators.draft import LONG, MINUTE, SOME, STAYS, Draft

HOUR = 60 * MINUTE
MOMENTS = (
    NEW_YEAR,
    NEW_YEAR - 30 * SECOND,
    NEW_YEAR + 59 * DAY - 40 * SECOND,
    NEW_YEAR + 87 * DAY + HOUR - 2 * MINUTE,
    NEW_YEAR + 297 * DAY + HOUR - 2 * MINUTE,
    NEW_YEAR + 66 * DAY + 2 * HOUR - MINUTE,
    NEW_YEAR + 303 * DAY + 2 * HOUR - MINUTE,
    NEW_YEAR + 11 * 365 * DAY,
)
"""Ends of a year and of a February, the switches of summer time in Europe and America, another decade."""
STEPS = (1, 30, 600, 3_600, 7_200, 86_400, 366 * 86_400)
KISSES = ("RATE", "DENY", "RSTR", "INIT", "STEP")


def server(draft: Draft) -> int:
    """The place of a time server; one is there from now on, where the files say, if none was."""
    place = draft.pick("sntp")
    if place is not None:
        return place
    address = dict(draft.survey.parameters).get("NTP_ADDR", "192.0.2.40")
    if not address.replace(".", "").isdigit():
        draft.known(address, "192.0.2.40")
        address = "192.0.2.40"
    draft.add("sntp", SntpSpec(address, end=STAYS))
    return len(draft.tables["sntp"]) - 1


def servers(draft: Draft) -> bool:
    """A time server whose clock is wrong, steps or drifts, or that sends the phone away."""
    dice, place = draft.dice, server(draft)
    spec: SntpSpec = draft.tables["sntp"][place]
    step = Duration(dice.choice(STEPS) * SECOND)
    changes: dict[str, Any] = dice.choice(
        (
            *(
                {"ahead": step},
                {"behind": step},
                {"behind": step},
                {"drift": dice.choice((-500_000, -100, 100, 500_000))},
            ),
            *({"kiss": dice.choice(KISSES)}, {"behaviour": dice.choice(SNTP_BEHAVIOURS)}, {"leap": dice.between(1, 3)}),
            *({"stratum": dice.choice((0, 1, 15, 16, 255))}, {"delay": Duration(dice.choice((1, 4, 5, 16)) * SECOND)}),
        )
    )
    draft.spoil("sntp", place, evolve(spec, **changes))
    if dice.chance(300_000):
        draft.reach(SOME)
        draft.act("web", key="TIME_QUERY_INTVL", value=dice.choice(("60", "300")))
    return True


def days(draft: Draft) -> bool:
    """The story begins on another day: at the end of a year, of a summer, of a February."""
    dice = draft.dice
    draft.clock = Instant(dice.choice(MOMENTS) + dice.choice((0, -5, -60, -900)) * SECOND)
    if dice.chance(500_000):
        draft.act("web", key="DST_ENABLE", value="Y")
        draft.act("web", key="TIME_ZONE", value=dice.choice(("0", "60", "-300", "840", "-720")))
    return True


def resync(draft: Draft) -> bool:
    """A time of day at which the files are fetched, which comes soon, beside intervals."""
    if not draft.survey.clean:
        return False
    dice = draft.dice
    draft.poisoned = True
    draft.reach(dice.choice((SOME, LONG)))
    place = server(draft)
    if dice.chance(400_000):
        wrong = {dice.choice(("ahead", "behind")): Duration(dice.choice(STEPS) * SECOND)}
        draft.spoil("sntp", place, evolve(draft.tables["sntp"][place], **wrong), (0, draft.full_minute()))
        draft.act("web", key="TIME_QUERY_INTVL", value=dice.choice(("60", "300")))
    minute = (draft.clock // MINUTE + dice.below(draft.calm // MINUTE)) % (24 * 60)
    text = f"{minute // 60:02d}:{minute % 60:02d}"
    draft.act("web", key="CFG_RESYNC_TIME", value=text)
    if dice.chance(500_000):
        draft.act("web", key="TIME_ZONE", value=dice.choice(("0", "0", "60", "-60")))
    if dice.chance(500_000):
        draft.act("web", key="CFG_CYCLIC", value="Y")
        draft.act("web", key="CFG_CYCLIC_INTVL", value="5" if draft.calm <= SOME else "30")
    if dice.chance(300_000):
        draft.act("web", draft.when(), key="CFG_RESYNC_TIME", value=dice.choice(("", text, None)))
    return True
