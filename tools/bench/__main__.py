"""``make bench``: how fast, beside a calibration loop and a baseline of the same run, against the budgets.

Machines vary their clock by a factor of two, so every sample is taken between two runs of a fixed calibration loop,
and the table says how many such loops one unit costs. Nothing here is asserted in tests.
"""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

import attrs

from emulator.events import SECOND
from emulator.log.chain import MemorySink, NoSink, Row
from emulator.log.store import BATCH, Store
from emulator.phone.state import fold_entry, initial
from emulator.world.recorded import Replay
from emulator.world.run import Run, scenario_firmware
from emulator.world.scenario import ActionSpec, Duration, PhoneSpec, Scenario
from tools.bench.fuzzing import fuzzing
from tools.bench.measuring import Line, calibration, demo, timed
from tools.browse import state_at
from tools.cuts.cases import Cut
from tools.cuts.judge import Bar, judge
from tools.cuts.sweep import Aim, Part, Sweep
from tools.diff import diff, first_divergence
from tools.locate import located
from tools.simulate import Plan, run, simulate
from tools.upgrading import upgrade
from tools.workers import Workers

LONG = 100_000


def boot(scenario: Scenario) -> Run:
    """One boot, from the flash to the end of the provisioning run, encoded and chained."""
    made = Run(scenario)
    while not made.machines[0].phone.provisioning.outcome:
        made.step()
    return made


