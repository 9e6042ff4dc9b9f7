"""``live``: phones on a real interface against real servers, recorded while it happens."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from urllib.parse import urlsplit

import attrs
import trio
from attrs import Factory, define, frozen

from emulator.events import SECOND, RunEnded
from emulator.events.masking import printable
from emulator.log.store import RunWriter, Store
from emulator.phone.machine import Settled
from emulator.world.expect import Verdict, Witness
from emulator.world.live.driver import End, drive_live
from emulator.world.live.inbox import running_clock
from emulator.world.live.place import Dhcp, Place, PlaceError, place_for
from emulator.world.live.world import LiveWorld
from emulator.world.run import Run, flash_of
from emulator.world.scenario import Duration, Scenario
from flash_image import LayoutError, identity, unpack
from tools.simulate import Observer, Plan, Watch, until_what

FLUSH = 0.1
"""Seconds between two commits of what has happened."""
LINGER = 2 * SECOND
"""How long phones stay on after the last of them has ended its run: long enough to write their logs."""
FOREVER = 10**9 * SECOND


@frozen
class Where:
    """Where the phones are. interface: "" for the one that leads to ``url``; address: of the first phone, "" for that
    of the interface; rate: phones switched on a second, 0 for all at once."""

    dhcp: Dhcp = "off"
    interface: str = ""
    address: str = ""
    url: str = ""
    mac: str = ""
    count: int = 0
    rate: float = 0.0


@frozen
class Cost:
    """What a run took. seconds: from the first phone's power-on to the end of the last first run; cpu: seconds of this
    process; memory: bytes by which it grew."""

    seconds: float
    cpu: float
    memory: int


@define
class LiveResult:
    """One live run. run: its id in the database, None if it was not stored; outcomes: of each phone's first run,
    ``unfinished`` where none ended; interrupted: whether somebody stopped it."""

    name: str
    digest: str
    events: int
    outcomes: list[str]
    expectations: list[Verdict]
    cost: Cost
    run: int | None = None
    interrupted: bool = False

    @property
    def outcome(self) -> str:
        """Of all phones, if it is the same; otherwise ``mixed``."""
        return self.outcomes[0] if len(set(self.outcomes)) == 1 else "mixed"

    @property
    def ok(self) -> bool:
        """Whether every expectation holds; without any, whether every phone was provisioned."""
        if self.expectations:
            return all(verdict.holds for verdict in self.expectations)
        return set(self.outcomes) == {"provisioned"}


def live(
    scenario: Scenario | None = None,
    name: str = "live",
    where: Where | None = None,
    *,
    db: str | Path | None = None,
    seed: int | None = None,
    until: str | None = None,
    stay: bool = False,
    created: str = "",
    observer: Observer | None = None,
) -> LiveResult:
    """Put the phones of ``scenario`` (default: one phone) on a real interface, record and judge what happens.

    Its servers are left out. until: a step, an event kind or a time, as for ``run``; by default, and unless ``stay``,
    it ends when every phone's first provisioning run has. seed: of the phones' own randomness, default: drawn.
    Raises PlaceError, ScenarioError or LogError; KeyboardInterrupt and SIGTERM end it in an orderly way.
    """
    where = where or Where()
    story = prepared(scenario or Scenario("live"), where)
    place = placed(story, where)
    if place.dhcp == "full":
        story, place = one_mac(story, place, scenario is None and not where.mac)
    stop, end = until_what(until)
    with nullcontext() if db is None else Store(db, create=True) as store:
        return _live(story, name, place, Plan(None, 0.0, stop, end, False, created, None, observer), store, seed, stay)


def prepared(scenario: Scenario, where: Where) -> Scenario:
    """``scenario`` with what ``where`` says of its phones. Raises PlaceError."""
    phone = scenario.phone
    if where.url:
        phone = attrs.evolve(phone, user={**phone.user, "USR_PROV_SVR_URL": where.url})
    if where.mac:
        if not re.fullmatch("[0-9A-Fa-f]{12}", where.mac, re.ASCII):
            raise PlaceError(f"--mac {printable(where.mac)}: a MAC address is 12 hex digits")
        phone = attrs.evolve(phone, mac=where.mac.upper())
    if where.count:
        phone = attrs.evolve(phone, count=where.count)
    if where.rate:
        phone = attrs.evolve(phone, stagger=Duration(round(SECOND / where.rate)))
    if where.dhcp == "off":
        # No frame leaves or reaches the phone, so there is nothing to wait for.
        phone = attrs.evolve(phone, options={"lldp_wait": 0, "arp": False, **phone.options})
    return attrs.evolve(scenario, phone=phone)


def placed(scenario: Scenario, where: Where) -> Place:
    """Where the phones of ``scenario`` are. Raises PlaceError."""
    url = where.url or scenario.phone.user.get("USR_PROV_SVR_URL", "")
    host = ""
    if not where.interface and "://" in url:
        host = urlsplit(url).hostname or ""
    return place_for(where.dhcp, where.interface, host, scenario.phone.count, where.address)


def one_mac(scenario: Scenario, place: Place, any_phone: bool) -> tuple[Scenario, Place]:
    """``scenario`` and ``place`` with one MAC address: the phone's, or if it may be any phone, the interface's.

    Raises PlaceError.
    """
    if scenario.phone.count > 1:
        raise PlaceError("with --dhcp full one phone has the interface; use --dhcp off for more")
    if any_phone and place.mac:
        return attrs.evolve(scenario, phone=attrs.evolve(scenario.phone, mac=place.mac)), place
    try:
        mac = identity(unpack(flash_of(scenario, 0))).mac
    except LayoutError:
        mac = scenario.phone.mac
    return scenario, attrs.evolve(place, mac=mac.upper())


def _live(
    story: Scenario, name: str, place: Place, plan: Plan, store: Store | None, seed: int | None, stay: bool
) -> LiveResult:
    meter = Meter()
    world = LiveWorld(place, running_clock())
    run = Run(story, seed=int.from_bytes(os.urandom(4)) if seed is None else seed, world=world)
    end = End(FOREVER if plan.until is None else plan.until)
    if stay or plan.until is not None or plan.stop is not None:
        lasting = None
    else:
        lasting = Lasting(end, world, story.phone.count)
    writer = None if store is None else store.begin(run.header(name), created=plan.created)
    if writer is not None:
        run.recorder.sink = writer
    witness = Witness(story)
    watch = Watch(plan, witness, [], writer, run)
    run.observer = Observers((watch, meter.observe, *(() if lasting is None else (lasting.observe,))))
    try:
        interrupted = trio.run(_recorded, run, world, end, watch.stops, writer)
    except BaseException as error:
        if writer is not None:
            writer.leave()
        raise first_of(error) from None
    outcomes = [outcome_of(witness, index) for index in range(len(run.machines))]
    verdicts = [v for machine in run.machines for v in witness.verdicts(machine.index, machine.phone)]
    result = LiveResult(name, run.digest, run.recorder.count, outcomes, verdicts, meter.cost(), None, interrupted)
    if writer is not None:
        result.run = writer.finish(result.outcome).id
    return result


async def _recorded(
    run: Run, world: LiveWorld, end: End, stop: Callable[[Settled], bool], writer: RunWriter | None
) -> bool:
    """Drive ``run`` and commit what happens; whether a signal ended it."""
    interrupted = False
    async with trio.open_nursery() as nursery:

        async def heed_signals() -> None:
            nonlocal interrupted
            with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                async for _ in signals:
                    interrupted = True
                    nursery.cancel_scope.cancel()

        async def commit() -> None:
            while writer is not None:
                await trio.sleep(FLUSH)
                writer.flush()

        nursery.start_soon(heed_signals)
        nursery.start_soon(commit)
        await drive_live(run, world, end, stop)
        nursery.cancel_scope.cancel()
    return interrupted


def first_of(error: BaseException) -> BaseException:
    """The error in a group of them that nurseries have made of it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def outcome_of(witness: Witness, phone: int) -> str:
    """How the first provisioning run of a phone ended."""
    runs = witness.runs.get(phone, [])
    return runs[0][1].outcome if runs else "unfinished"


