"""Verbs that are loaded when they are used: their names, what they do, and where they are."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

import click

from tools.options import InOrder


class Verb(NamedTuple):
    """A verb in a module of its own. does: how its help begins, which ``offhook --help`` prints without loading it."""

    module: str
    does: str


VERBS = {
    "live": Verb("cli_live", "Put the phone on a real interface, against real servers."),
    "replay": Verb("cli_replay", "Feed the recorded inputs to today's code and compare."),
    "diff": Verb("cli_diff", "Say in what two runs differ, and what made it so."),
    "why": Verb("cli_why", "Say why something is so."),
    "fork": Verb("cli_fork", "Go on from an event of a run with one thing otherwise."),
    "export": Verb("cli_export", "Write a run as one file, in one of these forms."),
    "import": Verb("cli_export", "Read an exported run into the database."),
    "serve": Verb("cli_serve", "Look at runs in the browser, and compare two of them."),
    "cuts": Verb("cli_cuts", "Cut the power in every flash operation of SCENARIO."),
    "fuzz": Verb("cli_fuzz", "Look for a story in which something goes wrong that must not."),
    "shrink": Verb("cli_fuzz", "Make a finding smaller than its campaign did."),
    "flash": Verb("cli_flash", "Flash images by hand: build, inspect, compare, change and convert."),
}
"""By name; the function has that name too, behind which an underscore keeps it from being a word of Python."""
ORDER = (
    *("run", "live", "runs", "show", "state", "diff", "why", "fork", "replay", "verify", "export", "import", "serve"),
    *("cuts", "fuzz", "shrink", "flash", "check", "scenarios", "events", "params", "boundaries"),
)
"""All verbs as a story tells them."""


class Verbs(InOrder):
    """A group that knows of :data:`VERBS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in order."""
        return [*ORDER, *(name for name in self.commands if name not in ORDER)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A verb, loaded now if it has not been."""
        verb = VERBS.get(cmd_name)
        if verb is not None and cmd_name not in self.commands:
            module = import_module(f"tools.{verb.module}")
            self.commands[cmd_name] = getattr(module, cmd_name, None) or getattr(module, f"{cmd_name}_")
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that was meant; of one that is misspelled, the nearest is told."""
        from difflib import get_close_matches

        name = args[0]
        near = [] if self.get_command(ctx, name) is not None else get_close_matches(name, self.list_commands(ctx), 1)
        if near:
            ctx.fail(f"there is no verb {name!r}; did you mean {near[0]}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs, without loading them."""
        names = self.list_commands(ctx)
        limit = formatter.width - 6 - max(map(len, names))
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._does(name, limit)) for name in names])

    def _does(self, name: str, limit: int) -> str:
        if name in VERBS:
            found: Any = click.Command(name, help=VERBS[name].does)
        else:
            found = self.commands[name]
        return str(found.get_short_help_str(limit))