def boots() -> Iterator[Line]:
    """Boots a second, bare and under trio's mock clock."""
    import trio
    import trio.testing

    from emulator.world.drivers import drive_paced

    def bare() -> int:
        for _ in range(200):
            boot(demo())
        return 200

    def under_trio() -> int:
        for _ in range(40):
            clock = trio.testing.MockClock(autojump_threshold=0)
            trio.run(drive_paced, Run(demo()), demo().until, 1.0, clock=clock)
        return 40

    per, loops = timed(bare)
    other, _ = timed(under_trio, 3)
    baseline = f"{other / per:.1f} times the same boot under trio's mock clock"
    yield Line("boots, encoded and chained", 1 / per, "/s", loops, 1000, baseline)


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder."""
    with tempfile.TemporaryDirectory(prefix="offhook-bench-") as name:
        yield Path(name)


def long_scenario() -> Scenario:
    """A phone that finds nothing and tries again, for ever: a log as long as wanted."""
    return Scenario("long", until=Duration(10_000_000 * SECOND), dhcp=(attrs.evolve(demo().dhcp[0], option160=None),))


def long_rows(count: int) -> tuple[list[Row], dict[str, bytes]]:
    """``count`` or a few more rows of a long run, and its blobs."""
    sink = MemorySink()
    made = Run(long_scenario(), sink=sink)
    while len(sink.rows) < count:
        made.step()
    return sink.rows, sink.blobs


def appending() -> Iterator[Line]:
    """Events appended durably, beside bare executemany on the same rows."""
    rows, blobs = long_rows(LONG)
    with folder() as home:
        counter = iter(range(100))

        def ours() -> int:
            with Store(home / f"{next(counter)}.db", create=True) as store:
                writer = store.begin(Run(demo()).header("bench"))
                for at in range(0, len(rows), 20):
                    writer.append(rows[at : at + 20], blobs if at == 0 else {})
                writer.flush()
            return len(rows)

        def bare() -> int:
            db = sqlite3.connect(home / f"{next(counter)}.db", isolation_level=None)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("CREATE TABLE events (run, n, a, b, c, d, e, f, g, h, PRIMARY KEY (run, n)) WITHOUT ROWID")
            for at in range(0, len(rows), BATCH):
                db.execute("BEGIN")
                batch = [(1, *row) for row in rows[at : at + BATCH]]
                db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", batch)
                db.execute("COMMIT")
            db.close()
            return len(rows)

        per, loops = timed(ours, 3)
        other, _ = timed(bare, 3)
    yield Line("events appended durably", 1 / per, "/s", loops, 100_000, f"{other / per:.2f} of bare executemany")
    yield Line("  as a part of bare executemany", other / per, "", 0, 0.6)


def reading() -> Iterator[Line]:
    """Replay with verification and state_at, on one long stored run."""
    with folder() as home:
        path = home / "long.db"
        done = run(long_scenario(), db=path, until=f"{long_until()}s", keep_entries=False)
        firmware = scenario_firmware(long_scenario())
        with Store(path) as store:
            info = store.find(str(done.run))

            def replay() -> int:
                report = Replay(firmware, 1, store.decoder()).run(store.rows(info.id))
                if not report.identical:
                    raise SystemExit("the long run does not replay")
                return report.events

            def fetch() -> int:
                return sum(1 for _ in store.rows(info.id))

            per, loops = timed(replay, 3)
            other, _ = timed(fetch, 3)
            baseline = f"{per / other:.0f} times as long as fetching the rows"
            yield Line("events replayed and compared", 1 / per, "/s", loops, 100_000, baseline)
            spots = range(info.events // 7, info.events, info.events // 7)

            def warm() -> int:
                for n in spots:
                    state_at(store, info, firmware, n)
                return len(spots)

            per, loops = timed(warm, 3)

        def cold() -> int:
            with Store(path) as fresh:
                state_at(fresh, fresh.info(info.id), firmware, info.events - 700)
            return 1

        other, _ = timed(cold, 3)
        what = f"{info.events:,} events"
        yield Line(f"state_at, {what}, open database", per * 1000, "ms", loops, 10, cost=True)
        yield Line(f"state_at, {what}, cold database", other * 1000, "ms", loops, 100, cost=True)


@cache
def long_until() -> int:
    """Seconds of virtual time after which the long run has LONG events."""
    made = Run(long_scenario())
    while made.recorder.count < LONG:
        made.step()
    return made.now // SECOND


def forking() -> Iterator[Line]:
    """Forks of a run that has gone on for long, beside a fold of one event."""
    made = Run(long_scenario())
    while made.recorder.count < LONG:
        made.step()

    def fork() -> int:
        for _ in range(2_000):
            made.fork()
        return 2_000

    sink = MemorySink()
    short = Run(demo(), sink=sink)
    short.run_until(demo().until)
    entries = list(sink.entries())
    firmware = scenario_firmware(demo())

    def fold() -> int:
        for _ in range(20):
            phone = initial(firmware)
            for entry in entries:
                fold_entry(firmware, phone, entry)
        return 20 * len(entries)

    per, loops = timed(fork)
    other, _ = timed(fold)
    baseline = f"as long as applying {per / other:.0f} events"
    yield Line(f"fork after {LONG:,} events", per * 1000, "ms", loops, 0.1, baseline, cost=True)


def comparing() -> Iterator[Line]:
    """Two long runs that share a prefix, or that do not, and why an event of one happened."""
    with folder() as home:
        path = home / "long.db"
        story = attrs.evolve(long_scenario(), until=Duration(long_until() * SECOND))
        typed = ActionSpec(Duration(story.until // 2), "web", key="SYSLOG_SEVERITY", value="3")
        other = attrs.evolve(story.phone, mac="0080F0654321")
        for each, seed in (
            (story, 1),
            (attrs.evolve(story, action=(typed,)), 1),
            (story, 2),
            (attrs.evolve(story, phone=other), 1),
        ):
            run(each, db=path, seed=seed, keep_entries=False)

        def parting() -> int:
            with located("1", path) as a, located("2", path) as b:
                return min(1, first_divergence(a, b))

        per, loops = timed(parting, 3)
        yield Line("first divergence, shared prefix", per * 1000, "ms", loops, 50, cost=True)
        for what, name in (("other dice", "3"), ("other MAC", "4")):
            per, loops = timed(lambda name=name: min(1, diff("1", name, db=path).a.id), 2)  # type: ignore[misc]
            yield Line(f"whole diff of {LONG:,} events, {what}", per, "s", loops, 2, cost=True)
        yield from explaining(path)


def explaining(path: Path) -> Iterator[Line]:
    """``why`` in a process of its own, less the start of a bare interpreter."""
    targets = {"an event": f"why('1@{LONG - 1_000}', db={str(path)!r})", "the outcome": f"why('1', db={str(path)!r})"}
    targets["a byte of the log"] = f"why('1', 'flash:0x4100', db={str(path)!r})"

    def started(code: str) -> int:
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        return 1

    bare, _ = timed(lambda: started("pass"), 9)
    for what, call in targets.items():
        code = f"from tools.why import why; from tools.why.telling import report; report({call}, False)"
        per, loops = timed(lambda code=code: started(code), 5)  # type: ignore[misc]
        yield Line(f"why {what}, cold", (per - bare) * 1000, "ms", loops, 200, cost=True)


def upgrading() -> Iterator[Line]:
    """A thousand stored boots against today's code."""
    with folder() as home:
        path = home / "boots.db"
        with Store(path, create=True) as store:
            story = demo()
            for seed in range(1_000):
                simulate(story, "boot", seed, Plan(keep_entries=False), store)

        def all_of_them() -> int:
            return min(1, len(upgrade(db=path).runs))

        per, loops = timed(all_of_them, 1)
        yield Line("replay --all --diff of 1,000 boots", per, "s", loops, 60, cost=True)