@define
class Observers:
    """Several observers as one."""

    each: tuple[Observer, ...]

    def __call__(self, settled: Settled) -> None:
        for observe in self.each:
            observe(settled)


@define
class Lasting:
    """Ends a run when every phone has ended its first provisioning run."""

    end: End
    world: LiveWorld
    count: int
    ended: set[int] = Factory(set)

    def observe(self, settled: Settled) -> None:
        """Called after each settled input."""
        for entry in settled.entries:
            if isinstance(entry.event, RunEnded) and entry.phone not in self.ended:
                self.ended.add(entry.phone)
                if len(self.ended) == self.count:
                    self.end.at = self.world.clock() + LINGER


def peak_memory(pid: int | str = "self") -> int:
    """The most memory that a process has had (VmHWM of proc(5)), in bytes; 0 if it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


@define
class Meter:
    """What a run takes, up to the last first run that ends."""

    began: float = Factory(time.monotonic)
    cpu: float = Factory(time.process_time)
    grown: int = Factory(peak_memory)
    last: tuple[float, float] = (0.0, 0.0)

    def observe(self, settled: Settled) -> None:
        """Called after each settled input."""
        if any(isinstance(entry.event, RunEnded) for entry in settled.entries):
            self.last = time.monotonic() - self.began, time.process_time() - self.cpu

    def cost(self) -> Cost:
        """So far."""
        return Cost(*self.last, peak_memory() - self.grown)
