"""``offhook run`` on a terminal: the timeline while it goes on, progress, what came of it, Ctrl-C."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime

from attrs import frozen

from emulator.events.masking import duration
from emulator.log.store import Store
from emulator.world.run import Run, scenario_firmware
from emulator.world.scenario import Scenario
from tools import printing
from tools.exits import AS_EXPECTED, INTERRUPTED, NO
from tools.simulate import Plan, RunResult, RunResults, loaded, run_seeds, until_what
from tools.timeline import LiveTimeline, Timeline


@frozen
class Wish:
    """What the options of the command say. db: None keeps nothing; pace: 0 for as fast as it goes."""

    db: str | None
    seed: int | None = None
    seeds: int | None = None
    until: str | None = None
    cut: str | None = None
    pace: float = 0.0
    every: bool = False
    quiet: bool = False
    as_json: bool = False


def run_command(paths: tuple[str, ...], wish: Wish) -> int:
    """Run each scenario and print; the exit code. Raises ScenarioError or LogError before anything is run."""
    stories = [loaded(path) for path in paths]
    until_what(wish.until)
    if wish.cut is not None:
        from tools.cuts.ids import resolve

        stories = [(resolve(story, wish.cut, wish.seed), name) for story, name in stories]
    found: list[RunResults] = []
    progress = printing.Progress()
    try:
        with nullcontext() if wish.db is None else Store(wish.db, create=True) as store:
            for story, name in stories:
                found.append(run_story(story, name, wish, store, progress, alone=len(stories) == 1))
                progress.clear()
                if not wish.as_json:
                    summary(found[-1], name, alone=len(stories) == 1)
    except KeyboardInterrupt:
        progress.clear()
        kept = "" if wish.db is None else "; what happened so far is kept, marked as cut off"
        printing.note(f"interrupted{kept}")
        return INTERRUPTED
    if wish.as_json:
        objects = [as_object(results) for results in found]
        printing.as_json(objects[0] if len(objects) == 1 else objects)
    return AS_EXPECTED if all(results.ok for results in found) else NO


def run_story(
    story: Scenario, name: str, wish: Wish, store: Store | None, progress: printing.Progress, alone: bool
) -> RunResults:
    """One scenario with all its seeds."""
    count = wish.seeds or (1 if wish.seed is not None else story.seeds)
    first = story.seed if wish.seed is None else wish.seed
    stop, end = until_what(wish.until)
    live = None
    if alone and count == 1 and not (wish.quiet or wish.as_json):
        live = live_timeline(story, wish.every)

    def running(run: Run) -> None:
        so_far, of = duration(run.now), duration(end or story.until)
        progress.show(f"{name}: {so_far} of {of}, {run.recorder.count:,} events")

    def done(result: RunResult) -> None:
        if count > 1:
            progress.show(f"{name}: seed {result.seed - first + 1} of {count}")

    plan = Plan(
        pace=wish.pace,
        stop=stop,
        until=end,
        keep_entries=False,
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        progress=running,
        observer=live.observe if live else None,
    )
    results = run_seeds(story, name, range(first, first + count), plan, store, done)
    if live:
        live.end()
    if stop is not None and not all(result.stopped for result in results.runs):
        printing.note(f"{name}: {wish.until} was never reached, so it ran to its end")
    return results


def live_timeline(story: Scenario, every: bool) -> LiveTimeline:
    """A printer of the timeline while a run goes on."""
    titles = {number: step.title for number, step in scenario_firmware(story).steps.items()}
    timeline = Timeline(titles, printing.styled, story.phone.count > 1, printing.width())
    return LiveTimeline(timeline, every, printing.say)


def summary(results: RunResults, name: str, alone: bool) -> None:
    """What came of a scenario; several scenarios get a line each."""
    if not alone:
        printing.scenario_summary(results, name)
    elif len(results.runs) == 1:
        printing.run_summary(results.runs[0])
    else:
        printing.seeds_summary(results)


def as_object(results: RunResults) -> dict[str, object]:
    """What ``run --json`` prints of a scenario."""
    objects = [printing.result_json(result) for result in results.runs]
    return objects[0] if len(objects) == 1 else {**objects[0], "digest": results.digest, "seeds": objects}
