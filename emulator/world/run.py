"""A run: phones, the world around them, one agenda, one log.

:meth:`Run.step` takes one item off the agenda. A driver (:mod:`emulator.world.drivers`) decides when to call it; the
log is the same whoever drives.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import attrs

from emulator.events import (
    SECOND,
    DatagramSent,
    Entry,
    Event,
    FlashErased,
    FlashFitted,
    FlashProgrammed,
    FrameSent,
    LinkDown,
    LinkUp,
    Payload,
    PowerCutPlanned,
    PowerLost,
    PowerOn,
    RestartOrdered,
    SectorsWorn,
    TimerDue,
    TimerSet,
    VlanChosen,
)
from emulator.log.chain import Recorder, Sink
from emulator.log.header import Header, code_digest
from emulator.phone.firmware import Firmware
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.machine import Machine, Settled
from emulator.phone.network import IPV4, own_address
from emulator.phone.prepare import dumped_flash, prepared_flash
from emulator.world.agenda import WORLD, Agenda
from emulator.world.changes import ChangeError, Changes, altered, event_of
from emulator.world.people import DEEDS
from emulator.world.retold import Record, RecordedStreams, RecordedWorld, read_record
from emulator.world.scenario import ActionSpec, ChangeSpec, CutSpec, Duration, PhoneSpec, Scenario
from emulator.world.simulated import SimulatedWorld
from emulator.world.streams import Streams
from emulator.world.world import World

Observer = Callable[[Settled], None]

RESTART_TIME = 2 * SECOND
"""From the order to restart until the phone runs again; ours, no source gives it."""


def scenario_firmware(scenario: Scenario) -> Firmware:
    """The firmware that a scenario names. Raises TypeError or ValueError for an unknown option or a bad value."""
    return _firmware(scenario.phone.version, tuple(sorted(scenario.phone.options.items())))


@lru_cache(maxsize=64)
def _firmware(version: str, options: tuple[tuple[str, str | bool | int], ...]) -> Firmware:
    """Equal scenarios share one firmware, and so its dispatch table."""
    return kx_utg200(version).with_options(**dict(options))


class Run:
    """A scenario that is being simulated.

    firmware: instead of the scenario's; world: around the phones, by default that of the scenario; sink: where rows go;
    observer: called after each settled input.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        seed: int | None = None,
        firmware: Firmware | None = None,
        world: World | None = None,
        sink: Sink | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.scenario = scenario
        self.seed = scenario.seed if seed is None else seed
        self.firmware = firmware or scenario_firmware(scenario)
        self.agenda = Agenda()
        self.streams, self.world = around(scenario, self.seed, world)
        self.recorder = Recorder(sink)
        self.observer = observer
        self.now = 0
        count = scenario.phone.count
        self.machines = [Machine(self.firmware, index) for index in range(count)]
        self.cables = [True] * count
        self.changes = Changes(scenario.change)
        self.cuts: dict[int, tuple[CutSpec, ...]] = {}
        self.offs: dict[int, tuple[int, ...]] = {}
        self._open_story()

    def _open_story(self) -> None:
        """Fit the flash, switch on, and schedule what people do; a record holds all that."""
        spec = self.scenario.phone
        if self.scenario.record is None:
            self._switch_on(spec)
        self._plan(self.scenario.action)
        self.world.open(self.agenda, spec.count)

    def _plan(self, actions: tuple[ActionSpec, ...]) -> None:
        """Schedule what people do. When they switch a phone off is known beforehand, for that cuts its flash work."""
        offs = [(action.phone, action.at) for action in actions if action.do == "power-off"]
        for phone in {phone for phone, _ in offs}:
            own = (at for each, at in offs if each == phone)
            self.offs = {**self.offs, phone: tuple(sorted((*self.offs.get(phone, ()), *own)))}
        for action in actions:
            self.agenda.later(action.at, action.phone, action)

    def _switch_on(self, spec: PhoneSpec) -> None:
        """Fit every phone's flash, and switch it on."""
        for index in range(spec.count):
            at = index * spec.stagger
            self.agenda.later(at, index, FlashFitted(Payload(flash_of(self.scenario, index))))
            for worn in spec.worn:
                self.agenda.later(at, index, SectorsWorn(worn.erasures, worn.behaviour, worn.sectors))
            self.plan_cuts(at, index, tuple(cut for cut in self.scenario.cut if cut.phone == index))
            self.agenda.later(at, index, ActionSpec(Duration(at), "power-on", phone=index))

    def plan_cuts(self, time: int, index: int, cuts: tuple[CutSpec, ...]) -> None:
        """Have the power of a phone go in its flash work: as the first of ``cuts`` says, then as the next."""
        self.cuts[index] = cuts
        for cut in cuts[:1]:
            self.agenda.later(time, index, PowerCutPlanned(cut.after, cut.tear, cut.keep, cut.sample))

    def cut(self, index: int, cut: CutSpec) -> None:
        """Plan a cut for a phone now, at this settled point, instead of those that were planned."""
        self.cuts[index] = (cut,)
        self._take(index, PowerCutPlanned(cut.after, cut.tear, cut.keep, cut.sample), self.now, None, None)

    @classmethod
    def resumed(cls, scenario: Scenario, seed: int, machines: list[Machine], recorder: Recorder, record: Record) -> Run:
        """A run that goes on after the first ``recorder.count`` events of ``record``, to which ``machines`` were
        folded. Raises what :class:`Run` does."""
        upto = recorder.count
        run = cls.__new__(cls)
        run.scenario, run.seed, run.firmware = scenario, seed, machines[0].firmware
        run.streams, run.agenda = RecordedStreams(seed, record, upto), Agenda()
        run.recorder, run.observer, run.machines = recorder, None, machines
        run.cables = [machine.phone.power.link or not machine.phone.power.link_known for machine in machines]
        run.changes, run.cuts, run.offs = Changes(scenario.change), {}, {}
        run.changes.seen.update(record.taken(upto))
        run.now = max(machine.phone.clock for machine in machines)
        world = RecordedWorld(record, upto)
        run.world = world
        world.open(run.agenda, len(machines))
        for machine in machines:
            orders, boot = machine.phone.orders.open, machine.phone.power.boots
            for key, order in orders.items():
                if order.due is not None:
                    due = TimerDue(key.partition(":")[2], order.ordinal)
                    run.agenda.later(order.due, machine.index, due, order.n, boot)
        boots = {machine.index: machine.phone.power.boots for machine in machines}
        world.pending(run.agenda, boots, run.streams)
        return run

    @property
    def digest(self) -> str:
        """The digest of the log so far."""
        return self.recorder.digest

    def header(self, name: str) -> Header:
        """What this run says about itself when it is stored as ``name``."""
        return Header(
            name=name,
            title=self.scenario.title,
            world=self.world.name,
            seed=self.seed,
            phones=len(self.machines),
            until=self.scenario.until,
            firmware=self.firmware.name,
            version=self.firmware.version,
            options=attrs.asdict(self.firmware.options),
            code=code_digest(),
        )

    def next_due(self) -> int | None:
        """When the next item of the agenda falls due (ns)."""
        return self.agenda.next_due()

    def step(self) -> Settled | None:
        """Take one item off the agenda; what a phone did about it, or None. Raises IndexError if there is none."""
        item = self.agenda.pop()
        self.now = max(self.now, item.time)
        what = item.what
        if item.target == WORLD:
            self.world.happen(self.agenda, item.time, what, item.cause)
            return None
        if isinstance(what, ActionSpec):
            self._act(item.time, what)
            return None
        return self._take(item.target, what, item.time, item.cause, item.boot)

    def _act(self, time: int, action: ActionSpec) -> None:
        """Somebody's hand: the events it makes fall due now."""
        index = action.phone
        if action.do == "notify":
            address = own_address(self.machines[index].phone, IPV4)
            self.world.notify(self.agenda, time, index, address, action.source, action.event)
            return
        if action.do in ("link-up", "link-down"):
            self.cables[index] = action.do == "link-up"
        self.agenda.later(time, index, self._deed(index, action))

    def _deed(self, index: int, action: ActionSpec) -> Event:
        """What the phone feels of an action."""
        if action.do == "power-on":
            return self._power_on(index)
        return DEEDS[action.do](action, self.scenario.content)

    def _power_on(self, index: int) -> PowerOn:
        return PowerOn(self.streams.bytes(f"entropy/{index}").hex())

    def _take(self, index: int, event: Event, due: int, cause: int | None, boot: int | None) -> Settled | None:
        """Let a phone take an input, record what follows, and hand its orders to the world."""
        if not self.machines[index].accepts(event, boot):
            return None
        changes = self.changes.of(index, event)
        if not changes:
            return self._settled(index, event, due, cause)
        if any(change.do == "drop" for change in changes):
            return None
        for change in changes:
            event = altered(event, change.set)
        settled = self._settled(index, event, due, cause)
        for change in changes:
            self._follow_up(change)
        return settled

    def change(self, spec: ChangeSpec) -> None:
        """Have the story go another way, from this settled point on. Raises ChangeError."""
        self.changes.specs += (spec,)
        self.scenario = attrs.evolve(self.scenario, change=(*self.scenario.change, spec))
        if self.changes.seen.get((spec.phone, spec.input), 0) >= spec.count:
            self._follow_up(spec)

    def turn(self, scenario: Scenario) -> None:
        """Go on as ``scenario`` says, from this settled point on: this run's own, with more deeds and changes behind
        those that it has, all of them yet to come."""
        self._plan(scenario.action[len(self.scenario.action) :])
        self.changes.specs, self.scenario = scenario.change, scenario

    def _follow_up(self, change: ChangeSpec) -> None:
        """What a change does right after its input."""
        if change.do == "serve":
            self.world.serve(change.url, self.scenario.content[change.file])
        elif change.do == "insert":
            event = event_of(change.event)
            if self._take(change.phone, event, self.now, None, None) is None:
                raise ChangeError(f"the phone cannot take {event.kind} then: it is off, or has not asked for it")

    def _settled(self, index: int, event: Event, due: int, cause: int | None) -> Settled:
        """What a phone does about an input that it takes."""
        settled = self._settle(index, event, due, cause)
        self.recorder.record(settled.entries)
        machine = self.machines[index]
        self.world.follow(settled)
        if isinstance(event, LinkUp):
            self.world.port_up(index)
        boots = machine.phone.power.boots
        for entry, ordinal in settled.orders:
            self._carry_out(entry, ordinal, boots)
        if isinstance(event, PowerOn) and machine.phone.power.on:
            self.agenda.later(machine.phone.clock, index, LinkUp() if self.cables[index] else LinkDown())
        if isinstance(settled.entries[-1].event, PowerLost):
            self._power_lost(index, settled.entries[-1])
        if self.observer is not None:
            self.observer(settled)
        return settled

    def _settle(self, index: int, event: Event, due: int, cause: int | None) -> Settled:
        """Let the phone take the input; power that is switched off in the middle of the flash work cuts that off.

        How long the work takes is only known when it is done. If that is too late, the phone takes the input once more,
        now with the cut planned.
        """
        machine = self.machines[index]
        off = next((time for time in self.offs.get(index, ()) if time >= due), None)
        if off is None:
            return machine.take(event, due, cause, self.recorder.count + 1)
        before = machine.fork()
        settled = machine.take(event, due, cause, self.recorder.count + 1)
        cut = None if machine.phone.clock <= off else cut_at(settled, off, machine)
        if cut is None:
            return settled
        self.machines[index] = before
        planned = before.take(cut, due, None, self.recorder.count + 1)
        self.recorder.record(planned.entries)
        if self.observer is not None:
            self.observer(planned)
        return before.take(event, due, cause, self.recorder.count + 1)

    def _power_lost(self, index: int, lost: Entry) -> None:
        """After a planned cut the power comes back, and the next cut is planned; power that was switched off stays."""
        if not self.cuts.get(index):
            return
        done, *others = self.cuts[index]
        self.plan_cuts(lost.time, index, tuple(others))
        self.agenda.later(lost.time + done.off, index, self._power_on(index))

    def _carry_out(self, entry: Entry, ordinal: int, boot: int) -> None:
        event = entry.event
        if isinstance(event, TimerSet):
            self.agenda.later(entry.time + event.after, entry.phone, TimerDue(event.name, ordinal), entry.n, boot)
        elif isinstance(event, DatagramSent):
            self.world.send(self.agenda, entry, event, self.cables[entry.phone])
        elif isinstance(event, RestartOrdered):
            self.agenda.later(entry.time + RESTART_TIME, entry.phone, self._power_on(entry.phone), entry.n, boot)
        elif isinstance(event, FrameSent):
            self.world.send_frame(self.agenda, entry, event, self.cables[entry.phone])
        elif isinstance(event, VlanChosen):
            self.world.choose_vlan(entry.phone, event)
        else:
            self.world.ask(self.agenda, entry, ordinal, boot, self.cables[entry.phone])

    def run_until(self, time: int) -> None:
        """Step through everything that falls due no later than ``time`` (ns)."""
        due = self.agenda.next_due()
        while due is not None and due <= time:
            self.step()
            due = self.agenda.next_due()

    def fork(self, sink: Sink | None = None) -> Run:
        """A run that goes on from this settled point: phones, world and agenda copied, the log continued."""
        twin = Run.__new__(Run)
        twin.scenario, twin.seed, twin.firmware, twin.now = self.scenario, self.seed, self.firmware, self.now
        twin.streams = self.streams.fork()
        twin.agenda = self.agenda.fork()
        twin.world = self.world.fork(twin.streams)
        twin.recorder = self.recorder.fork(sink)
        twin.observer = None
        twin.machines = [machine.fork() for machine in self.machines]
        twin.cables = list(self.cables)
        twin.changes = self.changes.fork()
        twin.cuts, twin.offs = dict(self.cuts), self.offs
        return twin


