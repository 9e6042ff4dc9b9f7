"""The command ``offhook diff``: it parses, calls the function of :mod:`tools.diff` and prints."""

from __future__ import annotations

import click

from tools.exits import AS_EXPECTED, NO
from tools.options import Time, db_option, json_option


@click.command()
@click.argument("a", required=False)
@click.argument("b", required=False)
@db_option
@click.option("--db-b", metavar="DB", help="The database of B, if it is another one.")
@click.option("--noise", multiple=True, metavar="RULE", help="Mask FIELD, KIND.FIELD or KIND/REGEX too.")
@click.option("--rules", is_flag=True, help="List the noise that is masked anyway.")
@click.option(
    "--tolerance",
    type=Time("50ms or 1s"),
    default="50ms",
    show_default=True,
    help="By how much an answer may come later.",
)
@click.option("--verbose", "-v", is_flag=True, help="Tell every difference.")
@json_option
@click.pass_context
def diff(
    ctx: click.Context,
    /,
    a: str | None,
    b: str | None,
    db: str,
    db_b: str | None,
    noise: tuple[str, ...],
    rules: bool,
    tolerance: int,
    verbose: bool,
    as_json: bool,
) -> None:
    """Say in what two runs differ, and what made it so: every difference stands under the one that caused it.

    Events are aligned by what they are about, not by their place; what the dice and the clock make is masked. Of A and
    B, each is a RUN, RUN@N or an exported file. Exit code 0 if they are equal, 1 if not.

    \b
    Marks: - only in A, + only in B, ~ another value, > later and < earlier in B, % in another order.

    \b
    Examples:
      offhook diff 1 2
      offhook diff 1 case-4711.jsonl -v
      offhook diff 1@60 2@60 --noise SettingChanged.value
      offhook diff --rules
    """
    from tools import printing
    from tools.diff import diff as compare
    from tools.diff.telling import Telling, diff_json, rules_lines

    if rules:
        for line in rules_lines():
            printing.say(line)
        return
    if a is None or b is None:
        raise click.UsageError("give the two runs A and B")
    progress = printing.Progress()
    found = compare(a, b, db=db, db_b=db_b, noise=noise, tolerance=tolerance, progress=progress.events("read"))
    progress.clear()
    if as_json:
        printing.as_json(diff_json(found))
    else:
        for line in Telling(printing.styled, printing.width(), verbose).lines(found):
            printing.say(line)
    ctx.exit(AS_EXPECTED if found.equal else NO)
