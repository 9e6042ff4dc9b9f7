"""The command ``offhook cuts``: it parses, calls the function of :mod:`tools.cuts` and prints."""

from __future__ import annotations

from typing import Any

import click

from tools.options import db_option, json_option

FOLLOW = "Each case to the end of the next provisioning run, or of the start only."


@click.command()
@click.argument("scenario")
@click.option("--depth", type=click.IntRange(1, 2), default=1, show_default=True, help="2: cut again in what follows.")
@click.option("--jobs", "-j", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes side by side.")
@click.option("--budget", metavar="TIME", help="Stop after so long (60s, 10min), with a partial certificate.")
@click.option("--samples", type=click.IntRange(1, 64), default=1, show_default=True, help="Of each word and erasure.")
@click.option("--follow", type=click.Choice(["full", "mount"]), default="full", show_default=True, help=FOLLOW)
@click.option("--seed", type=click.IntRange(0), help="Instead of the scenario's seed.")
@click.option(
    "--phone", type=click.IntRange(0), default=0, show_default=True, help="Which phone of a scenario of many."
)
@click.option("--failures", default="cuts-found", show_default=True, metavar="FOLDER", help="For cases that fail.")
@click.option("--fresh", is_flag=True, help="Judge again what this code has judged before.")
@click.option("--no-store", is_flag=True, help="Do not keep what was judged.")
@db_option
@json_option
@click.pass_context
def cuts(ctx: click.Context, /, scenario: str, db: str, no_store: bool, budget: str | None, **wishes: Any) -> None:
    """Cut the power in every flash operation of SCENARIO, and judge what becomes of the phone. Prints a certificate.

    Each operation is torn at every byte, in samples of its bits, half-way through an erasure, and with a word that
    reads both ways. Then the phone starts: it has to hold the old configuration or the new, whole, keep to it, and be
    provisioned by its next run. A sweep that was stopped goes on where it was. A case that fails is stored as a
    scenario.

    \b
    Examples:
      offhook cuts scenarios/first-boot-option-160.toml
      offhook cuts scenarios/first-boot-option-160.toml --depth 2 --jobs 2
      offhook cuts my-case.toml --budget 60s --json
    """
    from tools.cuts.command import Wish, cuts_command

    wish = Wish(db=None if no_store else db, budget=seconds_of(budget), **wishes)
    ctx.exit(cuts_command(scenario, wish))


def seconds_of(text: str | None) -> float | None:
    """``60s`` in seconds."""
    if text is None:
        return None
    from emulator.world.toml import duration

    try:
        return duration(text) / 1e9
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--budget") from None
