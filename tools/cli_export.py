"""The commands ``offhook export`` and ``offhook import``: they parse, call the functions and print."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from tools.exports.forms import FORMS, Form, form_for
from tools.options import db_option, json_option

if TYPE_CHECKING:
    from tools.exports.exporting import Exported

OUTPUT = "The file, or - for standard output; default: SCENARIO-DIGEST.SUFFIX here, of mermaid standard output."
SECRETS = "Show passwords and keys in mermaid, perfetto and html; the others hold them in any case."


HELP = """Write a run as one file, in one of these forms; the suffix of the file stands for the form.

\b
{}

Of mermaid and perfetto, RUN@N is the run up to event N, and of html a page that is opened there. Which passwords and
keys jsonl and pcapng hold is said on standard error.

\b
Examples:
  offhook export 1
  offhook export 1 -o case-4711.jsonl
  offhook export 1 -o case-4711.pcapng
  offhook export 1@60 --to mermaid
  offhook export 1 --to perfetto -o trace.json
  offhook export 1 --to html -o case-4711.html
"""


def forms() -> str:
    """The forms, a line each."""
    return "\n".join(f"{form.name:<9} {form.suffixes[0]:<8} {form.about}" for form in FORMS.values())


@click.command(help=HELP.format(forms()))
@click.argument("run", metavar="RUN[@N]")
@click.option("--to", "form", type=click.Choice(list(FORMS)), help="The form; default: by the suffix of -o, or jsonl.")
@click.option("--output", "-o", metavar="FILE", help=OUTPUT)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option("--from", "since", type=click.IntRange(1), metavar="N", help="Of mermaid: begin with this event.")
@click.option("--phone", type=click.IntRange(0), help="Of mermaid and perfetto: only this phone of a run of many.")
@click.option("--secrets", is_flag=True, help=SECRETS)
@db_option
def export(run: str, form: str | None, output: str | None, force: bool, **wishes: Any) -> None:
    """Carry it out and say what was written."""
    from tools import printing
    from tools.exports import exporting

    chosen = form_for(form, None if output == "-" else output)
    progress = printing.Progress()
    wishes |= {"to": chosen.name, "progress": progress.events("written")}
    if output == "-" or (output is None and chosen.printed):
        made = exporting.export_to(standard_output(chosen), run, **wishes)
    else:
        made = exporting.export(run, output, overwrite=force, **wishes)
    progress.clear()
    report(made)


def standard_output(form: Form) -> BinaryIO:
    """Where bytes go. Raises LogError for what would only garble a terminal."""
    from emulator.log.store import LogError

    if form.binary and sys.stdout.isatty():
        raise LogError(f"{form.name} is no text; name a file with -o, or pipe it")
    return sys.stdout.buffer


def report(made: Exported) -> None:
    """What was written, and what is to be known of it; standard output may be the run itself."""
    from tools import printing

    info, told = made.info, made.told
    if made.path is not None:
        parts = f" {told.number:,} {told.of}," if told.of else ""
        printing.say(f"{made.path}: run {info.id}, {info.events:,} events,{parts} {told.size:,} bytes")
    if told.secrets:
        printing.note(f"it holds secrets: {', '.join(told.secrets)}")
    if told.note:
        printing.note(told.note)


@click.command("import")
@click.argument("file")
@db_option
@json_option
def import_(file: str, db: str, as_json: bool) -> None:
    """Read an exported run into the database, verified event by event.

    \b
    Example:
      offhook import case-4711.jsonl
    """
    from tools import importing, printing

    progress = printing.Progress()
    info = importing.import_run(file, db=db, progress=progress.events("read"))
    progress.clear()
    if as_json:
        printing.as_json(printing.info_json(info))
    else:
        printing.say(f"run {info.id}: {info.header.name}, {info.events:,} events, {info.outcome or info.state}")
