"""The command ``offhook replay``: it parses, calls the functions of :mod:`tools` and prints."""

from __future__ import annotations

import click

from tools.exits import AS_EXPECTED, NO
from tools.options import db_option, json_option


@click.command()
@click.argument("run", required=False, metavar="[RUN[@N]]")
@click.option("--all", "every", is_flag=True, help="Replay every run of the database.")
@click.option("--diff", "-d", is_flag=True, help="Tell what differs by what it means, grouped by its cause.")
@click.option("--accept", is_flag=True, help="With --all --diff: what differs is meant, here and in other runs.")
@click.option("--note", default="", metavar="TEXT", help="With --accept: why, for who asks later.")
@click.option("--verbose", "-v", is_flag=True, help="With --diff: tell every difference.")
@db_option
@json_option
@click.pass_context
def replay(
    ctx: click.Context,
    run: str | None,
    every: bool,
    diff: bool,
    accept: bool,
    note: str,
    verbose: bool,
    db: str,
    as_json: bool,
) -> None:
    """Feed the recorded inputs to today's code and compare what it does with what was recorded.

    The first divergence is told with both sides and their cause chains; with --diff, every change of behaviour once,
    with the runs that show it. Exit code 1 if there is one that was not accepted.

    \b
    Examples:
      offhook replay 1
      offhook replay --all
      offhook replay --all --diff
      offhook replay --all --diff --accept --note "retry after 20 minutes"
      offhook replay customer-case.jsonl --diff
    """
    if every == (run is not None):
        raise click.UsageError("give either a RUN or --all")
    if accept and not (every and diff):
        raise click.UsageError("--accept goes with --all --diff")
    if note and not accept:
        raise click.UsageError("--note goes with --accept")
    if diff and run is not None:
        ctx.exit(one_run(run, db, as_json, verbose))
    if diff:
        ctx.exit(all_runs(db, as_json, note if accept else None))
    ctx.exit(to_the_byte(run, db, as_json))


def to_the_byte(run: str | None, db: str, as_json: bool) -> int:
    """Whether runs are what today's code makes, to the byte; the exit code."""
    from tools import checking, printing

    progress = printing.Progress()
    if run is not None:
        results = [checking.replay(run, db=db, progress=progress.events("replayed"))]
    else:
        results = checking.replay_all(db=db, done=lambda r: progress.show(f"run {r.info.id} replayed"))
    progress.clear()
    if as_json:
        found = [printing.replay_json(result) for result in results]
        printing.as_json(found if run is None else found[0])
    else:
        for result in results:
            printing.replay_report(result)
    return AS_EXPECTED if all(result.identical for result in results) else NO


def one_run(run: str, db: str, as_json: bool, verbose: bool) -> int:
    """What today's code does otherwise in a run; the exit code."""
    from tools import printing, upgrading
    from tools.diff.sentences import CODE
    from tools.diff.telling import Telling, diff_json
    from tools.locate import located

    progress = printing.Progress()
    with located(run, db) as found:
        done = upgrading.upgraded(found, progress=progress.events("replayed"))
    progress.clear()
    if as_json:
        told = None if done.diff is None else diff_json(done.diff)
        printing.as_json({"run": done.info.id, "identical": done.diff is None, "accepted": done.accepted, "diff": told})
    elif done.diff is None:
        printing.say(f"run {done.info.id}: {printing.styled('identical', 'right')}")
    else:
        for line in Telling(printing.styled, printing.width(), verbose, names=CODE).lines(done.diff):
            printing.say(line)
    return AS_EXPECTED if done.accepted else NO


def all_runs(db: str, as_json: bool, note: str | None) -> int:
    """What today's code does otherwise in any run; with a note, that is accepted. The exit code."""
    from datetime import UTC, datetime

    from tools import printing, upgrading
    from tools.upgrade_text import upgrade_json, upgrade_lines

    progress = printing.Progress()
    found = upgrading.upgrade(db=db, done=lambda r: progress.show(f"run {r.info.id} replayed"))
    progress.clear()
    new = 0
    if note is not None:
        created = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        new = upgrading.accept(found, db=db, note=note, created=created)
    if as_json:
        printing.as_json({**upgrade_json(found), "newly_accepted": new})
    else:
        for line in upgrade_lines(found, printing.styled, printing.width()):
            printing.say(line)
        if note is not None:
            printing.note(f"{new} changes accepted" if new != 1 else "1 change accepted")
    return AS_EXPECTED if found.as_meant or note is not None else NO
