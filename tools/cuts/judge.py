"""What became of a phone whose power went: is what it holds the old or the new, does it stay so, does it come up?

A case is played honestly, through the phone and the world around it: the run is forked before the input that leads to
the operation, the cut is planned, the power comes back and the phone is on its own. Where only the start after the cut
is asked for there is a shorter way, without the world: the operation is torn on a copy of the chip, and a phone that
holds that chip starts. A test holds it to the honest one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import attrs

from emulator.events import SECOND, PowerLost, PowerOn, RunEnded, SettingsLoaded
from emulator.log.chain import Silence
from emulator.phone.firmware import Firmware
from emulator.phone.machine import Machine, Settled
from emulator.phone.state import Phone, initial
from emulator.world.run import Run
from emulator.world.scenario import Duration
from flash_image import Chip, LogLine, leave, tear
from tools.cuts.cases import Cut
from tools.cuts.content import Content, in_memory, kept, log_readings, readings, unlike
from tools.cuts.life import Life

Depth = Literal["mount", "full"]
"""How far a case is followed: to the end of the start that comes after the cut, or of the next provisioning run."""
OFF = Duration(2 * SECOND)
"""How long the power is away."""
PATIENCE = 3600 * SECOND
"""Virtual time in which a phone that is on again has to end a provisioning run."""
STEPS = 50_000
"""Steps of a run in which it has to do so."""


@attrs.frozen
class Fault:
    """What is wrong with a case. kind: fixed code; what: a sentence.

    ``mixture``: neither what was there before the operation nor what it leads to; ``changed-its-mind``: a later start
    finds something else; ``log-lost``: lines of the phone's log are gone, or were never written; ``crash``: the code
    broke; ``not-provisioned``: no run ended, or it ended worse than without a cut; ``not-kept``: what is in force is
    not what is saved; ``not-cut``: the operation was not met.
    """

    kind: str
    what: str


@attrs.frozen
class Verdict:
    """What became of one case. held: ``old``, ``new`` or ``same`` (the operation changes nothing); fault: None if all
    is well; outcome: of the next run, "" if it was not waited for."""

    held: str
    fault: Fault | None = None
    outcome: str = ""


@attrs.frozen
class Bar:
    """What is asked of a case. depth: how far it is followed; outcome: that the next run has to have, "" for any."""

    depth: Depth = "full"
    outcome: str = ""


class Broken(Exception):
    """A case has failed. fault: why."""

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(what)
        self.fault = Fault(kind, what)


def judge(life: Life, cut: Cut, bar: Bar) -> Verdict:
    """Play one case of ``life`` and judge it."""
    if bar.depth == "mount":
        return mounted(life, cut)
    return follow(cut_run(life, cut), life, cut, bar)


def mounted(life: Life, cut: Cut) -> Verdict:
    """What the start after a cut finds, the short way."""
    operation = life.operations[cut.number - 1]
    chip = operation.before.copy()
    leave(chip, tear(chip, operation.op, cut.tear))
    try:
        found = check_content(chip, life, life.allowed(cut.number))
        check_log(chip, life, cut.number)
        phone = holding(operation.fork.firmware, chip)
        Machine(operation.fork.firmware, 0, phone).take(PowerOn("00" * 32), 0, None, 2)
        check_started(phone, life, life.allowed(cut.number))
    except Broken as broken:
        return Verdict("", broken.fault)
    except Exception as error:  # whatever breaks in a firmware under test is what is looked for
        return crashed(error)
    return Verdict(held(life, cut, found))


def holding(firmware: Firmware, chip: Chip) -> Phone:
    """A phone without power that holds ``chip``."""
    phone = initial(firmware)
    phone.flash.chip, phone.flash.fitted = chip.copy(), 1
    return phone


def held(life: Life, cut: Cut, found: Content) -> str:
    """Whether what was found is the old, the new, or both."""
    before, after = life.contents(cut.number - 1), life.contents(cut.number)
    return "same" if before == after else "new" if found in after else "old"


def crashed(error: Exception) -> Verdict:
    """The verdict on a case in which the code broke."""
    return Verdict("", Fault("crash", f"{type(error).__name__}: {error}"[:200]))


def cut_run(life: Life, cut: Cut) -> Run:
    """The run of ``life`` at the settled point before the operation of ``cut``, with the cut planned."""
    operation = life.operations[cut.number - 1]
    run = operation.fork.fork()
    run.recorder = Silence(count=run.recorder.count)
    run.cut(life.index, attrs.evolve(cut.spec(OFF, life.index), after=operation.done))
    return run


def follow(run: Run, life: Life, cut: Cut, bar: Bar) -> Verdict:
    """Let a run whose cut is planned go on, and judge what comes of it."""
    allowed = life.allowed(cut.number)
    try:
        chip = power_goes(run, life.index)
        found = check_content(chip, life, allowed)
        check_log(chip, life, cut.number)
        start(run, life, allowed)
        outcome = provisioned(run, life, bar) if bar.depth == "full" else ""
    except Broken as broken:
        return Verdict("", broken.fault)
    except Exception as error:  # whatever breaks in a firmware under test is what is looked for
        return crashed(error)
    return Verdict(held(life, cut, found), None, outcome)


def power_goes(run: Run, index: int) -> Chip:
    """Step to the cut; the chip as it is without power."""
    for settled in own_steps(run, index):
        if isinstance(settled.entries[-1].event, PowerLost):
            return run.machines[index].phone.flash.chip.copy()
        if len(settled.entries) > 1 and run.machines[index].phone.flash.cut is None:
            break
    raise Broken("not-cut", "the run did not come to this operation")


def check_content(chip: Chip, life: Life, allowed: frozenset[Content]) -> Content:
    """What is on the chip has to be one of ``allowed``, whichever way its cells read; what it is now."""
    found = readings(chip, life.form)
    for content in found:
        if content not in allowed:
            raise Broken("mixture", unlike(content, allowed))
    return found[0]


def check_log(chip: Chip, life: Life, number: int) -> None:
    """Every line that operation ``number`` does not do away with is there, and none that nobody wrote."""
    around = (*life.lines(number - 1), *life.lines(number))
    known, stays = set[LogLine]().union(*around), set(around[0]).intersection(*around[1:])
    for found in log_readings(chip):
        if found in around:
            continue
        if not known.issuperset(found) or not stays.issubset(found):
            raise Broken("log-lost", "lines of the log of the phone are gone or make no sense")


def start(run: Run, life: Life, allowed: frozenset[Content]) -> None:
    """The power comes back; from then on the same is found whenever the phone starts."""
    index = life.index
    settled = next(s for s in own_steps(run, index) if isinstance(s.entries[0].event, PowerOn))
    if not any(isinstance(entry.event, SettingsLoaded) for entry in settled.entries):
        raise Broken("crash", "the phone did not load its settings")
    check_started(run.machines[index].phone, life, allowed)


def check_started(phone: Phone, life: Life, allowed: frozenset[Content]) -> None:
    """What a phone that has started holds is one of ``allowed``, and stays what it is."""
    found = check_firm(phone, life)
    if found not in allowed and found.configuration not in {content.configuration for content in allowed}:
        raise Broken("mixture", f"after the start: {unlike(found, allowed)}")


def check_firm(phone: Phone, life: Life) -> Content:
    """What is in force is what is saved, and the next start finds it too; what that is."""
    found, *others = readings(phone.flash.chip, life.form)
    for other in others:
        if other != found:
            raise Broken("changed-its-mind", f"read once more, {unlike(other, frozenset((found,)))}")
    if kept(found) != in_memory(phone):
        raise Broken("not-kept", "what is in force is not what the next start will find")
    return found


def provisioned(run: Run, life: Life, bar: Bar) -> str:
    """Wait for the end of the next provisioning run; its outcome."""
    deadline = run.now + PATIENCE
    for settled in own_steps(run, life.index):
        ended = [entry.event for entry in settled.entries if isinstance(entry.event, RunEnded)]
        if ended:
            if bar.outcome and ended[-1].outcome != bar.outcome:
                raise Broken("not-provisioned", f"the next run ends {ended[-1].outcome}, and not {bar.outcome}")
            check_firm(run.machines[life.index].phone, life)
            return ended[-1].outcome
        if run.now > deadline:
            break
    raise Broken("not-provisioned", "no provisioning run comes to its end")


def own_steps(run: Run, index: int) -> Iterator[Settled]:
    """What the phone does, step by step, as long as something is going to happen."""
    for _ in range(STEPS):
        if run.next_due() is None:
            return
        settled = run.step()
        if settled is not None and settled.entries[0].phone == index:
            yield settled
