"""SIP PnP responders: one or several, in time or late, right or wrong."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from emulator.world.scenario import PNP_BEHAVIOURS, Duration, PnpSpec
from tools.fuzz.dice import Dice
from tools.fuzz.mutators.draft import MS, Draft
from tools.fuzz.mutators.sources import odd_url, usual_url

DELAYS = (0, 1, 10, 100, 400, 500, 1_500, 3_000, 4_900, 4_990, 4_997, 4_998, 4_999, 5_000, 5_001, 5_100, 9_000, 31_000)
ADDRESSES = ("192.0.2.5", "192.0.2.6", "192.0.2.7", "192.0.2.30", "192.0.2.1")
WRONG = tuple(each for each in PNP_BEHAVIOURS if each not in ("answer", "silent"))


FOREIGN_TO = ("<sip:phone@example.com>", "<sip:phone@example.com>;tag=other", "<sip:phone@example.com>;tag=", "nobody")
HEADERS = {
    "Event": ("ua-profile;profile-type=device", "UA-Profile", "ua-profile ", "ua-profilex", "message-summary", ""),
    "Content-Type": ("application/url;charset=utf-8", "Application/URL", "application/urls", "text/plain", ""),
    "Subscription-State": ("active;expires=60", "terminated", "pending", ""),
    "CSeq": ("2 NOTIFY", "4294967295 NOTIFY", "4294967296 NOTIFY", "1 SUBSCRIBE", "x", ""),
    "To": (*FOREIGN_TO, ""),
    "Call-ID": ("another-call@192.0.2.99", ""),
    "From": ("<sip:pnp@192.0.2.5>", "anonymous", ""),
    "Via": ("SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKother", "SIP/2.0/TCP 192.0.2.5", ""),
    "Content-Length": ("0", "5", "9999", "x"),
    "Max-Forwards": ("0", ""),
}
"""Values of header fields that are unusual, in another form, or wrong."""


def headers(dice: Dice) -> dict[str, str]:
    """Mostly none that is not usual; a NOTIFY of another dialog, or a field that is otherwise."""
    roll = dice.below(10)
    if roll < 6:
        return {}
    if roll < 8:
        return {"Call-ID": "another-call@192.0.2.99", "To": dice.choice(FOREIGN_TO)}
    name = dice.choice(tuple(HEADERS))
    return {name: dice.choice(HEADERS[name])}


def responders(draft: Draft) -> bool:
    """One to three more, each with a URL and manners of its own."""
    dice, usual = draft.dice, usual_url(draft)
    for _ in range(dice.choice((1, 1, 1, 2, 2, 3))):
        start, end = (0, draft.calm) if dice.chance(500_000) else draft.window()
        spec = PnpSpec(
            url=dice.weighted(((5, usual), (3, odd_url(draft, usual)), (1, "not a url"), (1, ""))),
            address=dice.choice(ADDRESSES),
            behaviour=dice.choice(("answer", "answer", "notify-first", dice.choice(WRONG), dice.choice(WRONG))),
            delay=Duration(dice.choice(DELAYS) * MS),
            lose=dice.choice((0, 0, 0, 1, 2, 5)),
            headers=headers(dice),
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
            {"headers": headers(dice)},
            {"url": odd_url(draft, spec.url or usual_url(draft))},
        )
    )
    draft.spoil("pnp", place, evolve(spec, **changes))
    return True
