"""The command ``offhook serve``: it parses, calls the function of :mod:`tools.serve` and prints."""

from __future__ import annotations

from contextlib import ExitStack

import click

from tools.exits import BAD
from tools.options import db_option, secrets_option


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8466, show_default=True, help="0: any that is free.")
@click.option("--open", "opens", is_flag=True, help="Open the browser.")
@click.option("--tables", "shows_tables", is_flag=True, help="Start Datasette beside it; it shows values UNMASKED.")
@secrets_option
@db_option
@click.pass_context
def serve(ctx: click.Context, /, port: int, opens: bool, shows_tables: bool, secrets: bool, db: str) -> None:
    """Look at runs in the browser, and compare two of them: a small web page on 127.0.0.1 only. Ctrl-C ends it.

    Passwords and keys are hidden unless you say --secrets. --tables starts Datasette as it is, for the tables
    themselves (pip install 'offhook[tables]'); nothing in those is hidden.

    \b
    Examples:
      offhook serve --open
      offhook serve --port 0 --tables --db night.db
    """
    from emulator.log.store import LogError
    from tools import printing
    from tools.serve import serve as serve_runs
    from tools.tables import tables

    def ready(address: str) -> None:
        printing.say(f"{address}  (Ctrl-C ends it)")
        if opens:
            click.launch(address)

    try:
        with ExitStack() as stack:
            place = stack.enter_context(tables(db)) if shows_tables else ""
            serve_runs(db, port=port, secrets=secrets, tables=place, ready=ready)
    except KeyboardInterrupt:
        pass
    except LogError as error:
        click.echo(f"offhook: {error}", err=True)
        ctx.exit(BAD)
    printing.note("stopped")
