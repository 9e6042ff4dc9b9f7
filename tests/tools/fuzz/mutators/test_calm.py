"""After its calm a story has no fault, by its own words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from attrs import evolve

from emulator.world.scenario import FOREVER, ActionSpec, Scenario
from tests.tools.fuzz.mutators.making import BASES, base, cases
from tools.fuzz.dice import Dice
from tools.fuzz.model import Case
from tools.fuzz.mutators import AFTER, vary
from tools.fuzz.mutators.draft import STAYS, TABLES, TAIL

MOST_LOSS = 30_000
"""Parts per million of datagrams that may get lost in the calm, for loss cannot stop."""
GOOD = {"sip": "answer", "sntp": "answer", "files": "well", "dhcpv6": "answer"}


def faults_after(case: Case, story: Scenario) -> Iterator[str]:
    """What of a case goes on after its calm that is neither the base's nor good."""
    made = case.scenario
    for table in TABLES:
        late = [spec for spec in getattr(made, table) if spec.end > case.calm]
        own = [spec for spec in getattr(story, table) if spec.end > case.calm]
        added = [spec for spec in late if not any(alike(spec, each) for each in own)]
        yield from (f"{table}: {spec}" for spec in added if not good(table, spec))
        yield from (f"{table}: {spec} is missing" for spec in own if not any(alike(each, spec) for each in late))
    yield from (f"{outage}" for outage in made.link.outage if outage.end > case.calm)
    if made.link.loss > max(MOST_LOSS, story.link.loss):
        yield "loss"
    for phone in range(made.phone.count):
        yield from left_undone(made, phone, case.calm)


def alike(spec: Any, own: Any) -> bool:
    """Whether a server is one of the base's, from the calm on, perhaps in a voice VLAN."""
    there = evolve(spec, start=own.start)
    return bool(there == own or (hasattr(spec, "vlan") and evolve(there, vlan=own.vlan) == own))


def good(table: str, spec: Any) -> bool:
    """Whether an added server is as it should be."""
    return bool(spec.end == STAYS and getattr(spec, "behaviour", "") == GOOD.get(table, ""))


def left_undone(made: Scenario, phone: int, calm: int) -> Iterator[str]:
    """Power off, cable out, handset up or bits flipped, of one phone."""
    on = cable = hung_up = True
    flipped: set[tuple[int, str]] = set()
    for action in sorted(made.action, key=lambda each: each.at):
        if action.phone != phone:
            continue
        on = on if not action.do.startswith("power") else action.do == "power-on"
        cable = cable if not action.do.startswith("link") else action.do == "link-up"
        hung_up = hung_up if action.do not in ("lift", "hang-up") else action.do == "hang-up"
        flipped ^= {(action.address, action.mask)} if action.do == "flip" else set()
        if action.at > calm:
            yield f"{action}"
    yield from ([] if on else ["power"])
    yield from ([] if cable else ["cable"])
    yield from ([] if hung_up else ["handset"])
    yield from map(str, flipped)


@pytest.mark.parametrize("name", BASES)
def test_nothing_is_wrong_after_the_calm(name: str) -> None:
    """Of no base, also after many steps."""
    story = base(name)
    for case in cases(400, name):
        assert list(faults_after(case, story)) == []
        assert case.scenario.until >= case.calm + AFTER


def test_a_fault_that_goes_on_is_seen() -> None:
    """The test above can fail."""
    case = next(case for case in cases(400) if "files" in case.kinds)
    bad = tuple(evolve(spec, end=FOREVER, behaviour="error") for spec in base().files)
    assert list(faults_after(Case(evolve(case.scenario, files=bad), case.calm), base()))


def test_a_parent_that_was_longer_leaves_nothing_behind() -> None:
    """Also where a case is calm earlier than the one that it was made from."""
    long = [case for case in cases(400) if case.calm > 3_600_000_000_000]
    children = [vary(base(), case, None, Dice(4, number)) for case in long for number in range(6)]
    assert any(child.calm < parent.calm for child, parent in zip(children[::6], long, strict=True))
    for child in children:
        assert list(faults_after(child, base())) == []


def reset_late(action: ActionSpec, calm: int) -> bool:
    """Whether an action is the factory reset just before the calm."""
    return action.do == "factory-reset" and calm - TAIL <= action.at < calm


def test_what_cuts_a_phone_off_is_mended_before_the_calm() -> None:
    """A phone with such settings gets its factory settings back; one that had settings before the story gets none."""
    poisoned = [case for case in cases(400) if "proxy" in case.kinds]
    mended = [case for case in poisoned if any(reset_late(each, case.calm) for each in case.scenario.action)]
    assert len(mended) > len(poisoned) * 2 // 3
    assert all(not case.scenario.phone.worn for case in mended)
    for case in cases(200, "url-typed-in-then-restarted"):
        assert all(action.do != "factory-reset" for action in case.scenario.action)
