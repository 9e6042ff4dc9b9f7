"""Stories that are the base up to some moment: only what comes after it is otherwise, so that cases can share the rest.

They are made of what people do and of what becomes of single messages. Nothing is mended at the end, and so nothing is
asked that needs good servers.
"""

from __future__ import annotations

from attrs import evolve, frozen

from emulator.events import SECOND
from emulator.world.scenario import Duration, Scenario
from tools.fuzz.dice import Dice
from tools.fuzz.model import Case
from tools.fuzz.mutators import exchange, messages, people, power
from tools.fuzz.mutators.draft import MINUTE, Draft, begin
from tools.fuzz.mutators.survey import survey

KINDS = {
    "packets": ((4, messages.packets),),
    "answers": ((4, messages.answers), (1, messages.streams)),
    "typing": ((1, people.typing),),
    "calls": ((1, people.calls),),
    "notify": ((1, people.notify),),
    "restarts": ((1, people.restarts),),
    "cable": ((1, people.cable),),
    "power": ((1, power.switched),),
    "pages": ((1, exchange.pages_seen),),
}
"""The kinds of faults that can come late: what each does, with weights."""
COUNTS = (1, 1, 1, 2, 2, 3)
WITHIN = 10 * SECOND
"""How long after the moment things begin to happen."""
AFTER = 5 * SECOND
"""How long after the last of them the phone is looked at, at least."""


@frozen
class Late:
    """Makes such cases. after: ns."""

    after: int

    def __call__(
        self, base: Scenario, parent: Case | None, other: Case | None, dice: Dice, kinds: frozenset[str] | None = None
    ) -> Case:
        """A case out of the base or a case of the corpus, with some faults more."""
        draft = begin(base, survey(base, self.after), None, dice)
        if parent is not None:
            draft.actions, draft.changes = list(parent.scenario.action), list(parent.scenario.change)
            draft.made = {name: body for name, body in parent.scenario.content.items() if name not in base.content}
        names = [name for name in KINDS if kinds is None or name in kinds]
        used = {*self.varied(draft, names), *(parent.kinds if parent is not None else ())}
        return self.finished(base, draft, tuple(sorted(used)))

    def varied(self, draft: Draft, names: list[str]) -> list[str]:
        """Do some faults; what each is called."""
        dice = draft.dice
        chosen = [dice.choice(names) for _ in range(dice.choice(COUNTS) if names else 0)]
        return [name for name in chosen if dice.weighted(KINDS[name])(draft)]

    def finished(self, base: Scenario, draft: Draft, kinds: tuple[str, ...]) -> Case:
        """The story: the base, what is done after the moment, and the end soon after that."""
        seen = draft.survey.seen
        known = {each.source for each in base.action if each.do == "notify"}
        deeds = tuple(
            evolve(each, at=self.later(each.at))
            for each in draft.actions[len(base.action) :]
            if each.do != "notify" or each.source in known  # another sender would have been there before
        )
        changes = (each for each in draft.changes[len(base.change) :] if each.count > seen.get(each.input, 0))
        calm = max([self.after, *(each.at for each in deeds)]) + AFTER
        story = evolve(
            base,
            action=(*base.action, *deeds),
            change=(*base.change, *changes),
            until=Duration(max(calm + MINUTE, base.until)),
            content={**base.content, **draft.made},
        )
        return Case(story, calm, kinds)

    def later(self, at: int) -> Duration:
        """A time after the moment, near it for one that was before; and odd, so that it is none of the base's, for
        among things of one time the order is that in which they were planned."""
        return Duration((at if at > self.after else self.after + 1 + at % WITHIN) | 1)
