"""The command ``offhook live``: it parses, calls the function of :mod:`tools.live` and prints."""

from __future__ import annotations

from typing import Any

import click

from tools.exits import BAD
from tools.options import db_option, json_option

DHCP = "off: the interface has an address. full: the phone asks for one itself (root)."


@click.command()
@click.argument("scenario", required=False)
@click.option("--url", metavar="URL", default="", help="Of the provisioning server, as if typed into the phone.")
@click.option("--interface", "-i", metavar="NAME", default="", help="Default: the one that leads to URL.")
@click.option("--address", metavar="IP", default="", help="Of the (first) phone, without DHCP; this machine has it.")
@click.option("--dhcp", type=click.Choice(["off", "full"]), default="off", show_default=True, help=DHCP)
@click.option("--mac", metavar="HEX", default="", help="Of the (first) phone; default: the scenario's or interface's.")
@click.option("--count", type=click.IntRange(1, 10_000), help="So many phones, with MAC addresses one after the other.")
@click.option("--rate", type=click.FloatRange(0, 10_000), default=0.0, help="Phones switched on a second; 0: at once.")
@click.option("--until", metavar="STEP|EVENT|TIME", help="Stop there; default: when each phone's first run has ended.")
@click.option("--stay", is_flag=True, help="Stay on until Ctrl-C.")
@click.option("--seed", type=click.IntRange(0), help="Of the phones' own randomness; default: drawn.")
@click.option("--all", "every", is_flag=True, help="Print every event, not only those that matter.")
@click.option("--quiet", "-q", is_flag=True, help="Print only what came of it.")
@click.option("--no-store", is_flag=True, help="Do not keep the run.")
@db_option
@json_option
@click.pass_context
def live(ctx: click.Context, /, scenario: str | None, db: str, no_store: bool, **wishes: Any) -> None:
    """Put the phone on a real interface, against real servers, and record what happens.

    SCENARIO gives the phone and what is expected; its servers are left out. The recording replays without a network.
    Exit code 0 if all expectations hold; without any, if the phone was provisioned.

    \b
    Examples:
      offhook live --url http://127.0.0.1:8080/
      offhook live --url http://192.0.2.20/ --count 200 --rate 50
      offhook live my-phone.toml --interface eth1 --dhcp full --stay
    """
    from emulator.world.live.place import PlaceError
    from tools.live import Where
    from tools.living import Wish, live_command

    here = {name: wishes.pop(name) for name in ("url", "interface", "address", "dhcp", "mac", "rate")}
    where = Where(count=wishes.pop("count") or 0, **here)
    try:
        ctx.exit(live_command(scenario, Wish(None if no_store else db, where, **wishes)))
    except PlaceError as error:
        click.echo(f"offhook: {error}", err=True)
        ctx.exit(BAD)
