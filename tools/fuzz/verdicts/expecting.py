"""What the scenario itself expects and forbids (:mod:`emulator.world.expect`), as a verdict."""

from __future__ import annotations

from attrs import evolve

from emulator.world.expect import Witness
from emulator.world.scenario import Expectations
from tools.fuzz.verdicts.watching import Verdict


class Expected(Verdict):
    """Its expectations hold at the end. Of a story that faults were put into, only what it forbids is asked: the rest
    is about the story without them."""

    name = "expected"

    def begin(self) -> None:
        """A witness of its own."""
        case = self.facts.case
        expect = case.scenario.expect
        if case.kinds or case.parents or 0 < case.calm < case.scenario.until:
            expect = Expectations(forbidden=expect.forbidden)
        self.asked = evolve(expect, invariants=False, calm=expect.calm) != Expectations(calm=expect.calm)
        self.witness = Witness(evolve(case.scenario, expect=expect)) if self.asked else None

    def seen(self) -> None:
        """Each input, if anything is asked."""
        if self.witness is not None:
            self.witness(self.facts.settled)

    def finish(self) -> None:
        """Judged when the story ran to its end."""
        if self.witness is None or not self.facts.complete:
            return
        for number, verdict in enumerate(self.witness.verdicts(self.facts.index, self.facts.phone)):
            if not verdict.holds:
                self.fault("", f"{verdict.text}; found: {verdict.found}", key=f"expectation {number}")
