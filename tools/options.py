"""Options that many verbs of the command have, and the order of verbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class InOrder(click.Group):
    """A group whose verbs stay in the order of their definition."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, as a story tells them."""
        return list(self.commands)


def db_option(function: F) -> F:
    """``--db``."""
    return click.option(
        "--db", envvar="OFFHOOK_DB", default="offhook.db", show_default=True, show_envvar=True, help="The run database."
    )(function)


def json_option(function: F) -> F:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON value for a program.")(function)


def secrets_option(function: F) -> F:
    """``--secrets``."""
    return click.option("--secrets", is_flag=True, help="Show passwords and keys.")(function)
