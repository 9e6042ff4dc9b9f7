"""SIP PnP responders: one or several, in time or late, right or wrong."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from emulator.world.scenario import PNP_BEHAVIOURS, Duration, PnpSpec
from tools.fuzz.wide.dhcp import odd_url, usual_url
from tools.fuzz.wide.draft import MS, Draft

DELAYS = (0, 1, 10, 100, 400, 500, 1_500, 3_000, 4_900, 4_990, 4_997, 4_998, 4_999, 5_000, 5_001, 5_100, 9_000, 31_000)
ADDRESSES = ("192.0.2.5", "192.0.2.6", "192.0.2.7", "192.0.2.30", "192.0.2.1")
WRONG = tuple(each for each in PNP_BEHAVIOURS if each not in ("answer", "silent"))


def responders(draft: Draft) -> bool:
    """One to three more, each with a URL and manners of its own."""
    dice, usual = draft.dice, usual_url(draft)
    for _ in range(dice.choice((1, 1, 1, 2, 2, 3))):
        start, end = draft.window()
        spec = PnpSpec(
            url=dice.weighted(((5, usual), (3, odd_url(draft, usual)), (1, "not a url"), (1, ""))),
            address=dice.choice(ADDRESSES),
            behaviour=dice.choice(("answer", "answer", "notify-first", dice.choice(WRONG), dice.choice(WRONG))),
            delay=Duration(dice.choice(DELAYS) * MS),
            lose=dice.choice((0, 0, 0, 1, 2, 5)),
            start=Duration(start),
            end=Duration(end),
        )
        draft.add("pnp", spec, first=dice.chance(500_000))
    return True


def worse(draft: Draft) -> bool:
    """A responder that is there behaves otherwise for some time."""
    place = draft.pick("pnp")
    if place is None:
        return responders(draft)
    dice, spec = draft.dice, draft.tables["pnp"][place]
    changes: dict[str, Any] = dice.choice(
        (
            {"behaviour": dice.choice(PNP_BEHAVIOURS)},
            {"delay": Duration(dice.choice(DELAYS) * MS)},
            {"lose": dice.between(1, 6)},
            {"url": odd_url(draft, spec.url or usual_url(draft))},
        )
    )
    draft.spoil("pnp", place, evolve(spec, **changes))
    return True