def idling() -> Iterator[Line]:
    """Virtual seconds a second of a phone that only keeps its lease."""
    quiet = attrs.evolve(demo(), until=Duration(86_400 * 365 * SECOND))

    def idle() -> int:
        made = Run(quiet)
        made.run_until(quiet.until)
        return made.now // SECOND

    per, loops = timed(idle, 3)
    yield Line("an idle phone, virtual seconds", 1 / per, "/s", loops, 150_000)


def crowd() -> Iterator[Line]:
    """Ten thousand phones in one world: time, and memory a phone."""
    many = attrs.evolve(
        demo(), phone=PhoneSpec(count=10_000, stagger=Duration(SECOND // 100)), until=Duration(110 * SECOND)
    )
    pool = attrs.evolve(many.dhcp[0], pool="10.0.0.10-10.0.255.250")
    many = attrs.evolve(many, dhcp=(pool,), content=Anybody(many.content))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, loop = time.perf_counter(), calibration()
    made = Run(many, sink=NoSink())
    made.run_until(many.until)
    took = time.perf_counter() - start
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    good = sum(machine.phone.provisioning.outcome == "provisioned" for machine in made.machines)
    what = f"{good:,} of {len(made.machines):,} provisioned, {made.recorder.count:,} events"
    yield Line("10,000 phones in one world", took, "s", took / loop, 20, what, cost=True)
    yield Line("  memory a phone", grown / 10_000, "KB", 0, 64, "growth of the process", cost=True)


def cutting() -> Iterator[Line]:
    """Power cuts judged: by the start that follows, by a whole provisioning run, and by two processes side by side."""
    sweep = Sweep(Aim(demo(), "demo", demo().seed))
    cases = [cut for part in sweep.first_level().parts for cut in part.cuts]
    sample = cases[:: max(1, len(cases) // 1_000)]

    def judged(bar: Bar) -> int:
        for cut in sample:
            if judge(sweep.base, cut, bar).fault is not None:
                raise SystemExit(f"the cut {cut.name} does harm")
        return len(sample)

    what = f"distinct images, {len(sample):,} of {len(cases):,}"
    for name, bar, budget in (
        ("power cuts, by the next start", Bar("mount"), 2_000),
        ("power cuts, by the next provisioning run", Bar("full", "provisioned"), 500),
    ):
        per, loops = timed(partial(judged, bar), 3)
        yield Line(name, 1 / per, "/s", loops, budget, what)
    took = {jobs: min(sweeping(sweep, sample, jobs) for _ in range(3)) for jobs in (1, 2)}
    baseline = f"{took[1]:.2f} s beside {took[2]:.2f} s"
    yield Line("power cuts, two processes beside one", took[1] / took[2], "", 0, 1.6, baseline)


def sweeping(sweep: Sweep, cuts: list[Cut], jobs: int) -> float:
    """Seconds for judging ``cuts`` with so many processes."""
    parts = [Part(f"{at}", None, tuple(cuts[at::20])) for at in range(20)]
    start = time.perf_counter()
    with Workers(sweep.judged, jobs) as workers:
        for _ in workers.each(parts):
            pass
    return time.perf_counter() - start


class Anybody(dict[str, bytes]):
    """Content in which every phone's own file is the one of the demo's phone."""

    def get(self, key: str, default: bytes | None = None) -> bytes | None:  # type: ignore[override]
        """The file, or the demo phone's for any MAC address."""
        found = super().get(key)
        if found is None and "/Config0080F0" in key:
            return super().get("files/three/Config0080F0123456.cfg", default)
        return found if found is not None else default


def start_up() -> Iterator[Line]:
    """``offhook --help`` beside a bare interpreter."""
    offhook = str(Path(sys.executable).with_name("offhook"))

    def ours() -> int:
        subprocess.run([offhook, "--help"], capture_output=True, check=True)
        return 1

    def bare() -> int:
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        return 1

    per, loops = timed(ours, 9)
    other, _ = timed(bare, 9)
    baseline = f"{per * 1000:.0f} ms beside {other * 1000:.0f} ms"
    yield Line("offhook --help, in bare interpreters", per / other, "", loops, 5, baseline, cost=True)


def main() -> int:
    """Print the table, a row as soon as it is measured."""
    print(f"{'what':44} {'measured':>14} {'budget':>10}  {'loops':>9}  beside it")
    for part in (boots, appending, reading, forking, comparing, upgrading, fuzzing, idling, cutting, start_up, crowd):
        for line in part():
            budget = f"{'≤' if line.cost else '≥'} {line.budget:,g}"
            value = f"{line.value:,.0f}" if line.value >= 1000 else f"{line.value:.3g}"
            mark = "" if line.met else "  NOT MET"
            loops = f"{line.loops:.2g}" if line.loops else ""
            print(
                f"{line.what:44} {value:>9} {line.unit:4} {budget:>10}  {loops:>9}  {line.baseline}{mark}", flush=True
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
