"""The command ``offhook why``: it parses, calls the function of :mod:`tools.why` and prints."""

from __future__ import annotations

import click

from tools.options import db_option, json_option, secrets_option

DEPTH = "Grounds of grounds that are told; default: 4. With -v: links back; default: all."


@click.command()
@click.argument("run", metavar="RUN[@N]")
@click.argument("target", required=False)
@click.option("--phone", type=click.IntRange(0), default=0, show_default=True, help="Which phone of a run of many.")
@click.option("--depth", type=click.IntRange(0), metavar="N", help=DEPTH)
@click.option("--verbose", "-v", is_flag=True, help="Also every event that it comes from.")
@db_option
@secrets_option
@json_option
def why(
    run: str, target: str | None, phone: int, depth: int | None, verbose: bool, db: str, secrets: bool, as_json: bool
) -> None:
    """Say why something is so: the chain of causes and grounds back to what came from outside.

    TARGET is setting:NAME, flash:ADDRESS, display, display:TEXT or outcome, just after event N or at the end; without
    it, event N is explained, or the outcome. A line with an arrow led to the line above it; a line with "because"
    is what the phone decided on, and "from flash" what it had written there, maybe before a restart.

    \b
    Examples:
      offhook why 1
      offhook why 1@60
      offhook why 1 setting:SYSLOG_SEVERITY
      offhook why 1@60 setting:SIP_PASS/1
      offhook why 1 flash:0x1200
      offhook why 1 display
    """
    from tools import printing
    from tools.why import why as answer
    from tools.why.telling import report, why_json

    found = answer(run, target, db=db, phone=phone, secrets=secrets, depth=depth, whole=verbose)
    if as_json:
        printing.as_json(why_json(found, secrets))
    else:
        report(found, secrets)
