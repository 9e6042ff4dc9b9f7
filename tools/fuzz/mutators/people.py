"""What people do: type, restart, pull the cable, telephone, send NOTIFYs, export, import, reset."""

from __future__ import annotations

from emulator.events import SECOND
from tools.fuzz.mutators.draft import MINUTE, MS, SOME, Draft
from tools.fuzz.mutators.words import allowed, key_of, some, value

EVENTS = (
    *("check-sync", "check-sync", "check-sync", "check-sync;reboot=true", "check-sync;reboot=false", "resync"),
    *("CHECK-SYNC", "check-sync ", "ua-profile", "message-summary", "check-syncx", "", "x" * 300),
)
DECIDING = (
    *(("PROVISION_ENABLE", "N"), ("PROVISION_ENABLE", "Y"), ("CFG_RESYNC_FROM_SIP", "resync")),
    *(("CFG_RESYNC_FROM_SIP", ""), ("LINE_ENABLE/1", "N"), ("LINE_ENABLE/2", "Y")),
)
"""Settings that decide over a NOTIFY."""
SOURCES = ("192.0.2.30", "192.0.2.30", "192.0.2.30", "192.0.2.5", "192.0.2.20", "192.0.2.99")
PASSWORDS = (None, "adminpass", "only-a-sample", "", "wrong-word", "x" * 500)
GAPS = (0, 1, MS, 5 * MS, 20 * MS, 100 * MS, SECOND, 3 * SECOND, 20 * SECOND)


def again(draft: Draft, at: int) -> None:
    """Have the phone look for its files once more, from about ``at`` on."""
    dice = draft.dice
    way = dice.choice(("restarts", "restarts", "power", "cable", "notify", "notify"))
    if way == "power" and draft.may(way):
        draft.act("power-off", at)
        draft.act("power-on", at + dice.between(1, 3 * SECOND))
    elif way == "cable" and draft.may(way):
        draft.act("link-down", at)
        draft.act("link-up", at + dice.between(1, 3 * SECOND))
    elif way == "notify" and draft.may(way):
        believed(draft)
        draft.act("notify", at, event=dice.choice(EVENTS[:5]))
    else:
        draft.act("restart", at, via=dice.choice(("web", "phone")))


def believed(draft: Draft) -> None:
    """Have the names of SIP servers in the base's files lead to who sends NOTIFYs."""
    for key, host in draft.survey.parameters:
        if key.startswith("SIP_") and key.endswith("_ADDR") and not host.replace(".", "").isdigit():
            draft.known(host, "192.0.2.30")


def typing(draft: Draft) -> bool:
    """Somebody types one value or several, right or wrong, as whoever, or takes one back."""
    dice = draft.dice
    at = draft.when()
    gap = dice.choice(GAPS)
    for turn in range(dice.choice((1, 1, 1, 2, 4, 8))):
        parameter = some(draft)
        given = None if dice.chance(100_000) else value(parameter, dice)
        via = dice.choice(("web", "web", "web", "phone"))
        person = {"level": dice.choice("AU"), "password": dice.choice(PASSWORDS)} if dice.chance(200_000) else {}
        draft.act(via, at + turn * gap, key=key_of(parameter, dice), value=given, **person)
    return True


def calls(draft: Draft) -> bool:
    """The handset is lifted, and hung up later or not before the calm; something else wants to happen meanwhile."""
    dice, at = draft.dice, draft.when()
    draft.act("lift", at)
    if dice.chance(700_000):
        draft.act("hang-up", at + dice.choice((0, SECOND, 10 * SECOND, MINUTE)))
    if dice.chance(700_000):
        again(draft, at + dice.choice(GAPS))
    return True


def notify(draft: Draft) -> bool:
    """A NOTIFY, or several shortly after each other, from one that is believed or another."""
    dice = draft.dice
    at = settled_by(draft) if dice.chance(700_000) else draft.when()
    if dice.chance(850_000):
        believed(draft)
    gap = dice.choice(GAPS)
    key, other = dice.choice(DECIDING)
    if dice.chance(250_000) and allowed(draft, key):
        draft.act("web", at - dice.choice(GAPS), key=key, value=other)
    for turn in range(dice.choice((1, 1, 2, 3))):
        draft.act("notify", at + turn * gap, source=dice.choice(SOURCES), event=dice.choice(EVENTS))
    if dice.chance(300_000):
        again(draft, at - dice.choice((*GAPS, 7 * SECOND, 7_200 * MS)))
    return True


def settled_by(draft: Draft) -> int:
    """Some time soon after the phone of the base is done with its first run."""
    last = draft.survey.moments[-1] if draft.survey.moments else 0
    return min(last, 12 * SECOND) + draft.dice.choice((MS, SECOND, 3 * SECOND)) + draft.dice.below(12 * SECOND)


def restarts(draft: Draft) -> bool:
    """The phone is restarted, or made to look for its files once more."""
    for _ in range(draft.dice.choice((1, 1, 2))):
        again(draft, draft.when())
    return True


def cable(draft: Draft) -> bool:
    """The cable is pulled, and plugged in again, also several times."""
    dice = draft.dice
    at: int = draft.when()
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        draft.act("link-down", at)
        at = draft.when() if dice.chance(200_000) else at + dice.choice((1, MS, 300 * MS, 2 * SECOND, 40 * SECOND))
        draft.act("link-up", at)
        at += dice.choice(GAPS)
    return True


def reset(draft: Draft) -> bool:
    """Somebody wants the factory settings back."""
    if not draft.survey.clean:
        return False
    dice, at = draft.dice, draft.when()
    person = {"level": dice.choice("AAU"), "password": dice.choice((None, None, *PASSWORDS))}
    draft.act("factory-reset", at, via=dice.choice(("web", "phone")), **person)
    if dice.chance(300_000):
        again(draft, at + dice.choice(GAPS))
    return True


def answers(draft: Draft) -> bool:
    """Somebody answers an offer of the display, whether there is one or not."""
    draft.act("update", value=draft.dice.choice(("yes", "no")))
    return True


def longer(draft: Draft) -> bool:
    """Intervals are short, and pass several times, beside other things that happen at full minutes."""
    dice = draft.dice
    draft.reach(SOME)
    minutes = dice.choice((1, 2, 5, 10))
    if dice.chance(600_000):
        draft.act("web", key="CFG_CYCLIC", value="Y")
        draft.act("web", key="CFG_CYCLIC_INTVL", value=str(minutes if draft.calm <= SOME else 30))
    if dice.chance(600_000):
        draft.act("web", key="CFG_RTRY_INTVL", value=str(dice.choice((1, 2, minutes))))
    for _ in range(dice.between(0, 3)):
        again(draft, draft.full_minute() + dice.choice((0, 0, -1, 1, MS, 5 * SECOND)))
    return True
