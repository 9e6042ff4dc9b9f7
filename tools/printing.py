"""How results look on a terminal. Everything here only prints; colour and width follow the terminal."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from emulator.log.chain import Row
    from emulator.log.store import RunInfo
    from emulator.log.verify import Verified
    from emulator.phone.catalogue import Parameter
    from emulator.world.expect import Verdict
    from emulator.world.recorded import Difference
    from tools.browse import EventKind, State
    from tools.checking import ReplayResult, Side
    from tools.simulate import RunResult, RunResults, ScenarioLine

STYLES: dict[str, dict[str, Any]] = {
    "dim": {"dim": True},
    "step": {"bold": True, "fg": "yellow"},
    "wrong": {"fg": "red"},
    "right": {"fg": "green"},
    "flash": {"fg": "magenta"},
    "setting": {"fg": "green"},
    "out": {"fg": "cyan"},
    "in": {"fg": "blue"},
    "input": {"bold": True},
    "plain": {},
}


def styled(text: str, style: str) -> str:
    """``text`` with the terminal codes of ``style``; click takes them out where no terminal reads them."""
    options = STYLES[style]
    return click.style(text, **options) if options else text


def say(line: str = "") -> None:
    """One line on standard output; colour only for a terminal, and not if NO_COLOR is set."""
    click.echo(line, color=False if os.environ.get("NO_COLOR") else None)


def note(line: str) -> None:
    """One line for the person, on standard error."""
    click.echo(line, err=True, color=False if os.environ.get("NO_COLOR") else None)


def as_json(value: Any) -> None:
    """A value for a program."""
    click.echo(json.dumps(value, ensure_ascii=False))


def width() -> int:
    """Columns of the terminal; 0 if standard output is none, so that nothing is cut off in a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


class Progress:
    """A line on standard error that is written over, once a task has taken longer than a second; only on a terminal."""

    def __init__(self) -> None:
        self._started = self._shown = time.monotonic()
        self._on = False

    def show(self, text: str) -> None:
        """Say how far it is, at most four times a second."""
        now = time.monotonic()
        if not sys.stderr.isatty() or now - self._started < 1 or now - self._shown < 0.25:
            return
        self._shown, self._on = now, True
        click.echo(f"\r\x1b[K{text}", err=True, nl=False)

    def events(self, done: str) -> Callable[[int], None]:
        """A function that says how many events are ``done``."""
        return lambda number: self.show(f"{number:,} events {done}")

    def clear(self) -> None:
        """Take the line away."""
        if self._on:
            click.echo("\r\x1b[K", err=True, nl=False)
            self._on = False


# --- run ------------------------------------------------------------------------------------------------------------


def run_summary(result: RunResult) -> None:
    """What came of a run, and each expectation that does not hold."""
    from emulator.events.masking import duration

    stored = f"run {result.run}" if result.run is not None else "not stored"
    what = f"{result.outcome}, {result.events:,} events in {duration(result.virtual_ns)} of virtual time"
    say(f"{styled(stored, 'input')}  {what}  digest {result.digest}")
    held = sum(verdict.holds for verdict in result.expectations)
    if result.stopped:
        say("stopped where you asked; expectations were not judged")
    elif result.expectations:
        mark = styled("all hold", "right") if result.ok else styled(f"{held} hold", "wrong")
        say(f"{len(result.expectations)} expectations: {mark}")
    unmet(result.expectations)


def unmet(verdicts: Sequence[Verdict]) -> None:
    """The expectations that do not hold, a line each."""
    for verdict in verdicts:
        if not verdict.holds:
            say(styled(f"  not so: {verdict.text}; found {verdict.found}", "wrong"))


