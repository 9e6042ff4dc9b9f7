"""Splicing: a case takes something of another one."""

from __future__ import annotations

from typing import Any

from emulator.world.scenario import Scenario
from tools.fuzz.model import Case
from tools.fuzz.mutators.draft import LONG, MOST, MOST_DEEDS, TABLES, TAIL, Draft, opened

PARTS = (*TABLES, "action", "action", "change", "cut", "link", "phone", "clock", "names")


def splice(draft: Draft, other: Case) -> None:
    """Take one to three parts of another case."""
    story = other.scenario
    draft.reach(min(other.calm, max(LONG, draft.calm)))
    for _ in range(draft.dice.between(1, 3)):
        take(draft, draft.dice.choice(PARTS), story, other.calm)
    draft.made |= {name: body for name, body in story.content.items() if name not in draft.base.content}
    draft.poisoned |= any(each.do == "factory-reset" and each.at >= other.calm - TAIL for each in story.action)


def take(draft: Draft, part: str, story: Scenario, calm: int) -> None:
    """One part: instead of the draft's, or in addition where that is possible."""
    if part in TABLES:
        if getattr(story, part) != getattr(draft.base, part):
            vlans = {0, *(getattr(each, "vlan", 0) for each in getattr(draft.base, part))}
            theirs = [each for each in opened(getattr(story, part), calm) if getattr(each, "vlan", 0) in vlans]
            draft.tables[part] = theirs
            draft.touched.add(part)
    elif part == "action":
        done = [each for each in story.action if each.at < calm - TAIL and each not in draft.actions]
        room = MOST_DEEDS + len(draft.base.action) - len(draft.actions)
        draft.actions += done[: max(room, 0)]
    elif part == "change":
        draft.changes += [each for each in story.change if each not in draft.changes][: MOST - len(draft.changes)]
    elif part == "cut":
        draft.cuts = list(story.cut)
    elif part == "names":
        draft.names = {**draft.names, **story.names}
    elif part == "clock":
        draft.clock, draft.seed = story.clock, story.seed
    else:
        fields: dict[str, Any] = {part: getattr(story, part)}
        draft.link = fields.get("link", draft.link)
        draft.phone = fields.get("phone", draft.phone)
