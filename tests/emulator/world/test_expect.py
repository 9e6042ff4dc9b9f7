"""What a scenario forbids is like what it never expects, and stays when a campaign varies it."""

from __future__ import annotations

import pytest
from attrs import evolve

from emulator.world.packing import pack, unpack
from emulator.world.scenario import EventExpectation, Expectations
from tests.emulator.phone.bench import seconds, story
from tools.simulate import run


@pytest.mark.parametrize("table", ["never", "forbidden"])
def test_an_event_that_must_not_be(table: str) -> None:
    """It is counted, judged and told alike."""
    base = story(until=seconds(20))
    for kind, holds in (("RunStarted", False), ("PnpAnswered", True)):
        expect = Expectations(**{table: (EventExpectation(kind),)})  # type: ignore[arg-type]
        scenario = evolve(base, expect=expect)
        assert unpack(pack(scenario), "it") == scenario
        (verdict,) = run(scenario, keep_entries=False).expectations
        assert (verdict.text, verdict.holds) == (f"never {kind}()", holds)
