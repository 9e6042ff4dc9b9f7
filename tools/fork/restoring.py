"""A stored run, brought back to one of its settled points, so that it can go on."""

from __future__ import annotations

from attrs import evolve, frozen

from emulator.events import SECOND
from emulator.events.codec import EventError
from emulator.log.chain import Recorder, Row
from emulator.log.header import Header
from emulator.log.progress import Progress, no_progress
from emulator.log.store import LogError
from emulator.phone.firmware import Firmware
from emulator.phone.machine import Machine
from emulator.world.packing import unpack
from emulator.world.retold import Record
from emulator.world.run import Run
from emulator.world.scenario import Duration, PhoneSpec, Scenario
from emulator.world.toml import ScenarioError
from tools.browse import state_at
from tools.locate import Located, firmware_of

AFTERWARDS = 120 * SECOND
"""How long a recorded run that was changed goes on after its record: longer than any time-out of a request."""
OTHER_CODE = "today's code does not make this run again, so its servers answer as they did"


@frozen
class Point:
    """Where a fork starts: after the first ``upto`` events. notes: why it is not where the user said."""

    upto: int
    notes: tuple[str, ...] = ()


@frozen
class Restored:
    """A run at a settled point. made: (rows, blobs) that it has made already of what comes after the point."""

    run: Run
    point: Point
    notes: tuple[str, ...]
    made: tuple[tuple[list[Row], dict[str, bytes]], ...] = ()

    @property
    def simulated(self) -> bool:
        """Whether it goes on in a world of its own."""
        return self.run.world.name == "simulated"


def restored(found: Located, point: Point, progress: Progress = no_progress) -> Restored:
    """The run just after the point: simulated once more, if that makes the same events; else from its record."""
    run = simulated_again(found, point.upto, progress)
    if run is not None:
        return Restored(run, point, point.notes)
    notes = (OTHER_CODE,) if found.info.header.world == "simulated" else ()
    return Restored(from_record(found, point.upto), point, (*point.notes, *notes))


def story_of(found: Located) -> Scenario | None:
    """What a simulated run was made from; None if that was not kept, or is no scenario for today's code."""
    if found.info.header.world != "simulated":
        return None
    packed = found.store.scenario(found.info.id)
    try:
        return None if packed is None else unpack(packed, f"run {found.info.id}")
    except ScenarioError:
        return None


def simulated_again(found: Located, upto: int, progress: Progress = no_progress) -> Run | None:
    """The run, simulated to ``upto``; None if today's code makes other events."""
    story = story_of(found)
    if story is None:
        return None
    run = Run(story, seed=found.info.header.seed, firmware=firmware_of(found.info))
    while run.recorder.count < upto and run.next_due() is not None:
        run.step()
        progress(run.recorder.count)
    same = run.recorder.count == upto and run.recorder.head == found.store.link(found.info.id, upto)
    return run if same else None


def from_record(found: Located, upto: int, firmware: Firmware | None = None) -> Run:
    """The run, its phones folded to ``upto``, in a world that answers as the record does. Raises LogError."""
    info, store = found.info, found.store
    firmware = firmware or firmware_of(info)
    phones = [state_at(store, info, firmware, upto, index) for index in range(info.header.phones)]
    machines = [Machine(firmware, index, phone) for index, phone in enumerate(phones)]
    recorder = Recorder(head=store.link(info.id, upto), count=upto)
    return Run.resumed(told_story(found), info.header.seed, machines, recorder, record_of(found))


def record_of(found: Located) -> Record:
    """Everything that happened in a run. Raises LogError."""
    decoder = found.store.decoder()
    try:
        entries = [row.entry(decoder) for row in found.store.rows(found.info.id)]
    except EventError as error:
        raise LogError(f"run {found.info.id}: {error.reason}") from None
    return Record.of(entries, real=found.info.header.world != "simulated")


def told_story(found: Located) -> Scenario:
    """A scenario for a run of which only the record is there; it lasts as long as the record."""
    header = found.info.header
    times = [row.time for row in found.store.rows(found.info.id, found.info.events - 1)]
    return Scenario(
        header.title or header.name,
        seed=header.seed,
        until=Duration(max([0, *times])),
        phone=phone_spec(header),
    )


def phone_spec(header: Header) -> PhoneSpec:
    """The phones of a run, as far as its header tells."""
    return PhoneSpec(count=max(1, header.phones), version=header.version, options=dict(header.options))


def going_on(restoring: Restored) -> Restored:
    """A recorded run that was changed goes on for a while after its record has ended."""
    run = restoring.run
    if not restoring.simulated:
        run.scenario = evolve(run.scenario, until=Duration(run.scenario.until + AFTERWARDS))
    return restoring
