"""``fork``: a run that goes on otherwise from some event, compared with its parent at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import Factory, asdict, evolve, frozen

from emulator.events import INPUT_KINDS
from emulator.log.chain import MemorySink
from emulator.log.header import code_digest
from emulator.log.progress import Progress, no_progress
from emulator.log.store import LogError, RunInfo, RunWriter, Store
from emulator.phone.firmware import Firmware
from emulator.world.changes import ChangeError, event_of
from emulator.world.fence import fence
from emulator.world.packing import kept
from emulator.world.run import Run
from emulator.world.scenario import ChangeSpec
from tools.diff import TOLERANCE, Diff, compared
from tools.diff.noise import RULES
from tools.fork.options import with_options
from tools.fork.points import group_start
from tools.fork.restoring import Point, Restored, going_on, restored
from tools.locate import DATABASE, Located, located

__all__ = ["Forked", "Wish", "fork"]


@frozen
class Wish:
    """What is to be otherwise; options go by themselves.

    sets: field to value, of the input that is named; drop: it does not happen; inserts: inputs that happen after the
    event, as :func:`~emulator.world.changes.event_of` reads them; files: URL to the file that is served from then on;
    options: of the firmware; until: ns, None for as long as the parent was to last.
    """

    sets: Mapping[str, str] = Factory(dict)
    drop: bool = False
    inserts: tuple[str, ...] = ()
    files: Mapping[str, bytes] = Factory(dict)
    options: Mapping[str, str] = Factory(dict)
    until: int | None = None
    created: str = ""

    @property
    def of_an_input(self) -> bool:
        """Whether it is about the very event that is named."""
        return self.drop or bool(self.sets)

    @property
    def changes(self) -> bool:
        """Whether anything is to be otherwise."""
        return bool(self.of_an_input or self.inserts or self.files or self.options or self.until)


@frozen
class Forked:
    """A fork that has run. parent: with the event after which they part; notes: what a person should know."""

    parent: RunInfo
    child: RunInfo
    upto: int
    diff: Diff
    notes: tuple[str, ...]


def fork(run: str, wish: Wish | None = None, *, db: str | Path = DATABASE, progress: Progress = no_progress) -> Forked:
    """Go on otherwise from ``RUN@N`` (default: its last event), keep that as a run of its own, and compare.

    The prefix is shared with the parent, not copied. A simulated run goes on in its own world; of any other, servers
    answer as they did. Raises LogError or ChangeError.
    """
    wish = wish or Wish()
    if wish.options and (wish.of_an_input or wish.inserts or wish.files):
        raise LogError("change either the firmware's options or what happens; then fork the fork")
    with located(run, db) as found:
        if str(found.store.path) == ":memory:":
            raise LogError(f"{run}: an exported run cannot be gone on with; `offhook import` it first")
        if not found.info.events:
            raise LogError(f"run {found.info.id} has no events to go on from")
        with fence():
            if wish.options:
                restoring = with_options(found, wish.options, progress)
            else:
                restoring = restored(found, point(found, wish), progress)
            restoring = changed(restoring, found, wish)
            restoring.run.observer = lambda settled: progress(settled.entries[-1].n)
            child = gone_on(restoring, found, wish)
        twin = Located(found.store, child, None)
        told = compared(evolve(found, at=None), twin, RULES, TOLERANCE)
        return Forked(found.info, child, restoring.point.upto, told, restoring.notes)


def point(found: Located, wish: Wish) -> Point:
    """The settled point from which a fork at the named event starts. Raises LogError."""
    n = found.event()
    first = group_start(found.store, found.info.id, n)
    if wish.of_an_input:
        if first != n:
            raise LogError(f"event {n} is what the phone did about event {first}; change that one: RUN@{first}")
        return Point(n - 1)
    following = next(found.store.rows(found.info.id, n, n + 1), None)
    if following is None or following.kind in INPUT_KINDS:
        return Point(n)
    note = f"the phone is busy with event {first} until it has settled; the fork starts before that event"
    return Point(first - 1, (note,))


def changed(restoring: Restored, found: Located, wish: Wish) -> Restored:
    """Make the changes at the point to which a run was restored. Raises ChangeError or LogError."""
    run = restoring.run
    made = specs(run, found, restoring.point, wish)
    if made or wish.options:
        going_on(restoring)
    sink = MemorySink()
    run.recorder.sink = sink
    for spec in made:
        run.change(spec)
    return evolve(restoring, made=(*restoring.made, (sink.rows, sink.blobs)))


def specs(run: Run, found: Located, at: Point, wish: Wish) -> list[ChangeSpec]:
    """The wish as changes of the story."""
    made: list[ChangeSpec] = []
    if wish.of_an_input:
        row = next(found.store.rows(found.info.id, at.upto, at.upto + 1))
        count = run.changes.seen.get((row.phone, row.kind), 0) + 1
        do = "drop" if wish.drop else "set"
        made.append(ChangeSpec(row.kind, do, count, row.phone, set=dict(wish.sets)))
    if not (wish.inserts or wish.files):
        return made
    if not at.upto:
        raise ChangeError("nothing has happened before event 1, so nothing can be changed there")
    start = group_start(found.store, found.info.id, at.upto)
    row = next(found.store.rows(found.info.id, start - 1, start))
    place = (row.kind, row.phone, run.changes.seen.get((row.phone, row.kind), 0))
    for url, body in wish.files.items():
        name = content_name(run, url, body)
        made.append(ChangeSpec(place[0], "serve", place[2], place[1], url=url, file=name))
    for text in wish.inserts:
        event_of(text)
        made.append(ChangeSpec(place[0], "insert", place[2], place[1], event=text))
    return made


def content_name(run: Run, url: str, body: bytes) -> str:
    """Put a file into the scenario of a run; the name it has there."""
    name, number = f"changed/{url.rpartition('/')[2] or 'index'}", 1
    while run.scenario.content.get(name, body) != body:
        number += 1
        name = f"changed/{number}-{url.rpartition('/')[2] or 'index'}"
    run.scenario = evolve(run.scenario, content={**run.scenario.content, name: body})
    return name


def gone_on(restoring: Restored, found: Located, wish: Wish) -> RunInfo:
    """Store what happens from the restored point on."""
    run, store = restoring.run, found.store
    header = evolve(
        found.info.header,
        world=run.world.name,
        options=options_of(run.firmware),
        code=code_digest(),
        until=wish.until or run.scenario.until,
    )
    scenario = kept(run.scenario) if restoring.simulated else None
    writer = store.begin(
        header, created=wish.created, parent=found.info.id, upto=restoring.point.upto, scenario=scenario
    )
    try:
        for rows, blobs in restoring.made:
            writer.append(rows, blobs)
        run.recorder.sink = writer
        run.run_until(header.until)
    except ChangeError:
        writer.abandon()
        raise
    except BaseException:
        writer.leave()
        raise
    writer.flush()
    return writer.finish(outcome(store, writer))


def outcome(store: Store, writer: RunWriter) -> str:
    """How the last provisioning run of the first phone ended."""
    sql = """SELECT json_extract(data, '$.outcome') FROM run_events
             WHERE run = ? AND kind = 'RunEnded' AND phone = 0 ORDER BY n DESC LIMIT 1"""
    return next((str(text) for (text,) in store.ask(sql, (writer.run,))), "unfinished")


def options_of(firmware: Firmware) -> dict[str, str | bool | int]:
    """The options of a firmware, as a header holds them."""
    return asdict(firmware.options)
