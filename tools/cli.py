"""The command ``offhook``: it parses, calls the function of the same name in :mod:`tools`, and prints.

Verbs import what they need when they run, so that ``--help`` is quick.
"""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import Any

import click

from tools.exits import AS_EXPECTED, BAD, INTERRUPTED, NO
from tools.options import db_option, json_option, secrets_option
from tools.verbs import Verbs

VERSION = "0.1.0"


class Workbench(Verbs):
    """A group whose errors are one line each."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; what it does not like about its input is one line and exit code 2."""
        from emulator.log.store import LogError
        from emulator.world.changes import ChangeError
        from emulator.world.toml import ScenarioError

        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a terminal that knows no arrows gets their numbers
        try:
            return super().invoke(ctx)
        except (ChangeError, LogError, ScenarioError) as error:
            click.echo(f"offhook: {error}", err=True)
            ctx.exit(BAD)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            # The reader went away (`| head`); a second complaint at exit helps nobody.
            forget_output()
            ctx.exit(AS_EXPECTED)
        except OSError as error:
            click.echo(f"offhook: {(error.strerror or 'input or output failed').lower()}", err=True)
            forget_output()
            ctx.exit(BAD)


def forget_output() -> None:
    """Send what is still to be printed nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(cls=Workbench, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="offhook")
def main() -> None:
    """A virtual desk phone that can be rewound.

    Simulate how a KX-UTG200 gets provisioned, keep every event, look at the phone at any moment, and replay it.

    \b
    RUN is a number, the start of a digest, or an exported file; RUN@N is that run just after event N.
    Exit codes: 0 as expected, 1 the answer is "no", 2 bad input.

    \b
    Example:
      offhook run scenarios/first-boot-option-160.toml
    """


@main.command()
@click.argument("scenario", nargs=-1, required=True, metavar="SCENARIO...")
@db_option
@click.option("--seed", type=click.IntRange(0), help="Instead of the scenario's seed.")
@click.option("--seeds", type=click.IntRange(1, 100_000), help="Run with so many seeds, from the first on.")
@click.option("--until", metavar="STEP|EVENT|TIME", help="Stop at a step (8), an event kind or a time (30s).")
@click.option("--cut", metavar="ID", help="Have the power go in a flash operation, as `offhook cuts` names it.")
@click.option("--pace", metavar="FACTOR", help="Follow the wall clock: 1x, 10x. Default: as fast as it goes.")
@click.option("--all", "every", is_flag=True, help="Print every event, not only those that matter.")
@click.option("--quiet", "-q", is_flag=True, help="Print only what came of it.")
@click.option("--no-store", is_flag=True, help="Do not keep the run.")
@json_option
@click.pass_context
def run(
    ctx: click.Context, /, scenario: tuple[str, ...], db: str, pace: str | None, no_store: bool, **wishes: Any
) -> None:
    """Simulate SCENARIO, print its timeline, store the run. Of several scenarios, print a line each.

    \b
    Examples:
      offhook run scenarios/first-boot-option-160.toml
      offhook run scenarios/loss-of-thirty-percent.toml --seeds 200
      offhook run scenarios/first-boot-option-160.toml --until 8 --no-store
      offhook run scenarios/first-boot-option-160.toml --cut 13p37
      offhook run scenarios/*.toml
    """
    factor = pace_factor(pace)
    from tools.running import Wish, run_command

    ctx.exit(run_command(scenario, Wish(None if no_store else db, pace=factor, **wishes)))


def pace_factor(text: str | None) -> float:
    """``10x`` as a number."""
    if text is None:
        return 0.0
    try:
        factor = float(text.lower().removesuffix("x"))
    except ValueError:
        factor = 0.0
    if not 0.001 <= factor <= 1e6:
        raise click.BadParameter(f"{text!r} is no pace; give 1x, 10x or 0.5x", param_hint="--pace")
    return factor


@main.command()
@db_option
@click.option("--rm", "remove", multiple=True, metavar="RUN", help="Remove this whole run; may be repeated.")
@click.option("--prune", is_flag=True, help="Remove runs that were cut off, and all but the newest of equal runs.")
@click.option("--keep", type=click.IntRange(0), help="With --prune: keep only so many, the newest.")
@json_option
def runs(db: str, remove: tuple[str, ...], prune: bool, keep: int | None, as_json: bool) -> None:
    """List the stored runs, or remove whole ones.

    \b
    Examples:
      offhook runs
      offhook runs --rm 3 --rm 4
      offhook runs --prune --keep 100
    """
    from tools import browse, printing

    if keep is not None and not prune:
        raise click.UsageError("--keep goes with --prune")
    if remove:
        removed = browse.remove_runs(list(remove), db)
        for number, gone in removed:
            printing.note(f"run {number} removed" + ("" if gone else "; its events stay while a fork uses them"))
    if prune:
        printing.note(f"{len(browse.prune_runs(keep, db))} runs removed")
    if remove or prune:
        return
    found = browse.runs(db)
    if as_json:
        printing.as_json([printing.info_json(info) for info in found])
    elif not found:
        printing.note(f"{db} holds no runs yet")
    else:
        printing.runs_table(found)


@main.command()
@click.argument("run", metavar="RUN[@N]")
@db_option
@click.option("--brief", "-b", is_flag=True, help="Only what matters; a burst of flash work is one line.")
@click.option("--kind", "-k", "kinds", multiple=True, help="Only events of this kind; may be repeated.")
@click.option("--phone", type=click.IntRange(0), help="Only this phone of a run of many.")
@click.option("--secrets", is_flag=True, help="With --json: do not hide passwords and keys.")
@json_option
def show(
    run: str, db: str, brief: bool, kinds: tuple[str, ...], phone: int | None, secrets: bool, as_json: bool
) -> None:
    """Print a run as a timeline: one line an event, up to N if given.

    Columns: event number, virtual time in seconds, step of the guide, the event. Arrows mark packets and requests.

    \b
    Examples:
      offhook show 1
      offhook show 1@60 --brief
      offhook show 1 --kind SettingChanged --kind StepEntered
    """
    from tools import browse, printing
    from tools.timeline import Timeline

    shown = browse.show(run, db=db, phone=phone, kinds=kinds)
    if as_json:
        from tools.masks import entry_json

        printing.as_json([entry_json(entry, secrets) for entry in shown.entries])
        return
    timeline = Timeline(shown.titles, printing.styled, shown.info.header.phones > 1, printing.width())
    for line in timeline.brief(shown.entries) if brief else timeline.lines(shown.entries):
        printing.say(line)


@main.command()
@click.argument("run", metavar="RUN[@N]")
@db_option
@click.option("--phone", type=click.IntRange(0), default=0, show_default=True, help="Which phone of a run of many.")
@secrets_option
@json_option
def state(run: str, db: str, phone: int, secrets: bool, as_json: bool) -> None:
    """Show the phone just after event N: step, timers, lease, settings that differ from factory, files held.

    \b
    Examples:
      offhook state 1@48
      offhook state 1 --json
    """
    from tools import browse, printing

    found = browse.state(run, db=db, phone=phone, secrets=secrets)
    if as_json:
        printing.as_json(printing.state_json(found))
        return
    for line in printing.state_text(found):
        printing.say(line)


@main.command()
@click.argument("target", required=False, metavar="[DB|RUN]")
@db_option
@json_option
@click.pass_context
def verify(ctx: click.Context, target: str | None, db: str, as_json: bool) -> None:
    """Check that a log is what was written: chain, seal, numbers, blobs. Exit code 1 if it is not.

    \b
    Examples:
      offhook verify
      offhook verify elsewhere.db
      offhook verify 3
    """
    from tools import checking, printing

    progress = printing.Progress()
    found = checking.verify(target, db=db, progress=progress.events("checked"))
    progress.clear()
    if as_json:
        printing.as_json(printing.verify_json(found))
    else:
        printing.verify_report(found, target or db)
    ctx.exit(NO if found.faults else AS_EXPECTED)


@main.command()
@click.argument("scenario", nargs=-1, required=True)
@json_option
@click.pass_context
def check(ctx: click.Context, scenario: tuple[str, ...], as_json: bool) -> None:
    """Say whether scenario files are valid, without running them.

    \b
    Example:
      offhook check scenarios/*.toml
    """
    from emulator.world.toml import ScenarioError
    from tools import printing, simulate

    errors: dict[str, str] = {}
    for path in scenario:
        try:
            simulate.check(path)
            errors[path] = ""
        except ScenarioError as error:
            errors[path] = str(error)
    if as_json:
        printing.as_json([{"path": path, "valid": not wrong, "error": wrong} for path, wrong in errors.items()])
    else:
        for path, wrong in errors.items():
            if wrong:
                printing.note(f"offhook: {wrong}")
            else:
                printing.say(f"{path}: valid")
    ctx.exit(BAD if any(errors.values()) else AS_EXPECTED)


@main.command()
@click.argument("folder", default="scenarios")
@json_option
def scenarios(folder: str, as_json: bool) -> None:
    """List the scenarios of a folder, a line each.

    \b
    Example:
      offhook scenarios
    """
    from tools import printing, simulate

    found = simulate.scenarios(folder)
    if as_json:
        printing.as_json([{"path": str(s.path), "title": s.title, "seeds": s.seeds, "error": s.error} for s in found])
    elif not found:
        printing.note(f"{folder} holds no scenarios (*.toml)")
    else:
        printing.scenarios_table(found)


@main.command()
@click.argument("kind", required=False)
@json_option
def events(kind: str | None, as_json: bool) -> None:
    """List the vocabulary of events, or explain one kind.

    \b
    Examples:
      offhook events
      offhook events SourceTried
    """
    import attrs

    from tools import browse, printing

    found = browse.events(kind)
    if as_json:
        printing.as_json([attrs.asdict(one) for one in found])
    else:
        printing.event_kinds(found)


@main.command()
@click.argument("pattern", default="")
@json_option
def params(pattern: str, as_json: bool) -> None:
    """List the configuration parameters that PATTERN is part of (tag, path or description); explain a single one.

    \b
    Examples:
      offhook params
      offhook params CFG_
      offhook params SYSLOG_SEVERITY
    """
    import attrs

    from tools import browse, printing

    found = browse.params(pattern)
    if as_json:
        printing.as_json([attrs.asdict(one) for one in found])
    else:
        printing.parameters(found, pattern)


@main.command()
@json_option
def boundaries(as_json: bool) -> None:
    """Say what the simulation models, what it passes through and what it leaves out.

    \b
    Example:
      offhook boundaries
    """
    from emulator.boundaries import BOUNDARIES
    from tools import printing

    if as_json:
        printing.as_json([boundary._asdict() for boundary in BOUNDARIES])
    else:
        for line in printing.table([("area", "how", "what"), *BOUNDARIES]):
            printing.say(line)


if __name__ == "__main__":
    main()