def around(scenario: Scenario, seed: int, world: World | None) -> tuple[Streams, World]:
    """What is around the phones of a run: its dice, and its world, ``world`` if that is given."""
    if world is None and scenario.record is not None:
        record = read_record(scenario)
        return RecordedStreams(seed, record), RecordedWorld(record)
    streams = Streams(seed)
    return streams, world or SimulatedWorld(scenario, streams)


def cut_at(settled: Settled, off: int, machine: Machine) -> PowerCutPlanned | None:
    """The cut of the flash operation that was going on at ``off`` (ns), in proportion to the time that had passed."""
    operations = [e for e in settled.entries if isinstance(e.event, FlashErased | FlashProgrammed)]
    for index, entry in enumerate(operations):
        event = entry.event
        busy = machine.table[type(event)].busy
        if entry.time <= off < entry.time + busy:
            size = len(event.data) if isinstance(event, FlashProgrammed) else machine.phone.flash.chip.geometry.sector
            return PowerCutPlanned(index, "bytes", size * (off - entry.time) // busy, 0)
    return None


def flash_of(scenario: Scenario, index: int) -> bytes:
    """The packed flash image that phone ``index`` of ``scenario`` starts from."""
    spec = scenario.phone
    if spec.flash is not None:
        return dumped_flash(scenario.content[spec.flash])
    return prepared_flash(
        mac_of(spec, index),
        spec.model,
        spec.serial,
        user=tuple(sorted(spec.user.items())),
        provisioned=tuple(sorted(spec.provisioned.items())),
        saved=tuple((name, scenario.content[file]) for name, file in sorted(spec.saved.items())),
    )


def mac_of(spec: PhoneSpec, index: int) -> str:
    """The MAC address of phone ``index``: consecutive from the first."""
    return f"{(int(spec.mac, 16) + index) & 0xFFFFFFFFFFFF:012X}"