def seeds_summary(results: RunResults) -> None:
    """What came of many seeds."""
    counts = ", ".join(f"{count} {what}" for what, count in sorted(Counter(r.outcome for r in results.runs).items()))
    failed = [result for result in results.runs if not result.ok]
    say(f"{len(results.runs)} seeds: {counts}  digest {results.digest}")
    for result in failed[:10]:
        say(styled(f"  seed {result.seed}" + (f" (run {result.run})" if result.run else "") + ":", "wrong"))
        for verdict in result.expectations:
            if not verdict.holds:
                say(styled(f"    not so: {verdict.text}; found {verdict.found}", "wrong"))
    if len(failed) > 10:
        say(styled(f"  and {len(failed) - 10} more seeds", "wrong"))
    if not failed:
        say(styled("every expectation holds for every seed", "right"))


def scenario_summary(results: RunResults, name: str) -> None:
    """One line for one of several scenarios, and each expectation that does not hold."""
    first = results.runs[0]
    judged = styled("as expected", "right") if results.ok else styled("NOT as expected", "wrong")
    seeds = f"{len(results.runs)} seeds" if len(results.runs) > 1 else f"run {first.run}" if first.run else "not stored"
    say(f"{name}: {judged} ({first.outcome}, {seeds}, digest {results.digest[:12]})")
    for result in results.runs:
        for verdict in result.expectations:
            if not verdict.holds:
                say(styled(f"  seed {result.seed}, not so: {verdict.text}; found {verdict.found}", "wrong"))


def result_json(result: RunResult) -> dict[str, Any]:
    """The object of ``run --json`` (DESIGN section 7)."""
    return {
        "run": result.run,
        "name": result.name,
        "seed": result.seed,
        "digest": result.digest,
        "outcome": result.outcome,
        "events": result.events,
        "virtual_ns": result.virtual_ns,
        "expectations": [v._asdict() for v in result.expectations],
    }


# --- runs, state, events, scenarios ---------------------------------------------------------------------------------


def info_json(info: RunInfo) -> dict[str, Any]:
    """One object of ``runs --json``."""
    return {
        "run": info.id,
        "name": info.header.name,
        "seed": info.header.seed,
        "digest": info.digest,
        "outcome": info.outcome,
        "events": info.events,
        "state": info.state,
        "parent": info.parent,
        "upto": info.upto,
        "firmware": info.header.firmware,
        "version": info.header.version,
        "created": info.created,
    }


def table(rows: Sequence[tuple[str, ...]], right: Iterable[int] = ()) -> Iterator[str]:
    """Rows in columns, the first row as heading. right: columns that are set flush right."""
    columns = range(len(rows[0]))
    widths = [max(len(row[c]) for row in rows) for c in columns]
    flush = set(right)
    limit = width()
    for row in rows:
        line = "  ".join(row[c].rjust(widths[c]) if c in flush else row[c].ljust(widths[c]) for c in columns).rstrip()
        yield line[: limit - 1] + "…" if limit and len(line) > limit else line


def runs_table(found: list[RunInfo]) -> None:
    """The runs of a database."""
    rows = [("run", "scenario", "seed", "events", "outcome", "state", "digest", "created")]
    for info in found:
        digest = (info.digest or "")[:12]
        name = info.header.name if info.parent is None else f"{info.header.name} (fork of {info.parent}@{info.upto})"
        seed, events = str(info.header.seed), f"{info.events:,}"
        rows.append((str(info.id), name, seed, events, info.outcome, info.state, digest, info.created))
    for line in table(rows, right=(0, 2, 3)):
        say(line)


def scenarios_table(found: list[ScenarioLine]) -> None:
    """One line a scenario."""
    for line in table([("scenario", "what it is about"), *((s.path.name, s.error or s.title) for s in found)]):
        say(line)


def event_kinds(found: list[EventKind]) -> None:
    """The vocabulary, a line each, or one kind in full."""
    if len(found) == 1:
        kind = found[0]
        say(f"{styled(kind.kind, 'step')}  ({kind.role})\n\n{kind.doc}\n")
        for name, of_type in kind.fields.items():
            say(f"  {name}: {of_type}")
        return
    for line in table([("kind", "role", "what"), *((k.kind, k.role, k.summary) for k in found)]):
        say(line)


