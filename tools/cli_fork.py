"""The command ``offhook fork``: it parses, calls the function of :mod:`tools.fork` and prints."""

from __future__ import annotations

from os.path import isfile
from typing import TYPE_CHECKING, Any

import click

from tools.exits import AS_EXPECTED
from tools.options import Time, db_option, json_option

if TYPE_CHECKING:
    from tools.fork import Wish

FILE_LIMIT = 4_000_000
"""Longest file that is read for a change, in bytes."""


@click.command()
@click.argument("run", metavar="RUN[@N]")
@click.option(
    "--set", "sets", multiple=True, metavar="FIELD=VALUE", help="Change a field of input N. @FILE: from a file."
)
@click.option("--drop", is_flag=True, help="Have input N not happen.")
@click.option(
    "--insert", "inserts", multiple=True, metavar="EVENT", help="An input after event N: KIND, JSON or a file."
)
@click.option("--with-file", "files", multiple=True, metavar="URL=FILE", help="Serve FILE as URL from there on.")
@click.option("--firmware-option", "options", multiple=True, metavar="NAME=VALUE", help="Another reading of the guide.")
@click.option("--until", type=Time("30s or 2h"), help="How long it runs; default: as long as its parent was to.")
@click.option("--as-scenario", "path", metavar="FILE", help="Write it as a scenario; without a change, RUN itself.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option("--verbose", "-v", is_flag=True, help="Tell every difference.")
@db_option
@json_option
@click.pass_context
def fork(
    ctx: click.Context, /, run: str, db: str, path: str | None, force: bool, verbose: bool, as_json: bool, **wishes: Any
) -> None:
    """Go on from an event of a run with one thing otherwise, and say what that makes.

    N is the input that is changed or dropped; `offhook show` numbers them. The fork shares its parent's events and is a
    run like any other. A simulated run goes on in its world; of a recording, servers answer as they did.

    \b
    Fields are those of `offhook events KIND`. Besides, a DHCP message has option160 and its like, yiaddr and siaddr; a
    SIP message start, header.NAME and body; an HTTP answer header.NAME. An empty value takes an option or header away.
    An event is a kind, its JSON, or a file that holds that.

    \b
    Examples:
      offhook fork 1@18 --set option160=
      offhook fork 1@59 --set status=404 --set body=
      offhook fork 1@18 --drop
      offhook fork 1@27 --insert LinkDown
      offhook fork 1@20 --with-file http://192.0.2.20/ConfigCommon.cfg=new.cfg
      offhook fork 1 --firmware-option pnp_vendor_parameter=vender
      offhook fork 1 --as-scenario case-4711.toml
    """
    from datetime import UTC, datetime

    from tools.fork import Wish

    wish = Wish(
        sets={name: value_in(value) for name, value in map(named, wishes["sets"])},
        drop=wishes["drop"],
        inserts=tuple(map(event_in, wishes["inserts"])),
        files={url: read(file) for url, file in map(url_and_file, wishes["files"])},
        options=dict(map(named, wishes["options"])),
        until=wishes["until"],
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
    )
    name = run
    if wish.changes or path is None:
        name = gone_on(run, wish, db, verbose, as_json)
    if path is not None:
        write(name, db, path, force)
    ctx.exit(AS_EXPECTED)


def gone_on(run: str, wish: Wish, db: str, verbose: bool, as_json: bool) -> str:
    """Fork, and tell what that makes; the number of the fork."""
    from tools import printing
    from tools.diff.telling import Telling, diff_json
    from tools.fork import fork as fork_run

    progress = printing.Progress()
    done = fork_run(run, wish, db=db, progress=progress.events("gone through"))
    progress.clear()
    for line in done.notes:
        printing.note(line)
    if as_json:
        printing.as_json({**printing.info_json(done.child), "diff": diff_json(done.diff)})
        return str(done.child.id)
    printing.say(f"run {done.child.id}: fork of run {done.parent.id} after event {done.upto:,}, {done.child.outcome}")
    for line in Telling(printing.styled, printing.width(), verbose).lines(done.diff):
        printing.say(line)
    return str(done.child.id)


def write(name: str, db: str, path: str, force: bool) -> None:
    """Write a run as a scenario, and tell how it is run."""
    from pathlib import Path

    from tools import printing
    from tools.fork.scenarios import as_scenario
    from tools.locate import located

    with located(name, db) as found:
        written = as_scenario(found, Path(path), force=force)
    beside = f", with {len(written.content)} files beside it" if written.content else ""
    printing.note(f"{path}: written{beside}; `offhook run {path}` runs it")


def named(text: str) -> tuple[str, str]:
    """``NAME=VALUE`` in two."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise click.UsageError(f"{text!r}: give NAME=VALUE")
    return name, value


def url_and_file(text: str) -> tuple[str, str]:
    """``URL=FILE`` in two; a URL may hold an equals sign, the name of a file hardly does."""
    url, sign, file = text.rpartition("=")
    if not sign or not url:
        raise click.UsageError(f"{text!r}: give URL=FILE")
    return url, file


def value_in(text: str) -> str:
    """A value as it is, or, behind ``@``, that of a file."""
    if not text.startswith("@"):
        return text
    from emulator.events.codec import payload_to_text

    return payload_to_text(read(text[1:]))


def event_in(text: str) -> str:
    """An event as it is, or that of a file."""
    return read(text).decode("utf-8", "replace") if isfile(text) else text


def read(name: str) -> bytes:
    """A file that a change needs."""
    try:
        with open(name, "rb") as file:
            data = file.read(FILE_LIMIT + 1)
    except OSError as error:
        raise click.UsageError(f"{name}: {(error.strerror or 'cannot be read').lower()}") from None
    if len(data) > FILE_LIMIT:
        raise click.UsageError(f"{name}: longer than {FILE_LIMIT:,} bytes")
    return data
