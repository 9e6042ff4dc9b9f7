"""From an id of a cut to the cut, and back: an id names an operation of one run, and its check knows that run."""

from __future__ import annotations

import attrs

from emulator.events import FlashErased, FlashProgrammed, PowerLost
from emulator.events.codec import EventDecoder
from emulator.log.chain import ORIGIN, MemorySink
from emulator.phone.firmware import Firmware
from emulator.phone.flash import flash_op
from emulator.world.fence import fence
from emulator.world.run import Run
from emulator.world.scenario import Expectations, Scenario
from emulator.world.toml import ScenarioError
from flash_image import Erase, Op, size_of, tears_of
from tools.cuts.cases import LETTERS, Cut, check_of, fingerprint, parse
from tools.cuts.judge import OFF


@attrs.frozen
class Written:
    """One flash operation of a run, how many bytes it changes, and its check."""

    op: Op
    size: int
    check: str


def with_cuts(scenario: Scenario, cuts: list[Cut], phone: int = 0) -> Scenario:
    """``scenario`` with these cuts, one after the other."""
    return attrs.evolve(scenario, cut=(*scenario.cut, *(cut.spec(OFF, phone) for cut in cuts)))


def resolve(scenario: Scenario, text: str, seed: int | None, firmware: Firmware | None = None) -> Scenario:
    """``scenario`` with the cuts of an id; what it expects of a phone whose power stays on is left out.

    Raises ScenarioError if the id is of another run, or of this one on other code, and names the nearest operation.
    """
    if scenario.cut:
        raise ScenarioError(f"--cut {text}: the scenario has cuts of its own; leave out one of the two")
    try:
        parts = parse(text)
    except ValueError as error:
        raise ScenarioError(f"--cut {text}: {error}") from None
    cuts: list[Cut] = []
    for cut, check in parts:
        there = operations(with_cuts(scenario, cuts), len(cuts), seed, firmware)
        refuse(text, cut, check, there)
        cuts.append(cut)
    return attrs.evolve(with_cuts(scenario, cuts), expect=Expectations(), seeds=1)


def checked(scenario: Scenario, name: str, seed: int | None, firmware: Firmware | None, phone: int) -> str:
    """The id ``name``, which has no checks yet, with them."""
    cuts: list[Cut] = []
    made = []
    for cut, _ in parse(name):
        there = operations(with_cuts(scenario, cuts, phone), len(cuts), seed, firmware, phone)
        made.append(f"{cut.name}-{there[cut.number - 1].check}" if cut.number <= len(there) else cut.name)
        cuts.append(cut)
    return "/".join(made)


def operations(
    scenario: Scenario, lost: int, seed: int | None, firmware: Firmware | None, phone: int = 0
) -> list[Written]:
    """The flash operations of a run, from its ``lost``-th power loss on."""
    sink = MemorySink()
    run = Run(scenario, seed=seed, firmware=firmware, sink=sink)
    with fence():
        run.run_until(scenario.until)
    chip = run.machines[phone].phone.flash.chip
    decoder = EventDecoder(sink.blobs.__getitem__)
    found: list[Written] = []
    before, left = ORIGIN, lost
    for row in sink.rows:
        if row.phone == phone and row.kind == PowerLost.kind:
            left -= 1
        elif row.phone == phone and row.kind in (FlashErased.kind, FlashProgrammed.kind) and left <= 0:
            event = row.entry(decoder).event
            assert isinstance(event, FlashErased | FlashProgrammed)
            op = flash_op(event)
            found.append(Written(op, size_of(chip, op), check_of(op, before)))
        before = row.link
    return found


def refuse(text: str, cut: Cut, check: str, there: list[Written]) -> None:
    """Raise ScenarioError unless ``cut`` is of an operation of ``there`` that has this check, or asks for none."""
    if not there:
        raise ScenarioError(f"--cut {text}: there is no flash operation to be cut")
    if cut.number > len(there):
        raise ScenarioError(f"--cut {text}: there are {len(there)} operations; {nearest(cut, check, there)}")
    if check and there[cut.number - 1].check != check:
        raise ScenarioError(f"--cut {text}: this is another run, or other code; {nearest(cut, check, there)}")
    refuse_tear(text, cut, there[cut.number - 1])


def refuse_tear(text: str, cut: Cut, written: Written) -> None:
    """Raise ScenarioError if the operation cannot be torn so."""
    kinds = tears_of(written.op)
    last = written.size - 1 if cut.tear.kind in ("bits", "unstable") else written.size
    if cut.tear.kind not in kinds:
        letters = ", ".join(letter for letter, kind in LETTERS.items() if kind in kinds)
        raise ScenarioError(f"--cut {text}: to {told(written.op)} can be torn by {letters} only")
    if cut.tear.keep > last:
        raise ScenarioError(f"--cut {text}: to {told(written.op)} can be torn so after 0 to {last} bytes")


def nearest(cut: Cut, check: str, there: list[Written]) -> str:
    """The operation that was most likely meant: the nearest that does the same, or else the nearest."""
    alike = [n for n, written in enumerate(there, 1) if check and fingerprint(written.op) == check[:2]]
    number = min(alike or [min(cut.number, len(there))], key=lambda n: abs(n - cut.number))
    written = there[number - 1]
    what = "the nearest like it is" if alike else "nearest is"
    return f"{what} {attrs.evolve(cut, number=number).name}-{written.check} ({told(written.op)})"


def told(op: Op) -> str:
    """An operation in words."""
    return f"erase sector {op.sector}" if isinstance(op, Erase) else f"program {len(op.data)} bytes at {op.address:#x}"