def parameters(found: list[Parameter], pattern: str) -> None:
    """A line each, or everything about the one whose tag was given."""
    exact = [p for p in found if p.tag == pattern]
    if exact or len(found) == 1:
        parameter = (exact or found)[0]
        say(f"{styled(parameter.tag, 'step')}  {parameter.path}\n\n{parameter.about}\n")
        unit = f" {parameter.unit}" if parameter.unit else ""
        say(f"  kind     {parameter.kind}{', one value a line' if parameter.per_line else ''}")
        say(f"  allowed  {parameter.rule or 'anything'}{unit}")
        say(f"  default  {parameter.default or '(empty)'}")
        say(f"  access   {parameter.access or 'A'}{', secret' if parameter.secret else ''}")
        return
    heading = ("tag", "allowed", "default", "what")
    for line in table([heading, *((p.tag, p.rule or p.kind, p.default, p.about) for p in found)]):
        say(line)


def state_text(state: State) -> Iterator[str]:
    """A phone's state, for a person."""
    from emulator.events import step_name
    from emulator.events.masking import duration
    from tools.addresses import addresses_text
    from tools.phone_lines import clock_line, log_lines, timers, waiting
    from tools.timeline import seconds

    phone, power, run = state.phone, state.phone.power, state.phone.provisioning
    cycle = f"on (boot {power.boots})" if power.on else "off"
    yield f"run {state.info.id} just after event {state.n}, at {seconds(state.time)} s"
    yield f"phone    {phone.settings.model} {phone.settings.mac}, firmware {phone.version}, power {cycle}"
    yield f"link     {'up' if power.link else 'down'}" + (f", display: {power.display}" if power.display else "")
    yield from addresses_text(phone)
    step = f"step {step_name(run.step)}: {state.step_title}" if run.step else "no run is on"
    last = f"; last outcome: {run.outcome}" if run.outcome else ""
    yield f"run      {step}{last}" + (f", URL from {run.source}" if run.source else "")
    yield f"lines    {', '.join(line.text(phone.clock) for line in state.lines) or 'none in use'}"
    armed = [f"{key.partition(':')[2]} in {duration(max(0, due - phone.clock))}" for due, key in timers(phone)]
    yield f"clock    {clock_line(phone)}"
    yield f"timers   {', '.join(armed) or 'none'}"
    if waiting(phone):
        yield f"waiting  for {', '.join(waiting(phone))}"
    yield f"files    {', '.join(phone.settings.files) or 'none saved'}"
    chip = phone.flash.chip
    erased = sum(chip.wear.values())
    yield f"flash    {len(chip.sectors)} of {chip.geometry.sector_count} sectors written, {erased} erases"
    yield f"settings {len(state.settings)} differ from the factory defaults" + (":" if state.settings else "")
    size = max(map(len, state.settings), default=0)
    for key, value in state.settings.items():
        by = "user" if key in phone.settings.user else "provisioned"
        yield f"  {key.ljust(size)}  {value or '(empty)'}  ({by}, since event {phone.settings.grounds(key)})"
    yield from log_lines(phone)


def state_json(state: State) -> dict[str, Any]:
    """The object of ``state --json``."""
    from tools.addresses import addresses_json
    from tools.phone_lines import log_json, timers, waiting

    phone = state.phone
    return {
        "run": state.info.id,
        "n": state.n,
        "time": state.time,
        "power": phone.power.on,
        "boots": phone.power.boots,
        "link": phone.power.link,
        "display": phone.power.display,
        **addresses_json(phone),
        "step": phone.provisioning.step,
        "outcome": phone.provisioning.outcome,
        "source": phone.provisioning.source,
        "utc": phone.wallclock.utc(phone.clock),
        "lines": [line._asdict() for line in state.lines],
        "timers": {key.partition(":")[2]: due for due, key in timers(phone)},
        "waiting": waiting(phone),
        "files": list(phone.settings.files),
        "settings": state.settings,
        "log": log_json(phone),
    }


# --- replay, verify -------------------------------------------------------------------------------------------------


