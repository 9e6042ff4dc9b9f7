"""The commands ``offhook fuzz`` and ``offhook shrink``: they parse, call the functions of :mod:`tools.fuzz`, print."""

from __future__ import annotations

from typing import Any

import click

from tools.exits import AS_EXPECTED, NO
from tools.options import InOrder, Time, db_option, json_option

FOUND = "fuzz-found"


class Fuzz(InOrder):
    """A group whose first word may be a scenario instead of a verb."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """What is no verb is what `run` is about."""
        if args[0] not in self.commands and not args[0].startswith("-"):
            args = ["run", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=Fuzz)
def fuzz() -> None:
    """Look for a story in which something goes wrong that must not: a campaign over bytes, faults, time and people.

    \b
    Example:
      offhook fuzz scenarios/first-boot-option-160.toml --runs 2000
    """


@fuzz.command("run")
@click.argument("scenario")
@click.option(
    "--time",
    "length",
    type=Time("30s, 10min or 8h"),
    default="1min",
    show_default=True,
    help="How long it goes on.",
)
@click.option("--runs", type=click.IntRange(1), help="How many cases it tries in all, instead.")
@click.option("--jobs", "-j", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes.")
@click.option("--cluster", default="", metavar="tcp://HOST:PORT", help="A Dask scheduler whose workers do it instead.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the dice.")
@click.option("--firmware", default="", metavar="MODULE:NAME", help="Try this variant of the phone.")
@click.option("--check", "checks", multiple=True, metavar="MODULE:NAME", help="Verdicts of your own; may be repeated.")
@click.option("--kind", "kinds", multiple=True, help="Only faults of this kind; may be repeated.")
@click.option(
    "--after",
    type=Time("12s or 1min"),
    default=0,
    help="Vary only what comes later than this in the story: every case goes on from the same state, which is faster.",
)
@click.option("--lines", is_flag=True, help="Lines of the phone's code that were not run before count as new too.")
@click.option("--name", help="Of the campaign; one of this name goes on. Default: by scenario, seed and firmware.")
@click.option("--out", default=FOUND, show_default=True, help="Folder for what is found.")
@db_option
@json_option
@click.pass_context
def fuzz_run(ctx: click.Context, /, scenario: str, db: str, as_json: bool, **wishes: Any) -> None:
    """Run a campaign, or go on with one. Exit code 1 if it has found something.

    What is found is made small and written as a scenario, with its ladder and a test. Ctrl-C ends it in good order;
    the same command goes on.

    \b
    Examples:
      offhook fuzz run scenarios/first-boot-option-160.toml --runs 500
      offhook fuzz run scenarios/first-boot-option-160.toml --time 10min --jobs 2
      offhook fuzz run scenarios/first-boot-option-160.toml --runs 500 --kind dhcp
      offhook fuzz run scenarios/check-sync-from-the-sip-server.toml --runs 500 --after 55s
    """
    from tools.fuzz.running import Asked, run_campaign

    limit = None if wishes["runs"] is not None else wishes["length"] / 1e9
    del wishes["length"]
    found = run_campaign(scenario, Asked(seconds=limit, db=db, as_json=as_json, **wishes))
    ctx.exit(found)


@fuzz.command("status")
@db_option
@json_option
def fuzz_status(db: str, as_json: bool) -> None:
    """List the campaigns of a database.

    \b
    Example:
      offhook fuzz status
    """
    from tools.fuzz.running import status

    status(db, as_json)


@fuzz.command("report")
@click.argument("name", required=False)
@click.option("--output", "-o", metavar="FILE", help="An HTML page instead.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@db_option
@json_option
@click.pass_context
def fuzz_report(ctx: click.Context, name: str | None, output: str | None, force: bool, db: str, as_json: bool) -> None:
    """Tell what a campaign has covered and found; without NAME, the newest.

    \b
    Examples:
      offhook fuzz report
      offhook fuzz report -o campaign.html
    """
    from tools.fuzz.running import report

    ctx.exit(report(db, name, output, force, as_json))


@fuzz.command("merge")
@click.argument("names", nargs=-1, required=True)
@click.option("--name", "into", required=True, help="Of the new campaign.")
@click.option("--jobs", "-j", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes.")
@db_option
@click.pass_context
def fuzz_merge(ctx: click.Context, /, names: tuple[str, ...], into: str, jobs: int, db: str) -> None:
    """Begin a campaign with the corpora of others: the fewest cases that show all that theirs have shown.

    With one name, its corpus is made smaller. The others stay as they are.

    \b
    Example:
      offhook fuzz merge night --name smaller
    """
    from tools.fuzz.running import merge

    ctx.exit(merge(db, names, into, jobs))


@fuzz.command("recheck")
@click.argument("name", required=False)
@click.option("--fixed", metavar="FOLDER", help="Write the stories of those that hold now as scenarios.")
@db_option
@json_option
@click.pass_context
def fuzz_recheck(ctx: click.Context, name: str | None, fixed: str | None, db: str, as_json: bool) -> None:
    """Say which findings of a campaign still fail on today's code; exit code 1 if any does.

    \b
    Examples:
      offhook fuzz recheck
      offhook fuzz recheck --fixed regressions
    """
    from tools.fuzz.running import recheck

    ctx.exit(recheck(db, name, fixed, as_json))


@fuzz.command("try")
@click.argument("scenario")
@click.option("--firmware", default="", metavar="MODULE:NAME", help="Try it on this variant of the phone.")
@click.option("--check", "checks", multiple=True, metavar="MODULE:NAME", help="Verdicts of your own; may be repeated.")
@json_option
@click.pass_context
def fuzz_try(ctx: click.Context, scenario: str, firmware: str, checks: tuple[str, ...], as_json: bool) -> None:
    """Hold one story against the verdicts; exit code 1 if one does not hold.

    \b
    Example:
      offhook fuzz try scenarios/first-boot-option-160.toml
    """
    from tools import printing
    from tools.fuzz import tried

    found = tried(scenario, firmware=firmware, checks=checks)
    if as_json:
        printing.as_json([{"verdict": v.verdict, "rule": v.rule, "text": v.text, "n": v.n} for v in found])
    elif not found:
        printing.say(printing.styled("every verdict holds", "right"))
    for each in () if as_json else found:
        printing.say(printing.styled(f"{each.verdict} ({each.rule or 'no rule'}): {each.text}", "wrong"))
    ctx.exit(NO if found else AS_EXPECTED)


@click.command()
@click.argument("finding", type=click.IntRange(1))
@click.option("--campaign", "name", help="Default: the newest.")
@click.option("--tries", type=click.IntRange(1), default=3_000, show_default=True, help="Stories to be tried.")
@click.option("--out", default=FOUND, show_default=True, help="Folder for the finding.")
@db_option
@click.pass_context
def shrink(ctx: click.Context, finding: int, name: str | None, tries: int, out: str, db: str) -> None:
    """Make a finding smaller than its campaign did. FINDING is its number in `offhook fuzz report`.

    \b
    Example:
      offhook shrink 1 --tries 200
    """
    from tools.fuzz.running import shrink_more

    ctx.exit(shrink_more(db, name, finding, tries, out))