def replay_report(result: ReplayResult) -> None:
    """Whether a replay was identical, and if not, the first divergence with both sides."""
    report = result.report
    code = "the same code" if result.same_code else "other code than recorded it"
    if result.identical:
        what = f"{report.events:,} events, {report.inputs:,} inputs"
        say(f"run {result.info.id}: {styled('identical', 'right')} ({what}, {code}, digest {report.digest[:16]})")
        return
    differences = "1 difference" if report.count == 1 else f"{report.count:,} differences"
    say(f"run {result.info.id}: {styled(differences, 'wrong')} in {report.events:,} events ({result.firmware}, {code})")
    first = report.differences[0]
    say(f"first: {first.what}" + (f" ({first.detail})" if first.detail else ""))
    for line in unlike_fields(result):
        say(line)
    for name, side in (("recorded", result.recorded), ("this code", result.replayed)):
        for line in side_lines(name, side):
            say(line)


def replay_json(result: ReplayResult) -> dict[str, Any]:
    """The object of ``replay --json``."""
    report = result.report
    return {
        "run": result.info.id,
        "identical": result.identical,
        "events": report.events,
        "inputs": report.inputs,
        "digest": report.digest,
        "differences": report.count,
        "first": None if not report.differences else difference_json(report.differences[0]),
    }


def difference_json(difference: Difference) -> dict[str, Any]:
    """A difference for a program."""

    def side(row: Row | None) -> dict[str, Any] | None:
        return None if row is None else {"n": row.n, "time": row.time, "kind": row.kind, "cause": row.cause}

    recorded, replayed = side(difference.recorded), side(difference.replayed)
    return {"what": difference.what, "detail": difference.detail, "recorded": recorded, "replayed": replayed}


def verify_json(result: Verified) -> dict[str, Any]:
    """The object of ``verify --json``."""
    faults = [{"run": fault.run, "n": fault.n, "what": fault.what} for fault in result.faults]
    return {
        "intact": not faults,
        "runs": result.runs,
        "events": result.events,
        "blobs": result.blobs,
        "open": list(result.open),
        "faults": faults,
    }


def unlike_fields(result: ReplayResult) -> Iterator[str]:
    """The values in which the two sides of a first divergence differ, secrets hidden."""
    from tools.masks import fields

    if result.recorded is None or result.replayed is None:
        return
    recorded, made = result.recorded.chain[0], result.replayed.chain[0]
    old, new = ({"time": entry.time, **fields(entry, secrets=False)} for entry in (recorded, made))
    limit = width() or 400
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            line = f"  {name}: recorded {old.get(name)!r}, this code {new.get(name)!r}"
            yield line[: limit - 1] + "…" if len(line) > limit else line


def side_lines(name: str, side: Side | None) -> Iterator[str]:
    """One side of a divergence and what led to it."""
    if side is None:
        yield f"  {name}: nothing"
        return
    yield f"  {name}:"
    limit = width()
    for depth, entry in enumerate(side.chain[:12]):
        because = f" (because of {', '.join(map(str, entry.because))})" if entry.because else ""
        arrow = "" if depth == 0 else "← "
        line = f"    {'  ' * min(depth, 6)}{arrow}{entry.n} {entry.event.kind} {entry.event.text()}{because}"
        yield line[: limit - 1] + "…" if limit and len(line) > limit else line
    if len(side.chain) > 12:
        yield f"    ... and {len(side.chain) - 12} causes before"


def verify_report(result: Verified, name: str) -> None:
    """Whether a log is what was written."""
    for fault in result.faults:
        say(styled(fault.text(), "wrong"))
    what = f"{result.runs} runs, {result.events:,} events, {result.blobs} blobs"
    verdict = styled(f"{len(result.faults)} faults", "wrong") if result.faults else styled("intact", "right")
    say(f"{name}: {what}: {verdict}")
    if result.open:
        say(f"without an end (cut off or still being written): run {', '.join(map(str, result.open))}")
